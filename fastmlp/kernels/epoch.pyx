"""The loops over batches: load, forward, loss, backward, update; run by every thread of one parallel region.

Training shares each batch between the threads; predictions give each thread rows of its own, so that none waits.
"""

from cython cimport floating
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy
from libc.time cimport time

from fastmlp.kernels.activations cimport activate_row
from fastmlp.kernels.isa cimport FLOAT32, STORE, UINT8, Optimizer
from fastmlp.kernels.isa cimport barrier_wait, blocks, load, panel_columns, share, sum_squares
from fastmlp.kernels.optimizers cimport at_step
from fastmlp.kernels.plan cimport BINARY_ACCURACY, CATEGORICAL_ACCURACY, DENSE, NO_LOSS, NO_METRIC
from fastmlp.kernels.plan cimport Data, Layer, Matrix, Part, Pass, Plan, element, input_of, memory_of, part_alone
from fastmlp.kernels.plan cimport part_of, row_number
from fastmlp.kernels.propagate cimport backward, forward
from fastmlp.kernels.row_losses cimport classes_of, gradient_of_row, link_of, loss_of_row, smooth_row
from fastmlp.kernels.stage_rowwise cimport copy_row, put_row, take_row, through_activation

cdef extern from "Python.h":
    int PyErr_CheckSignals() noexcept  # an exception it sets is kept for engine.pyx to raise


cdef void train(Plan *plan, const Data *data, Py_ssize_t batch_size, const floating *kind) noexcept nogil:
    """One epoch. Totals are kept by the first thread, which also looks for Ctrl-C once a second."""
    cdef Py_ssize_t start = 0
    cdef uint64_t step = plan.step
    cdef long long second = time(NULL)
    cdef double penalty = 0
    cdef Optimizer optimizer
    cdef Pass run = Pass(True, True, step)
    cdef Part part
    while start < data.rows and step < plan.last_step:
        part = part_of(plan, min(batch_size, data.rows - start), kind)
        if data.penalty_scales != NULL:
            part.penalty_scale = data.penalty_scales[start // batch_size]
        load_rows(plan, data, start, &part, kind)
        if plan.penalized:
            square_kernels(plan, &part, kind)
        run.step = step
        forward(plan, &part, &run, kind)
        compare(plan, data, start, &part, <floating *> plan.losses)
        if plan.penalized and part.number == 0:
            penalty = part.penalty_scale * penalty_of(plan, <floating *> plan.squares)
        optimizer = plan.optimizer
        if data.learning_rates != NULL:
            optimizer.learning_rate = data.learning_rates[start // batch_size]
        optimizer = at_step(optimizer, step + 1)
        backward(plan, &part, &run, &optimizer, kind)
        step += 1
        barrier_wait(&plan.barrier, part.count)
        if part.number == 0:  # the others go on, and meet this thread before they write to the losses again
            add_totals(plan, part.last, penalty * part.last, <floating *> plan.losses)
            plan.step = step
            plan.steps_done += 1
            if time(NULL) != second:
                second = time(NULL)
                if interrupted():
                    plan.last_step = step + 1  # the others may have begun that one
        start += batch_size


cdef void predict(Plan *plan, const Data *data, Py_ssize_t together, int number, int count,
                  const floating *kind) noexcept nogil:
    """The last layer's output, without dropout, for the rows of thread `number` of `count`; it takes `together` rows
    at a time, in memory of its own."""
    cdef int width = panel_columns(plan.isa, kind)
    cdef floating *out = <floating *> data.predictions
    cdef Py_ssize_t chunks = blocks(data.rows, together), first = number * together, chunk, start, i
    cdef const Matrix *predictions = input_of(plan, plan.depth)
    cdef Pass run = Pass(False, False, 0)
    cdef Part part
    for chunk in range(share(chunks, number, count), share(chunks, number + 1, count)):
        start = chunk * together - first
        part = part_alone(plan, number, first, first + min(together, data.rows - chunk * together), kind)
        load_rows(plan, data, start, &part, kind)
        forward(plan, &part, &run, kind)
        for i in range(part.first, part.last):
            copy_row(predictions, i, width, out + (start + i) * plan.outputs)


cdef void evaluate(Plan *plan, const Data *data, Py_ssize_t batch_size, const floating *kind) noexcept nogil:
    """Forward over all rows, without dropout; totals of loss and metric."""
    cdef Py_ssize_t start = 0
    cdef Pass run = Pass(False, False, 0)
    cdef Part part
    while start < data.rows:
        part = part_of(plan, min(batch_size, data.rows - start), kind)
        load_rows(plan, data, start, &part, kind)
        forward(plan, &part, &run, kind)
        compare(plan, data, start, &part, <floating *> plan.losses)
        barrier_wait(&plan.barrier, part.count)
        if part.number == 0:
            add_totals(plan, part.last, 0, <floating *> plan.losses)
        barrier_wait(&plan.barrier, part.count)
        start += batch_size
    if plan.penalized:
        square_kernels(plan, &part, kind)
        barrier_wait(&plan.barrier, part.count)
        if part.number == 0:
            plan.penalty = penalty_of(plan, <floating *> plan.squares)


cdef void differentiate(Plan *plan, const Data *data, const floating *kind) noexcept nogil:
    """Loss and gradients of all rows as one batch, without dropout."""
    cdef Part part = part_of(plan, data.rows, kind)
    cdef Optimizer optimizer
    cdef Pass run = Pass(True, False, 0)
    optimizer.kind = STORE
    load_rows(plan, data, 0, &part, kind)
    if plan.penalized:
        square_kernels(plan, &part, kind)
    forward(plan, &part, &run, kind)
    compare(plan, data, 0, &part, <floating *> plan.losses)
    backward(plan, &part, &run, &optimizer, kind)
    barrier_wait(&plan.barrier, part.count)
    if part.number == 0:
        add_totals(plan, part.last, 0, <floating *> plan.losses)
        if plan.penalized:
            plan.penalty = penalty_of(plan, <floating *> plan.squares)


cdef bint interrupted() noexcept nogil:
    """Whether a signal handler raised; the exception stays set in this thread."""
    with gil:
        return PyErr_CheckSignals() != 0


cdef void add_totals(Plan *plan, Py_ssize_t rows, double penalty, const floating *losses) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(rows):
        plan.loss_total += losses[i]
        plan.metric_total += plan.metrics[i]
    if plan.penalized:
        plan.loss_total += penalty


cdef void load_rows(Plan *plan, const Data *data, Py_ssize_t start, const Part *part,
                    const floating *kind) noexcept nogil:
    """Gather this thread's rows, the row i of the batch from the place start + i, in the network's float type."""
    cdef int width = panel_columns(plan.isa, kind)
    cdef Py_ssize_t row_bytes = plan.inputs * size_of(data.x_type), i, later
    cdef const uint8_t *x = <const uint8_t *> data.x
    for i in range(part.own_first, part.own_last):
        later = min(i + 2, part.own_last - 1)
        load(plan.isa, data.x_type, plan.inputs, x + row_number(data, start + i) * row_bytes,
             x + row_number(data, start + later) * row_bytes, element(&plan.batch, i, 0, width, kind),
             plan.batch.stride)


cdef inline Py_ssize_t size_of(int source) noexcept nogil:
    return 1 if source == UINT8 else 4 if source == FLOAT32 else 8


cdef void compare(Plan *plan, const Data *data, Py_ssize_t start, const Part *part, floating *losses) noexcept nogil:
    """Loss, metric and gradient of this thread's rows."""
    cdef int width = panel_columns(plan.isa, losses), top = plan.depth - 2 if plan.fused else plan.depth - 1, label
    cdef Py_ssize_t n = plan.outputs, padded = blocks(n, width) * width, i, row
    cdef floating *memory = memory_of(plan, part, losses)
    cdef floating *gradient = memory + 2 * padded
    cdef floating *smoothed = memory + 3 * padded
    cdef const floating *predictions
    cdef const floating *compared
    cdef const floating *t      # as the metric sees it
    cdef const floating *truth  # as the loss sees it
    cdef floating weight = 1
    if plan.loss.kind == NO_LOSS:
        return
    for i in range(part.own_first, part.own_last):
        row = row_number(data, start + i)
        t = <const floating *> data.y + row * n if data.y != NULL else NULL
        label = data.labels[row] if data.labels != NULL else 0
        predictions = take_row(input_of(plan, plan.depth), i, width, memory)
        compared = take_row(input_of(plan, top + 1), i, width, memory + padded)
        truth = t
        if plan.loss.label_smoothing > 0:
            smooth_row(plan.loss.label_smoothing, classes_of(plan.loss.kind, n), n, t, smoothed)
            truth = smoothed
        losses[i] = loss_of_row(&plan.loss, n, truth, label, compared)
        if data.weights != NULL:
            weight = (<const floating *> data.weights)[row]
            losses[i] = weight * losses[i]
        plan.metrics[i] = metric_of_row(data.metric, n, t, label, predictions)
        if data.predictions != NULL:
            memcpy(<floating *> data.predictions + row * n, predictions, n * sizeof(floating))
        if top >= 0:
            memcpy(gradient, predictions, n * sizeof(floating))
            if not plan.fused:
                activate_row(plan.isa, link_of(plan.loss.kind), n, gradient)
            gradient_of_row(&plan.loss, n, part.last - part.first, truth, label, gradient, gradient)
            if data.weights != NULL:
                scale(n, weight, gradient)
            put_row(&plan.layers[top].gradient, i, width, gradient)
    if top >= 0:
        through_activation(plan, top, part, losses)


cdef inline void scale(Py_ssize_t n, floating weight, floating *x) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        x[j] = weight * x[j]


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


cdef void square_kernels(Plan *plan, const Part *part, const floating *kind) noexcept nogil:
    """The sum of squares of each kernel's columns, shared between the threads by panels."""
    cdef int width = panel_columns(plan.isa, kind), number
    cdef Py_ssize_t count, panel
    cdef const Layer *layer
    cdef floating *squares = <floating *> plan.squares
    for number in range(plan.depth):
        layer = &plan.layers[number]
        if layer.kind != DENSE:
            continue
        count = blocks(layer.outputs, width)
        for panel in range(share(count, part.number, part.count), share(count, part.number + 1, part.count)):
            sum_squares(plan.isa, layer.inputs,
                        <const floating *> plan.arena + layer.kernel + panel * width * layer.inputs,
                        squares + panel * width)
        squares += count * width


cdef double penalty_of(Plan *plan, const floating *squares) noexcept nogil:
    """The sum over the dense layers of l2 * sum of squares."""
    cdef Py_ssize_t width = panel_columns(plan.isa, squares), j
    cdef double total = 0, layer_total
    cdef int number
    for number in range(plan.depth):
        if plan.layers[number].kind != DENSE:
            continue
        layer_total = 0
        for j in range(plan.layers[number].outputs):
            layer_total += squares[j]
        total += plan.layers[number].l2 * layer_total
        squares += blocks(plan.layers[number].outputs, width) * width
    return total
