"""Arrays of weights, each in its own packed memory, which any number of networks may refer to."""

from cython cimport embedsignature, floating
from libc.string cimport memcpy

import numpy as np

from fastmlp.kernels.engine.arena import aligned, fill, panels_shape, unpacked

from fastmlp.kernels.isa cimport Isa, panel_columns, selected


@embedsignature(True)
cdef class Block:
    """A vector or a matrix of weights, packed for the instruction set in use; 0 at first.

    Networks refer to its memory: what one of them has trained, or `write`, is what the others compute with.

    Parameters
    ----------
    shape : tuple of int
    dtype : {"float32", "float64"}
    """

    def __cinit__(self, shape, dtype="float32"):
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64) or len(self.shape) not in (1, 2) or min(self.shape) < 1:
            raise ValueError(f"shape: got {shape} of {dtype}, needs a vector or a matrix of float32 or float64")
        self.isa = selected()
        width = columns_of(self.isa, self.dtype == np.float32)
        self.panels = aligned(panels_shape(self.shape, width), self.dtype, is_read=True)
        self.data = <void *> <size_t> self.panels.ctypes.data

    def read(self):
        """A copy, as an array of its shape."""
        return unpacked(self.panels, self.shape)

    def write(self, array):
        """Take over the values of an array of its shape."""
        fill(self.panels, self.shape, array)


def blend(targets, sources, double tau):
    """Move blocks towards others of the same shapes, in place: w = w + tau * (source - w); with 1 they are copies.

    Parameters
    ----------
    targets, sources : list of Block
    tau : float
    """
    cdef Block target, source
    cdef Py_ssize_t n
    if len(targets) != len(sources):
        raise ValueError(f"sources: got {len(sources)} blocks, needs {len(targets)}")
    for target, source in zip(targets, sources, strict=True):
        if target.shape != source.shape or target.dtype != source.dtype or target.isa != source.isa:
            raise ValueError(f"sources: got {source.dtype} {source.shape}, needs {target.dtype} {target.shape}")
    for target, source in zip(targets, sources, strict=True):
        n = target.panels.size
        if target.dtype == np.float32:
            move(<float *> target.data, <const float *> source.data, n, tau)
        else:
            move(<double *> target.data, <const double *> source.data, n, tau)


cdef void move(floating *w, const floating *source, Py_ssize_t n, double tau) noexcept nogil:
    cdef floating part = <floating> tau
    cdef Py_ssize_t i
    if part == 1:
        memcpy(w, source, n * sizeof(floating))
        return
    for i in range(n):
        w[i] = w[i] + part * (source[i] - w[i])


cdef int columns_of(const Isa *isa, bint is_single) noexcept:
    """The columns of a panel."""
    return panel_columns(isa, <float *> NULL) if is_single else panel_columns(isa, <double *> NULL)
