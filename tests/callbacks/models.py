"""A small model, its data, and weights compared."""

import numpy as np

from fastmlp.layers import Dense, Dropout, Input
from fastmlp.models import Sequential

X = np.random.default_rng(0).normal(size=(50, 4))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


def make(seed=1, optimizer="adam", dtype="float64"):
    model = Sequential([Input((4,)), Dense(6, "relu"), Dropout(0.25), Dense(3, "softmax")], seed=seed, dtype=dtype)
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    return model


def fit(model, **settings):
    return model.fit(X, Y, **{"verbose": 0, "batch_size": 16, **settings})


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
