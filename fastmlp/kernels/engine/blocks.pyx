"""Arrays of weights, each in its own packed memory, which any number of networks may refer to."""

from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBuffer_Release, PyObject_GetBuffer
from cython cimport embedsignature, floating
from libc.string cimport memcpy

import numpy as np

from fastmlp.kernels.engine.arena import aligned, is_transposed, panels_shape

from fastmlp.kernels.isa cimport Isa, are_finite, blocks, flag_set, panel_columns, selected


@embedsignature(True)
cdef class Block:
    """A vector or a matrix of weights, packed for the instruction set in use; 0 at first.

    Networks refer to its memory: what one of them has trained, or `write`, is what the others compute with.

    Parameters
    ----------
    shape : tuple of int
    dtype : {"float32", "float64"}
    transposed : bool
        Whether the transpose of a matrix is packed; arena.is_transposed says for which, ValueError for others.
    """

    def __cinit__(self, shape, dtype="float32", transposed=False):
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.transposed = transposed
        if self.dtype not in (np.float32, np.float64) or len(self.shape) not in (1, 2) or min(self.shape) < 1:
            raise ValueError(f"shape: got {shape} of {dtype}, needs a vector or a matrix of float32 or float64")
        if transposed and not is_transposed("kernel", self.shape):
            raise ValueError(f"transposed: got True for shape {self.shape}, needs that of a kernel with few outputs")
        self.isa = selected()
        width = columns_of(self.isa, self.dtype == np.float32)
        self.panels = aligned(panels_shape(self.shape, width, self.transposed), self.dtype, is_read=True)
        self.data = <void *> <size_t> self.panels.ctypes.data
        flag_set(&self.finite, True)

    def read(self):
        """A copy, as an array of its shape."""
        return self.array_of(self.data)

    def copy(self):
        """Another block with the same numbers."""
        made = Block(self.shape, self.dtype, self.transposed)
        made.write(self.read())
        return made

    def unpacked(self, panels):
        """The array of its shape that other numbers are; they are packed as its own, and C-contiguous."""
        return self.array_of(<void *> <size_t> panels.ctypes.data)

    cdef array_of(self, void *panels):
        array = np.empty(self.shape[::-1] if self.transposed else self.shape, self.dtype)
        self.exchange(panels, array, False)
        return np.ascontiguousarray(array.T) if self.transposed else array

    def write(self, array):
        """Take over the values of an array of its shape; ValueError for another shape."""
        array = np.asarray(array, self.dtype, order="C")
        if array.shape != self.shape:
            raise ValueError(f"weights: got shape {array.shape}, needs {self.shape}")
        self.exchange(self.data, np.ascontiguousarray(array.T) if self.transposed else array, True)
        self.look()

    cdef look(self):
        """Note whether all numbers are finite."""
        cdef Py_ssize_t n = self.panels.size
        if self.dtype == np.float32:
            flag_set(&self.finite, are_finite(self.isa, n, <const float *> self.data))
        else:
            flag_set(&self.finite, are_finite(self.isa, n, <const double *> self.data))

    cdef exchange(self, void *panels, array, bint written):
        """Copy a C-contiguous array of its type and of what is packed into panels, or these into it."""
        cdef Py_buffer buffer
        cdef Py_ssize_t rows = 1, columns, item = self.dtype.itemsize
        PyObject_GetBuffer(array, &buffer, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
        columns = buffer.shape[buffer.ndim - 1]
        if buffer.ndim == 2:
            rows = buffer.shape[0]
        copy(<char *> panels, <char *> buffer.buf, rows, columns * item,
             columns_of(self.isa, self.dtype == np.float32) * item, written)
        PyBuffer_Release(&buffer)


cdef void copy(char *panels, char *matrix, Py_ssize_t rows, Py_ssize_t row_size, Py_ssize_t panel_size,
               bint to_panels) noexcept nogil:
    """Copy a matrix into its panels or, else, panels into their matrix; sizes are bytes of a row of each."""
    cdef Py_ssize_t panel, first, size, i
    cdef char *place
    cdef char *source
    for panel in range(blocks(row_size, panel_size)):
        first = panel * panel_size
        size = min(panel_size, row_size - first)
        for i in range(rows):
            place = panels + first * rows + i * panel_size
            source = matrix + i * row_size + first
            if to_panels:
                memcpy(place, source, size)
            else:
                memcpy(source, place, size)


def blend(targets, sources, double tau):
    """Move blocks towards others of the same shapes, in place: w = w + tau * (source - w); with 1 they are copies.

    Parameters
    ----------
    targets, sources : list of Block
    tau : float
    """
    cdef Block target, source
    cdef Py_ssize_t n
    targets, sources = list(targets), list(sources)
    for name, given in (("targets", targets), ("sources", sources)):
        if not all(isinstance(block, Block) for block in given):
            raise TypeError(f"{name}: got {given!r:.40}, needs blocks")
    if len(targets) != len(sources):
        raise ValueError(f"sources: got {len(sources)} blocks, needs {len(targets)}")
    for target, source in zip(targets, sources, strict=True):
        if target.shape != source.shape or target.dtype != source.dtype or target.isa != source.isa \
                or target.transposed != source.transposed:
            raise ValueError(f"sources: got {source.dtype} {source.shape}, needs {target.dtype} {target.shape}")
    for target, source in zip(targets, sources, strict=True):
        n = target.panels.size
        if target.dtype == np.float32:
            move(<float *> target.data, <const float *> source.data, n, tau)
        else:
            move(<double *> target.data, <const double *> source.data, n, tau)
        target.look()


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
