"""One update of weights by gradients that the caller has computed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fastmlp.config import float_type
from fastmlp.data.arrays import Shape, weight_arrays
from fastmlp.kernels.engine.parameters import Parameters
from fastmlp.layers.variable import Variable
from fastmlp.settings import Settings

Weight = Variable | np.ndarray


class AppliesGradients(Settings):
    """Base of the optimizers; a subclass has `spec`, `learning_rate`, `rates` and `bind`."""

    learning_rate: float
    # the weights outside of the model that it trains: their keys, themselves (so that ids stay theirs), their engine
    _applied: tuple[list[Any], list[Weight], Parameters] | None = None

    @property
    def spec(self) -> dict[str, Any]:
        """The engine's description."""
        raise NotImplementedError

    def rates(self, first: int, count: int) -> np.ndarray | None:
        """Return the rates of `count` updates, the first of which follows `first` others; None for `learning_rate`."""
        raise NotImplementedError

    def bind(self, network: Any) -> None:
        """Count the updates of this network of the engine; None stands for one that has done none."""
        raise NotImplementedError

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]]) -> int:
        """Do one update of weights by their gradients, and return how many have been done.

        Parameters
        ----------
        grads_and_vars : iterable of (gradient, weight)
            The weights are all `trainable_weights` of a model, in their order, or arrays of float32 or float64, which
            are changed in place. All are of one dtype; a later call takes the same ones, as the optimizer remembers
            something for each.

        Raises
        ------
        ValueError, TypeError
            For gradients or weights that do not fit; nothing has been changed then.
        """
        pairs = [tuple(pair) for pair in grads_and_vars]
        if not pairs or any(len(pair) != 2 for pair in pairs):
            raise ValueError("grads_and_vars: got no pairs, needs (gradient, weight) for each weight")
        weights = [weight for _, weight in pairs]
        dtype = dtype_of(weights)
        shapes = [tuple(weight.shape) for weight in weights]
        gradients = weight_arrays("gradients", [gradient for gradient, _ in pairs], shapes, dtype)
        model = weights[0].model if isinstance(weights[0], Variable) else None
        if model is not None and model.optimizer is self:
            expected = [variable.path for variable in model.trainable_weights]
            got = [getattr(weight, "path", "an array") for weight in weights]
            if got != expected:
                raise ValueError(f"grads_and_vars: got {got}, needs all trainable_weights of the model in their order")
            return int(self._update(model.network, gradients))
        parameters = self._parameters_for(weights, shapes, dtype)
        parameters.set_weights([weight.numpy() if isinstance(weight, Variable) else weight for weight in weights])
        updates = self._update(parameters, gradients)
        for weight, values in zip(weights, parameters.get_weights(), strict=True):
            if isinstance(weight, Variable):
                weight.assign(values)
            else:
                weight[...] = values
        return updates

    def _update(self, parameters: Parameters, gradients: Sequence[np.ndarray]) -> int:
        """Let the engine do it, at the rate of this step; return the number of updates done."""
        rates = self.rates(parameters.step, 1)
        parameters.set_learning_rate(self.learning_rate if rates is None else float(rates[0]))
        parameters.apply_gradients(gradients)
        return int(parameters.step)

    def _parameters_for(self, weights: list[Weight], shapes: list[Shape], dtype: str) -> Parameters:
        """Return the engine's arrays for weights outside of the model that it trains; made at the first call."""
        keys = [(id(w.model), w.path) if isinstance(w, Variable) else id(w) for w in weights]
        if self._applied is None:
            parameters = Parameters(shapes, self.spec, dtype)
            self.overwrite(_applied=(keys, weights, parameters))
            self.bind(parameters)
            return parameters
        if self._applied[0] != keys:
            needs = "the same: the optimizer remembers them"
            raise ValueError(f"grads_and_vars: got other weights than at first, needs {needs}")
        return self._applied[2]


def dtype_of(weights: Sequence[Weight]) -> str:
    """Return the type of all weights, or raise TypeError or ValueError for weights that cannot be changed alike."""
    for weight in weights:
        if not isinstance(weight, (Variable, np.ndarray)):
            raise TypeError(f"grads_and_vars: got {type(weight).__name__} as a weight, needs an array or a Variable")
        if isinstance(weight, np.ndarray) and not (weight.flags.writeable and weight.ndim in (1, 2) and weight.size):
            raise ValueError(f"grads_and_vars: got a weight of shape {weight.shape}, needs a writable vector or matrix")
    dtypes = {str(weight.dtype) for weight in weights}
    if len(dtypes) != 1:
        raise ValueError(f"grads_and_vars: got weights of {sorted(dtypes)}, needs one dtype")
    return float_type(dtypes.pop())
