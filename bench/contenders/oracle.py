"""The oracle, for jobs of a few rows."""

from reference import Network

version = "in the checkout"


class Trainer:
    def __init__(self, job):
        self.network = Network(**job.settings.network())
        self.weights = [array.tolist() for array in job.weights]
        self.data = [array.tolist() for array in (job.x_train, job.y_train, job.order)]
        self.batch_size = job.settings.batch_size

    def reset(self):
        self.network.set_weights(self.weights)

    def train(self):
        self.network.train_epoch(*self.data, self.batch_size)

    def predict(self, x):
        return self.network.predict(x.tolist())
