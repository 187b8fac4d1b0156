"""Activations of pieces and further ones with bends, as one writes them by hand in NumPy; imported by vectorised.py."""

import numpy as np

from reference.curves import GELU_CUBE, GELU_FACTOR


def hard_tanh(x):
    return np.clip(x, -1, 1)


def hard_tanh_gradient(y, dy):
    return dy * (np.abs(y) < 1)


def sparse_sigmoid(x):
    return 0.5 * (np.clip(x, -1, 1) + 1)


def sparse_sigmoid_gradient(y, dy):
    return 0.5 * dy * ((y > 0) & (y < 1))


def sparse_plus(x):
    return np.where(x <= -1, 0, np.where(x < 1, 0.25 * np.square(x + 1), x))


def sparse_plus_gradient(x, dy):
    return dy * sparse_sigmoid(x)


def rectifier(x, negative_slope, threshold, max_value):
    return np.where(x > threshold, np.minimum(x, max_value), negative_slope * (x - threshold))


def rectifier_gradient(x, dy, negative_slope, threshold, max_value):
    return dy * np.where(x > threshold, x < max_value, x.dtype.type(negative_slope))


def threshold(x, threshold, default_value):
    return np.where(x > threshold, x, x.dtype.type(default_value))


def threshold_gradient(x, dy, threshold, default_value):
    return dy * (x > threshold)


def hard_shrink(x, threshold):
    return x * (np.abs(x) > threshold)


def hard_shrink_gradient(x, dy, threshold):
    return dy * (np.abs(x) > threshold)


def soft_shrink(x, threshold):
    return x - np.clip(x, -threshold, threshold)


def soft_shrink_gradient(x, dy, threshold):
    return dy * (np.abs(x) > threshold)


def log_sigmoid(x):
    return -np.logaddexp(-x, 0)


def log_sigmoid_gradient(y, dy):
    return -dy * np.expm1(y)


def tanh_shrink(x):
    return x - np.tanh(x)


def tanh_shrink_gradient(x, dy):
    return dy * np.square(np.tanh(x))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(GELU_FACTOR * (x + GELU_CUBE * x * x * x)))


def gelu_tanh_gradient(x, dy):
    t = np.tanh(GELU_FACTOR * (x + GELU_CUBE * x * x * x))
    return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * GELU_FACTOR * (1 + 3 * GELU_CUBE * x * x))


def scaled_elu(x, alpha, width):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / width))


def scaled_elu_gradient(x, dy, alpha, width):
    return dy * np.where(x > 0, 1, alpha / width * np.exp(np.minimum(x, 0) / width))


def squareplus(x, b):
    return 0.5 * (x + np.sqrt(x * x + b))


def squareplus_gradient(x, dy, b):
    return dy * (0.5 * (1 + x / np.sqrt(x * x + b)))


def sparsemax(x):
    ordered = -np.sort(-x, axis=1)
    sums, counts = ordered.cumsum(axis=1), np.arange(1, x.shape[1] + 1, dtype=x.dtype)
    inside = (1 + counts * ordered > sums).sum(axis=1, keepdims=True)
    start = (np.take_along_axis(sums, inside - 1, axis=1) - 1) / inside.astype(x.dtype)
    return np.maximum(x - start, 0)


def sparsemax_gradient(y, dy):
    inside = (y > 0).astype(y.dtype)
    return inside * (dy - (dy * inside).sum(axis=1, keepdims=True) / inside.sum(axis=1, keepdims=True))
