"""The loops over batches: load, forward, loss, backward, update; run by every thread of one parallel region.

Rows are shared between the threads in whole blocks of the register tile, the same way wherever work goes row by row,
so a barrier is needed only around the products, where every thread reads what the others wrote.
"""

from cython cimport floating
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy
from libc.time cimport time

from fastmlp.kernels.activations cimport activate_row
from fastmlp.kernels.isa cimport STORE, Optimizer, barrier_wait, blocks, share, tile_columns
from fastmlp.kernels.losses cimport gradient_of_row, link_of, loss_of_row
from fastmlp.kernels.optimizers cimport at_step
from fastmlp.kernels.plan cimport BINARY_ACCURACY, CATEGORICAL_ACCURACY, DENSE, FLOAT32, NO_LOSS, NO_METRIC, UINT8
from fastmlp.kernels.plan cimport Data, Part, Plan, output_of, part_of, row_number
from fastmlp.kernels.propagate cimport backward, forward

cdef extern from "Python.h":
    int PyErr_CheckSignals() noexcept  # an exception it sets is kept for engine.pyx to raise


cdef void train(Plan *plan, const Data *data, Py_ssize_t batch_size, floating *batch) noexcept nogil:
    """One epoch. Totals are kept by the first thread, which also looks for Ctrl-C once a second."""
    cdef Py_ssize_t start = 0
    cdef uint64_t step = plan.step
    cdef long long second = time(NULL)
    cdef double penalty = 0
    cdef Optimizer optimizer
    cdef Part part
    while start < data.rows and step < plan.last_step:
        part = part_of(plan, min(batch_size, data.rows - start), batch)
        load(data, start, &part, plan.inputs, batch)
        if plan.penalized:
            square_kernels(plan, &part, batch)
        forward(plan, &part, batch, True, step)
        compare(plan, data, start, &part, batch, <floating *> plan.losses)
        if plan.penalized and part.number == 0:
            penalty = penalty_of(plan, <floating *> plan.squares)
        optimizer = at_step(plan.optimizer, step + 1)
        backward(plan, &part, batch, True, step, &optimizer)
        step += 1
        barrier_wait(&plan.barrier, part.count)
        if part.number == 0:
            add_totals(plan, part.rows, penalty * part.rows, <floating *> plan.losses)
            plan.step = step
            plan.steps_done += 1
            if time(NULL) != second:
                second = time(NULL)
                if interrupted():
                    plan.last_step = step
        barrier_wait(&plan.barrier, part.count)
        start += batch_size


cdef void evaluate(Plan *plan, const Data *data, Py_ssize_t batch_size, floating *batch, floating *out) noexcept nogil:
    """Forward over all rows, without dropout; totals of loss and metric, predictions to `out` unless it is NULL."""
    cdef Py_ssize_t start = 0, n = plan.outputs
    cdef const floating *predictions = output_of(plan, plan.depth - 1, batch)
    cdef Part part
    while start < data.rows:
        part = part_of(plan, min(batch_size, data.rows - start), batch)
        load(data, start, &part, plan.inputs, batch)
        forward(plan, &part, batch, False, 0)
        if out != NULL:
            memcpy(out + (start + part.first_row) * n, predictions + part.first_row * n,
                   (part.last_row - part.first_row) * n * sizeof(floating))
        else:
            compare(plan, data, start, &part, batch, <floating *> plan.losses)
            barrier_wait(&plan.barrier, part.count)
            if part.number == 0:
                add_totals(plan, part.rows, 0, <floating *> plan.losses)
        barrier_wait(&plan.barrier, part.count)
        start += batch_size
    if out == NULL and plan.penalized:
        square_kernels(plan, &part, batch)
        barrier_wait(&plan.barrier, part.count)
        if part.number == 0:
            plan.penalty = penalty_of(plan, <floating *> plan.squares)


cdef void differentiate(Plan *plan, const Data *data, floating *batch) noexcept nogil:
    """Loss and gradients of all rows as one batch, without dropout."""
    cdef Part part = part_of(plan, data.rows, batch)
    cdef Optimizer optimizer
    optimizer.kind = STORE
    load(data, 0, &part, plan.inputs, batch)
    if plan.penalized:
        square_kernels(plan, &part, batch)
    forward(plan, &part, batch, False, 0)
    compare(plan, data, 0, &part, batch, <floating *> plan.losses)
    backward(plan, &part, batch, False, 0, &optimizer)
    barrier_wait(&plan.barrier, part.count)
    if part.number == 0:
        add_totals(plan, part.rows, 0, <floating *> plan.losses)
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


cdef void load(const Data *data, Py_ssize_t start, const Part *part, Py_ssize_t n, floating *batch) noexcept nogil:
    """Gather this thread's rows and convert them to the network's float type."""
    cdef Py_ssize_t i, j, row
    cdef const uint8_t *bytes
    cdef const float *singles
    cdef const double *doubles
    cdef floating *out
    for i in range(part.first_row, part.last_row):
        row = row_number(data, start + i)
        out = batch + i * n
        if data.x_type == UINT8:
            bytes = <const uint8_t *> data.x + row * n
            for j in range(n):
                out[j] = bytes[j]
        elif data.x_type == FLOAT32:
            singles = <const float *> data.x + row * n
            for j in range(n):
                out[j] = singles[j]
        else:
            doubles = <const double *> data.x + row * n
            for j in range(n):
                out[j] = <floating> doubles[j]


cdef void compare(Plan *plan, const Data *data, Py_ssize_t start, const Part *part, floating *batch,
                  floating *losses) noexcept nogil:
    """Loss, metric and gradient of this thread's rows."""
    cdef Py_ssize_t n = plan.outputs, i, row
    cdef int top = plan.depth - 2 if plan.fused else plan.depth - 1
    cdef const floating *predictions = output_of(plan, plan.depth - 1, batch)
    cdef const floating *compared = output_of(plan, top, batch)
    cdef const floating *t
    cdef floating *gradient
    cdef int label
    if plan.loss == NO_LOSS:
        return
    for i in range(part.first_row, part.last_row):
        row = row_number(data, start + i)
        t = <const floating *> data.y + row * n if data.y != NULL else NULL
        label = data.labels[row] if data.labels != NULL else 0
        losses[i] = loss_of_row(plan.loss, n, t, label, compared + i * n)
        plan.metrics[i] = metric_of_row(data.metric, n, t, label, predictions + i * n)
        if top >= 0:
            gradient = <floating *> plan.layers[top].gradient + i * n
            memcpy(gradient, predictions + i * n, n * sizeof(floating))
            if not plan.fused:
                activate_row(plan.isa, link_of(plan.loss), n, gradient)
            gradient_of_row(plan.loss, n, part.rows, t, label, gradient, gradient)


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
    cdef Py_ssize_t width = tile_columns(plan.isa, kind), count, panel, i, j
    cdef const floating *kernel
    cdef floating *squares = <floating *> plan.squares
    cdef int number
    for number in range(plan.depth):
        if plan.layers[number].kind != DENSE:
            continue
        count = blocks(plan.layers[number].outputs, width)
        for panel in range(share(count, part.number, part.count), share(count, part.number + 1, part.count)):
            kernel = <const floating *> plan.arena + plan.layers[number].kernel
            kernel += panel * width * plan.layers[number].inputs
            for j in range(width):
                squares[panel * width + j] = 0
            for i in range(plan.layers[number].inputs):
                for j in range(width):
                    squares[panel * width + j] += kernel[i * width + j] * kernel[i * width + j]
        squares += count * width


cdef double penalty_of(Plan *plan, const floating *squares) noexcept nogil:
    """The sum over the dense layers of l2 * sum of squares."""
    cdef Py_ssize_t width = tile_columns(plan.isa, squares), j
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
