"""What the caller gives: the arguments of `fit`, `evaluate` and `predict`, checked before anything is changed.

Rows (`x`, `y`, `sample_weight`, `class_weight`, `batch_size`, `shuffle`, `steps_per_epoch`) become a Source; what has
`validation` in its name becomes a Validation; a Run has both, and the epochs and `verbose`. The callbacks are Hooks'.
"""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastmlp.config.threads import get_num_threads
from fastmlp.data.arrays import Shape, numeric, require_numbers_below
from fastmlp.data.batches import Arrays, Source, batch_rows, gives_batches, refuse, source_of_batches, step_count
from fastmlp.data.containers import contents, is_array, part_of
from fastmlp.data.rows import Data, Targets, unpack
from fastmlp.data.sample_weights import class_weights, row_weights
from fastmlp.errors import told
from fastmlp.losses import Loss
from fastmlp.losses.targets import columns, labels, rows_of
from fastmlp.metrics import Metric
from fastmlp.settings import boolean, integer, listed, real
from fastmlp.training.model import Model
from fastmlp.training.progress import verbosity


@dataclass(frozen=True)
class FitArguments:
    """The arguments of `fit` but for its callbacks, as they were given."""

    x: Any
    y: Any
    batch_size: Any
    epochs: Any
    verbose: Any
    validation_split: Any
    validation_data: Any
    shuffle: Any
    class_weight: Any
    sample_weight: Any
    initial_epoch: Any
    steps_per_epoch: Any
    validation_steps: Any
    validation_batch_size: Any
    validation_freq: Any
    rows: Any = None  # to train on, in place of all


@dataclass(frozen=True)
class Validation:
    """Rows to evaluate after each `frequency` epochs, or after those, counted from 1, that it lists."""

    source: Source
    frequency: int | frozenset[int]

    def is_due(self, epoch: int) -> bool:
        """Whether to validate after this epoch, counted from 0."""
        if isinstance(self.frequency, int):
            return (epoch + 1) % self.frequency == 0
        return epoch + 1 in self.frequency


@dataclass(frozen=True)
class Run:
    """The checked arguments of one call of fit."""

    input_shapes: list[Shape]
    train: Source
    validation: Validation | None
    epochs: int
    initial_epoch: int
    verbose: int
    params: dict[str, Any]  # what callbacks are told


def prepare(model: Model, given: FitArguments) -> Run:
    """Check fit's arguments, changing nothing; raise ValueError or TypeError."""
    get_num_threads()  # for its error, before anything is printed
    epochs = integer("epochs", given.epochs, at_least=0)
    initial_epoch = integer("initial_epoch", given.initial_epoch, at_least=0)
    verbose, shuffle = verbosity(given.verbose), boolean("shuffle", given.shuffle)
    steps = step_count("steps_per_epoch", given.steps_per_epoch)
    train: Source
    held_back = None
    if gives_batches(given.x):
        refuse("x", {"y": given.y, "batch_size": given.batch_size, "sample_weight": given.sample_weight})
        refuse("x", {"validation_split": given.validation_split or None})
        check = functools.partial(checked_batch, model, class_weight=given.class_weight)
        train, first = source_of_batches("x", given.x, check, steps, epochs - initial_epoch, shuffle)
        shapes = shapes_of_batch(model, "batch 0", first, class_weight=given.class_weight)
    else:
        shapes, data = checked_data(model, given.x, given.y, given.sample_weight, class_weight=given.class_weight)
        rows = None if given.rows is None else row_numbers(given.rows, data.rows)
        if given.validation_data is None:
            if rows is None:
                data, held_back = split(data, given.validation_split)
            else:
                rows, held_back = split_rows(data, rows, given.validation_split)
        if given.class_weight is not None and held_back is not None:
            held_back = replace(held_back, sample_weights=())
        train = Arrays(data, given.batch_size, steps, shuffle, rows)
    validation = validation_of(model, held_back, shapes, epochs - initial_epoch, given)
    params = {"verbose": given.verbose, "epochs": epochs, "steps": train.steps}
    return Run(shapes, train, validation, epochs, initial_epoch, verbose, params)


def validation_of(
    model: Model, held_back: Data | None, shapes: list[Shape], epochs: int, given: FitArguments
) -> Validation | None:
    """Return what to validate on: `validation_data`, or the rows held back by `validation_split`.

    Raises
    ------
    ValueError, TypeError
        For arguments that do not fit, and for those about validation where there is none.
    """
    steps = step_count("validation_steps", given.validation_steps)
    size, frequency = given.validation_batch_size, frequency_of(given.validation_freq)
    if given.validation_data is None and held_back is None:
        for name, value in (("validation_steps", steps), ("validation_batch_size", size)):
            if value is not None:
                raise ValueError(f"{name}: got {told(value)}, needs validation_data or validation_split too")
        if frequency != 1:
            raise ValueError(f"validation_freq: got {given.validation_freq!r}, needs validation_data too")
        return None
    if gives_batches(given.validation_data):
        if size is not None:
            raise ValueError(f"validation_batch_size: got {told(size)}, needs None where validation_data gives batches")
        check = functools.partial(checked_validation, model)
        source, first = source_of_batches("validation_data", given.validation_data, check, steps, epochs, False)
        shapes_of_batch(model, "validation_data", first, shapes=shapes)
        return Validation(source, frequency)
    if held_back is None:
        values = unpack("validation_data", given.validation_data)
        held_back = checked_data(model, *values, prefix="validation_data ", shapes=shapes)[1]
    rows = batch_rows(given.batch_size if size is None else size, "validation_batch_size")
    return Validation(Arrays(held_back, rows, steps), frequency)


def frequency_of(value: Any) -> int | frozenset[int]:
    """Return fit's `validation_freq`, checked: every so many epochs, or a list of epochs counted from 1."""
    if isinstance(value, Collection) and not isinstance(value, str):
        return frozenset(integer("validation_freq", epoch, at_least=1) for epoch in listed("validation_freq", value))
    return integer("validation_freq", value, at_least=1)


def row_numbers(rows: Any, count: int) -> np.ndarray:
    """Return numbers of rows, checked, int64 [some of them]; as a mask, bool [count], those that it has.

    Raises
    ------
    ValueError, TypeError
        When they are no numbers from 0 to `count` - 1.
    """
    numbers = numeric("rows", rows)
    if numbers.dtype == bool and numbers.shape == (count,):
        numbers = np.flatnonzero(numbers)
    if numbers.dtype.kind not in "iu" or numbers.ndim != 1 or not len(numbers):
        got = f"an array of dtype {numbers.dtype} and shape {numbers.shape}"
        raise ValueError(f"rows: got {got}, needs at least one row number, or a bool for each of {count} rows")
    require_numbers_below("rows", numbers, count)
    return np.ascontiguousarray(numbers, np.int64)


def split(data: Data, validation_split: Any) -> tuple[Data, Data | None]:
    """Return the training part and the validation part, which is the LAST fraction of the rows, before any shuffle."""
    at = place_of_split(data.rows, validation_split)
    return (data, None) if at == data.rows else (data.part(0, at), data.part(at, data.rows))


def split_rows(data: Data, rows: np.ndarray, validation_split: Any) -> tuple[np.ndarray, Data | None]:
    """Return the rows to train on, and copies of those to validate on, as `split` does for `array[rows]`."""
    at = place_of_split(len(rows), validation_split)
    held_back = rows[at:]
    return rows[:at], data.taken(held_back) if len(held_back) else None


def place_of_split(rows: int, validation_split: Any) -> int:
    """Return how many rows remain to train on; ValueError or TypeError where there are not some for both."""
    fraction = real("validation_split", validation_split, low=0.0, high=1.0, open_high=True)
    at = math.floor(rows * (1.0 - fraction))
    if fraction > 0.0 and at in (0, rows):
        got = f"{fraction:g} of {rows} rows, {at} to train on and {rows - at} to validate on"
        raise ValueError(f"validation_split: got {got}, needs at least one of each")
    return at


def evaluation_source(
    model: Model, x: Any, y: Any, batch_size: Any, steps: Any, sample_weight: Any
) -> tuple[Source, list[Shape]]:
    """Return the checked source of `evaluate`'s arguments, and the shapes of its rows; nothing is changed."""
    steps = step_count("steps", steps)
    if gives_batches(x):
        refuse("x", {"y": y, "batch_size": batch_size, "sample_weight": sample_weight})
        source, first = source_of_batches("x", x, functools.partial(checked_batch, model), steps, 1, False)
        return source, shapes_of_batch(model, "batch 0", first)
    shapes, rows = checked_data(model, x, y, sample_weight)
    return Arrays(rows, batch_size, steps), shapes


def prediction_source(model: Model, x: Any, batch_size: Any, steps: Any) -> tuple[Source, list[Shape]]:
    """Return the checked source of `predict`'s arguments, and the shapes of its rows; nothing is changed."""
    steps = step_count("steps", steps)

    def check(prefix: str, batch: Any) -> tuple[list[Shape], Data]:
        rows = inputs_of(batch, len(model.names_for(batch)))
        shapes, arrays = model.checked_inputs(f"{prefix} x", rows, keep_sparse=True)
        return shapes, Data(tuple(arrays))

    if gives_batches(x):
        refuse("x", {"batch_size": batch_size})
        source, first = source_of_batches("x", x, lambda prefix, batch: check(prefix, batch)[1], steps, 1, False)
        return source, check("batch 0", first)[0]
    shapes, arrays = model.checked_inputs("x", x, keep_sparse=True)
    return Arrays(Data(tuple(arrays)), batch_size, steps), shapes


def inputs_of(batch: Any, inputs: int) -> Any:
    """Return the x of a batch, which may have a y, as one for training has.

    Loaders give [x, y], too: a list of arrays is taken for that, or for those of several inputs.
    """
    if isinstance(batch, tuple):
        return batch[0]
    if isinstance(batch, list) and batch:
        is_pair = is_array(batch[0]) if inputs == 1 else isinstance(batch[0], (list, tuple, dict))
        return batch[0] if is_pair else batch
    return batch


def checked_data(
    model: Model,
    x: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    class_weight: Any = None,
    prefix: str = "",
    shapes: list[Shape] | None = None,
) -> tuple[list[Shape], Data]:
    """Return the shapes of the input rows and the checked arrays; nothing is changed.

    Parameters
    ----------
    model : Model
        With a loss.
    x, y, sample_weight, class_weight
        As of `fit`.
    prefix : str
        What stands before their names in errors.
    shapes : list of tuple of int, optional
        What the input rows must have, where the model is not built.

    Raises
    ------
    ValueError, TypeError
        When they do not fit the model, or each other.
    """
    if sample_weight is not None and class_weight is not None:
        raise ValueError(f"class_weight: got one beside {prefix}sample_weight, needs one of the two")
    found, xs = model.checked_inputs(prefix + "x", x, shapes, keep_sparse=True)
    rows = xs[0].shape[0]
    if not model.names_are_known:  # the graph of its `call` gives them
        model.build_for(found)
    names, goals, outputs = model.output_names, model.goals, model.output_row_shapes(found)
    if class_weight is not None and len(names) > 1:
        raise ValueError(f"class_weight: got one for {len(names)} outputs, needs a sample_weight for each of them")
    ys, trues, weights = [], [], []
    of_rows = weights_given(prefix + "sample_weight", sample_weight, names)
    for place, one in enumerate(contents(prefix + "y", y, names)):
        loss, shape = goals[place], outputs[place]
        y_true: Any = None
        prepared = weight = None
        if loss is not None:
            y_true = target_of(part_of(prefix + "y", names[place], names), loss, one, rows, shape, model.dtype)
            prepared = loss.prepare(y_true)
        elif model.compiled_metrics.of_output(place):
            metrics = model.compiled_metrics.of_output(place)
            y_true = measured(part_of(prefix + "y", names[place], names), metrics, one, rows, shape, model.dtype)
        if y_true is not None and of_rows[place] is not None:
            called = part_of(prefix + "sample_weight", names[place], names)
            weight = row_weights(called, of_rows[place], rows, model.dtype)
        elif class_weight is not None:
            weight = class_weights(class_weight, y_true, math.prod(shape), model.dtype)
        ys.append(prepared)
        trues.append(None if prepared is y_true else y_true)
        weights.append(weight)
    return found, Data(tuple(xs), tuple(ys), some(weights), some(trues))


def some(arrays: list[Any]) -> Targets:
    """Return arrays for the outputs, or nothing where there is none."""
    for array in arrays:
        if array is not None:
            return tuple(arrays)
    return ()


def weights_given(argument: str, sample_weight: Any, names: Sequence[str]) -> list[Any]:
    """Return what weighs the rows for each output: one array for all, or a container of several."""
    if isinstance(sample_weight, (dict, list, tuple)) and not is_row_of_numbers(sample_weight):
        return contents(argument, sample_weight, names)
    return [sample_weight] * len(names)


def target_of(argument: str, loss: Loss, y: Any, rows: int, shape: Shape, dtype: str) -> Any:
    """Return the checked target of one output, whose rows have a shape."""
    if len(shape) > 1 and not loss.custom:
        if not loss.elementwise:
            needs = "one of single values, such as 'mse', or Flatten() before it"
            raise ValueError(f"loss: got {loss.engine_name!r} for output rows of shape {shape}, needs {needs}")
        y = numeric(argument, y)
        if y.shape[1:] != shape:
            raise ValueError(f"{argument}: got shape {y.shape}, needs (rows, {', '.join(map(str, shape))})")
        y = y.reshape(len(y), -1)
    return loss.targets(argument, y, rows, math.prod(shape), dtype)


def measured(argument: str, metrics: list[Metric], y: Any, rows: int, shape: Shape, dtype: str) -> np.ndarray:
    """Return the checked y of an output without a loss: what its metrics take."""
    y, units = rows_of(argument, y, rows), math.prod(shape)
    is_numbers = y.ndim == 1 or y.shape[1:] == (1,)
    for metric in metrics:
        if metric.targets == "labels" or (metric.targets is None and is_numbers and units > 1):
            return labels(argument, y, rows, units, str(metric.name))
    if len(shape) > 1 and y.shape[1:] == shape:
        y = y.reshape(rows, -1)
    return columns(argument, y, rows, units, str(metrics[0].name), dtype)


def is_row_of_numbers(values: Any) -> bool:
    """Whether a list is an array of numbers itself, and holds none."""
    return isinstance(values, (list, tuple)) and all(isinstance(value, numbers.Real) for value in values)


def checked_batch(model: Model, prefix: str, batch: Any, class_weight: Any = None) -> Data:
    """Return the arrays of one of `fit`'s batches, (x, y) or (x, y, sample_weight), checked."""
    return checked_data(model, *unpack(prefix, batch), class_weight=class_weight, prefix=f"{prefix} ")[1]


def checked_validation(model: Model, prefix: str, batch: Any) -> Data:
    """Return the arrays of one of validation_data's batches, checked."""
    return checked_batch(model, f"validation_data {prefix}", batch)


def shapes_of_batch(model: Model, prefix: str, batch: Any, **settings: Any) -> list[Shape]:
    """Return the shapes of the input rows of a batch; settings as of `checked_data`."""
    return checked_data(model, *unpack(prefix, batch), prefix=f"{prefix} ", **settings)[0]
