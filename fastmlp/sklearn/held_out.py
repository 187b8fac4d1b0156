"""Rows held out of the training: their loss and their score after each epoch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split

from fastmlp.sklearn import losses, networks
from fastmlp.sklearn.sparse import predict as predict_rows
from fastmlp.sklearn.sparse import prepared


class HeldOut:
    """Rows to validate on.

    Parameters
    ----------
    estimator : estimator
    x : array or CSR matrix [rows, features]
    y : array
        As the engine takes it.
    sample_weight : array [rows], optional
    """

    def __init__(self, estimator: Any, x: Any, y: NDArray[Any], sample_weight: NDArray[Any] | None) -> None:
        self.x, self.y, self.weight = x, y, sample_weight
        self.row_loss = losses.row_loss(estimator)
        self.scorer: Callable[..., float] | None = None
        self.loss_is_score = estimator.scoring == "loss"
        if estimator.scoring is not None and not self.loss_is_score:
            self.scorer = check_scoring(estimator, estimator.scoring)
            self.labels = estimator._decode(self.one_hot(estimator))

    def one_hot(self, estimator: Any) -> NDArray[Any]:
        """Return the targets as perfect predictions."""
        return self.y if self.y.ndim == 2 else np.asarray(np.eye(estimator.n_outputs_)[self.y])

    def measure(self, estimator: Any, network: Any) -> tuple[float, float]:
        """Loss, without the penalty, and score; the score is NaN where predictions are not finite."""
        predictions = losses.probabilities(estimator._engine_loss, predict_rows(network, self.x))
        with np.errstate(invalid="ignore", over="ignore"):
            loss = float(np.average(self.row_loss(self.y, predictions), weights=self.weight))
        if self.loss_is_score:
            return loss, -loss
        if self.scorer is None:
            return loss, float(estimator._score_outputs(self.y, predictions, self.weight))
        if not np.isfinite(predictions).all():
            return loss, float("nan")
        view = as_fitted(estimator, network)
        given = {} if self.weight is None else {"sample_weight": self.weight}
        return loss, float(self.scorer(view, self.x, self.labels, **given))


def as_fitted(estimator: Any, network: Any) -> Any:
    """Return a copy of the estimator with the network's present weights, for arrays without names."""
    view = copy.copy(estimator)
    vars(view).update(networks.fitted(estimator, network))
    vars(view).pop("feature_names_in_", None)
    return view


def split(
    estimator: Any, x: Any, y: NDArray[Any], sample_weight: NDArray[Any] | None, random: Any
) -> tuple[NDArray[np.int64], HeldOut]:
    """Return the rows to train on and those held out, as scikit-learn draws them; ValueError for fewer than two."""
    rows = np.arange(len(y))
    fraction, stratify = estimator.validation_fraction, estimator._strata(y)
    train, held = train_test_split(rows, random_state=random, test_size=fraction, stratify=stratify)
    if len(held) < 2:
        raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
    weight = None if sample_weight is None else sample_weight[held]
    return train, HeldOut(estimator, prepared(x[held]), y[held], weight)
