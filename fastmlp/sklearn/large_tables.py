"""Estimators of tables that are larger than memory: as after `fit`, but for where the rows came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from fastmlp.sklearn.members import threads
from fastmlp.sklearn.tables import PREPARED, TableEstimator
from fastmlp.tables.large import Rows
from fastmlp.tables.preparation import Preparation


def prepared(estimator: TableEstimator, frame: Any) -> Preparation:
    """Return the estimator's preparation, fitted on drawn rows."""
    return Preparation(**{name: getattr(estimator, name) for name in PREPARED}).fit(frame)


def fit(estimator: Any, rows: Rows, names: Sequence[str]) -> None:
    """Fit an estimator to stored rows of a table whose columns, but for the target, have these names."""
    estimator._validate_params()
    seed = int(check_random_state(estimator.random_state).randint(2**31))
    settings, verbose = estimator._settings()[0], min(int(estimator.verbose), 2)
    with threads(estimator.n_threads):
        models = rows.train(estimator.n_estimators, seed, settings, verbose)
    estimator.preparation_, estimator.estimators_ = rows.preparation, models
    estimator.weights_ = [1.0 / len(models)] * len(models)
    estimator.n_iter_ = max(len(model.history.epoch) for model in models if model.history)
    estimator.n_features_in_, estimator.feature_names_in_ = len(names), np.array(names, object)
    if rows.numbers is None:
        estimator.classes_ = rows.classes
    else:
        estimator.target_ = rows.numbers
