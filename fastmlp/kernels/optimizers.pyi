from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def sgd(w: NDArray[Real], g: NDArray[Real], learning_rate: float, threads: int) -> None: ...
def momentum(
    w: NDArray[Real], g: NDArray[Real], m: NDArray[Real], learning_rate: float, momentum: float, threads: int
) -> None: ...
def nesterov(
    w: NDArray[Real], g: NDArray[Real], m: NDArray[Real], learning_rate: float, momentum: float, threads: int
) -> None: ...
def rmsprop(
    w: NDArray[Real], g: NDArray[Real], v: NDArray[Real], learning_rate: float, rho: float, epsilon: float, threads: int
) -> None: ...
def adagrad(
    w: NDArray[Real], g: NDArray[Real], a: NDArray[Real], learning_rate: float, epsilon: float, threads: int
) -> None: ...
def adam(
    w: NDArray[Real],
    g: NDArray[Real],
    m: NDArray[Real],
    v: NDArray[Real],
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: int,
    threads: int,
) -> None: ...
