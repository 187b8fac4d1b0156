from cython cimport floating

from fastmlp.kernels.engine.plan cimport Data, Plan


cdef void train(Plan *plan, const Data *data, Py_ssize_t batch_size, const floating *tag) noexcept nogil
cdef void predict(Plan *plan, const Data *data, Py_ssize_t together, int thread, const floating *tag) noexcept nogil
cdef void predict_alone(Plan *plan, const Data *data, Py_ssize_t together, const floating *tag) noexcept nogil
cdef void predict_in_training(Plan *plan, const Data *data, const floating *tag) noexcept nogil
cdef void evaluate(Plan *plan, const Data *data, Py_ssize_t batch_size, const floating *tag) noexcept nogil
cdef void update(Plan *plan, const Data *data, const floating *tag) noexcept nogil
cdef void differentiate(Plan *plan, const Data *data, const floating *tag) noexcept nogil
