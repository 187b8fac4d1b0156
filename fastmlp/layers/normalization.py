"""Layers that bring their input to mean 0 and variance 1, or to length 1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp import constraints, initializers, regularizers
from fastmlp.data.arrays import Shape
from fastmlp.layers.base import Common, Layer
from fastmlp.layers.core import along_last_axis, weight_settings
from fastmlp.layers.moments import moments
from fastmlp.layers.variable import Variable
from fastmlp.settings import boolean, only, real

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Given(initializers.Initializer):
    """Given values, repeated until the shape is full."""

    def __init__(self, values: Any):
        self.values = values

    def draw(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        return np.resize(np.asarray(self.values, np.float64), shape)


class ScalingLayer(Layer):
    """Base of the normalizations that go on with gamma * x + beta, both learned."""

    def __init__(self, axis: int, epsilon: float, center: bool, scale: bool, common: Common):
        super().__init__(**common)
        only("axis", axis, (-1, 1), "rows are flat")
        self.axis = axis
        self.epsilon = real("epsilon", epsilon, low=0.0)
        self.center, self.scale = boolean("center", center), boolean("scale", scale)

    beta_initializer: initializers.Initializer
    gamma_initializer: initializers.Initializer

    def set_weight_settings(
        self, initializer: dict[str, Any], regularizer: dict[str, Any], constraint: dict[str, Any]
    ) -> None:
        """Check and keep what is asked of the weights, by their names."""
        for name, value in initializer.items():
            setattr(self, f"{name}_initializer", initializers.get(value, f"{name}_initializer"))
        for name, value in regularizer.items():
            setattr(self, f"{name}_regularizer", regularizers.get(value, f"{name}_regularizer"))
        for name, value in constraint.items():
            setattr(self, f"{name}_constraint", constraints.get(value, f"{name}_constraint"))

    @property
    def gamma(self) -> Variable | None:
        """What the normalized columns are multiplied by, None without `scale`; AttributeError before it is built."""
        return self._variable("gamma") if self.scale else None

    @property
    def beta(self) -> Variable | None:
        """What is added to them, None without `center`; AttributeError before the layer is built."""
        return self._variable("beta") if self.center else None

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        used = {"gamma": self.scale, "beta": self.center, **dict.fromkeys(self.statistics, True)}
        return {name: input_shape[-1:] for name, is_used in used.items() if is_used}

    def weight_initializer(self, weight: str) -> initializers.Initializer:
        found: initializers.Initializer = getattr(self, f"{weight}_initializer")
        return found

    def settings(self, kind: str) -> dict[str, Any]:
        """Return the engine's description."""
        weights = {
            name: weight_settings(getattr(self, f"{name}_regularizer"), getattr(self, f"{name}_constraint"))
            for name in ("gamma", "beta")
        }
        return {"kind": kind, "epsilon": self.epsilon, "use_gamma": self.scale, "use_beta": self.center, **weights}


class BatchNormalization(ScalingLayer):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, column by column.

    In training, mean and variance are those of the batch; moving averages of them, moving * momentum + batch *
    (1 - momentum), are used everywhere else. S. Ioffe and C. Szegedy, Batch normalization, 2015.

    Parameters
    ----------
    axis : int
        -1, the columns.
    momentum : float
        Default 0.99.
    epsilon : float
        Default 0.001.
    center, scale : bool
        Whether there is a beta, and a gamma; default True.
    beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer : str or Initializer
        Default "zeros", "ones", "zeros", "ones".
    beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint : optional
        As of Dense.
    """

    statistics = ("moving_mean", "moving_variance")

    @property
    def moving_mean(self) -> Variable:
        """The mean that predictions use; AttributeError before the layer is built."""
        return self._variable("moving_mean")

    @property
    def moving_variance(self) -> Variable:
        """The variance that predictions use; AttributeError before the layer is built."""
        return self._variable("moving_variance")

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **common: Unpack[Common],
    ):
        super().__init__(axis, epsilon, center, scale, common)
        self.momentum = real("momentum", momentum, low=0.0, high=1.0)
        self.set_weight_settings(
            {
                "beta": beta_initializer,
                "gamma": gamma_initializer,
                "moving_mean": moving_mean_initializer,
                "moving_variance": moving_variance_initializer,
            },
            {"beta": beta_regularizer, "gamma": gamma_regularizer},
            {"beta": beta_constraint, "gamma": gamma_constraint},
        )

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        return along_last_axis([{**self.settings("batch_normalization"), "momentum": self.momentum}], input_shape)


class LayerNormalization(ScalingLayer):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, with mean and variance of each row.

    J. Ba, J. Kiros and G. Hinton, Layer normalization, 2016. The parameters are those of BatchNormalization.
    """

    def __init__(
        self,
        axis: int = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **common: Unpack[Common],
    ):
        super().__init__(axis, epsilon, center, scale, common)
        self.set_weight_settings(
            {"beta": beta_initializer, "gamma": gamma_initializer},
            {"beta": beta_regularizer, "gamma": gamma_regularizer},
            {"beta": beta_constraint, "gamma": gamma_constraint},
        )

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        return along_last_axis([self.settings("layer_normalization")], input_shape)


class Normalization(Layer):
    """(x - mean) / max(sqrt(variance), 1e-7), with a mean and a variance that are given or taken from data by `adapt`.

    Parameters
    ----------
    axis : int or None
        -1: each column of a row's last axis has its own; None: one for all values.
    mean, variance : number or array, optional
        Both or none of them.
    invert : bool
        Only False.
    """

    statistics = ("mean", "variance")
    mean: Any
    variance: Any

    def __init__(
        self,
        axis: int | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **common: Unpack[Common],
    ):
        super().__init__(**common)
        only("axis", axis, (-1, None), "columns are normalized each for itself, or all alike")
        only("invert", invert, (False,), "outputs are scaled back outside of the model")
        if (mean is None) != (variance is None):
            raise ValueError("mean: got one of mean and variance, needs both or none")
        self.axis, self.invert = axis, invert
        self.overwrite(mean=None, variance=None)
        if mean is not None:
            self.keep(np.asarray(mean, np.float64), np.asarray(variance, np.float64))

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Take mean and variance from the rows of an array [rows, ...], or of batches; the other arguments are None.

        Batches are given by an iterable, or by an object with `__len__` and `__getitem__`; of (x, y) x is taken.

        Raises
        ------
        ValueError, TypeError
            When data are no finite numbers.
        """
        for argument, value in (("batch_size", batch_size), ("steps", steps)):
            only(argument, value, (None,), "the rows are taken as a whole")
        self.keep(*moments(data, self.axis == -1))
        if self._built_for is not None:
            self.compute_output_shape(self._built_for[0])
        if self.has_values:
            self.set_weights([np.resize(np.asarray(getattr(self, v.name)), v.shape) for v in self.weights])

    def keep(self, mean: np.ndarray, variance: np.ndarray) -> None:
        """Set mean and variance, as plain lists or numbers."""
        for argument, values in (("mean", mean), ("variance", variance)):
            if not np.isfinite(values).all():
                raise ValueError(f"{argument}: got {values[~np.isfinite(values)][0]}, needs finite numbers")
        if variance.min() < 0:
            raise ValueError(f"variance: got {variance.min()}, which is below 0, needs numbers of at least 0")
        self.overwrite(mean=mean.tolist(), variance=variance.tolist())

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if self.mean is not None and np.shape(self.mean) not in ((), (1,), input_shape[-1:]):
            got = f"mean and variance of shape {np.shape(self.mean)}"
            raise ValueError(f"Normalization: got {got} for rows of shape {input_shape}, needs {input_shape[-1:]}")
        return input_shape

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        return dict.fromkeys(self.statistics, (math.prod(input_shape),))

    def weight_initializer(self, weight: str) -> initializers.Initializer:
        value = getattr(self, weight)
        if value is None:
            raise ValueError("Normalization: got no mean and variance, needs a call of adapt, or both as arguments")
        return Given(value)

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        return [{"kind": "normalization"}]


class UnitNormalization(Layer):
    """x / max(sqrt(sum(x * x)), 1e-12), over the outputs of a row: each row has the length 1."""

    def __init__(self, axis: int = -1, **common: Unpack[Common]):
        super().__init__(**common)
        only("axis", axis, (-1,), "rows are flat")
        self.axis = axis

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        return along_last_axis([{"kind": "unit_normalization"}], input_shape)
