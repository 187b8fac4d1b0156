"""The kernels as one writes them by hand in vectorised NumPy: same names and arguments as in fastmlp.kernels.

They are what fastmlp has to beat. Equations, shapes and sources stand in the oracle; the losses return one value a row.
"""

import math

import numpy as np

from bench.vectorised_curves import *  # noqa: F403, and what is less common
from bench.vectorised_losses import *  # noqa: F403, the others
from reference.dropout import ALPHA, KEY_INCREMENTS, MULTIPLIERS, ROUNDS, WORD
from reference.losses import EPSILON
from reference.rectifiers import NEGATIVE_SLOPE, SELU_ALPHA, SELU_SCALE

ERF = np.frompyfunc(math.erf, 1, 1)  # NumPy has none

# Operations.


def relu(x):
    return np.maximum(x, 0)


def add(x, y):
    return x + y


def add_matrix_and_vector(x, y):
    return x + y


def vector_dot(x, y):
    return x @ y


def matrix_vector_dot(x, y):
    return x @ y


def matrix_dot(x, y):
    return x @ y


def transpose(x):
    return x.T.copy()


def reshape(x, rows, columns):
    return x.reshape(rows, columns).copy()


# Activations.


def linear(x):
    return x.copy()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def tanh(x):
    return np.tanh(x)


def softmax(x):
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def log_softmax(x):
    return -surprises(x)


def exponential(x):
    return np.exp(x)


def softsign(x):
    return x / (1 + np.abs(x))


def hard_sigmoid(x):
    return np.clip(x + 3, 0, 6) / 6


def leaky_relu(x):
    return np.maximum(x, NEGATIVE_SLOPE * x)


def relu6(x):
    return np.clip(x, 0, 6)


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def selu(x):
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))


def softplus(x):
    return np.logaddexp(x, 0)


def silu(x):
    return x * sigmoid(x)


def gelu(x):
    return x * normal_share(x)


def mish(x):
    return x * np.tanh(softplus(x))


def hard_silu(x):
    return x * hard_sigmoid(x)


def linear_gradient(y, dy):
    return dy.copy()


def relu_gradient(y, dy):
    return dy * (y > 0)


def sigmoid_gradient(y, dy):
    return dy * (y * (1 - y))


def tanh_gradient(y, dy):
    return dy * (1 - y * y)


def softmax_gradient(y, dy):
    return y * (dy - (dy * y).sum(axis=1, keepdims=True))


def log_softmax_gradient(y, dy):
    return dy - np.exp(y) * dy.sum(axis=1, keepdims=True)


def exponential_gradient(y, dy):
    return dy * y


def softsign_gradient(y, dy):
    return dy * np.square(1 - np.abs(y))


def hard_sigmoid_gradient(y, dy):
    return np.where((y > 0) & (y < 1), dy / 6, 0)


def leaky_relu_gradient(y, dy):
    return np.where(y > 0, dy, NEGATIVE_SLOPE * dy)


def relu6_gradient(y, dy):
    return dy * ((y > 0) & (y < 6))


def elu_gradient(y, dy):
    return np.where(y > 0, dy, dy * (y + 1))


def selu_gradient(y, dy):
    return np.where(y > 0, SELU_SCALE * dy, dy * (y + SELU_SCALE * SELU_ALPHA))


def softplus_gradient(y, dy):
    return -dy * np.expm1(-y)


def silu_gradient(x, dy):
    share = sigmoid(x)
    return dy * (share * (1 + x * (1 - share)))


def gelu_gradient(x, dy):
    return dy * (normal_share(x) + x * np.exp(-0.5 * np.square(x)) / np.sqrt(2 * np.pi).astype(x.dtype))


def mish_gradient(x, dy):
    inner = np.tanh(softplus(x))
    return dy * (inner + x * ((1 - inner * inner) * sigmoid(x)))


def hard_silu_gradient(x, dy):
    return dy * (hard_sigmoid(x) + np.where(np.abs(x) < 3, x / 6, 0))


def normal_share(x):
    return 0.5 * (1 + ERF(x * 0.5**0.5).astype(x.dtype))


# Losses.


def smooth_labels(y_true, label_smoothing, classes):
    return y_true * (1 - label_smoothing) + label_smoothing / classes


def categorical_crossentropy(y_true, y_pred):
    shares = y_pred / y_pred.sum(axis=1, keepdims=True)
    return -(y_true * np.log(clip(shares))).sum(axis=1)


def categorical_crossentropy_gradient(y_true, y_pred):
    total = y_pred.sum(axis=1, keepdims=True)
    shares = y_pred / total
    slopes = np.where(is_inside(shares), -y_true / shares, 0)
    return (slopes - (slopes * shares).sum(axis=1, keepdims=True)) / (total * len(y_pred))


def categorical_focal_crossentropy(y_true, y_pred, alpha, gamma):
    shares = clip(y_pred / y_pred.sum(axis=1, keepdims=True))
    return -(y_true * (alpha * (1 - shares) ** gamma * np.log(shares))).sum(axis=1)


def categorical_focal_crossentropy_gradient(y_true, y_pred, alpha, gamma):
    total = y_pred.sum(axis=1, keepdims=True)
    shares = y_pred / total
    kept = clip(shares)
    growth = gamma * (1 - kept) ** (gamma - 1) * np.log(kept)
    slopes = np.where(is_inside(shares), y_true * alpha * (growth - (1 - kept) ** gamma / kept), 0)
    return (slopes - (slopes * shares).sum(axis=1, keepdims=True)) / (total * len(y_pred))


def sparse_categorical_crossentropy(y_true, y_pred):
    return -np.log(clip(y_pred[np.arange(len(y_pred)), y_true] / y_pred.sum(axis=1)))


def sparse_categorical_crossentropy_gradient(y_true, y_pred):
    rows = np.arange(len(y_pred))
    total = y_pred.sum(axis=1)
    share = y_pred[rows, y_true] / total
    slope = np.where(is_inside(share), -1 / share, 0)
    gradient = np.repeat((-slope * share)[:, np.newaxis], y_pred.shape[1], axis=1)
    gradient[rows, y_true] += slope
    gradient /= (total * len(y_pred))[:, np.newaxis]
    return gradient


def binary_crossentropy(y_true, y_pred):
    inside = clip(y_pred)
    return -(y_true * np.log(inside) + (1 - y_true) * np.log(1 - inside)).mean(axis=1)


def binary_crossentropy_gradient(y_true, y_pred):
    slopes = (1 - y_true) / (1 - y_pred) - y_true / y_pred
    return np.where(is_inside(y_pred), slopes / y_pred.size, 0)


def categorical_crossentropy_from_logits(y_true, logits):
    return (y_true * surprises(logits)).sum(axis=1)


def categorical_crossentropy_from_logits_gradient(y_true, logits):
    return (softmax(logits) * y_true.sum(axis=1, keepdims=True) - y_true) / len(logits)


def sparse_categorical_crossentropy_from_logits(y_true, logits):
    return surprises(logits)[np.arange(len(logits)), y_true]


def sparse_categorical_crossentropy_from_logits_gradient(y_true, logits):
    gradient = softmax(logits)
    gradient[np.arange(len(logits)), y_true] -= 1
    gradient /= len(logits)
    return gradient


def binary_crossentropy_from_logits(y_true, logits):
    return (np.maximum(logits, 0) - logits * y_true + np.log1p(np.exp(-np.abs(logits)))).mean(axis=1)


def binary_crossentropy_from_logits_gradient(y_true, logits):
    return (sigmoid(logits) - y_true) / logits.size


def categorical_focal_crossentropy_from_logits(y_true, logits, alpha, gamma):
    surprise = surprises(logits)
    return (y_true * alpha * (1 - np.exp(-surprise)) ** gamma * surprise).sum(axis=1)


def categorical_focal_crossentropy_from_logits_gradient(y_true, logits, alpha, gamma):
    shares = softmax(logits)
    rest = 1 - shares
    weights = y_true * alpha * (rest**gamma - gamma * rest ** (gamma - 1) * shares * np.log(shares))
    return (shares * weights.sum(axis=1, keepdims=True) - weights) / len(logits)


def clip(x):
    return np.clip(x, EPSILON, 1 - EPSILON)


def is_inside(x):
    return (x >= EPSILON) & (x <= 1 - EPSILON)


def surprises(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1, keepdims=True)) - shifted


# Optimizers, in place.


def sgd(w, g, learning_rate):
    w -= learning_rate * g


def momentum(w, g, m, learning_rate, momentum):
    m *= momentum
    m -= learning_rate * g
    w += m


def nesterov(w, g, m, learning_rate, momentum):
    descent = learning_rate * g
    m *= momentum
    m -= descent
    w += momentum * m - descent


def rmsprop(w, g, v, learning_rate, rho, epsilon):
    v *= rho
    v += (1 - rho) * np.square(g)
    w -= learning_rate * g / np.sqrt(v + epsilon)


def rmsprop_momentum(w, g, v, m, learning_rate, rho, momentum, epsilon):
    v *= rho
    v += (1 - rho) * np.square(g)
    m *= momentum
    m += learning_rate * g / np.sqrt(v + epsilon)
    w -= m


def rmsprop_centered(w, g, v, a, m, learning_rate, rho, momentum, epsilon):
    v *= rho
    v += (1 - rho) * np.square(g)
    a *= rho
    a += (1 - rho) * g
    m *= momentum
    m += learning_rate * g / np.sqrt(v - np.square(a) + epsilon)
    w -= m


def adagrad(w, g, a, learning_rate, epsilon):
    a += np.square(g)
    w -= learning_rate * g / np.sqrt(a + epsilon)


def adadelta(w, g, a, d, learning_rate, rho, epsilon):
    a *= rho
    a += (1 - rho) * np.square(g)
    stride = np.sqrt(d + epsilon) * g / np.sqrt(a + epsilon)
    d *= rho
    d += (1 - rho) * np.square(stride)
    w -= learning_rate * stride


def adam(w, g, m, v, learning_rate, beta_1, beta_2, epsilon, step):
    alpha = learning_rate * (1 - beta_2**step) ** 0.5 / (1 - beta_1**step)
    m += (g - m) * (1 - beta_1)
    v += (np.square(g) - v) * (1 - beta_2)
    w -= alpha * m / (np.sqrt(v) + epsilon)


def amsgrad(w, g, m, v, a, learning_rate, beta_1, beta_2, epsilon, step):
    alpha = learning_rate * (1 - beta_2**step) ** 0.5 / (1 - beta_1**step)
    m += (g - m) * (1 - beta_1)
    v += (np.square(g) - v) * (1 - beta_2)
    np.maximum(a, v, out=a)
    w -= alpha * m / (np.sqrt(a) + epsilon)


def adamax(w, g, m, u, learning_rate, beta_1, beta_2, epsilon, step):
    m += (g - m) * (1 - beta_1)
    np.maximum(beta_2 * u, np.abs(g), out=u)
    w -= learning_rate / (1 - beta_1**step) * m / (u + epsilon)


def nadam(w, g, m, v, learning_rate, beta_1, beta_2, epsilon, step):
    momenta = [beta_1 * (1 - 0.5 * 0.96**t) for t in range(1, step + 2)]
    product = math.prod(momenta[:-1])
    m += (g - m) * (1 - beta_1)
    v += (np.square(g) - v) * (1 - beta_2)
    mean = momenta[-1] / (1 - product * momenta[-1]) * m + (1 - momenta[-2]) / (1 - product) * g
    w -= learning_rate * mean / (np.sqrt(v / (1 - beta_2**step)) + epsilon)


def schedule_free_adamw(w, g, z, v, learning_rate, beta_1, beta_2, epsilon, warmup_steps, step):
    rate = learning_rate * min(step / warmup_steps, 1) if warmup_steps > 0 else learning_rate
    v += (np.square(g) - v) * (1 - beta_2)
    x = (w - (1 - beta_1) * z) / beta_1
    z -= rate * g / (np.sqrt(v / (1 - beta_2**step)) + epsilon)
    w[...] = (1 - beta_1) * z + beta_1 * ((1 - 1 / step) * x + z / step)


def lion(w, g, m, learning_rate, beta_1, beta_2):
    w -= learning_rate * np.sign(beta_1 * m + (1 - beta_1) * g)
    m *= beta_2
    m += (1 - beta_2) * g


def ftrl(w, g, a, z, learning_rate, learning_rate_power, l1, l2, l2_shrinkage, beta):
    before = a**-learning_rate_power
    a += np.square(g)
    after = a**-learning_rate_power
    z += g + 2 * l2_shrinkage * w - (after - before) / learning_rate * w
    w[...] = (np.clip(z, -l1, l1) - z) / (after / learning_rate + 2 * l2 + beta / learning_rate)


def clip_by_value(g, clipvalue):
    np.clip(g, -clipvalue, clipvalue, out=g)


def decay_weights(w, weight_decay, learning_rate):
    w -= w * (weight_decay * learning_rate)


def average_weights(average, w, ema_momentum, step):
    momentum = 0 if step == 1 else ema_momentum
    average *= momentum
    average += (1 - momentum) * w


# Dropout: the same generator as the oracle's, for all blocks of four words at once.


def philox4x32(counter, key):
    words = [np.asarray(word, np.uint64) for word in counter]
    for r in range(ROUNDS):
        round_key = [np.uint64((int(key[i]) + r * KEY_INCREMENTS[i]) % WORD) for i in range(2)]
        products = [np.uint64(MULTIPLIERS[i]) * words[2 * i] for i in range(2)]
        high, low = [p >> np.uint64(32) for p in products], [p & np.uint64(WORD - 1) for p in products]
        words = [high[1] ^ words[1] ^ round_key[0], low[1], high[0] ^ words[3] ^ round_key[1], low[0]]
    return np.stack(words, axis=-1).astype(np.uint32)


def dropout(x, rate, seed, step, layer):
    blocks = np.arange((x.size + 3) // 4)
    words = philox4x32((blocks, layer, step % WORD, step // WORD), (seed % WORD, seed // WORD))
    kept = words.reshape(-1)[: x.size].reshape(x.shape) >= int(rate * WORD)
    return x * kept * x.dtype.type(1 / (1 - rate))


def alpha_dropout(x, rate, seed, step, layer):
    a = 1 / math.sqrt((1 - rate) * (1 + rate * ALPHA**2))
    kept = dropout(np.ones_like(x), rate, seed, step, layer) > 0
    return x.dtype.type(a) * np.where(kept, x, x.dtype.type(ALPHA)) - x.dtype.type(a * ALPHA * rate)


def alpha_dropout_gradient(dy, rate, seed, step, layer):
    a = 1 / math.sqrt((1 - rate) * (1 + rate * ALPHA**2))
    return dy * (dropout(np.ones_like(dy), rate, seed, step, layer) > 0) * dy.dtype.type(a)


def gaussian_noise(x, stddev, seed, step, layer):
    return x + stddev * normals(x, seed, step, layer)


def gaussian_dropout(x, stddev, seed, step, layer):
    return x + x * stddev * normals(x, seed, step, layer)


def normals(x, seed, step, layer):
    blocks = np.arange((x.size + 3) // 4)
    words = philox4x32((blocks, layer, step % WORD, step // WORD), (seed % WORD, seed // WORD)).reshape(-1, 2)
    radius = np.sqrt(-2.0 * np.log((words[:, 0] + 1.0) / WORD))
    angle = 2.0 * np.pi * (words[:, 1] / WORD)
    drawn = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1).reshape(-1)[: x.size]
    return drawn.reshape(x.shape).astype(x.dtype)


# The dense layer.


def dense_forward(x, kernel, bias):
    return x @ kernel + bias


def dense_kernel_gradient(x, dz):
    return x.T @ dz


def dense_bias_gradient(dz):
    return dz.sum(axis=0)


def dense_input_gradient(dz, kernel):
    return dz @ kernel.T
