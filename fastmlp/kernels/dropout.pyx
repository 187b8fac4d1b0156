"""Dropout from a counter-based generator; twin of reference/dropout.py.

Every element has its own random word, found from the seed, the step, the layer and its place in the batch, so the
mask does not depend on who draws it: not on the thread, not on the order, not on the instruction set.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

from fastmlp.kernels.isa cimport Dropout, Isa, dropout as dropout_elements, selected

cdef extern from "c/philox.h" nogil:
    const int PHILOX_LANES
    void philox4x32_lanes(uint32_t (*words)[64], uint32_t key_0, uint32_t key_1)


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


cdef Dropout dropout_setting(double rate, uint64_t seed, uint64_t step, uint32_t layer) noexcept nogil:
    cdef Dropout setting
    setting.seed = seed
    setting.step = step
    setting.layer = layer
    setting.threshold = <uint64_t> (rate * 4294967296.0)
    setting.scale = 1 / (1 - rate) if rate < 1 else 0
    return setting
