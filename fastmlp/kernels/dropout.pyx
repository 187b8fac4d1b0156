"""Dropout and noise from a counter-based generator; twin of reference/dropout.py.

Every element has its own random word, found from the seed, the step, the layer and its place in the batch, so the
mask does not depend on who draws it: not on the thread, not on the order, not on the instruction set.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.math cimport cos, log, sin, sqrt
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

from fastmlp.kernels.isa cimport Dropout, Isa, dropout as dropout_elements, selected

cdef extern from "c/philox.h" nogil:
    const int PHILOX_LANES
    void philox4x32_lanes(uint32_t (*words)[64], uint32_t key_0, uint32_t key_1)


cdef double WORD = 4294967296.0
cdef double PI = 3.141592653589793
cdef double ALPHA = -1.0507009873554805 * 1.6732632423543772  # what selu gives far below 0


def philox4x32(const uint32_t[::1] counter, const uint32_t[::1] key, uint32_t[::1] out, int threads):
    """Four random words from a counter of four words and a key of two (Philox4x32-10)."""
    cdef uint32_t words[4][64]
    cdef int word, lane
    for word in range(4):
        for lane in range(PHILOX_LANES):
            words[word][lane] = counter[word]
    philox4x32_lanes(words, key[0], key[1])
    for word in range(4):
        out[word] = words[word][0]


def dropout(const floating[:, ::1] x, double rate, uint64_t seed, uint64_t step, uint32_t layer,
            floating[:, ::1] out, int threads):
    """out = x / (1 - rate) where kept, else 0; the same call on dy is its gradient."""
    cdef Py_ssize_t n = x.shape[1], i
    cdef const Isa *isa = selected()
    cdef Dropout setting = dropout_setting(rate, seed, step, layer)
    for i in prange(x.shape[0], nogil=True, schedule="static", num_threads=threads):
        memcpy(&out[i, 0], &x[i, 0], n * sizeof(floating))
        dropout_elements(isa, &setting, <uint64_t> (i * n), n, &out[i, 0])


def gaussian_noise(const floating[:, ::1] x, double stddev, uint64_t seed, uint64_t step, uint32_t layer,
                   floating[:, ::1] out, int threads):
    """out = x + stddev * z, with z from the standard normal distribution by Box and Muller's transform."""
    cdef Py_ssize_t n = x.shape[1], i
    for i in prange(x.shape[0], nogil=True, schedule="static", num_threads=threads):
        memcpy(&out[i, 0], &x[i, 0], n * sizeof(floating))
        add_noise(stddev, seed, step, layer, <uint64_t> (i * n), n, &out[i, 0])


def gaussian_dropout(const floating[:, ::1] x, double stddev, uint64_t seed, uint64_t step, uint32_t layer,
                     floating[:, ::1] out, int threads):
    """out = x + x * (stddev * z), with z as in gaussian_noise; the same call on dy is its gradient."""
    cdef Py_ssize_t n = x.shape[1], i
    for i in prange(x.shape[0], nogil=True, schedule="static", num_threads=threads):
        draw_noise(stddev, seed, step, layer, <uint64_t> (i * n), n, &out[i, 0])
        scatter(n, &x[i, 0], &out[i, 0])


def alpha_dropout(const floating[:, ::1] x, double rate, uint64_t seed, uint64_t step, uint32_t layer,
                  floating[:, ::1] out, int threads):
    """out = a x + b where kept, else a ALPHA + b, with the mask of dropout."""
    cdef Py_ssize_t n = x.shape[1], i
    cdef const Isa *isa = selected()
    for i in prange(x.shape[0], nogil=True, schedule="static", num_threads=threads):
        draw_mask(isa, rate, seed, step, layer, <uint64_t> (i * n), n, &out[i, 0])
        saturate(rate, n, &x[i, 0], &out[i, 0])


def alpha_dropout_gradient(const floating[:, ::1] dy, double rate, uint64_t seed, uint64_t step, uint32_t layer,
                           floating[:, ::1] out, int threads):
    """out = a dy where kept, else 0."""
    cdef Py_ssize_t n = dy.shape[1], i
    cdef const Isa *isa = selected()
    for i in prange(dy.shape[0], nogil=True, schedule="static", num_threads=threads):
        draw_mask(isa, rate, seed, step, layer, <uint64_t> (i * n), n, &out[i, 0])
        saturate_gradient(rate, n, &dy[i, 0], &out[i, 0])


cdef void draw_noise(double stddev, uint64_t seed, uint64_t step, uint32_t layer, uint64_t first, Py_ssize_t n,
                     floating *out) noexcept nogil:
    """The noise of each of the elements first .. first + n of a batch."""
    cdef Py_ssize_t j
    for j in range(n):
        out[j] = 0
    add_noise(stddev, seed, step, layer, first, n, out)


cdef void draw_mask(const Isa *isa, double rate, uint64_t seed, uint64_t step, uint32_t layer, uint64_t first,
                    Py_ssize_t n, floating *out) noexcept nogil:
    """A number above 0 where an element is kept, else 0."""
    cdef Dropout setting = dropout_setting(rate, seed, step, layer)
    cdef Py_ssize_t j
    for j in range(n):
        out[j] = 1
    dropout_elements(isa, &setting, first, n, out)


cdef void scatter(Py_ssize_t n, const floating *x, floating *out) noexcept nogil:
    """What gaussian_dropout makes of x; out has the noise."""
    cdef Py_ssize_t j
    for j in range(n):
        out[j] = x[j] + x[j] * out[j]


cdef void saturate(double rate, Py_ssize_t n, const floating *x, floating *out) noexcept nogil:
    """What alpha_dropout makes of x; out has the mask."""
    cdef floating a = <floating> alpha_scale(rate), b = <floating> (-alpha_scale(rate) * ALPHA * rate)
    cdef Py_ssize_t j
    for j in range(n):
        out[j] = a * (x[j] if out[j] > 0 else <floating> ALPHA) + b


cdef void saturate_gradient(double rate, Py_ssize_t n, const floating *dy, floating *out) noexcept nogil:
    cdef floating a = <floating> alpha_scale(rate)
    cdef Py_ssize_t j
    for j in range(n):
        out[j] = a * dy[j] if out[j] > 0 else 0


cdef inline double alpha_scale(double rate) noexcept nogil:
    """What keeps the variance of what selu gives."""
    return 1.0 / sqrt((1.0 - rate) * (1.0 + rate * (ALPHA * ALPHA)))


cdef void add_noise(double stddev, uint64_t seed, uint64_t step, uint32_t layer, uint64_t first, Py_ssize_t n,
                    floating *x) noexcept nogil:
    """Add its noise to each of the elements first .. first + n of a batch; drawn in double in either type."""
    cdef uint32_t words[4][64]
    cdef uint64_t block = first // 4
    cdef Py_ssize_t i = -(<Py_ssize_t> (first % 4))  # of the block's first element within x
    cdef int lane, half
    while i < n:
        for lane in range(PHILOX_LANES):
            words[0][lane] = <uint32_t> (block + lane)
            words[1][lane] = layer
            words[2][lane] = <uint32_t> step
            words[3][lane] = <uint32_t> (step >> 32)
        philox4x32_lanes(words, <uint32_t> seed, <uint32_t> (seed >> 32))
        for lane in range(PHILOX_LANES):
            for half in range(0, 4, 2):
                if i + 1 >= 0 and i < n:
                    add_pair(stddev, words[half][lane], words[half + 1][lane], i >= 0, i + 1 < n, x + i)
                i += 2
        block += PHILOX_LANES


cdef inline void add_pair(double stddev, uint32_t word, uint32_t other, bint has_first, bint has_second,
                          floating *x) noexcept nogil:
    cdef double radius = sqrt(-2.0 * log((word + 1.0) / WORD)), angle = 2.0 * PI * (other / WORD)
    cdef double cosine = cos(angle), sine = sin(angle)  # both in any case: compilers make one call of the two
    if has_first:
        x[0] = x[0] + <floating> (stddev * (radius * cosine))
    if has_second:
        x[1] = x[1] + <floating> (stddev * (radius * sine))


cdef Dropout dropout_setting(double rate, uint64_t seed, uint64_t step, uint32_t layer) noexcept nogil:
    cdef Dropout setting
    setting.seed = seed
    setting.step = step
    setting.layer = layer
    setting.threshold = <uint64_t> (rate * 4294967296.0)
    setting.scale = 1 / (1 - rate) if rate < 1 else 0
    return setting
