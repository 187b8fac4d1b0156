from cython cimport floating

from fastmlp.kernels.plan cimport Data, Plan


cdef void train(Plan *plan, const Data *data, Py_ssize_t batch_size, floating *batch) noexcept nogil
cdef void evaluate(Plan *plan, const Data *data, Py_ssize_t batch_size, floating *batch, floating *out) noexcept nogil
cdef void differentiate(Plan *plan, const Data *data, floating *batch) noexcept nogil
