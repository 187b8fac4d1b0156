"""The objective of a batch: losses and metrics of its predictions, and the gradient that backward starts from."""

from cython cimport floating
from libc.string cimport memcpy

from fastmlp.kernels.activations cimport activate_row
from fastmlp.kernels.isa cimport barrier_wait, blocks, panel_columns
from fastmlp.kernels.engine.description cimport BINARY_ACCURACY, CATEGORICAL_ACCURACY
from fastmlp.kernels.engine.exceptions cimport call
from fastmlp.kernels.engine.plan cimport CUSTOM_LOSS, NO_LOSS, NO_METRIC
from fastmlp.kernels.engine.plan cimport Data, Part, Pass, Plan, gradient_of, input_of, memory_of, row_number
from fastmlp.kernels.row_losses cimport classes_of, gradient_of_row, link_of, loss_of_row, smooth_row
from fastmlp.kernels.engine.rows cimport copy_row, place_of_row, put_row, take_row
from fastmlp.kernels.engine.stage_rowwise cimport through_activation
from fastmlp.kernels.engine.weights cimport multiply


cdef void compare(Plan *plan, const Data *data, Py_ssize_t start, const Part *part, const Pass *run,
                  const floating *tag) noexcept nogil:
    """Loss, metric and gradient of this thread's rows."""
    cdef int top = plan.depth - 2 if plan.fused else plan.depth - 1
    cdef Py_ssize_t i
    if plan.loss.kind == NO_LOSS:
        return
    if plan.loss.kind == CUSTOM_LOSS and not ask(plan, data, start, part, tag):
        return
    for i in range(part.own_first, part.own_last):
        compare_row(plan, data, row_number(data, start + i), i, top, part, run, tag)
    if run.gradients:
        through_activation(plan, top, part, tag)


cdef inline void compare_row(Plan *plan, const Data *data, Py_ssize_t row, Py_ssize_t i, int top, const Part *part,
                             const Pass *run, const floating *tag) noexcept nogil:
    """Row number i of the batch, which is row `row` of the data."""
    cdef int width = panel_columns(plan.isa, tag), label = data.labels[row] if data.labels != NULL else 0
    cdef Py_ssize_t n = plan.outputs, padded = blocks(n, width) * width
    cdef floating *memory = memory_of(plan, part, tag)
    cdef floating *gradient
    cdef floating *losses = <floating *> plan.losses
    cdef const floating *predictions = take_row(input_of(plan, plan.depth), i, width, memory)
    cdef const floating *t = <const floating *> data.y + row * n if data.y != NULL else NULL
    cdef const floating *truth = t  # as the loss sees it
    cdef const floating *weight = <const floating *> data.weights + row if data.weights != NULL else NULL
    if plan.loss.label_smoothing > 0:
        truth = memory + 3 * padded
        smooth_row(plan.loss.label_smoothing, classes_of(plan.loss.kind, n), n, t, memory + 3 * padded)
    if plan.loss.kind != CUSTOM_LOSS:
        losses[i] = loss_of_row(&plan.loss, n, truth, label,
                                take_row(input_of(plan, top + 1), i, width, memory + padded))
    plan.metrics[i] = metric_of_row(data.metric, n, t, label, predictions)
    if weight != NULL:
        losses[i] = weight[0] * losses[i]
    if plan.active:
        losses[i] = losses[i] + (<const floating *> plan.activity)[i]
    if data.predictions != NULL:
        memcpy(<floating *> data.predictions + row * n, predictions, n * sizeof(floating))
    if not run.gradients:
        return
    gradient = place_of_row(gradient_of(plan, top), i, width, memory + 2 * padded)
    if plan.loss.kind == CUSTOM_LOSS:
        memcpy(gradient, <const floating *> plan.custom_gradient + i * n, n * sizeof(floating))
    else:
        memcpy(gradient, predictions, n * sizeof(floating))
        if not plan.fused:
            activate_row(plan.isa, link_of(plan.loss.kind), n, gradient)
        gradient_of_row(&plan.loss, n, part.last - part.first, truth, label, gradient, gradient)
    if weight != NULL:
        multiply(n, weight[0], gradient)
    put_row(gradient_of(plan, top), i, width, gradient)


cdef bint ask(Plan *plan, const Data *data, Py_ssize_t start, const Part *part, const floating *tag) noexcept nogil:
    """Let the first thread call the custom loss for the batch; returns whether it gave an answer."""
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t n = plan.outputs, i
    for i in range(part.own_first, part.own_last):
        copy_row(input_of(plan, plan.depth), i, width, <floating *> plan.custom_predictions + i * n)
    barrier_wait(&plan.barrier, part.threads)
    if part.thread == 0:
        plan.stopped = not call(plan, data.custom_loss, start, part.last)
    barrier_wait(&plan.barrier, part.threads)
    return not plan.stopped


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
