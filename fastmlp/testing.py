"""The loops of `evaluate` and `predict`: one call of the engine, or one a batch where that is asked for."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp.callbacks.hooks import Hooks
from fastmlp.data.arrays import Shape
from fastmlp.data.batches import Arrays, Source, is_stream, refuse, source_of_batches, step_count
from fastmlp.data.rows import Data, unlabelled, unpack
from fastmlp.training.results import Results

if TYPE_CHECKING:
    from fastmlp.models.sequential import Sequential


def evaluation_source(
    model: Sequential, x: Any, y: Any, batch_size: Any, steps: Any, sample_weight: Any
) -> tuple[Source, Shape]:
    """Return the checked source of `evaluate`'s arguments, and the shape of its rows; nothing is changed."""
    steps = step_count("steps", steps)
    if is_stream(x):
        refuse("x", {"y": y, "batch_size": batch_size, "sample_weight": sample_weight})
        source, first = source_of_batches("x", x, model.checked_batch, steps, 1, False)
        return source, model.checked_data(*unpack("batch 0", first), prefix="batch 0 ")[0]
    shape, rows = model.checked_data(x, y, sample_weight)
    return Arrays(rows, batch_size, steps), shape


def prediction_source(model: Sequential, x: Any, batch_size: Any, steps: Any) -> tuple[Source, Shape]:
    """Return the checked source of `predict`'s arguments, and the shape of its rows; nothing is changed."""
    steps = step_count("steps", steps)

    def check(prefix: str, batch: Any) -> tuple[Shape, Data]:
        rows = batch[0] if isinstance(batch, tuple) else batch  # the y that a batch for training has is not used
        return unlabelled(f"{prefix} x", rows, model.input_shape, model.dtype)

    if is_stream(x):
        refuse("x", {"batch_size": batch_size})
        source, first = source_of_batches("x", x, lambda prefix, batch: check(prefix, batch)[1], steps, 1, False)
        return source, check("batch 0", first)[0]
    shape, rows = unlabelled("x", x, model.input_shape, model.dtype)
    return Arrays(rows, batch_size, steps), shape


def evaluate(model: Sequential, source: Source, hooks: Hooks, results: Results) -> tuple[int, dict[str, Any]]:
    """Return the number of batches, and loss and metrics by name, without dropout."""
    changes, number = model.changes, -1
    results.reset()
    by_batch = hooks.wants_batches("test")
    hooks.call("on_test_begin", {})
    for number, rows in enumerate(source.parts(by_batch)):
        if by_batch:
            hooks.call("on_test_batch_begin", number, {})
        model.require_unchanged(changes)
        evaluate_rows(model, rows, results)
        if by_batch:
            hooks.call("on_test_batch_end", number, results.values)
    steps = batches_found("evaluate", source, number + 1)
    values = results.values
    hooks.call("on_test_end", dict(values))
    return steps, values


def evaluate_rows(model: Sequential, rows: Data, results: Results) -> None:
    """Evaluate some rows by one call of the engine, and count in its results."""
    network = model.network_for_rows(rows.rows)
    metric, predictions = results.engine_metric, results.room(rows.rows)
    results.add(network.evaluate(rows.x, rows.y, metric, rows.sample_weight, predictions), rows)


def predict(model: Sequential, source: Source, hooks: Hooks) -> tuple[int, np.ndarray]:
    """Return the number of batches, and the outputs [rows, units], without dropout."""
    outputs, changes, number = [], model.changes, -1
    by_batch = hooks.wants_batches("predict")
    hooks.call("on_predict_begin", {})
    for number, rows in enumerate(source.parts(by_batch)):
        if by_batch:
            hooks.call("on_predict_batch_begin", number, {})
        model.require_unchanged(changes)
        outputs.append(model.network_for_rows(rows.rows).predict(rows.x))
        if by_batch:
            hooks.call("on_predict_batch_end", number, {"outputs": outputs[-1]})
    steps = batches_found("predict", source, number + 1)
    hooks.call("on_predict_end", {})
    return steps, outputs[0] if len(outputs) == 1 else np.concatenate(outputs)


def batches_found(method: str, source: Source, parts: int) -> int:
    """Return the number of batches in so many parts, and warn when a stream has ended before those asked for."""
    if isinstance(source, Arrays):
        return source.steps  # in one part, or in as many
    if source.steps and parts < source.steps:
        warnings.warn(f"{method}: got {parts} batches, needs {source.steps}; the result is of those", stacklevel=4)
    return parts
