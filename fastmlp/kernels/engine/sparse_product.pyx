"""The product of sparse rows with a matrix as it lies, for what is not worth packing it."""

from cython cimport floating
from cython.parallel cimport prange
from libc.stdint cimport int32_t, int64_t, uint32_t

import numpy as np

from fastmlp.kernels.engine.sparse_rows import check_sparse

from fastmlp.kernels.isa cimport LINEAR, Isa, multiply_sparse, multiply_sparse_columns, panel_columns, partition
from fastmlp.kernels.isa cimport selected


def sparse_product(rows, kernel, bias, int threads=1):
    """What a linear dense layer makes of sparse rows, with the bits of a Network whose kernel is not transposed.

    Parameters
    ----------
    rows : SparseRows of the kernel's dtype
    kernel : ndarray [columns, units] of float32 or float64, C-contiguous
    bias : ndarray [units] of the same dtype
    threads : int

    Returns
    -------
    ndarray [rows, units]
    """
    out = np.empty((len(rows), kernel.shape[1]), kernel.dtype)
    check_sparse("rows", rows, kernel.dtype, None, kernel.shape[0])
    if bias.shape != kernel.shape[1:]:
        raise ValueError(f"bias: got shape {bias.shape}, needs {kernel.shape[1:]}")
    if kernel.dtype == np.float32:
        multiply[float](rows.data, rows.indices, rows.indptr, kernel, bias, out, threads)
    else:
        multiply[double](rows.data, rows.indices, rows.indptr, kernel, bias, out, threads)
    return out


cdef multiply(const floating[::1] data, const int32_t[::1] indices, const int64_t[::1] starts,
              const floating[:, ::1] kernel, const floating[::1] bias, floating[:, ::1] out, int threads):
    cdef Py_ssize_t i, n = out.shape[0]
    cdef int part
    cdef const floating *values = &data[0] if data.shape[0] else NULL
    cdef const uint32_t *index = <const uint32_t *> &indices[0] if data.shape[0] else NULL
    for part in prange(threads, nogil=True, schedule="static", num_threads=threads):
        for i in range(partition(n, part, threads), partition(n, part + 1, threads)):
            multiply_row(starts[i + 1] - starts[i], index + starts[i], values + starts[i], out.shape[1], &kernel[0, 0],
                         kernel.shape[0] * kernel.shape[1], &bias[0], &out[i, 0])


cdef void multiply_row(Py_ssize_t count, const uint32_t *index, const floating *values, Py_ssize_t units,
                       const floating *kernel, Py_ssize_t numbers, const floating *bias, floating *y) noexcept nogil:
    """Whole panels, then the columns that are left."""
    cdef const Isa *isa = selected()
    cdef int width = panel_columns(isa, y)
    cdef Py_ssize_t whole = units // width * width, j
    multiply_sparse(isa, units // width, count, index, values, kernel, width, units, bias, LINEAR, y, width)
    if whole < units:
        multiply_sparse_columns(isa, <int> (units - whole), count, index, values, kernel + whole, units,
                                numbers - whole, y + whole)
        for j in range(whole, units):
            y[j] = y[j] + bias[j]
