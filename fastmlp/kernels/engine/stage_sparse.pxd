from cython cimport floating

from fastmlp.kernels.engine.plan cimport Part, Pass, Plan


cdef int sparse_forward(Plan *plan, int number, const Part *part, const Pass *run, int met,
                        const floating *tag) noexcept nogil
cdef void update_by_sparse(Plan *plan, int number, const Part *part, const Pass *run,
                           const floating *tag) noexcept nogil
