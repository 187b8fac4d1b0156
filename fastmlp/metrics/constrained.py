"""The best of one rate among the thresholds at which another rate is at least so large."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from fastmlp.metrics.confusion import THRESHOLD_LIMIT, OnGrid, ratio
from fastmlp.settings import integer, real

RATES = {  # the part of the first two counts that the first one is
    "sensitivity": ("true positives", "false negatives"),
    "recall": ("true positives", "false negatives"),
    "specificity": ("true negatives", "false positives"),
    "precision": ("true positives", "false positives"),
}


class Constrained(OnGrid):
    """Base of them: the name says which rate is asked for, and which one is given.

    Parameters
    ----------
    sensitivity, specificity, precision or recall : float in [0, 1]
        What the other rate must be at least; the result is 0 where it is so at no threshold.
    num_thresholds : int
        Evenly spaced from 0 to 1.
    class_id : int, optional
        Look at this column only.
    """

    rates: ClassVar[tuple[str, str]]  # the one that is asked for, and the one that is given

    def __init__(self, value: float, num_thresholds: int, class_id: int | None, name: str | None):
        super().__init__(name)
        self.value = real(self.rates[1], value, low=0.0, high=1.0)
        self.num_thresholds = integer("num_thresholds", num_thresholds, at_least=2, below=THRESHOLD_LIMIT)
        self.class_id = None if class_id is None else integer("class_id", class_id, at_least=0)
        self.begin()

    def result(self) -> float:
        (false_positives, true_positives), (true_negatives, false_negatives) = self.above(), self.below()
        counts = {
            "true positives": true_positives,
            "false positives": false_positives,
            "true negatives": true_negatives,
            "false negatives": false_negatives,
        }
        found = [counts[name] for rate in self.rates for name in RATES[rate]]
        asked, given = ratio(found[0], found[0] + found[1]), ratio(found[2], found[2] + found[3])
        return float(np.where(given >= self.value, asked, 0.0).max())


class SensitivityAtSpecificity(Constrained):
    """The largest true positives' rate where the true negatives' rate is at least `specificity`."""

    rates = "sensitivity", "specificity"

    def __init__(
        self, specificity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None
    ):
        super().__init__(specificity, num_thresholds, class_id, name)
        self.specificity = self.value


class SpecificityAtSensitivity(Constrained):
    """The largest true negatives' rate where the true positives' rate is at least `sensitivity`."""

    rates = "specificity", "sensitivity"

    def __init__(
        self, sensitivity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None
    ):
        super().__init__(sensitivity, num_thresholds, class_id, name)
        self.sensitivity = self.value


class PrecisionAtRecall(Constrained):
    """The largest precision where the recall is at least `recall`."""

    rates = "precision", "recall"

    def __init__(self, recall: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None):
        super().__init__(recall, num_thresholds, class_id, name)
        self.recall = self.value


class RecallAtPrecision(Constrained):
    """The largest recall where the precision is at least `precision`."""

    rates = "recall", "precision"

    def __init__(
        self, precision: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None
    ):
        super().__init__(precision, num_thresholds, class_id, name)
        self.precision = self.value
