"""The dense stage that reads sparse rows: its products over what is stored alone.

They have the bits of those of whole rows where weights and gradients are finite. What is not stored is multiplied by
nothing, so that it gives no NaN with those that are not.

The threads partition forward by rows. For the update each sorts the batch's numbers of some columns, which are rows of
the kernel; then they partition these numbers, or the whole kernel where rows without a gradient change too.
"""

from cython cimport floating
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memset

from fastmlp.kernels.isa cimport LINEAR, barrier_wait, blocks, descend_sparse, flag_set, multiply_sparse
from fastmlp.kernels.isa cimport panel_columns, partition
from fastmlp.kernels.engine.plan cimport Part, Pass, Plan, SparseColumns, SparseRows, Stage
from fastmlp.kernels.engine.plan cimport bias_of, element, kernel_of, memory_of, sparse_input
from fastmlp.kernels.engine.weights cimport apply_square, descends_plainly

cdef enum:
    DIGIT = 11              # bits of a column by which numbers are sorted at a time
    PANELS_TOGETHER = 4     # of the kernel, for which numbers are gone through once


# ------------------------------------------------------------------------------------------------------------- forward


cdef int sparse_forward(Plan *plan, int number, const Part *part, const Pass *run, int met,
                        const floating *tag) noexcept nogil:
    """y = activation(x . kernel + bias), for the thread's own rows; returns how far the threads have met."""
    cdef Stage *stage = &plan.stages[number]
    cdef const SparseRows *x = sparse_input(plan, stage)
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t i
    for i in range(part.own_first, part.own_last):
        multiply_sparse(plan.isa, blocks(stage.outputs, width), x.ends[i] - x.starts[i], x.index + x.starts[i],
                        <const floating *> x.values + x.starts[i], kernel_of(plan, stage, 0, tag),
                        width * stage.inputs, width, bias_of(plan, stage, 0, tag), stage.activation,
                        element(&stage.output, i, 0, width, tag), stage.output.stride)
    if run.gradients and stage.trained:
        if stage.edges[0].source >= met:
            barrier_wait(&plan.barrier, part.threads)
            met = number
        sort_own_columns(plan, number, part, tag)
    return met


# ------------------------------------------------------------------------------------------------------- numbers sorted


cdef inline int64_t first_from(const uint32_t *columns, int64_t start, int64_t end, uint32_t column) noexcept nogil:
    """The first place from start to end of a column that is not less."""
    cdef int64_t middle
    while start < end:
        middle = (start + end) // 2
        if columns[middle] < column:
            start = middle + 1
        else:
            end = middle
    return start


cdef void sort_own_columns(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil:
    """Sort the batch's numbers of this thread's columns, which come after those of columns before."""
    cdef Stage *stage = &plan.stages[number]
    cdef const SparseRows *x = sparse_input(plan, stage)
    cdef SparseColumns *sorted = &stage.entries
    cdef uint32_t first = <uint32_t> partition(stage.inputs, part.thread, part.threads)
    cdef uint32_t last = <uint32_t> partition(stage.inputs, part.thread + 1, part.threads)
    cdef Py_ssize_t place = 0, count = 0, i
    cdef int64_t k, start
    cdef int passes = 0, side
    while first < last and (last - 1 - first) >> (DIGIT * passes) != 0:
        passes += 1
    side = passes % 2  # so that the last pass ends in the first memory
    for i in range(part.first, part.last):
        place += first_from(x.index, x.starts[i], x.ends[i], first) - x.starts[i]
    for i in range(part.first, part.last):
        start = first_from(x.index, x.starts[i], x.ends[i], first)
        for k in range(start, first_from(x.index, start, x.ends[i], last)):
            sorted.columns[side][place + count] = x.index[k]
            sorted.rows[side][place + count] = <uint32_t> (i - part.first)
            (<floating *> sorted.values[side])[place + count] = (<const floating *> x.values)[k]
            count += 1
    for i in range(passes):
        sort_by_digit(sorted, place, count, first, <int> (DIGIT * i), side, tag)
        side = 1 - side


cdef void sort_by_digit(SparseColumns *sorted, Py_ssize_t place, Py_ssize_t count, uint32_t first, int shift, int side,
                        const floating *tag) noexcept nogil:
    """One pass of a radix sort from one memory to the other; numbers with equal digits stay in their order."""
    cdef Py_ssize_t places[1 << DIGIT]
    cdef const uint32_t *columns = sorted.columns[side]
    cdef Py_ssize_t k, to = place, here
    cdef uint32_t mask = (1 << DIGIT) - 1, digit
    memset(places, 0, sizeof(places))
    for k in range(place, place + count):
        places[(columns[k] - first) >> shift & mask] += 1
    for digit in range(1 << DIGIT):
        here = places[digit]
        places[digit] = to
        to += here
    for k in range(place, place + count):
        digit = (columns[k] - first) >> shift & mask
        to = places[digit]
        places[digit] += 1
        sorted.columns[1 - side][to] = columns[k]
        sorted.rows[1 - side][to] = sorted.rows[side][k]
        (<floating *> sorted.values[1 - side])[to] = (<const floating *> sorted.values[side])[k]


# -------------------------------------------------------------------------------------------------------------- update


cdef void update_by_sparse(Plan *plan, int number, const Part *part, const Pass *run,
                           const floating *tag) noexcept nogil:
    """The gradient transpose(x) . dz of some rows of the kernel at a time, used for their update at once."""
    cdef const SparseRows *x = sparse_input(plan, &plan.stages[number])
    cdef Py_ssize_t count = 0, i
    for i in range(part.first, part.last):
        count += x.ends[i] - x.starts[i]
    if descends_plainly(&plan.stages[number], run):
        descend(plan, number, part, run, count, tag)
    else:
        update_all(plan, number, part, run, count, tag)


cdef inline Py_ssize_t end_of_column(const uint32_t *columns, Py_ssize_t k, Py_ssize_t count) noexcept nogil:
    """The end of the numbers of the column that starts at number k."""
    cdef Py_ssize_t end = k + 1
    while end < count and columns[end] == columns[k]:
        end += 1
    return end


cdef void descend(Plan *plan, int number, const Part *part, const Pass *run, Py_ssize_t count,
                  const floating *tag) noexcept nogil:
    """A step of plain gradient descent, for the rows of the kernel that have a gradient."""
    cdef Stage *stage = &plan.stages[number]
    cdef const SparseColumns *x = &stage.entries
    cdef const uint32_t *columns = x.columns[0]
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t k = partition(count, part.thread, part.threads), end
    cdef bint finite
    while 0 < k < count and columns[k] == columns[k - 1]:  # a column is one thread's
        k += 1
    while k < partition(count, part.thread + 1, part.threads):
        end = end_of_column(columns, k, count)
        finite = descend_sparse(plan.isa, blocks(stage.outputs, width), end - k, x.rows[0] + k,
                                <const floating *> x.values[0] + k, element(&stage.gradient, part.first, 0, width, tag),
                                stage.gradient.stride, run.optimizer.step_size,
                                kernel_of(plan, stage, 0, tag) + columns[k] * width, width * stage.inputs)
        if not finite:
            flag_set(stage.kernel.finite, False)
        k = end


cdef void update_all(Plan *plan, int number, const Part *part, const Pass *run, Py_ssize_t count,
                     const floating *tag) noexcept nogil:
    """Any rule for all rows of the kernel; the gradient of most is 0."""
    cdef Stage *stage = &plan.stages[number]
    cdef const SparseColumns *x = &stage.entries
    cdef const uint32_t *columns = x.columns[0]
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t below = blocks(stage.inputs, width), panels = blocks(stage.outputs, width), square = width * width
    cdef Py_ssize_t units = below * blocks(panels, PANELS_TOGETHER), unit, row, panel, together, end, k = 0, i
    cdef Py_ssize_t first = partition(units, part.thread, part.threads)
    cdef floating *g = memory_of(plan, part, tag)
    for unit in range(first, partition(units, part.thread + 1, part.threads)):
        row = unit % below * width
        panel = unit // below * PANELS_TOGETHER
        together = min(PANELS_TOGETHER, panels - panel)
        if unit == first or row == 0:
            k = first_from(columns, 0, count, <uint32_t> row)
        memset(g, 0, together * square * sizeof(floating))
        while k < count and columns[k] < row + width:
            end = end_of_column(columns, k, count)
            multiply_sparse(plan.isa, together, end - k, x.rows[0] + k, <const floating *> x.values[0] + k,
                            element(&stage.gradient, part.first, panel, width, tag), stage.gradient.stride, width,
                            <const floating *> NULL, LINEAR, g + (columns[k] - row) * width, square)
            k = end
        for i in range(together):
            apply_square(plan, stage, run, unit % below, panel + i, g + i * square)
