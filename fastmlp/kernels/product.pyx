"""The matrix product behind every kernel that has one: bring both operands to panels, then let the tile run over them.

Every element is one chain of sums in the order of depth, so neither the tile's size nor the number of threads shows in
the bits.
"""

from cython cimport floating
from cython.parallel cimport parallel
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from fastmlp.kernels.isa cimport LINEAR, Barrier, Isa
from fastmlp.kernels.isa cimport barrier_wait, blocks, multiply_rows, panel_columns, partition, thread_count
from fastmlp.kernels.isa cimport thread_number
from fastmlp.kernels.isa cimport transpose


cdef View view(const floating[:, ::1] x) noexcept nogil:
    cdef View matrix
    matrix.data = <const void *> &x[0, 0]
    matrix.row_stride = x.shape[1]
    matrix.column_stride = 1
    return matrix


cdef View transposed(View x) noexcept nogil:
    cdef View matrix
    matrix.data = x.data
    matrix.row_stride = x.column_stride
    matrix.column_stride = x.row_stride
    return matrix


cdef int product(const Isa *isa, Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t columns, View a, View b,
                 const floating[::1] bias, floating[:, ::1] out, int threads) except -1:
    """out[rows, columns] = a[rows, depth] . b[depth, columns] (+ bias[columns], unless bias is None)."""
    cdef Py_ssize_t width = panel_columns(isa, &out[0, 0])
    cdef Py_ssize_t a_size = blocks(depth, width) * width * rows, b_size = blocks(columns, width) * width * depth
    cdef floating *a_panels = <floating *> malloc((a_size + b_size) * sizeof(floating))
    if a_panels == NULL:
        raise MemoryError(f"no memory to pack a product of {rows} x {depth} x {columns}")
    cdef Barrier barrier
    memset(&barrier, 0, sizeof(Barrier))
    with nogil, parallel(num_threads=threads):
        own_panels(isa, rows, depth, a, a_panels)
        own_panels(isa, depth, columns, b, a_panels + a_size)
        barrier_wait(&barrier, thread_count())
        own_tiles(isa, depth, a_panels, a_panels + a_size, bias, out)
    free(a_panels)
    return 0


cdef void own_panels(const Isa *isa, Py_ssize_t rows, Py_ssize_t columns, View x, floating *panels) noexcept nogil:
    """This thread's part of the panels of x[rows, columns]."""
    cdef Py_ssize_t width = panel_columns(isa, panels), count = blocks(columns, width), panel, used, i
    cdef int part = thread_number(), parts = thread_count()
    cdef const floating *values
    cdef floating *out
    for panel in range(partition(count, part, parts), partition(count, part + 1, parts)):
        values = <const floating *> x.data + panel * width * x.column_stride
        out = panels + panel * width * rows
        used = min(width, columns - panel * width)
        if x.column_stride != 1:
            transpose(isa, used, rows, values, x.column_stride, out, width)
            continue
        for i in range(rows):
            memcpy(out + i * width, values + i * x.row_stride, used * sizeof(floating))


cdef void own_tiles(const Isa *isa, Py_ssize_t depth, const floating *a, const floating *b, const floating[::1] bias,
                    floating[:, ::1] out) noexcept nogil:
    """This thread's part of the tiles of the product."""
    cdef Py_ssize_t width = panel_columns(isa, a), rows = out.shape[0], columns = out.shape[1]
    cdef Py_ssize_t row_blocks = blocks(rows, isa.tile_rows), units = row_blocks * blocks(columns, width)
    cdef Py_ssize_t unit, first, height, column, i, j
    cdef floating c[1024]  # room for the largest tile
    for unit in range(partition(units, thread_number(), thread_count()),
                      partition(units, thread_number() + 1, thread_count())):
        first = partition(rows, unit % row_blocks, row_blocks)
        height = partition(rows, unit % row_blocks + 1, row_blocks) - first
        column = unit // row_blocks * width
        multiply_rows(isa, <int> height, 2, depth, a + first * width, rows * width, b + column * depth,
                      <const floating *> NULL, LINEAR, c)
        for i in range(height):
            for j in range(min(width, columns - column)):
                if bias is None:
                    out[first + i, column + j] = c[i * width + j]
                else:
                    out[first + i, column + j] = c[i * width + j] + bias[column + j]
