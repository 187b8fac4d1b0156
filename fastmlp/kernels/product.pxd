from cython cimport floating

from fastmlp.kernels.isa cimport Isa


# A matrix or its transpose; strides count elements.
cdef struct View:
    const void *data
    Py_ssize_t row_stride
    Py_ssize_t column_stride


cdef View view(const floating[:, ::1] x) noexcept nogil
cdef View transposed(View x) noexcept nogil
cdef int product(const Isa *isa, Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t columns, View a, View b,
                 const floating[::1] bias, floating[:, ::1] out, int threads) except -1
