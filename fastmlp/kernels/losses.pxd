from cython cimport floating


cdef enum:
    MEAN_SQUARED_ERROR
    CATEGORICAL
    SPARSE_CATEGORICAL
    BINARY
    CATEGORICAL_FROM_LOGITS
    SPARSE_CATEGORICAL_FROM_LOGITS
    BINARY_FROM_LOGITS


cdef int link_of(int loss) noexcept nogil
cdef floating loss_of_row(int loss, Py_ssize_t n, const floating *t, int label, const floating *y) noexcept nogil
cdef void gradient_of_row(int loss, Py_ssize_t n, Py_ssize_t rows, const floating *t, int label, const floating *y,
                          floating *out) noexcept nogil
