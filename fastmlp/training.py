"""The epoch loop of `fit`: one call to the engine an epoch, validation after it, callbacks around it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp import report, streams, threads
from fastmlp.callbacks import Callback, History
from fastmlp.data import Data, pair
from fastmlp.layers import Shape
from fastmlp.settings import boolean, integer, real

if TYPE_CHECKING:
    from fastmlp.model import Sequential

DEFAULT_BATCH_SIZE = 32


@dataclass(frozen=True)
class Run:
    """The checked arguments of one call of fit."""

    input_shape: Shape
    train: Data
    validation: Data | None
    batch_size: int
    epochs: int
    verbose: int
    shuffle: bool
    params: dict[str, Any]  # what callbacks are told

    @property
    def steps(self) -> int:
        return math.ceil(self.train.rows / self.batch_size)


def prepare(
    model: Sequential,
    x: Any,
    y: Any,
    batch_size: Any,
    epochs: Any,
    verbose: Any,
    validation_split: Any,
    validation_data: Any,
    shuffle: Any,
) -> Run:
    """Check fit's arguments, changing nothing; raise ValueError or TypeError."""
    threads.get_num_threads()  # for its error, before anything is printed
    input_shape, train = model.checked_data(x, y)
    validation = None
    if validation_data is None:
        train, validation = split(train, validation_split)
    else:
        _, validation = model.checked_data(*pair(validation_data), prefix="validation_data ", shape=input_shape)
    run = Run(
        input_shape=input_shape,
        train=train,
        validation=validation,
        batch_size=min(batch_rows(batch_size), train.rows),
        epochs=integer("epochs", epochs, at_least=1),
        verbose=report.verbosity(verbose),
        shuffle=boolean("shuffle", shuffle),
        params={},
    )
    run.params.update(verbose=verbose, epochs=run.epochs, steps=run.steps)
    return run


def batch_rows(batch_size: Any) -> int:
    """Return a checked batch size; None is Keras' 32."""
    return DEFAULT_BATCH_SIZE if batch_size is None else integer("batch_size", batch_size, at_least=1)


def split(data: Data, validation_split: Any) -> tuple[Data, Data | None]:
    """Return the training part and the validation part, which is the LAST fraction of the rows, before any shuffle."""
    fraction = real("validation_split", validation_split, low=0.0, high=1.0, open_high=True)
    if fraction == 0.0:
        return data, None
    at = math.floor(data.rows * (1.0 - fraction))
    if at in (0, data.rows):
        got = f"{fraction:g} of {data.rows} rows, {at} to train on and {data.rows - at} to validate on"
        raise ValueError(f"validation_split: got {got}, needs at least one of each")
    return data.part(0, at), data.part(at, data.rows)


def train(model: Sequential, run: Run, callbacks: list[Callback]) -> History:
    """Train `model` for the epochs of `run` and return the History.

    Raises
    ------
    RuntimeError
        When a callback has changed the network: the arrays were checked for the one before.
    """
    network = model.network
    history = model.history = History()
    model.stop_training = False
    hooks = [*callbacks, history]
    for hook in hooks:
        hook.set_params(run.params)
        hook.set_model(model)
    progress = report.Progress(run.steps, run.verbose)
    for hook in hooks:
        hook.on_train_begin({})
    logs: dict[str, Any] = {}
    for epoch in range(run.epochs):
        for hook in hooks:
            hook.on_epoch_begin(epoch, {})
        model.require_network(network)
        if run.verbose and run.epochs > 1:
            print(f"Epoch {epoch + 1}/{run.epochs}", flush=True)
        logs = run_epoch(model, run, progress)
        for callback in callbacks:
            callback.on_epoch_end(epoch, logs)
        model.require_network(network)
        progress.finish(logs)
        history.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    for hook in hooks:
        hook.on_train_end(logs)
    return history


def run_epoch(model: Sequential, run: Run, progress: report.Progress) -> dict[str, float]:
    """Train one epoch and validate; return the results by name, sorted."""
    if run.shuffle:
        order = streams.row_order(model.seed, model.epochs_trained, run.train.rows)
    else:
        order = np.arange(run.train.rows, dtype=np.int64)
    network = model.network_for_training(run.batch_size)
    with progress.running(network):
        values = network.train_epoch(run.train.x, run.train.y, order, run.batch_size, model.engine_metric)
    model.epochs_trained += 1
    logs = model.named_results(values)
    if run.validation is not None:
        validation = model.evaluate_data(run.validation)
        logs.update((f"val_{name}", value) for name, value in validation.items())
    return dict(sorted(logs.items()))
