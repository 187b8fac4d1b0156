"""Adam and those that, like it, correct running means for the bias of their first steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastmlp.errors import told
from fastmlp.optimizers.base import Common, Optimizer, Rate, Shared
from fastmlp.settings import boolean, integer, real

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Betas(Optimizer):
    """Base of those that correct two running means, of g and of its size, for the bias of their first steps."""

    def __init__(self, learning_rate: Rate, beta_1: float, beta_2: float, epsilon: float, **common: Unpack[Common]):
        super().__init__(learning_rate, **common)
        self.beta_1 = real("beta_1", beta_1, low=0.0, high=1.0, open_high=True)
        self.beta_2 = real("beta_2", beta_2, low=0.0, high=1.0, open_high=True)
        self.epsilon = real("epsilon", epsilon, low=0.0)

    @property
    def scalars(self) -> dict[str, Any]:
        return {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}


class Adam(Betas):
    """Kingma and Ba's Adam in the form with epsilon outside the root ("epsilon hat"), as in Keras.

    `amsgrad` divides by the root of the greatest running mean of squares so far.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **common)
        self.amsgrad = boolean("amsgrad", amsgrad)

    @property
    def rule(self) -> dict[str, Any]:
        return {"name": "amsgrad" if self.amsgrad else "adam", **self.scalars}


class AdamW(Adam):
    """Adam with a weight decay, which the running means do not see."""

    default_name = "adam_w"

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Unpack[Shared],
    ):
        decay = real("weight_decay", weight_decay, low=0.0)
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=decay, **common)


class Adamax(Betas):
    """Adam with the greatest size of the gradient, which fades by beta_2, in place of a root mean square."""

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **common)

    @property
    def rule(self) -> dict[str, Any]:
        return {"name": "adamax", **self.scalars}


class Nadam(Betas):
    """Adam that looks one step ahead, as Nesterov's momentum does; Dozat's, with a momentum that grows to beta_1."""

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **common)

    @property
    def rule(self) -> dict[str, Any]:
        return {"name": "nadam", **self.scalars}


class ScheduleFreeAdamW(Betas):
    """Adam that needs no schedule: gradients are taken between the newest weights and the mean of all so far.

    A. Defazio et al., The road less scheduled, 2024. The rate grows over the first `warmup_steps` updates.
    """

    default_name = "schedule_free_adamw"

    def __init__(
        self,
        learning_rate: Rate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **common: Unpack[Common],
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **common)
        if self.beta_1 == 0.0:
            raise ValueError(f"beta_1: got {told(beta_1)}, needs a number above 0: the rule divides by it")
        self.warmup_steps = integer("warmup_steps", warmup_steps, at_least=0)

    @property
    def rule(self) -> dict[str, Any]:
        return {"name": "schedule_free_adamw", **self.scalars, "warmup_steps": float(self.warmup_steps)}
