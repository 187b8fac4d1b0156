from cython cimport floating

from fastmlp.kernels.isa cimport Optimizer
from fastmlp.kernels.plan cimport Part, Plan


cdef void dense_forward(Plan *plan, int number, const Part *part, const floating *kind) noexcept nogil
cdef void dense_backward(Plan *plan, int number, const Part *part, const Optimizer *optimizer,
                         const floating *kind) noexcept nogil
