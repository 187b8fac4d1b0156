"""The loops of `fit`, `evaluate` and `predict`: few calls of the engine, with the callbacks around them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Generator, Iterator
from typing import Any, cast

import numpy as np

from fastmlp.callbacks.base import Callback, CallbackModel, History
from fastmlp.callbacks.hooks import Hooks
from fastmlp.data.batches import Arrays, Chunk, Source, Visit
from fastmlp.data.rows import Data
from fastmlp.training.finite import Watch
from fastmlp.training.inputs import Run
from fastmlp.training.model import Model
from fastmlp.training.progress import Progress
from fastmlp.training.results import Results

SECONDS_TOGETHER = 0.05  # of the epochs in one call of the engine: long against the Python around it, short for others


def begin(model: Model, run: Run, callbacks: list[Callback]) -> tuple[History, Iterator[int]]:
    """Return what `fit` returns, and the epochs, which train the model as they are taken."""
    history = History()
    hooks = Hooks([*callbacks, history], cast(CallbackModel, model), run.params)
    model.history, model.stop_training, model.epochs_resumed = history, False, 0
    return history, train(model, run, hooks)


def train(model: Model, run: Run, hooks: Hooks) -> Iterator[int]:
    """Train `model` for the epochs of `run`; yield how many are left, after each or after several at once.

    Raises
    ------
    RuntimeError
        When a callback has changed the network: the arrays were checked for the one before.
    """
    results = Results(model)
    validated = results if run.validation is None else Results(model)
    progress, watch = Progress(run.train.steps, run.verbose), Watch()
    run.train.make_ready(model.network)
    hooks.call("on_train_begin", {})
    logs: dict[str, Any] = {}
    epoch, together = max(run.initial_epoch, model.epochs_resumed), 1
    while epoch < run.epochs:
        started = time.perf_counter()
        if can_be_together(run, hooks, results):
            logs = run_epochs(model, run, epoch, together, hooks, results, watch)
            each = (time.perf_counter() - started) / together
            left = run.epochs - epoch - together
            epoch, together = epoch + together, max(1, min(left, int(SECONDS_TOGETHER / each)))
        else:
            logs = run_and_validate(model, run, epoch, hooks, progress, results, validated, watch)
            if not logs:  # as there was no batch
                break
            epoch += 1
        watch.warn()
        if model.stop_training:
            break
        yield run.epochs - epoch
    with model._lock:
        model.use_average()
    hooks.call("on_train_end", logs)


def can_be_together(run: Run, hooks: Hooks, results: Results) -> bool:
    """Whether epochs may follow each other in one call of the engine, as nobody asks for anything between them."""
    asked = hooks.wants_epochs or hooks.wants_batches("train") or run.verbose or run.validation is not None
    has_passes = isinstance(run.train, Arrays) and run.train.has_whole_passes
    return has_passes and not asked and not results.others and not results.has_custom_loss


def run_epochs(
    model: Model, run: Run, epoch: int, count: int, hooks: Hooks, results: Results, watch: Watch
) -> dict[str, Any]:
    """Train `count` epochs by one call of the engine; return the results of the last.

    Those that were finished when an interrupt came are in History too.
    """
    model.require_unchanged(results.changes)
    assert isinstance(run.train, Arrays)
    data, batch_size = run.train.data, run.train.batch_size
    visit = visit_of(model, run, epoch)
    orders = run.train.orders(visit, visit.number, count)
    given, rates = model.for_engine, model.learning_rates(count * run.train.steps)
    found: list[Any] = []
    logs: dict[str, Any] = {}
    try:
        with model._lock:
            model.network_for_training(batch_size, rates).train_epochs(
                given(data.xs),
                given(data.ys),
                orders,
                batch_size,
                found,
                given(results.engine_metrics),
                given(data.sample_weights),
                rates,
            )
    finally:
        watch.look(model, model.network, [values[0] for values in found], epoch, 0, run.train.steps)
        for number, values in enumerate(found):
            results.reset()
            results.add(values, data, orders[number], batch_size)
            logs = dict(sorted(results.final().items()))
            model.epochs_trained += 1
            hooks.call("on_epoch_end", epoch + number, logs)
    return logs


def run_and_validate(
    model: Model,
    run: Run,
    epoch: int,
    hooks: Hooks,
    progress: Progress,
    results: Results,
    validated: Results,
    watch: Watch,
) -> dict[str, Any]:
    """Train one epoch, with what is asked for before and after it; return all results, or nothing without a batch."""
    hooks.call("on_epoch_begin", epoch, {})
    model.require_unchanged(results.changes)
    if run.verbose and run.epochs > 1:
        print(f"Epoch {epoch + 1}/{run.epochs}", flush=True)
    steps, logs = run_epoch(model, run, epoch, hooks, progress, results, watch)
    if steps == 0:
        return {}
    if run.validation is not None and run.validation.is_due(epoch):
        _, values = evaluate(model, run.validation.source, hooks, validated)
        logs.update((f"val_{name}", value) for name, value in values.items())
    logs = dict(sorted(logs.items()))
    hooks.call("on_epoch_end", epoch, logs)
    model.require_unchanged(results.changes)
    progress.finish(logs, steps)
    return logs


def visit_of(model: Model, run: Run, epoch: int) -> Visit:
    """Return what decides the order of the rows in an epoch."""
    number = epoch - run.initial_epoch
    return Visit(model.seed, model.epochs_trained - number, number)


def run_epoch(
    model: Model, run: Run, epoch: int, hooks: Hooks, progress: Progress, results: Results, watch: Watch
) -> tuple[int, dict[str, Any]]:
    """Train one epoch; return the number of its batches, and the results by name."""
    visit, changes, steps, network = visit_of(model, run, epoch), model.changes, 0, model.network
    results.reset()
    by_batch = hooks.wants_batches("train")
    chunks = chunks_of(run, visit, by_batch)
    try:
        progress.begin(lambda: steps + network.steps_done)
        for chunk in chunks:
            if by_batch:
                hooks.call("on_train_batch_begin", steps, {})
                model.require_unchanged(changes)
            loss = train_chunk(model, chunk, results)
            watch.look(model, model.network, [loss], epoch, steps, chunk.steps)
            if by_batch:
                hooks.call("on_train_batch_end", steps, results.values)
                model.require_unchanged(changes)
            steps += chunk.steps
            if model.stop_training:
                break
    finally:
        progress.bar.moving = False  # before a call, at which an interrupt may come
        progress.end()
        chunks.close()
    if steps < (run.train.steps or 1) and not model.stop_training:
        needs = f"{run.train.steps} batches" if run.train.steps else "at least one"
        warnings.warn(f"fit: got {steps} batches in epoch {epoch + 1}, needs {needs}; training ends", stacklevel=5)
        model.stop_training = True
    model.epochs_trained += steps > 0
    return steps, results.final()


def train_chunk(model: Model, chunk: Chunk, results: Results) -> float:
    """Train on some batches by one call of the engine, and count in its results; return the loss."""
    data, given, rates = chunk.data, model.for_engine, model.learning_rates(chunk.steps)
    with model._lock:
        values = model.network_for_training(chunk.batch_size, rates).train_epoch(
            given(data.xs),
            given(data.ys),
            chunk.order,
            chunk.batch_size,
            given(results.engine_metrics),
            sample_weight=given(data.sample_weights),
            learning_rates=rates,
            predictions=given(results.rooms(data.rows)),
        )
    results.add(values, data, chunk.order, chunk.batch_size)
    return cast(float, values[0])


def chunks_of(run: Run, visit: Visit, by_batch: bool) -> Generator[Chunk, None, None]:
    """Return the chunks of an epoch, each a batch where callbacks want to see them; the bits are the same."""
    for chunk in run.train.epoch(visit):
        if by_batch:
            yield from chunk.batches()
        else:
            yield chunk


def evaluate(model: Model, source: Source, hooks: Hooks, results: Results) -> tuple[int, dict[str, Any]]:
    """Return the number of batches, and loss and metrics by name, without dropout.

    A custom loss may return one number for a batch: it sees the batches, as in training, however the rows come.
    """
    changes, number = model.changes, -1
    model.stop_evaluating = False
    source.make_ready(model.network)
    results.reset()
    by_batch = hooks.wants_batches("test") or any(goal is not None and goal.reduction == "sum" for goal in model.goals)
    hooks.call("on_test_begin", {})
    for number, data in enumerate(source.parts(by_batch or results.has_custom_loss)):
        if by_batch:
            hooks.call("on_test_batch_begin", number, {})
        model.require_unchanged(changes)
        evaluate_rows(model, data, results, source.batch_size)
        if by_batch:
            hooks.call("on_test_batch_end", number, results.values)
        if model.stop_evaluating:
            break
    steps = number + 1 if model.stop_evaluating else batches_found("evaluate", source, number + 1)
    values = results.final()
    hooks.call("on_test_end", dict(values))
    return steps, values


def evaluate_rows(model: Model, data: Data, results: Results, batch_size: int | None = None) -> None:
    """Evaluate some rows by one call of the engine, and count in its results."""
    given, rooms = model.for_engine, results.rooms(data.rows)
    with model._lock:
        values = model.network_for_rows(data.rows).evaluate(
            given(data.xs), given(data.ys), given(results.engine_metrics), given(data.sample_weights), given(rooms)
        )
    results.add(values, data, None, batch_size)


def predict(model: Model, source: Source, hooks: Hooks) -> tuple[int, Any]:
    """Return the number of batches, and the outputs [rows, units], a list of several, without dropout."""
    outputs, changes, number = [], model.changes, -1
    model.stop_predicting = False
    source.make_ready(model.network)
    by_batch = hooks.wants_batches("predict")
    hooks.call("on_predict_begin", {})
    for number, data in enumerate(source.parts(by_batch)):
        if by_batch:
            hooks.call("on_predict_batch_begin", number, {})
        model.require_unchanged(changes)
        with model._lock:
            outputs.append(model.network_for_rows(data.rows).predict(model.for_engine(data.xs)))
        if by_batch:
            hooks.call("on_predict_batch_end", number, {"outputs": model.reshaped(outputs[-1])})
        if model.stop_predicting:
            break
    steps = number + 1 if model.stop_predicting else batches_found("predict", source, number + 1)
    hooks.call("on_predict_end", {})
    if len(outputs) == 1:
        return steps, outputs[0]
    if isinstance(outputs[0], list):
        return steps, [np.concatenate(parts) for parts in zip(*outputs, strict=True)]
    return steps, np.concatenate(outputs)


def batches_found(method: str, source: Source, parts: int) -> int:
    """Return the number of batches in so many parts, and warn when batches have ended before those asked for."""
    if isinstance(source, Arrays):
        return source.steps  # in one part, or in as many
    if source.steps and parts < source.steps:
        warnings.warn(f"{method}: got {parts} batches, needs {source.steps}; the result is of those", stacklevel=4)
    return parts
