from fastmlp.kernels.isa cimport Flag, Isa


cdef class Block:
    cdef readonly tuple shape
    cdef readonly object dtype
    cdef readonly bint transposed
    cdef const Isa *isa
    cdef object panels
    cdef void *data
    cdef Flag finite
    cdef look(self)
    cdef array_of(self, void *panels)
    cdef exchange(self, void *panels, array, bint written)


cdef int columns_of(const Isa *isa, bint is_single) noexcept
