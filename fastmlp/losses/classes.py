"""Losses by name; each is the mean over the batch of one value a row.

The formulas are the kernels' (`fastmlp.kernels`, one function for each), and Keras'; here are their names and settings.
`functions` has those of one value a row. A softmax followed by categorical cross-entropy, or a sigmoid followed by
binary cross-entropy, is computed from the logits in one step.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from fastmlp.losses.functions import *  # noqa: F403, Keras has them here too
from fastmlp.losses.functions import FUNCTIONS, ONE_AXIS, signs
from fastmlp.settings import Settings, boolean, lookup, only, optional_name, real, refuse_methods

MEAN = "sum_over_batch_size"


class Loss(Settings):
    """Base of the losses.

    Parameters
    ----------
    reduction : {"sum_over_batch_size", "mean"}
        Two names of the mean over the rows.
    name : str, optional
        Default the function's.
    dtype : None
        The arithmetic is done in the type of the arrays.
    """

    kernel: ClassVar[str]  # the engine's name
    sparse: ClassVar[bool] = False  # True when targets are class numbers
    probabilities: ClassVar[bool] = False  # True when other targets must lie in [0, 1]
    own: ClassVar[bool] = False  # True for a function of the user's, which takes any targets

    def __init_subclass__(cls) -> None:
        if hasattr(cls, "kernel") and "kernel" not in vars(cls):
            refuse_methods(cls, ("call",), "the engine computes it; a loss of your own is a function")

    def __init__(self, reduction: str = MEAN, name: str | None = None, dtype: None = None):
        if not hasattr(self, "kernel"):
            needs = "a function loss(y_true, y_pred) that returns (value, gradient): the engine needs both"
            raise TypeError(f"loss: got {type(self).__name__}, a subclass of Loss, needs {needs}")
        only("reduction", reduction, (MEAN, "mean"), "a loss is the mean over the rows")
        only("dtype", dtype, (None,), "losses are computed in the model's")
        self.reduction = reduction
        self.name = optional_name(name) or self.kernel
        self.dtype = dtype

    @property
    def engine_name(self) -> str:
        return self.kernel

    @property
    def parameters(self) -> dict[str, float]:
        """What the formula depends on besides the arrays."""
        return {}

    @property
    def spec(self) -> dict[str, Any]:
        """The engine's description."""
        return {"name": self.engine_name, **self.parameters}

    def prepare(self, y: np.ndarray) -> np.ndarray:
        """Return targets [rows, columns] as the engine takes them; metrics take y itself."""
        return y

    def call(self, y_true: Any, y_pred: Any) -> np.ndarray:
        """Return the loss of each row, as the function of the same name does."""
        return FUNCTIONS[self.kernel](y_true, y_pred, **self.parameters)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """Return the mean of the rows' losses, each times its weight.

        Parameters
        ----------
        y_true, y_pred : array [rows, columns]
            y_true is [rows] for a sparse loss.
        sample_weight : float or array [rows], optional
            The mean divides by the number of rows all the same, as in Keras.

        Raises
        ------
        ValueError, TypeError
            When they are no arrays of numbers, or their shapes do not fit.
        """
        from fastmlp.data.rows import numeric

        values = self.call(y_true, y_pred)
        if sample_weight is not None:
            weights = numeric("sample_weight", sample_weight)
            if weights.shape not in ((), values.shape, (*values.shape, 1)):
                raise ValueError(f"sample_weight: got shape {weights.shape}, needs {values.shape}, one for each row")
            values = values * (weights.reshape(values.shape) if weights.ndim else weights)
        return float(np.mean(values, dtype=np.float64))


class MeanSquaredError(Loss):
    """Mean of (y_pred - y_true) squared, over the columns."""

    kernel = "mean_squared_error"


class MeanAbsoluteError(Loss):
    """Mean of |y_pred - y_true|, over the columns."""

    kernel = "mean_absolute_error"


class MeanAbsolutePercentageError(Loss):
    """100 times the mean of |y_true - y_pred| / max(|y_true|, 1e-7), over the columns."""

    kernel = "mean_absolute_percentage_error"


class MeanSquaredLogarithmicError(Loss):
    """Mean of (log(y_pred + 1) - log(y_true + 1)) squared, over the columns; both are at least 1e-7."""

    kernel = "mean_squared_logarithmic_error"


class Huber(Loss):
    """Mean of e * e / 2 where |e| <= delta, else delta * |e| - delta * delta / 2, with e = y_pred - y_true."""

    kernel = "huber"

    def __init__(self, delta: float = 1.0, reduction: str = MEAN, name: str | None = None, dtype: None = None):
        super().__init__(reduction, name, dtype)
        self.delta = real("delta", delta, low=0.0)

    @property
    def parameters(self) -> dict[str, float]:
        return {"delta": self.delta}


class LogCosh(Loss):
    """Mean of log(cosh(y_pred - y_true)), over the columns."""

    kernel = "log_cosh"


class Poisson(Loss):
    """Mean of y_pred - y_true * log(y_pred + 1e-7), over the columns: for counts, and a y_pred above 0."""

    kernel = "poisson"


class Hinge(Loss):
    """Mean of max(1 - y_true * y_pred, 0), over the columns; y_true is -1 or 1.

    A y_true of nothing but 0 and 1 is taken for -1 and 1; Keras looks at each batch, here it is the array that is
    given.
    """

    kernel = "hinge"

    def prepare(self, y: np.ndarray) -> np.ndarray:
        return signs(y)


class SquaredHinge(Hinge):
    """Mean of max(1 - y_true * y_pred, 0) squared, over the columns; y_true as for Hinge."""

    kernel = "squared_hinge"


class CategoricalHinge(Loss):
    """max(max((1 - y_true) * y_pred) - sum(y_true * y_pred) + 1, 0), with y_true one-hot."""

    kernel = "categorical_hinge"


class KLDivergence(Loss):
    """sum(y_true * log(y_true / y_pred)) of two distributions, both moved into [1e-7, 1]."""

    kernel = "kl_divergence"
    probabilities = True


class CosineSimilarity(Loss):
    """Minus the cosine of the angle between y_true and y_pred, so that the least is best."""

    kernel = "cosine_similarity"

    def __init__(self, axis: int = -1, reduction: str = MEAN, name: str | None = None, dtype: None = None):
        only("axis", axis, (-1,), ONE_AXIS)
        super().__init__(reduction, name, dtype)
        self.axis = axis


class CrossEntropy(Loss):
    """Base of the cross-entropies; `from_logits=True` says that the model ends without its softmax or sigmoid."""

    probabilities = True
    from_logits: bool

    @property
    def engine_name(self) -> str:
        return self.kernel + "_from_logits" if self.from_logits else self.kernel

    def call(self, y_true: Any, y_pred: Any) -> np.ndarray:
        return FUNCTIONS[self.kernel](y_true, y_pred, from_logits=self.from_logits, **self.parameters)


class SmoothedCrossEntropy(CrossEntropy):
    """Base of those whose targets may be smoothed: a share `label_smoothing` of them is dealt out evenly."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = MEAN,
        name: str | None = None,
        dtype: None = None,
    ):
        only("axis", axis, (-1,), ONE_AXIS)
        super().__init__(reduction, name, dtype)
        self.from_logits = boolean("from_logits", from_logits)
        self.label_smoothing = real("label_smoothing", label_smoothing, low=0.0, high=1.0)
        self.axis = axis

    @property
    def parameters(self) -> dict[str, float]:
        return {"label_smoothing": self.label_smoothing}


class CategoricalCrossentropy(SmoothedCrossEntropy):
    """-sum(y_true * log(y_pred)) with y_true one-hot (or any distribution), [rows, classes].

    With `label_smoothing` s the loss, but no metric, sees y_true * (1 - s) + s / classes.
    """

    kernel = "categorical_crossentropy"


class BinaryCrossentropy(SmoothedCrossEntropy):
    """Mean of -(y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred)), over the columns.

    With `label_smoothing` s the loss, but no metric, sees y_true * (1 - s) + s / 2.
    """

    kernel = "binary_crossentropy"


class SparseCategoricalCrossentropy(CrossEntropy):
    """-log(y_pred[label]) with y_true class numbers, [rows] or [rows, 1]."""

    kernel = "sparse_categorical_crossentropy"
    sparse = True

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: None = None,
        reduction: str = MEAN,
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


LOSSES: dict[str, type[Loss]] = {
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "binary_crossentropy": BinaryCrossentropy,
    "bce": BinaryCrossentropy,
    "mean_absolute_error": MeanAbsoluteError,
    "mae": MeanAbsoluteError,
    "mean_absolute_percentage_error": MeanAbsolutePercentageError,
    "mape": MeanAbsolutePercentageError,
    "mean_squared_logarithmic_error": MeanSquaredLogarithmicError,
    "msle": MeanSquaredLogarithmicError,
    "huber": Huber,
    "log_cosh": LogCosh,
    "poisson": Poisson,
    "hinge": Hinge,
    "squared_hinge": SquaredHinge,
    "categorical_hinge": CategoricalHinge,
    "kl_divergence": KLDivergence,
    "kld": KLDivergence,
    "kullback_leibler_divergence": KLDivergence,
    "cosine_similarity": CosineSimilarity,
}


def get(identifier: Any, argument: str = "loss") -> Loss:
    """Return the loss for a name, class, instance or config, for a function of this module, or of the user's own."""
    for name, function in FUNCTIONS.items():
        if identifier is function:
            return LOSSES[name]()
    if isinstance(identifier, Loss) and identifier.own:
        return identifier
    if callable(identifier) and not isinstance(identifier, (type, Loss)):
        from fastmlp.losses.custom import Custom

        return Custom(identifier)
    return lookup(argument, identifier, LOSSES)
