"""The rows to train on: MNIST where FASTMLP_DATA says it is, else a likeness, so that nothing is ever downloaded.

Or Gaussian numbers, of which none is zero.
"""

import numpy as np

from fastmlp import datasets
from fastmlp.datasets._fetch import given_folder

PIXELS = 784
CLASSES = 10
INK = 0.19  # share of MNIST's pixels that are not zero
DIFFERENCE = 0.013  # share of the pixels in which a class differs from the common pattern


def of(settings):
    """(x_train, y_train), (x_test, y_test) of a job."""
    if settings.data == "mnist":
        return mnist(settings.rows, settings.test_rows)
    return gaussian(settings.widths[0], settings.widths[-1], settings.rows, settings.test_rows, settings.is_regression)


def gaussian(inputs, outputs, rows, test_rows, is_regression=False):
    """Normal numbers, float32, and what a random linear map makes of them.

    Either its greatest output's number, a label of int32, or its outputs, float32 with a variance of about 1.
    """
    rng = np.random.default_rng(3)
    teacher = rng.standard_normal((inputs, outputs), np.float32)
    x = rng.standard_normal((rows + test_rows, inputs), np.float32)
    y = x @ teacher
    y = y / np.float32(inputs**0.5) if is_regression else np.argmax(y, axis=1).astype(np.int32)
    return (x[:rows], y[:rows]), (x[rows:], y[rows:])


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
    return given_folder("mnist") is not None


def flattened(images, labels, rows):
    x = images[:rows].reshape(-1, PIXELS).astype(np.float32)
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
