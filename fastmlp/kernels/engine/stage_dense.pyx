"""The dense stage of a network: its products, tile by tile, each used while it is still in the cache.

The threads partition forward and update by panels of outputs, the gradient of the input by panels of inputs: each
thread keeps its panels of the weights in its own cache, and of all gradients but the last it computes those itself that
its panels need.
"""

from cython cimport floating
from libc.stdint cimport int32_t
from libc.string cimport memset

from fastmlp.kernels.isa cimport FE_INVALID, FE_OVERFLOW, GOES_ON, LINEAR, TO_GO_ON
from fastmlp.kernels.isa cimport activate_gradient, are_finite, barrier_wait, blocks, descend_listed, feclearexcept
from fastmlp.kernels.isa cimport fetestexcept, flag_set, multiply_columns
from fastmlp.kernels.isa cimport multiply_listed, multiply_rows, panel_columns, partition, sum_rows
from fastmlp.kernels.isa cimport transpose
from fastmlp.kernels.engine.edges cimport gather
from fastmlp.kernels.engine.leaving cimport is_left, may_leave, may_leave_backward
from fastmlp.kernels.engine.plan cimport NO_ROW, NOT_LISTED
from fastmlp.kernels.engine.plan cimport Edge, Lists, Matrix, Part, Pass, Plan, Stage
from fastmlp.kernels.engine.plan cimport bias_of, block_row, element, kernel_of, memory_of, sparse_input, tile_of
from fastmlp.kernels.engine.plan cimport vectors_of, wants_input
from fastmlp.kernels.engine.skipping cimport first_list, index_of, list_own_columns, list_own_rows, may_use_columns
from fastmlp.kernels.engine.skipping cimport starts_of, values_of
from fastmlp.kernels.engine.stage_narrow cimport narrow_forward, update_narrow
from fastmlp.kernels.engine.stage_sparse cimport sparse_forward, update_by_sparse
from fastmlp.kernels.engine.weights cimport apply, apply_square, descends_plainly, gradient_memory


# ------------------------------------------------------------------------------------------------------------- forward


cdef int dense_forward(Plan *plan, int number, const Part *part, const Pass *run, int met,
                       const floating *tag) noexcept nogil:
    """y = activation(x . kernel + bias), for the thread's own rows at least; returns how far the threads have met."""
    cdef Stage *stage = &plan.stages[number]
    cdef int width = panel_columns(plan.isa, tag)
    cdef bint alone = part.last - part.first == 1  # listed by one thread for all
    if sparse_input(plan, stage) != NULL:
        return sparse_forward(plan, number, part, run, met, tag)
    if not stage.kernel.transposed:
        list_own_rows(plan, number, part, tag)
    if stage.edges[0].source >= met or stage.outputs > width:  # one panel needs the lists of the thread's own rows only
        barrier_wait(&plan.barrier, part.threads)
        met = number
    if stage.kernel.transposed:
        narrow_forward(plan, number, part, tag)
        return met
    if run.gradients and stage.trained:
        list_own_columns(plan, number, part, tag)
    if alone:
        forward_row(plan, number, part, tag)
    else:
        forward_tiles(plan, number, part, run, tag)
    if stage.outputs <= width:
        return met  # the tiles of one panel are partitioned between the threads as the rows are
    barrier_wait(&plan.barrier, part.threads)
    return number + 1


cdef void forward_tiles(Plan *plan, int number, const Part *part, const Pass *run, const floating *tag) noexcept nogil:
    cdef Stage *stage = &plan.stages[number]
    cdef const Matrix *x = stage.input
    cdef const Lists *lists = &plan.by_rows
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t units = part.blocks * blocks(stage.outputs, width), unit, panel, row, height
    cdef Py_ssize_t first = partition(units, part.thread, part.threads)
    cdef Py_ssize_t last = partition(units, part.thread + 1, part.threads)
    cdef bint listed = False, is_long = may_leave(plan, stage, part.last - part.first)
    for unit in range(first, last):
        if is_long and is_left(plan, part):
            return
        panel = unit // part.blocks
        if lists.counts[first_list(plan, part.first_block + unit % part.blocks)] != NOT_LISTED:
            listed = True
            continue
        row = block_row(part, unit % part.blocks)
        height = block_row(part, unit % part.blocks + 1) - row
        multiply_rows(plan.isa, <int> height, vectors_of(stage.outputs, panel, 1, width), stage.inputs,
                      element(x, row, 0, width, tag), x.stride, kernel_of(plan, stage, panel, tag),
                      bias_of(plan, stage, panel, tag), stage.activation,
                      element(&stage.output, row, panel, width, tag))
    if listed:
        for unit in range(blocks(last - first, 2 * part.blocks)):
            if is_long and is_left(plan, part):
                return
            forward_listed(plan, stage, part, first + 2 * unit * part.blocks, last, tag)


cdef void forward_listed(Plan *plan, Stage *stage, const Part *part, Py_ssize_t first, Py_ssize_t last,
                         const floating *tag) noexcept nogil:
    """The listed rows for two panels, from a unit of tiles on: all of them by a few columns at a time, whose weights
    stay in the first-level cache."""
    cdef Py_ssize_t words = blocks(stage.inputs, 64), count = column_blocks(plan, stage, tag), number, unit, list_number
    for number in range(count):
        for unit in range(first, min(first + part.blocks, last)):
            list_number = first_list(plan, part.first_block + unit % part.blocks)
            if plan.by_rows.counts[list_number] == NOT_LISTED:
                continue
            for list_number in range(list_number, list_number + blocks(plan.isa.tile_rows, 2)):
                multiply_pair(plan, stage, list_number, partition(words, number, count),
                              partition(words, number + 1, count), unit // part.blocks,
                              2 if unit + part.blocks < last else 1, tag)


cdef inline Py_ssize_t column_blocks(const Plan *plan, const Stage *stage, const floating *tag) noexcept nogil:
    """How many blocks of columns to walk lists in: the weights of two panels may be half as large again as the cache.

    Measured: as fast as any size between one and two caches (a smaller part of what is larger is evicted)."""
    cdef Py_ssize_t size = 2 * panel_columns(plan.isa, tag) * stage.inputs * sizeof(floating)
    cdef Py_ssize_t most = 3 * plan.cache_size // 2
    return max(1, min((size + most // 2) // most, blocks(stage.inputs, 64)))


cdef inline int panels_together(Py_ssize_t unit, Py_ssize_t first, Py_ssize_t last, Py_ssize_t stride) noexcept nogil:
    """How many panels to take at a unit of those from `first` to `last`, of which there are `stride` for each panel.

    Lists are for two panels at a time: 2 with the next panel, 1 where that is not in the range, and 0 where this one
    was taken with the panel before."""
    if (unit - first) // stride % 2:
        return 0
    return 2 if unit + stride < last else 1


cdef inline void multiply_pair(Plan *plan, Stage *stage, Py_ssize_t list_number, Py_ssize_t first_word,
                               Py_ssize_t last_word, Py_ssize_t panel, Py_ssize_t count,
                               const floating *tag) noexcept nogil:
    """The two rows of a list, or the one, for `count` panels from one on; of a portion of the columns, in words."""
    cdef const Lists *lists = &plan.by_rows
    cdef const int32_t *starts = starts_of(plan, list_number)
    cdef int width = panel_columns(plan.isa, tag)
    cdef int32_t row = plan.pairs[2 * list_number], other = plan.pairs[2 * list_number + 1], start = starts[first_word]
    if row == NO_ROW:
        return
    multiply_listed(plan.isa, 1 if other == NO_ROW else 2, vectors_of(stage.outputs, panel, count, width),
                    GOES_ON * (first_word > 0) | TO_GO_ON * (last_word < blocks(stage.inputs, 64)),
                    starts[last_word] - start, index_of(lists, list_number) + start,
                    values_of(lists, list_number, tag) + 2 * start, kernel_of(plan, stage, panel, tag),
                    width * stage.inputs, bias_of(plan, stage, panel, tag), stage.activation,
                    element(&stage.output, row, panel, width, tag), stage.output.stride, (other - row) * width)


cdef void forward_row(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil:
    """The only row of a batch: all panels at once."""
    cdef Stage *stage = &plan.stages[number]
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t panels = blocks(stage.outputs, width)
    cdef Py_ssize_t first = partition(panels, part.thread, part.threads)
    cdef Py_ssize_t last = partition(panels, part.thread + 1, part.threads)
    if first < last:
        multiply_pair(plan, stage, first_list(plan, part.first_block), 0, blocks(stage.inputs, 64), first,
                      last - first, tag)


# ------------------------------------------------------------------------------------------------------------ backward


cdef int dense_backward(Plan *plan, int number, const Part *part, const Pass *run, int met,
                        const floating *tag) noexcept nogil:
    """From the gradient of the output, dz: the gradient of the input where something wants it, and the update.

    dz must be complete; the update is when all threads meet again. Returns how far they have met."""
    cdef Stage *stage = &plan.stages[number]
    if wants_input(plan, &stage.edges[0], run):
        input_gradient(plan, number, part, run, tag)
        barrier_wait(&plan.barrier, part.threads)
        gather(plan, &stage.edges[0], part, tag)
        met = number + 1 if stage.edges[0].adds else number
    if stage.trained:
        if sparse_input(plan, stage) != NULL:
            update_by_sparse(plan, number, part, run, tag)
        elif stage.kernel.transposed:
            update_narrow(plan, number, part, run, tag)
        else:
            update_kernel(plan, number, part, run, tag)
        update_bias(plan, stage, part, run, tag)
    return met


cdef void input_gradient(Plan *plan, int number, const Part *part, const Pass *run,
                         const floating *tag) noexcept nogil:
    """dx = dz . transpose(kernel), and through the activation of the dense stage whose output x is, if it has one."""
    cdef Stage *stage = &plan.stages[number]
    cdef const Edge *edge = &stage.edges[0]
    cdef int width = panel_columns(plan.isa, tag), vectors
    cdef Py_ssize_t units = part.blocks * blocks(stage.inputs, width), unit, row, height, panel, packed = -1
    cdef floating *kernel = memory_of(plan, part, tag)
    cdef bint is_long = may_leave_backward(plan, stage, part.last - part.first, run)
    for unit in range(partition(units, part.thread, part.threads), partition(units, part.thread + 1, part.threads)):
        if is_long and is_left(plan, part):
            return
        panel = unit // part.blocks
        row = block_row(part, unit % part.blocks)
        height = block_row(part, unit % part.blocks + 1) - row
        vectors = vectors_of(stage.inputs, panel, 1, width)
        if stage.kernel.transposed:
            kernel = <floating *> stage.kernel.data + panel * stage.outputs * width
        elif panel != packed:
            transpose_kernel(plan, stage, panel, kernel)
            packed = panel
        multiply_rows(plan.isa, <int> height, vectors, stage.outputs, element(&stage.gradient, row, 0, width, tag),
                      stage.gradient.stride, kernel, <const floating *> NULL, LINEAR,
                      element(edge.gradient, row, panel, width, tag))
        if edge.epilogue != NULL:
            activate_gradient(plan.isa, edge.epilogue.activation, NULL, height * width,
                              element(edge.input, row, panel, width, tag),
                              element(edge.gradient, row, panel, width, tag))


cdef void transpose_kernel(Plan *plan, const Stage *stage, Py_ssize_t panel, floating *out) noexcept nogil:
    """The rows of the kernel that belong to a panel of inputs, as the columns of one panel."""
    cdef int width = panel_columns(plan.isa, out)
    cdef Py_ssize_t rows = min(width, stage.inputs - panel * width), number, column
    cdef const floating *kernel = kernel_of(plan, stage, 0, out) + panel * width * width
    if rows < width:
        memset(out, 0, stage.outputs * width * sizeof(floating))
    for number in range(blocks(stage.outputs, width)):
        column = number * width
        transpose(plan.isa, rows, min(width, stage.outputs - column), kernel + column * stage.inputs, width,
                  out + column * width, width)


cdef void update_kernel(Plan *plan, int number, const Part *part, const Pass *run,
                        const floating *tag) noexcept nogil:
    """The gradient transpose(x) . dz, a square of a panel at a time, used for its update as soon as it is there."""
    cdef Stage *stage = &plan.stages[number]
    cdef int width = panel_columns(plan.isa, tag), count
    cdef Py_ssize_t below = blocks(stage.inputs, width), units = below * blocks(stage.outputs, width), unit, panel
    cdef Py_ssize_t first = partition(units, part.thread, part.threads)
    cdef Py_ssize_t last = partition(units, part.thread + 1, part.threads)
    cdef bint listed = may_use_columns(plan, stage, part, first // below, blocks(last, below), tag)
    cdef bint is_long = may_leave_backward(plan, stage, part.last - part.first, run)
    cdef floating *c
    if listed:
        feclearexcept(FE_INVALID | FE_OVERFLOW)
    for unit in range(first, last):
        if is_long and is_left(plan, part):
            return
        panel = unit // below
        c = gradient_memory(plan, stage.kernel, run, (panel * stage.inputs + unit % below * width) * width,
                            tile_of(plan, part, tag))
        if not listed or stage.by_columns.counts[unit % below * (width // 2)] == NOT_LISTED:
            multiply_transposed(plan, number, part, run.portion, unit % below, panel, c)
            apply_square(plan, stage, run, unit % below, panel, c)
            continue
        count = panels_together(unit, first, last, below)
        if count > 0:
            update_listed(plan, stage, part, run, unit % below, panel, count, c)
    if listed:
        look_at_kernel(plan, stage, (first // below * stage.inputs + first % below * width) * width,
                       (last // below * stage.inputs + last % below * width) * width, tag)


cdef void look_at_kernel(Plan *plan, const Stage *stage, Py_ssize_t start, Py_ssize_t end,
                         const floating *tag) noexcept nogil:
    """Notice weights that are not finite since an update by lists, whose numbers were, as those of the gradient.

    That takes an overflow. To look at the weights themselves costs a tenth of a step by one row."""
    if fetestexcept(FE_INVALID | FE_OVERFLOW) == 0:
        return
    if not are_finite(plan.isa, end - start, <const floating *> stage.kernel.data + start):
        flag_set(stage.kernel.finite, False)


cdef void multiply_transposed(Plan *plan, int number, const Part *part, int portion, Py_ssize_t below,
                              Py_ssize_t panel, floating *c) noexcept nogil:
    """The columns of x in a panel times a panel of dz."""
    cdef Stage *stage = &plan.stages[number]
    cdef const Matrix *x = stage.input
    cdef int width = panel_columns(plan.isa, c)
    cdef Py_ssize_t rows = min(width, stage.inputs - below * width), tiles = blocks(rows, plan.isa.tile_rows)
    cdef Py_ssize_t tile, i
    for tile in range(tiles):
        i = partition(rows, tile, tiles)
        multiply_columns(plan.isa, <int> (partition(rows, tile + 1, tiles) - i),
                         vectors_of(stage.outputs, panel, 1, width), portion, part.last - part.first,
                         element(x, part.first, below, width, c) + i,
                         element(&stage.gradient, part.first, panel, width, c), c + i * width)


cdef void update_listed(Plan *plan, const Stage *stage, const Part *part, const Pass *run, Py_ssize_t below,
                        Py_ssize_t panel, Py_ssize_t count, floating *c) noexcept nogil:
    """The same from lists, two rows of the kernel at a time, for `count` panels of it from one on."""
    cdef const Lists *lists = &stage.by_columns
    cdef int width = panel_columns(plan.isa, c)
    cdef Py_ssize_t rows = min(width, stage.inputs - below * width), square = width * width, i, number, height
    cdef Py_ssize_t vectors = vectors_of(stage.outputs, panel, count, width)
    cdef Py_ssize_t stride = square if run.portion == 0 else stage.inputs * width  # of the panels of c
    cdef bint descends = descends_plainly(stage, run)
    cdef const floating *dz = element(&stage.gradient, part.first, panel, width, c)
    cdef floating *kernel = kernel_of(plan, stage, panel, c) + below * square
    for i in range(0, rows, 2):
        number = below * (width // 2) + i // 2
        height = min(2, rows - i)
        if descends:
            descend_listed(plan.isa, <int> height, vectors, lists.counts[number], index_of(lists, number),
                           values_of(lists, number, c), dz, stage.gradient.stride, run.optimizer.step_size,
                           kernel + i * width, stage.inputs * width)
        else:
            multiply_listed(plan.isa, <int> height, vectors, run.portion, lists.counts[number], index_of(lists, number),
                            values_of(lists, number, c), dz, stage.gradient.stride, <const floating *> NULL, LINEAR,
                            c + i * width, stride, width)
    if not descends:
        for i in range(count):
            apply_square(plan, stage, run, below, panel + i, c + i * stride)


cdef void update_bias(Plan *plan, const Stage *stage, const Part *part, const Pass *run,
                      const floating *tag) noexcept nogil:
    """The gradient of the bias, the sum of dz over the rows, and its update."""
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t panels = blocks(stage.outputs, width), panel
    cdef floating *sums
    if stage.bias == NULL:
        return
    for panel in range(partition(panels, part.thread, part.threads), partition(panels, part.thread + 1, part.threads)):
        sums = gradient_memory(plan, stage.bias, run, panel * width, tile_of(plan, part, tag))
        sum_rows(plan.isa, run.portion, part.last - part.first,
                 element(&stage.gradient, part.first, panel, width, tag), sums)
        apply(plan, stage.bias, stage.use, run, panel * width, width, sums)
