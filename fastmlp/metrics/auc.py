"""The area under a curve of two rates over all thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastmlp.data.arrays import numeric
from fastmlp.metrics.base import Mean, columns
from fastmlp.metrics.confusion import THRESHOLD_LIMIT, OnGrid, checked, one_of, ratio
from fastmlp.settings import boolean, integer, only, real

CURVES = ("ROC", "PR")
SUMMATIONS = ("interpolation", "minoring", "majoring")


class AUC(OnGrid):
    """Area under a curve through as many points as there are thresholds.

    Parameters
    ----------
    num_thresholds : int
        As of `OnGrid`.
    curve : {"ROC", "PR"}
        True positives' rate over false positives' rate, or precision over recall.
    summation_method : {"interpolation", "minoring", "majoring"}
        Trapezoids for ROC; for PR true and false positives are interpolated in a straight line, which makes precision a
        curve: Davis & Goadrich, The relationship between precision-recall and ROC curves, 2006. Or the lower or the
        higher end of each piece.
    thresholds : list of float in [0, 1], optional
        The thresholds between the first and the last, fewer than 2**20, in place of `num_thresholds`.
    multi_label : bool
        Whether each column has an area of its own, and the result is their mean; else all columns are one long one.
    num_labels : int, optional
        With `multi_label`, the number of columns.
    label_weights : list of float, optional
        With `multi_label`, what the columns weigh in the mean.
    from_logits : bool
        Whether y_pred is the input of the sigmoid.
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        *,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ):
        super().__init__(name)
        self.curve = one_of("curve", curve, CURVES)
        self.summation_method = one_of("summation_method", summation_method, SUMMATIONS)
        self.multi_label, self.from_logits = boolean("multi_label", multi_label), boolean("from_logits", from_logits)
        if not self.multi_label:
            for argument, value in (("num_labels", num_labels), ("label_weights", label_weights)):
                only(argument, value, (None,), "without multi_label all columns are one")
        self.num_labels = None if num_labels is None else integer("num_labels", num_labels, at_least=1)
        given = None if label_weights is None else numeric("label_weights", label_weights).ravel().tolist()
        self.label_weights = None if given is None else [real("label_weights", one, low=0.0) for one in given]
        self.thresholds = None if thresholds is None else sorted(checked(thresholds))
        self.num_thresholds = integer("num_thresholds", num_thresholds, at_least=2, below=THRESHOLD_LIMIT)
        self.begin()

    def reset_state(self) -> None:
        super().reset_state()
        self.of_columns: list[AUC] = []  # with multi_label

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if not self.multi_label:
            super().update_state(y_true, y_pred, sample_weight)
            return
        truth, predicted = columns(y_true, y_pred)
        count = predicted.shape[1]
        for argument, needs in (
            ("num_labels", self.num_labels),
            ("label_weights", None if self.label_weights is None else len(self.label_weights)),
            ("y_pred", len(self.of_columns) or None),
        ):
            if needs is not None and needs != count:
                raise ValueError(f"{argument}: got {needs} labels for {count} columns, needs as many")
        if not self.of_columns:
            settings = {**self.get_config(), "multi_label": False, "num_labels": None, "label_weights": None}
            self.of_columns = [AUC(**settings) for _ in range(count)]
        for place, one in enumerate(self.of_columns):
            one.update_state(truth[:, place], predicted[:, place], sample_weight)

    def passed(self, y_pred: np.ndarray) -> np.ndarray:
        if self.from_logits:
            with np.errstate(over="ignore"):
                y_pred = 1.0 / (1.0 + np.exp(-y_pred))
        return super().passed(y_pred)

    def result(self) -> float:
        if self.multi_label:
            areas = [one.result() for one in self.of_columns]
            return Mean()(areas, self.label_weights) if areas else 0.0
        (false, true), missed = self.above(), self.below()[1]
        if self.curve == "PR" and self.summation_method == "interpolation":
            return interpolated_precision(true, false, true + missed)
        recall = ratio(true, true + missed)
        if self.curve == "ROC":
            x, y = ratio(false, false + self.below()[0]), recall
        else:
            x, y = recall, ratio(true, true + false)
        ends = {"interpolation": (y[:-1] + y[1:]) / 2.0, "minoring": np.minimum(y[:-1], y[1:])}
        heights = ends.get(self.summation_method, np.maximum(y[:-1], y[1:]))
        return float(((x[:-1] - x[1:]) * heights).sum())


def interpolated_precision(true: np.ndarray, false: np.ndarray, positives: np.ndarray) -> float:
    """Return the integral of precision over recall, where true positives TP grow in a straight line with P = TP + FP.

    Between two thresholds TP = a + s P, hence the integral of TP / P over TP is s (dTP + a log(P / P')).
    """
    predicted = true + false
    gained = true[:-1] - true[1:]
    slope = ratio(gained, np.maximum(predicted[:-1] - predicted[1:], 0.0))
    intercept = true[1:] - slope * predicted[1:]
    both = (predicted[:-1] > 0.0) & (predicted[1:] > 0.0)
    growth = np.where(both, ratio(predicted[:-1], predicted[1:]), 1.0)
    return float(ratio(slope * (gained + intercept * np.log(growth)), np.maximum(positives[1:], 0.0)).sum())
