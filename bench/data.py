"""The rows to train on: MNIST where FASTMLP_DATA says it is, else a likeness, so that nothing is ever downloaded."""

import numpy as np

from fastmlp import datasets
from fastmlp.datasets._fetch import own_folder

PIXELS = 784
CLASSES = 10
INK = 0.19  # share of MNIST's pixels that are not zero
DIFFERENCE = 0.013  # share of the pixels in which a class differs from the common pattern


def mnist(rows=60_000, test_rows=10_000):
    """Pixels in [0, 1] and labels.

    Parameters
    ----------
    rows, test_rows : int
        How many rows of the training and of the test part.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        float32 [rows, 784] and int32 [rows].
    """
    train, test = datasets.mnist.load_data() if is_real() else (synthetic(rows, seed=1), synthetic(test_rows, seed=2))
    return flattened(*train, rows), flattened(*test, test_rows)


def source():
    """What `mnist` returns, in words."""
    return "MNIST" if is_real() else "synthetic pixels with as many zeros as MNIST's (no mnist folder in FASTMLP_DATA)"


def is_real():
    return own_folder("mnist") is not None


def flattened(images, labels, rows):
    x = images[:rows].reshape(len(images[:rows]), -1).astype(np.float32)
    x /= 255
    return x, labels[:rows].astype(np.int32)


def synthetic(rows, seed):
    """Random images [rows, 784] of uint8 and labels, about as hard as MNIST.

    Each pixel of the class's pattern, which is nearly that of every class, has ink half the time.
    """
    shared = np.random.default_rng(0)
    pattern = (shared.random(PIXELS) < 2 * INK) ^ (shared.random((CLASSES, PIXELS)) < DIFFERENCE)
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, rows)
    ink = pattern[labels] & (rng.random((rows, PIXELS), np.float32) < 0.5)
    return ink * rng.integers(1, 256, (rows, PIXELS), np.uint8), labels
