"""The losses that are no cross-entropies, as one writes them by hand in vectorised NumPy; imported by vectorised.py."""

import math

import numpy as np

from reference.losses import EPSILON


def mean_squared_error(y_true, y_pred):
    return np.square(y_pred - y_true).mean(axis=1)


def mean_squared_error_gradient(y_true, y_pred):
    return (y_pred - y_true) * (2 / y_pred.size)


def mean_absolute_error(y_true, y_pred):
    return np.abs(y_pred - y_true).mean(axis=1)


def mean_absolute_error_gradient(y_true, y_pred):
    return np.sign(y_pred - y_true) / y_pred.size


def mean_absolute_percentage_error(y_true, y_pred):
    return 100 * np.abs((y_true - y_pred) / magnitudes(y_true)).mean(axis=1)


def mean_absolute_percentage_error_gradient(y_true, y_pred):
    return 100 * np.sign(y_pred - y_true) / magnitudes(y_true) / y_pred.size


def mean_squared_logarithmic_error(y_true, y_pred):
    return np.square(logarithmic_errors(y_true, y_pred)).mean(axis=1)


def mean_squared_logarithmic_error_gradient(y_true, y_pred):
    slopes = 2 * logarithmic_errors(y_true, y_pred) / (y_pred + 1)
    return np.where(y_pred > EPSILON, slopes / y_pred.size, 0)


def huber(y_true, y_pred, delta):
    size = np.abs(y_pred - y_true)
    return np.where(size <= delta, 0.5 * np.square(size), delta * size - 0.5 * delta**2).mean(axis=1)


def huber_gradient(y_true, y_pred, delta):
    return np.clip(y_pred - y_true, -delta, delta) / y_pred.size


def log_cosh(y_true, y_pred):
    size = np.abs(y_pred - y_true)
    return (size + np.log1p(np.exp(-2 * size)) - math.log(2)).mean(axis=1)


def log_cosh_gradient(y_true, y_pred):
    return np.tanh(y_pred - y_true) / y_pred.size


def poisson(y_true, y_pred):
    return (y_pred - y_true * np.log(y_pred + EPSILON)).mean(axis=1)


def poisson_gradient(y_true, y_pred):
    return (1 - y_true / (y_pred + EPSILON)) / y_pred.size


def poisson_from_logits(y_true, logits):
    return (np.exp(logits) - y_true * logits).mean(axis=1)


def poisson_from_logits_gradient(y_true, logits):
    return (np.exp(logits) - y_true) / logits.size


def hinge(y_true, y_pred):
    return np.maximum(1 - y_true * y_pred, 0).mean(axis=1)


def hinge_gradient(y_true, y_pred):
    return np.where(y_true * y_pred < 1, -y_true / y_pred.size, 0)


def squared_hinge(y_true, y_pred):
    return np.square(np.maximum(1 - y_true * y_pred, 0)).mean(axis=1)


def squared_hinge_gradient(y_true, y_pred):
    return -2 * y_true * np.maximum(1 - y_true * y_pred, 0) / y_pred.size


def categorical_hinge(y_true, y_pred):
    return np.maximum(((1 - y_true) * y_pred).max(axis=1) - (y_true * y_pred).sum(axis=1) + 1, 0)


def categorical_hinge_gradient(y_true, y_pred):
    rows, rival = np.arange(len(y_pred)), ((1 - y_true) * y_pred).argmax(axis=1)
    gradient = -y_true
    gradient[rows, rival] += 1 - y_true[rows, rival]
    gradient *= (categorical_hinge(y_true, y_pred) > 0)[:, np.newaxis]
    return gradient / len(y_pred)


def kl_divergence(y_true, y_pred):
    truth = np.clip(y_true, EPSILON, 1)
    return (truth * np.log(truth / np.clip(y_pred, EPSILON, 1))).sum(axis=1)


def kl_divergence_gradient(y_true, y_pred):
    slopes = -np.clip(y_true, EPSILON, 1) / y_pred
    return np.where((y_pred >= EPSILON) & (y_pred <= 1), slopes / len(y_pred), 0)


def kl_divergence_from_logits(y_true, logits):
    truth, shifted = np.clip(y_true, EPSILON, 1), logits - logits.max(axis=1, keepdims=True)
    surprises = np.log(np.exp(shifted).sum(axis=1, keepdims=True)) - shifted
    return (truth * (np.log(truth) + surprises)).sum(axis=1)


def kl_divergence_from_logits_gradient(y_true, logits):
    truth, powers = np.clip(y_true, EPSILON, 1), np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    return (shares * truth.sum(axis=1, keepdims=True) - truth) / len(logits)


def cosine_similarity(y_true, y_pred):
    return -(y_true / lengths(y_true) * (y_pred / lengths(y_pred))).sum(axis=1)


def cosine_similarity_gradient(y_true, y_pred):
    along = -cosine_similarity(y_true, y_pred)[:, np.newaxis] * (lengths(y_pred) > EPSILON)
    return (along * y_pred / lengths(y_pred) - y_true / lengths(y_true)) / (lengths(y_pred) * len(y_pred))


def magnitudes(y_true):
    return np.maximum(np.abs(y_true), EPSILON)


def logarithmic_errors(y_true, y_pred):
    return np.log(np.maximum(y_pred, EPSILON) + 1) - np.log(np.maximum(y_true, EPSILON) + 1)


def lengths(x):
    return np.maximum(np.sqrt(np.square(x).sum(axis=1, keepdims=True)), EPSILON)


def quantile(y_true, y_pred, quantiles):
    e = y_true - y_pred
    return np.where(e >= 0, quantiles * e, (quantiles - 1) * e).mean(axis=1)


def quantile_gradient(y_true, y_pred, quantiles):
    e = y_true - y_pred
    return np.where(e > 0, -quantiles, np.where(e < 0, 1 - quantiles, 0)) / e.size


def binary_focal_crossentropy(y_true, y_pred, alpha, beta, gamma):
    p = np.clip(y_pred, EPSILON, 1 - EPSILON)
    entropy = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    wrong = 1 - (y_true * y_pred + (1 - y_true) * (1 - y_pred))
    return ((y_true * alpha + (1 - y_true) * beta) * wrong**gamma * entropy).mean(axis=1)


def binary_focal_crossentropy_gradient(y_true, y_pred, alpha, beta, gamma):
    p = np.clip(y_pred, EPSILON, 1 - EPSILON)
    entropy = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    wrong = 1 - (y_true * y_pred + (1 - y_true) * (1 - y_pred))
    slope = np.where(p == y_pred, (1 - y_true) / (1 - p) - y_true / p, 0)
    growth = gamma * wrong ** (gamma - 1) * (1 - 2 * y_true) * entropy
    return (y_true * alpha + (1 - y_true) * beta) * (wrong**gamma * slope + growth) / y_pred.size


def binary_focal_crossentropy_from_logits(y_true, logits, alpha, beta, gamma):
    return binary_focal_crossentropy(y_true, 1 / (1 + np.exp(-logits)), alpha, beta, gamma)


def binary_focal_crossentropy_from_logits_gradient(y_true, logits, alpha, beta, gamma):
    p = 1 / (1 + np.exp(-logits))
    return binary_focal_crossentropy_gradient(y_true, p, alpha, beta, gamma) * (p * (1 - p))
