"""Hinge losses as metrics. Truths are -1 and 1, or 0 and 1, which then stand for them."""

from __future__ import annotations

from fastmlp.metrics.base import LossMetric


class Hinge(LossMetric):
    """Mean of max(1 - t p, 0), over the columns."""

    loss = "hinge"


class SquaredHinge(LossMetric):
    """Mean of max(1 - t p, 0) squared, over the columns."""

    loss = "squared_hinge"


class CategoricalHinge(LossMetric):
    """max(max((1 - t) p) - sum(t p) + 1, 0), with t one-hot."""

    loss = "categorical_hinge"
    vector_is_row = True
