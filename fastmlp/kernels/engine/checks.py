"""What a Network needs of the arrays that it runs on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.errors import told
from fastmlp.kernels.contract import check_array, check_range, described
from fastmlp.kernels.engine.description import METRICS
from fastmlp.kernels.engine.sparse_rows import SparseRows, check_sparse


def check_data(
    network: Any, xs: list[Any], ys: list[Any], metrics: list[Any], order: Any, batch_size: int, unlabelled: bool
) -> tuple[int, Any]:
    """Refuse arrays that a Network cannot run on; return their number of rows, and order, None: as they are.

    The order and, in ys, labels become copies: they are places in memory, and the caller's may change meanwhile.

    Raises
    ------
    ValueError
        Naming the argument.
    """
    rows = None
    for number, (x, columns) in enumerate(zip(xs, network.input_columns, strict=True)):
        name = item("x", number, network.several_inputs)
        if not isinstance(x, SparseRows):
            check_array(name, x, (np.uint8, np.float32, np.float64), (rows, columns))
        elif network.takes_sparse[number]:
            check_sparse(name, x, network.dtype, rows, columns)
        else:
            raise ValueError(f"{name}: got sparse rows, needs an array, as not only dense layers read it")
        rows = len(x)
    for metric in metrics:
        if metric is not None and not (isinstance(metric, str) and metric in METRICS):
            raise ValueError(f"metric: got {told(metric)}, needs None or one of {', '.join(map(repr, METRICS))}")
    losses = network.loss if network.several_outputs else [network.loss]
    for number, (y, loss, metric) in enumerate(zip(ys, losses, metrics, strict=True)):
        name = item("y", number, network.several_outputs)
        if y is None and not unlabelled and loss is not None:
            raise ValueError(f"{name}: got None, needs the targets")
        if y is not None:
            ys[number] = check_targets(name, network, loss, len(xs[0]), y, metric, network.output_columns[number])
    if not unlabelled and all(loss is None for loss in losses):
        raise ValueError("y: got None, needs the targets")
    if order is not None:
        check_array("order", order, (np.int64,), (None,))
        order = np.array(order)
        check_range("order", order, len(xs[0]))
    if batch_size < 1:
        raise ValueError(f"batch_size: got {batch_size}, needs at least 1")
    return len(xs[0]), order


def item(name: str, number: int, several: bool) -> str:
    """Return the name of one of several arguments in errors."""
    return f"{name}[{number}]" if several else name


def check_targets(name: str, network: Any, loss: Any, rows: int, y: Any, metric: str | None, columns: int) -> Any:
    """Refuse targets, or a metric, that do not fit the loss of an output; return the targets, of labels a copy."""
    if loss is None:
        raise ValueError(f"{name}: got targets, but the network was made without a loss")
    if callable(loss):
        if len(y) != rows:
            raise ValueError(f"{name}: got {len(y)} rows, needs {rows}, one for each row of x")
        if metric is not None:
            raise ValueError(f"metric: got {told(metric)}, needs None for a loss that is a callable")
        return y
    sparse = loss.startswith("sparse_")
    if metric not in (None, "own_loss") and metric.startswith("sparse_") != sparse:
        raise ValueError(f"metric: got {told(metric)}, which does not fit the loss {loss!r}")
    check_array(name, y, (np.intc,) if sparse else (network.dtype,), (rows, columns)[: 1 if sparse else 2])
    if sparse:
        y = np.array(y)
        check_range(name, y, columns)
    return y


def check_memory(
    name: str,
    network: Any,
    xs: list[Any],
    arrays: list[Any],
    columns: tuple[int, ...],
    written: bool = True,
    epochs: int | None = None,
) -> None:
    """Refuse memory that does not fit what a Network gives, or is given, for the rows of x, in each of `epochs`."""
    of_epochs = () if epochs is None else (epochs,)
    for number, array in enumerate(arrays):
        if array is None:
            continue
        place = item(name, number, len(arrays) > 1)
        if name == "input_gradient" and isinstance(xs[number], SparseRows):
            raise ValueError(f"{place}: got memory for sparse x, needs None")
        check_array(place, array, (network.dtype,), (*of_epochs, len(xs[0]), columns[number]))
        if written and not (array.flags.writeable and not any(np.may_share_memory(memory(x), array) for x in xs)):
            raise ValueError(f"{place}: got memory that is read-only or of x, needs writable memory of its own")


def check_held_out(network: Any, xs: list[Any], held_out: Any, epochs: int) -> None:
    """Refuse rows to be predicted after each epoch, and memory for that, where they do not fit; ValueError."""
    if not isinstance(held_out, (list, tuple)) or len(held_out) != 2:
        raise ValueError(f"held_out: got {told(held_out)}, needs rows and memory for what is predicted of them")
    x, out = held_out
    if network.several_inputs or network.several_outputs or isinstance(xs[0], SparseRows):
        raise ValueError("held_out: got rows, needs a network of one input and one output, and x that is not sparse")
    check_array("held_out[0]", x, (np.uint8, np.float32, np.float64), (None, network.inputs))
    check_written("held_out[1]", out, network.dtype, (epochs, len(x), network.outputs))


def check_written(name: str, array: Any, dtype: Any, shape: tuple[int, ...]) -> None:
    """Refuse memory of another type or shape, or that is read-only; ValueError."""
    check_array(name, array, (dtype,), shape)
    if not array.flags.writeable:
        raise ValueError(f"{name}: got memory that is read-only, needs writable memory")


def rows_in(x: Any) -> int:
    """Return how many rows there are; ValueError for what has none."""
    if not isinstance(x, (np.ndarray, SparseRows)) or (isinstance(x, np.ndarray) and not x.ndim):
        raise ValueError(f"x: got {described(x)}, needs an array [rows, columns]")
    return len(x)


def number_arrays(name: str, given: Any, shapes: list[tuple[int, ...]]) -> list[NDArray[Any]]:
    """Return a list of arrays of these shapes, or raise ValueError."""
    if not isinstance(given, (list, tuple)) or len(given) != len(shapes):
        got = f"{len(given)} arrays" if isinstance(given, (list, tuple)) else type(given).__name__
        raise ValueError(f"{name}: got {got}, needs a list of {len(shapes)}")
    arrays = []
    for number, (one, shape) in enumerate(zip(given, shapes, strict=True)):
        try:
            array = np.asarray(one)
        except ValueError:
            array = np.empty(0, object)
        if array.dtype.kind not in "fiub" or array.shape != shape:
            raise ValueError(f"{name}[{number}]: got {described(array)}, needs numbers of shape {shape}")
        arrays.append(array)
    return arrays


def check_out(out: list[Any], dtype: Any, shapes: list[tuple[int, ...]]) -> None:
    """Refuse arrays that are not one for each shape; ValueError."""
    if not isinstance(out, (list, tuple)):
        raise ValueError(f"out: got {described(out)}, needs a list of {len(shapes)} arrays")
    if len(out) != len(shapes):
        raise ValueError(f"out: got {len(out)} arrays, needs {len(shapes)}")
    for number, (array, shape) in enumerate(zip(out, shapes, strict=True)):
        check_written(f"out[{number}]", array, dtype, shape)


def memory(x: Any) -> NDArray[Any]:
    """Return the array that rows lie in, of sparse ones their numbers."""
    return x.data if isinstance(x, SparseRows) else x


def check_rows_and_steps(
    network: Any,
    rows: int,
    order: Any,
    batch_size: int,
    sample_weights: list[Any],
    learning_rates: Any,
    penalty_scales: Any,
    epochs: int,
) -> None:
    """Refuse weights that are not one for each row, and numbers for the steps that are not one for each update."""
    for number, weights in enumerate(sample_weights):
        if weights is not None:
            name = item("sample_weight", number, network.several_outputs)
            check_array(name, weights, (network.dtype,), (rows,))
    for name, values in (("learning_rates", learning_rates), ("penalty_scales", penalty_scales)):
        if values is not None:
            check_array(name, values, (np.float64,), (epochs * -(-(len(order) // epochs) // batch_size),))
