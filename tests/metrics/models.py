"""A small model with metrics, its data, and metrics of a user's own."""

import numpy as np

from fastmlp import metrics
from fastmlp.layers import Dense, Dropout, Input
from fastmlp.models import Sequential

RANDOM = np.random.default_rng(6)
X, LABELS = RANDOM.normal(size=(50, 4)), RANDOM.integers(0, 3, 50)
Y = np.eye(3)[LABELS]
MANY = ["accuracy", "auc", "mae", metrics.TopKCategoricalAccuracy(2), metrics.Precision(top_k=1), metrics.R2Score()]


def make(measures=(), loss="categorical_crossentropy", weighted=(), rate=0.25, dtype="float64"):
    model = Sequential([Input((4,)), Dense(6, "relu"), Dropout(rate), Dense(3, "softmax")], seed=4, dtype=dtype)
    model.compile("adam", loss, list(measures), weighted_metrics=list(weighted))
    return model


def confidence(y_true, y_pred):
    return y_pred.max(axis=1)


class Largest(metrics.Metric):
    """The largest output so far, times a factor."""

    def __init__(self, factor=1.0, name="largest", **kwargs):
        super().__init__(name=name, **kwargs)
        self.factor = factor
        self.reset_state()

    def reset_state(self):
        self.value = 0.0

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.value = max(self.value, float(y_pred.max()) * self.factor)

    def result(self):
        return self.value
