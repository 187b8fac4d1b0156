from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

class Network:
    step: int
    threads: int
    @property
    def inputs(self) -> int: ...
    @property
    def outputs(self) -> int: ...
    @property
    def loss(self) -> str | None: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def isa(self) -> str: ...
    @property
    def steps_done(self) -> int: ...
    def __init__(
        self,
        inputs: int,
        layers: Sequence[Mapping[str, Any]],
        loss: str | dict[str, Any] | None = None,
        optimizer: Mapping[str, Any] | None = None,
        dtype: str = "float32",
    ) -> None: ...
    def set_learning_rate(self, learning_rate: float) -> None: ...
    def get_weights(self) -> list[NDArray[Any]]: ...
    def set_weights(self, weights: Sequence[Any]) -> None: ...
    def get_optimizer_state(self) -> list[NDArray[Any]]: ...
    def set_optimizer_state(self, state: Sequence[Any]) -> None: ...
    def train_epoch(
        self,
        x: NDArray[Any],
        y: NDArray[Any],
        order: NDArray[np.int64],
        batch_size: int,
        metric: str | None = None,
        sample_weight: NDArray[Any] | None = None,
        learning_rates: NDArray[np.float64] | None = None,
        predictions: NDArray[Any] | None = None,
        penalty_scales: NDArray[np.float64] | None = None,
    ) -> tuple[float, float]: ...
    def predict(self, x: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]: ...
    def predict_small(self, x: NDArray[Any], out: NDArray[Any]) -> bool: ...
    def evaluate(
        self,
        x: NDArray[Any],
        y: NDArray[Any],
        metric: str | None = None,
        sample_weight: NDArray[Any] | None = None,
        predictions: NDArray[Any] | None = None,
    ) -> tuple[float, float]: ...
    def gradients(
        self, x: NDArray[Any], y: NDArray[Any], sample_weight: NDArray[Any] | None = None
    ) -> tuple[float, list[NDArray[Any]]]: ...
