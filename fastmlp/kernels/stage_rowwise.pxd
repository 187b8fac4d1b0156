from cython cimport floating

from fastmlp.kernels.plan cimport Matrix, Part, Pass, Plan


cdef void rowwise_forward(Plan *plan, int number, const Part *part, const Pass *run,
                          const floating *kind) noexcept nogil
cdef void rowwise_backward(Plan *plan, int number, const Part *part, const Pass *run,
                           const floating *kind) noexcept nogil
cdef floating *take_row(const Matrix *matrix, Py_ssize_t row, int width, floating *memory) noexcept nogil
cdef void copy_row(const Matrix *matrix, Py_ssize_t row, int width, floating *out) noexcept nogil
cdef void put_row(const Matrix *matrix, Py_ssize_t row, int width, const floating *values) noexcept nogil
cdef void through_activation(Plan *plan, int number, const Part *part, const floating *kind) noexcept nogil
