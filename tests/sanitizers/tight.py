"""A plugin of pytest for AddressSanitizer: what the engine reserves ends where it is asked for to end.

Else up to a cache line lies behind it, and the optimizer's slots lie side by side.
"""

import ctypes
import math

import numpy as np

from fastmlp.kernels.engine import arena, blocks, parameters, workspace

GAP = 64  # numbers between two places of an arena
runtime = ctypes.CDLL(None)


def forbid(address: int, size: int) -> None:
    """Have every access to so many bytes be an error, until they are freed."""
    runtime.__asan_poison_memory_region(ctypes.c_void_p(address), ctypes.c_size_t(size))


def aligned(shape, dtype, is_read=False):
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = (ctypes.c_char * (size + 2 * arena.ALIGNMENT))()  # not NumPy's, which keeps what is small for the next one
    first = ctypes.addressof(memory)
    start = -first % arena.ALIGNMENT
    forbid(first, start)
    forbid(first + start + size, len(memory) - start - size)
    return np.frombuffer(memory, dtype, math.prod(shape), start).reshape(shape)


class Arena(arena.Arena):
    def add(self, shape, transposed=False):
        place = super().add(shape, transposed)
        self.size += GAP
        return place

    def allocate(self, slots, start):
        super().allocate(slots, start)
        for region in self.regions:
            for place in self.places:
                forbid(region.ctypes.data + place.end * self.dtype.itemsize, GAP * self.dtype.itemsize)


for module in (arena, blocks, parameters, workspace):
    module.aligned = aligned
parameters.Arena = Arena
