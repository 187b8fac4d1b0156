"""The losses of scikit-learn's perceptrons, and how the engine's are made to be them.

The engine's losses are means over the columns; scikit-learn's gradients are those of sums. So rows weigh `factor` in
the engine, and what it reports is corrected where that is not the loss that scikit-learn reports.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp, softmax, xlogy

Array = NDArray[Any]


def log_loss(y: Array, p: Array) -> Array:
    """-log p of each row's label; y [rows] of labels."""
    eps = np.finfo(p.dtype).eps
    return np.asarray(-np.log(np.clip(p[np.arange(len(y)), y], eps, 1 - eps)))


def binary_log_loss(y: Array, p: Array) -> Array:
    """-sum_j (y log p + (1 - y) log(1 - p))."""
    eps = np.finfo(p.dtype).eps
    p = np.clip(p, eps, 1 - eps)
    return np.asarray(-(xlogy(y, p) + xlogy(1 - y, 1 - p)).sum(axis=1))


def squared_error(y: Array, p: Array) -> Array:
    """Half the mean over the columns of (y - p)^2."""
    return np.asarray(0.5 * np.square(y - p).mean(axis=1))


def poisson(y: Array, p: Array) -> Array:
    """Half the deviance, sum_j y log(y / p) - y + p."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((xlogy(y, y / p) - y + p).sum(axis=1))


def pinball(y: Array, p: Array, quantiles: list[float]) -> Array:
    """sum_j q_j e_j where e = y - p is at least 0, else (q_j - 1) e_j."""
    e = y - p
    return np.asarray(
        np.where(e >= 0, np.multiply(quantiles, e), np.multiply(np.subtract(quantiles, 1), e)).sum(axis=1)
    )


LOSSES: dict[str, Callable[[Array, Array], Array]] = {
    "log_loss": log_loss,
    "binary_log_loss": binary_log_loss,
    "squared_error": squared_error,
    "poisson": poisson,
}
ENGINE = {  # the first two take logits: what is clipped is seen there
    "log_loss": "sparse_categorical_crossentropy_from_logits",
    "binary_log_loss": "binary_crossentropy_from_logits",
    "squared_error": "mean_squared_error",
    "poisson": "poisson",
    "quantile": "quantile",
}


def described(estimator: Any, loss: str | None) -> Any:
    """Return the engine's description of its loss of that name."""
    return {"name": loss, "quantiles": estimator.quantile_levels} if loss == "quantile" else loss


def row_loss(estimator: Any) -> Callable[[Array, Array], Array]:
    """Return the estimator's loss of each row."""
    if estimator._engine_loss == "quantile":
        levels = estimator.quantile_levels
        return lambda y, p: pinball(y, p, levels * p.shape[1] if len(levels) == 1 else levels)
    return LOSSES[estimator._engine_loss]


def of_logits(loss: str) -> bool:
    """Whether the engine's loss takes logits."""
    return ENGINE[loss].endswith("_from_logits")


def probabilities(loss: str, outputs: Array) -> Array:
    """Return what the loss here takes, of what the engine's takes."""
    if not of_logits(loss):
        return outputs
    return np.asarray(softmax(outputs, axis=1) if loss == "log_loss" else expit(outputs))


def may_be_too_large(loss: str, z: Array) -> bool:
    """Whether scikit-learn may clip the log loss of a row of these logits, [..., columns]; soon told of many."""
    most = -np.log(np.finfo(z.dtype).eps)
    if loss == "binary_log_loss":
        return not (z.max() <= most / 2 and z.min() >= -most / 2)  # NaN may be
    return not z.max() - z.min() <= most - np.log(z.shape[-1])


def too_large(loss: str, y: Array, z: Array) -> tuple[NDArray[np.int64], Array] | None:
    """Return the rows whose log loss scikit-learn clips, and the excess of the engine's; None without any.

    y : [rows] of labels or [rows, columns]; z : [rows, columns] of logits
    """
    eps = np.finfo(z.dtype).eps
    most = -np.log(eps)
    if loss == "binary_log_loss":
        wrong = np.where(y > 0, -z, z)
        if not wrong.max() > most / 2:
            return None
        rows = np.flatnonzero((wrong > most / 2).any(axis=1))
        return rows, np.logaddexp(0, wrong[rows]).sum(axis=1) - binary_log_loss(y[rows], expit(z[rows]))
    if not z.max() - z.min() > most - np.log(z.shape[1]):
        return None
    rows = np.flatnonzero(z.max(axis=1) - z[np.arange(len(y)), y] > most - np.log(z.shape[1]))
    if not len(rows):
        return None
    losses = logsumexp(z[rows].astype(np.float64), axis=1) - z[rows, y[rows]]
    return rows, np.maximum(losses - most, 0)


def factor(loss: str, columns: int) -> float:
    """Return what rows weigh in the engine, so that its gradients are scikit-learn's."""
    return {"log_loss": 1.0, "squared_error": 0.5 * columns}.get(loss, float(columns))


def left_out(loss: str, y: Array) -> Array | None:
    """Return what each row's loss lacks in the engine because the predictions do not change it, [rows], or None."""
    return np.asarray((xlogy(y, y) - y).sum(axis=1)) if loss == "poisson" else None
