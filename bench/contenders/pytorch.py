"""PyTorch, eager, as one writes it who cares for speed: the data as tensors, batches picked by a shuffled index."""

import torch
from torch import nn


class Contender:
    version = torch.__version__

    def __init__(self, job):
        torch.set_num_threads(job.settings.threads)
        self.settings = job.settings
        self.x, self.y = torch.from_numpy(job.x_train), torch.from_numpy(job.y_train).long()
        self.order = torch.from_numpy(job.order)
        self.weights = [torch.from_numpy(array.T.copy()) for array in job.weights]  # nn.Linear has [units, inputs]
        self.model = nn.Sequential(*layers(job.settings.widths))
        self.loss = nn.CrossEntropyLoss()

    def reset(self):
        with torch.no_grad():
            for parameter, initial in zip(self.model.parameters(), self.weights, strict=True):
                parameter.copy_(initial)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=self.settings.learning_rate)

    def train_epoch(self):
        for rows in self.order.split(self.settings.batch_size):
            loss = self.loss(self.model(self.x[rows]), self.y[rows])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    def predict(self, x):
        with torch.inference_mode():
            return self.model(torch.from_numpy(x)).numpy()


def layers(widths):
    """Linear maps with relu between them; the softmax is in the loss."""
    for i in range(len(widths) - 1):
        if i > 0:
            yield nn.ReLU()
        yield nn.Linear(widths[i], widths[i + 1])
