"""MLPRegressor: one or several numbers a row around the perceptron."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from fastmlp.data.tables import refuse_columns
from fastmlp.sklearn import plain
from fastmlp.sklearn.callbacks import with_callbacks
from fastmlp.sklearn.parameters import CONSTRAINTS, keep
from fastmlp.sklearn.perceptron import Perceptron
from fastmlp.sklearn.sparse import as_dense


class MLPRegressor(RegressorMixin, Perceptron):
    """Multilayer perceptron for numbers, in place of `sklearn.neural_network.MLPRegressor`.

    The arguments up to `max_fun`, the attributes and the methods are scikit-learn's, with its defaults and meanings;
    `loss` is "squared_error" or "poisson". The further ones are those of `MLPClassifier`, where `scoring` None stands
    for R2, and there are no classes to weigh.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "loss": [StrOptions({"squared_error", "poisson"})],
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
    ) -> None:
        keep(self, locals())

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
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
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train one epoch more."""
        return self._partial_fit(X, y, sample_weight)  # type: ignore[no-any-return]

    def predict(self, X: Any) -> NDArray[Any]:
        """Predicted numbers, [rows], or [rows, outputs] where there are several."""
        self._check_is_fitted()
        return self._decode(self._outputs(X))

    # For the base class

    def _validate(self, X: Any, y: Any, purpose: str, reset: bool) -> tuple[Any, NDArray[Any]]:
        if not reset and plain.are_rows(self, X) and plain.are_numbers(y, len(X), len(self.intercepts_[-1])):
            return X, y
        refuse_columns("X", X)
        refuse_columns("y", y)
        X, y = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, y_numeric=True,
            dtype=(np.float64, np.float32), reset=reset,
        )  # fmt: skip
        y = as_dense(y)
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        if not reset and (1 if y.ndim == 1 else y.shape[1]) != len(self.intercepts_[-1]):
            raise ValueError(f"y: got shape {y.shape}, needs {len(self.intercepts_[-1])} columns, as in the fit before")
        return X, y

    def _encode(self, y: Any, dtype: Any) -> NDArray[Any]:
        columns = np.ascontiguousarray(y.reshape(len(y), -1), dtype)
        if self.loss == "poisson" and columns.min() < 0:
            raise ValueError(f"y: got {columns.min()} for loss='poisson', needs numbers of at least 0")
        self.n_outputs_ = columns.shape[1]
        return columns

    def _decode(self, outputs: NDArray[Any]) -> NDArray[Any]:
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def _score_outputs(self, y: NDArray[Any], outputs: NDArray[Any], sample_weight: Any) -> float:
        return r2(y, outputs, sample_weight)

    def _strata(self, y: NDArray[Any]) -> None:
        return None

    def _output(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    @property
    def _engine_loss(self) -> str:
        return str(self.loss)


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
