from cython cimport floating

from fastmlp.kernels.engine.plan cimport Part, Pass, Plan


cdef void forward(Plan *plan, const Part *part, const Pass *run, const floating *tag) noexcept nogil
cdef void backward(Plan *plan, const Part *part, const Pass *run, const floating *tag) noexcept nogil
