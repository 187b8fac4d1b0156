from cython cimport floating
from libc.stdint cimport uint64_t

from fastmlp.kernels.isa cimport Optimizer
from fastmlp.kernels.plan cimport Part, Plan


cdef void forward(Plan *plan, const Part *part, floating *batch, bint training, uint64_t step) noexcept nogil
cdef void backward(Plan *plan, const Part *part, floating *batch, bint training, uint64_t step,
                   const Optimizer *optimizer) noexcept nogil
