"""Normalizations: of each column over the batch, of each row, and by a mean and a variance that are given.

Columns are partitioned between the threads by panels, rows as they are everywhere. The equations are in
reference/normalization.py, the loops in c/normalize.h. What is done to a panel's columns stands in four vectors: mean,
inverse (deviation), factor and offset, for y = (x - mean) * factor + offset. Behind them are the moving mean and
variance as they were before the batch, for a step that is left.
"""

from cython cimport floating
from libc.math cimport sqrt
from libc.string cimport memcpy

from fastmlp.kernels.isa cimport activate_gradient, are_finite, barrier_wait, blocks, column_moments, flag_set
from fastmlp.kernels.isa cimport flush_denormals, normalize_columns, normalize_columns_gradient, normalize_rows
from fastmlp.kernels.isa cimport normalize_rows_gradient, panel_columns, partition, sum_normalized_columns
from fastmlp.kernels.isa cimport sum_normalized_rows
from fastmlp.kernels.engine.description cimport BATCH_NORMALIZATION, LAYER_NORMALIZATION
from fastmlp.kernels.engine.edges cimport gather, through_activation
from fastmlp.kernels.engine.plan cimport Matrix, Stage, Parameter, Part, Pass, Plan, element, memory_of, tile_of
from fastmlp.kernels.engine.plan cimport wants_input
from fastmlp.kernels.engine.weights cimport apply

cdef double LEAST_DEVIATION = 1e-7  # Keras' epsilon(); what a given mean and variance divide by at least

cdef int normalize_forward(Plan *plan, int number, const Part *part, const Pass *run, int met,
                           const floating *tag) noexcept nogil:
    """Returns how far the threads have met."""
    cdef Stage *stage = &plan.stages[number]
    cdef Py_ssize_t panels = blocks(stage.outputs, panel_columns(plan.isa, tag)), panel
    if stage.kind == LAYER_NORMALIZATION:
        rows_forward(plan, number, part, tag)
        return met
    if not of_batch(stage, run):
        for panel in range(panels):
            given_statistics(plan, stage, panel, memory_of(plan, part, tag))
            scale_panel(plan, number, panel, part.own_first, part.own_last, memory_of(plan, part, tag))
        return met
    if stage.edges[0].source >= met:
        barrier_wait(&plan.barrier, part.threads)
    for panel in range(partition(panels, part.thread, part.threads), partition(panels, part.thread + 1, part.threads)):
        batch_statistics(plan, number, panel, part, statistics_of(plan, stage, panel, tag))
        scale_panel(plan, number, panel, part.first, part.last, statistics_of(plan, stage, panel, tag))
    barrier_wait(&plan.barrier, part.threads)
    return number + 1


cdef int normalize_backward(Plan *plan, int number, const Part *part, const Pass *run, int met,
                            const floating *tag) noexcept nogil:
    """The gradients of the input where something wants it, and of gamma and beta; returns how far the threads have met.

    That of the output must be complete, or for the normalization of rows be there for the thread's own ones."""
    cdef Stage *stage = &plan.stages[number]
    cdef Py_ssize_t panels = blocks(stage.outputs, panel_columns(plan.isa, tag)), panel
    cdef bint wants = wants_input(plan, &stage.edges[0], run)
    cdef floating *columns = memory_of(plan, part, tag)
    if stage.kind == LAYER_NORMALIZATION and wants:
        rows_backward(plan, number, part, tag)
    if stage.kind == LAYER_NORMALIZATION:
        barrier_wait(&plan.barrier, part.threads)
    for panel in range(partition(panels, part.thread, part.threads), partition(panels, part.thread + 1, part.threads)):
        if stage.kind == LAYER_NORMALIZATION:
            sum_panel_of_rows(plan, number, panel, part, tile_of(plan, part, tag))
        else:
            if of_batch(stage, run):
                columns = statistics_of(plan, stage, panel, tag)
            else:
                given_statistics(plan, stage, panel, columns)
            sum_panel(plan, number, panel, part, columns, tile_of(plan, part, tag))
            if wants:
                scale_panel_backward(plan, number, panel, part, run, columns, tile_of(plan, part, tag))
        if stage.trained:
            update_panel(plan, stage, panel, run, tile_of(plan, part, tag))
    barrier_wait(&plan.barrier, part.threads)
    if stage.kind != LAYER_NORMALIZATION and wants and stage.edges[0].adds:
        gather(plan, &stage.edges[0], part, tag)
        return number + 1
    return number


# ------------------------------------------------------------------------------------------------------------- columns


cdef inline bint of_batch(const Stage *stage, const Pass *run) noexcept nogil:
    """Whether columns are normalized with the statistics of the batch, which depend on x."""
    return stage.kind == BATCH_NORMALIZATION and run.training and not stage.frozen


cdef inline floating *statistics_of(const Plan *plan, const Stage *stage, Py_ssize_t panel,
                                    const floating *tag) noexcept nogil:
    return <floating *> stage.statistics + 6 * panel * panel_columns(plan.isa, tag)


cdef inline const floating *vector_of(const Plan *plan, const Parameter *parameter, Py_ssize_t panel,
                                      const floating *tag) noexcept nogil:
    """A panel of a vector of weights, or NULL where there is none."""
    if parameter == NULL:
        return NULL
    return <const floating *> parameter.data + panel * panel_columns(plan.isa, tag)


cdef void given_statistics(const Plan *plan, const Stage *stage, Py_ssize_t panel, floating *columns) noexcept nogil:
    """The vectors of a panel from the mean and the variance among the weights."""
    cdef int width = panel_columns(plan.isa, columns)
    memcpy(columns, vector_of(plan, stage.mean, panel, columns), width * sizeof(floating))
    complete_statistics(plan, stage, panel, vector_of(plan, stage.variance, panel, columns), columns)


cdef void batch_statistics(Plan *plan, int number, Py_ssize_t panel, const Part *part,
                           floating *columns) noexcept nogil:
    """The vectors of a panel from the batch, which the moving mean and variance move towards."""
    cdef const Stage *stage = &plan.stages[number]
    cdef int width = panel_columns(plan.isa, columns)
    cdef floating *variance = columns + width
    column_moments(plan.isa, part.last - part.first,
                   element(plan.stages[number].input, part.first, panel, width, columns), columns, variance)
    memcpy(columns + 4 * width, vector_of(plan, stage.mean, panel, columns), width * sizeof(floating))
    memcpy(columns + 5 * width, vector_of(plan, stage.variance, panel, columns), width * sizeof(floating))
    move(plan, stage.mean, panel, stage.momentum, columns)
    move(plan, stage.variance, panel, stage.momentum, variance)
    complete_statistics(plan, stage, panel, variance, columns)


cdef void move(Plan *plan, const Parameter *parameter, Py_ssize_t panel, double momentum,
               const floating *towards) noexcept nogil:
    cdef int width = panel_columns(plan.isa, towards), j
    cdef floating kept = <floating> momentum, taken = <floating> (1.0 - momentum)
    cdef floating *moving = <floating *> parameter.data + panel * width
    for j in range(width):
        moving[j] = moving[j] * kept + towards[j] * taken
    flush_denormals(plan.isa, width, moving)
    if not are_finite(plan.isa, width, moving):
        flag_set(parameter.finite, False)


cdef void put_averages_back(Plan *plan, const floating *tag) noexcept nogil:
    """Let the moving means and variances be what they were before the last batch; last the stage that was first, where
    several move the same."""
    cdef int width = panel_columns(plan.isa, tag), number
    cdef const Stage *stage
    cdef const floating *before
    cdef Py_ssize_t panel
    for number in range(plan.depth - 1, plan.input_count - 1, -1):
        stage = &plan.stages[number]
        if stage.kind != BATCH_NORMALIZATION or stage.frozen:
            continue
        for panel in range(blocks(stage.outputs, width)):
            before = statistics_of(plan, stage, panel, tag) + 4 * width
            memcpy(<floating *> stage.mean.data + panel * width, before, width * sizeof(floating))
            memcpy(<floating *> stage.variance.data + panel * width, before + width, width * sizeof(floating))
        look(plan, stage.mean, tag)
        look(plan, stage.variance, tag)


cdef void look(const Plan *plan, const Parameter *parameter, const floating *tag) noexcept nogil:
    """Note whether all numbers of a vector are finite, as they are now."""
    cdef int width = panel_columns(plan.isa, tag)
    flag_set(parameter.finite, are_finite(plan.isa, blocks(parameter.columns, width) * width,
                                          <const floating *> parameter.data))


cdef void complete_statistics(const Plan *plan, const Stage *stage, Py_ssize_t panel, const floating *variance,
                              floating *columns) noexcept nogil:
    """Inverse, factor and offset of a panel; the variance may stand where the inverse will."""
    cdef int width = panel_columns(plan.isa, columns), j
    cdef const floating *gamma = vector_of(plan, stage.gamma, panel, columns)
    cdef const floating *beta = vector_of(plan, stage.beta, panel, columns)
    cdef floating deviation
    for j in range(width):
        if stage.kind == BATCH_NORMALIZATION:
            deviation = <floating> sqrt(variance[j] + <floating> stage.epsilon)
        else:
            deviation = <floating> max(sqrt(variance[j]), LEAST_DEVIATION)
        columns[width + j] = <floating> 1 / deviation
        columns[2 * width + j] = (gamma[j] if gamma != NULL else <floating> 1) * columns[width + j]
        columns[3 * width + j] = beta[j] if beta != NULL else <floating> 0


cdef void scale_panel(Plan *plan, int number, Py_ssize_t panel, Py_ssize_t first, Py_ssize_t last,
                      const floating *columns) noexcept nogil:
    """y for some rows of a panel."""
    cdef int width = panel_columns(plan.isa, columns)
    normalize_columns(plan.isa, last - first, element(plan.stages[number].input, first, panel, width, columns),
                      columns, element(&plan.stages[number].output, first, panel, width, columns))


cdef void sum_panel(Plan *plan, int number, Py_ssize_t panel, const Part *part, const floating *columns,
                    floating *sums) noexcept nogil:
    """The gradients of gamma and beta to `sums`."""
    cdef int width = panel_columns(plan.isa, columns)
    sum_normalized_columns(plan.isa, part.last - part.first,
                           element(plan.stages[number].input, part.first, panel, width, columns),
                           element(&plan.stages[number].gradient, part.first, panel, width, columns), columns, sums)


cdef void scale_panel_backward(Plan *plan, int number, Py_ssize_t panel, const Part *part, const Pass *run,
                               const floating *columns, const floating *sums) noexcept nogil:
    """dx, in training less the parts of dy that mean and deviation take up."""
    cdef int width = panel_columns(plan.isa, columns)
    cdef const Stage *stage = &plan.stages[number]
    cdef const floating *x = element(stage.input, part.first, panel, width, columns)
    cdef floating *dx = element(stage.edges[0].gradient, part.first, panel, width, columns)
    cdef Py_ssize_t rows = part.last - part.first
    normalize_columns_gradient(plan.isa, rows, x, element(&stage.gradient, part.first, panel, width, columns), columns,
                               sums if of_batch(stage, run) else NULL, dx)
    if stage.edges[0].epilogue != NULL:
        activate_gradient(plan.isa, stage.edges[0].epilogue.activation, NULL, rows * width, x, dx)


cdef void update_panel(Plan *plan, const Stage *stage, Py_ssize_t panel, const Pass *run,
                       floating *sums) noexcept nogil:
    """Update gamma and beta from their gradients."""
    cdef int width = panel_columns(plan.isa, sums)
    if stage.gamma != NULL:
        apply(plan, stage.gamma, stage.use, run, panel * width, width, sums)
    if stage.beta != NULL:
        apply(plan, stage.beta, stage.use, run, panel * width, width, sums + width)


# ---------------------------------------------------------------------------------------------------------------- rows


cdef void rows_forward(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil:
    """y for the thread's rows, with mean and deviation of each."""
    cdef Stage *stage = &plan.stages[number]
    cdef int width = panel_columns(plan.isa, tag)
    normalize_rows(plan.isa, part.own_last - part.own_first, stage.outputs,
                   element(stage.input, part.own_first, 0, width, tag), stage.input.stride, stage.epsilon,
                   vector_of(plan, stage.gamma, 0, tag), vector_of(plan, stage.beta, 0, tag),
                   <floating *> stage.statistics + 2 * part.own_first,
                   element(&stage.output, part.own_first, 0, width, tag), stage.output.stride)


cdef void rows_backward(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil:
    """dx for the thread's rows."""
    cdef Stage *stage = &plan.stages[number]
    cdef const Matrix *below = stage.edges[0].gradient
    cdef int width = panel_columns(plan.isa, tag)
    normalize_rows_gradient(plan.isa, part.own_last - part.own_first, stage.outputs,
                            element(stage.input, part.own_first, 0, width, tag), stage.input.stride,
                            element(&stage.gradient, part.own_first, 0, width, tag), stage.gradient.stride,
                            vector_of(plan, stage.gamma, 0, tag),
                            <const floating *> stage.statistics + 2 * part.own_first,
                            element(below, part.own_first, 0, width, tag), below.stride)
    through_activation(plan, stage.edges[0].epilogue, part, tag)
    gather(plan, &stage.edges[0], part, tag)


cdef void sum_panel_of_rows(Plan *plan, int number, Py_ssize_t panel, const Part *part,
                            floating *sums) noexcept nogil:
    """The gradients of gamma and beta to `sums`, for rows that were normalized each for itself."""
    cdef int width = panel_columns(plan.isa, sums)
    sum_normalized_rows(plan.isa, part.last - part.first,
                        element(plan.stages[number].input, part.first, panel, width, sums),
                        element(&plan.stages[number].gradient, part.first, panel, width, sums),
                        <const floating *> plan.stages[number].statistics + 2 * part.first, sums)
