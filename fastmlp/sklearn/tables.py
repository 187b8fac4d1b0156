"""Tables as they are, with words and missing values, as scikit-learn's estimators: prepared, then learned by networks.

The recipe is that of `fastmlp.tables.recipe`.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, _fit_context
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _check_sample_weight,
    _num_samples,
    check_is_fitted,
)

from fastmlp.data.arrays import numeric
from fastmlp.sklearn.alone import alone
from fastmlp.sklearn.members import threads
from fastmlp.sklearn.parameters import CONSTRAINTS, keep
from fastmlp.tables import frames, recipe, targets, tuning
from fastmlp.tables.finding import found_types
from fastmlp.tables.preparation import MOST_BINS, SETTINGS, Preparation
from fastmlp.training.many import predict_many

AT_ONCE = 16_384  # rows that are prepared and predicted at a time
PREPARED = ("types", *SETTINGS)
TRAINED = ("learning_rate", "weight_decay", "batch_size", "patience")


class TableEstimator(BaseEstimator):
    """Base of both: preparation, networks and the mean of what these say."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "tune": [None, Interval(Real, 0, None, closed="neither")],
        "types": [dict, None],
        "bins": [None, Interval(Integral, 1, MOST_BINS, closed="both")],
        "seldom": [Interval(Integral, 1, None, closed="left")],
        "indicators": [Interval(Integral, 0, None, closed="left")],
        "embed_from": [Interval(Integral, 1, None, closed="left")],
        "day_first": ["boolean", None],
        "hidden_layer_sizes": [None, *CONSTRAINTS["hidden_layer_sizes"]],
        "dropout": ["array-like", Interval(Real, 0, 1, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [None, Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        **{name: CONSTRAINTS[name] for name in ("random_state", "verbose", "n_threads")},
    }

    def __init__(
        self,
        n_estimators: int = 1,
        *,
        tune: float | None = None,
        types: Any = None,
        bins: int | None = None,
        seldom: int = 5,
        indicators: int = 200,
        embed_from: int = 50,
        day_first: bool | None = None,
        hidden_layer_sizes: Any = None,
        dropout: Any = 0.0,
        learning_rate: float = 0.002,
        weight_decay: float = 0.01,
        batch_size: int | None = None,
        max_iter: int = 24,
        patience: int = 6,
        validation_fraction: float = 0.15,
        random_state: Any = None,
        verbose: Any = False,
        n_threads: int | None = None,
    ) -> None:
        keep(self, locals())

    def _prepared(self, X: Any, y: Any, sample_weight: Any) -> tuple[list[Any], Any]:
        """Fit the preparation; return the inputs of the networks and the weights of rows."""
        if self.tune is not None and self.n_estimators > 1:
            got = f"{self.tune} beside n_estimators={self.n_estimators}"
            raise ValueError(f"tune: got {got}, needs one of them: tuning chooses how many networks there are")
        if y is None:
            name = type(self).__name__
            raise ValueError(f"This {name} estimator requires y to be passed, but the target y is None.")
        table = frames.columns(X)
        rows = len(next(iter(table.values()), ()))
        if not table:
            raise ValueError(f"0 feature(s) (shape={np.shape(X)}) while a minimum of 1 is required.")
        if rows < 2:
            raise ValueError(f"Found array with {rows} sample(s) while a minimum of 2 is required: n_samples={rows}")
        if _num_samples(y) != rows:
            raise ValueError(f"y: got {_num_samples(y)} values, needs one for each of the {rows} rows of X")
        _check_feature_names(self, X, reset=True)
        _check_n_features(self, table_shape(rows, table), reset=True)
        settings = {name: getattr(self, name) for name in PREPARED}
        settings["types"] = found_types(table, y, self.types or ()) | (self.types or {})
        self.preparation_ = Preparation(**settings).fit(table)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(
                numeric("sample_weight", sample_weight),
                table_shape(rows, table),
                dtype=np.float64,
                ensure_non_negative=True,
            )
            if not weight.sum() > 0:
                raise ValueError("sample_weight: Sample weights got only zero, needs one above zero")
            weight = (weight / weight.mean()).astype(np.float32)
        return self.preparation_.inputs(table), weight

    def _settings(self) -> list[recipe.Settings]:
        """Return how networks are made and trained, for each rate of dropout."""
        sizes = self.hidden_layer_sizes
        common = recipe.Settings(
            hidden=None if sizes is None else tuple(np.atleast_1d(sizes).tolist()),
            epochs=self.max_iter,
            held_out=self.validation_fraction,
            **{name: getattr(self, name) for name in TRAINED},
        )
        return [replace(common, dropout=rate) for rate in np.atleast_1d(self.dropout).tolist()]

    def _train(self, X: list[Any], y: NDArray[Any], classes: int, weight: Any, start: float) -> Any:
        """Learn from prepared rows; `start` is when fit began, as time.perf_counter tells."""
        choice = self._settings()
        seed = int(check_random_state(self.random_state).randint(2**31))
        examples = recipe.Examples(X, self.preparation_.codes_, y, classes, weight)
        verbose = min(int(self.verbose), 2)
        with threads(self.n_threads):
            if self.tune is None:
                self.estimators_ = recipe.train(examples, self.n_estimators, seed, choice, verbose)
                self.weights_ = [1.0 / self.n_estimators] * self.n_estimators
            else:
                left = start + self.tune - time.perf_counter()
                self.estimators_, self.weights_ = tuning.tune(examples, left, seed, choice, verbose)
        self.n_iter_ = max(len(model.history.epoch) for model in self.estimators_ if model.history)
        return self

    def _mean(self, X: Any) -> NDArray[Any]:
        """Return the mean of what the networks say, [rows, outputs], some rows at a time."""
        check_is_fitted(self)
        table = frames.columns(X)
        rows = len(next(iter(table.values()), ()))
        if not rows:
            raise ValueError(f"Found array with 0 sample(s) (shape={np.shape(X)}) while a minimum of 1 is required.")
        if not hasattr(self, "feature_names_in_"):  # those with names are found by them
            _check_n_features(self, table_shape(rows, table), reset=False)
        elif isinstance(X, (np.ndarray, list)):
            _check_feature_names(self, X, reset=False)
            _check_n_features(self, table_shape(rows, table), reset=False)
            table = dict(zip(self.feature_names_in_, table.values(), strict=True))
        found = []
        with threads(self.n_threads):
            for start in range(0, rows, AT_ONCE):
                part = {name: frames.part(column, start, start + AT_ONCE) for name, column in table.items()}
                inputs = self.preparation_.inputs(part)
                given = inputs[0] if len(inputs) == 1 else inputs
                found.append(predict_many(self.estimators_, given, voting="soft", weights=self.weights_))
        return np.concatenate(found)

    def export(self, filepath: str | os.PathLike[str], format: str | None = None) -> None:
        """Write what predicts as this does to a file that other programs run: preparation, networks and their mean.

        See docs/export.md for what goes in and comes out.

        Parameters
        ----------
        filepath : path ending in .onnx or .h
            An ONNX file (operator set 17; needs onnx) with an input for each column, whose results are those of
            `predict` and `predict_proba` to 1e-5. Or a C99 header without dependencies for one row at a time, with
            their bits.
        format : {"onnx", "c"}, optional
            What the name says already.

        Raises
        ------
        ValueError
            For another name, and what the file cannot hold.
        NotFittedError
        ImportError
            Without onnx, where it is needed.
        """
        from fastmlp.tables.export import export
        from fastmlp.tables.predictor import Predictor

        check_is_fitted(self)
        classes, target = getattr(self, "classes_", None), getattr(self, "target_", None)
        export(Predictor(self.preparation_, self.estimators_, self.weights_, classes, target), filepath, format)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def table_shape(rows: int, table: dict[Any, Any]) -> NDArray[Any]:
    """Return an array with as many rows and columns, which takes no memory: scikit-learn's checks count them."""
    return np.broadcast_to(np.float64(0), (rows, len(table)))


class TableClassifier(ClassifierMixin, TableEstimator):
    """Classes from tables as they are: of pandas, polars or Arrow, or arrays, with words and missing values.

    Parameters
    ----------
    n_estimators : int
        Networks whose mean is taken; default 1.
    tune : float, optional
        Seconds for `fit` to find settings for this table, and several networks whose weighted mean is taken
        (docs/table_networks.md). What hidden_layer_sizes, dropout, learning_rate and batch_size say is tried first.
        Ctrl-C ends it, with a warning and what was best so far.
    types, bins, seldom, indicators, embed_from, day_first
        As of `fastmlp.tables.preparation.Preparation`. Columns of frames that `types` does not name are looked at: ids
        and free text are ignored, and numbers that are names are categories. That takes polars; without it they are
        what their types say.
    hidden_layer_sizes : sequence of int, optional
        Default one layer of 384, and two of 192 and 128 of tables of 30,000 rows and more.
    dropout : float or sequence of float
        Default 0. Of several rates that of the least loss on held-out rows is taken; of 100,000 rows and more the
        first.
    learning_rate, weight_decay : float
        Of AdamW, at the start; default 0.002 and 0.01.
    batch_size : int, optional
        Default 64, 256 or 1024, by the number of rows.
    max_iter, patience : int
        Epochs, and how many without a gain on held-out rows end a training, whose best weights are taken; default 24
        and 6.
    validation_fraction : float
        Share of the rows that each network's training is stopped by, of which 20,000 are enough; default 0.15.
    random_state : int, RandomState or None
    verbose : int
        1 and 2 print one line for all networks.
    n_threads : int, optional
        Default all, and one in a worker of joblib, multiprocessing or Dask.

    Attributes
    ----------
    classes_ : array
    preparation_ : Preparation
    estimators_ : list of fastmlp.Model
    weights_ : list of float
        How much each network counts in the mean; they add up to 1.
    n_iter_ : int
        Epochs of the network that has most.
    """

    @_fit_context(prefer_skip_nested_validation=True)
    @alone
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TableClassifier:
        """Learn the class of each row, y [rows], of a table X; sample_weight [rows] says what rows count."""
        start = time.perf_counter()
        inputs, weight = self._prepared(X, y, sample_weight)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, places = np.unique(y, return_inverse=True)
        if weight is not None and len(self.classes_) > 1 and len(np.unique(places[weight > 0])) < 2:
            raise ValueError("sample_weight: got weights above zero in one class only, needs two classes")
        return self._train(inputs, places.astype(np.int32), max(2, len(self.classes_)), weight, start)  # type: ignore[no-any-return]

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the probability of each class, [rows, classes], in the order of classes_."""
        means = self._mean(X)
        return means if len(self.classes_) > 1 else np.ones_like(means[:, :1])

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of each row."""
        places = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[places])


class TableRegressor(RegressorMixin, TableEstimator):
    """Numbers from tables as they are; parameters and attributes as of `TableClassifier`, but for the classes.

    Targets are standardised, and predictions kept within the range of those of training.

    Attributes
    ----------
    target_ : fastmlp.tables.targets.Numbers
    """

    @_fit_context(prefer_skip_nested_validation=True)
    @alone
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TableRegressor:
        """Learn the number of each row, y [rows], of a table X; sample_weight [rows] says what rows count."""
        start = time.perf_counter()
        inputs, weight = self._prepared(X, y, sample_weight)
        y = column_or_1d(y, warn=True, dtype=np.float64)
        if not np.isfinite(y).all():
            raise ValueError("Input y contains NaN or infinity: y: got values that are not finite, needs numbers")
        self.target_ = targets.Numbers.fitted(y if weight is None else y[weight > 0])
        return self._train(inputs, self.target_.encode(y), 0, weight, start)  # type: ignore[no-any-return]

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return the number of each row."""
        check_is_fitted(self)
        return self.target_.decode(self._mean(X)[:, 0])
