"""Activations as layers of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from fastmlp import activations, constraints, initializers, regularizers
from fastmlp.data.arrays import Shape
from fastmlp.layers.base import Common, Layer
from fastmlp.layers.core import along_last_axis, weight_settings
from fastmlp.layers.variable import Variable
from fastmlp.settings import integer, only, real

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


class PReLU(Layer):
    """x where x > 0, else alpha * x, with a trained alpha for each value of a row.

    Parameters
    ----------
    alpha_initializer, alpha_regularizer, alpha_constraint : optional
        As those of Dense's weights; alpha starts as 0.
    shared_axes : list of int, optional
        Axes of the batch, from 1 on, along which alpha is the same: all but the last of them for one along the last
        axis.
    """

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **common: Unpack[Common],
    ):
        super().__init__(**common)
        self.alpha_initializer = initializers.get(alpha_initializer, "alpha_initializer")
        self.alpha_regularizer = regularizers.get(alpha_regularizer, "alpha_regularizer")
        self.alpha_constraint = constraints.get(alpha_constraint, "alpha_constraint")
        axes = shared_axes if isinstance(shared_axes, (list, tuple)) else () if shared_axes is None else (shared_axes,)
        self.shared_axes = None if shared_axes is None else [integer("shared_axes", axis, at_least=1) for axis in axes]

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        axes = list(range(1, len(input_shape)))
        if len(input_shape) == 1 and not self.shared_axes:
            return {"alpha": input_shape}
        if self.shared_axes != axes or not axes:
            needs = f"shared_axes={axes}, for one along the last axis" if axes else "shared_axes=None"
            raise ValueError(f"layer {self.name!r}: got rows of shape {input_shape} with {self!r}, needs {needs}")
        return {"alpha": input_shape[-1:]}

    @property
    def alpha(self) -> Variable:
        """The slopes; AttributeError before the layer is built."""
        return self._variable("alpha")

    def weight_initializer(self, weight: str) -> initializers.Initializer:
        return self.alpha_initializer

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        stage = {"kind": "prelu", "alpha": weight_settings(self.alpha_regularizer, self.alpha_constraint)}
        return along_last_axis([stage], input_shape)
