from cython cimport floating

from fastmlp.kernels.engine.plan cimport Parameter, Part, Pass, Plan, Use


cdef void apply(Plan *plan, const Parameter *parameter, Use use, const Pass *run, Py_ssize_t at, Py_ssize_t n,
                floating *g) noexcept nogil
cdef void apply_to_unreached(Plan *plan, const Part *part, const Pass *run, const floating *tag) noexcept nogil
cdef void update_clipped(Plan *plan, const Part *part, const Pass *run, const floating *tag) noexcept nogil
cdef void constrain(Plan *plan, const Part *part, const floating *tag) noexcept nogil
cdef void sum_penalties(Plan *plan, const Part *part, const floating *tag) noexcept nogil
cdef double penalty_of(Plan *plan, const floating *tag) noexcept nogil
cdef void multiply(Py_ssize_t n, floating factor, floating *x) noexcept nogil
