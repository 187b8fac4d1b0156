"""What a model says of rows, whichever kind of model it is: probabilities of classes, or numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.data.arrays import as_array, numeric
from fastmlp.models.model import Model
from fastmlp.report import numbers

Array = NDArray[Any]


class Answers(NamedTuple):
    """What was asked for, and what a model says.

    Attributes
    ----------
    classes : list or None
        In the order of the probabilities; None of numbers.
    true : array [rows]
        Places in `classes`, or float64 numbers.
    said : array [rows, classes] or [rows]
        float64: probabilities, or numbers.
    """

    classes: list[Any] | None
    true: Array
    said: Array

    @property
    def predicted(self) -> Array:
        """Return the places of the classes that are likeliest, or the numbers."""
        return self.said if self.classes is None else np.asarray(self.said.argmax(axis=1))

    @property
    def losses(self) -> Array:
        """Return how wrong each row is: its cross-entropy, or its distance."""
        return abs(self.said - self.true) if self.classes is None else numbers.class_losses(self.true, self.said)


def asker(model: Any) -> tuple[list[Any] | None, Callable[[Any], Array]]:
    """Return the classes of a model, None of numbers, and the function from rows to what it says of them.

    Raises
    ------
    TypeError, ValueError
        For what predicts nothing, and a model with several outputs, or that is not compiled.
    """
    if isinstance(model, Model):
        return of_model(model)
    if hasattr(model, "predict_proba"):
        return np.asarray(model.classes_).tolist(), lambda x: shares(model.predict_proba(x))
    if hasattr(model, "predict"):
        return None, lambda x: one_column(model.predict(x))
    raise TypeError(f"model: got {type(model).__name__}, needs a Model or an estimator")


def of_model(model: Model) -> tuple[list[Any] | None, Callable[[Any], Array]]:
    shape = model.output_shape
    if not isinstance(shape, tuple) or len(shape) != 2:
        raise ValueError(f"model: got output shape {shape}, needs one output of (None, units)")
    if len(model.input_names) > 1:
        raise ValueError(f"model: got inputs {', '.join(model.input_names)}, needs one")
    if model.loss is None:
        raise ValueError("model: got one that is not compiled, needs compile(...), whose loss tells what it predicts")
    loss, units = str(getattr(model.loss, "name", model.loss)), shape[1]
    if "crossentropy" not in loss:
        return None, lambda x: one_column(model.predict(x, verbose=0))
    classes = model.classes or list(range(max(units, 2)))
    from_logits = getattr(model.loss, "from_logits", False)

    def probabilities(x: Any) -> Array:
        found = np.asarray(model.predict(x, verbose=0), np.float64)
        if units == 1:
            found = 1 / (1 + np.exp(-found)) if from_logits else found
            return np.concatenate([1 - found, found], axis=1)
        if from_logits:
            found = np.exp(found - found.max(axis=1, keepdims=True))
        return shares(found)

    return classes, probabilities


def shares(values: Any) -> Array:
    """Return probabilities whose sum is 1 in float64."""
    found = np.asarray(values, np.float64)
    return np.asarray(found / np.maximum(found.sum(axis=1, keepdims=True), numbers.LEAST))


def one_column(values: Any) -> Array:
    found = np.asarray(values, np.float64)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1:
        raise ValueError(f"model: got predictions of shape {found.shape}, needs one number for each row")
    return found


def places(model: Any, classes: list[Any] | None, y: Any, argument: str = "y") -> Array:
    """Return targets as numbers [rows], or as places in the classes.

    A Model's are class numbers or one-hot rows, as `evaluate` takes them, or words; an estimator's are the classes.

    Raises
    ------
    ValueError
        For a class that is not known, and numbers that are not finite.
    """
    if classes is None:
        found = one_column(numeric(argument, y))
        if not np.isfinite(found).all():
            raise ValueError(f"{argument}: got values that are not finite, needs numbers")
        return found
    found = as_array(argument, y)
    if found.ndim not in (1, 2) or not found.size:
        raise ValueError(f"{argument}: got shape {found.shape}, needs a class for each row")
    if found.ndim == 2:
        if found.shape[1] > 1 and found.dtype.kind not in "buif":
            raise TypeError(f"{argument}: got {found.dtype} in {found.shape[1]} columns, needs numbers, or one column")
        found = found.argmax(axis=1) if found.shape[1] > 1 else found[:, 0]
    by_number = isinstance(model, Model) and found.dtype.kind in "buif"
    known = np.arange(len(classes)) if by_number else np.asarray(classes)
    if known.dtype.kind in "USO":
        known, found = known.astype(str), found.astype(str)
    elif found.dtype.kind not in "buif":
        raise TypeError(f"{argument}: got {found.dtype}, needs the classes of the model, which are numbers")
    order = np.argsort(known)
    at = np.minimum(np.searchsorted(known, found, sorter=order), len(known) - 1)
    found_at = order[at]
    strange = known[found_at] != found
    if strange.any():
        raise ValueError(f"{argument}: got {found[strange].tolist()[0]!r}, needs one of the classes of the model")
    return np.asarray(found_at)
