"""NumPy, vectorised by hand."""

import numpy as np

from bench import numpy_mlp


class Contender:
    version = np.__version__

    def __init__(self, job):
        self.job = job

    def reset(self):
        settings = self.job.settings
        self.network = numpy_mlp.Network(self.job.weights, settings.batch_size, settings.learning_rate)

    def train_epoch(self):
        self.network.train_epoch(self.job.x_train, self.job.y_train, self.job.order)

    def predict(self, x):
        return self.network.predict(x)
