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
def rmsprop_momentum(
    w: NDArray[Real],
    g: NDArray[Real],
    v: NDArray[Real],
    m: NDArray[Real],
    learning_rate: float,
    rho: float,
    momentum: float,
    epsilon: float,
    threads: int,
) -> None: ...
def rmsprop_centered(
    w: NDArray[Real],
    g: NDArray[Real],
    v: NDArray[Real],
    a: NDArray[Real],
    m: NDArray[Real],
    learning_rate: float,
    rho: float,
    momentum: float,
    epsilon: float,
    threads: int,
) -> None: ...
def adadelta(
    w: NDArray[Real],
    g: NDArray[Real],
    a: NDArray[Real],
    d: NDArray[Real],
    learning_rate: float,
    rho: float,
    epsilon: float,
    threads: int,
) -> None: ...
def amsgrad(
    w: NDArray[Real],
    g: NDArray[Real],
    m: NDArray[Real],
    v: NDArray[Real],
    a: NDArray[Real],
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: int,
    threads: int,
) -> None: ...
def adamax(
    w: NDArray[Real],
    g: NDArray[Real],
    m: NDArray[Real],
    u: NDArray[Real],
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: int,
    threads: int,
) -> None: ...
def nadam(
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
def lion(
    w: NDArray[Real],
    g: NDArray[Real],
    m: NDArray[Real],
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    threads: int,
) -> None: ...
def clip_by_value(g: NDArray[Real], clipvalue: float, threads: int) -> None: ...
def decay_weights(w: NDArray[Real], weight_decay: float, learning_rate: float, threads: int) -> None: ...
def average_weights(average: NDArray[Real], w: NDArray[Real], ema_momentum: float, step: int, threads: int) -> None: ...
