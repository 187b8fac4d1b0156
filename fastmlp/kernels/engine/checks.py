"""What a Network needs of the arrays that it runs on."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastmlp.kernels.contract import check_array, check_range


def check_data(network: Any, x: Any, y: Any, order: Any, batch_size: int, metric: str | None) -> None:
    """Refuse arrays that a Network cannot run on; y None is for predictions, order None for the rows as they are.

    Raises
    ------
    ValueError
        Naming the argument.
    """
    check_array("x", x, (np.uint8, np.float32, np.float64), (None, network.inputs))
    if y is not None:
        check_targets(network, len(x), y, metric)
    if order is not None:
        check_array("order", order, (np.int64,), (None,))
        check_range("order", order, len(x))
    if batch_size < 1:
        raise ValueError(f"batch_size: got {batch_size}, needs at least 1")


def check_targets(network: Any, rows: int, y: Any, metric: str | None) -> None:
    """Refuse targets, or a metric, that do not fit the loss of a Network; ValueError."""
    if network.loss is None:
        raise ValueError("y: got targets, but the network was made without a loss")
    if callable(network.loss):
        if len(y) != rows:
            raise ValueError(f"y: got {len(y)} rows, needs {rows}, one for each row of x")
        if metric is not None:
            raise ValueError(f"metric: got {metric!r}, needs None for a loss that is a callable")
        return
    sparse = network.loss.startswith("sparse_")
    if metric is not None and metric.startswith("sparse_") != sparse:
        raise ValueError(f"metric: got {metric!r}, which does not fit the loss {network.loss!r}")
    check_array("y", y, (np.intc,) if sparse else (network.dtype,), (rows, network.outputs)[: 1 if sparse else 2])
    if sparse:
        check_range("y", y, network.outputs)


def check_out(name: str, network: Any, x: Any, out: Any, columns: int) -> None:
    """Refuse memory that does not fit what a Network gives for the rows of x; ValueError."""
    check_array(name, out, (network.dtype,), (len(x), columns))
    if not out.flags.writeable or np.may_share_memory(x, out):
        raise ValueError(f"{name}: got memory that is read-only or of x, needs writable memory of its own")


def check_rows_and_steps(
    network: Any,
    rows: int,
    order: Any,
    batch_size: int,
    sample_weight: Any,
    learning_rates: Any,
    penalty_scales: Any,
) -> None:
    """Refuse weights that are not one for each row, and numbers for the steps that are not one for each update."""
    if sample_weight is not None:
        check_array("sample_weight", sample_weight, (network.dtype,), (rows,))
    for name, values in (("learning_rates", learning_rates), ("penalty_scales", penalty_scales)):
        if values is not None:
            check_array(name, values, (np.float64,), (-(-len(order) // batch_size),))
