from cython cimport floating

from fastmlp.kernels.engine.plan cimport Part, Pass, Plan


cdef void narrow_forward(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil
cdef void update_narrow(Plan *plan, int number, const Part *part, const Pass *run, const floating *tag) noexcept nogil
