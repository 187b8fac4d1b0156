"""The stages that take each row for itself: activation, dropout, noise, scaling, length; each thread has its own."""

from cython cimport floating
from libc.math cimport fabs
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset

from fastmlp.kernels.activations cimport activate_row, activate_row_gradient, is_of_rows, takes_input
from fastmlp.kernels.dropout cimport gradient_of, noise_of
from fastmlp.kernels.isa cimport DISTURB, DROP, SATURATE, SCATTER, Noise
from fastmlp.kernels.isa cimport activate, activate_gradient, add_noise, blocks, panel_columns, rescale, unit_rows
from fastmlp.kernels.isa cimport unit_rows_gradient
from fastmlp.kernels.engine.description cimport ACTIVATION, ACTIVITY_PENALTY, ALPHA_DROPOUT, DROPOUT
from fastmlp.kernels.engine.description cimport GAUSSIAN_DROPOUT, GAUSSIAN_NOISE, RESCALING
from fastmlp.kernels.engine.description cimport UNIT_NORMALIZATION
from fastmlp.kernels.engine.edges cimport gather, through_activation
from fastmlp.kernels.engine.plan cimport Stage, Matrix, Part, Pass, Plan, element, memory_of
from fastmlp.kernels.engine.rows cimport put_row, take_row


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
    elif is_noise(stage.kind) and run.training:
        disturb(plan, stage, part, run, &stage.output, False, tag)
    elif stage.kind == ACTIVITY_PENALTY:
        penalize(plan, stage, part, tag)
    elif stage.kind == UNIT_NORMALIZATION:
        unit_rows(plan.isa, part.own_last - part.own_first, stage.outputs,
                  element(&stage.output, part.own_first, 0, width, tag), stage.output.stride)


cdef void activate_rows(Plan *plan, Stage *stage, const Part *part, const floating *tag) noexcept nogil:
    cdef int width = panel_columns(plan.isa, tag)
    cdef floating *y
    cdef Py_ssize_t i
    for i in range(part.own_first, part.own_last):
        y = take_row(&stage.output, i, width, memory_of(plan, part, tag))
        activate_row(plan.isa, stage.activation, stage.settings.numbers, stage.outputs, y)
        put_row(&stage.output, i, width, y)


cdef void disturb(Plan *plan, const Stage *stage, const Part *part, const Pass *run, const Matrix *matrix,
                  bint backward, const floating *tag) noexcept nogil:
    """Drop elements of the thread's rows, or add noise, or multiply by it; or the gradient of that."""
    cdef Noise noise = noise_of(noise_kind(stage.kind), amount_of(stage), stage.seed, run.step, stage.place)
    if backward:
        noise = gradient_of(noise)
    add_noise(plan.isa, &noise, <uint64_t> ((run.first_row + part.own_first) * stage.outputs),
              part.own_last - part.own_first, stage.outputs,
              element(matrix, part.own_first, 0, panel_columns(plan.isa, tag), tag), matrix.stride)


cdef inline bint is_noise(int kind) noexcept nogil:
    return kind == DROPOUT or kind == ALPHA_DROPOUT or kind == GAUSSIAN_DROPOUT or kind == GAUSSIAN_NOISE


cdef inline int noise_kind(int kind) noexcept nogil:
    if kind == DROPOUT:
        return DROP
    if kind == ALPHA_DROPOUT:
        return SATURATE
    return SCATTER if kind == GAUSSIAN_DROPOUT else DISTURB


cdef inline double amount_of(const Stage *stage) noexcept nogil:
    return stage.rate if stage.kind == DROPOUT or stage.kind == ALPHA_DROPOUT else stage.stddev


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
    elif is_noise(stage.kind) and stage.kind != GAUSSIAN_NOISE and run.training:
        disturb(plan, stage, part, run, below, True, tag)
    elif stage.kind == UNIT_NORMALIZATION:
        unit_rows_gradient(plan.isa, part.own_last - part.own_first, stage.outputs,
                           element(stage.input, part.own_first, 0, width, tag), stage.input.stride,
                           element(below, part.own_first, 0, width, tag), below.stride)
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
