"""The rectifier whose slopes below 0 are weights, one for each column; its equations are in reference/prelu.py."""

from cython cimport floating
from libc.string cimport memset

from fastmlp.kernels.isa cimport activate_gradient, barrier_wait, blocks, panel_columns, partition
from fastmlp.kernels.engine.edges cimport gather
from fastmlp.kernels.engine.plan cimport Part, Pass, Plan, Stage, element, tile_of, wants_input
from fastmlp.kernels.engine.weights cimport apply


cdef void prelu_forward(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil:
    """The thread's own rows."""
    cdef Stage *stage = &plan.stages[number]
    cdef int width = panel_columns(plan.isa, tag), j
    cdef const floating *alpha = <const floating *> stage.alpha.data
    cdef const floating *x
    cdef floating *y
    cdef Py_ssize_t panel, i
    for panel in range(blocks(stage.outputs, width)):
        x = element(stage.input, part.own_first, panel, width, tag)
        y = element(&stage.output, part.own_first, panel, width, tag)
        for i in range(part.own_last - part.own_first):
            for j in range(width):
                y[i * width + j] = x[i * width + j] if x[i * width + j] > 0 else (
                    alpha[panel * width + j] * x[i * width + j]
                )


cdef int prelu_backward(Plan *plan, int number, const Part *part, const Pass *run, const floating *tag) noexcept nogil:
    """The gradients of the input where something wants it, and of alpha; returns how far the threads have met.

    That of the output must be complete; the threads partition its panels."""
    cdef Stage *stage = &plan.stages[number]
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t panels = blocks(stage.outputs, width), panel
    cdef bint wants = wants_input(plan, &stage.edges[0], run)
    cdef floating *sums = tile_of(plan, part, tag)
    for panel in range(partition(panels, part.thread, part.threads), partition(panels, part.thread + 1, part.threads)):
        sum_slopes(plan, stage, panel, part, sums)
        if wants:
            panel_backward(plan, stage, panel, part, tag)
        if stage.trained:
            apply(plan, stage.alpha, stage.use, run, panel * width, width, sums)
    barrier_wait(&plan.barrier, part.threads)
    if wants and stage.edges[0].adds:
        gather(plan, &stage.edges[0], part, tag)
        return number + 1
    return number


cdef void sum_slopes(Plan *plan, const Stage *stage, Py_ssize_t panel, const Part *part,
                     floating *sums) noexcept nogil:
    """The gradient of a panel of alpha."""
    cdef int width = panel_columns(plan.isa, sums), j
    cdef const floating *x = element(stage.input, part.first, panel, width, sums)
    cdef const floating *dy = element(&stage.gradient, part.first, panel, width, sums)
    cdef Py_ssize_t i
    memset(sums, 0, width * sizeof(floating))
    for i in range(part.last - part.first):
        for j in range(width):
            sums[j] += 0 if x[i * width + j] > 0 else dy[i * width + j] * x[i * width + j]


cdef void panel_backward(Plan *plan, const Stage *stage, Py_ssize_t panel, const Part *part,
                         const floating *tag) noexcept nogil:
    """The gradient of a panel of the input."""
    cdef int width = panel_columns(plan.isa, tag), j
    cdef const floating *alpha = <const floating *> stage.alpha.data + panel * width
    cdef const floating *x = element(stage.input, part.first, panel, width, tag)
    cdef const floating *dy = element(&stage.gradient, part.first, panel, width, tag)
    cdef floating *dx = element(stage.edges[0].gradient, part.first, panel, width, tag)
    cdef Py_ssize_t rows = part.last - part.first, i
    for i in range(rows):
        for j in range(width):
            dx[i * width + j] = dy[i * width + j] if x[i * width + j] > 0 else alpha[j] * dy[i * width + j]
    if stage.edges[0].epilogue != NULL:
        activate_gradient(plan.isa, stage.edges[0].epilogue.activation, NULL, rows * width, x, dx)
