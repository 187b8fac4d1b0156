from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def smooth_labels(
    y_true: NDArray[Real], label_smoothing: float, classes: int, out: NDArray[Real], threads: int
) -> None: ...
def categorical_crossentropy(
    y_true: NDArray[Real], y_pred: NDArray[Real], out: NDArray[Real], threads: int
) -> None: ...
def categorical_crossentropy_gradient(
    y_true: NDArray[Real], y_pred: NDArray[Real], out: NDArray[Real], threads: int
) -> None: ...
def sparse_categorical_crossentropy(
    y_true: NDArray[np.intc], y_pred: NDArray[Real], out: NDArray[Real], threads: int
) -> None: ...
def sparse_categorical_crossentropy_gradient(
    y_true: NDArray[np.intc], y_pred: NDArray[Real], out: NDArray[Real], threads: int
) -> None: ...
def binary_crossentropy(y_true: NDArray[Real], y_pred: NDArray[Real], out: NDArray[Real], threads: int) -> None: ...
def binary_crossentropy_gradient(
    y_true: NDArray[Real], y_pred: NDArray[Real], out: NDArray[Real], threads: int
) -> None: ...
def categorical_crossentropy_from_logits(
    y_true: NDArray[Real], logits: NDArray[Real], out: NDArray[Real], threads: int
) -> None: ...
def categorical_crossentropy_from_logits_gradient(
    y_true: NDArray[Real], logits: NDArray[Real], out: NDArray[Real], threads: int
) -> None: ...
def sparse_categorical_crossentropy_from_logits(
    y_true: NDArray[np.intc], logits: NDArray[Real], out: NDArray[Real], threads: int
) -> None: ...
def sparse_categorical_crossentropy_from_logits_gradient(
    y_true: NDArray[np.intc], logits: NDArray[Real], out: NDArray[Real], threads: int
) -> None: ...
def binary_crossentropy_from_logits(
    y_true: NDArray[Real], logits: NDArray[Real], out: NDArray[Real], threads: int
) -> None: ...
def binary_crossentropy_from_logits_gradient(
    y_true: NDArray[Real], logits: NDArray[Real], out: NDArray[Real], threads: int
) -> None: ...
