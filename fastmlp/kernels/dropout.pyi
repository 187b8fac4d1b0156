from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def philox4x32(counter: NDArray[np.uint32], key: NDArray[np.uint32], out: NDArray[np.uint32], threads: int) -> None: ...
def dropout(
    x: NDArray[Real], rate: float, seed: int, step: int, layer: int, out: NDArray[Real], threads: int
) -> None: ...
def gaussian_noise(
    x: NDArray[Real], stddev: float, seed: int, step: int, layer: int, out: NDArray[Real], threads: int
) -> None: ...
