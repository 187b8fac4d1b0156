"""Data for the estimators, short fits, and their weights compared."""

import numpy as np
from sklearn import datasets

X, Y = datasets.load_digits(return_X_y=True)
X, Y = X[:600] / 16, Y[:600]
XR, YR = datasets.make_regression(300, 7, n_targets=2, random_state=0)
SHORT = {"random_state": 0, "max_iter": 6}


def same(one, other):
    """Whether two estimators have the bits of each other's weights."""
    return all(np.array_equal(a, b) for a, b in zip(one.coefs_, other.coefs_, strict=True))
