from cython cimport floating

from fastmlp.kernels.engine.plan cimport Part, Plan


cdef void group(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil
cdef void ungroup(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil
cdef void group_backward(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil
cdef void ungroup_backward(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil
