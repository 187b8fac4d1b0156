"""Ensembles of multilayer perceptrons that are trained at once: bagging, as Breiman (1996) describes it.

A member's fit is that of `fastmlp.Sequential` on its bag: an L2 penalty of 0.5 * alpha / batch_size * sum(w^2), as in
scikit-learn, initial weights and orders from its own seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, _fit_context
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from fastmlp.callbacks import EarlyStopping
from fastmlp.errors import told
from fastmlp.layers import Dense, Dropout, Input
from fastmlp.models import Sequential
from fastmlp.optimizers import Adam
from fastmlp.regularizers import L2
from fastmlp.sklearn.alone import alone
from fastmlp.sklearn.members import Member, threads, train
from fastmlp.sklearn.parameters import CONSTRAINTS, HIDDEN, activations, dropout_rates, hidden_sizes, keep, validated
from fastmlp.training.many import predict_many

OF_MEMBERS = (
    "hidden_layer_sizes",
    "activation",
    "dropout",
    "alpha",
    "batch_size",
    "learning_rate_init",
    "max_iter",
    "tol",
    "n_iter_no_change",
)


class Ensemble(BaseEstimator):
    """Base of the ensembles; a subclass has `_targets` and its output layer's `_activation` and `_loss`."""

    _activation: ClassVar[str]
    _loss: ClassVar[str]
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        **{name: CONSTRAINTS[name] for name in (*OF_MEMBERS, "random_state", "early_stopping", "dtype", "n_threads")},
        "member_params": [None, list, tuple],
        "bootstrap": ["boolean"],
        "max_samples": [Interval(Integral, 1, None, closed="left"), Interval(Real, 0, 1, closed="right")],
        "verbose": ["verbose"],
    }

    def _fit(self, X: NDArray[Any], y: NDArray[Any], outputs: int) -> Any:
        """Train the members, each on its bag, on y as the loss takes it."""
        settings = self._settings_of_members()
        random = check_random_state(self.random_state)
        count = self._bag_size(len(X))
        if self.early_stopping and not self.bootstrap and count == len(X):
            needs = "rows outside of the bags: bootstrap=True, or max_samples below their number"
            raise ValueError(f"early_stopping: got True, needs {needs}")
        dtype = self.dtype or X.dtype.name
        members = []
        for own in settings:
            bag = random.randint(0, len(X), count) if self.bootstrap else random.permutation(len(X))[:count]
            size = min(200, count) if own["batch_size"] == "auto" else min(own["batch_size"], count)
            seed = int(random.randint(2**31))
            model = self._model(own, X.shape[1], outputs, 0.5 * own["alpha"] / size, seed, dtype)
            monitor = "val_loss" if self.early_stopping else "loss"
            patience = int(min(own["n_iter_no_change"], 2**31))
            stop = EarlyStopping(monitor, own["tol"], patience, restore_best_weights=self.early_stopping)
            members.append(Member(model, stop, bag, size, own["max_iter"], self.early_stopping))
        trained = train(members, X, y, self.n_threads, min(int(self.verbose), 2))
        self.estimators_ = [model for model, _ in trained]
        self.estimators_samples_ = [member.bag for member in members]
        self.loss_curves_ = [logs["loss"] for _, logs in trained]
        self.validation_loss_curves_ = [logs.get("val_loss") for _, logs in trained]
        self.n_iter_ = max(map(len, self.loss_curves_))
        return self

    def _settings_of_members(self) -> list[dict[str, Any]]:
        """Return the arguments of each member; ValueError or TypeError for `member_params` that do not fit."""
        shared = {name: getattr(self, name) for name in OF_MEMBERS}
        given = [{}] * self.n_estimators if self.member_params is None else list(self.member_params)
        if len(given) != self.n_estimators:
            raise ValueError(f"member_params: got {len(given)} items, needs {self.n_estimators}, one for each member")
        found = []
        for own in given:
            if not isinstance(own, (Mapping, type(None))):
                raise TypeError(f"member_params: got {told(own)}, needs dicts of arguments, or None")
            unknown = set(own or {}) - set(OF_MEMBERS)
            if unknown:
                raise ValueError(f"member_params: got {sorted(unknown)}, needs some of {', '.join(OF_MEMBERS)}")
            type(self)(**(own or {}))._validate_params()
            found.append({**shared, **(own or {})})
        return found

    def _bag_size(self, rows: int) -> int:
        if not isinstance(self.max_samples, Integral):
            return max(1, int(self.max_samples * rows))
        count = int(self.max_samples)
        if count > rows:
            raise ValueError(f"max_samples: got {count}, needs at most the {rows} rows of X")
        return count

    def _model(self, own: dict[str, Any], inputs: int, outputs: int, penalty: float, seed: int, dtype: str) -> Any:
        """Return a compiled network."""
        sizes = hidden_sizes(own["hidden_layer_sizes"])
        names, rates = activations(own["activation"], len(sizes)), dropout_rates(own["dropout"], len(sizes))
        layers: list[Any] = [Input((inputs,))]
        for units, name, rate in zip(sizes, names, rates, strict=True):
            layers += [Dense(units, HIDDEN[name], kernel_regularizer=L2(penalty)), Dropout(rate)]
        layers.append(Dense(outputs, self._activation, kernel_regularizer=L2(penalty)))
        model = Sequential(layers, seed=seed, dtype=dtype)
        model.compile(Adam(own["learning_rate_init"], epsilon=1e-8), self._loss)
        return model

    def _mean(self, X: Any) -> NDArray[Any]:
        """Return the mean of what the members predict, [rows, units]."""
        rows = self._checked(X)
        with threads(self.n_threads):
            return predict_many(self.estimators_, rows, voting="soft")  # type: ignore[no-any-return]

    def _checked(self, X: Any) -> NDArray[Any]:
        check_is_fitted(self)
        return validated(self, X, dtype=(np.float64, np.float32), reset=False)  # type: ignore[no-any-return]


class MLPEnsembleClassifier(ClassifierMixin, Ensemble):
    """Multilayer perceptrons for classes, each trained on a bag of the rows, all at once.

    They are trained in this process, or within `joblib.parallel_config` shared out among its processes, also those of
    other machines (docs/many.md); the bits are the same.

    Parameters
    ----------
    n_estimators : int
        Number of members; default 10.
    hidden_layer_sizes, activation, dropout, alpha, batch_size, learning_rate_init, max_iter, tol, n_iter_no_change
        Of each member, as of `MLPClassifier`; the optimizer is Adam.
    member_params : list of dict or None, optional
        One for each member: which of the arguments of the line before it has of its own.
    bootstrap : bool
        Whether bags are drawn with replacement; default True.
    max_samples : int or float
        Rows of a bag, or their share of all; default 1.0.
    early_stopping : bool
        Whether a member is stopped by the loss of the rows outside of its bag instead of that of its own rows, and ends
        with the weights of the epoch in which that was least.
    voting : {"soft", "hard"}
        Whether `predict` takes the class with the largest mean probability, or the one that most members choose.
    random_state : int, RandomState or None
        Of bags, initial weights and orders.
    verbose : int
        1 and 2 print one line for all members.
    dtype : {"float32", "float64"}, optional
        Default the type of X.
    n_threads : int, optional
        The most to use; default all, and one in a worker of joblib, multiprocessing or Dask.

    Attributes
    ----------
    estimators_ : list of fastmlp.Sequential
    estimators_samples_ : list of int arrays
        The bags.
    classes_ : array
    loss_curves_, validation_loss_curves_ : list
        Losses of each member by epoch; None where there is no early stopping.
    n_iter_ : int
        Epochs of the member that has most.
    """

    _activation, _loss = "softmax", "sparse_categorical_crossentropy"
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **Ensemble._parameter_constraints,
        "voting": [StrOptions({"soft", "hard"})],
    }

    def __init__(
        self,
        n_estimators: int = 10,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        member_params: Any = None,
        dropout: Any = 0.0,
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        bootstrap: bool = True,
        max_samples: float = 1.0,
        early_stopping: bool = False,
        voting: str = "soft",
        random_state: Any = None,
        verbose: Any = False,
        dtype: str | None = None,
        n_threads: int | None = None,
    ) -> None:
        keep(self, locals())

    @_fit_context(prefer_skip_nested_validation=True)
    @alone
    def fit(self, X: Any, y: Any) -> MLPEnsembleClassifier:
        """Train all members on X [rows, features] and the class of each row, y [rows]."""
        X, y = validated(self, X, y, dtype=(np.float64, np.float32))
        check_classification_targets(y)
        self.classes_, places = np.unique(column_or_1d(y, warn=True), return_inverse=True)
        return self._fit(X, places.astype(np.intc), max(2, len(self.classes_)))  # type: ignore[no-any-return]

    @available_if(lambda ensemble: ensemble._check_voting())
    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the means of the members' probabilities, [rows, classes], the classes in the order of classes_.

        As of a VotingClassifier, there are none where members vote by their classes.
        """
        means = self._mean(X)
        return means if len(self.classes_) > 1 else np.ones_like(means[:, :1])

    @available_if(lambda ensemble: ensemble._check_voting())
    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Return the logarithm of predict_proba."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def _check_voting(self) -> bool:
        if self.voting == "hard":
            raise AttributeError("predict_proba is not available when voting='hard'")
        return True

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of each row."""
        if self.voting == "soft":
            places = self.predict_proba(X).argmax(axis=1)
            return np.asarray(self.classes_[places])
        rows = self._checked(X)
        with threads(self.n_threads):
            chosen = predict_many(self.estimators_, rows, voting="hard")
        return np.asarray(self.classes_[np.minimum(chosen, len(self.classes_) - 1)])


class MLPEnsembleRegressor(RegressorMixin, Ensemble):
    """Multilayer perceptrons for numbers, each trained on a bag of the rows, all at once; they predict their mean.

    The arguments and attributes are those of `MLPEnsembleClassifier`, without `voting` and `classes_`. The loss is the
    mean squared error.
    """

    _activation, _loss = "linear", "mean_squared_error"

    def __init__(
        self,
        n_estimators: int = 10,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        member_params: Any = None,
        dropout: Any = 0.0,
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        bootstrap: bool = True,
        max_samples: float = 1.0,
        early_stopping: bool = False,
        random_state: Any = None,
        verbose: Any = False,
        dtype: str | None = None,
        n_threads: int | None = None,
    ) -> None:
        keep(self, locals())

    @_fit_context(prefer_skip_nested_validation=True)
    @alone
    def fit(self, X: Any, y: Any) -> MLPEnsembleRegressor:
        """Train all members on X [rows, features] and the numbers y [rows], or [rows, targets]."""
        X, y = validated(self, X, y, dtype=(np.float64, np.float32), multi_output=True, y_numeric=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._is_flat = y.ndim == 1
        columns = np.ascontiguousarray(y.reshape(len(y), -1), self.dtype or X.dtype)
        return self._fit(X, columns, columns.shape[1])  # type: ignore[no-any-return]

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the members' mean, [rows] or [rows, targets]."""
        means = self._mean(X)
        return means[:, 0] if self._is_flat else means
