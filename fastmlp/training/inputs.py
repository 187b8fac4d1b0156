"""What `fit` validates on, and when."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastmlp.data.arrays import Shape
from fastmlp.data.batches import Arrays, Source, batch_rows, is_stream, source_of_batches, step_count
from fastmlp.data.rows import Data, unpack
from fastmlp.settings import integer, real

if TYPE_CHECKING:
    from fastmlp.models.sequential import Sequential


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


def validation_of(
    model: Sequential, held_back: Data | None, input_shape: Shape, epochs: int, arguments: dict[str, Any]
) -> Validation | None:
    """Return what to validate on by fit's arguments: `validation_data`, or the rows held back by `validation_split`.

    Raises
    ------
    ValueError, TypeError
        For arguments that do not fit, and for those about validation where there is none.
    """
    steps = step_count("validation_steps", arguments["validation_steps"])
    size = arguments["validation_batch_size"]
    frequency = frequency_of(arguments["validation_freq"])
    given = arguments["validation_data"]
    if given is None and held_back is None:
        for name, value in (("validation_steps", steps), ("validation_batch_size", size)):
            if value is not None:
                raise ValueError(f"{name}: got {value!r}, needs validation_data or validation_split too")
        if frequency != 1:
            raise ValueError(f"validation_freq: got {arguments['validation_freq']!r}, needs validation_data too")
        return None
    if is_stream(given):
        if size is not None:
            raise ValueError(f"validation_batch_size: got {size!r}, needs None where validation_data gives batches")
        source, first = source_of_batches("validation_data", given, model.checked_validation, steps, epochs, False)
        model.checked_data(*unpack("validation_data", first), prefix="validation_data ", shape=input_shape)
        return Validation(source, frequency)
    if held_back is None:
        values = unpack("validation_data", given)
        held_back = model.checked_data(*values, prefix="validation_data ", shape=input_shape)[1]
    rows = batch_rows(arguments["batch_size"] if size is None else size, "validation_batch_size")
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
