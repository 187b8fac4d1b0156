"""The case table: every kernel of the oracle at the size it has in training 784-512-10 on batches of 128 rows.

A kernel that is not named here gets the sizes of SIZES, so none can be forgotten.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import reference
from bench import vectorised
from fastmlp import kernels
from fastmlp.config.threads import get_num_threads
from fastmlp.kernels.contract import Array
from tests.cases import KERNELS, arguments, dimensions, inputs, to_lists

SLICE = 3  # rows on which results are compared with the oracle's
SIZES = {"b": 128, "m": 128, "k": 784, "n": 512, "...": 784 * 512}
LOSSES = {"n": 10}
DENSE = {"n": 784, "m": 512}
SPECIAL = {
    "softmax": {"n": 10},
    "softmax_gradient": {"n": 10},
    "matrix_vector_dot": {"m": 512, "n": 784},
    "vector_dot": {"n": 784 * 512},
    "transpose": {"m": 784},
    "reshape": {"m": 784},
}
PRODUCTS = ("vector_dot", "matrix_vector_dot", "matrix_dot", "dense_forward", "dense_kernel_gradient",
            "dense_input_gradient")  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A kernel at one size."""

    kernel: str
    sizes: dict[str, int]
    dtype: str = "float32"
    loops: Callable[..., object] | None = None  # what to time in place of the oracle

    @property
    def name(self) -> str:
        return self.loops.__name__ if self.loops else self.kernel

    @property
    def size(self) -> str:
        """Shapes of the arrays, such as 128x784 784x512."""
        shapes = [given.shape for given in self.arguments().values() if isinstance(given, np.ndarray)]
        return " ".join(dict.fromkeys("x".join(map(str, shape)) for shape in shapes))

    @property
    def rows_name(self) -> str | None:
        """The dimension that the oracle's time is linear in: the rows of the result, or of the first array."""
        contract = getattr(kernels, self.kernel).contract
        named = [what.dimensions.split()[0] for key, what in contract.items() if key == "out"]
        return next((name for name in (*named, *dimensions(self.kernel)) if name in self.sizes), None)

    @property
    def rows(self) -> int:
        return self.sizes[self.rows_name] if self.rows_name else 1

    @property
    def threads(self) -> int:
        """What fastmlp is given: all threads where NumPy's library has them too, else one."""
        return get_num_threads() if self.kernel in PRODUCTS else 1

    def arguments(self, rows: int | None = None) -> dict[str, object]:
        """The same random arguments each time, with that many rows or with all."""
        sizes = dict(self.sizes)
        if rows is not None and self.rows_name is not None:
            sizes[self.rows_name] = rows
        return arguments(self.kernel, sizes, np.dtype(self.dtype), np.random.default_rng(0))

    def contender(self, name: str) -> Callable[..., object]:
        """The function to time; the oracle's takes lists."""
        if name == "fastmlp":
            kernel, threads = getattr(kernels, self.kernel), self.threads
            return lambda **given: kernel(**given, threads=threads)
        if name == "NumPy":
            return getattr(vectorised, self.kernel)
        return self.loops or getattr(reference, self.kernel)

    def __str__(self) -> str:
        return f"{self.name}-{self.size.replace(' ', '-')}"


def check(case: Case, contender: Callable[..., object]) -> None:
    """Raise AssertionError unless the contender gives what the oracle gives, on a slice of the case.

    A sum of n terms may be off by n * eps times their size, functions of it by a little more; the size is taken to be
    that of the greatest result. The tests know the exact bounds.
    """
    given = case.arguments(SLICE)
    terms = max(max(array.shape) for array in given.values() if isinstance(array, np.ndarray))
    expected = results(case, to_lists(given), getattr(reference, case.kernel))
    got = results(case, given, contender)
    tolerance = (terms + 8) * float(np.finfo(case.dtype).eps)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * np.max(np.abs(b)))


def results(case: Case, given: dict[str, object], function: Callable[..., object]) -> list[object]:
    """What a function returns, or the arguments that it changed in place."""
    returned = function(**given)
    changed = [given[key] for key, what in inputs(case.kernel).items() if isinstance(what, Array) and what.updated]
    return changed or [returned]


# The comparison in chapter 2 of F. Chollet, Deep Learning with Python: loops that index arrays of 20 by 100.


def naive_relu(x):
    x = x.copy()
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] = max(x[i, j], 0)
    return x


def naive_add(x, y):
    x = x.copy()
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] += y[i, j]
    return x


def sizes_of(kernel: str) -> dict[str, int]:
    special = LOSSES if "y_true" in inputs(kernel) else {}
    special = DENSE if kernel.startswith("dense_") else special
    sizes = {**SIZES, **special, **SPECIAL.get(kernel, {})}
    return {name: sizes[name] for name in dimensions(kernel)}


BOOK = {"sizes": {"m": 20, "n": 100}, "dtype": "float64"}
CASES = (
    Case("relu", **BOOK, loops=naive_relu),
    Case("add", **BOOK, loops=naive_add),
    Case("relu", **BOOK),
    Case("add", **BOOK),
    *[Case(kernel, sizes_of(kernel)) for kernel in KERNELS],
)
