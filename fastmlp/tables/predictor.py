"""What predicts from a table as flat lists, from which exports are written: columns, what each becomes, networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from numpy.typing import NDArray

from fastmlp.models import Model
from fastmlp.tables.encoders import Categories, Dates, Encoder, Numbers, Scaled, Wholes
from fastmlp.tables.preparation import Preparation
from fastmlp.tables.targets import Numbers as Target
from fastmlp.training.many import shares


@dataclass(frozen=True)
class Predictor:
    """A preparation, the networks whose mean is taken, and what their outputs stand for.

    Attributes
    ----------
    preparation : Preparation
    members : list of Model
    weights : list of float
        How much each counts in the mean.
    classes : array, optional
        What the places of outputs are called; a single one is certain.
    target : Target, optional
        What decodes the one output of numbers; of both, one is there.
    """

    preparation: Preparation
    members: list[Model]
    weights: list[float]
    classes: NDArray[Any] | None = None
    target: Target | None = None

    @property
    def shares(self) -> list[float]:
        """What the outputs of each are multiplied by; their sum, in this order, is the mean."""
        return [float(share) for share in shares(self.weights, self.members[0].dtype)]


class Number(NamedTuple):
    """What encodes a number: of a column, or of a date the part of that place; and the first input that it fills."""

    column: int
    part: int | None
    encoder: Numbers | Scaled
    start: int

    @property
    def code(self) -> int:
        """The first input of the code of its bins."""
        return self.start + self.encoder.is_standardized

    @property
    def bins(self) -> int:
        """How many, 0 of a constant."""
        return max(0, len(self.encoder.edges) - 1)


class Words(NamedTuple):
    """What finds places: of words, or of the whole numbers that they write.

    With indicators, `start` is the first input that they fill; for an Embedding, `start` is the input that takes the
    place, counted from `above`.
    """

    column: int
    encoder: Categories
    of_numbers: bool
    start: int
    above: int


@dataclass(frozen=True)
class Columns:
    """The columns of a preparation and all that encodes them.

    Attributes
    ----------
    names : list of str
        A column without a name in words is called by its place.
    kinds : list of str
    """

    names: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    numbers: list[Number] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)


def columns_of(preparation: Preparation) -> Columns:
    """Return the columns of a preparation; ValueError where there are none."""
    if not preparation.columns_:
        raise ValueError("filepath: got a preparation without columns, needs at least one")
    found = Columns()
    start = places = above = 0
    for column, (name, encoder) in enumerate(preparation.columns_.items()):
        found.names.append(name if isinstance(name, str) else f"column_{name}")
        found.kinds.append(encoder.kind)
        names = encoder.names if isinstance(encoder, Wholes) else encoder
        if isinstance(names, Categories) and (names.width or names.codes):
            is_embedded = bool(names.codes)
            of_numbers = encoder is not names
            found.words.append(Words(column, names, of_numbers, places if is_embedded else start, above))
            places += is_embedded
            above += names.codes
        place = start
        for part, numbers in numbers_of(encoder):
            if numbers.width:
                found.numbers.append(Number(column, part, numbers, place))
                place += numbers.width
        start += encoder.width
    return found


def numbers_of(encoder: Encoder) -> list[tuple[int | None, Numbers | Scaled]]:
    """Return the encoders of numbers of a column: of a date those of its parts, with their places."""
    if isinstance(encoder, Dates):
        return list(enumerate(encoder.parts))
    return [(None, encoder)] if isinstance(encoder, (Numbers, Scaled)) else []
