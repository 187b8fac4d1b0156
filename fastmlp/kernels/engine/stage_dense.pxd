from cython cimport floating

from fastmlp.kernels.engine.plan cimport Part, Pass, Plan


cdef int dense_forward(Plan *plan, int number, const Part *part, const Pass *run, int met,
                       const floating *tag) noexcept nogil
cdef int dense_backward(Plan *plan, int number, const Part *part, const Pass *run, int met,
                        const floating *tag) noexcept nogil
