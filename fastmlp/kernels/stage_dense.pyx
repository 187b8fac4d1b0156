"""The dense stage of a network: its products, tile by tile, each used while it is still in the cache.

Forward and update are shared between the threads by panels of outputs, the input's gradient by panels of inputs: each
thread keeps its panels of the weights in its own cache, and of all gradients but the last it computes those itself that
its panels need.
"""

from cython cimport floating
from libc.stdint cimport int32_t
from libc.string cimport memset

from fastmlp.kernels.isa cimport LINEAR, SGD
from fastmlp.kernels.isa cimport activate_gradient, barrier_wait, blocks, descend_listed, multiply_columns
from fastmlp.kernels.isa cimport multiply_listed, multiply_listed_row, multiply_rows, panel_columns, share, sum_rows
from fastmlp.kernels.isa cimport tile_rows, transpose
from fastmlp.kernels.plan cimport DENSE, NO_ROW, NOT_LISTED
from fastmlp.kernels.plan cimport Layer, Lists, Matrix, Parameter, Part, Pass, Plan, block_row, element, gradient_of
from fastmlp.kernels.plan cimport input_of, memory_of, tile_of, vectors_of
from fastmlp.kernels.skipping cimport first_list, index_of, list_own_columns, list_own_rows, values_of
from fastmlp.kernels.weights cimport apply


# ------------------------------------------------------------------------------------------------------------- forward


cdef bint dense_forward(Plan *plan, int number, const Part *part, const Pass *run, bint complete,
                        const floating *kind) noexcept nogil:
    """y = activation(x . kernel + bias); returns whether y is complete, or there for the thread's own rows only.

    x must be there for the thread's own rows, or `complete`."""
    cdef Layer *layer = &plan.layers[number]
    cdef int width = panel_columns(plan.isa, kind)
    cdef bint alone = part.last - part.first == 1  # listed by one thread for all
    list_own_rows(plan, number, part, kind)
    if not complete or layer.outputs > width:  # one panel of outputs needs the lists of the thread's own rows only
        barrier_wait(&plan.barrier, part.count)
    if run.gradients:
        list_own_columns(plan, number, part, kind)
    if alone:
        forward_row(plan, number, part, kind)
    else:
        forward_tiles(plan, number, part, kind)
    if layer.outputs <= width:
        return False  # the tiles of one panel are shared between the threads as the rows are
    barrier_wait(&plan.barrier, part.count)
    return True


cdef void forward_tiles(Plan *plan, int number, const Part *part, const floating *kind) noexcept nogil:
    cdef Layer *layer = &plan.layers[number]
    cdef const Matrix *x = input_of(plan, number)
    cdef const Lists *lists = &plan.by_rows
    cdef int width = panel_columns(plan.isa, kind), vectors
    cdef Py_ssize_t units = part.blocks * blocks(layer.outputs, width), unit, panel, row, height, list_number
    cdef const floating *kernel
    cdef const floating *bias
    for unit in range(share(units, part.number, part.count), share(units, part.number + 1, part.count)):
        panel = unit // part.blocks
        row = block_row(part, unit % part.blocks)
        height = block_row(part, unit % part.blocks + 1) - row
        vectors = vectors_of(layer.outputs, panel, width)
        kernel = <const floating *> plan.arena + layer.kernel.start + panel * width * layer.inputs
        bias = bias_of(plan, layer, panel, kind)
        list_number = first_list(plan, part.first_block + unit % part.blocks, kind)
        if lists.counts[list_number] == NOT_LISTED:
            multiply_rows(plan.isa, <int> height, vectors, layer.inputs, element(x, row, 0, width, kind), x.stride,
                          kernel, bias, layer.activation, element(&layer.output, row, panel, width, kind))
            continue
        for list_number in range(list_number, list_number + blocks(tile_rows(plan.isa, kind), 2)):
            multiply_pair(plan, layer, list_number, panel, vectors, kernel, bias)


cdef inline void multiply_pair(Plan *plan, Layer *layer, Py_ssize_t list_number, Py_ssize_t panel, int vectors,
                               const floating *kernel, const floating *bias) noexcept nogil:
    """The two rows of a list, or the one."""
    cdef const Lists *lists = &plan.by_rows
    cdef int width = panel_columns(plan.isa, kernel)
    cdef int32_t row = plan.pairs[2 * list_number], other = plan.pairs[2 * list_number + 1]
    if row == NO_ROW:
        return
    multiply_listed(plan.isa, 1 if other == NO_ROW else 2, vectors, lists.counts[list_number],
                    index_of(lists, list_number), values_of(lists, list_number, kernel), kernel, bias,
                    layer.activation, element(&layer.output, row, panel, width, kernel), (other - row) * width)


cdef void forward_row(Plan *plan, int number, const Part *part, const floating *kind) noexcept nogil:
    """The only row of a batch: several panels at a time."""
    cdef Layer *layer = &plan.layers[number]
    cdef const Lists *lists = &plan.by_rows
    cdef int width = panel_columns(plan.isa, kind)
    cdef Py_ssize_t panels = blocks(layer.outputs, width), list_number = first_list(plan, part.first_block, kind)
    cdef Py_ssize_t first = share(panels, part.number, part.count), last = share(panels, part.number + 1, part.count)
    multiply_listed_row(plan.isa, last - first, lists.counts[list_number], index_of(lists, list_number),
                        values_of(lists, list_number, kind),
                        <const floating *> plan.arena + layer.kernel.start + first * width * layer.inputs,
                        width * layer.inputs, bias_of(plan, layer, first, kind), layer.activation,
                        element(&layer.output, part.first, first, width, kind), layer.output.stride)


cdef inline const floating *bias_of(const Plan *plan, const Layer *layer, Py_ssize_t panel,
                                    const floating *kind) noexcept nogil:
    if layer.bias == NULL:
        return NULL
    return <const floating *> plan.arena + layer.bias.start + panel * panel_columns(plan.isa, kind)


# ------------------------------------------------------------------------------------------------------------ backward


cdef void dense_backward(Plan *plan, int number, const Part *part, const Pass *run,
                         const floating *kind) noexcept nogil:
    """From the gradient of the output, dz: the gradient of the input where something wants it, and the update.

    dz must be complete; the gradient of the input is when all threads return, the update when they meet again."""
    if number > run.lowest:
        input_gradient(plan, number, part, kind)
        barrier_wait(&plan.barrier, part.count)
    update_kernel(plan, number, part, run, kind)
    update_bias(plan, &plan.layers[number], part, run, kind)


cdef void input_gradient(Plan *plan, int number, const Part *part, const floating *kind) noexcept nogil:
    """dx = dz . transpose(kernel); where x is the output of a dense layer too, through that one's activation."""
    cdef Layer *layer = &plan.layers[number]
    cdef const Matrix *dx = gradient_of(plan, number - 1)
    cdef int width = panel_columns(plan.isa, kind), vectors
    cdef Py_ssize_t units = part.blocks * blocks(layer.inputs, width), unit, row, height, panel, packed = -1
    cdef floating *kernel = memory_of(plan, part, kind)
    for unit in range(share(units, part.number, part.count), share(units, part.number + 1, part.count)):
        panel = unit // part.blocks
        row = block_row(part, unit % part.blocks)
        height = block_row(part, unit % part.blocks + 1) - row
        vectors = vectors_of(layer.inputs, panel, width)
        if panel != packed:
            transpose_kernel(plan, layer, panel, kernel)
            packed = panel
        multiply_rows(plan.isa, <int> height, vectors, layer.outputs, element(&layer.gradient, row, 0, width, kind),
                      layer.gradient.stride, kernel, <const floating *> NULL, LINEAR,
                      element(dx, row, panel, width, kind))
        if number > 0 and plan.layers[number - 1].kind == DENSE:
            activate_gradient(plan.isa, plan.layers[number - 1].activation, height * width,
                              element(input_of(plan, number), row, panel, width, kind),
                              element(dx, row, panel, width, kind))


cdef void transpose_kernel(Plan *plan, const Layer *layer, Py_ssize_t panel, floating *out) noexcept nogil:
    """The rows of the kernel that belong to a panel of inputs, as the columns of one panel."""
    cdef int width = panel_columns(plan.isa, out)
    cdef Py_ssize_t rows = min(width, layer.inputs - panel * width), number, column
    cdef const floating *kernel = <const floating *> plan.arena + layer.kernel.start + panel * width * width
    if rows < width:
        memset(out, 0, layer.outputs * width * sizeof(floating))
    for number in range(blocks(layer.outputs, width)):
        column = number * width
        transpose(plan.isa, rows, min(width, layer.outputs - column), kernel + column * layer.inputs, width,
                  out + column * width, width)


cdef void update_kernel(Plan *plan, int number, const Part *part, const Pass *run,
                        const floating *kind) noexcept nogil:
    """The gradient transpose(x) . dz, a square of a panel at a time, used for its update as soon as it is there."""
    cdef Layer *layer = &plan.layers[number]
    cdef int width = panel_columns(plan.isa, kind), vectors
    cdef Py_ssize_t below = blocks(layer.inputs, width), units = below * blocks(layer.outputs, width)
    cdef Py_ssize_t unit, panel, at, rows
    cdef const floating *dz
    cdef floating *c = tile_of(plan, part, kind)
    for unit in range(share(units, part.number, part.count), share(units, part.number + 1, part.count)):
        panel = unit // below
        rows = min(width, layer.inputs - unit % below * width)
        vectors = vectors_of(layer.outputs, panel, width)
        at = layer.kernel.start + (panel * layer.inputs + unit % below * width) * width
        dz = element(&layer.gradient, part.first, panel, width, kind)
        if layer.by_columns.counts[unit % below * (width // 2)] == NOT_LISTED:
            multiply_transposed(plan, number, part, unit % below, rows, vectors, dz, c)
            apply_rows(plan, layer.kernel, run, at, rows, vectors, c)
        else:
            update_listed(plan, layer, run, unit % below * (width // 2), at, rows, vectors, dz, c)


cdef void multiply_transposed(Plan *plan, int number, const Part *part, Py_ssize_t panel, Py_ssize_t rows, int vectors,
                              const floating *dz, floating *c) noexcept nogil:
    """The columns of x in a panel times a panel of dz."""
    cdef const Matrix *x = input_of(plan, number)
    cdef int width = panel_columns(plan.isa, c)
    cdef Py_ssize_t tiles = blocks(rows, tile_rows(plan.isa, c)), tile, i
    for tile in range(tiles):
        i = share(rows, tile, tiles)
        multiply_columns(plan.isa, <int> (share(rows, tile + 1, tiles) - i), vectors, part.last - part.first,
                         element(x, part.first, panel, width, c) + i, dz, c + i * width)


cdef void update_listed(Plan *plan, const Layer *layer, const Pass *run, Py_ssize_t list_number,
                        Py_ssize_t at, Py_ssize_t rows, int vectors, const floating *dz, floating *c) noexcept nogil:
    """The same from lists, two rows of the kernel at a time."""
    cdef const Lists *lists = &layer.by_columns
    cdef int width = panel_columns(plan.isa, c), height
    cdef bint descends = run.optimizer.kind == SGD and not run.optimizer.is_adjusted
    cdef Py_ssize_t i
    for i in range(0, rows, 2):
        height = <int> min(2, rows - i)
        if descends and layer.kernel.l1 == 0 and layer.kernel.l2 == 0:
            descend_listed(plan.isa, height, vectors, lists.counts[list_number], index_of(lists, list_number),
                           values_of(lists, list_number, c), dz, run.optimizer.learning_rate,
                           <floating *> plan.arena + at + i * width)
        else:
            multiply_listed(plan.isa, height, vectors, lists.counts[list_number], index_of(lists, list_number),
                            values_of(lists, list_number, c), dz, <const floating *> NULL, LINEAR, c, width)
            apply_rows(plan, layer.kernel, run, at + i * width, height, vectors, c)
        list_number += 1


cdef void apply_rows(Plan *plan, const Parameter *kernel, const Pass *run, Py_ssize_t at, Py_ssize_t rows, int vectors,
                     floating *g) noexcept nogil:
    """Update rows of a panel of the kernel by their gradient."""
    cdef int width = panel_columns(plan.isa, g)
    cdef Py_ssize_t i
    if vectors == 2:
        apply(plan, kernel, run, at, rows * width, g)
        return
    for i in range(rows):
        apply(plan, kernel, run, at + i * width, width // 2, g + i * width)


cdef void update_bias(Plan *plan, const Layer *layer, const Part *part, const Pass *run,
                      const floating *kind) noexcept nogil:
    """The gradient of the bias, the sum of dz over the rows, and its update."""
    cdef int width = panel_columns(plan.isa, kind)
    cdef Py_ssize_t panels = blocks(layer.outputs, width), panel
    cdef floating *sums = tile_of(plan, part, kind)
    if layer.bias == NULL:
        return
    for panel in range(share(panels, part.number, part.count), share(panels, part.number + 1, part.count)):
        sum_rows(plan.isa, part.last - part.first, element(&layer.gradient, part.first, panel, width, kind), sums)
        apply(plan, layer.bias, run, layer.bias.start + panel * width, width, sums)
