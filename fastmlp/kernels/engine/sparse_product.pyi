from typing import Any

from numpy.typing import NDArray

from fastmlp.kernels.engine.sparse_rows import SparseRows

def sparse_product(rows: SparseRows, kernel: NDArray[Any], bias: NDArray[Any], threads: int = 1) -> NDArray[Any]: ...
