"""Activations as layers of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastmlp import activations
from fastmlp.layers.base import Common, Layer
from fastmlp.layers.core import along_last_axis
from fastmlp.settings import only, real

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Activation(Layer):
    """An activation as a layer, by name or as a function of `activations`."""

    def __init__(self, activation: Any, **common: Unpack[Common]):
        super().__init__(**common)
        self.activation = activations.get(activation)

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        stages = [{"kind": "activation", "activation": self.activation.__name__}]
        return along_last_axis(stages, input_shape) if self.activation in activations.ALONG_ROWS else stages


class ReLU(Activation):
    """max(x, 0); with max_value=6 also at most 6. The other arguments of Keras have one value here."""

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **common: Unpack[Common],
    ):
        super().__init__("relu" if max_value is None else "relu6", **common)
        self.max_value = None if max_value is None else real("max_value", max_value)
        only("max_value", self.max_value, (None, 6.0), "relu and relu6 are there")
        self.negative_slope = real("negative_slope", negative_slope)
        only("negative_slope", self.negative_slope, (0.0,), "there is LeakyReLU(0.2)")
        self.threshold = real("threshold", threshold)
        only("threshold", self.threshold, (0.0,), "a bias before it shifts it")


class LeakyReLU(Activation):
    """x where x > 0, else 0.2 x. The slope is to be given, as Keras' default for this layer is 0.3."""

    def __init__(self, negative_slope: float = 0.3, **common: Unpack[Common]):
        super().__init__("leaky_relu", **common)
        self.negative_slope = real("negative_slope", negative_slope)
        only("negative_slope", self.negative_slope, (0.2,), "that of the activation 'leaky_relu'")


class ELU(Activation):
    """x where x > 0, else exp(x) - 1."""

    def __init__(self, alpha: float = 1.0, **common: Unpack[Common]):
        super().__init__("elu", **common)
        self.alpha = real("alpha", alpha)
        only("alpha", self.alpha, (1.0,), "that of the activation 'elu'")


class Softmax(Activation):
    """exp(x) / sum(exp(x)) over the outputs of a row."""

    def __init__(self, axis: int = -1, **common: Unpack[Common]):
        only("axis", axis, (-1,), "rows are flat")
        super().__init__("softmax", **common)
        self.axis = axis
