"""Which zeros of a dense stage's input are left out of its products; see c/nonzero.h and c/pairs.h for the lists.

It is decided from the data, for each pool of rows before the forward product, and for each panel of columns for the
gradient of the kernel. The results have the same bits either way, as nothing is left out where a zero meets a weight
or a gradient that is infinite or NaN: their product is NaN.
"""

from cython cimport floating
from libc.stdint cimport int32_t, uint64_t

from fastmlp.kernels.isa cimport are_finite, blocks, count_columns, list_columns, list_rows, mark_nonzeros
from fastmlp.kernels.isa cimport panel_columns, partition
from fastmlp.kernels.engine.plan cimport NO_ROW, NOT_LISTED, POOL
from fastmlp.kernels.engine.plan cimport Stage, Lists, Matrix, Part, Plan, block_row, element, memory_of


cdef void list_own_rows(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil:
    """Lists for this thread's rows where they pay; for a row alone in any case."""
    cdef Py_ssize_t together = POOL // plan.isa.tile_rows
    cdef Py_ssize_t first = partition(part.blocks, part.thread, part.threads), last
    while first < partition(part.blocks, part.thread + 1, part.threads):
        last = min(first + together, partition(part.blocks, part.thread + 1, part.threads))
        list_pool(plan, number, part, first, last, tag)
        first = last


cdef void list_pool(Plan *plan, int number, const Part *part, Py_ssize_t first_block, Py_ssize_t last_block,
                    const floating *tag) noexcept nogil:
    """Lists for some blocks of rows, in pairs of rows that are alike."""
    cdef Stage *stage = &plan.stages[number]
    cdef const Matrix *x = stage.input
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t first = block_row(part, first_block), rows = block_row(part, last_block) - first
    cdef Py_ssize_t pairs = blocks(rows, 2), count = 0, i
    cdef Py_ssize_t step = max(2, rows // 4 | 1)  # a sample first: dense rows are not looked through in vain
    cdef bint alone = part.last - part.first == 1, listed = alone, finite = has_finite_kernel(plan, stage)
    cdef uint64_t *bits = <uint64_t *> memory_of(plan, part, tag)
    cdef int32_t counts[POOL]
    cdef int32_t order[POOL]
    if not listed and finite and may_skip(plan, stage, width):
        for i in range(blocks(rows, step)):
            count += mark_pairs(plan, stage, x, first + i * step, min(2, rows - i * step), bits, counts, order, tag)
        # pairs outside of the sample may have more columns in common
        listed = pays(plan, stage, width, 9 * count, 10 * blocks(rows, step) * stage.inputs)
    if listed:
        count = mark_pairs(plan, stage, x, first, rows, bits, counts, order, tag)
        listed = alone or pays(plan, stage, width, count, pairs * stage.inputs)
    if alone and not (plan.skip_zeros and finite):
        mark_all(stage.inputs, bits)
    if not listed:
        for i in range(first_block, last_block):
            plan.by_rows.counts[first_list(plan, part.first_block + i)] = NOT_LISTED
        return
    list_pairs(plan, stage, x, first, rows, first_list(plan, part.first_block + first_block),
               first_list(plan, part.first_block + last_block), bits, order, tag)


cdef void mark_all(Py_ssize_t columns, uint64_t *bits) noexcept nogil:
    """Every column of a row, whatever is there."""
    cdef Py_ssize_t i
    for i in range(columns // 64):
        bits[i] = ~(<uint64_t> 0)
    if columns % 64:
        bits[columns // 64] = ((<uint64_t> 1) << (columns % 64)) - 1


cdef Py_ssize_t mark_pairs(Plan *plan, const Stage *stage, const Matrix *x, Py_ssize_t first, Py_ssize_t rows,
                           uint64_t *bits, int32_t *counts, int32_t *order, const floating *tag) noexcept nogil:
    """Mark what is not 0 in some rows and pair them; returns how many numbers the pairs' lists will have."""
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t words = blocks(stage.inputs, 64), i
    for i in range(rows):
        counts[i] = <int32_t> mark_nonzeros(plan.isa, stage.inputs, element(x, first + i, 0, width, tag), x.stride,
                                            bits + i * words)
    return plan.isa.pair_rows(<int> rows, words, bits, counts, order)


cdef void list_pairs(Plan *plan, const Stage *stage, const Matrix *x, Py_ssize_t first, Py_ssize_t rows,
                     Py_ssize_t first_number, Py_ssize_t last_number, const uint64_t *bits, const int32_t *order,
                     const floating *tag) noexcept nogil:
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t words = blocks(stage.inputs, 64), number, n = 0, row, other
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
            plan.isa, stage.inputs, element(x, first + row, 0, width, tag), element(x, first + other, 0, width, tag),
            x.stride, bits + row * words, bits + other * words, starts_of(plan, number),
            index_of(&plan.by_rows, number), values_of(&plan.by_rows, number, tag))
        starts_of(plan, number)[words] = plan.by_rows.counts[number]
        n += 2


cdef void list_own_columns(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil:
    """Lists for those of this thread's panels of the input where they pay, and all is finite."""
    cdef Stage *stage = &plan.stages[number]
    cdef const Matrix *x = stage.input
    cdef Lists *lists = &plan.stages[number].by_columns
    cdef int width = panel_columns(plan.isa, tag), columns
    cdef Py_ssize_t panels = blocks(stage.inputs, width), rows = part.last - part.first
    cdef Py_ssize_t panel, count, list_number, step = rows * width // 1024 | 1  # a sample of some 512 pairs
    cdef const floating *values
    cdef bint listed
    for panel in range(partition(panels, part.thread, part.threads), partition(panels, part.thread + 1, part.threads)):
        columns = <int> min(width, stage.inputs - panel * width)
        values = element(x, part.first, panel, width, tag)
        list_number = panel * (width // 2)
        count = count_columns(plan.isa, rows, step, columns, values) if may_skip(plan, stage, width) else 0
        count += blocks(columns, 2) // 2  # each list costs something, which counts when there are few rows
        listed = pays(plan, stage, width, count, blocks(rows, step) * blocks(columns, 2))
        if not listed or (plan.checks_finite and not are_finite(plan.isa, rows * width, values)):
            lists.counts[list_number] = NOT_LISTED
            continue
        list_columns(plan.isa, rows, columns, values, lists.capacity, lists.counts + list_number,
                     index_of(lists, list_number), values_of(lists, list_number, tag))


cdef bint may_use_columns(const Plan *plan, const Stage *stage, const Part *part, Py_ssize_t first_panel,
                          Py_ssize_t last_panel, const floating *tag) noexcept nogil:
    """Whether there are such lists, and their products with some panels of the output's gradient are finite."""
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t panel
    cdef bint listed = False
    if not may_skip(plan, stage, width):
        return False
    for panel in range(blocks(stage.inputs, width)):
        listed |= stage.by_columns.counts[panel * (width // 2)] != NOT_LISTED
    if not listed or not plan.checks_finite:
        return listed
    for panel in range(first_panel, last_panel):
        if not are_finite(plan.isa, (part.last - part.first) * width,
                          element(&stage.gradient, part.first, panel, width, tag)):
            return False
    return True


cdef inline bint pays(const Plan *plan, const Stage *stage, int width, Py_ssize_t count,
                      Py_ssize_t all_of_them) noexcept nogil:
    """Whether `count` listed numbers are less work than all: each costs 1.4 times as much a panel, and 4.6 once.

    Measured where two multiply-adds start each cycle (bench/density.py); with one it would be 1.2 and 1.6."""
    cdef Py_ssize_t panels = blocks(stage.outputs, width)
    return may_skip(plan, stage, width) and count * (14 * panels + 46) < all_of_them * 10 * panels
