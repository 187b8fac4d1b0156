"""Scores of a model on rows to test on, which come in parts, beside those of a guess without a look at the rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

Parts = Iterable[tuple[Any, "np.ndarray"]]  # some rows of a table, and their numbers, or the places of their classes


def of_classes(model: Any, shares: np.ndarray, parts: Parts) -> tuple[dict[str, float], dict[str, Any], int]:
    """Return the scores of a classifier, of the commonest class and the shares of all, and how many rows there are.

    Of two classes the scores have `roc_auc` too, where there are rows of both.
    """
    import numpy as np
    from sklearn.metrics import roc_auc_score

    count, sums = 0, np.zeros((2, 2))
    seconds, are_second = [], []  # the probability of the second of two classes, and which rows are of it
    for rows, y in parts:
        if len(y):
            found = model.predict_proba(rows).astype(np.float64)
            found /= found.sum(axis=1, keepdims=True)  # as exactly as float64 has it
            count += len(y)
            sums += [right_and_loss(each, y) for each in (found, np.broadcast_to(shares, found.shape))]
            if len(shares) == 2:
                seconds.append(found[:, 1].astype(np.float32))
                are_second.append(y == 1)
    test, always = (dict(zip(("accuracy", "log_loss"), each, strict=True)) for each in (sums / max(count, 1)).tolist())
    is_second = np.concatenate([np.empty(0, bool), *are_second])
    if is_second.any() and not is_second.all():
        test["roc_auc"] = float(roc_auc_score(is_second, np.concatenate(seconds)))
    return test, {"prediction": model.classes_[shares.argmax()].item(), **always}, count


def right_and_loss(probabilities: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return how many rows are right, and the sum of their losses."""
    import numpy as np

    chosen = np.clip(probabilities[np.arange(len(y)), y], np.finfo(np.float64).eps, 1.0)
    return float((probabilities.argmax(axis=1) == y).sum()), float(-np.log(chosen).sum())


def of_numbers(model: Any, mean: float, parts: Parts) -> tuple[dict[str, float], dict[str, Any], int]:
    """Return the errors of a regressor, those of the mean of training, and how many rows there are."""
    import numpy as np

    count, sums = 0, np.zeros((2, 2))
    for rows, y in parts:
        if len(y):
            count += len(y)
            differences = model.predict(rows) - y, mean - y
            sums += [((each**2).sum(), abs(each).sum()) for each in differences]
    test, baseline = (
        {"root_mean_squared_error": squared**0.5, "mean_absolute_error": absolute}
        for squared, absolute in (sums / max(count, 1)).tolist()
    )
    return test, {"prediction": mean, **baseline}, count
