"""MLPRegressor: one or several numbers a row around the perceptron."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if

from fastmlp.data.tables import refuse_columns
from fastmlp.losses.functions import checked_quantiles
from fastmlp.sklearn import losses, plain
from fastmlp.sklearn.alone import alone
from fastmlp.sklearn.callbacks import with_callbacks
from fastmlp.sklearn.parameters import CONSTRAINTS, keep, validated
from fastmlp.sklearn.perceptron import Perceptron
from fastmlp.sklearn.sparse import as_dense


class MLPRegressor(RegressorMixin, Perceptron):
    """Multilayer perceptron for numbers, in place of `sklearn.neural_network.MLPRegressor`.

    The arguments up to `max_fun`, the attributes and the methods are scikit-learn's, with its defaults and meanings;
    `loss` is "squared_error", "poisson", or "quantile", the pinball loss of `quantile`: a number from 0 to 1, or a list
    of several, each of which has an output. The further ones are those of `MLPClassifier`, where `scoring` None stands
    for R2, for quantiles for D2, and there are no classes to weigh.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "loss": [StrOptions({"squared_error", "poisson", "quantile"})],
        "quantile": [Interval(Real, 0, 1, closed="both"), "array-like"],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        batch_norm: bool = False,
        scoring: Any = None,
        restore_best: Any = "auto",
        keep_optimizer: bool = False,
        callbacks: Any = None,
        dtype: str | None = None,
        n_threads: int | None = None,
        quantile: Any = 0.5,
    ) -> None:
        keep(self, locals())

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    @alone
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> MLPRegressor:
        """Train on X [rows, features], an array, a data frame or a sparse matrix, and y [rows] or [rows, outputs].

        Parameters
        ----------
        sample_weight : [rows], optional
        X_val, y_val, sample_weight_val : optional
            Rows to validate on after each epoch, and to stop early by, in place of a part of X.

        Returns
        -------
        self
        """
        given = (X_val, y_val, sample_weight_val)
        validation = None if all(each is None for each in given) else given
        return self._run_fit(X, y, sample_weight, validation)  # type: ignore[no-any-return]

    @available_if(lambda estimator: estimator._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    @alone
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train one epoch more."""
        return self._partial_fit(X, y, sample_weight)  # type: ignore[no-any-return]

    def predict(self, X: Any) -> NDArray[Any]:
        """Predicted numbers, [rows], or [rows, outputs] where there are several."""
        self._check_is_fitted()
        return self._decode(self._outputs(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R2; of several quantiles the mean of theirs."""
        several = self.loss == "quantile" and len(self.quantile_levels) > 1
        truth = self._spread(np.asarray(y).reshape(-1, 1)) if several else y
        return float(super().score(X, truth, sample_weight))

    @property
    def quantile_levels(self) -> list[float]:
        """Quantiles as a list; ValueError where one is not from 0 to 1."""
        return list(checked_quantiles(self.quantile))

    # For the base class

    def _validate(self, X: Any, y: Any, purpose: str, reset: bool) -> tuple[Any, NDArray[Any]]:
        if not reset and plain.are_rows(self, X) and plain.are_numbers(y, len(X), len(self.intercepts_[-1])):
            return X, y
        refuse_columns("X", X)
        refuse_columns("y", y)
        X, y = validated(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, y_numeric=True,
            dtype=(np.float64, np.float32), reset=reset,
        )  # fmt: skip
        y = as_dense(y)
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        columns = 1 if y.ndim == 1 else y.shape[1]
        several = self.loss == "quantile" and len(self.quantile_levels) > 1
        if several and columns != 1:
            raise ValueError(f"y: got {columns} columns for quantile={self.quantile!r}, needs one: each has an output")
        if not reset and not several and columns != len(self.intercepts_[-1]):
            raise ValueError(f"y: got shape {y.shape}, needs {len(self.intercepts_[-1])} columns, as in the fit before")
        return X, y

    def _encode(self, y: Any, dtype: Any) -> NDArray[Any]:
        columns = np.ascontiguousarray(self._spread(y.reshape(len(y), -1)), dtype)
        if self.loss == "poisson" and columns.min() < 0:
            raise ValueError(f"y: got {columns.min()} for loss='poisson', needs numbers of at least 0")
        self.n_outputs_ = columns.shape[1]
        return columns

    def _decode(self, outputs: NDArray[Any]) -> NDArray[Any]:
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def _spread(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return the targets [rows, columns] with a column for each of several quantiles."""
        levels = self.quantile_levels if self.loss == "quantile" else [0.5]
        return y if len(levels) == 1 else np.repeat(y, len(levels), axis=1)

    def _score_outputs(self, y: NDArray[Any], outputs: NDArray[Any], sample_weight: Any) -> float:
        if self.loss == "quantile":
            return d2(losses.row_loss(self), y, outputs, self.quantile_levels, sample_weight)
        return r2(y, outputs, sample_weight)

    def _strata(self, y: NDArray[Any]) -> None:
        return None

    def _output(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    @property
    def _engine_loss(self) -> str:
        return str(self.loss)


def d2(
    row_loss: Any, y: NDArray[Any], predicted: NDArray[Any], levels: list[float], weight: NDArray[Any] | None
) -> float:
    """Return the share of the pinball loss of constant quantiles that is saved, or NaN for what is not finite.

    As sklearn.metrics.d2_pinball_score, but for the constants, which are those of rows without weights.
    """
    if not np.isfinite(predicted).all():
        return float("nan")
    constants = np.quantile(y, levels, axis=0)
    constant = np.diagonal(constants) if len(levels) > 1 else constants[0]
    found = np.average(row_loss(y, predicted), weights=weight)
    worst = np.average(row_loss(y, np.broadcast_to(constant, y.shape)), weights=weight)
    return float(1.0 - found / worst) if worst else float(found == 0.0)


def r2(y: NDArray[Any], predicted: NDArray[Any], weight: NDArray[Any] | None) -> float:
    """Return the mean of the columns' coefficients of determination, or NaN where a prediction is not finite.

    As sklearn.metrics.r2_score, without its checks: a column without variance has 1.0, or 0.0 where it is not met.
    """
    if not np.isfinite(predicted).all():
        return float("nan")
    residual = np.average(np.square(y - predicted), axis=0, weights=weight)
    total = np.average(np.square(y - np.average(y, axis=0, weights=weight)), axis=0, weights=weight)
    scores = np.where(residual == 0, 1.0, 0.0)
    scores = np.where((residual != 0) & (total != 0), 1 - residual / np.where(total != 0, total, 1), scores)
    return float(np.mean(scores))
