"""The range of numbers, in one pass over them."""

from cython cimport floating
from cython.parallel cimport prange
from libc.stdint cimport int32_t, int64_t

from fastmlp.kernels.isa cimport FLOAT32, FLOAT64, Isa, selected, partition


def all_finite(const floating[::1] x, bint as_float32, int threads):
    """Whether every number is finite, and within the range of float32 if that is asked for."""
    cdef const Isa *isa = selected()
    cdef int source = FLOAT32 if floating is float else FLOAT64, target = FLOAT32 if as_float32 else FLOAT64
    cdef Py_ssize_t n = x.shape[0], first
    cdef int part, bad = 0
    for part in prange(threads, nogil=True, schedule="static", num_threads=threads):
        first = partition(n, part, threads)
        bad += not isa.all_finite(source, target, partition(n, part + 1, threads) - first, &x[0] + first)
    return bad == 0


ctypedef fused Integer:
    int32_t
    int64_t


def extremes(const Integer[::1] numbers):
    """The smallest and the largest of numbers; ValueError where there are none."""
    if numbers.shape[0] == 0:
        raise ValueError("numbers: got none, needs at least one")
    cdef Integer low = numbers[0], high = numbers[0]
    cdef Py_ssize_t i
    with nogil:
        for i in range(numbers.shape[0]):
            low = min(low, numbers[i])
            high = max(high, numbers[i])
    return low, high
