"""Many models at once: `fit_many` and `predict_many`, each model with the bits that it has alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any, cast

import numpy as np

from fastmlp.callbacks.base import Callback, CallbackModel, History
from fastmlp.callbacks.hooks import Hooks, check_callbacks
from fastmlp.data.arrays import numeric
from fastmlp.data.batches import Arrays, Source, gives_batches
from fastmlp.data.rows import Data
from fastmlp.errors import told
from fastmlp.kernels.engine.turns import Training
from fastmlp.settings import is_among, listed, real
from fastmlp.training import inputs, loops
from fastmlp.training.inputs import FitArguments, Run
from fastmlp.training.model import Model
from fastmlp.training.pool import Member, Pool
from fastmlp.training.progress import Progress, verbosity
from fastmlp.training.results import Results


def fit_many(
    models: Sequence[Any],
    x: Any,
    y: Any = None,
    batch_size: Any = None,
    epochs: Any = 1,
    verbose: Any = "auto",
    callbacks: Any = None,
    validation_split: Any = 0.0,
    validation_data: Any = None,
    shuffle: Any = True,
    class_weight: Any = None,
    sample_weight: Any = None,
    initial_epoch: Any = 0,
    *,
    rows: Any = None,
    seconds: float | None = None,
) -> list[History]:
    """Train models at once, in as many threads as `get_num_threads` says; each ends with the bits that it has alone.

    The models may have any layers, optimizers, losses and metrics that fit the data. Each argument but `models`, `x`,
    `y` and `verbose` is for all of them, or a list with an item for each.

    Parameters
    ----------
    models : list of Model
        Compiled; none twice, and no two with layers, callbacks, metrics or an optimizer in common.
    x, y : as of `fit`
        Arrays, which all models read as they are.
    batch_size, epochs, validation_split, validation_data, shuffle, class_weight, initial_epoch : as of `fit`
        validation_data of all models is a tuple.
    verbose : {"auto", 0, 1, 2}
        0 prints nothing; else there is one line for all, which counts epochs and has the means over the models. 1
        ("auto") moves it on a terminal.
    callbacks : list with a list or None for each model, optional
        Their hooks run in threads of their own: one model's in one thread at a time, those of several models at once.
    sample_weight : array [rows], optional
        As of `fit`, of the rows of x; a list of arrays or None has one for each model.
    rows : list with int or bool arrays, or None for each model, optional
        Which rows of x a model is trained on: it ends with the bits of `fit(x[rows], y[rows])`, and nothing is copied
        (but the rows of a validation_split, and all of them where a metric is computed from predictions). A row that
        is there twice is visited twice.
    seconds : float, optional
        The training ends after so long, if it has not before, as after Ctrl-C but without an error: each model keeps
        what it has learnt, in the midst of an epoch too, and its callbacks are not told of an end.

    Returns
    -------
    list of History
        As `fit` returns it, of each model.

    Raises
    ------
    ValueError, TypeError
        For arguments that do not fit; no model has been trained then.
    ExceptionGroup
        When training has raised something for some models: these end alone, and the others are trained first. Each
        error has a note with the number of its model; `model.history` has what each has reached.
    RuntimeError
        While another thread trains one of the models.
    KeyboardInterrupt
        Within about a second of Ctrl-C; each model keeps what it has learnt.
    """
    members = checked_models(models)
    level, count = verbosity(verbose), len(members)
    limit = math.inf if seconds is None else real("seconds", seconds, low=0.0)
    if gives_batches(x):
        raise TypeError(f"x: got {type(x).__name__}, which gives batches, needs arrays that all models read")
    if sample_weight is not None and inputs.is_row_of_numbers(sample_weight):
        sample_weight = np.asarray(sample_weight)
    chosen = callbacks_of_each(callbacks, count)
    given = {
        "batch_size": batch_size,
        "epochs": epochs,
        "validation_split": validation_split,
        "validation_data": validation_data,
        "shuffle": shuffle,
        "class_weight": class_weight,
        "sample_weight": sample_weight,
        "initial_epoch": initial_epoch,
        "rows": None if rows is None else listed("rows", rows),
    }
    columns = {name: of_each(name, value, count) for name, value in given.items()}
    known: list[np.ndarray] = []
    runs = []
    for number, model in enumerate(members):
        settings = {name: values[number] for name, values in columns.items()}
        try:
            model.require_loss("fit_many")
            runs.append(shared(inputs.prepare(model, arguments(x, y, settings)), known))
        except (ValueError, TypeError) as error:
            error.add_note(f"fit_many: of models[{number}]")
            raise
    for model, run in zip(members, runs, strict=True):
        with model._lock:
            model.build_for(run.input_shapes)
    require_apart(members, chosen)
    histories, pooled = [], []
    with Training("fit_many", [model._lock for model in members]):
        for model, run, own in zip(members, runs, chosen, strict=True):
            history, taken = loops.begin(model, ready(model, run), own)
            histories.append(history)
            pooled.append(Member(model, taken, max(run.epochs - run.initial_epoch, 0)))
        run_with_progress(Pool(pooled, seconds=limit), histories, sum(member.left for member in pooled), level)
    errors = []
    for number, member in enumerate(pooled):
        if isinstance(member.error, Exception):
            member.error.add_note(f"fit_many: of models[{number}]")
            errors.append(member.error)
    if errors:
        raise ExceptionGroup(f"fit_many: {len(errors)} of {count} models have failed, the others are trained", errors)
    return histories


def predict_many(
    models: Sequence[Any],
    x: Any,
    batch_size: int | None = None,
    *,
    voting: str | None = None,
    weights: Sequence[float] | None = None,
) -> Any:
    """Return what each of the models predicts, or what they say together; computed in as many threads as there are.

    Parameters
    ----------
    models : list of Model
    x, batch_size : as of `predict`
        Arrays, which all models read as they are.
    voting : {None, "soft", "hard"}
        As of scikit-learn's VotingClassifier. "soft" is the mean of the outputs, also that of regressions. "hard" is
        the class that most models choose, of equal ones the first: each chooses its largest output, or of one output 1
        where that is above 0.5.
    weights : sequence of float, optional
        How much each model counts in a "soft" vote; default all alike.

    Returns
    -------
    list of outputs
        Each as `predict` returns it, with the same bits. With "soft" an array [rows, units] of the same dtype, a list
        or dict of several; with "hard" an array [rows] of int64.

    Raises
    ------
    ValueError, TypeError
        For arguments that do not fit, and where outputs that are to vote have different shapes.
    """
    members = checked_models(models)
    if not is_among(voting, (None, "soft", "hard")):
        raise ValueError(f"voting: got {told(voting)}, needs None, 'soft' or 'hard'")
    if weights is not None:
        require_weights(weights, len(members), voting)
    if gives_batches(x):
        raise TypeError(f"x: got {type(x).__name__}, which gives batches, needs arrays that all models read")
    outputs: list[Any] = [None] * len(members)
    pooled = []
    for number, model in enumerate(members):
        try:
            source, shapes = inputs.prediction_source(model, x, batch_size, None)
        except (ValueError, TypeError) as error:
            error.add_note(f"predict_many: of models[{number}]")
            raise
        model.build_for(shapes)
        pooled.append(Member(model, predictions(model, source, outputs, number), 1))
    pool = Pool(pooled)
    pool.run()
    for member in pooled:
        if member.error is not None:
            raise member.error
    if voting is None:
        return [model.reshaped(output) for model, output in zip(members, outputs, strict=True)]
    if voting == "hard":
        return most_chosen(outputs)
    return members[0].reshaped(means(outputs, weights))


def require_weights(weights: Any, count: int, voting: str | None) -> None:
    """Raise ValueError for weights that are not one for each model, of at least 0 and not all 0, in a soft vote."""
    found = numeric("weights", weights).astype(np.float64)
    if voting != "soft":
        raise ValueError(f"weights: got some with voting {voting!r}, needs 'soft'")
    if found.shape != (count,) or not (np.isfinite(found) & (found >= 0)).all() or not found.any():
        raise ValueError(f"weights: got {told(weights)}, needs {count} numbers of at least 0, one above it")


def predictions(model: Model, source: Source, outputs: list[Any], number: int) -> Iterator[int]:
    """Predict when it is taken from, which is the only time."""
    _, outputs[number] = loops.predict(model, source, Hooks([], cast(CallbackModel, model), {}))
    yield from ()


def means(outputs: list[Any], weights: Sequence[float] | None = None) -> Any:
    """Return the means over models of what each gives: an array, or a list of several."""
    if isinstance(outputs[0], list) and len({len(arrays) for arrays in outputs}) == 1:
        return [means(list(arrays), weights) for arrays in zip(*outputs, strict=True)]
    shapes = {np.shape(output) if isinstance(output, np.ndarray) else None for output in outputs}
    if len(shapes) > 1 or None in shapes:
        raise ValueError(f"voting: got models with outputs of {sorted(map(str, shapes))}, needs the same of all")
    if weights is None:
        total = outputs[0].copy()
        for output in outputs[1:]:  # in their order: NumPy's mean has another for a single number than for many
            total += output
        total /= len(outputs)
        return total
    parts = shares(weights, outputs[0].dtype)
    total = outputs[0] * parts[0]
    for output, part in zip(outputs[1:], parts[1:], strict=True):
        total += output * part
    return total


def shares(weights: Sequence[float], dtype: Any) -> np.ndarray:
    """Return what outputs are multiplied by in their weighted mean, of a dtype."""
    found = numeric("weights", weights).astype(np.float64)
    parts: np.ndarray = (found / found.sum()).astype(dtype)
    return parts


def most_chosen(outputs: list[Any]) -> np.ndarray:
    """Return the class that most of the outputs choose, int64 [rows], of equal ones the smallest."""
    shapes = {np.shape(output) if isinstance(output, np.ndarray) else None for output in outputs}
    if len(shapes) > 1 or None in shapes:
        raise ValueError(f"voting: got models with outputs of {sorted(map(str, shapes))}, needs one output, alike")
    rows, units = outputs[0].shape
    votes: np.ndarray = np.zeros((rows, max(2, units)), np.int64)
    for output in outputs:
        votes[np.arange(rows), output.argmax(axis=1) if units > 1 else (output[:, 0] > 0.5).astype(int)] += 1
    chosen: np.ndarray = votes.argmax(axis=1)
    return chosen


def checked_models(models: Any) -> list[Model]:
    """Return the argument `models` as a list of different models; ValueError or TypeError for others."""
    found = list(models) if isinstance(models, (list, tuple)) else []
    if not found or not all(isinstance(model, Model) for model in found):
        is_list = isinstance(models, (list, tuple))
        got = [type(model).__name__ for model in found] if is_list else type(models).__name__
        raise TypeError(f"models: got {got}, needs a list of at least one model")
    if len({id(model) for model in found}) < len(found):
        raise ValueError("models: got one twice, needs different ones; clone_model copies one")
    return found


def of_each(name: str, value: Any, count: int) -> list[Any]:
    """Return an argument for each of the models: the items of a list, or the same for all."""
    if not isinstance(value, list):
        return [value] * count
    if len(value) != count:
        raise ValueError(f"{name}: got a list of {len(value)}, needs {count} items, one for each model")
    return value


def callbacks_of_each(callbacks: Any, count: int) -> list[list[Callback]]:
    """Return the callbacks of each model."""
    if isinstance(callbacks, Callback) or (
        isinstance(callbacks, (list, tuple)) and any(isinstance(one, Callback) for one in callbacks)
    ):
        raise ValueError("callbacks: got some for all models, needs a list with a list for each, which are its own")
    return [check_callbacks(own) for own in of_each("callbacks", callbacks, count)]


def arguments(x: Any, y: Any, settings: dict[str, Any]) -> FitArguments:
    """Return the arguments that `fit` would have for one of the models."""
    names = ("steps_per_epoch", "validation_steps", "validation_batch_size")
    return FitArguments(x=x, y=y, verbose=0, validation_freq=1, **dict.fromkeys(names), **settings)


def shared(run: Run, known: list[np.ndarray]) -> Run:
    """Return the run with arrays of those before it wherever its own have the same bytes."""

    def one_of_them(array: Any) -> Any:
        if not isinstance(array, np.ndarray):
            return array  # sparse rows are as they were given, and None stays
        for other in known:
            if other is array or same_bytes(other, array):
                return other
        known.append(array)
        return array

    def shared_source(source: Source) -> Source:
        if not isinstance(source, Arrays):
            return source
        data = Data(*(tuple(map(one_of_them, getattr(source.data, field.name))) for field in fields(Data)))
        return Arrays(data, source.batch_size, source.steps, source.shuffle, source.rows)

    validation = run.validation and replace(run.validation, source=shared_source(run.validation.source))
    return replace(run, train=shared_source(run.train), validation=validation)


def same_bytes(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays, C-contiguous but for those of custom losses, are alike to the last bit."""
    if a.dtype != b.dtype or a.shape != b.shape or not (a.flags.c_contiguous and b.flags.c_contiguous):
        return False
    return a.ctypes.data == b.ctypes.data or a.data.cast("B") == b.data.cast("B")


def ready(model: Model, run: Run) -> Run:
    """Return the run with rows of its own where a metric takes its predictions: those of one visited twice are two."""
    if isinstance(run.train, Arrays) and run.train.rows is not None and Results(model).others:
        return replace(run, train=run.train.gathered())
    return run


def require_apart(models: list[Model], callbacks: list[list[Callback]]) -> None:
    """Raise ValueError where two models have something in common that training changes."""
    parts: dict[str, list[list[Any]]] = {
        "layer": [[leaf for _, leaf, _ in model.leaves()] for model in models],
        "optimizer": [[model.optimizer] for model in models],
        "metric": [model.compiled_metrics.metrics + model.compiled_metrics.weighted for model in models],
        "callback": callbacks,
    }
    for kind, of_models in parts.items():
        uses = Counter(part for parts_of_one in of_models for part in {id(part) for part in parts_of_one})
        for parts_of_one in of_models:
            for part in parts_of_one:
                if uses[id(part)] > 1:
                    name = getattr(part, "name", type(part).__name__)
                    raise ValueError(f"models: got two with the {kind} {name!r}, needs models that share none")


def run_with_progress(pool: Pool, histories: list[History], total: int, verbose: int) -> None:
    """Run a pool, and print one line for all of its models."""

    def done() -> int:
        return sum(len(history.epoch) for history in histories)

    progress = Progress(total, verbose)
    try:
        progress.begin(done)
        pool.run()
    finally:
        progress.bar.moving = False  # before a call, at which an interrupt may come
        progress.end()
    if done():
        names = set.intersection(*({*history.history} for history in histories))
        last = {name: np.array([np.mean(history.history[name][-1]) for history in histories]) for name in sorted(names)}
        progress.finish(last, done())
