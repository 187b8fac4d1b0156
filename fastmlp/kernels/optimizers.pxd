from fastmlp.kernels.isa cimport Optimizer

cdef enum:
    MAX_SLOTS = 4  # three of a rule, and the average of the weights or the sum of gradients


cdef Optimizer optimizer_from(dict settings)
cdef void at_step(Optimizer *optimizer, long long step, double learning_rate) noexcept nogil
