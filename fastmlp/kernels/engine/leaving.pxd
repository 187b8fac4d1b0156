from cython cimport floating

from fastmlp.kernels.engine.plan cimport Part, Pass, Plan, Stage


cdef bint may_leave(const Plan *plan, const Stage *stage, Py_ssize_t rows) noexcept nogil
cdef bint may_leave_backward(const Plan *plan, const Stage *stage, Py_ssize_t rows, const Pass *run) noexcept nogil
cdef bint has_long_products(const Plan *plan, Py_ssize_t rows) noexcept nogil
cdef Py_ssize_t rows_between_looks(const Plan *plan) noexcept nogil
cdef bint is_left(Plan *plan, const Part *part) noexcept nogil
cdef bint all_leave(Plan *plan, const Part *part, const Pass *run, const floating *tag) noexcept nogil
