"""Losses and gradients by Python callables: called by the engine with the predictions of each batch."""

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


class OutputGradients:
    """Calls `function(outputs)`, which returns the gradients of the outputs, as `Network.vjp` takes them.

    `outputs` and `gradients` are memory that is shared with the engine: an array [rows, units], or a list of several.
    """

    def __init__(self, function: Callable[[Any], Any], outputs: Any, gradients: Any) -> None:
        self.function, self.outputs, self.gradients = function, outputs, gradients

    def __call__(self, start: int, rows: int) -> None:
        """Ask for the gradients; ValueError where they do not fit."""
        found = self.function(self.outputs)
        if not isinstance(self.gradients, list):
            self.put(self.gradients, found)
            return
        if not isinstance(found, (list, tuple)) or len(found) != len(self.gradients):
            got = f"{len(found)} items" if isinstance(found, (list, tuple)) else type(found).__name__
            raise ValueError(f"output_gradients: got {got}, needs a list of {len(self.gradients)} arrays or None")
        for room, gradient in zip(self.gradients, found, strict=True):
            self.put(room, gradient)

    def put(self, room: NDArray[Any], gradient: Any) -> None:
        """Take over the gradient of one output."""
        if gradient is not None and np.shape(gradient) != room.shape:
            raise ValueError(f"output_gradients: got shape {np.shape(gradient)}, needs {room.shape}")
        room[...] = 0 if gradient is None else gradient
