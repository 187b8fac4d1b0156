"""Dropout and noise, with masks and normal numbers from the counter-based generator Philox4x32-10.

A counter-based generator is a function, not a sequence: the random words of an element depend on where the element is
and on which step of the training it is, never on what was drawn before. J. Salmon, M. Moraes, R. Dror and D. Shaw,
Parallel random numbers: as easy as 1, 2, 3, SC 2011.
"""

import math

__all__ = [
    "alpha_dropout",
    "alpha_dropout_gradient",
    "dropout",
    "gaussian_dropout",
    "gaussian_noise",
    "philox4x32",
]

WORD = 2**32
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_INCREMENTS = (0x9E3779B9, 0xBB67AE85)  # golden ratio and sqrt(3) - 1, times 2^32
ROUNDS = 10
ALPHA = -1.0507009873554805 * 1.6732632423543772  # what selu gives far below 0


def philox4x32(counter, key):
    """Four random words for a counter and a key, by ten rounds of multiply and exclusive or.

    Parameters
    ----------
    counter : [4] of int
        32-bit words.
    key : [2] of int
        32-bit words; each grows by its increment from round to round.

    Returns
    -------
    [4] of int
        32-bit words.
    """
    words = list(counter)
    for r in range(ROUNDS):
        round_key = [(key[i] + r * KEY_INCREMENTS[i]) % WORD for i in range(2)]
        words = philox_round(words, round_key)
    return words


def dropout(x, rate, seed, step, layer):
    """Set a share of the elements to 0 and scale up the others: y = x / (1 - rate) where kept.

    The gradient is the same function of dy, since seed, step and layer give the same mask again.
    N. Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, 2014 ("inverted" form).

    Parameters
    ----------
    x : [rows, columns]
    rate : float
        Share that is dropped, 0 <= rate <= 1.
    seed, step, layer : int
        What the mask depends on, besides the place in the matrix.

    Returns
    -------
    [rows, columns]
    """
    columns = len(x[0])
    words = random_words(len(x) * columns, seed, step, layer)
    threshold = int(rate * WORD)  # a word is below it with probability rate
    scale = 1.0 / (1.0 - rate) if rate < 1.0 else 0.0
    y = []
    for i, row in enumerate(x):
        y.append([row[j] * scale if words[i * columns + j] >= threshold else 0.0 for j in range(columns)])
    return y


def gaussian_noise(x, stddev, seed, step, layer):
    """Add numbers from a normal distribution: y = x + stddev * z.

    Two words u and v, as shares of 2^32, give two of them: sqrt(-2 log(u + 2^-32)) times cos(2 pi v) and sin(2 pi v).
    G. Box and M. Muller, A note on the generation of random normal deviates, 1958.

    Parameters
    ----------
    x : [rows, columns]
    stddev : float
        Standard deviation.
    seed, step, layer : int
        What the numbers depend on, besides the place in the matrix.

    Returns
    -------
    [rows, columns]
    """
    columns = len(x[0])
    normals = random_normals(len(x) * columns, seed, step, layer)
    return [[row[j] + stddev * normals[i * columns + j] for j in range(columns)] for i, row in enumerate(x)]


def gaussian_dropout(x, stddev, seed, step, layer):
    """Multiply by numbers about 1: y = x + x * (stddev * z), with z as in gaussian_noise.

    The gradient is the same function of dy. Its deviation is sqrt(rate / (1 - rate)) for what dropout of that rate
    does: N. Srivastava et al., 2014, section 10.

    Parameters
    ----------
    x : [rows, columns]
    stddev : float
    seed, step, layer : int

    Returns
    -------
    [rows, columns]
    """
    columns = len(x[0])
    normals = random_normals(len(x) * columns, seed, step, layer)
    return [[row[j] + row[j] * (stddev * normals[i * columns + j]) for j in range(columns)] for i, row in enumerate(x)]


def alpha_dropout(x, rate, seed, step, layer):
    """Dropout that keeps mean and variance of what selu gives: y = a * x + b where kept, a * ALPHA + b elsewhere.

    Here a = 1 / sqrt((1 - rate) (1 + rate ALPHA^2)) and b = -a rate ALPHA. G. Klambauer et al., Self-normalizing
    neural networks, 2017. The mask is that of dropout.

    Parameters
    ----------
    x : [rows, columns]
    rate : float
        Below 1.
    seed, step, layer : int

    Returns
    -------
    [rows, columns]
    """
    kept = dropout([[1.0] * len(row) for row in x], rate, seed, step, layer)
    a, b = alpha_scale(rate), alpha_shift(rate)
    return [
        [a * (v if k > 0.0 else ALPHA) + b for v, k in zip(*rows, strict=True)] for rows in zip(x, kept, strict=True)
    ]


def alpha_dropout_gradient(dy, rate, seed, step, layer):
    """Gradient of alpha_dropout: dx = a * dy where kept, else 0.

    Parameters
    ----------
    dy : [rows, columns]
    rate : float
    seed, step, layer : int

    Returns
    -------
    [rows, columns]
    """
    kept = dropout([[1.0] * len(row) for row in dy], rate, seed, step, layer)
    a = alpha_scale(rate)
    return [[a * d if k > 0.0 else 0.0 for d, k in zip(*rows, strict=True)] for rows in zip(dy, kept, strict=True)]


def alpha_scale(rate):
    """The a of alpha_dropout."""
    return 1.0 / math.sqrt((1.0 - rate) * (1.0 + rate * (ALPHA * ALPHA)))


def alpha_shift(rate):
    """The b of alpha_dropout."""
    return -alpha_scale(rate) * ALPHA * rate


def random_normals(count, seed, step, layer):
    """Numbers from the standard normal distribution, two from each two of random_words."""
    words, normals = random_words(count, seed, step, layer), []
    for i in range(0, len(words), 2):
        radius = math.sqrt(-2.0 * math.log((words[i] + 1.0) / WORD))
        angle = 2.0 * math.pi * (words[i + 1] / WORD)
        normals += [radius * math.cos(angle), radius * math.sin(angle)]
    return normals


def philox_round(words, round_key):
    """One round: both even words are multiplied, and their halves mixed with the odd words and the key."""
    high_0, low_0 = divmod(MULTIPLIERS[0] * words[0], WORD)
    high_1, low_1 = divmod(MULTIPLIERS[1] * words[2], WORD)
    return [high_1 ^ words[1] ^ round_key[0], low_1, high_0 ^ words[3] ^ round_key[1], low_0]


def random_words(count, seed, step, layer):
    """The first words of one mask: element e of the matrix, counted row by row, has word e % 4 of block e // 4."""
    key = [seed % WORD, seed // WORD]
    words = []
    for block in range((count + 3) // 4):
        words.extend(philox4x32([block, layer, step % WORD, step // WORD], key))
    return words
