"""The stages that take each row for itself: activation, dropout, noise, scaling, length; each thread has its own."""

from cython cimport floating
from libc.math cimport fabs, sqrt
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from fastmlp.kernels.activations cimport activate_row, activate_row_gradient, is_of_rows, takes_input
from fastmlp.kernels.dropout cimport add_noise, draw_mask, draw_noise, dropout_setting, saturate
from fastmlp.kernels.dropout cimport saturate_gradient, scatter
from fastmlp.kernels.isa cimport Dropout
from fastmlp.kernels.isa cimport activate, activate_gradient, blocks, dropout as dropout_elements, panel_columns
from fastmlp.kernels.isa cimport rescale
from fastmlp.kernels.engine.description cimport ACTIVATION, ACTIVITY_PENALTY, ALPHA_DROPOUT, DROPOUT
from fastmlp.kernels.engine.description cimport GAUSSIAN_DROPOUT, GAUSSIAN_NOISE, RESCALING
from fastmlp.kernels.engine.description cimport UNIT_NORMALIZATION
from fastmlp.kernels.engine.edges cimport gather, through_activation
from fastmlp.kernels.engine.plan cimport Stage, Matrix, Part, Pass, Plan, element, memory_of
from fastmlp.kernels.engine.rows cimport copy_row, put_row, take_row

cdef double LEAST_LENGTH = 1e-12  # Keras'; what a row is divided by at least


cdef void rowwise_forward(Plan *plan, int number, const Part *part, const Pass *run,
                          const floating *tag) noexcept nogil:
    cdef Stage *stage = &plan.stages[number]
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t n = (part.own_last - part.own_first) * width, panel
    cdef floating *y
    for panel in range(blocks(stage.outputs, width)):
        y = element(&stage.output, part.own_first, panel, width, tag)
        memcpy(y, element(stage.input, part.own_first, panel, width, tag), n * sizeof(floating))
        if stage.kind == ACTIVATION and not is_of_rows(stage.activation):
            activate(plan.isa, stage.activation, stage.settings.numbers, n, y)
        elif stage.kind == RESCALING:
            rescale(plan.isa, n, stage.scale, stage.offset, y)
    if stage.kind == ACTIVATION and is_of_rows(stage.activation):
        activate_rows(plan, stage, part, tag)
    elif stage.kind == DROPOUT and run.training:
        drop(plan, stage, part, run.step, &stage.output, tag)
    elif stage.kind == GAUSSIAN_NOISE and run.training:
        disturb(plan, stage, part, run.step, tag)
    elif (stage.kind == ALPHA_DROPOUT or stage.kind == GAUSSIAN_DROPOUT) and run.training:
        scatter_rows(plan, stage, part, run.step, &stage.output, False, tag)
    elif stage.kind == ACTIVITY_PENALTY:
        penalize(plan, stage, part, tag)
    elif stage.kind == UNIT_NORMALIZATION:
        unit_rows(plan, stage, part, tag)


cdef void activate_rows(Plan *plan, Stage *stage, const Part *part, const floating *tag) noexcept nogil:
    cdef int width = panel_columns(plan.isa, tag)
    cdef floating *y
    cdef Py_ssize_t i
    for i in range(part.own_first, part.own_last):
        y = take_row(&stage.output, i, width, memory_of(plan, part, tag))
        activate_row(plan.isa, stage.activation, stage.settings.numbers, stage.outputs, y)
        put_row(&stage.output, i, width, y)


cdef void drop(Plan *plan, const Stage *stage, const Part *part, uint64_t step, const Matrix *matrix,
               const floating *tag) noexcept nogil:
    """Drop elements of the thread's rows, a few rows at a time side by side: masks are drawn for many at once."""
    cdef int width = panel_columns(plan.isa, tag)
    cdef Dropout setting = dropout_setting(stage.rate, stage.seed, step, stage.place)
    cdef Py_ssize_t n = stage.outputs, together = max(1, width * width // n), first = part.own_first, last, i
    cdef floating *values = memory_of(plan, part, tag)
    while first < part.own_last:
        last = min(first + together, part.own_last)
        for i in range(first, last):
            copy_row(matrix, i, width, values + (i - first) * n)
        dropout_elements(plan.isa, &setting, first * n, (last - first) * n, values)
        for i in range(first, last):
            put_row(matrix, i, width, values + (i - first) * n)
        first = last


cdef void disturb(Plan *plan, Stage *stage, const Part *part, uint64_t step, const floating *tag) noexcept nogil:
    """Add noise to the thread's rows."""
    cdef int width = panel_columns(plan.isa, tag)
    cdef floating *y
    cdef Py_ssize_t n = stage.outputs, i
    for i in range(part.own_first, part.own_last):
        y = take_row(&stage.output, i, width, memory_of(plan, part, tag))
        add_noise(stage.stddev, stage.seed, step, stage.place, <uint64_t> (i * n), n, y)
        put_row(&stage.output, i, width, y)


cdef void scatter_rows(Plan *plan, const Stage *stage, const Part *part, uint64_t step, const Matrix *matrix,
                       bint backward, const floating *tag) noexcept nogil:
    """Multiply the thread's rows by numbers about 1, or drop elements to where selu ends; or the gradient of that."""
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t n = stage.outputs, i
    cdef floating *drawn = memory_of(plan, part, tag)
    cdef const floating *x
    for i in range(part.own_first, part.own_last):
        x = take_row(matrix, i, width, drawn + blocks(n, width) * width)
        if stage.kind == GAUSSIAN_DROPOUT:
            draw_noise(stage.stddev, stage.seed, step, stage.place, <uint64_t> (i * n), n, drawn)
            scatter(n, x, drawn)
        else:
            draw_mask(plan.isa, stage.rate, stage.seed, step, stage.place, <uint64_t> (i * n), n, drawn)
            if backward:
                saturate_gradient(stage.rate, n, x, drawn)
            else:
                saturate(stage.rate, n, x, drawn)
        put_row(matrix, i, width, drawn)


cdef void penalize(Plan *plan, Stage *stage, const Part *part, const floating *tag) noexcept nogil:
    """Add the penalty of each of the thread's rows, l1 * sum |y| + l2 * sum y^2, to its others."""
    cdef int width = panel_columns(plan.isa, tag)
    cdef floating magnitudes, squares
    cdef floating *penalties = <floating *> plan.activity
    cdef const floating *y
    cdef Py_ssize_t i, j
    for i in range(part.own_first, part.own_last):
        y = take_row(&stage.output, i, width, memory_of(plan, part, tag))
        magnitudes = squares = 0
        for j in range(stage.outputs):
            magnitudes += <floating> fabs(y[j])
            squares += y[j] * y[j]
        penalties[i] += <floating> stage.l1 * magnitudes + <floating> stage.l2 * squares


cdef void unit_rows(Plan *plan, Stage *stage, const Part *part, const floating *tag) noexcept nogil:
    """Divide each of the thread's rows by its length."""
    cdef int width = panel_columns(plan.isa, tag)
    cdef floating *y
    cdef floating length
    cdef Py_ssize_t i, j
    for i in range(part.own_first, part.own_last):
        y = take_row(&stage.output, i, width, memory_of(plan, part, tag))
        length = length_of(stage.outputs, y)
        for j in range(stage.outputs):
            y[j] = y[j] / length
        put_row(&stage.output, i, width, y)


cdef void unit_rows_backward(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil:
    """dx = (dy - y * sum dy y) / length, for the thread's rows of the gradient below, where dy is."""
    cdef const Stage *stage = &plan.stages[number]
    cdef const Matrix *below = stage.edges[0].gradient
    cdef int width = panel_columns(plan.isa, tag)
    cdef floating *memory = memory_of(plan, part, tag)
    cdef floating *dx
    cdef const floating *x
    cdef floating length, along
    cdef Py_ssize_t i, j
    for i in range(part.own_first, part.own_last):
        dx = take_row(below, i, width, memory)
        x = take_row(stage.input, i, width, memory + blocks(stage.outputs, width) * width)
        length = length_of(stage.outputs, x)
        along = 0
        if length > <floating> LEAST_LENGTH:
            for j in range(stage.outputs):
                along += dx[j] * (x[j] / length)
        for j in range(stage.outputs):
            dx[j] = (dx[j] - (x[j] / length) * along) / length
        put_row(below, i, width, dx)


cdef inline floating length_of(Py_ssize_t n, const floating *x) noexcept nogil:
    """sqrt of the sum of squares, at least LEAST_LENGTH."""
    cdef floating squares = 0
    cdef Py_ssize_t j
    for j in range(n):
        squares += x[j] * x[j]
    return <floating> LEAST_LENGTH if sqrt(squares) < LEAST_LENGTH else <floating> sqrt(squares)


cdef void add_activity_gradient(const Stage *stage, Py_ssize_t rows, Py_ssize_t n, const floating *y,
                                floating *dy) noexcept nogil:
    """Add the gradient of the mean over the rows of their penalties."""
    cdef floating l1 = <floating> stage.l1, twice_l2 = <floating> (2.0 * stage.l2), count = <floating> rows
    cdef Py_ssize_t i
    for i in range(n):
        dy[i] = dy[i] + (twice_l2 * y[i] + l1 * ((y[i] > 0) - (y[i] < 0))) / count


cdef void rowwise_backward(Plan *plan, int number, const Part *part, const Pass *run,
                           const floating *tag) noexcept nogil:
    """The gradient of the input from that of the output, for the thread's rows."""
    cdef Stage *stage = &plan.stages[number]
    cdef const Matrix *below = stage.edges[0].gradient
    cdef const Matrix *source = stage.input if takes_input(stage.activation) else &stage.output
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t n = (part.own_last - part.own_first) * width, panel
    cdef floating *dx
    for panel in range(blocks(stage.outputs, width)):
        if stage.apart:
            memset(element(&stage.gradient, part.own_first, panel, width, tag), 0, n * sizeof(floating))
        dx = element(below, part.own_first, panel, width, tag)
        memcpy(dx, element(&stage.gradient, part.own_first, panel, width, tag), n * sizeof(floating))
        if stage.kind == ACTIVATION and not is_of_rows(stage.activation):
            activate_gradient(plan.isa, stage.activation, stage.settings.numbers, n,
                              element(source, part.own_first, panel, width, tag), dx)
        elif stage.kind == RESCALING:
            rescale(plan.isa, n, stage.scale, -0.0, dx)  # 0.0 would lose the sign of 0
        elif stage.kind == ACTIVITY_PENALTY and run.penalized:
            add_activity_gradient(stage, part.last - part.first, n,
                                  element(&stage.output, part.own_first, panel, width, tag), dx)
    if stage.kind == ACTIVATION and is_of_rows(stage.activation):
        activate_row_gradients(plan, stage, part, below, tag)
    elif stage.kind == DROPOUT and run.training:
        drop(plan, stage, part, run.step, below, tag)
    elif (stage.kind == ALPHA_DROPOUT or stage.kind == GAUSSIAN_DROPOUT) and run.training:
        scatter_rows(plan, stage, part, run.step, below, True, tag)
    elif stage.kind == UNIT_NORMALIZATION:
        unit_rows_backward(plan, number, part, tag)
    through_activation(plan, stage.edges[0].epilogue, part, tag)
    gather(plan, &stage.edges[0], part, tag)


cdef void activate_row_gradients(Plan *plan, const Stage *stage, const Part *part, const Matrix *below,
                                 const floating *tag) noexcept nogil:
    cdef int width = panel_columns(plan.isa, tag)
    cdef floating *memory = memory_of(plan, part, tag)
    cdef floating *dx
    cdef Py_ssize_t i
    for i in range(part.own_first, part.own_last):
        dx = take_row(below, i, width, memory)
        activate_row_gradient(plan.isa, stage.activation, stage.settings.numbers, stage.outputs,
                              take_row(&stage.output, i, width, memory + blocks(stage.outputs, width) * width), dx)
        put_row(below, i, width, dx)
