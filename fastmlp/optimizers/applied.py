"""One update of weights by gradients that the caller has computed."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from fastmlp.config import float_type
from fastmlp.data.arrays import Shape, gradient_arrays
from fastmlp.kernels.engine.blocks import Block
from fastmlp.kernels.engine.parameters import Parameters
from fastmlp.layers.variable import Variable
from fastmlp.settings import Settings, listed

Weight = Variable | np.ndarray


class Trains(Protocol):
    """What an optimizer asks of a model that was compiled with it."""

    @property
    def trainable_weights(self) -> list[Variable]: ...
    def trains(self, variables: Sequence[Any]) -> bool: ...
    def apply_gradients(self, gradients: Any) -> int: ...


class AppliesGradients(Settings):
    """Base of the optimizers; a subclass has `spec`, `current_rate`, `rates` and `bind`."""

    # the weights outside of the models that it trains: ids, themselves (so that ids stay theirs), memory, engine
    _applied: tuple[list[int], list[Weight], list[Block], Parameters] | None = None
    _models: Sequence[weakref.ref[Any]] = ()  # that were compiled with it

    @property
    def spec(self) -> dict[str, Any]:
        """The engine's description."""
        raise NotImplementedError

    def spec_for(self, weights: Sequence[Any]) -> dict[str, Any]:
        """Return the engine's description for these trained variables or arrays."""
        raise NotImplementedError

    def current_rate(self) -> float:
        """Return the rate of the next update."""
        raise NotImplementedError

    def rates(self, first: int, count: int) -> np.ndarray | None:
        """Return the rates of `count` updates, the first of which follows `first` others; None for `current_rate`."""
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
        pairs = [tuple(listed("grads_and_vars", pair)) for pair in listed("grads_and_vars", grads_and_vars)]
        if not pairs or any(len(pair) != 2 for pair in pairs):
            raise ValueError("grads_and_vars: got no pairs, needs (gradient, weight) for each weight")
        weights = [weight for _, weight in pairs]
        gradients = [gradient for gradient, _ in pairs]
        for reference in self._models:
            model = reference()
            if model is not None and model.trains(weights):
                expected = model.trainable_weights
                if len(weights) != len(expected) or any(a is not b for a, b in zip(weights, expected, strict=True)):
                    got = [getattr(weight, "path", "an array") for weight in weights]
                    needs = "all trainable_weights of the model in their order"
                    raise ValueError(f"grads_and_vars: got {got}, needs {needs}")
                return int(model.apply_gradients(gradients))
        dtype = dtype_of(weights)
        shapes = [tuple(weight.shape) for weight in weights]
        arrays = gradient_arrays(gradients, shapes, dtype)
        blocks, parameters = self._parameters_for(weights, shapes, dtype)
        of_arrays = [(block, one) for block, one in zip(blocks, weights, strict=True) if isinstance(one, np.ndarray)]
        for block, weight in of_arrays:
            block.write(weight)
        updates = self.update(parameters, arrays)
        for block, weight in of_arrays:
            weight[...] = block.read()
        return updates

    def next_rate(self, step: int) -> float:
        """Return the rate of the update that follows `step` others."""
        rates = self.rates(step, 1)
        return self.current_rate() if rates is None else float(rates[0])

    def update(self, parameters: Parameters, gradients: Sequence[np.ndarray], rate: float | None = None) -> int:
        """Let the engine do one update, by default at the rate of this step; return the number of updates done."""
        parameters.set_learning_rate(self.next_rate(parameters.step) if rate is None else rate)
        parameters.apply_gradients(gradients)
        return int(parameters.step)

    def train_for(self, model: Trains) -> None:
        """Know a model that was compiled with this optimizer."""
        self.let_go(model)
        self.overwrite(_models=[*self._models, weakref.ref(model)])

    def let_go(self, model: Trains) -> None:
        """Forget a model."""
        self.overwrite(_models=[one for one in self._models if one() not in (None, model)])

    def _parameters_for(self, weights: list[Weight], shapes: list[Shape], dtype: str) -> tuple[list[Block], Parameters]:
        """Return the engine's arrays for weights outside of the models that it trains; made at the first call."""
        keys = [id(weight) for weight in weights]
        if self._applied is None:
            blocks = [
                weight.block if isinstance(weight, Variable) else Block(shape, dtype)
                for weight, shape in zip(weights, shapes, strict=True)
            ]
            parameters = Parameters(shapes, self.spec_for(weights), dtype, blocks=blocks)
            self.overwrite(_applied=(keys, weights, blocks, parameters))
            self.bind(parameters)
            return blocks, parameters
        if self._applied[0] != keys:
            needs = "the same: the optimizer remembers them"
            raise ValueError(f"grads_and_vars: got other weights than at first, needs {needs}")
        return self._applied[2:]


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
