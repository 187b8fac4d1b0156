from cython cimport floating
from libc.stdint cimport uint32_t, uint64_t

from fastmlp.kernels.isa cimport Dropout, Isa


cdef void add_noise(double stddev, uint64_t seed, uint64_t step, uint32_t layer, uint64_t first, Py_ssize_t n,
                    floating *x) noexcept nogil
cdef Dropout dropout_setting(double rate, uint64_t seed, uint64_t step, uint32_t layer) noexcept nogil
cdef void draw_noise(double stddev, uint64_t seed, uint64_t step, uint32_t layer, uint64_t first, Py_ssize_t n,
                     floating *out) noexcept nogil
cdef void draw_mask(const Isa *isa, double rate, uint64_t seed, uint64_t step, uint32_t layer, uint64_t first,
                    Py_ssize_t n, floating *out) noexcept nogil
cdef void scatter(Py_ssize_t n, const floating *x, floating *out) noexcept nogil
cdef void saturate(double rate, Py_ssize_t n, const floating *x, floating *out) noexcept nogil
cdef void saturate_gradient(double rate, Py_ssize_t n, const floating *dy, floating *out) noexcept nogil
