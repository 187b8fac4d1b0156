"""Keras' losses, each the mean over the batch of one value a row.

The formulas are the kernels' (`fastmlp.kernels`, one function for each), and Keras'; here are their names and settings.
`functions` has those of one value a row. A softmax followed by categorical cross-entropy, or a sigmoid followed by
binary cross-entropy, is computed from the logits in one step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastmlp.losses.base import MEAN, CrossEntropy, Loss, SmoothedCrossEntropy
from fastmlp.losses.functions import (
    NO_LOGITS,
    ONE_AXIS,
    balance,
    binary_focal_crossentropy,
    checked_quantiles,
    signs,
)
from fastmlp.losses.targets import columns, rows_of
from fastmlp.settings import boolean, only, real


class MeanSquaredError(Loss):
    """Mean of (y_pred - y_true) squared, over the columns."""

    engine_name = "mean_squared_error"
    elementwise = True
    aliases = ("mse",)


class MeanAbsoluteError(Loss):
    """Mean of |y_pred - y_true|, over the columns."""

    engine_name = "mean_absolute_error"
    elementwise = True
    aliases = ("mae",)


class MeanAbsolutePercentageError(Loss):
    """100 times the mean of |y_true - y_pred| / max(|y_true|, 1e-7), over the columns."""

    engine_name = "mean_absolute_percentage_error"
    elementwise = True
    aliases = ("mape",)


class MeanSquaredLogarithmicError(Loss):
    """Mean of (log(y_pred + 1) - log(y_true + 1)) squared, over the columns; both are at least 1e-7."""

    engine_name = "mean_squared_logarithmic_error"
    elementwise = True
    aliases = ("msle",)


class Huber(Loss):
    """Mean of e * e / 2 where |e| <= delta, else delta * |e| - delta * delta / 2, with e = y_pred - y_true."""

    engine_name = "huber"
    elementwise = True

    def __init__(self, delta: float = 1.0, reduction: str | None = MEAN, name: str | None = None, dtype: None = None):
        super().__init__(reduction, name, dtype)
        self.delta = real("delta", delta, low=0.0)

    @property
    def parameters(self) -> dict[str, float]:
        return {"delta": self.delta}


class LogCosh(Loss):
    """Mean of log(cosh(y_pred - y_true)), over the columns."""

    engine_name = "log_cosh"
    elementwise = True


class Poisson(Loss):
    """Mean of y_pred - y_true * log(y_pred + 1e-7), over the columns: for counts, and a y_pred above 0."""

    engine_name = "poisson"
    elementwise = True


class Quantile(Loss):
    """Pinball loss, which is least where y_pred is a quantile of y_true; not in Keras.

    It is the mean over the columns of q * e where e = y_true - y_pred is at least 0, else (q - 1) * e: scikit-learn's
    `mean_pinball_loss`.

    Parameters
    ----------
    quantiles : float or list of float
        From 0 to 1: one for all outputs, or one for each output; y may have one column for all then.
    """

    engine_name = "quantile"
    aliases = ("pinball",)

    def __init__(self, quantiles: Any = 0.5, reduction: str | None = MEAN, name: str | None = None, dtype: None = None):
        super().__init__(reduction, name, dtype)
        levels = checked_quantiles(quantiles)
        self.quantiles = list(levels) if len(levels) > 1 else levels[0]

    @property
    def parameters(self) -> dict[str, Any]:
        return {"quantiles": checked_quantiles(self.quantiles)}

    def targets(self, argument: str, y: Any, rows: int, units: int, dtype: str) -> np.ndarray:
        levels = checked_quantiles(self.quantiles)
        if len(levels) not in (1, units):
            raise ValueError(f"loss: got {len(levels)} quantiles for a model of {units} outputs, needs one for each")
        given = rows_of(argument, y, rows)
        if len(levels) > 1 and given.shape in ((rows,), (rows, 1)):
            given = np.broadcast_to(given.reshape(rows, 1), (rows, units))
        return columns(argument, given, rows, units, self.engine_name, dtype)


class Hinge(Loss):
    """Mean of max(1 - y_true * y_pred, 0), over the columns; y_true is -1 or 1.

    A y_true of nothing but 0 and 1 is taken for -1 and 1; Keras looks at each batch, here it is the array that is
    given.
    """

    engine_name = "hinge"

    def prepare(self, y: np.ndarray) -> np.ndarray:
        return signs(y)


class SquaredHinge(Hinge):
    """Mean of max(1 - y_true * y_pred, 0) squared, over the columns; y_true as for Hinge."""

    engine_name = "squared_hinge"


class CategoricalHinge(Loss):
    """max(max((1 - y_true) * y_pred) - sum(y_true * y_pred) + 1, 0), with y_true one-hot."""

    engine_name = "categorical_hinge"


class KLDivergence(Loss):
    """sum(y_true * log(y_true / y_pred)) of two distributions, both moved into [1e-7, 1]."""

    engine_name = "kl_divergence"
    aliases = ("kld", "kullback_leibler_divergence")
    probabilities = True


class CosineSimilarity(Loss):
    """Minus the cosine of the angle between y_true and y_pred, so that the least is best."""

    engine_name = "cosine_similarity"

    def __init__(self, axis: int = -1, reduction: str | None = MEAN, name: str | None = None, dtype: None = None):
        only("axis", axis, (-1,), ONE_AXIS)
        super().__init__(reduction, name, dtype)
        self.axis = axis


class CategoricalCrossentropy(SmoothedCrossEntropy):
    """-sum(y_true * log(y_pred)) with y_true one-hot (or any distribution), [rows, classes].

    With `label_smoothing` s the loss, but no metric, sees y_true * (1 - s) + s / classes.
    """

    engine_name = "categorical_crossentropy"


class CategoricalFocalCrossentropy(SmoothedCrossEntropy):
    """-sum(y_true * alpha * (1 - y_pred)**gamma * log(y_pred)): less weight on rows that are predicted well.

    `alpha` is one number for all classes, and `y_pred` has probabilities. `label_smoothing` is as for
    CategoricalCrossentropy.
    """

    engine_name = "categorical_focal_crossentropy"

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: None = None,
    ):
        only("from_logits", from_logits, (False,), NO_LOGITS)
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)
        self.alpha = real("alpha", alpha, low=0.0)
        self.gamma = real("gamma", gamma, low=0.0)

    @property
    def parameters(self) -> dict[str, float]:
        return {"alpha": self.alpha, "gamma": self.gamma, **super().parameters}


class BinaryCrossentropy(SmoothedCrossEntropy):
    """Mean of -(y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred)), over the columns.

    With `label_smoothing` s the loss, but no metric, sees y_true * (1 - s) + s / 2.
    """

    engine_name = "binary_crossentropy"
    elementwise = True
    aliases = ("bce",)


class BinaryFocalCrossentropy(SmoothedCrossEntropy):
    """Mean over the columns of r**gamma times the binary cross-entropy: less weight on what is predicted well.

    There r = |y_true - y_pred|. With `apply_class_balancing` it is multiplied by `alpha` where y_true is 1, and by
    1 - alpha where it is 0. With `label_smoothing` s the loss, but no metric, sees y_true * (1 - s) + s / 2.
    """

    engine_name = "binary_focal_crossentropy"
    elementwise = True

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: None = None,
    ):
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)
        self.apply_class_balancing = boolean("apply_class_balancing", apply_class_balancing)
        self.alpha = real("alpha", alpha, low=0.0, high=1.0)
        self.gamma = real("gamma", gamma, low=0.0)

    @property
    def parameters(self) -> dict[str, Any]:
        return {"gamma": self.gamma, **super().parameters}

    @property
    def spec(self) -> dict[str, Any]:
        yes, no = balance(self.apply_class_balancing, self.alpha)
        return {**super().spec, "alpha": yes, "beta": no}

    def call(self, y_true: Any, y_pred: Any) -> np.ndarray:
        settings = {"apply_class_balancing": self.apply_class_balancing, "alpha": self.alpha, **self.parameters}
        return binary_focal_crossentropy(y_true, y_pred, from_logits=self.from_logits, **settings)


class SparseCategoricalCrossentropy(CrossEntropy):
    """-log(y_pred[label]) with y_true class numbers, [rows] or [rows, 1]."""

    engine_name = "sparse_categorical_crossentropy"
    sparse = True

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: None = None,
        reduction: str | None = MEAN,
        axis: int = -1,
        name: str | None = None,
        dtype: None = None,
    ):
        only("ignore_class", ignore_class, (None,), "every row counts")
        only("axis", axis, (-1,), ONE_AXIS)
        super().__init__(reduction, name, dtype)
        self.from_logits = boolean("from_logits", from_logits)
        self.ignore_class = ignore_class
        self.axis = axis
