"""scikit-learn: partial_fit is one epoch. It has no order of its own here: the rows are put in order beforehand."""

import warnings

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

version = sklearn.__version__


class Trainer:
    def __init__(self, job):
        self.job = job
        self.x, self.y = job.x_train[job.order], job.y_train[job.order]

    def reset(self):
        self.model = classifier(self.job, self.x, self.y)

    def train(self):
        self.model.partial_fit(self.x, self.y)

    def predict(self, x):
        return self.model.predict_proba(x)


class Predictor:
    def __init__(self, job):
        self.predict = classifier(job, job.x_test, job.y_test).predict_proba


def classifier(job, x, y):
    """A model with the initial weights, which it can be given only after it has seen data."""
    settings = job.settings
    optimizer = dict(settings.optimizer, learning_rate_init=settings.optimizer["learning_rate"])
    solver = optimizer.pop("name")
    del optimizer["learning_rate"]
    model = MLPClassifier(
        settings.widths[1:-1], solver=solver, alpha=0, batch_size=settings.batch_size, shuffle=False, momentum=0,
        **optimizer,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer rows than a batch
        model.partial_fit(x[:1], y[:1], classes=np.arange(settings.widths[-1]))
    model.coefs_ = [kernel.copy() for kernel in job.weights[0::2]]
    model.intercepts_ = [bias.copy() for bias in job.weights[1::2]]
    del model._optimizer  # made anew by the next partial_fit, which would else go on from this row
    return model
