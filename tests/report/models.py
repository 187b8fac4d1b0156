"""Small trained models, and a stand-in for models of any size."""

from functools import cache

import numpy as np

import fastmlp
from fastmlp import layers
from fastmlp.datasets import digits


@cache
def of_digits(dtype="float32", logits=False):
    """A network of the bundled digits, and its test rows."""
    (x, y), (x_test, y_test) = digits.load_data()
    made = [fastmlp.Input((8, 8)), layers.Flatten(), layers.Rescaling(1 / 16), layers.Dense(48, "silu")]
    made += [layers.BatchNormalization(), layers.Dropout(0.1), layers.Dense(10, None if logits else "softmax")]
    model = fastmlp.Sequential(made, dtype=dtype, seed=0)
    loss = fastmlp.losses.SparseCategoricalCrossentropy(from_logits=logits)
    model.compile("adam", loss, ["accuracy"])
    model.classes = list(range(10))
    model.fit(x, y, epochs=8, verbose=0, validation_split=0.1)
    return model, x_test, y_test


class Guesser:
    """An estimator of classes that looks at the first column: that of the class it takes for the likeliest."""

    def __init__(self, classes):
        self.classes_ = np.asarray(classes)

    def predict_proba(self, x):
        first = np.asarray(next(iter(x.values()))) if isinstance(x, dict) else np.asarray(x)[:, 0]
        shares = np.full((len(first), len(self.classes_)), 0.3 / max(len(self.classes_) - 1, 1))
        shares[np.arange(len(first)), first.astype(int)] = 0.7
        return shares


class Adder:
    """An estimator of numbers: the sum of the first two columns."""

    def predict(self, x):
        columns = list(x.values()) if isinstance(x, dict) else list(np.asarray(x).T)
        return np.asarray(columns[0], float) + 0.5 * np.asarray(columns[1], float)
