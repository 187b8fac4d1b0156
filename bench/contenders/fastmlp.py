"""The engine of fastmlp."""

from importlib.metadata import PackageNotFoundError

import fastmlp
from fastmlp.kernels import Network


def version():
    try:
        return fastmlp.__version__
    except PackageNotFoundError:  # built in place, not installed
        return "in the checkout"


class Contender:
    version = version()

    def __init__(self, job):
        self.job = job
        self.network = Network(**job.settings.network())
        self.network.threads = job.settings.threads

    def reset(self):
        self.network.set_weights(self.job.weights)

    def train_epoch(self):
        job = self.job
        self.network.train_epoch(job.x_train, job.y_train, job.order, job.settings.batch_size)

    def predict(self, x):
        return self.network.predict(x)
