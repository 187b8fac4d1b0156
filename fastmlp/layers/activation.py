"""Activations as layers of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from fastmlp import activations
from fastmlp.layers.base import Common, Layer
from fastmlp.layers.core import along_last_axis
from fastmlp.settings import only, real

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Activation(Layer):
    """An activation as a layer, by name or as a function of `activations`."""

    is_activation: ClassVar[bool] = True  # other layers take it in place of a name

    def __init__(self, activation: Any, **common: Unpack[Common]):
        super().__init__(**common)
        self.activation = activations.get(activation)

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        described = activations.described(self.activation)
        stages = [{"kind": "activation", **described}]
        return along_last_axis(stages, input_shape) if described["activation"] in activations.ALONG_ROWS else stages


class ReLU(Activation):
    """min(x, max_value) where x > threshold, else negative_slope * (x - threshold): by default max(x, 0)."""

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **common: Unpack[Common],
    ):
        self.max_value = None if max_value is None else real("max_value", max_value, low=0.0)
        self.negative_slope = real("negative_slope", negative_slope, low=0.0)
        self.threshold = real("threshold", threshold, low=0.0)
        super().__init__(
            lambda x: activations.relu(x, self.negative_slope, self.max_value, self.threshold),
            **common,
        )


class LeakyReLU(Activation):
    """x where x > 0, else negative_slope * x; `alpha` is its name in Keras 2."""

    def __init__(self, negative_slope: float = 0.3, *, alpha: float | None = None, **common: Unpack[Common]):
        given = negative_slope if alpha is None else alpha
        self.negative_slope = real("negative_slope" if alpha is None else "alpha", given, low=0.0)
        super().__init__(lambda x: activations.leaky_relu(x, self.negative_slope), **common)

    alpha: None = None


class ELU(Activation):
    """x where x > 0, else alpha * (exp(x) - 1)."""

    def __init__(self, alpha: float = 1.0, **common: Unpack[Common]):
        self.alpha = real("alpha", alpha)
        super().__init__(lambda x: activations.elu(x, self.alpha), **common)


class Softmax(Activation):
    """exp(x) / sum(exp(x)) over the outputs of a row."""

    def __init__(self, axis: int = -1, **common: Unpack[Common]):
        only("axis", axis, (-1,), "rows are flat")
        super().__init__("softmax", **common)
        self.axis = axis
