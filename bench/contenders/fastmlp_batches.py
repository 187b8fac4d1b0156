"""fastmlp, where Python gives a model one batch after the other."""

import fastmlp
from bench.contenders.fastmlp import Predictor, version  # noqa: F401

OPTIMIZERS = {"sgd": fastmlp.optimizers.SGD, "adam": fastmlp.optimizers.Adam}


class Trainer:
    def __init__(self, job):
        self.job = job
        self.batches = [(job.x_train[rows], job.y_train[rows]) for _, rows in job.batches()]

    def reset(self):
        settings = dict(self.job.settings.optimizer)
        self.model = Predictor(self.job).model
        self.model.compile(OPTIMIZERS[settings.pop("name")](**settings), self.job.settings.loss)

    def train(self):
        for x, y in self.batches:
            self.model.train_on_batch(x, y)

    def predict(self, x):
        return self.model.predict(x, verbose=0)
