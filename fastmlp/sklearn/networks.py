"""The engine's network of an estimator: its layers, its weights in and out, its threads."""

from __future__ import annotations

import multiprocessing
import sys
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import zip_longest
from typing import Any

import numpy as np
from joblib.parallel import get_active_backend
from numpy.typing import NDArray

from fastmlp.config.threads import threads_for
from fastmlp.kernels import Network
from fastmlp.kernels.engine.sparse_product import sparse_product
from fastmlp.kernels.engine.sparse_rows import SparseRows
from fastmlp.kernels.limits import WORK_PER_THREAD
from fastmlp.sklearn.parameters import HIDDEN, OUTPUT, activations, dropout_rates
from fastmlp.sklearn.sparse import for_network

Weights = list[NDArray[Any]]

ROWS_TOGETHER = 1 << 12  # sparse rows to predict at a time, so that what is between the layers stays small
# with the defaults of Keras, and its weights in the engine's order
NORMALIZATION = {"kind": "batch_normalization", "epsilon": 1e-3, "momentum": 0.99, "use_gamma": True, "use_beta": True}
OF_NORMALIZATION = ("gamma", "beta", "mean", "variance")


def layers_of(estimator: Any, penalty: float, logits: bool) -> list[dict[str, Any]]:
    """Return the engine's layers: dense ones, with normalization inside of the hidden ones and dropout behind them."""
    units = [len(bias) for bias in estimator.intercepts_]
    hidden = [HIDDEN[name] for name in activations(estimator.activation, len(units) - 1)]
    rates = [*dropout_rates(estimator.dropout, len(units) - 1), 0.0]
    layers: list[dict[str, Any]] = []
    output = "linear" if logits else OUTPUT[estimator.out_activation_]
    for number, (count, activation, rate) in enumerate(zip(units, [*hidden, output], rates, strict=True)):
        normalized = number < len(estimator.batch_norm_)
        inside = "linear" if normalized else activation
        layers.append(
            {"kind": "dense", "units": count, "activation": inside, "use_bias": True, "kernel": {"l2": penalty}}
        )
        if normalized:
            layers += [NORMALIZATION, {"kind": "activation", "activation": activation}]
        if rate > 0:
            layers.append({"kind": "dropout", "rate": rate, "seed": getattr(estimator, "_dropout_seed", 0)})
    return layers


def build(
    estimator: Any, dtype: Any, loss: str | None = None, optimizer: Mapping[str, Any] | None = None, penalty: float = 0
) -> Network:
    """Return a network with the estimator's weights; without the last activation where the loss takes logits."""
    network = Network(**description(estimator, dtype, loss, optimizer, penalty))
    network.set_weights(weights_of(estimator))
    return network


def description(
    estimator: Any, dtype: Any, loss: str | None = None, optimizer: Mapping[str, Any] | None = None, penalty: float = 0
) -> dict[str, Any]:
    """Return the arguments of the engine's network, which has no weights yet."""
    return {
        "inputs": len(estimator.coefs_[0]),
        "layers": layers_of(estimator, penalty, logits=loss is not None and loss.endswith("_from_logits")),
        "loss": loss,
        "optimizer": optimizer,
        "dtype": np.dtype(dtype).name,
    }


# Networks that have predicted, by the estimator's id, each with what it is made from, until the estimator's next call.
# One that predicts is not in here, so that threads can share an estimator. They go with the estimator: by a callback
# without Python code, as an interrupt there would be lost.
_idle: dict[int, tuple[weakref.ref[Any], Any, Network]] = {}
_guard = threading.Lock()


def predict(estimator: Any, x: Any) -> NDArray[Any]:
    """Return the outputs for rows that are `prepared`, in their type where it is a wider one than the weights'."""
    dtype = estimator.coefs_[0].dtype
    if estimator.dtype is None:
        dtype = np.result_type(dtype, x.dtype if x.dtype in (np.float32, np.float64) else np.float64)
    rows, kernel = for_network(x, dtype), estimator.coefs_[0]
    if not isinstance(rows, SparseRows) or kernel.dtype != dtype:
        with for_predictions(estimator, dtype, x.shape[0], layers_of(estimator, 0.0, logits=False)) as network:
            network.set_weights(weights_of(estimator))
            outputs: NDArray[Any] = network.predict(rows)
            return outputs
    outputs = np.empty((len(rows), len(estimator.intercepts_[-1])), dtype)
    kernel, bias = (np.require(array, dtype, ["C", "A"]) for array in (kernel, estimator.intercepts_[0]))
    with for_predictions(estimator, dtype, len(rows), layers_behind_first(estimator)) as network:
        network.set_weights(weights_of(estimator)[2:])
        for start in range(0, len(rows), ROWS_TOGETHER):
            part = rows.part(start, start + ROWS_TOGETHER)
            threads = thread_count(estimator, len(part.data) * kernel.shape[1])
            between = sparse_product(part, kernel, bias, threads)
            network.predict(between, out=outputs[start : start + ROWS_TOGETHER])
    return outputs


def layers_behind_first(estimator: Any) -> list[dict[str, Any]]:
    """Return the layers behind the products of the first: those of sparse rows need no packed copy of its kernel."""
    first, *others = layers_of(estimator, 0.0, logits=False)
    return [{"kind": "activation", "activation": first["activation"]}, *others]


@contextmanager
def for_predictions(estimator: Any, dtype: Any, rows: int, layers: list[dict[str, Any]]) -> Iterator[Network]:
    """Return a network of some layers, to predict rows with.

    It is to be given the weights in each call, as these may have been changed.
    """
    inputs = len(estimator.coefs_[0]) if layers[0]["kind"] == "dense" else len(estimator.intercepts_[0])
    made_from = dtype, inputs, layers
    with _guard:
        kept = _idle.pop(id(estimator), None)
    network = kept[2] if kept is not None and kept[1] == made_from else Network(inputs, layers, dtype=dtype.name)
    network.threads = thread_count(estimator, rows * network.multiply_adds)
    yield network
    with _guard:
        _idle[id(estimator)] = weakref.ref(estimator, partial(_idle.pop, id(estimator))), made_from, network


def weights_of(estimator: Any) -> Weights:
    """Return the estimator's weights in the engine's order: kernel and bias of each layer, then what normalizes it."""
    found: Weights = []
    for kernel, bias, normalization in zip_longest(estimator.coefs_, estimator.intercepts_, estimator.batch_norm_):
        found += [kernel, bias]
        if normalization is not None:
            found += [normalization[name] for name in OF_NORMALIZATION]
    return found


def fitted(estimator: Any, network: Network) -> dict[str, Any]:
    """Return the attributes of the estimator that hold the network's weights."""
    weights = iter(network.get_weights())
    coefs, intercepts, normalizations = [], [], []
    for number in range(len(estimator.coefs_)):
        coefs.append(next(weights))
        intercepts.append(next(weights))
        if number < len(estimator.batch_norm_):
            normalizations.append({name: next(weights) for name in OF_NORMALIZATION})
    return {"coefs_": coefs, "intercepts_": intercepts, "batch_norm_": normalizations}


def interleaved(coefs: Weights, intercepts: Weights) -> Weights:
    """Kernel and bias of each layer in turn: the engine's order without normalization."""
    return [array for pair in zip(coefs, intercepts, strict=True) for array in pair]


def threads_of_steps(estimator: Any, rows: int) -> int:
    """Threads for steps of training with so many rows."""
    return thread_count(estimator, 3 * rows * sum(kernel.size for kernel in estimator.coefs_))


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
