"""One update of weights by gradients that the caller has computed: `Optimizer.apply_gradients`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp.config import float_type
from fastmlp.data.arrays import weight_arrays
from fastmlp.kernels.engine.parameters import Parameters
from fastmlp.layers.variable import Variable

if TYPE_CHECKING:
    from fastmlp.optimizers import Optimizer

Weight = Variable | np.ndarray


def apply_gradients(optimizer: Optimizer, pairs: Iterable[tuple[Any, Weight]]) -> int:
    """Do one update, and return how many the optimizer has done. See `Optimizer.apply_gradients`."""
    items = [tuple(pair) for pair in pairs]
    if not items or any(len(item) != 2 for item in items):
        raise ValueError("grads_and_vars: got no pairs, needs (gradient, weight) for each weight")
    weights = [weight for _, weight in items]
    dtype = dtype_of(weights)
    shapes = [tuple(weight.shape) for weight in weights]
    gradients = weight_arrays("gradients", [gradient for gradient, _ in items], shapes, dtype)
    model = weights[0].model if isinstance(weights[0], Variable) else None
    if model is not None and model.optimizer is optimizer:
        expected = [variable.path for variable in model.trainable_weights]
        if [getattr(weight, "path", None) for weight in weights] != expected:
            got = [getattr(weight, "path", "an array") for weight in weights]
            raise ValueError(f"grads_and_vars: got {got}, needs all trainable_weights of the model in their order")
        network = model.network
        update(optimizer, network, gradients)
        return int(network.step)
    parameters = parameters_for(optimizer, weights, shapes, dtype)
    parameters.set_weights([weight.numpy() if isinstance(weight, Variable) else weight for weight in weights])
    update(optimizer, parameters, gradients)
    for weight, values in zip(weights, parameters.get_weights(), strict=True):
        if isinstance(weight, Variable):
            weight.assign(values)
        else:
            weight[...] = values
    return int(parameters.step)


def update(optimizer: Optimizer, parameters: Parameters, gradients: Sequence[np.ndarray]) -> None:
    """Let the engine do it, at the rate of this step."""
    rates = optimizer.rates(parameters.step, 1)
    parameters.set_learning_rate(optimizer.learning_rate if rates is None else float(rates[0]))
    parameters.apply_gradients(gradients)


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


def parameters_for(
    optimizer: Optimizer, weights: Sequence[Weight], shapes: list[tuple[int, ...]], dtype: str
) -> Parameters:
    """Return the engine's arrays for weights outside of the model that the optimizer trains; made at the first call."""
    keys = [(id(w.model), w.path) if isinstance(w, Variable) else id(w) for w in weights]
    kept = vars(optimizer).get("_applied")
    if kept is None:
        parameters = Parameters(shapes, optimizer.spec, dtype)
        vars(optimizer)["_applied"] = (keys, list(weights), parameters)  # with the weights, so that ids stay theirs
        optimizer.bind(parameters)
        return parameters
    if kept[0] != keys:
        raise ValueError(
            "grads_and_vars: got other weights than at first, needs the same: the optimizer remembers them"
        )
    return kept[2]  # type: ignore[no-any-return]
