"""What the caller gives: the arguments of `fit`, `evaluate` and `predict`, checked before anything is changed.

Rows (`x`, `y`, `sample_weight`, `class_weight`, `batch_size`, `shuffle`, `steps_per_epoch`) become a Source; what has
`validation` in its name becomes a Validation; a Run has both, and the epochs and `verbose`. The callbacks are Hooks'.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from fastmlp.config.threads import get_num_threads
from fastmlp.data.arrays import Shape, features
from fastmlp.data.batches import Arrays, Source, batch_rows, gives_batches, refuse, source_of_batches, step_count
from fastmlp.data.rows import Data, unlabelled, unpack
from fastmlp.data.sample_weights import class_weights, row_weights
from fastmlp.settings import boolean, integer, real
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

    input_shape: Shape
    train: Source
    validation: Validation | None
    epochs: int
    initial_epoch: int
    verbose: int
    params: dict[str, Any]  # what callbacks are told


def prepare(model: Model, given: FitArguments) -> Run:
    """Check fit's arguments, changing nothing; raise ValueError or TypeError."""
    get_num_threads()  # for its error, before anything is printed
    epochs = integer("epochs", given.epochs, at_least=1)
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
        input_shape = shape_of_batch(model, "batch 0", first, class_weight=given.class_weight)
    else:
        input_shape, rows = checked_data(model, given.x, given.y, given.sample_weight, class_weight=given.class_weight)
        if given.validation_data is None:
            rows, held_back = split(rows, given.validation_split)
        if given.class_weight is not None and held_back is not None:
            held_back = replace(held_back, sample_weight=None)
        train = Arrays(rows, given.batch_size, steps, shuffle)
    validation = validation_of(model, held_back, input_shape, epochs - initial_epoch, given)
    params = {"verbose": given.verbose, "epochs": epochs, "steps": train.steps}
    return Run(input_shape, train, validation, epochs, initial_epoch, verbose, params)


def validation_of(
    model: Model, held_back: Data | None, input_shape: Shape, epochs: int, given: FitArguments
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
                raise ValueError(f"{name}: got {value!r}, needs validation_data or validation_split too")
        if frequency != 1:
            raise ValueError(f"validation_freq: got {given.validation_freq!r}, needs validation_data too")
        return None
    if gives_batches(given.validation_data):
        if size is not None:
            raise ValueError(f"validation_batch_size: got {size!r}, needs None where validation_data gives batches")
        check = functools.partial(checked_validation, model)
        source, first = source_of_batches("validation_data", given.validation_data, check, steps, epochs, False)
        shape_of_batch(model, "validation_data", first, shape=input_shape)
        return Validation(source, frequency)
    if held_back is None:
        values = unpack("validation_data", given.validation_data)
        held_back = checked_data(model, *values, prefix="validation_data ", shape=input_shape)[1]
    rows = batch_rows(given.batch_size if size is None else size, "validation_batch_size")
    return Validation(Arrays(held_back, rows, steps), frequency)


def frequency_of(value: Any) -> int | frozenset[int]:
    """Return fit's `validation_freq`, checked: every so many epochs, or a list of epochs counted from 1."""
    if isinstance(value, Collection) and not isinstance(value, str):
        return frozenset(integer("validation_freq", epoch, at_least=1) for epoch in value)
    return integer("validation_freq", value, at_least=1)


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


def evaluation_source(
    model: Model, x: Any, y: Any, batch_size: Any, steps: Any, sample_weight: Any
) -> tuple[Source, Shape]:
    """Return the checked source of `evaluate`'s arguments, and the shape of its rows; nothing is changed."""
    steps = step_count("steps", steps)
    if gives_batches(x):
        refuse("x", {"y": y, "batch_size": batch_size, "sample_weight": sample_weight})
        source, first = source_of_batches("x", x, functools.partial(checked_batch, model), steps, 1, False)
        return source, shape_of_batch(model, "batch 0", first)
    shape, rows = checked_data(model, x, y, sample_weight)
    return Arrays(rows, batch_size, steps), shape


def prediction_source(model: Model, x: Any, batch_size: Any, steps: Any) -> tuple[Source, Shape]:
    """Return the checked source of `predict`'s arguments, and the shape of its rows; nothing is changed."""
    steps = step_count("steps", steps)

    def check(prefix: str, batch: Any) -> tuple[Shape, Data]:
        rows = batch[0] if isinstance(batch, tuple) else batch  # the y that a batch for training has is not used
        return unlabelled(f"{prefix} x", rows, model.only_row_shape, model.dtype)

    if gives_batches(x):
        refuse("x", {"batch_size": batch_size})
        source, first = source_of_batches("x", x, lambda prefix, batch: check(prefix, batch)[1], steps, 1, False)
        return source, check("batch 0", first)[0]
    shape, rows = unlabelled("x", x, model.only_row_shape, model.dtype)
    return Arrays(rows, batch_size, steps), shape


def checked_data(
    model: Model,
    x: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    class_weight: Any = None,
    prefix: str = "",
    shape: Shape | None = None,
) -> tuple[Shape, Data]:
    """Return the shape of the input rows and the checked arrays; nothing is changed.

    Parameters
    ----------
    model : Model
        With a loss.
    x, y, sample_weight, class_weight
        As of `fit`.
    prefix : str
        What stands before their names in errors.
    shape : tuple of int, optional
        What the input rows must have, where the model is not built.

    Raises
    ------
    ValueError, TypeError
        When they do not fit the model, or each other.
    """
    assert model.loss is not None
    if sample_weight is not None and class_weight is not None:
        raise ValueError(f"class_weight: got one beside {prefix}sample_weight, needs one of the two")
    array = features(prefix + "x", x, shape or model.only_row_shape, model.dtype)
    (output_shape,) = model.output_row_shapes([array.shape[1:]])
    rows, units = len(array), math.prod(output_shape)
    y_true = model.loss.targets(prefix + "y", y, rows, units, model.dtype)
    of_rows = None
    if sample_weight is not None:
        of_rows = row_weights(prefix + "sample_weight", sample_weight, rows, model.dtype)
    elif class_weight is not None:
        of_rows = class_weights(class_weight, y_true, units, model.dtype)
    prepared = model.loss.prepare(y_true)
    return array.shape[1:], Data(array.reshape(rows, -1), prepared, of_rows, None if prepared is y_true else y_true)


def checked_batch(model: Model, prefix: str, batch: Any, class_weight: Any = None) -> Data:
    """Return the arrays of one of `fit`'s batches, (x, y) or (x, y, sample_weight), checked."""
    return checked_data(model, *unpack(prefix, batch), class_weight=class_weight, prefix=f"{prefix} ")[1]


def checked_validation(model: Model, prefix: str, batch: Any) -> Data:
    """Return the arrays of one of validation_data's batches, checked."""
    return checked_batch(model, f"validation_data {prefix}", batch)


def shape_of_batch(model: Model, prefix: str, batch: Any, **settings: Any) -> Shape:
    """Return the shape of the input rows of a batch; settings as of `checked_data`."""
    return checked_data(model, *unpack(prefix, batch), prefix=f"{prefix} ", **settings)[0]
