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
from fastmlp.kernels.isa cimport multiply_listed, multiply_rows, panel_columns, share, sum_rows
from fastmlp.kernels.isa cimport transpose
from fastmlp.kernels.engine.description cimport DENSE
from fastmlp.kernels.engine.plan cimport NO_ROW, NOT_LISTED
from fastmlp.kernels.engine.plan cimport Layer, Lists, Matrix, Part, Pass, Plan, block_row, element, gradient_of
from fastmlp.kernels.engine.plan cimport input_of, memory_of, tile_of, vectors_of
from fastmlp.kernels.engine.skipping cimport first_list, index_of, list_own_columns, list_own_rows, values_of
from fastmlp.kernels.engine.weights cimport apply


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
    cdef int width = panel_columns(plan.isa, kind), count
    cdef Py_ssize_t units = part.blocks * blocks(layer.outputs, width), unit, panel, row, height, list_number
    cdef Py_ssize_t first = share(units, part.number, part.count), last = share(units, part.number + 1, part.count)
    for unit in range(first, last):
        panel = unit // part.blocks
        list_number = first_list(plan, part.first_block + unit % part.blocks)
        if lists.counts[list_number] == NOT_LISTED:
            row = block_row(part, unit % part.blocks)
            height = block_row(part, unit % part.blocks + 1) - row
            multiply_rows(plan.isa, <int> height, vectors_of(layer.outputs, panel, 1, width), layer.inputs,
                          element(x, row, 0, width, kind), x.stride, kernel_of(plan, layer, panel, kind),
                          bias_of(plan, layer, panel, kind), layer.activation,
                          element(&layer.output, row, panel, width, kind))
            continue
        count = panels_together(unit, first, last, part.blocks)
        if count > 0:
            for list_number in range(list_number, list_number + blocks(plan.isa.tile_rows, 2)):
                multiply_pair(plan, layer, list_number, panel, count, kind)


cdef inline int panels_together(Py_ssize_t unit, Py_ssize_t first, Py_ssize_t last, Py_ssize_t stride) noexcept nogil:
    """How many panels to take at a unit of those from `first` to `last`, of which there are `stride` for each panel.

    Lists are for two panels at a time: 2 with the next panel, 1 where that is not in the range, and 0 where this one
    was taken with the panel before."""
    if (unit - first) // stride % 2:
        return 0
    return 2 if unit + stride < last else 1


cdef inline void multiply_pair(Plan *plan, Layer *layer, Py_ssize_t list_number, Py_ssize_t panel, Py_ssize_t count,
                               const floating *kind) noexcept nogil:
    """The two rows of a list, or the one, for `count` panels from one on."""
    cdef const Lists *lists = &plan.by_rows
    cdef int width = panel_columns(plan.isa, kind)
    cdef int32_t row = plan.pairs[2 * list_number], other = plan.pairs[2 * list_number + 1]
    if row == NO_ROW:
        return
    multiply_listed(plan.isa, 1 if other == NO_ROW else 2, vectors_of(layer.outputs, panel, count, width),
                    lists.counts[list_number], index_of(lists, list_number), values_of(lists, list_number, kind),
                    kernel_of(plan, layer, panel, kind), width * layer.inputs, bias_of(plan, layer, panel, kind),
                    layer.activation, element(&layer.output, row, panel, width, kind), layer.output.stride,
                    (other - row) * width)


cdef void forward_row(Plan *plan, int number, const Part *part, const floating *kind) noexcept nogil:
    """The only row of a batch: all panels at once."""
    cdef Layer *layer = &plan.layers[number]
    cdef int width = panel_columns(plan.isa, kind)
    cdef Py_ssize_t panels = blocks(layer.outputs, width)
    cdef Py_ssize_t first = share(panels, part.number, part.count), last = share(panels, part.number + 1, part.count)
    if first < last:
        multiply_pair(plan, layer, first_list(plan, part.first_block), first, last - first, kind)


cdef inline floating *kernel_of(const Plan *plan, const Layer *layer, Py_ssize_t panel,
                                const floating *kind) noexcept nogil:
    """A panel of the kernel."""
    return <floating *> plan.arena + layer.kernel.start + panel * panel_columns(plan.isa, kind) * layer.inputs


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
        vectors = vectors_of(layer.inputs, panel, 1, width)
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
    cdef const floating *kernel = kernel_of(plan, layer, 0, out) + panel * width * width
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
    cdef int width = panel_columns(plan.isa, kind), count
    cdef Py_ssize_t below = blocks(layer.inputs, width), units = below * blocks(layer.outputs, width), unit, panel
    cdef Py_ssize_t first = share(units, part.number, part.count), last = share(units, part.number + 1, part.count)
    cdef floating *c = tile_of(plan, part, kind)
    for unit in range(first, last):
        panel = unit // below
        if layer.by_columns.counts[unit % below * (width // 2)] == NOT_LISTED:
            multiply_transposed(plan, number, part, unit % below, panel, c)
            apply_square(plan, layer, run, unit % below, panel, c)
            continue
        count = panels_together(unit, first, last, below)
        if count > 0:
            update_listed(plan, layer, part, run, unit % below, panel, count, c)


cdef void multiply_transposed(Plan *plan, int number, const Part *part, Py_ssize_t below, Py_ssize_t panel,
                              floating *c) noexcept nogil:
    """The columns of x in a panel times a panel of dz."""
    cdef Layer *layer = &plan.layers[number]
    cdef const Matrix *x = input_of(plan, number)
    cdef int width = panel_columns(plan.isa, c)
    cdef Py_ssize_t rows = min(width, layer.inputs - below * width), tiles = blocks(rows, plan.isa.tile_rows)
    cdef Py_ssize_t tile, i
    for tile in range(tiles):
        i = share(rows, tile, tiles)
        multiply_columns(plan.isa, <int> (share(rows, tile + 1, tiles) - i),
                         vectors_of(layer.outputs, panel, 1, width), part.last - part.first,
                         element(x, part.first, below, width, c) + i,
                         element(&layer.gradient, part.first, panel, width, c), c + i * width)


cdef void update_listed(Plan *plan, const Layer *layer, const Part *part, const Pass *run, Py_ssize_t below,
                        Py_ssize_t panel, Py_ssize_t count, floating *c) noexcept nogil:
    """The same from lists, two rows of the kernel at a time, for `count` panels of it from one on."""
    cdef const Lists *lists = &layer.by_columns
    cdef int width = panel_columns(plan.isa, c)
    cdef Py_ssize_t rows = min(width, layer.inputs - below * width), square = width * width, i, number, height
    cdef Py_ssize_t vectors = vectors_of(layer.outputs, panel, count, width)
    cdef bint descends = run.optimizer.kind == SGD and not run.optimizer.is_adjusted
    descends = descends and layer.kernel.l1 == 0 and layer.kernel.l2 == 0
    cdef const floating *dz = element(&layer.gradient, part.first, panel, width, c)
    cdef floating *kernel = kernel_of(plan, layer, panel, c) + below * square
    for i in range(0, rows, 2):
        number = below * (width // 2) + i // 2
        height = min(2, rows - i)
        if descends:
            descend_listed(plan.isa, <int> height, vectors, lists.counts[number], index_of(lists, number),
                           values_of(lists, number, c), dz, layer.gradient.stride, run.optimizer.learning_rate,
                           kernel + i * width, layer.inputs * width)
        else:
            multiply_listed(plan.isa, <int> height, vectors, lists.counts[number], index_of(lists, number),
                            values_of(lists, number, c), dz, layer.gradient.stride, <const floating *> NULL, LINEAR,
                            c + i * width, square, width)
    if not descends:
        for i in range(count):
            apply_square(plan, layer, run, below, panel + i, c + i * square)


cdef void apply_square(Plan *plan, const Layer *layer, const Pass *run, Py_ssize_t below, Py_ssize_t panel,
                       floating *g) noexcept nogil:
    """Update a square of the kernel, of the inputs and the outputs of a panel each, by its gradient."""
    cdef int width = panel_columns(plan.isa, g)
    cdef Py_ssize_t rows = min(width, layer.inputs - below * width), i
    cdef Py_ssize_t at = layer.kernel.start + (panel * layer.inputs + below * width) * width
    if vectors_of(layer.outputs, panel, 1, width) == 2:
        apply(plan, layer.kernel, run, at, rows * width, g)
        return
    for i in range(rows):
        apply(plan, layer.kernel, run, at + i * width, width // 2, g + i * width)


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
