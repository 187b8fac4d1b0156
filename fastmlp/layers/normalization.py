"""Layers that bring their input to mean 0 and variance 1, or to length 1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp import constraints, initializers, regularizers
from fastmlp.data.arrays import Shape, numeric
from fastmlp.data.values import answering
from fastmlp.layers.base import SIZE_LIMIT, Common, Layer, one_row
from fastmlp.layers.core import along_last_axis, weight_settings
from fastmlp.layers.moments import moments
from fastmlp.layers.variable import Variable
from fastmlp.settings import boolean, integer, only, real

if TYPE_CHECKING:
    from typing_extensions import Unpack


LEAST_DEVIATION = 1e-7  # what is divided by at least, as in Keras


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
    axis : int, tuple of int, or None
        Axes of the data, which keep their places apart: 0 would be the rows, 1 or -1 the columns of flat ones. None:
        one mean and variance for all values.
    mean, variance : number or array, optional
        Both or none of them; an array has the sizes of those axes, or of the last ones of them.
    invert : bool
        True computes x * max(sqrt(variance), 1e-7) + mean, which takes back what the layer without it does.
    """

    # the last three are those of the inverse, which the engine computes as a batch normalization that is not trained
    statistics = ("mean", "variance", "deviation", "zero", "one")
    takes_numbers = True
    _given: tuple[np.ndarray, np.ndarray] | None
    _axes_of_data: int | None

    def __init__(
        self,
        axis: Any = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **common: Unpack[Common],
    ):
        super().__init__(**common)
        if isinstance(axis, (tuple, list)):
            axis = tuple(integer("axis", one, at_least=-SIZE_LIMIT) for one in axis) or None
        elif axis is not None:
            axis = integer("axis", axis, at_least=-SIZE_LIMIT)
        if axis is not None and 0 in np.atleast_1d(axis):
            raise ValueError(f"axis: got {axis}, needs axes of a row, from 1 on, or from the last, -1")
        if (mean is None) != (variance is None):
            raise ValueError("mean: got one of mean and variance, needs both or none")
        self.axis, self.invert = axis, boolean("invert", invert)
        self.overwrite(_given=None, _axes_of_data=None)
        if mean is not None:
            mean, variance = (statistic(*pair) for pair in (("mean", mean), ("variance", variance)))
            if mean.shape != variance.shape:
                raise ValueError(f"variance: got shape {variance.shape}, needs {mean.shape}, as mean has")
            self.keep(mean, variance)

    def argument(self, name: str) -> Any:
        if name in ("mean", "variance"):
            return None if self._given is None else self._given[name == "variance"].tolist()
        return super().argument(name)

    @property
    def mean(self) -> Any:
        """The mean, with an axis of length 1 for each axis of the data that is not kept; None before `adapt`."""
        return self._shown(0)

    @property
    def variance(self) -> Any:
        """The variance, in the shape of the mean; None before `adapt`."""
        return self._shown(1)

    def _shown(self, place: int) -> Any:
        if self._given is None:
            return None
        values = self._given[place]
        axes = self._axes_of_data or (None if self._built_for is None else 1 + len(self._built_for[0]))
        if axes is None or not values.ndim:
            return answering(values.reshape((1,) * (axes or 0)).copy())
        kept = self.kept((0,) * axes)[-values.ndim :]
        sizes = dict(zip(kept, values.shape, strict=True))
        return answering(values.reshape([sizes.get(axis, 1) for axis in range(axes)]).copy())

    def kept(self, shape: Shape) -> Shape:
        """Return the axes, in ascending order, of data of a shape that have places of their own; ValueError for 0."""
        axes = () if self.axis is None else self.axis if isinstance(self.axis, tuple) else (self.axis,)
        found = sorted({axis + len(shape) if axis < 0 else axis for axis in axes})
        if found and not 0 < found[0] <= found[-1] < len(shape):
            raise ValueError(f"axis: got {self.axis} for data of {len(shape)} axes, needs some of those but the first")
        return tuple(found)

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Take mean and variance from the rows of an array [rows, ...], or of batches.

        Parameters
        ----------
        data : array, or batches
            Batches are given by a list of arrays, an iterable, or an object with `__len__` and `__getitem__`; of
            (x, y) x is taken. Without an axis, or for rows of one number, also a plain row of numbers.
        batch_size : int, optional
            Only for `steps`, 32 by default: mean and variance do not depend on it.
        steps : int, optional
            How many batches to take; default all of them.

        Raises
        ------
        ValueError, TypeError
            When data are no finite numbers, or do not fit the layer; nothing has been changed then.
        """
        size = None if batch_size is None else integer("batch_size", batch_size, at_least=1)
        count = None if steps is None else integer("steps", steps, at_least=1)
        shape = self._built_for[0] if self._built_for is not None else self._given_shape
        mean, variance, axes = moments(data, self.kept, shape, size, count)
        self.keep(mean, variance)
        self.overwrite(_axes_of_data=axes)
        if self.has_values:
            for variable in self.weights:
                variable.assign(self.values_of(variable.name))

    def keep(self, mean: np.ndarray, variance: np.ndarray) -> None:
        """Set mean and variance."""
        for argument, values in (("mean", mean), ("variance", variance)):
            if not np.isfinite(values).all():
                raise ValueError(f"{argument}: got {values[~np.isfinite(values)][0]}, needs finite numbers")
        if variance.min() < 0:
            raise ValueError(f"variance: got {variance.min()}, which is below 0, needs numbers of at least 0")
        self.overwrite(_given=(mean, variance), _alone=None)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        input_shape = one_row(input_shape)
        sizes = tuple(input_shape[axis - 1] for axis in self.kept((0, *input_shape)))
        if self._given is not None:
            shape = self._given[0].shape
            if len(shape) > len(sizes) or any(a not in (1, b) for a, b in zip(shape[::-1], sizes[::-1], strict=False)):
                got = f"mean and variance of shape {shape}"
                raise ValueError(f"Normalization: got {got} for rows of shape {input_shape}, needs {sizes}")
        return input_shape

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        names = ("deviation", "mean", "zero", "one") if self.invert else ("mean", "variance")
        return dict.fromkeys(names, (math.prod(input_shape),))

    def weight_initializer(self, weight: str) -> initializers.Initializer:
        return Given(self.values_of(weight))

    def values_of(self, weight: str) -> np.ndarray:
        """Return a weight for each value of a row: the mean 0 and the variance 1, where there are no statistics yet."""
        assert self._built_for is not None
        shape = self._built_for[0]
        mean, variance = (np.zeros(()), np.ones(())) if self._given is None else self._given
        found = {
            "mean": mean,
            "variance": variance,
            "deviation": np.maximum(np.sqrt(variance), LEAST_DEVIATION),
            "zero": np.zeros(()),
            "one": np.ones(()),
        }[weight]
        sizes = [1] * len(shape)
        if found.ndim:
            for axis, size in zip(self.kept((0, *shape))[-found.ndim :], found.shape, strict=True):
                sizes[axis - 1] = size
        return np.broadcast_to(found.reshape(sizes), shape).ravel()

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        if self._given is None and not self._was_set():
            needs = "a call of adapt, or both as arguments"
            raise ValueError(f"layer {self.name!r}: got no mean and variance, needs {needs}")
        if not self.invert:
            return [{"kind": "normalization"}]
        used = {"use_gamma": True, "use_beta": True, "gamma": {}, "beta": {}}
        return [{"kind": "batch_normalization", "epsilon": 0.0, "momentum": 1.0, "trainable": False, **used}]

    def _was_set(self) -> bool:
        """Whether the weights have other values than those before `adapt`, from a file or another model."""
        return self.has_values and any(
            not np.array_equal(variable.numpy(), self.values_of(variable.name)) for variable in self.weights
        )


def statistic(argument: str, values: Any) -> np.ndarray:
    """Return a mean or variance in float64, without axes of length 1 before the others."""
    array = numeric(argument, values).astype(np.float64)
    while array.ndim and array.shape[0] == 1:
        array = array[0]
    return np.array(array)


class UnitNormalization(Layer):
    """x / max(sqrt(sum(x * x)), 1e-12), over the outputs of a row: each row has the length 1."""

    def __init__(self, axis: int = -1, **common: Unpack[Common]):
        super().__init__(**common)
        only("axis", axis, (-1,), "rows are flat")
        self.axis = axis

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        return along_last_axis([{"kind": "unit_normalization"}], input_shape)
