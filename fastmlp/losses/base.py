"""What the losses have in common: settings, and the mean over the rows of one value a row."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from fastmlp.data.arrays import numeric
from fastmlp.data.values import Number, answering
from fastmlp.losses.functions import FUNCTIONS, ONE_AXIS
from fastmlp.losses.targets import columns, labels
from fastmlp.settings import Settings, boolean, is_among, only, optional_name, real, refuse_methods

MEAN = "sum_over_batch_size"
REDUCTIONS = (MEAN, "mean", "sum", "none", None, "mean_with_sample_weight")


class Loss(Settings):
    """Base of the losses.

    Parameters
    ----------
    reduction : {"sum_over_batch_size", "mean", "sum", "none", "mean_with_sample_weight"} or None
        What is made of the values of the rows: their mean, by its two names, their sum, or nothing; the last one is the
        mean divided by the sum of the weights. A model trains on a mean or a sum.
    name : str, optional
        Default the function's.
    dtype : None
        The arithmetic is done in the type of the arrays.
    """

    engine_name: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()  # Keras' shorter names
    sparse: ClassVar[bool] = False  # True when targets are class numbers
    probabilities: ClassVar[bool] = False  # True when other targets must lie in [0, 1]
    elementwise: ClassVar[bool] = False  # True for a mean over the values of a row, whatever their places
    custom: ClassVar[bool] = False  # True for a function of the user's, which takes any targets

    def __init_subclass__(cls) -> None:
        if hasattr(cls, "engine_name") and "engine_name" not in vars(cls):
            refuse_methods(cls, ("call",), "the engine computes it; a loss of your own is a function")

    def __init__(self, reduction: str | None = MEAN, name: str | None = None, dtype: None = None):
        if not hasattr(self, "engine_name"):
            needs = "a function loss(y_true, y_pred) that returns (value, gradient): the engine needs both"
            raise TypeError(f"loss: got {type(self).__name__}, a subclass of Loss, needs {needs}")
        only("reduction", reduction, REDUCTIONS, "those of Keras")
        only("dtype", dtype, (None,), "losses are computed in the model's")
        self.reduction = reduction
        self.name = optional_name(name) or self.engine_name
        self.dtype = dtype

    @property
    def parameters(self) -> dict[str, float]:
        """What the formula depends on besides the arrays."""
        return {}

    @property
    def spec(self) -> dict[str, Any]:
        """The engine's description."""
        summed = {"reduction": "sum"} if self.reduction == "sum" else {}
        return {"name": self.engine_name, **self.parameters, **summed}

    def require_number(self, argument: str) -> Loss:
        """Return the loss; ValueError where it gives no mean or sum of its own to train on."""
        if not is_among(self.reduction, (MEAN, "mean", "sum")):
            needs = f"{MEAN!r}, 'mean' or 'sum': a model trains on one number"
            raise ValueError(f"{argument}: got {self.name!r} with reduction={self.reduction!r}, needs {needs}")
        return self

    def targets(self, argument: str, y: Any, rows: int, units: int, dtype: str) -> np.ndarray:
        """Return y, checked, as metrics take it: int32 [rows] for a sparse loss, else [rows, units] of `dtype`.

        Raises
        ------
        TypeError, ValueError
            When y does not fit the loss, `rows` rows of x or `units` outputs; `argument` is its name in the error.
        """
        if self.sparse:
            return labels(argument, y, rows, units, self.engine_name)
        return columns(argument, y, rows, units, self.engine_name, dtype, self.probabilities)

    def prepare(self, y: np.ndarray) -> np.ndarray:
        """Return targets [rows, columns] as the engine takes them; metrics take y itself."""
        return y

    def call(self, y_true: Any, y_pred: Any) -> np.ndarray:
        """Return the loss of each row, as the function of the same name does."""
        return FUNCTIONS[self.engine_name](y_true, y_pred, **self.parameters)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the mean of the rows' losses, each times its weight, or what else `reduction` says.

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
        values, divisor = self.call(y_true, y_pred), 1.0
        if sample_weight is not None:
            weights = numeric("sample_weight", sample_weight)
            if weights.shape not in ((), values.shape, (*values.shape, 1)):
                raise ValueError(f"sample_weight: got shape {weights.shape}, needs {values.shape}, one for each row")
            values = values * (weights.reshape(values.shape) if weights.ndim else weights)
            divisor = float(np.sum(weights, dtype=np.float64))
        if self.reduction in (None, "none"):
            return answering(values)
        if self.reduction == "sum" or (self.reduction == "mean_with_sample_weight" and sample_weight is not None):
            total = float(np.sum(values, dtype=np.float64))
            return Number(total if self.reduction == "sum" else total / divisor if divisor else 0.0)
        return Number(np.mean(values, dtype=np.float64))


class CrossEntropy(Loss):
    """Base of the cross-entropies; `from_logits=True` says that the model ends without its softmax or sigmoid."""

    probabilities = True
    from_logits: bool

    @property
    def spec(self) -> dict[str, Any]:
        return {**super().spec, "name": self.engine_name + "_from_logits" * self.from_logits}

    def call(self, y_true: Any, y_pred: Any) -> np.ndarray:
        return FUNCTIONS[self.engine_name](y_true, y_pred, from_logits=self.from_logits, **self.parameters)


class SmoothedCrossEntropy(CrossEntropy):
    """Base of those whose targets may be smoothed: a fraction `label_smoothing` of them is dealt out evenly."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
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
