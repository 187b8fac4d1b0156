"""The matrix product behind every kernel that has one: pack both operands, then let the register tile run over them.

a is packed in blocks of tile_rows rows, [blocks][depth][tile_rows], and b in panels of tile_columns columns,
[panels][depth][tile_columns] (the layout of Goto and van de Geijn, "Anatomy of high-performance matrix
multiplication", without the cache blocking over depth). Every element is one chain of sums in the order of depth, so
neither the tile's size nor the number of threads shows in the bits.
"""

from cython cimport floating
from cython.parallel cimport parallel
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from fastmlp.kernels.isa cimport Barrier, Isa
from fastmlp.kernels.isa cimport barrier_wait, blocks, pack, share, thread_count, thread_number, tile, tile_columns
from fastmlp.kernels.isa cimport tile_rows


cdef Matrix view(const floating[:, ::1] x) noexcept nogil:
    cdef Matrix matrix
    matrix.data = <const void *> &x[0, 0]
    matrix.row_stride = x.shape[1]
    matrix.column_stride = 1
    return matrix


cdef Matrix transposed(Matrix x) noexcept nogil:
    cdef Matrix matrix
    matrix.data = x.data
    matrix.row_stride = x.column_stride
    matrix.column_stride = x.row_stride
    return matrix


cdef int product(const Isa *isa, Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t columns, Matrix a, Matrix b,
                 const floating[::1] bias, floating[:, ::1] out, int threads) except -1:
    """out[rows, columns] = a[rows, depth] . b[depth, columns] (+ bias[columns], unless bias is None)."""
    cdef Py_ssize_t height = tile_rows(isa, &out[0, 0]), width = tile_columns(isa, &out[0, 0])
    cdef Py_ssize_t row_blocks = blocks(rows, height), panels = blocks(columns, width)
    cdef Py_ssize_t packed = depth * (row_blocks * height + panels * width)
    cdef floating *a_packed = <floating *> malloc(packed * sizeof(floating))
    if a_packed == NULL:
        raise MemoryError(f"no memory to pack a product of {rows} x {depth} x {columns}")
    cdef floating *b_packed = a_packed + depth * row_blocks * height
    cdef Barrier barrier
    memset(&barrier, 0, sizeof(Barrier))
    with nogil, parallel(num_threads=threads):
        work(isa, &barrier, rows, depth, columns, a, b, a_packed, b_packed, bias, out)
    free(a_packed)
    return 0


cdef void work(const Isa *isa, Barrier *barrier, Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t columns, Matrix a,
               Matrix b, floating *a_packed, floating *b_packed, const floating[::1] bias,
               floating[:, ::1] out) noexcept nogil:
    cdef Py_ssize_t height = tile_rows(isa, a_packed), width = tile_columns(isa, a_packed)
    cdef Py_ssize_t row_blocks = blocks(rows, height), panels = blocks(columns, width)
    cdef int part = thread_number(), parts = thread_count()
    cdef Py_ssize_t unit, block, panel, i, j, first_row, first_column
    cdef floating c[1024]  # room for the largest tile
    for block in range(share(row_blocks, part, parts), share(row_blocks, part + 1, parts)):
        pack(isa, depth, height, min(height, rows - block * height),
             <const floating *> a.data + block * height * a.row_stride, a.column_stride, a.row_stride,
             a_packed + block * height * depth)
    for panel in range(share(panels, part, parts), share(panels, part + 1, parts)):
        pack(isa, depth, width, min(width, columns - panel * width),
             <const floating *> b.data + panel * width * b.column_stride, b.row_stride, b.column_stride,
             b_packed + panel * width * depth)
    barrier_wait(barrier, parts)
    for unit in range(share(row_blocks * panels, part, parts), share(row_blocks * panels, part + 1, parts)):
        panel = unit // row_blocks
        block = unit % row_blocks
        tile(isa, depth, a_packed + block * height * depth, b_packed + panel * width * depth, c)
        first_row = block * height
        first_column = panel * width
        for i in range(min(height, rows - first_row)):
            for j in range(min(width, columns - first_column)):
                if bias is None:
                    out[first_row + i, first_column + j] = c[i * width + j]
                else:
                    out[first_row + i, first_column + j] = c[i * width + j] + bias[first_column + j]
