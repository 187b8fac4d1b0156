"""Normalizations: of each column over the batch, of each row, and by a mean and a variance that are given.

Columns are partitioned between the threads by panels, rows as they are everywhere. The equations are in
reference/normalization.py. What is done to a panel's columns stands in four vectors: mean, inverse (deviation), factor
and offset, for y = (x - mean) * factor + offset.
"""

from cython cimport floating
from libc.math cimport sqrt
from libc.string cimport memcpy, memset

from fastmlp.kernels.isa cimport activate_gradient, barrier_wait, blocks, panel_columns, partition, sum_rows
from fastmlp.kernels.engine.description cimport BATCH_NORMALIZATION, LAYER_NORMALIZATION
from fastmlp.kernels.engine.edges cimport gather, through_activation
from fastmlp.kernels.engine.plan cimport Stage, Parameter, Part, Pass, Plan, element, memory_of, tile_of, wants_input
from fastmlp.kernels.engine.weights cimport apply

cdef double LEAST_DEVIATION = 1e-7  # Keras' epsilon(); what a given mean and variance divide by at least

cdef enum:
    TOGETHER = 16  # rows that are summed side by side, as each sum waits for its last addition


cdef int normalize_forward(Plan *plan, int number, const Part *part, const Pass *run, int met,
                           const floating *tag) noexcept nogil:
    """Returns how far the threads have met."""
    cdef Stage *stage = &plan.stages[number]
    cdef Py_ssize_t panels = blocks(stage.outputs, panel_columns(plan.isa, tag)), panel
    if stage.kind == LAYER_NORMALIZATION:
        normalize_rows(plan, number, part, tag)
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
        normalize_rows_backward(plan, number, part, tag)
    if stage.kind == LAYER_NORMALIZATION:
        barrier_wait(&plan.barrier, part.threads)
    for panel in range(partition(panels, part.thread, part.threads), partition(panels, part.thread + 1, part.threads)):
        if stage.kind == LAYER_NORMALIZATION:
            sum_normalized_rows(plan, number, panel, part, tile_of(plan, part, tag))
        else:
            if of_batch(stage, run):
                columns = statistics_of(plan, stage, panel, tag)
            else:
                given_statistics(plan, stage, panel, columns)
            sum_normalized_columns(plan, number, panel, part, columns, tile_of(plan, part, tag))
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
    return <floating *> stage.statistics + 4 * panel * panel_columns(plan.isa, tag)


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
    cdef int width = panel_columns(plan.isa, columns), j
    cdef Py_ssize_t rows = part.last - part.first, i
    cdef const floating *x = element(plan.stages[number].input, part.first, panel, width, columns)
    cdef floating *variance = columns + width
    cdef floating count = <floating> rows
    sum_rows(plan.isa, rows, x, columns)
    for j in range(width):
        columns[j] = columns[j] / count
    memset(variance, 0, width * sizeof(floating))
    for i in range(rows):
        for j in range(width):
            variance[j] += (x[i * width + j] - columns[j]) * (x[i * width + j] - columns[j])
    for j in range(width):
        variance[j] = variance[j] / count
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
    """y = (x - mean) * factor + offset for some rows of a panel."""
    cdef int width = panel_columns(plan.isa, columns), j
    cdef const floating *x = element(plan.stages[number].input, first, panel, width, columns)
    cdef floating *y = element(&plan.stages[number].output, first, panel, width, columns)
    cdef Py_ssize_t i
    for i in range(last - first):
        for j in range(width):
            y[i * width + j] = (x[i * width + j] - columns[j]) * columns[2 * width + j] + columns[3 * width + j]


cdef void sum_normalized_columns(Plan *plan, int number, Py_ssize_t panel, const Part *part, const floating *columns,
                                 floating *sums) noexcept nogil:
    """The gradients of gamma and beta, the sums over the rows of dy * (x - mean) * inverse and of dy, to `sums`."""
    cdef int width = panel_columns(plan.isa, columns), j
    cdef const floating *x = element(plan.stages[number].input, part.first, panel, width, columns)
    cdef const floating *dy = element(&plan.stages[number].gradient, part.first, panel, width, columns)
    cdef Py_ssize_t i
    memset(sums, 0, width * sizeof(floating))
    for i in range(part.last - part.first):
        for j in range(width):
            sums[j] += dy[i * width + j] * ((x[i * width + j] - columns[j]) * columns[width + j])
    sum_rows(plan.isa, part.last - part.first, dy, sums + width)


cdef void scale_panel_backward(Plan *plan, int number, Py_ssize_t panel, const Part *part, const Pass *run,
                               const floating *columns, floating *sums) noexcept nogil:
    """dx = factor * dy, in training less the parts of dy that mean and deviation take up.

    There is room for as many numbers behind the sums."""
    cdef int width = panel_columns(plan.isa, columns), j
    cdef const floating *x = element(plan.stages[number].input, part.first, panel, width, columns)
    cdef const floating *dy = element(&plan.stages[number].gradient, part.first, panel, width, columns)
    cdef floating *dx = element(plan.stages[number].edges[0].gradient, part.first, panel, width, columns)
    cdef floating *along = sums + 2 * width
    cdef floating *means = along + width
    cdef Py_ssize_t rows = part.last - part.first, i
    for j in range(2 * width):
        along[j] = sums[j] / <floating> rows
    for i in range(rows):
        if of_batch(&plan.stages[number], run):
            for j in range(width):
                dx[i * width + j] = columns[2 * width + j] * (
                    (dy[i * width + j] - means[j])
                    - ((x[i * width + j] - columns[j]) * columns[width + j]) * along[j]
                )
        else:
            for j in range(width):
                dx[i * width + j] = columns[2 * width + j] * dy[i * width + j]
    if plan.stages[number].edges[0].epilogue != NULL:
        activate_gradient(plan.isa, plan.stages[number].edges[0].epilogue.activation, NULL, rows * width, x, dx)


cdef void update_panel(Plan *plan, const Stage *stage, Py_ssize_t panel, const Pass *run,
                       floating *sums) noexcept nogil:
    """Update gamma and beta from their gradients."""
    cdef int width = panel_columns(plan.isa, sums)
    if stage.gamma != NULL:
        apply(plan, stage.gamma, stage.use, run, panel * width, width, sums)
    if stage.beta != NULL:
        apply(plan, stage.beta, stage.use, run, panel * width, width, sums + width)


# ---------------------------------------------------------------------------------------------------------------- rows


cdef void normalize_rows(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil:
    """y = (x - mean) * inverse * gamma + beta, with mean and deviation of each of the thread's rows."""
    cdef Stage *stage = &plan.stages[number]
    cdef floating *statistics = <floating *> stage.statistics
    cdef Py_ssize_t first = part.own_first, last, panel
    while first < part.own_last:
        last = min(first + TOGETHER, part.own_last)
        row_statistics(plan, number, first, last, statistics + 2 * first)
        for panel in range(blocks(stage.outputs, panel_columns(plan.isa, tag))):
            scale_rows(plan, number, panel, first, last, statistics + 2 * first)
        first = last


cdef void row_statistics(Plan *plan, int number, Py_ssize_t first, Py_ssize_t last,
                         floating *statistics) noexcept nogil:
    """The mean of each of TOGETHER rows at most, and the inverse of its deviation."""
    cdef const Stage *stage = &plan.stages[number]
    cdef Py_ssize_t rows = last - first, i
    cdef floating count = <floating> stage.outputs
    cdef floating sums[TOGETHER]
    cdef floating means[TOGETHER]
    memset(means, 0, sizeof(means))
    sum_powers(plan, number, first, rows, 1, means, sums)
    for i in range(rows):
        means[i] = sums[i] / count
    sum_powers(plan, number, first, rows, 2, means, sums)
    for i in range(rows):
        statistics[2 * i] = means[i]
        statistics[2 * i + 1] = <floating> 1 / <floating> sqrt(sums[i] / count + <floating> stage.epsilon)


cdef void sum_powers(Plan *plan, int number, Py_ssize_t first, Py_ssize_t rows, int power, const floating *means,
                     floating *sums) noexcept nogil:
    """The sums of x, or of (x - mean)^2, along some rows."""
    cdef const Stage *stage = &plan.stages[number]
    cdef int width = panel_columns(plan.isa, sums), j
    cdef Py_ssize_t panel, i
    cdef const floating *x
    memset(sums, 0, rows * sizeof(floating))
    for panel in range(blocks(stage.outputs, width)):
        x = element(plan.stages[number].input, first, panel, width, sums)
        for j in range(<int> min(width, stage.outputs - panel * width)):
            if power == 1:
                for i in range(rows):
                    sums[i] += x[i * width + j]
            else:
                for i in range(rows):
                    sums[i] += (x[i * width + j] - means[i]) * (x[i * width + j] - means[i])


cdef void scale_rows(Plan *plan, int number, Py_ssize_t panel, Py_ssize_t first, Py_ssize_t last,
                     const floating *statistics) noexcept nogil:
    """y from the statistics of some rows of a panel."""
    cdef const Stage *stage = &plan.stages[number]
    cdef int width = panel_columns(plan.isa, statistics), j
    cdef const floating *x = element(plan.stages[number].input, first, panel, width, statistics)
    cdef const floating *gamma = vector_of(plan, stage.gamma, panel, statistics)
    cdef const floating *beta = vector_of(plan, stage.beta, panel, statistics)
    cdef floating *y = element(&stage.output, first, panel, width, statistics)
    cdef floating mean, inverse
    cdef Py_ssize_t i
    for i in range(last - first):
        mean = statistics[2 * i]
        inverse = statistics[2 * i + 1]
        for j in range(width):
            y[i * width + j] = (((x[i * width + j] - mean) * inverse) * (gamma[j] if gamma != NULL else <floating> 1)
                                + (beta[j] if beta != NULL else <floating> 0))


cdef void normalize_rows_backward(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil:
    """dx = inverse * (g - mean(g) - normal * mean(g * normal)), g = dy * gamma, for the thread's rows."""
    cdef Stage *stage = &plan.stages[number]
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t first = part.own_first, rows, panel, i
    cdef const floating *statistics
    cdef floating totals[TOGETHER]
    cdef floating along[TOGETHER]
    while first < part.own_last:
        rows = min(TOGETHER, part.own_last - first)
        statistics = <const floating *> stage.statistics + 2 * first
        memset(totals, 0, sizeof(totals))
        memset(along, 0, sizeof(along))
        for panel in range(blocks(stage.outputs, width)):
            sum_row_gradients(plan, number, panel, first, rows, statistics, totals, along)
        for i in range(rows):
            totals[i] = totals[i] / <floating> stage.outputs
            along[i] = along[i] / <floating> stage.outputs
        for panel in range(blocks(stage.outputs, width)):
            scale_rows_backward(plan, number, panel, first, rows, statistics, totals, along)
        first += rows
    through_activation(plan, stage.edges[0].epilogue, part, tag)
    gather(plan, &stage.edges[0], part, tag)


cdef void sum_row_gradients(Plan *plan, int number, Py_ssize_t panel, Py_ssize_t first, Py_ssize_t rows,
                            const floating *statistics, floating *totals, floating *along) noexcept nogil:
    """Put g where dx will be, for some rows of a panel, and add it and its products with what is normal to the sums."""
    cdef const Stage *stage = &plan.stages[number]
    cdef int width = panel_columns(plan.isa, statistics), j
    cdef const floating *x = element(plan.stages[number].input, first, panel, width, statistics)
    cdef const floating *dy = element(&stage.gradient, first, panel, width, statistics)
    cdef const floating *gamma = vector_of(plan, stage.gamma, panel, statistics)
    cdef floating *g = element(plan.stages[number].edges[0].gradient, first, panel, width, statistics)
    cdef Py_ssize_t i
    for i in range(rows):
        for j in range(width):
            g[i * width + j] = dy[i * width + j] * (gamma[j] if gamma != NULL else <floating> 1)
    for j in range(<int> min(width, stage.outputs - panel * width)):
        for i in range(rows):
            totals[i] += g[i * width + j]
            along[i] += g[i * width + j] * ((x[i * width + j] - statistics[2 * i]) * statistics[2 * i + 1])


cdef void scale_rows_backward(Plan *plan, int number, Py_ssize_t panel, Py_ssize_t first, Py_ssize_t rows,
                              const floating *statistics, const floating *totals,
                              const floating *along) noexcept nogil:
    """From g to dx, for some rows of a panel."""
    cdef int width = panel_columns(plan.isa, statistics), j
    cdef const floating *x = element(plan.stages[number].input, first, panel, width, statistics)
    cdef floating *dx = element(plan.stages[number].edges[0].gradient, first, panel, width, statistics)
    cdef floating mean, inverse, total, share_along
    cdef Py_ssize_t i
    for i in range(rows):
        mean = statistics[2 * i]
        inverse = statistics[2 * i + 1]
        total = totals[i]
        share_along = along[i]
        for j in range(width):
            dx[i * width + j] = inverse * (
                (dx[i * width + j] - total) - ((x[i * width + j] - mean) * inverse) * share_along
            )


cdef void sum_normalized_rows(Plan *plan, int number, Py_ssize_t panel, const Part *part,
                              floating *sums) noexcept nogil:
    """The gradients of gamma and beta as in sum_normalized_columns, of rows that were normalized each for itself."""
    cdef int width = panel_columns(plan.isa, sums), j
    cdef const floating *x = element(plan.stages[number].input, part.first, panel, width, sums)
    cdef const floating *dy = element(&plan.stages[number].gradient, part.first, panel, width, sums)
    cdef const floating *statistics = <const floating *> plan.stages[number].statistics + 2 * part.first
    cdef Py_ssize_t i
    memset(sums, 0, width * sizeof(floating))
    for i in range(part.last - part.first):
        for j in range(width):
            sums[j] += dy[i * width + j] * ((x[i * width + j] - statistics[2 * i]) * statistics[2 * i + 1])
    sum_rows(plan.isa, part.last - part.first, dy, sums + width)
