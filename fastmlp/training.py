"""The epoch loop of `fit`: as few calls of the engine as can be, validation after them, callbacks around them."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastmlp import report, testing, threads
from fastmlp.callbacks.base import Callback, History
from fastmlp.callbacks.hooks import Hooks
from fastmlp.data import unpack
from fastmlp.layers import Shape
from fastmlp.results import Results
from fastmlp.settings import boolean, integer
from fastmlp.sources import Arrays, Share, Source, Visit, is_stream, refuse, source_of_batches, step_count
from fastmlp.validation import Validation, split, validation_of

if TYPE_CHECKING:
    from fastmlp.model import Sequential


@dataclass(frozen=True)
class Run:
    """The checked arguments of one call of fit."""

    input_shape: Shape
    train: Source
    validation: Validation | None
    epochs: int
    initial_epoch: int
    verbose: int
    params: dict[str, Any]  # what callbacks are told


def prepare(model: Sequential, x: Any, y: Any, arguments: dict[str, Any]) -> Run:
    """Check fit's arguments, changing nothing; raise ValueError or TypeError."""
    threads.get_num_threads()  # for its error, before anything is printed
    epochs = integer("epochs", arguments["epochs"], at_least=1)
    initial_epoch = integer("initial_epoch", arguments["initial_epoch"], at_least=0)
    verbose, shuffle = report.verbosity(arguments["verbose"]), boolean("shuffle", arguments["shuffle"])
    steps = step_count("steps_per_epoch", arguments["steps_per_epoch"])
    train: Source
    held_back = None
    sample_weight, class_weight = arguments["sample_weight"], arguments["class_weight"]
    if is_stream(x):
        refuse("x", {"y": y, "batch_size": arguments["batch_size"], "sample_weight": sample_weight})
        refuse("x", {"validation_split": arguments["validation_split"] or None})
        check = functools.partial(model.checked_batch, class_weight=class_weight)
        train, first = source_of_batches("x", x, check, steps, epochs - initial_epoch, shuffle)
        input_shape, _ = model.checked_data(*unpack("batch 0", first), class_weight=class_weight, prefix="batch 0 ")
    else:
        input_shape, rows = model.checked_data(x, y, sample_weight, class_weight=class_weight)
        if arguments["validation_data"] is None:
            rows, held_back = split(rows, arguments["validation_split"])
        if class_weight is not None and held_back is not None:
            held_back = dataclasses.replace(held_back, sample_weight=None)
        train = Arrays(rows, arguments["batch_size"], steps, shuffle)
    validation = validation_of(model, held_back, input_shape, epochs - initial_epoch, arguments)
    params = {"verbose": arguments["verbose"], "epochs": epochs, "steps": train.steps}
    return Run(input_shape, train, validation, epochs, initial_epoch, verbose, params)


def train(model: Sequential, run: Run, callbacks: list[Callback]) -> History:
    """Train `model` for the epochs of `run` and return the History.

    Raises
    ------
    RuntimeError
        When a callback has changed the network: the arrays were checked for the one before.
    """
    changes, results, validated = model.changes, Results(model), Results(model)
    history = model.history = History()
    model.stop_training = False
    model.epochs_resumed = 0
    hooks = Hooks([*callbacks, history], model, run.params)
    progress = report.Progress(run.train.steps, run.verbose)
    hooks.call("on_train_begin", {})
    logs: dict[str, Any] = {}
    for epoch in range(max(run.initial_epoch, model.epochs_resumed), run.epochs):
        hooks.call("on_epoch_begin", epoch, {})
        model.require_unchanged(changes)
        if run.verbose and run.epochs > 1:
            print(f"Epoch {epoch + 1}/{run.epochs}", flush=True)
        steps, logs = run_epoch(model, run, epoch, hooks, progress, results)
        if steps == 0:
            break
        if run.validation is not None and run.validation.is_due(epoch):
            _, values = testing.evaluate(model, run.validation.source, hooks, validated)
            logs.update((f"val_{name}", value) for name, value in values.items())
        logs = dict(sorted(logs.items()))
        Hooks.call_each(callbacks, "on_epoch_end", epoch, logs)
        model.require_unchanged(changes)
        progress.finish(logs, steps)
        history.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.use_average()
    hooks.call("on_train_end", logs)
    return history


def run_epoch(
    model: Sequential, run: Run, epoch: int, hooks: Hooks, progress: report.Progress, results: Results
) -> tuple[int, dict[str, Any]]:
    """Train one epoch; return the number of its batches, and the results by name."""
    number = epoch - run.initial_epoch
    visit = Visit(model.seed, model.epochs_trained - number, number)
    changes, steps, network = model.changes, 0, model.network
    results.reset()
    by_batch = hooks.wants_batches("train")
    shares = shares_of(run, visit, by_batch)
    try:
        progress.begin(lambda: steps + network.steps_done)
        for share in shares:
            if by_batch:
                hooks.call("on_train_batch_begin", steps, {})
                model.require_unchanged(changes)
            train_share(model, share, results)
            if by_batch:
                hooks.call("on_train_batch_end", steps, results.values)
                model.require_unchanged(changes)
            steps += share.steps
            if model.stop_training:
                break
    finally:
        progress.bar.moving = False  # before a call, at which an interrupt may come
        progress.end()
        shares.close()
    if steps < (run.train.steps or 1) and not model.stop_training:
        needs = f"{run.train.steps or 'one'} batches"
        warnings.warn(f"fit: got {steps} batches in epoch {epoch + 1}, needs {needs}; training ends", stacklevel=4)
        model.stop_training = True
    model.epochs_trained += steps > 0
    return steps, results.values


def train_share(model: Sequential, share: Share, results: Results) -> None:
    """Train on some batches by one call of the engine, and count in its results."""
    rows, network = share.data, model.network_for_training(share.batch_size)
    values = network.train_epoch(
        rows.x,
        rows.y,
        share.order,
        share.batch_size,
        results.engine_metric,
        sample_weight=rows.sample_weight,
        learning_rates=model.learning_rates(share.steps),
        predictions=results.room(rows.rows),
    )
    results.add(values, rows, share.order)


def shares_of(run: Run, visit: Visit, by_batch: bool) -> Generator[Share, None, None]:
    """Return the shares of an epoch, each a batch where callbacks want to see them; the bits are the same."""
    for share in run.train.epoch(visit):
        if by_batch:
            yield from share.batches()
        else:
            yield share
