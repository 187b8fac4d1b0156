"""NumPy, vectorised by hand."""

import numpy as np

from bench import numpy_mlp

version = np.__version__


class Trainer:
    def __init__(self, job):
        self.job = job

    def reset(self):
        settings = self.job.settings
        self.network = numpy_mlp.Network(self.job.weights, settings.batch_size, settings.optimizer)

    def train(self):
        for rate, order in self.job.stretches():
            self.network.optimizer.learning_rate = rate
            self.network.train_epoch(self.job.x_train, self.job.y_train, order)

    def predict(self, x):
        return self.network.predict(x)


class Predictor:
    def __init__(self, job):
        self.predict = numpy_mlp.Network(job.weights, 1, job.settings.optimizer).predict
