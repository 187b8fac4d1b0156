from cython cimport floating

from fastmlp.kernels.engine.plan cimport Part, Pass, Plan


cdef bint normalize_forward(Plan *plan, int number, const Part *part, const Pass *run, bint complete,
                            const floating *tag) noexcept nogil
cdef void normalize_backward(Plan *plan, int number, const Part *part, const Pass *run,
                             const floating *tag) noexcept nogil
