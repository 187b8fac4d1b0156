"""How much worse a model is for each column whose values are dealt out anew: scikit-learn's permutation_importance.

scikit-learn sees a table of row numbers, whose columns stand for columns, or patches of a picture, in groups: what it
shuffles are numbers, and rows are put together by them. So any kind of table is taken as it is.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.report.numbers import Importance
from fastmlp.report.rows import Rows, Table

Array = NDArray[Any]

MOST_ROWS, LEAST_ROWS = 1_000, 100
REPEATS, LEAST_REPEATS = 5, 3
MANY = 100  # groups, of which those that matter are looked for by halves
SOUGHT = 30  # so many of them
AT_ONCE = 8  # groups in one call, after which the time is looked at


class Shuffled:
    """Rows that are put together from row numbers, and what a model loses by them, as an estimator."""

    def __init__(self, rows: Table | Rows, groups: Sequence[Array], loss: Callable[[Any], float]) -> None:
        self.rows, self.groups, self.loss = rows, groups, loss

    def fit(self, x: Any = None, y: Any = None) -> Shuffled:
        """Do nothing: scikit-learn asks for it."""
        return self

    def score(self, numbers: Array) -> float:
        """Return the negative loss of rows whose groups of columns come from the rows of these numbers."""
        return -self.loss(self.rows.with_columns_of(self.groups, numbers))


def measure(
    rows: Table | Rows,
    loss: Callable[[Any, Array], float],
    score: str,
    groups: Sequence[Array] | None = None,
    names: Sequence[str] | None = None,
    seconds: float = 10.0,
    seed: int = 0,
) -> Importance:
    """Return the importance of columns, or of groups of them, within about so many seconds.

    Where the time does not suffice, fewer rows and repeats are taken. Of more than 100 groups, those that matter most
    are looked for first: by halves, and halves of the half that matters more.

    Parameters
    ----------
    rows : Table or Rows
    loss : function
        From rows as the model takes them, and the numbers of these rows, to what is lost.
    score : str
        What that is called.
    groups : sequence of int arrays, optional
        Places of columns that are shuffled together; default each for itself.
    names : sequence of str, optional
        Of the groups; default those of the columns.
    """
    from sklearn.inspection import permutation_importance

    groups = groups or [np.array([place]) for place in range(len(rows.names))]
    names = list(names or rows.names)
    random = np.random.default_rng(seed)
    start = time.perf_counter()
    chosen = np.sort(random.permutation(rows.count)[:MOST_ROWS])
    some = rows.take(chosen)
    loss(some.frame, chosen)
    each = time.perf_counter() - start
    wanted = (len(groups) if len(groups) <= MANY else SOUGHT) * (REPEATS + 1)
    share = seconds / max(each * wanted, 1e-9)
    repeats = REPEATS if share >= 1 else LEAST_REPEATS
    if share < 1:
        chosen = chosen[: max(LEAST_ROWS, int(share * len(chosen)))]
        some = rows.take(chosen)

    def lost(found: Any) -> float:
        return loss(found, chosen)

    tried = list(range(len(groups)))
    if len(groups) > MANY:
        tried = promising(Shuffled(some, groups, lost), random, start + seconds / 2)
    means, deviations = [], []
    own = np.arange(len(chosen))
    for first in range(0, len(tried), AT_ONCE):
        if first and time.perf_counter() - start > seconds:
            break
        part = [groups[place] for place in tried[first : first + AT_ONCE]]
        found = permutation_importance(
            Shuffled(some, part, lost),
            np.repeat(own[:, None], len(part), axis=1),
            own,
            scoring=lambda estimator, numbers, _: estimator.score(numbers),
            n_repeats=repeats,
            random_state=seed + first,
        )
        means += found.importances_mean.tolist()
        deviations += found.importances_std.tolist()
    shown = [names[place] for place in tried[: len(means)]]
    left_out = len(groups) - len(means)
    return Importance(shown, np.array(means), np.array(deviations), score, len(chosen), repeats, left_out)


def promising(shuffled: Shuffled, random: np.random.Generator, end: float) -> list[int]:
    """Return the groups that matter most, found by halves until there are enough or the time has come."""
    count, own = len(shuffled.groups), np.arange(shuffled.rows.count)

    def without(some: Array) -> float:
        numbers = np.repeat(random.permutation(own)[:, None], len(some), axis=1)
        part = Shuffled(shuffled.rows, [shuffled.groups[place] for place in some], shuffled.loss)
        return part.score(numbers)

    waiting: list[tuple[float, int, Array]] = [(0.0, 0, np.arange(count))]  # the lowest score first
    found: list[int] = []
    while waiting and len(found) < SOUGHT and time.perf_counter() < end:
        _, _, some = heapq.heappop(waiting)
        if len(some) == 1:
            found.append(int(some[0]))
            continue
        for half in np.array_split(some, 2):
            heapq.heappush(waiting, (without(half), int(half[0]), half))
    return found
