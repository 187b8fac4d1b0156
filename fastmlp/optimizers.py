"""Optimizers by name, with Keras' defaults. The formulas are the kernels'; here are their names and settings.

Arguments after the ones that Keras has in the same place are keyword-only, so that no call means something else there.
"""

from __future__ import annotations

from typing import Any, ClassVar

from fastmlp.settings import Settings, boolean, lookup, real


class Optimizer(Settings):
    """Base of the optimizers. `learning_rate` may be set at any time; training reads it before each epoch."""

    rule: ClassVar[str]  # the engine's name
    learning_rate: float

    def __init__(self, learning_rate: float):
        self.learning_rate = learning_rate

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "learning_rate":
            vars(self)[name] = real(name, value, low=0.0)
        else:
            super().__setattr__(name, value)

    @property
    def spec(self) -> dict[str, Any]:
        """The engine's description: its name for the update rule, and the rule's scalars."""
        return {"name": self.rule, **self.get_config()}


class SGD(Optimizer):
    """w -= learning_rate * g; with momentum m = momentum * m - learning_rate * g, w += m.

    Nesterov's form steps on from there: w += momentum * m - learning_rate * g.
    """

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False):
        super().__init__(learning_rate)
        self.momentum = real("momentum", momentum, low=0.0, high=1.0)
        self.nesterov = boolean("nesterov", nesterov)

    @property
    def spec(self) -> dict[str, Any]:
        if self.momentum == 0.0:
            return {"name": "sgd", "learning_rate": self.learning_rate}
        name = "nesterov" if self.nesterov else "momentum"
        return {"name": name, "learning_rate": self.learning_rate, "momentum": self.momentum}


class RMSprop(Optimizer):
    """v = rho * v + (1 - rho) * g * g, w -= learning_rate * g / sqrt(v + epsilon)."""

    rule = "rmsprop"

    def __init__(self, learning_rate: float = 0.001, rho: float = 0.9, *, epsilon: float = 1e-7):
        super().__init__(learning_rate)
        self.rho = real("rho", rho, low=0.0, high=1.0)
        self.epsilon = real("epsilon", epsilon, low=0.0)


class Adagrad(Optimizer):
    """a += g * g, w -= learning_rate * g / sqrt(a + epsilon); a starts at `initial_accumulator_value`."""

    rule = "adagrad"

    def __init__(self, learning_rate: float = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7):
        super().__init__(learning_rate)
        self.initial_accumulator_value = real("initial_accumulator_value", initial_accumulator_value, low=0.0)
        self.epsilon = real("epsilon", epsilon, low=0.0)


class Adam(Optimizer):
    """Kingma and Ba's Adam in the form with epsilon outside the root ("epsilon hat"), as in Keras."""

    rule = "adam"

    def __init__(self, learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7):
        super().__init__(learning_rate)
        self.beta_1 = real("beta_1", beta_1, low=0.0, high=1.0, open_high=True)
        self.beta_2 = real("beta_2", beta_2, low=0.0, high=1.0, open_high=True)
        self.epsilon = real("epsilon", epsilon, low=0.0)


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "rmsprop": RMSprop, "adagrad": Adagrad, "adam": Adam}


def get(identifier: Any, argument: str = "optimizer") -> Optimizer:
    """Return the optimizer for a name, class, instance or config."""
    return lookup(argument, identifier, OPTIMIZERS)
