"""Targets that are numbers: standardised and kept within the range that was seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.errors import told


class Numbers:
    """Numbers as a network learns them: standardised, or where `log` is set the logarithm of 1 + y first.

    Predictions are clipped to the range of the training targets.

    Attributes
    ----------
    log : bool
    mean, scale, least, greatest : float
    """

    def __init__(self, log: bool, mean: float, scale: float, least: float, greatest: float) -> None:
        self.log, self.mean, self.scale, self.least, self.greatest = log, mean, scale, least, greatest

    @classmethod
    def fitted(cls, y: NDArray[np.float64], log: bool = False) -> Numbers:
        """Return those of training targets [rows]; ValueError for the logarithm of numbers below 0."""
        least, greatest = float(y.min()), float(y.max())
        if log and least < 0:
            raise ValueError(f"log: got targets from {least}, needs 0 and more")
        values = np.log1p(y) if log else y
        return cls(log, float(values.mean()), float(values.std()) or 1.0, least, greatest)

    def encode(self, y: NDArray[np.float64]) -> NDArray[np.float32]:
        values = np.log1p(y) if self.log else y
        return ((values - self.mean) / self.scale).astype(np.float32)

    def decode(self, outputs: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return what outputs [rows] stand for."""
        values = outputs.astype(np.float64) * self.scale + self.mean
        if self.log:
            values = np.expm1(np.minimum(values, np.log1p(self.greatest)))
        return np.clip(values, self.least, self.greatest)

    def to_data(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_data(cls, data: Any) -> Numbers:
        """Return the targets whose `to_data` this is; ValueError for what is none."""
        try:
            log, numbers = data["log"], [float(data[name]) for name in ("mean", "scale", "least", "greatest")]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"data: got what are no targets: {error}") from None
        if not isinstance(log, bool) or not np.isfinite(numbers).all() or numbers[2] > numbers[3]:
            raise ValueError(f"data: got {told(data)}, needs True or False and finite numbers in order")
        return cls(log, *numbers)
