"""The numbers behind the figures of a report and of `fastmlp.plots`: what was confused, how wrong, how sure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_CLASSES = 20  # of a confusion matrix
BINS = 10  # of a calibration
LEAST = 1e-7  # what a probability counts as, at least, in a logarithm

Array = NDArray[Any]


class Confusion(NamedTuple):
    """How often rows of a class were taken for another.

    Attributes
    ----------
    classes : list
        What rows and columns are called; the last may stand for all others.
    counts : int array [true, predicted]
    left_out : int
        Classes that the last row and column stand for together; 0 where there are none.
    """

    classes: list[Any]
    counts: Array
    left_out: int


class ClassScores(NamedTuple):
    """Precision, recall and F1 of a class, 0 where they divide by zero, and its rows."""

    name: Any
    precision: float
    recall: float
    f1: float
    support: int


class Calibration(NamedTuple):
    """How sure a model was, and how often it was right, in bins of equal width.

    Attributes
    ----------
    sure : float array [bins]
        The mean of the probabilities that lie in the bin, NaN of an empty one.
    right : float array [bins]
        The share of rows whose class it was.
    rows : int array [bins]
    error : float
        The mean distance of both, weighed by the rows: the expected calibration error.
    """

    sure: Array
    right: Array
    rows: Array
    error: float


class Residuals(NamedTuple):
    """Numbers that were predicted, beside the true ones, float64 [rows]."""

    true: Array
    predicted: Array

    @property
    def differences(self) -> Array:
        """Return what was predicted too much, [rows]."""
        return np.asarray(self.predicted - self.true)


class Importance(NamedTuple):
    """How much worse a model is for each column whose values are dealt out anew among the rows.

    Attributes
    ----------
    names : list of str
        The columns that were tried.
    means, deviations : float array [names]
        Of the score lost, over the repeats.
    score : str
        What is lost, in words.
    rows, repeats : int
    left_out : int
        Columns for which the time did not suffice.
    """

    names: list[str]
    means: Array
    deviations: Array
    score: str
    rows: int
    repeats: int
    left_out: int


def confusion(true: Array, predicted: Array, classes: Sequence[Any], most: int = MOST_CLASSES) -> Confusion:
    """Return what was confused; of more classes than `most`, those of the most mistakes alone and the rest together.

    Parameters
    ----------
    true, predicted : int array [rows]
        Places in `classes`.
    classes : sequence
    most : int
        At least 2.
    """
    names, count, left_out = list(classes), len(classes), 0
    if count > most:
        wrong = true != predicted
        mistakes = np.bincount(true[wrong], minlength=count) + np.bincount(predicted[wrong], minlength=count)
        shown = np.sort(np.lexsort((-np.bincount(true, minlength=count), -mistakes))[: most - 1])
        place = np.full(count, most - 1)
        place[shown] = np.arange(most - 1)
        true, predicted = place[true], place[predicted]
        left_out = count - len(shown)
        names = [*(names[one] for one in shown), f"{left_out:,} others"]
    counts = np.bincount(true * len(names) + predicted, minlength=len(names) ** 2).reshape(len(names), -1)
    return Confusion(names, counts, left_out)


def class_scores(true: Array, predicted: Array, classes: Sequence[Any]) -> list[ClassScores]:
    """Return the scores of each class; arguments as of `confusion`."""
    count = len(classes)
    support, taken = np.bincount(true, minlength=count), np.bincount(predicted, minlength=count)
    right = np.bincount(true[true == predicted], minlength=count)
    precision, recall = right / np.maximum(taken, 1), right / np.maximum(support, 1)
    f1 = 2 * right / np.maximum(support + taken, 1)
    columns = (precision.tolist(), recall.tolist(), f1.tolist(), support.tolist())
    return [ClassScores(*one) for one in zip(classes, *columns, strict=True)]


def calibration(true: Array, probabilities: Array, bins: int = BINS) -> Calibration:
    """Return how sure a model was: of two classes of the second one, of more of the class that it chose.

    Parameters
    ----------
    true : int array [rows]
        Columns of `probabilities`.
    probabilities : array [rows, classes]
    bins : int
    """
    if probabilities.shape[1] == 2:
        sure, right = probabilities[:, 1], true == 1
    else:
        sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == true
    sure = np.asarray(sure, np.float64)
    place = np.clip((sure * bins).astype(int), 0, bins - 1)
    rows = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = np.bincount(place, sure, bins) / rows
        shares = np.bincount(place, right, bins) / rows
    error = float(np.nansum(np.abs(means - shares) * rows) / max(len(sure), 1))
    return Calibration(means, shares, rows, error)


def class_losses(true: Array, probabilities: Array) -> Array:
    """Return the cross-entropy of each row, [rows]; arguments as of `calibration`."""
    return np.asarray(-np.log(np.maximum(probabilities[np.arange(len(true)), true].astype(np.float64), LEAST)))


def worst(losses: Array, count: int) -> list[int]:
    """Return the numbers of the rows with the greatest losses, the greatest first."""
    return [int(row) for row in np.argsort(-losses, kind="stable")[:count]]
