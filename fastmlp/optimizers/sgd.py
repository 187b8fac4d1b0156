"""Rules that step by the gradient, or by it over a root mean square of its like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastmlp.errors import told
from fastmlp.optimizers.base import Common, Optimizer, Rate
from fastmlp.settings import boolean, real

if TYPE_CHECKING:
    from typing_extensions import Unpack


class SGD(Optimizer):
    """w -= learning_rate * g; with momentum m = momentum * m - learning_rate * g, w += m.

    Nesterov's form steps on from there: w += momentum * m - learning_rate * g.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, **common)
        self.momentum = real("momentum", momentum, low=0.0, high=1.0)
        self.nesterov = boolean("nesterov", nesterov)

    @property
    def rule(self) -> dict[str, Any]:
        if self.momentum == 0.0:
            return {"name": "sgd"}
        return {"name": "nesterov" if self.nesterov else "momentum", "momentum": self.momentum}


class RMSprop(Optimizer):
    """v = rho * v + (1 - rho) * g * g, w -= learning_rate * g / sqrt(v + epsilon).

    With momentum these steps are gathered: m = momentum * m + step, w -= m. `centered` takes the square of a running
    mean of g off v.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, **common)
        self.rho = real("rho", rho, low=0.0, high=1.0)
        self.momentum = real("momentum", momentum, low=0.0, high=1.0)
        self.epsilon = real("epsilon", epsilon, low=0.0)
        self.centered = boolean("centered", centered)

    @property
    def rule(self) -> dict[str, Any]:
        scalars = {"rho": self.rho, "epsilon": self.epsilon}
        if self.centered or self.momentum > 0.0:
            name = "rmsprop_centered" if self.centered else "rmsprop_momentum"
            return {"name": name, "momentum": self.momentum, **scalars}
        return {"name": "rmsprop", **scalars}


class Adagrad(Optimizer):
    """a += g * g, w -= learning_rate * g / sqrt(a + epsilon); a starts at `initial_accumulator_value`."""

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, **common)
        self.initial_accumulator_value = real("initial_accumulator_value", initial_accumulator_value, low=0.0)
        self.epsilon = real("epsilon", epsilon, low=0.0)

    @property
    def rule(self) -> dict[str, Any]:
        start = self.initial_accumulator_value
        return {"name": "adagrad", "initial_accumulator_value": start, "epsilon": self.epsilon}


class Ftrl(Optimizer):
    """Follow the regularized leader: each weight is what fits all gradients so far, in steps as of Adagrad.

    The weights do not start from where they are, but near 0. `l1_regularization_strength` keeps those at 0 that gain
    little; `l2_shrinkage_regularization_strength` is a penalty that only the gradients see.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, **common)
        if self.learning_rate == 0.0:
            raise ValueError(
                f"learning_rate: got {told(learning_rate)}, needs a number above 0: the rule divides by it"
            )
        self.learning_rate_power = real("learning_rate_power", learning_rate_power, high=0.0)
        self.initial_accumulator_value = real("initial_accumulator_value", initial_accumulator_value, low=0.0)
        self.l1_regularization_strength = real("l1_regularization_strength", l1_regularization_strength, low=0.0)
        self.l2_regularization_strength = real("l2_regularization_strength", l2_regularization_strength, low=0.0)
        self.l2_shrinkage_regularization_strength = real(
            "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength, low=0.0
        )
        self.beta = real("beta", beta, low=0.0)

    @property
    def rule(self) -> dict[str, Any]:
        return {
            "name": "ftrl",
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1": self.l1_regularization_strength,
            "l2": self.l2_regularization_strength,
            "l2_shrinkage": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }


class Adadelta(Optimizer):
    """Zeiler's Adadelta: w -= learning_rate * s, where s is g times the ratio of two running root mean squares."""

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, **common)
        self.rho = real("rho", rho, low=0.0, high=1.0)
        self.epsilon = real("epsilon", epsilon, low=0.0)

    @property
    def rule(self) -> dict[str, Any]:
        return {"name": "adadelta", "rho": self.rho, "epsilon": self.epsilon}


class Lion(Optimizer):
    """w -= learning_rate * sign(beta_1 * m + (1 - beta_1) * g), m = beta_2 * m + (1 - beta_2) * g."""

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, **common)
        self.beta_1 = real("beta_1", beta_1, low=0.0, high=1.0)
        if self.beta_1 == 0.0:
            raise ValueError(f"beta_1: got {told(beta_1)}, needs a finite number above 0: steps would not see m")
        self.beta_2 = real("beta_2", beta_2, low=0.0, high=1.0)

    @property
    def rule(self) -> dict[str, Any]:
        return {"name": "lion", "beta_1": self.beta_1, "beta_2": self.beta_2}
