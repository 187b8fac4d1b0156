from libc.stdint cimport uint32_t, uint64_t

from fastmlp.kernels.isa cimport Dropout


cdef Dropout dropout_setting(double rate, uint64_t seed, uint64_t step, uint32_t layer) noexcept nogil
