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
        self.outputs: NDArray[Any] | None = None  # after each epoch of the last call

    def one_hot(self, estimator: Any) -> NDArray[Any]:
        """Return the targets as perfect predictions."""
        return self.y if self.y.ndim == 2 else np.asarray(np.eye(estimator.n_outputs_)[self.y])

    def can_follow(self, x: Any) -> bool:
        """Whether the engine can predict the rows between epochs of x; nothing else of a network is looked at then."""
        return self.scorer is None and isinstance(x, np.ndarray) and isinstance(self.x, np.ndarray)

    def room(self, network: Any, epochs: int) -> tuple[Any, NDArray[Any]]:
        """Return the rows, and where their outputs after each of so many epochs are put."""
        self.outputs = np.zeros((epochs, len(self.y), network.outputs), network.dtype)
        return self.x, self.outputs

    def measure(self, estimator: Any, network: Any) -> list[tuple[float, float]]:
        """Return loss, without the penalty, and score after each epoch of the last call, or of the network as it is.

        The score is NaN where predictions are not finite.
        """
        outputs = predict_rows(network, self.x)[np.newaxis] if self.outputs is None else self.outputs
        epochs, rows, units = outputs.shape
        predictions = losses.probabilities(estimator._engine_loss, outputs.reshape(-1, units))
        y = np.tile(self.y, (epochs,) + (1,) * (self.y.ndim - 1))
        with np.errstate(invalid="ignore", over="ignore"):
            row_losses = self.row_loss(y, predictions).reshape(epochs, rows)
            means = np.average(row_losses, axis=1, weights=self.weight).tolist()
        pairs = zip(means, predictions.reshape(outputs.shape), strict=True)
        return [(loss, self.score(estimator, network, loss, found)) for loss, found in pairs]

    def score(self, estimator: Any, network: Any, loss: float, predictions: NDArray[Any]) -> float:
        if self.loss_is_score:
            return -loss
        if self.scorer is None:
            return float(estimator._score_outputs(self.y, predictions, self.weight))
        if not np.isfinite(predictions).all():
            return float("nan")
        given = {} if self.weight is None else {"sample_weight": self.weight}
        return float(self.scorer(as_fitted(estimator, network), self.x, self.labels, **given))


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
