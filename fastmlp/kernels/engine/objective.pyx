"""The objective of a batch: losses and metrics of its predictions, and the gradient that backward starts from."""

from cython cimport floating
from libc.string cimport memcpy, memset

from fastmlp.kernels.activations cimport activate_row
from fastmlp.kernels.isa cimport barrier_wait, blocks, fetch, flag_is_raised, flag_set, flush_denormals, panel_columns
from fastmlp.kernels.engine.description cimport BINARY_ACCURACY, CATEGORICAL_ACCURACY, DENSE, OWN_LOSS
from fastmlp.kernels.engine.exceptions cimport call
from fastmlp.kernels.engine.edges cimport through_activation
from fastmlp.kernels.engine.plan cimport CUSTOM_LOSS, NO_LOSS, NO_METRIC
from fastmlp.kernels.engine.plan cimport Data, Matrix, Output, Part, Pass, Plan, Target, memory_of, row_number
from fastmlp.kernels.engine.plan cimport rows_ahead
from fastmlp.kernels.row_losses cimport classes_of, gradient_of_row, link_of, loss_of_row, smooth_row
from fastmlp.kernels.engine.rows cimport copy_row, place_of_row, put_row, take_row
from fastmlp.kernels.engine.weights cimport multiply


cdef void compare(Plan *plan, const Data *data, Py_ssize_t start, const Part *part, const Pass *run,
                  const floating *tag) noexcept nogil:
    """Losses, metrics and gradients of this thread's rows, output by output."""
    cdef Output *output
    cdef Target target
    cdef int number
    cdef Py_ssize_t rows = run.rows if run.gradients else data.rows, i, later
    if data.asked != NULL and not ask_for_gradients(plan, data, part, tag):
        return
    for number in range(plan.output_count):
        output = &plan.outputs[number]
        target = data.targets[number]
        if target.next_epoch != 0:
            target.predictions = <char *> target.predictions + start // data.rows * target.next_epoch
        if not plan.has_loss:
            if run.gradients:
                start_from(plan, output, &target, part, tag)
            continue
        if output.loss.kind == CUSTOM_LOSS and not ask(plan, output, &target, start, part, tag):
            return
        for i in range(part.own_first, part.own_last):
            later = i + rows_ahead(output.columns * sizeof(floating))
            if target.y != NULL and later < part.own_last:
                fetch(<const floating *> target.y + row_number(data, start + later) * output.columns,
                      output.columns * sizeof(floating))
            elif target.labels != NULL and later < part.own_last:
                fetch(target.labels + row_number(data, start + later), sizeof(int))
            compare_row(plan, output, &target, row_number(data, start + i), i, rows, part, run, tag)
        if run.gradients and output.completes and output.loss.kind != NO_LOSS:
            complete(plan, output, part, tag)
    if plan.has_loss and plan.losses != plan.outputs[0].losses:
        for i in range(part.own_first, part.own_last):
            add_losses(plan, i, tag)


cdef inline void add_losses(Plan *plan, Py_ssize_t i, const floating *tag) noexcept nogil:
    """The loss of a row, of all outputs, with the penalties of its activities."""
    cdef const Output *output
    cdef floating loss = 0
    cdef int number
    for number in range(plan.output_count):
        output = &plan.outputs[number]
        if output.loss.kind != NO_LOSS:
            loss += <floating> output.loss_weight * (<const floating *> output.losses)[i]
    if plan.active:
        loss = loss + (<const floating *> plan.activity)[i]
    (<floating *> plan.losses)[i] = loss


cdef inline void complete(const Plan *plan, const Output *output, const Part *part,
                          const floating *tag) noexcept nogil:
    if plan.stages[output.top].kind == DENSE:
        through_activation(plan, &plan.stages[output.top], part, tag)


cdef void start_from(const Plan *plan, const Output *output, const Target *target, const Part *part,
                     const floating *tag) noexcept nogil:
    """The gradient that is given for an output, for the thread's rows; 0 where none is."""
    cdef int width = panel_columns(plan.isa, tag)
    cdef floating *memory = memory_of(plan, part, tag)
    cdef Py_ssize_t n = output.columns, i
    for i in range(part.own_first, part.own_last):
        if target.gradient != NULL:
            memcpy(memory, <const floating *> target.gradient + i * n, n * sizeof(floating))
        else:
            memset(memory, 0, n * sizeof(floating))
        give_row(plan, output, i, width, memory)
    if output.completes:
        complete(plan, output, part, tag)


cdef inline void give_row(const Plan *plan, const Output *output, Py_ssize_t i, int width,
                          floating *gradient) noexcept nogil:
    """Write a row of the gradient where backward starts, or add it to what is there; memory for one follows it."""
    cdef const Matrix *matrix = &plan.stages[output.top].gradient
    cdef const floating *before
    cdef Py_ssize_t j
    if output.adds:
        before = take_row(matrix, i, width, gradient + blocks(output.columns, width) * width)
        for j in range(output.columns):
            gradient[j] = before[j] + gradient[j]
    put_row(matrix, i, width, gradient)


cdef inline void compare_row(Plan *plan, Output *output, const Target *target, Py_ssize_t row, Py_ssize_t i,
                             Py_ssize_t rows, const Part *part, const Pass *run, const floating *tag) noexcept nogil:
    """Row number i of the batch, which is row `row` of the data; where losses are summed, they are those of `rows`."""
    cdef int width = panel_columns(plan.isa, tag), label = target.labels[row] if target.labels != NULL else 0
    cdef Py_ssize_t n = output.columns, padded = blocks(n, width) * width
    cdef floating *memory = memory_of(plan, part, tag)
    cdef floating *gradient
    cdef floating *losses = <floating *> output.losses
    cdef const floating *predictions = take_row(&plan.stages[output.stage].output, i, width, memory)
    cdef const floating *t = <const floating *> target.y + row * n if target.y != NULL else NULL
    cdef const floating *truth = t  # as the loss sees it
    cdef const floating *weight = <const floating *> target.weights + row if target.weights != NULL else NULL
    if target.predictions != NULL:
        memcpy(<floating *> target.predictions + row * n, predictions, n * sizeof(floating))
    if output.loss.kind == NO_LOSS:
        return
    if output.loss.label_smoothing > 0:
        truth = memory + 3 * padded
        smooth_row(output.loss.label_smoothing, classes_of(output.loss.kind, n), n, t, memory + 3 * padded)
    if output.loss.kind != CUSTOM_LOSS:
        losses[i] = loss_of_row(&output.loss, n, truth, label,
                                take_row(&plan.stages[output.top].output, i, width, memory + padded))
    if target.metric == OWN_LOSS:
        output.metrics[i] = losses[i]
    else:
        output.metrics[i] = metric_of_row(target.metric, n, t, label, predictions)
    if weight != NULL:
        losses[i] = weight[0] * losses[i]
    if output.sums:
        losses[i] = <floating> rows * losses[i]
    if not run.gradients:
        return
    gradient = memory + 2 * padded
    if not output.adds:
        gradient = place_of_row(&plan.stages[output.top].gradient, i, width, gradient)
    if output.loss.kind == CUSTOM_LOSS:
        memcpy(gradient, <const floating *> output.custom_gradient + i * n, n * sizeof(floating))
    else:
        memcpy(gradient, predictions, n * sizeof(floating))
        if not output.fused:
            activate_row(plan.isa, link_of(output.loss.kind), NULL, n, gradient)
        gradient_of_row(&output.loss, n, run.rows, truth, label, gradient, gradient)
    if weight != NULL:
        multiply(n, weight[0], gradient)
    if output.sums:
        multiply(n, <floating> rows, gradient)
    if output.loss_weight != 1:
        multiply(n, <floating> output.loss_weight, gradient)
    flush_denormals(plan.isa, n, gradient)
    give_row(plan, output, i, width, gradient)


cdef bint ask_for_gradients(Plan *plan, const Data *data, const Part *part, const floating *tag) noexcept nogil:
    """Let the first thread ask for the gradients of the outputs, given the outputs; returns whether it got them."""
    cdef int width = panel_columns(plan.isa, tag), number
    cdef Py_ssize_t n, i
    for number in range(plan.output_count):
        n = plan.outputs[number].columns
        for i in range(part.own_first, part.own_last):
            copy_row(&plan.stages[plan.outputs[number].stage].output, i, width,
                     <floating *> data.targets[number].predictions + i * n)
    return ask_python(plan, data.asked, 0, part)


cdef bint ask_python(Plan *plan, void *asked, Py_ssize_t start, const Part *part) noexcept nogil:
    """Let the first thread call a Python object while the others wait; returns whether it gave an answer."""
    barrier_wait(&plan.barrier, part.threads)
    if part.thread == 0:
        flag_set(&plan.stopped, not call(plan, asked, start, part.last))
    barrier_wait(&plan.barrier, part.threads)
    return not flag_is_raised(&plan.stopped)


cdef bint ask(Plan *plan, Output *output, const Target *target, Py_ssize_t start, const Part *part,
              const floating *tag) noexcept nogil:
    """Let the first thread call the custom loss for the batch; returns whether it gave an answer."""
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t n = output.columns, i
    for i in range(part.own_first, part.own_last):
        copy_row(&plan.stages[output.stage].output, i, width, <floating *> output.custom_predictions + i * n)
    return ask_python(plan, target.custom_loss, start, part)


cdef double metric_of_row(int metric, Py_ssize_t n, const floating *t, int label, const floating *p) noexcept nogil:
    cdef Py_ssize_t j, right = 0
    if metric == NO_METRIC:
        return 0
    if metric == BINARY_ACCURACY:
        for j in range(n):
            right += (p[j] > 0.5) == (t[j] > 0.5)
        return <double> right / n
    if metric == CATEGORICAL_ACCURACY:
        return first_largest(n, p) == first_largest(n, t)
    return first_largest(n, p) == label


cdef inline Py_ssize_t first_largest(Py_ssize_t n, const floating *x) noexcept nogil:
    cdef Py_ssize_t j, best = 0
    for j in range(1, n):
        if x[j] > x[best]:
            best = j
    return best
