"""Optimizers by hand in NumPy, in place, without new arrays; the formulas are those of reference/optimizers.py."""

import numpy as np


class SGD:
    """The rate is part of the gradient, which saves a pass over it.

    Parameters
    ----------
    weights : list of ndarray
        What is updated.
    learning_rate : float
    """

    slots = 0  # arrays that it remembers for each array of weights
    folds_rate = True

    def __init__(self, weights, learning_rate, **settings):
        self.weights, self.learning_rate, self.settings = weights, learning_rate, settings
        self.memory = [[np.zeros_like(w) for _ in range(self.slots)] for w in weights]
        self.scratch = [np.empty_like(w) for w in weights]
        self.step = 0

    @property
    def scale(self):
        """What the gradients have to be multiplied by."""
        return self.learning_rate if self.folds_rate else 1.0

    def update(self, gradients):
        """Descend; the gradients are used up."""
        self.step += 1
        for w, g, memory, scratch in zip(self.weights, gradients, self.memory, self.scratch, strict=True):
            w -= self.descent(g, *memory, scratch)

    def descent(self, g, scratch):
        return g


class Momentum(SGD):
    slots = 1

    def descent(self, g, m, scratch):
        m *= self.settings["momentum"]
        m += g
        return m


class RMSprop(SGD):
    slots = 1
    folds_rate = False

    def descent(self, g, v, scratch):
        rho, epsilon = self.settings["rho"], self.settings["epsilon"]
        v *= rho
        np.multiply(g, g, out=scratch)
        scratch *= 1 - rho
        v += scratch
        np.add(v, epsilon, out=scratch)
        np.sqrt(scratch, out=scratch)
        g *= self.learning_rate
        g /= scratch
        return g


class Adam(SGD):
    slots = 2
    folds_rate = False

    def descent(self, g, m, v, scratch):
        beta_1, beta_2, epsilon = (self.settings[name] for name in ("beta_1", "beta_2", "epsilon"))
        m *= beta_1
        np.multiply(g, 1 - beta_1, out=scratch)
        m += scratch
        v *= beta_2
        g *= g
        g *= 1 - beta_2
        v += g
        np.sqrt(v, out=scratch)
        scratch += epsilon
        np.divide(m, scratch, out=g)
        g *= self.learning_rate * (1 - beta_2**self.step) ** 0.5 / (1 - beta_1**self.step)
        return g


OPTIMIZERS = {"sgd": SGD, "momentum": Momentum, "rmsprop": RMSprop, "adam": Adam}
