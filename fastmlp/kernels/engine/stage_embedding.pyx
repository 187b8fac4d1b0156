"""The embedding: rows of a table by their numbers, side by side. Numbers past the ends of the table count as its ends.

In backward the threads partition the rows of the table, and each looks through all numbers of the batch for its own.
"""

from cython cimport floating
from libc.string cimport memcpy, memset

from fastmlp.kernels.isa cimport blocks, panel_columns, partition
from fastmlp.kernels.engine.plan cimport ONLY, Part, Pass, Plan, Stage, element, memory_of
from fastmlp.kernels.engine.rows cimport put_row
from fastmlp.kernels.engine.weights cimport apply, is_plain_descent


cdef void embedding_forward(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil:
    cdef Stage *stage = &plan.stages[number]
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t rows = stage.embeddings.rows, columns = stage.embeddings.columns, i, j, row, panel
    cdef const floating *table = <const floating *> stage.embeddings.data
    cdef floating *values = memory_of(plan, part, tag)
    for i in range(part.own_first, part.own_last):
        for j in range(stage.inputs):
            row = row_of(stage, i, j, width, tag)
            for panel in range(blocks(columns, width)):
                memcpy(values + j * columns + panel * width, table + (panel * rows + row) * width,
                       min(width, columns - panel * width) * sizeof(floating))
        put_row(&stage.output, i, width, values)


cdef inline Py_ssize_t row_of(const Stage *stage, Py_ssize_t i, Py_ssize_t j, int width,
                              const floating *tag) noexcept nogil:
    """The row of the table that number j of row i of the batch stands for."""
    cdef floating value = element(stage.input, i, j // width, width, tag)[j % width]
    if not value > 0:  # NaN too
        return 0
    return <Py_ssize_t> value if value < stage.embeddings.rows else stage.embeddings.rows - 1


cdef void embedding_backward(Plan *plan, int number, const Part *part, const Pass *run,
                             const floating *tag) noexcept nogil:
    """The gradient of the table, and its update; that of the output must be complete."""
    cdef Stage *stage = &plan.stages[number]
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t rows = stage.embeddings.rows, panels = blocks(stage.embeddings.columns, width), panel
    cdef Py_ssize_t first = partition(rows, part.thread, part.threads)
    cdef Py_ssize_t count = partition(rows, part.thread + 1, part.threads) - first
    cdef bint descends = is_plain_descent(run) and stage.use == ONLY
    cdef floating *g = <floating *> stage.table_gradient
    if count == 0:
        return
    if descends and stage.embeddings.l1 == 0 and stage.embeddings.l2 == 0:
        descend(plan, stage, part, run, first, first + count, g)
        return
    for panel in range(panels):
        memset(g + (panel * rows + first) * width, 0, count * width * sizeof(floating))
    add_gradients(stage, part, first, first + count, width, g)
    for panel in range(panels):
        apply(plan, stage.embeddings, stage.use, run, (panel * rows + first) * width, count * width,
              g + (panel * rows + first) * width)


cdef void add_gradients(const Stage *stage, const Part *part, Py_ssize_t first, Py_ssize_t last, int width,
                        floating *g) noexcept nogil:
    """Add the gradients of what came from the rows from `first` to `last` of the table."""
    cdef Py_ssize_t rows = stage.embeddings.rows, columns = stage.embeddings.columns, i, j, k, row, column
    for i in range(part.first, part.last):
        for j in range(stage.inputs):
            row = row_of(stage, i, j, width, g)
            if first <= row < last:
                for k in range(columns):
                    column = j * columns + k
                    g[(k // width * rows + row) * width + k % width] += element(
                        &stage.gradient, i, column // width, width, g)[column % width]


cdef void descend(Plan *plan, const Stage *stage, const Part *part, const Pass *run, Py_ssize_t first,
                  Py_ssize_t last, floating *g) noexcept nogil:
    """Plain gradient descent leaves rows that are not in use as they are: it comes to those in use alone."""
    cdef int width = panel_columns(plan.isa, g), what
    cdef Py_ssize_t rows = stage.embeddings.rows, i, j, panel, row, at
    for what in range(2):  # clear their gradients, then, with the sums, update them once
        for i in range(part.first, part.last):
            for j in range(stage.inputs):
                row = row_of(stage, i, j, width, g)
                if first <= row < last:
                    for panel in range(blocks(stage.embeddings.columns, width)):
                        at = (panel * rows + row) * width
                        if what == 1:
                            apply(plan, stage.embeddings, stage.use, run, at, width, g + at)
                        memset(g + at, 0, width * sizeof(floating))
        if what == 0:
            add_gradients(stage, part, first, last, width, g)
