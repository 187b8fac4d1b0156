from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastmlp.kernels.engine.blocks import Block
from fastmlp.kernels.engine.parameters import Parameters
from fastmlp.kernels.engine.sparse_rows import SparseRows
from fastmlp.kernels.engine.turns import Turns

T = TypeVar("T")
OneOrMore: TypeAlias = T | Sequence[T]
Rows: TypeAlias = NDArray[Any] | SparseRows

class Network(Parameters):
    threads: int
    turns: Turns | None
    @property
    def multiply_adds(self) -> int: ...
    @property
    def inputs(self) -> int: ...
    @property
    def outputs(self) -> int: ...
    @property
    def input_columns(self) -> tuple[int, ...]: ...
    @property
    def output_columns(self) -> tuple[int, ...]: ...
    @property
    def loss(self) -> Any: ...
    @property
    def steps_done(self) -> int: ...
    @property
    def steps_finite(self) -> int: ...
    @property
    def takes_sparse(self) -> tuple[bool, ...]: ...
    def __init__(
        self,
        inputs: int | Sequence[int],
        layers: Sequence[Mapping[str, Any]],
        loss: OneOrMore[str | Mapping[str, Any] | Callable[[Any, Any], Any] | None] = None,
        optimizer: Mapping[str, Any] | None = None,
        dtype: str = "float32",
        outputs: Sequence[int] | None = None,
        loss_weights: Sequence[float | None] | None = None,
        blocks: Sequence[Block] | None = None,
    ) -> None: ...
    def train_epoch(
        self,
        x: OneOrMore[Rows],
        y: OneOrMore[NDArray[Any] | None],
        order: NDArray[np.int64],
        batch_size: int,
        metric: OneOrMore[str | None] = None,
        sample_weight: OneOrMore[NDArray[Any] | None] = None,
        learning_rates: NDArray[np.float64] | None = None,
        predictions: OneOrMore[NDArray[Any] | None] = None,
        penalty_scales: NDArray[np.float64] | None = None,
    ) -> Any: ...
    def train_epochs(
        self,
        x: OneOrMore[Rows],
        y: OneOrMore[NDArray[Any] | None],
        orders: NDArray[np.int64],
        batch_size: int,
        results: list[Any],
        metric: OneOrMore[str | None] = None,
        sample_weight: OneOrMore[NDArray[Any] | None] = None,
        learning_rates: NDArray[np.float64] | None = None,
        penalty_scales: NDArray[np.float64] | None = None,
        predictions: OneOrMore[NDArray[Any] | None] = None,
        held_out: tuple[NDArray[Any], NDArray[Any]] | None = None,
        weights: NDArray[Any] | None = None,
    ) -> None: ...
    @property
    def packed_size(self) -> int: ...
    def unpacked(self, weights: NDArray[Any]) -> list[NDArray[Any]]: ...
    def predict(
        self, x: OneOrMore[Rows], training: bool = False, out: OneOrMore[NDArray[Any]] | None = None
    ) -> Any: ...
    def predict_small(self, x: NDArray[Any], out: NDArray[Any]) -> bool: ...
    def evaluate(
        self,
        x: OneOrMore[Rows],
        y: OneOrMore[NDArray[Any] | None],
        metric: OneOrMore[str | None] = None,
        sample_weight: OneOrMore[NDArray[Any] | None] = None,
        predictions: OneOrMore[NDArray[Any] | None] = None,
    ) -> Any: ...
    def gradients(
        self,
        x: OneOrMore[Rows],
        y: OneOrMore[NDArray[Any] | None],
        sample_weight: OneOrMore[NDArray[Any] | None] = None,
        input_gradient: OneOrMore[NDArray[Any] | None] = None,
        training: bool = False,
        out: Sequence[NDArray[Any]] | None = None,
    ) -> tuple[float, list[NDArray[Any]]]: ...
    def vjp(
        self,
        x: OneOrMore[Rows],
        output_gradients: OneOrMore[NDArray[Any] | None],
        input_gradient: OneOrMore[NDArray[Any] | None] = None,
        training: bool = False,
    ) -> list[NDArray[Any]]: ...
