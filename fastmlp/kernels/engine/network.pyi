from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.kernels.engine.blocks import Block
from fastmlp.kernels.engine.parameters import Parameters

class Network(Parameters):
    threads: int
    @property
    def multiply_adds(self) -> int: ...
    @property
    def inputs(self) -> int: ...
    @property
    def outputs(self) -> int: ...
    @property
    def loss(self) -> str | Callable[[Any, Any], Any] | None: ...
    @property
    def steps_done(self) -> int: ...
    def __init__(
        self,
        inputs: int,
        layers: Sequence[Mapping[str, Any]],
        loss: str | Mapping[str, Any] | Callable[[Any, Any], Any] | None = None,
        optimizer: Mapping[str, Any] | None = None,
        dtype: str = "float32",
        blocks: Sequence[Block] | None = None,
    ) -> None: ...
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
        self,
        x: NDArray[Any],
        y: NDArray[Any],
        sample_weight: NDArray[Any] | None = None,
        input_gradient: NDArray[Any] | None = None,
        training: bool = False,
    ) -> tuple[float, list[NDArray[Any]]]: ...
