"""Layers that disturb or penalize their input while the model trains, and let it through unchanged otherwise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from fastmlp.layers.base import Common, Layer
from fastmlp.settings import integer, only, real

if TYPE_CHECKING:
    from typing_extensions import Unpack


class RandomLayer(Layer):
    """Base of the layers that draw numbers: by the seed (by default the model's), the step, and the layer's place."""

    def __init__(self, seed: int | None, common: Common):
        super().__init__(**common)
        self.seed = None if seed is None else integer("seed", seed, at_least=0, below=2**64)

    def chosen_seed(self, seed: int) -> int:
        """Return the seed to draw by, where `seed` is the model's."""
        return seed if self.seed is None else self.seed


class Dropout(RandomLayer):
    """In training, sets each value to 0 with probability `rate` and scales the others by 1 / (1 - rate)."""

    def __init__(self, rate: float, noise_shape: None = None, seed: int | None = None, **common: Unpack[Common]):
        super().__init__(seed, common)
        only("noise_shape", noise_shape, (None,), "each value is dropped by itself")
        self.rate, self.noise_shape = real("rate", rate, low=0.0, high=1.0), None

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        return [{"kind": "dropout", "rate": self.rate, "seed": self.chosen_seed(seed)}]


class AlphaDropout(RandomLayer):
    """In training, sets each value to where selu ends with probability `rate`, and keeps mean and variance of all.

    It goes with the activation "selu" and the initializer "lecun_normal".
    """

    def __init__(self, rate: float, noise_shape: None = None, seed: int | None = None, **common: Unpack[Common]):
        super().__init__(seed, common)
        self.rate = real("rate", rate, low=0.0, high=1.0, open_high=True)
        only("noise_shape", noise_shape, (None,), "each value is drawn for itself")
        self.noise_shape = noise_shape

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        return [{"kind": "alpha_dropout", "rate": self.rate, "seed": self.chosen_seed(seed)}]


class GaussianDropout(RandomLayer):
    """In training, multiplies each value by a normal number of mean 1 and deviation sqrt(rate / (1 - rate))."""

    def __init__(self, rate: float, seed: int | None = None, **common: Unpack[Common]):
        super().__init__(seed, common)
        self.rate = real("rate", rate, low=0.0, high=1.0, open_high=True)

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        stddev = math.sqrt(self.rate / (1.0 - self.rate))
        return [{"kind": "gaussian_dropout", "stddev": stddev, "seed": self.chosen_seed(seed)}]


class GaussianNoise(RandomLayer):
    """In training, adds to each value a number from the normal distribution of mean 0 and deviation `stddev`."""

    def __init__(self, stddev: float, seed: int | None = None, **common: Unpack[Common]):
        super().__init__(seed, common)
        self.stddev = real("stddev", stddev, low=0.0)

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        return [{"kind": "gaussian_noise", "stddev": self.stddev, "seed": self.chosen_seed(seed)}]


class ActivityRegularization(Layer):
    """Adds to the loss what its input costs: l1 * sum(|x|) + l2 * sum(x * x), divided by the rows of the batch."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **common: Unpack[Common]):
        super().__init__(**common)
        self.l1, self.l2 = real("l1", l1, low=0.0), real("l2", l2, low=0.0)

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        return [{"kind": "activity_penalty", "l1": self.l1, "l2": self.l2}]
