from cython cimport floating
from libc.stdint cimport uint32_t, uint64_t

from fastmlp.kernels.isa cimport Dropout


cdef void add_noise(double stddev, uint64_t seed, uint64_t step, uint32_t layer, uint64_t first, Py_ssize_t n,
                    floating *x) noexcept nogil
cdef Dropout dropout_setting(double rate, uint64_t seed, uint64_t step, uint32_t layer) noexcept nogil
