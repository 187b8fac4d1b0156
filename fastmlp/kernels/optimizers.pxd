from fastmlp.kernels.isa cimport Optimizer


cdef Optimizer optimizer_from(str name, dict settings)
cdef Optimizer at_step(Optimizer optimizer, long long step) noexcept nogil
