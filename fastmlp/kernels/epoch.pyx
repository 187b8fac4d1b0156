"""The loops over batches: load, forward, loss, backward, update; run by every thread of one parallel region.

Training shares each batch between the threads; predictions give each thread rows of its own, so that none waits.
"""

from cpython.exc cimport PyErr_Occurred
from cython cimport floating
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy, memset
from libc.time cimport time

from fastmlp.kernels.activations cimport activate_row
from fastmlp.kernels.isa cimport FLOAT32, STORE, UINT8, barrier_wait, blocks, load, panel_columns, share
from fastmlp.kernels.optimizers cimport at_step
from fastmlp.kernels.plan cimport BINARY_ACCURACY, CATEGORICAL_ACCURACY, NO_LOSS, NO_METRIC, OWN_LOSS
from fastmlp.kernels.plan cimport Data, Matrix, Part, Pass, Plan, element, gradient_of, input_of, memory_of, part_alone
from fastmlp.kernels.plan cimport part_of, row_number
from fastmlp.kernels.propagate cimport backward, forward
from fastmlp.kernels.row_losses cimport classes_of, gradient_of_row, link_of, loss_of_row, smooth_row
from fastmlp.kernels.rows cimport copy_row, place_of_row, put_row, take_row
from fastmlp.kernels.stage_rowwise cimport through_activation
from fastmlp.kernels.weights cimport constrain, penalty_of, sum_penalties, update_clipped

cdef extern from "Python.h":
    int PyErr_CheckSignals() noexcept  # an exception it sets is kept for engine.pyx to raise


cdef void train(Plan *plan, const Data *data, Py_ssize_t batch_size, const floating *kind) noexcept nogil:
    """One epoch. Totals are kept by the first thread, which also looks for Ctrl-C once a second."""
    cdef Py_ssize_t start = 0
    cdef uint64_t step = plan.step
    cdef long long second = time(NULL)
    cdef double penalty = 0
    cdef Pass run = pass_of(plan, True, True)
    cdef Part part
    while start < data.rows and step < plan.last_step:
        part = part_of(plan, min(batch_size, data.rows - start), kind)
        load_rows(plan, data, start, &part, kind)
        run.step = step
        forward(plan, &part, &run, kind)
        if plan.penalized:
            sum_penalties(plan, &part, kind)
        compare(plan, data, start, &part, &run, kind)
        if plan.failed:
            break
        set_step(plan, data, start // batch_size, step + 1, &run)
        if plan.penalized:
            barrier_wait(&plan.barrier, part.count)
            penalty = run.penalty_scale * penalty_of(plan, kind)
        learn(plan, &part, &run, kind)
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


cdef void set_step(Plan *plan, const Data *data, Py_ssize_t number, uint64_t step, Pass *run) noexcept nogil:
    """What is given for each step of an epoch, and the optimizer for the step, counted from 1 over all epochs."""
    run.penalty_scale = data.penalty_scales[number] if data.penalty_scales != NULL else 1
    cdef double learning_rate = plan.optimizer.learning_rate
    if data.learning_rates != NULL:
        learning_rate = data.learning_rates[number]
    at_step(&run.optimizer, step, learning_rate)


cdef void learn(Plan *plan, const Part *part, const Pass *run, const floating *kind) noexcept nogil:
    """Backward, and the update of the weights: on the way, or from the gradients once their norms are known."""
    cdef Pass kept
    if plan.clipnorm > 0 or plan.global_clipnorm > 0:
        kept = run[0]
        kept.optimizer.kind = STORE
        backward(plan, part, &kept, kind)
        barrier_wait(&plan.barrier, part.count)
        update_clipped(plan, part, run, kind)
    else:
        backward(plan, part, run, kind)
    if plan.constrained:
        barrier_wait(&plan.barrier, part.count)
        constrain(plan, part, kind)


cdef void update(Plan *plan, const Data *data, const floating *kind) noexcept nogil:
    """One step of the optimizer from the gradients that were put into their region."""
    cdef Pass run = pass_of(plan, True, True)
    cdef Part part = part_of(plan, 1, kind)
    set_step(plan, data, 0, plan.step + 1, &run)
    update_clipped(plan, &part, &run, kind)
    barrier_wait(&plan.barrier, part.count)
    if plan.constrained:
        constrain(plan, &part, kind)
    if part.number == 0:
        plan.step += 1


cdef inline Pass pass_of(const Plan *plan, bint gradients, bint training) noexcept nogil:
    """A pass that ends at the first layer with weights to train."""
    cdef Pass run
    run.gradients = gradients
    run.training = training
    run.step = plan.step
    run.lowest = plan.first_trained
    run.penalty_scale = 1
    if gradients:
        run.optimizer = plan.optimizer
    return run


cdef void predict(Plan *plan, const Data *data, Py_ssize_t together, int number, int count,
                  const floating *kind) noexcept nogil:
    """The last layer's output, without dropout, for the rows of thread `number` of `count`; it takes `together` rows
    at a time, in memory of its own."""
    cdef int width = panel_columns(plan.isa, kind)
    cdef floating *out = <floating *> data.predictions
    cdef Py_ssize_t chunks = blocks(data.rows, together), first = number * together, chunk, start, i
    cdef const Matrix *predictions = input_of(plan, plan.depth)
    cdef Pass run = pass_of(plan, False, False)
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
    cdef Pass run = pass_of(plan, False, False)
    cdef Part part
    while start < data.rows:
        part = part_of(plan, min(batch_size, data.rows - start), kind)
        load_rows(plan, data, start, &part, kind)
        forward(plan, &part, &run, kind)
        compare(plan, data, start, &part, &run, kind)
        if plan.failed:
            return
        barrier_wait(&plan.barrier, part.count)
        if part.number == 0:
            add_totals(plan, part.last, 0, <floating *> plan.losses)
        barrier_wait(&plan.barrier, part.count)
        start += batch_size
    penalize(plan, &part, kind)


cdef void differentiate(Plan *plan, const Data *data, const floating *kind) noexcept nogil:
    """Loss and gradients of all rows as one batch, without dropout."""
    cdef Part part = part_of(plan, data.rows, kind)
    cdef Pass run = pass_of(plan, True, False)
    cdef floating *dx = <floating *> data.input_gradient
    cdef Py_ssize_t i
    run.optimizer.kind = STORE
    if dx != NULL:
        run.lowest = -1
    load_rows(plan, data, 0, &part, kind)
    forward(plan, &part, &run, kind)
    compare(plan, data, 0, &part, &run, kind)
    if plan.failed:
        return
    backward(plan, &part, &run, kind)
    barrier_wait(&plan.barrier, part.count)
    if part.number == 0:
        add_totals(plan, part.last, 0, <floating *> plan.losses)
    if dx != NULL:
        for i in range(part.own_first, part.own_last):
            copy_row(&plan.batch_gradient, i, panel_columns(plan.isa, kind), dx + i * plan.inputs)
    penalize(plan, &part, kind)


cdef void penalize(Plan *plan, const Part *part, const floating *kind) noexcept nogil:
    """The penalty of the weights as they are."""
    if plan.penalized:
        sum_penalties(plan, part, kind)
        barrier_wait(&plan.barrier, part.count)
        if part.number == 0:
            plan.penalty = penalty_of(plan, kind)


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
    if plan.active:
        memset(<floating *> plan.activity + part.own_first, 0, (part.own_last - part.own_first) * sizeof(floating))
    for i in range(part.own_first, part.own_last):
        later = min(i + 2, part.own_last - 1)
        load(plan.isa, data.x_type, plan.inputs, x + row_number(data, start + i) * row_bytes,
             x + row_number(data, start + later) * row_bytes, element(&plan.batch, i, 0, width, kind),
             plan.batch.stride)


cdef inline Py_ssize_t size_of(int source) noexcept nogil:
    return 1 if source == UINT8 else 4 if source == FLOAT32 else 8


cdef void compare(Plan *plan, const Data *data, Py_ssize_t start, const Part *part, const Pass *run,
                  const floating *kind) noexcept nogil:
    """Loss, metric and gradient of this thread's rows."""
    cdef int top = plan.depth - 2 if plan.fused else plan.depth - 1
    cdef Py_ssize_t i
    if plan.loss.kind == NO_LOSS:
        return
    if plan.loss.kind == OWN_LOSS and not ask(plan, data, start, part, kind):
        return
    for i in range(part.own_first, part.own_last):
        compare_row(plan, data, row_number(data, start + i), i, top, part, run, kind)
    if run.gradients:
        through_activation(plan, top, part, kind)


cdef inline void compare_row(Plan *plan, const Data *data, Py_ssize_t row, Py_ssize_t i, int top, const Part *part,
                             const Pass *run, const floating *kind) noexcept nogil:
    """Row number i of the batch, which is row `row` of the data."""
    cdef int width = panel_columns(plan.isa, kind), label = data.labels[row] if data.labels != NULL else 0
    cdef Py_ssize_t n = plan.outputs, padded = blocks(n, width) * width
    cdef floating *memory = memory_of(plan, part, kind)
    cdef floating *gradient
    cdef floating *losses = <floating *> plan.losses
    cdef const floating *predictions = take_row(input_of(plan, plan.depth), i, width, memory)
    cdef const floating *t = <const floating *> data.y + row * n if data.y != NULL else NULL
    cdef const floating *truth = t  # as the loss sees it
    cdef const floating *weight = <const floating *> data.weights + row if data.weights != NULL else NULL
    if plan.loss.label_smoothing > 0:
        truth = memory + 3 * padded
        smooth_row(plan.loss.label_smoothing, classes_of(plan.loss.kind, n), n, t, memory + 3 * padded)
    if plan.loss.kind != OWN_LOSS:
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
    if plan.loss.kind == OWN_LOSS:
        memcpy(gradient, <const floating *> plan.own_gradient + i * n, n * sizeof(floating))
    else:
        memcpy(gradient, predictions, n * sizeof(floating))
        if not plan.fused:
            activate_row(plan.isa, link_of(plan.loss.kind), n, gradient)
        gradient_of_row(&plan.loss, n, part.last - part.first, truth, label, gradient, gradient)
    if weight != NULL:
        scale(n, weight[0], gradient)
    put_row(gradient_of(plan, top), i, width, gradient)


cdef bint ask(Plan *plan, const Data *data, Py_ssize_t start, const Part *part, const floating *kind) noexcept nogil:
    """Let the first thread call the user's own loss for the batch; returns whether it gave an answer."""
    cdef int width = panel_columns(plan.isa, kind)
    cdef Py_ssize_t n = plan.outputs, i
    for i in range(part.own_first, part.own_last):
        copy_row(input_of(plan, plan.depth), i, width, <floating *> plan.own_predictions + i * n)
    barrier_wait(&plan.barrier, part.count)
    if part.number == 0:
        plan.failed = not call(data.own_loss, start, part.last)
    barrier_wait(&plan.barrier, part.count)
    return not plan.failed


cdef bint call(void *own_loss, Py_ssize_t start, Py_ssize_t rows) noexcept nogil:
    with gil:  # nothing of Python may run while the exception that `interrupted` left there waits to be raised
        return PyErr_Occurred() == NULL and (<object> own_loss)(start, rows)


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
