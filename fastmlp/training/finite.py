"""The step after which a loss or a weight is not finite any more, and the warning that says so."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from fastmlp.training.model import Model


class NotFiniteWarning(RuntimeWarning):
    """A loss or a weight became infinite or NaN in `fit`; `callbacks.TerminateOnNaN` ends a training there."""


class Watch:
    """Looks at what each call of the engine leaves, and warns once."""

    def __init__(self) -> None:
        self.found: tuple[int, int] | None = None
        self.is_over = False

    def look(self, model: Model, network: Any, losses: list[float], epoch: int, steps: int, per_epoch: int) -> None:
        """Keep where the first step was that left something that is not finite.

        Parameters
        ----------
        network
            That has just been trained.
        losses : list of float
            Of the call, one for each epoch.
        epoch, steps : int
            The first epoch of the call, from 0 on, and its steps before the call.
        per_epoch : int
            Steps of the call in each epoch.
        """
        if self.found is not None or network.steps_finite == network.steps_done:
            return
        if all(map(math.isfinite, losses)) and all(np.isfinite(array).all() for array in model.get_weights()):
            return  # it was in what lies beside the weights in their memory
        epochs, step = divmod(network.steps_finite, per_epoch)
        self.found = epoch + epochs, steps + step

    def warn(self) -> None:
        """Warn of it, unless that was done; called by what `fit` calls."""
        if self.found is None or self.is_over:
            return
        self.is_over = True
        epoch, step = self.found
        warnings.warn(
            f"fit: the loss or a weight is infinite or NaN since epoch {epoch + 1}, batch {step + 1}; what is learnt "
            "is lost. A smaller learning_rate, a clipnorm, or inputs near 0 keep them finite",
            NotFiniteWarning,
            stacklevel=4,
        )
