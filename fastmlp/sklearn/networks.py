"""The engine's network of an estimator: its layers, its weights in and out, its threads."""

from __future__ import annotations

import multiprocessing
import sys
import weakref
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from joblib.parallel import get_active_backend
from numpy.typing import NDArray

from fastmlp.config.threads import threads_for
from fastmlp.kernels import Network
from fastmlp.kernels.engine.arena import is_transposed
from fastmlp.kernels.engine.sparse_product import sparse_product
from fastmlp.kernels.engine.sparse_rows import SparseRows
from fastmlp.kernels.limits import WORK_PER_THREAD, startable
from fastmlp.sklearn import losses
from fastmlp.sklearn.folding import EPSILON, OF_LAYER, Layer, folded, layers_to_train, normalized
from fastmlp.sklearn.parameters import HIDDEN, OUTPUT, activations, dropout_rates
from fastmlp.sklearn.sparse import for_network, predict

Weights = list[NDArray[Any]]

ROWS_TOGETHER = 1 << 12  # sparse rows to predict at a time, so that what is between the layers stays small

NORMALIZATION = {
    "kind": "batch_normalization",
    "epsilon": EPSILON,
    "momentum": 0.99,
    "use_gamma": True,
    "use_beta": True,
}


def layers_of(estimator: Any, penalty: float, logits: bool, trained: bool = True) -> list[dict[str, Any]]:
    """Return the engine's layers: dense ones, and to be trained with normalization inside and dropout behind them."""
    units = [len(bias) for bias in estimator.intercepts_]
    hidden = [HIDDEN[name] for name in activations(estimator.activation, len(units) - 1)]
    rates = [*dropout_rates(estimator.dropout, len(units) - 1), 0.0]
    layers: list[dict[str, Any]] = []
    output = "linear" if logits else OUTPUT[estimator.out_activation_]
    for number, (count, activation, rate) in enumerate(zip(units, [*hidden, output], rates, strict=True)):
        is_normalized = trained and number < len(normalized(estimator))
        inside = "linear" if is_normalized else activation
        layers.append(
            {"kind": "dense", "units": count, "activation": inside, "use_bias": True, "kernel": {"l2": penalty}}
        )
        if is_normalized:
            layers += [NORMALIZATION, {"kind": "activation", "activation": activation}]
        if trained and rate > 0:
            layers.append({"kind": "dropout", "rate": rate, "seed": getattr(estimator, "_dropout_seed", 0)})
    return layers


def build(
    estimator: Any, dtype: Any, loss: str | None = None, optimizer: Mapping[str, Any] | None = None, penalty: float = 0
) -> Network:
    """Return a network with the estimator's weights; to predict with where there is no loss.

    The last activation is left out where the loss takes logits.
    """
    trained = loss is not None
    layers = layers_of(estimator, penalty, logits=trained and str(loss).endswith("_from_logits"), trained=trained)
    goal = losses.described(estimator, loss)
    network = Network(len(estimator.coefs_[0]), layers, goal, optimizer, dtype=np.dtype(dtype).name)
    network.set_weights(weights_of(estimator) if trained else interleaved(estimator.coefs_, estimator.intercepts_))
    return network


def for_training(estimator: Any, loss: str, optimizer: Any) -> tuple[Network, Any]:
    """Return a network with the estimator's weights that goes on from the optimizer's state, and what it is made from.

    It is the one that the optimizer has kept where nothing but weights has changed.
    """
    dtype, penalty = dtype_of(estimator), 0.5 * estimator.alpha
    layers = layers_of(estimator, penalty, logits=loss.endswith("_from_logits"))
    made_from = dtype, len(estimator.coefs_[0]), layers, loss
    network = optimizer.take(made_from)
    if network is None:
        network = build(estimator, dtype, loss, optimizer.rule, penalty)
        network.step = optimizer.step
        state = optimizer.state
        if state:
            network.set_optimizer_state(state)
    else:
        network.set_weights(weights_of(estimator))
    return network, made_from


# Networks that have predicted, by the estimator's id, each with what it is made from, until the estimator's next call.
# One that predicts is not in here, so that threads can share an estimator; a dict needs no lock for that, which a fork
# might leave held. They go with the estimator: by a callback
# without Python code, as an interrupt there would be lost.
_idle: dict[int, tuple[weakref.ref[Any], Any, Network]] = {}


def predict_rows(estimator: Any, x: Any) -> NDArray[Any]:
    """Return the outputs for the rows of x, in their type where it is a wider one than the weights'.

    The network is given the weights in each call, as these may have been changed. Of sparse rows it gets what a first
    kernel that is not a narrow one makes of them, and so no copy of that.
    """
    dtype = dtype_of(estimator)
    if estimator.dtype is None and x.dtype != dtype:
        dtype = np.result_type(dtype, x.dtype if x.dtype in (np.float32, np.float64) else np.float64)
    name = estimator.activation if isinstance(estimator.activation, str) else tuple(estimator.activation)
    kernel = estimator.coefs_[0]
    sizes = len(kernel), *map(len, estimator.intercepts_)
    is_apart = not isinstance(x, np.ndarray) and not is_transposed("kernel", kernel.shape)
    made_from = dtype, is_apart, *sizes, name, estimator.out_activation_
    weights = interleaved(estimator.coefs_, estimator.intercepts_)[2 * is_apart :]
    kept = _idle.pop(id(estimator), None)
    if kept is not None and kept[1] == made_from:
        reference, _, network = kept
    else:
        reference = weakref.ref(estimator, partial(_idle.pop, id(estimator)))
        layers = layers_of(estimator, 0.0, logits=False, trained=False)
        if is_apart:
            layers[0] = {"kind": "activation", "activation": layers[0]["activation"]}
        network = Network(sizes[is_apart], layers, dtype=dtype.name)
    network.set_weights(weights)
    network.threads = thread_count(estimator, x.shape[0] * network.multiply_adds)
    outputs = predict_sparse(estimator, network, for_network(x, dtype)) if is_apart else predict(network, x)
    _idle[id(estimator)] = reference, made_from, network
    return outputs


def predict_sparse(estimator: Any, network: Network, rows: SparseRows) -> NDArray[Any]:
    """Return the outputs of the network behind the first products, some rows at a time."""
    outputs = np.empty((len(rows), network.outputs), network.dtype)
    first = estimator.coefs_[0], estimator.intercepts_[0]
    kernel, bias = (np.require(array, network.dtype, ["C", "A"]) for array in first)
    for start in range(0, len(rows), ROWS_TOGETHER):
        part = rows[start : start + ROWS_TOGETHER]
        threads = startable(thread_count(estimator, len(part.data) * len(bias)))
        network.predict(sparse_product(part, kernel, bias, threads), out=outputs[start : start + ROWS_TOGETHER])
    return outputs


def dtype_of(estimator: Any) -> np.dtype[Any]:
    """Return the type of the weights, which is float64 for arrays or lists of something else that were set by hand."""
    dtype = np.asarray(estimator.coefs_[0]).dtype
    return dtype if dtype in (np.float32, np.float64) else np.dtype(np.float64)


def weights_of(estimator: Any) -> Weights:
    """Return the weights to train in the engine's order: kernel and bias of each layer, then what normalizes it."""
    layers = layers_to_train(estimator)
    count = len(layers)
    return [layer[name] for layer in layers for name in OF_LAYER] + interleaved(
        estimator.coefs_[count:], estimator.intercepts_[count:]
    )


def fitted(estimator: Any, network: Network) -> dict[str, Any]:
    """Return the attributes of the estimator that hold the network's weights."""
    weights = network.get_weights()
    count = len(OF_LAYER) * len(normalized(estimator))
    parts = (weights[first : first + len(OF_LAYER)] for first in range(0, count, len(OF_LAYER)))
    layers = [dict(zip(OF_LAYER, part, strict=True)) for part in parts]
    return attributes(layers, *apart(weights[count:]))


def attributes(layers: list[Layer], coefs: Weights, intercepts: Weights) -> dict[str, Any]:
    """Return the attributes for normalized layers and the dense ones behind them."""
    pairs = [folded(layer) for layer in layers]
    coefs = [*(kernel for kernel, _ in pairs), *coefs]
    return {"coefs_": coefs, "intercepts_": [*(bias for _, bias in pairs), *intercepts], "batch_norm_": layers}


def interleaved(coefs: Weights, intercepts: Weights) -> Weights:
    """Kernel and bias of each layer in turn: the engine's order without normalization."""
    return [array for pair in zip(coefs, intercepts, strict=True) for array in pair]


def apart(weights: Weights) -> tuple[Weights, Weights]:
    """Kernels and biases, of what is `interleaved`."""
    return weights[0::2], weights[1::2]


def threads_of_steps(estimator: Any, rows: int) -> int:
    """Threads for steps of training with so many rows."""
    return thread_count(estimator, 3 * rows * sum(map(np.size, estimator.coefs_)))


def thread_count(estimator: Any, work: int) -> int:
    """Threads for so many multiply-adds: n_threads, or what the work is worth, and one inside of a worker."""
    if estimator.n_threads is not None:
        return int(estimator.n_threads)
    return 1 if work < 2 * WORK_PER_THREAD or in_worker() else threads_for(work)


def in_worker() -> bool:
    """Whether others compute beside: in a worker of joblib (loky, threading, Dask, ...), of multiprocessing or Dask."""
    backend, _ = get_active_backend()
    if (backend.nesting_level or 0) > 0 or multiprocessing.parent_process() is not None:
        return True
    dask = sys.modules.get("distributed.worker")
    return hasattr(getattr(dask, "thread_state", None), "key")
