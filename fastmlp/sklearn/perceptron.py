"""What MLPClassifier and MLPRegressor have in common: fit and partial_fit around the solvers, and predictions."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from fastmlp.data.tables import refuse_columns
from fastmlp.sklearn import lbfgs, networks, plain, stochastic
from fastmlp.sklearn.callbacks import CallbackSupportMixin, checked
from fastmlp.sklearn.folding import OF_NORMALIZATION, normalized
from fastmlp.sklearn.held_out import HeldOut
from fastmlp.sklearn.parameters import CONSTRAINTS, STOCHASTIC, activations, dropout_rates, hidden_sizes, validated
from fastmlp.sklearn.sparse import prepared


class Perceptron(CallbackSupportMixin, BaseEstimator):
    """Base of the estimators. A subclass says what targets are to the engine.

    It has `_validate` (X and y as scikit-learn checks them), `_encode` (targets as the engine takes them), `_decode`
    (outputs as predictions), `_score_outputs`, `_strata`, `_output` and `_engine_loss`.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS

    def _run_fit(self, X: Any, y: Any, sample_weight: Any, validation: tuple[Any, Any, Any] | None) -> Any:
        """Train with scikit-learn's callbacks around it, where there are any."""
        if not hasattr(self, "_skl_callbacks"):
            return self._fit(X, y, sample_weight, validation)
        context = self._init_callback_context(max_subtasks=self.max_iter)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y, metadata=metadata(sample_weight))
        self._fit(X, y, sample_weight, validation)
        context.call_on_fit_task_end(
            estimator=self, X=X, y=y, metadata=metadata(sample_weight), reconstruction_attributes={}
        )
        return self

    def _fit(self, X: Any, y: Any, sample_weight: Any, validation: tuple[Any, Any, Any] | None = None) -> Any:
        """Train anew, or from the weights of the last fit on where warm_start says so."""
        sizes = hidden_sizes(self.hidden_layer_sizes)
        activations(self.activation, len(sizes))
        dropout_rates(self.dropout, len(sizes))
        checked(self.callbacks)
        self._check_validation(validation)
        if self.batch_norm and self.solver == "lbfgs":
            raise ValueError("batch_norm: got True for solver='lbfgs', which has no batches, needs 'sgd' or 'adam'")
        first = not hasattr(self, "coefs_") or not self.warm_start
        X, y = self._validate(X, y, "fit", reset=first)
        score_weight = self._checked_weight(sample_weight, X)
        sample_weight = self._training_weight(score_weight, y)
        if sample_weight is not None and not sample_weight.any():
            raise ValueError(f"class_weight: got {self.class_weight}, which leaves no row a weight, needs others")
        random = check_random_state(self.random_state)
        targets = self._start(X, y, sizes, random, first)
        held_out = None if validation is None else self._held_out(*validation)
        rows = prepared(X)
        if self.solver == "lbfgs":
            lbfgs.fit(self, rows, targets, sample_weight)
        else:
            self._ready_curves(held_out is not None or self.early_stopping)
            self._fit_data = {"X": X, "y": y, "metadata": metadata(sample_weight)}
            try:
                stochastic.fit(self, rows, targets, (sample_weight, score_weight), held_out, random)
            finally:
                del self._fit_data
        return self._finite()

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any) -> Any:
        """One epoch more."""
        sizes = hidden_sizes(self.hidden_layer_sizes)
        first = not hasattr(self, "coefs_")
        X, y = self._validate(X, y, "partial_fit", reset=first)
        sample_weight = self._training_weight(self._checked_weight(sample_weight, X), y)
        seed = self.random_state
        draws = first or (any(dropout_rates(self.dropout, len(sizes))) and not hasattr(self, "_dropout_seed"))
        random = int(seed) if isinstance(seed, Integral) and not draws else check_random_state(seed)
        targets = self._start(X, y, sizes, random, first)
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        self._ready_curves(False)
        stochastic.fit_once(self, prepared(X), targets, sample_weight, random)
        return self._finite()

    def _start(self, X: Any, y: Any, sizes: list[int], random: Any, first: bool) -> NDArray[Any]:
        """Return the targets as the engine takes them; the first time, draw weights."""
        dtype = np.dtype(self.dtype or X.dtype) if first else networks.dtype_of(self)
        if not first:
            self._check_weights(sizes)
        targets: NDArray[Any] = self._encode(y, dtype)
        if first:
            self._initialize([X.shape[1], *sizes, self.n_outputs_], dtype, random)
        if any(dropout_rates(self.dropout, len(sizes))) and (first or not hasattr(self, "_dropout_seed")):
            self._dropout_seed = int(random.randint(2**31))
        return targets

    def _check_weights(self, sizes: list[int]) -> None:
        """Refuse to go on from weights of another network; counts that were not set by hand with them are 0."""
        present = [len(bias) for bias in self.intercepts_[:-1]]
        if sizes != present:
            raise ValueError(f"hidden_layer_sizes: got {sizes} for weights of another fit, needs {present}")
        if len(normalized(self)) != (len(sizes) if self.batch_norm else 0):
            raise ValueError(f"batch_norm: got {self.batch_norm} for weights of another fit, needs its setting")
        for name in ("n_iter_", "t_", "_no_improvement_count"):
            self.__dict__.setdefault(name, 0)

    def _initialize(self, units: list[int], dtype: Any, random: Any) -> None:
        """Draw the first weights, uniformly within Glorot's bound, as scikit-learn does, and set all counts to 0."""
        self.n_iter_ = self.t_ = self._no_improvement_count = 0
        self.n_layers_ = len(units)
        self.out_activation_ = self._output()
        coefs, intercepts = [], []
        names = [*activations(self.activation, len(units) - 2), self._last_hidden(len(units) - 2)]
        for inputs, outputs, name in zip(units, units[1:], names, strict=False):
            bound = np.sqrt((2.0 if name == "logistic" else 6.0) / (inputs + outputs))
            coefs.append(random.uniform(-bound, bound, (inputs, outputs)).astype(dtype, copy=False))
            intercepts.append(random.uniform(-bound, bound, outputs).astype(dtype, copy=False))
        count = len(units) - 2 if self.batch_norm else 0
        layers = []
        for kernel, bias in zip(coefs[:count], intercepts[:count], strict=True):
            start = {name: np.full_like(bias, name in ("gamma", "variance")) for name in OF_NORMALIZATION}
            layers.append({"kernel": kernel, "bias": bias, **start})
        self.__dict__.update(networks.attributes(layers, coefs[count:], intercepts[count:]))
        for name in ("_optimizer", "loss_curve_", "best_loss_", "validation_scores_", "validation_loss_curve_"):
            self.__dict__.pop(name, None)

    def _last_hidden(self, count: int) -> str:
        """Return the activation of the hidden layers, from which scikit-learn takes the output layer's bound."""
        if isinstance(self.activation, str):
            return self.activation
        return activations(self.activation, count)[-1] if count else "relu"

    def _ready_curves(self, validated: bool) -> None:
        """Make the curves of a stochastic solver, those that a warm start does not have already."""
        if not hasattr(self, "loss_curve_"):
            self.loss_curve_: list[float] = []
        if self.early_stopping:
            self.best_loss_ = None
        elif getattr(self, "best_loss_", None) is None:
            self.best_loss_ = np.inf
        if getattr(self, "validation_scores_", None) is None:
            self.validation_scores_: list[float] | None = [] if validated else None
            self.validation_loss_curve_: list[float] | None = [] if validated else None
            self.best_validation_score_ = -np.inf if validated else None

    def _checked_weight(self, sample_weight: Any, X: Any) -> NDArray[Any] | None:
        """Return the weights of the rows, or None; ValueError for weights that are all 0."""
        if sample_weight is None:
            return None
        weights: NDArray[Any] = _check_sample_weight(sample_weight, X)
        if not weights.any():
            raise ValueError("sample_weight: got weights that are all zero, needs one that is not")
        return weights

    def _training_weight(self, sample_weight: NDArray[Any] | None, y: Any) -> NDArray[Any] | None:
        """Return the weights to train with."""
        return sample_weight

    def _check_validation(self, validation: tuple[Any, Any, Any] | None) -> None:
        if validation is None:
            return
        if validation[0] is None or validation[1] is None:
            raise ValueError("X_val, y_val: got one of them, or weights without them, needs both or none")
        if self.solver not in STOCHASTIC:
            raise ValueError(f"X_val: got rows for solver={self.solver!r}, which has no epochs, needs 'sgd' or 'adam'")

    def _held_out(self, X: Any, y: Any, sample_weight: Any) -> HeldOut:
        """Return the rows that were given to validate on."""
        X, y = self._validate(X, y, "validate", reset=False)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        return HeldOut(self, prepared(X), self._encode(y, networks.dtype_of(self)), weights)

    def _finite(self) -> Any:
        arrays = [*networks.weights_of(self), *self.coefs_, *self.intercepts_]
        if not plain.are_all_finite({id(array): array for array in arrays}.values()):  # most are there twice
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be"
                " preprocessed."
            )
        return self

    def _outputs(self, X: Any) -> NDArray[Any]:
        """Return outputs of the network for X, checked, [rows, units]."""
        if plain.are_rows(self, X):
            rows = np.ascontiguousarray(X)
        else:
            refuse_columns("X", X)
            rows = prepared(validated(self, X, accept_sparse=["csr", "csc"], reset=False))
        return networks.predict_rows(self, rows)

    def _check_is_fitted(self) -> None:
        """Raise NotFittedError before fit."""
        if "coefs_" not in vars(self):  # which is soon told
            check_is_fitted(self)

    def _check_solver(self) -> bool:
        if self.solver not in STOCHASTIC:
            raise AttributeError(
                f"partial_fit is only available for stochastic optimizers. {self.solver} is not stochastic."
            )
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def metadata(sample_weight: Any) -> dict[str, Any] | None:
    """Return what callbacks of scikit-learn are told besides X and y."""
    return None if sample_weight is None else {"sample_weight": sample_weight}
