"""fastmlp: the engine to train, a Sequential to predict."""

from importlib.metadata import PackageNotFoundError

import fastmlp
from fastmlp import layers
from fastmlp.config.threads import threads_for
from fastmlp.kernels import Network


def installed():
    try:
        return fastmlp.__version__
    except PackageNotFoundError:  # built in place, not installed
        return "in the checkout"


version = installed()


class Trainer:
    def __init__(self, job):
        self.job = job
        self.network = Network(**job.settings.network())
        work = 3 * job.settings.batch_size * self.network.multiply_adds
        self.network.threads = min(job.settings.threads, threads_for(work))  # as fit does
        self.start = [state.copy() for state in self.network.get_optimizer_state()]

    def reset(self):
        self.network.set_weights(self.job.weights)
        self.network.set_optimizer_state(self.start)
        self.network.step = 0

    def train(self):
        job = self.job
        for rate, order in job.stretches():
            self.network.set_learning_rate(rate)
            self.network.train_epoch(job.x_train, job.y_train, order, job.settings.batch_size)

    def predict(self, x):
        return self.network.predict(x)


class Predictor:
    def __init__(self, job):
        fastmlp.set_num_threads(job.settings.threads)
        inputs, *hidden, classes = job.settings.widths
        dense = [layers.Dense(units, activation="relu") for units in hidden]
        self.model = fastmlp.Sequential([fastmlp.Input((inputs,)), *dense, layers.Dense(classes, activation="softmax")])
        self.model.set_weights(job.weights)

    def predict(self, x):
        return self.model(x)
