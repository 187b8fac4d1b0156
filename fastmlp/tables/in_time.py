"""A training that ends in time: of fewer epochs where they would take longer, in which the rate still falls to 0."""

from __future__ import annotations

import time
from typing import Any

from fastmlp.callbacks.base import Callback
from fastmlp.optimizers.schedules import CosineDecay


class InTime(Callback):
    """Looks after each epoch whether there is time for those to come, as long as one has taken until now.

    Time between epochs, in which other networks are trained by the same thread, is not counted. Where the time is too
    short, the training has as many epochs as fit, and the rate falls from where it is to 0 along half a cosine of their
    steps: weights of the midst of a schedule are worse than those of a shorter one.

    Parameters
    ----------
    end : float
        As time.perf_counter tells.

    Attributes
    ----------
    epochs : int
        How many there are in all, as far as is known.
    """

    def __init__(self, end: float) -> None:
        super().__init__()
        self.end, self.epochs = end, 0

    def on_train_begin(self, logs: Any = None) -> None:
        self.epochs, self.taken = int(self.params["epochs"]), 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.begun = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        now, done = time.perf_counter(), epoch + 1
        self.taken += now - self.begun
        fitting = int((self.end - now) * done / self.taken)
        if fitting < self.epochs - done:
            self.epochs = done + max(fitting, 0)
            if fitting > 0:
                optimizer = self.trained_model.optimizer
                steps, rate = optimizer.steps_done, optimizer.current_rate()
                length = fitting * steps / done
                optimizer.learning_rate = CosineDecay(rate, length, warmup_target=rate, warmup_steps=steps)
        if done >= self.epochs:
            self.trained_model.stop_training = True
