"""A loss that is a Python callable: called by the engine with the predictions of each batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


class CustomLoss:
    """Calls `loss(y_true, y_pred)`, which returns the losses, [rows] or their mean, and the gradient of the mean.

    The engine calls this object with a batch's first place in the order of the rows and its number of rows, when it has
    put the predictions into memory; losses and gradients go the same way back, and exceptions out of the engine.
    """

    def __init__(self, loss: Callable[[Any, Any], Any]) -> None:
        self.loss = loss

    def use_memory(self, predictions: NDArray[Any], gradient: NDArray[Any], losses: NDArray[Any]) -> None:
        """Take the memory that is shared with the engine: of batches [rows, units], and of losses [rows]."""
        self.predictions, self.gradient, self.losses = predictions, gradient, losses

    def begin(self, y: Any, order: NDArray[Any] | None, weighted: bool) -> CustomLoss:
        """Be ready for the batches of these targets."""
        self.y, self.order, self.weighted = y, order, weighted
        return self

    def __call__(self, start: int, rows: int) -> None:
        """Compute losses and gradient of a batch; ValueError where what the loss returns does not fit."""
        chosen = slice(start, start + rows)
        y = self.y[chosen if self.order is None else self.order[chosen]]
        value, gradient = self.loss(y, self.predictions[:rows].copy())
        if self.weighted and np.shape(value) != (rows,):
            raise ValueError(f"loss: got one value for {rows} rows, needs one for each where rows have weights")
        self.losses[:rows] = value
        self.gradient[:rows] = gradient
