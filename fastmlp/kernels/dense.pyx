"""The dense layer and its three gradients; twin of reference/dense.py, where each has its equation."""

from cython cimport floating
from cython.parallel cimport prange

from fastmlp.kernels.isa cimport selected
from fastmlp.kernels.product cimport product, transposed, view

cdef enum:
    STRIP = 128  # columns that a thread sums side by side


def dense_forward(const floating[:, ::1] x, const floating[:, ::1] kernel, const floating[::1] bias,
                  floating[:, ::1] out, int threads):
    """out = x . kernel + bias, the bias added last."""
    product[floating](selected(), x.shape[0], x.shape[1], kernel.shape[1], view(x), view(kernel), bias, out, threads)


def dense_kernel_gradient(const floating[:, ::1] x, const floating[:, ::1] dz, floating[:, ::1] out, int threads):
    """out = transpose(x) . dz."""
    product[floating](selected(), x.shape[1], x.shape[0], dz.shape[1], transposed(view(x)), view(dz), None, out,
                      threads)


def dense_bias_gradient(const floating[:, ::1] dz, floating[::1] out, int threads):
    """out[j] = sum over i of dz[i, j]."""
    cdef Py_ssize_t rows = dz.shape[0], units = dz.shape[1], first, i, j
    for first in prange(0, units, STRIP, nogil=True, schedule="static", num_threads=threads):
        for j in range(first, min(first + STRIP, units)):
            out[j] = 0
        for i in range(rows):
            for j in range(first, min(first + STRIP, units)):
                out[j] = out[j] + dz[i, j]


def dense_input_gradient(const floating[:, ::1] dz, const floating[:, ::1] kernel, floating[:, ::1] out, int threads):
    """out = dz . transpose(kernel)."""
    product[floating](selected(), dz.shape[0], dz.shape[1], kernel.shape[0], view(dz), transposed(view(kernel)), None,
                      out, threads)
