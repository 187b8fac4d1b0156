from cython cimport floating

from fastmlp.kernels.engine.plan cimport Part, Pass, Plan


cdef int normalize_forward(Plan *plan, int number, const Part *part, const Pass *run, int met,
                           const floating *tag) noexcept nogil
cdef int normalize_backward(Plan *plan, int number, const Part *part, const Pass *run, int met,
                            const floating *tag) noexcept nogil
cdef void put_averages_back(Plan *plan, const floating *tag) noexcept nogil
