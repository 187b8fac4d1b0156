from cython cimport floating
from libc.stdint cimport uint64_t

from fastmlp.kernels.isa cimport Optimizer
from fastmlp.kernels.plan cimport Part, Plan


cdef void forward(Plan *plan, const Part *part, bint training, uint64_t step, const floating *kind) noexcept nogil
cdef void backward(Plan *plan, const Part *part, bint training, uint64_t step, const Optimizer *optimizer,
                   const floating *kind) noexcept nogil
