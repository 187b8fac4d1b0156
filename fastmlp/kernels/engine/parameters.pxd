from fastmlp.kernels.engine.plan cimport Parameter, Plan


cdef class Parameters:
    cdef Plan plan
    cdef readonly object dtype
    cdef bint is_single
    cdef bint begun, made  # whether __init__ was called, and whether it has ended
    cdef Py_ssize_t width
    cdef object arena, blocks, given, gradient_region, memory, lock
    cdef begin_once(self)
    cdef int check_made(self) except -1
    cdef int forks
    cdef begin(self, dtype, Py_ssize_t most, blocks)
    cdef take_block(self, name, shape)
    cdef Parameter *add(self, name, shape, bint trained, settings) except NULL
    cdef end(self, optimizer)
    cdef reserve_gradients(self)
    cdef take_lock(self)
    cdef object own_lock(self)
    cdef Py_ssize_t padded(self, Py_ssize_t n)


cdef size_t address(array) except? 0
cdef void *address_or_null(array)
