"""PyTorch, eager, as one writes it who cares for speed: the data as tensors, batches picked by a shuffled index."""

import torch
from torch import nn, optim

version = torch.__version__

OPTIMIZERS = {  # arguments of fastmlp's optimizer, without the rate, as PyTorch's
    "sgd": lambda weights, rate: optim.SGD(weights, rate, fused=True),
    "momentum": lambda weights, rate, momentum: optim.SGD(weights, rate, momentum, fused=True),
    "rmsprop": lambda weights, rate, rho, epsilon: optim.RMSprop(weights, rate, alpha=rho, eps=epsilon),
    "adam": lambda weights, rate, beta_1, beta_2, epsilon: optim.Adam(
        weights, rate, betas=(beta_1, beta_2), eps=epsilon, fused=True
    ),
}


class Trainer:
    def __init__(self, job):
        torch.set_num_threads(job.settings.threads)
        self.x, y = torch.from_numpy(job.x_train), torch.from_numpy(job.y_train)
        self.y = y if job.settings.is_regression else y.long()
        self.batches = [(rate, torch.from_numpy(rows)) for rate, rows in job.batches()]
        self.job = job
        self.loss = nn.MSELoss() if job.settings.is_regression else nn.CrossEntropyLoss()  # of logits

    def reset(self):
        self.model = network(self.job)
        settings = dict(self.job.settings.optimizer)
        name, rate = settings.pop("name"), settings.pop("learning_rate")
        self.optimizer = OPTIMIZERS[name](list(self.model.parameters()), rate, **settings)

    def train(self):
        for rate, rows in self.batches:
            self.optimizer.param_groups[0]["lr"] = rate
            loss = self.loss(self.model(self.x[rows]), self.y[rows])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    def predict(self, x):
        with torch.inference_mode():
            return self.model(torch.from_numpy(x)).numpy()


class Predictor:
    def __init__(self, job):
        torch.set_num_threads(job.settings.threads)
        self.model = network(job).append(nn.Softmax(dim=1)).eval()

    @torch.inference_mode()
    def predict(self, x):
        return self.model(torch.from_numpy(x)).numpy()


def network(job):
    """Linear maps with relu between them, and the initial weights."""
    widths = job.settings.widths
    model = nn.Sequential()
    for i in range(len(widths) - 1):
        if i > 0:
            model.append(nn.ReLU())
        model.append(nn.Linear(widths[i], widths[i + 1]))
    with torch.no_grad():
        for parameter, initial in zip(model.parameters(), job.weights, strict=True):
            parameter.copy_(torch.from_numpy(initial.T))  # nn.Linear has [units, inputs]
    return model
