"""What a report is about: the model, the rows it was tested on, what it says of them, and what is known besides."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.report import numbers
from fastmlp.report.answers import Answers
from fastmlp.report.rows import Rows, Table

Array = NDArray[Any]


@dataclass
class Facts:
    """All that the sections are written from.

    Attributes
    ----------
    model : Model or estimator
    rows : Table or Rows
        Those of the test.
    answers : Answers
        What the model says of them.
    picture : tuple of int or None
        Height, width and channels, where rows are pictures.
    pixels : list of int
        The places of their columns.
    weights : float64 array or None
        What rows of the test count in the importance.
    trained : array or None
        The targets of training, as in the answers.
    test_rows, train_rows : int or None
        How many there are, where those here are drawn from them.
    columns : list of Column or None
        As `fastmlp.tables.find_columns` gives them.
    target, data : str
        What is predicted, and where it is from.
    file : str or None
        Where the model is.
    seconds : float or None
        What training took.
    predicting : float
        Rows that are predicted in a second.
    importance : Importance or str
        Or why there is none.
    """

    model: Any
    rows: Table | Rows
    answers: Answers
    picture: tuple[int, int, int] | None
    pixels: list[int]
    weights: Array | None
    trained: Array | None
    test_rows: int | None
    train_rows: int | None
    columns: Sequence[Any] | None
    target: str
    data: str
    file: str | None
    seconds: float | None
    predicting: float
    importance: numbers.Importance | str = ""

    @property
    def networks(self) -> list[Any]:
        """The networks that the model is made of."""
        return list(getattr(self.model, "estimators_", [self.model]))

    @property
    def trained_rows(self) -> int | None:
        """How many rows the model was trained on, where it is known."""
        return self.train_rows or (None if self.trained is None else len(self.trained))

    @property
    def parameters(self) -> int | None:
        """The number of all weights, where it is known."""
        counts = [each.count_params() for each in self.networks if hasattr(each, "count_params")]
        if counts:
            return int(sum(counts))
        parts = [*getattr(self.model, "coefs_", []), *getattr(self.model, "intercepts_", [])]
        return sum(part.size for part in parts) or None

    @property
    def history(self) -> Mapping[str, Sequence[float]]:
        """What the training of the first network told by epoch; empty where it is not known."""
        first = self.networks[0]
        history = getattr(first, "history", None)
        if history is not None:
            return dict(history.history)
        named = {"loss": "loss_curve_", "val_loss": "validation_loss_curve_"}
        found = {name: getattr(first, attribute, None) for name, attribute in named.items()}
        return {name: values for name, values in found.items() if values}

    def scores(self) -> dict[str, tuple[float, float]]:
        """Return each score of the model, and of what says the same of each row: the shares of classes, or the mean."""
        true, said = self.answers.true, self.answers.said
        known = self.trained if self.trained is not None else true
        if self.answers.classes is None:
            always = np.full(len(true), known.mean())
            return {name: (of(said - true), of(always - true)) for name, of in ERRORS.items()}
        counts = np.bincount(known, minlength=len(self.answers.classes))
        always = np.broadcast_to(counts / counts.sum(), said.shape)
        return {
            "accuracy": (float((self.answers.predicted == true).mean()), float((counts.argmax() == true).mean())),
            "log loss": (float(self.answers.losses.mean()), float(numbers.class_losses(true, always).mean())),
        }


ERRORS: dict[str, Callable[[Array], float]] = {
    "root mean squared error": lambda differences: float((differences**2).mean() ** 0.5),
    "mean absolute error": lambda differences: float(abs(differences).mean()),
}


def timed(ask: Any, rows: Table | Rows, at_least: float = 0.1) -> float:
    """Return how many rows a model predicts in a second: of 10,000 at most, the fastest of a few times."""
    some = rows.take(np.arange(min(rows.count, 10_000)))
    best, start = np.inf, time.perf_counter()
    while True:
        before = time.perf_counter()
        ask(some.frame)
        after = time.perf_counter()
        best = min(best, after - before)
        if after - start >= at_least:
            return float(some.count / best)
