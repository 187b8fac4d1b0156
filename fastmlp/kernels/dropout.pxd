from libc.stdint cimport uint32_t, uint64_t

from fastmlp.kernels.isa cimport Noise


cdef Noise noise_of(int kind, double amount, uint64_t seed, uint64_t step, uint32_t layer) noexcept nogil
cdef Noise gradient_of(Noise noise) noexcept nogil
