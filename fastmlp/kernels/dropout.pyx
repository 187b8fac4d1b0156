"""Dropout and noise from a counter-based generator; twin of reference/dropout.py.

Every element has its own random word, found from the seed, the step, the layer and its place in the batch, so the
mask does not depend on who draws it: not on the thread, not on the order, not on the instruction set.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.math cimport sqrt
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

from fastmlp.kernels.isa cimport DISTURB, DROP, SATURATE, SCATTER, Noise, add_noise, panel_columns, partition
from fastmlp.kernels.isa cimport selected

cdef extern from "c/philox.h" nogil:
    const int PHILOX_LANES
    void philox4x32_lanes(uint64_t (*words)[64], uint32_t key_0, uint32_t key_1)


cdef double WORD = 4294967296.0
cdef double ALPHA = -1.0507009873554805 * 1.6732632423543772  # what selu gives far below 0


def philox4x32(const uint32_t[::1] counter, const uint32_t[::1] key, uint32_t[::1] out, int threads):
    """Four random words from a counter of four words and a key of two (Philox4x32-10)."""
    cdef uint64_t words[4][64]
    cdef int word, lane
    for word in range(4):
        for lane in range(PHILOX_LANES):
            words[word][lane] = counter[word]
    philox4x32_lanes(words, key[0], key[1])
    for word in range(4):
        out[word] = <uint32_t> words[word][0]


def dropout(const floating[:, ::1] x, double rate, uint64_t seed, uint64_t step, uint32_t layer,
            floating[:, ::1] out, int threads):
    """out = x / (1 - rate) where kept, else 0; the same call on dy is its gradient."""
    disturbed(noise_of(DROP, rate, seed, step, layer), x, out, threads)


def gaussian_noise(const floating[:, ::1] x, double stddev, uint64_t seed, uint64_t step, uint32_t layer,
                   floating[:, ::1] out, int threads):
    """out = x + stddev * z, with z from the standard normal distribution by Box and Muller's transform."""
    disturbed(noise_of(DISTURB, stddev, seed, step, layer), x, out, threads)


def gaussian_dropout(const floating[:, ::1] x, double stddev, uint64_t seed, uint64_t step, uint32_t layer,
                     floating[:, ::1] out, int threads):
    """out = x + x * (stddev * z), with z as in gaussian_noise; the same call on dy is its gradient."""
    disturbed(noise_of(SCATTER, stddev, seed, step, layer), x, out, threads)


def alpha_dropout(const floating[:, ::1] x, double rate, uint64_t seed, uint64_t step, uint32_t layer,
                  floating[:, ::1] out, int threads):
    """out = a x + b where kept, else a ALPHA + b, with the mask of dropout."""
    disturbed(noise_of(SATURATE, rate, seed, step, layer), x, out, threads)


def alpha_dropout_gradient(const floating[:, ::1] dy, double rate, uint64_t seed, uint64_t step, uint32_t layer,
                           floating[:, ::1] out, int threads):
    """out = a dy where kept, else 0."""
    disturbed(gradient_of(noise_of(SATURATE, rate, seed, step, layer)), dy, out, threads)


cdef void disturbed(Noise noise, const floating[:, ::1] x, floating[:, ::1] out, int threads) noexcept:
    """x with noise; its elements are one row, of which each thread has a part."""
    cdef Py_ssize_t n = x.shape[0] * x.shape[1], first, count
    cdef int width = panel_columns(selected(), &out[0, 0]), thread
    cdef const floating *given = &x[0, 0]
    cdef floating *y = &out[0, 0]
    for thread in prange(threads, nogil=True, schedule="static", num_threads=threads):
        first = partition(n, thread, threads)
        count = partition(n, thread + 1, threads) - first
        memcpy(y + first, given + first, count * sizeof(floating))
        add_noise(selected(), &noise, <uint64_t> first, 1, count, y + first, width)


cdef Noise noise_of(int kind, double amount, uint64_t seed, uint64_t step, uint32_t layer) noexcept nogil:
    """The amount is a rate, or the standard deviation of normal numbers."""
    cdef Noise noise
    noise.kind = kind
    noise.seed = seed
    noise.step = step
    noise.layer = layer
    noise.threshold = <uint64_t> (amount * WORD) if kind == DROP or kind == SATURATE else 0
    noise.scale = 1
    noise.shift = 0
    noise.dropped = ALPHA
    noise.stddev = amount
    if kind == DROP:
        noise.scale = 1 / (1 - amount) if amount < 1 else 0
    elif kind == SATURATE:  # mean and variance of what selu gives stay
        noise.scale = 1.0 / sqrt((1.0 - amount) * (1.0 + amount * (ALPHA * ALPHA)))
        noise.shift = -noise.scale * ALPHA * amount
    return noise


cdef Noise gradient_of(Noise noise) noexcept nogil:
    """What does to gradients what the noise does to values; what is added leaves them alone."""
    if noise.kind == SATURATE:
        noise.kind = DROP
    return noise
