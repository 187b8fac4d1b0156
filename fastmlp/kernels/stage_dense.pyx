"""The dense stage of a network: its products, tile by tile, each used while it is still in the cache.

Forward and update are shared between the threads by panels of outputs, the input's gradient by panels of inputs: each
thread keeps its panels of the weights in its own cache, and of all gradients but the last it computes those itself that
its panels need.
"""

from cython cimport floating
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.string cimport memset

from fastmlp.kernels.isa cimport LINEAR, SGD, Optimizer, STORE
from fastmlp.kernels.isa cimport activate_gradient, barrier_wait, blocks, count_columns
from fastmlp.kernels.isa cimport descend_listed
from fastmlp.kernels.isa cimport list_columns, list_rows, mark_nonzeros, multiply_columns, multiply_listed
from fastmlp.kernels.isa cimport multiply_listed_row, multiply_rows, panel_columns, share, sum_rows, tile_rows
from fastmlp.kernels.isa cimport transpose, update
from fastmlp.kernels.plan cimport DENSE, NO_ROW, NOT_LISTED, POOL
from fastmlp.kernels.plan cimport Layer, Lists, Matrix, Part, Pass, Plan, block_row, element, input_of, memory_of
from fastmlp.kernels.plan cimport tile_of, vectors_of


# ------------------------------------------------------------------------------------------------------------- forward


cdef bint dense_forward(Plan *plan, int number, const Part *part, const Pass *run, bint complete,
                        const floating *kind) noexcept nogil:
    """y = activation(x . kernel + bias); returns whether y is complete, or there for the thread's own rows only.

    x must be there for the thread's own rows, or `complete`."""
    cdef Layer *layer = &plan.layers[number]
    cdef int width = panel_columns(plan.isa, kind)
    cdef bint alone = part.last - part.first == 1  # listed by one thread for all
    list_own_rows(plan, number, part, kind)
    # Where nothing may be listed, each thread wrote what the others would: there is nothing to wait for.
    if not complete or may_skip(plan, layer, width) or alone and layer.outputs > width:
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
        kernel = <const floating *> plan.arena + layer.kernel + panel * width * layer.inputs
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
                        <const floating *> plan.arena + layer.kernel + first * width * layer.inputs,
                        width * layer.inputs, bias_of(plan, layer, first, kind), layer.activation,
                        element(&layer.output, part.first, first, width, kind), layer.output.stride)


cdef inline const floating *bias_of(const Plan *plan, const Layer *layer, Py_ssize_t panel,
                                    const floating *kind) noexcept nogil:
    cdef const floating *bias = <const floating *> plan.arena + layer.bias + panel * panel_columns(plan.isa, kind)
    return bias if layer.use_bias else <const floating *> NULL


# ------------------------------------------------------------------------------------------------------------ backward


cdef void dense_backward(Plan *plan, int number, const Part *part, const Optimizer *optimizer,
                         const floating *kind) noexcept nogil:
    """From the gradient of the output, dz: the gradient of the input unless nothing below learns, and the update.

    dz must be complete; the gradient of the input is when all threads return, the update when they meet again."""
    if number > plan.first_dense:
        input_gradient(plan, number, part, kind)
        barrier_wait(&plan.barrier, part.count)
    update_kernel(plan, number, part, optimizer, kind)
    update_bias(plan, &plan.layers[number], part, optimizer, kind)


cdef void input_gradient(Plan *plan, int number, const Part *part, const floating *kind) noexcept nogil:
    """dx = dz . transpose(kernel); where x is the output of a dense layer too, through that one's activation."""
    cdef Layer *layer = &plan.layers[number]
    cdef Layer *below = &plan.layers[number - 1]
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
                      element(&below.gradient, row, panel, width, kind))
        if below.kind == DENSE:
            activate_gradient(plan.isa, below.activation, height * width,
                              element(&below.output, row, panel, width, kind),
                              element(&below.gradient, row, panel, width, kind))


cdef void transpose_kernel(Plan *plan, const Layer *layer, Py_ssize_t panel, floating *out) noexcept nogil:
    """The rows of the kernel that belong to a panel of inputs, as the columns of one panel."""
    cdef int width = panel_columns(plan.isa, out)
    cdef Py_ssize_t rows = min(width, layer.inputs - panel * width), number, column
    cdef const floating *kernel = <const floating *> plan.arena + layer.kernel + panel * width * width
    if rows < width:
        memset(out, 0, layer.outputs * width * sizeof(floating))
    for number in range(blocks(layer.outputs, width)):
        column = number * width
        transpose(plan.isa, rows, min(width, layer.outputs - column), kernel + column * layer.inputs, width,
                  out + column * width, width)


cdef void update_kernel(Plan *plan, int number, const Part *part, const Optimizer *optimizer,
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
        at = layer.kernel + (panel * layer.inputs + unit % below * width) * width
        dz = element(&layer.gradient, part.first, panel, width, kind)
        if layer.by_columns.counts[unit % below * (width // 2)] == NOT_LISTED:
            multiply_transposed(plan, number, part, unit % below, rows, vectors, dz, c)
            apply_rows(plan, layer, optimizer, at, rows, vectors, c)
        else:
            update_listed(plan, layer, optimizer, unit % below * (width // 2), at, rows, vectors, dz, c)


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


cdef void update_listed(Plan *plan, const Layer *layer, const Optimizer *optimizer, Py_ssize_t list_number,
                        Py_ssize_t at, Py_ssize_t rows, int vectors, const floating *dz, floating *c) noexcept nogil:
    """The same from lists, two rows of the kernel at a time."""
    cdef const Lists *lists = &layer.by_columns
    cdef int width = panel_columns(plan.isa, c), height
    cdef Py_ssize_t i
    for i in range(0, rows, 2):
        height = <int> min(2, rows - i)
        if optimizer.kind == SGD and layer.l2 == 0:
            descend_listed(plan.isa, height, vectors, lists.counts[list_number], index_of(lists, list_number),
                           values_of(lists, list_number, c), dz, optimizer.learning_rate,
                           <floating *> plan.arena + at + i * width)
        else:
            multiply_listed(plan.isa, height, vectors, lists.counts[list_number], index_of(lists, list_number),
                            values_of(lists, list_number, c), dz, <const floating *> NULL, LINEAR, c, width)
            apply_rows(plan, layer, optimizer, at + i * width, height, vectors, c)
        list_number += 1


cdef void apply_rows(Plan *plan, const Layer *layer, const Optimizer *optimizer, Py_ssize_t at, Py_ssize_t rows,
                     int vectors, floating *g) noexcept nogil:
    """Update rows of the kernel, from their gradient without that of the penalty."""
    cdef int width = panel_columns(plan.isa, g)
    cdef Py_ssize_t i
    if layer.l2 > 0:
        add_penalty(<floating> (2.0 * layer.l2), rows * width, <const floating *> plan.arena + at, g)
    if vectors == 2:
        apply(plan, optimizer, at, rows * width, g)
        return
    for i in range(rows):
        apply(plan, optimizer, at + i * width, width // 2, g + i * width)


cdef inline void add_penalty(floating twice_l2, Py_ssize_t n, const floating *w, floating *g) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        g[i] = g[i] + twice_l2 * w[i]


cdef void update_bias(Plan *plan, const Layer *layer, const Part *part, const Optimizer *optimizer,
                      const floating *kind) noexcept nogil:
    """The gradient of the bias, the sum of dz over the rows, and its update."""
    cdef int width = panel_columns(plan.isa, kind)
    cdef Py_ssize_t panels = blocks(layer.outputs, width), panel
    cdef floating *sums = tile_of(plan, part, kind)
    if not layer.use_bias:
        return
    for panel in range(share(panels, part.number, part.count), share(panels, part.number + 1, part.count)):
        sum_rows(plan.isa, part.last - part.first, element(&layer.gradient, part.first, panel, width, kind), sums)
        apply(plan, optimizer, layer.bias + panel * width, width, sums)


cdef inline void apply(Plan *plan, const Optimizer *optimizer, Py_ssize_t at, Py_ssize_t n,
                       const floating *g) noexcept nogil:
    """Update n weights of the arena, or keep their gradient."""
    cdef floating *w = <floating *> plan.arena + at
    if optimizer.kind == STORE:
        w = <floating *> plan.gradients + at
    update(plan.isa, optimizer, n, w, g, w + plan.parameters, w + 2 * plan.parameters)


# --------------------------------------------------------------------------------------------------- skipping zeros


cdef void list_own_rows(Plan *plan, int number, const Part *part, const floating *kind) noexcept nogil:
    """Lists for this thread's rows where they pay; for a row alone in any case."""
    cdef Py_ssize_t together = POOL // tile_rows(plan.isa, kind)
    cdef Py_ssize_t first = share(part.blocks, part.number, part.count), last
    while first < share(part.blocks, part.number + 1, part.count):
        last = min(first + together, share(part.blocks, part.number + 1, part.count))
        list_pool(plan, number, part, first, last, kind)
        first = last


cdef void list_pool(Plan *plan, int number, const Part *part, Py_ssize_t first_block, Py_ssize_t last_block,
                    const floating *kind) noexcept nogil:
    """Lists for some blocks of rows, in pairs of rows that are alike."""
    cdef Layer *layer = &plan.layers[number]
    cdef const Matrix *x = input_of(plan, number)
    cdef int width = panel_columns(plan.isa, kind)
    cdef Py_ssize_t first = block_row(part, first_block), rows = block_row(part, last_block) - first
    cdef Py_ssize_t pairs = blocks(rows, 2), count = 0, i
    cdef Py_ssize_t step = max(2, rows // 4)  # a sample first: dense rows are not looked through in vain
    cdef bint alone = part.last - part.first == 1, listed = alone
    cdef uint64_t *bits = <uint64_t *> memory_of(plan, part, kind)
    cdef int32_t counts[POOL]
    cdef int32_t order[POOL]
    if not listed and may_skip(plan, layer, width):
        for i in range(blocks(rows, step)):
            count += mark_pairs(plan, layer, x, first + i * step, min(2, rows - i * step), bits, counts, order, kind)
        listed = pays(plan, layer, width, 9 * count, 10 * blocks(rows, step) * layer.inputs)  # others may be more alike
    if listed:
        count = mark_pairs(plan, layer, x, first, rows, bits, counts, order, kind)
        listed = alone or pays(plan, layer, width, count, pairs * layer.inputs)
    if alone and not plan.skip_zeros:
        mark_all(layer.inputs, bits)
    if not listed:
        for i in range(first_block, last_block):
            plan.by_rows.counts[first_list(plan, part.first_block + i, kind)] = NOT_LISTED
        return
    list_pairs(plan, layer, x, first, rows, first_list(plan, part.first_block + first_block, kind),
               first_list(plan, part.first_block + last_block, kind), bits, order, kind)


cdef void mark_all(Py_ssize_t columns, uint64_t *bits) noexcept nogil:
    """Every column of a row, whatever is there."""
    cdef Py_ssize_t i
    for i in range(columns // 64):
        bits[i] = ~(<uint64_t> 0)
    if columns % 64:
        bits[columns // 64] = ((<uint64_t> 1) << (columns % 64)) - 1


cdef Py_ssize_t mark_pairs(Plan *plan, const Layer *layer, const Matrix *x, Py_ssize_t first, Py_ssize_t rows,
                           uint64_t *bits, int32_t *counts, int32_t *order, const floating *kind) noexcept nogil:
    """Mark what is not 0 in some rows and pair them; returns how many numbers the pairs' lists will have."""
    cdef int width = panel_columns(plan.isa, kind)
    cdef Py_ssize_t words = blocks(layer.inputs, 64), i
    for i in range(rows):
        counts[i] = <int32_t> mark_nonzeros(plan.isa, layer.inputs, element(x, first + i, 0, width, kind), x.stride,
                                            bits + i * words)
    return plan.isa.pair_rows(<int> rows, words, bits, counts, order)


cdef void list_pairs(Plan *plan, const Layer *layer, const Matrix *x, Py_ssize_t first, Py_ssize_t rows,
                     Py_ssize_t first_number, Py_ssize_t last_number, const uint64_t *bits, const int32_t *order,
                     const floating *kind) noexcept nogil:
    cdef int width = panel_columns(plan.isa, kind)
    cdef Py_ssize_t words = blocks(layer.inputs, 64), number, n = 0, row, other
    for number in range(first_number, last_number):
        plan.by_rows.counts[number] = 0
        plan.pairs[2 * number] = plan.pairs[2 * number + 1] = NO_ROW
        if n >= rows:
            continue
        row = other = order[n]
        plan.pairs[2 * number] = <int32_t> (first + row)
        if n + 1 < rows:
            other = order[n + 1]
            plan.pairs[2 * number + 1] = <int32_t> (first + other)
        plan.by_rows.counts[number] = <int32_t> list_rows(
            plan.isa, layer.inputs, element(x, first + row, 0, width, kind), element(x, first + other, 0, width, kind),
            x.stride, bits + row * words, bits + other * words, index_of(&plan.by_rows, number),
            values_of(&plan.by_rows, number, kind))
        n += 2


cdef void list_own_columns(Plan *plan, int number, const Part *part, const floating *kind) noexcept nogil:
    """Lists for those of this thread's panels of the input where they pay."""
    cdef Layer *layer = &plan.layers[number]
    cdef const Matrix *x = input_of(plan, number)
    cdef Lists *lists = &plan.layers[number].by_columns
    cdef int width = panel_columns(plan.isa, kind), columns
    cdef Py_ssize_t panels = blocks(layer.inputs, width), rows = part.last - part.first
    cdef Py_ssize_t panel, count, list_number, step = max(1, rows * width // 1024)  # a sample of some 512 pairs
    cdef const floating *values
    for panel in range(share(panels, part.number, part.count), share(panels, part.number + 1, part.count)):
        columns = <int> min(width, layer.inputs - panel * width)
        values = element(x, part.first, panel, width, kind)
        list_number = panel * (width // 2)
        count = count_columns(plan.isa, rows, step, columns, values) if may_skip(plan, layer, width) else 0
        count += blocks(columns, 2) // 2  # each list costs something, which counts when there are few rows
        if not pays(plan, layer, width, count, blocks(rows, step) * blocks(columns, 2)):
            lists.counts[list_number] = NOT_LISTED
            continue
        list_columns(plan.isa, rows, columns, values, lists.capacity, lists.counts + list_number,
                     index_of(lists, list_number), values_of(lists, list_number, kind))


cdef inline bint may_skip(const Plan *plan, const Layer *layer, int width) noexcept nogil:
    """One panel of outputs is computed before its input is looked through."""
    return plan.skip_zeros and layer.outputs > width


cdef inline bint pays(const Plan *plan, const Layer *layer, int width, Py_ssize_t count,
                      Py_ssize_t all_of_them) noexcept nogil:
    """Whether `count` listed numbers are less work than all: each costs 1.2 times as much a panel, and 1.6 once.

    Measured on Zen 4, where the panels come from the second-level cache (bench/density.py)."""
    cdef Py_ssize_t panels = blocks(layer.outputs, width)
    return may_skip(plan, layer, width) and count * (12 * panels + 16) < all_of_them * 10 * panels


cdef inline Py_ssize_t first_list(const Plan *plan, Py_ssize_t block, const floating *kind) noexcept nogil:
    """The first of the lists of a block of rows."""
    return block * blocks(tile_rows(plan.isa, kind), 2)


cdef inline uint32_t *index_of(const Lists *lists, Py_ssize_t number) noexcept nogil:
    return lists.index + number * lists.capacity


cdef inline floating *values_of(const Lists *lists, Py_ssize_t number, const floating *_) noexcept nogil:
    return <floating *> lists.values + 2 * number * lists.capacity
