"""The loops over batches: load, forward, loss, backward, update; run by every thread of one parallel region.

Training partitions each batch between the threads; in predictions each takes rows for itself, so that none waits.
Between two batches the first thread looks for signals (exceptions.pyx), and within those that take long (leaving.pyx).
"""

from cython cimport floating
from libc.math cimport isfinite
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy, memset

from fastmlp.kernels.engine.exceptions cimport interrupted
from fastmlp.kernels.engine.leaving cimport all_leave, has_long_products, is_left, rows_between_looks
from fastmlp.kernels.engine.objective cimport compare
from fastmlp.kernels.isa cimport FLOAT32, GOES_ON, STORE, TO_GO_ON, UINT8
from fastmlp.kernels.isa cimport barrier_wait, blocks, counter_seen, counter_set, counter_take, load
from fastmlp.kernels.isa cimport barrier_waited, flag_is_raised, flag_set, nanoseconds, panel_columns
from fastmlp.kernels.optimizers cimport at_step
from fastmlp.kernels.engine.plan cimport FOR_INPUTS, FOR_WEIGHTS, NO_LOSS, Data, Matrix, Output, Parameter, Part, Pass
from fastmlp.kernels.engine.plan cimport Plan, Source, SparseRows, Stage
from fastmlp.kernels.engine.plan cimport element, part_alone, part_of, row_number, rows_ahead
from fastmlp.kernels.engine.propagate cimport backward, forward
from fastmlp.kernels.engine.rows cimport copy_row
from fastmlp.kernels.engine.team cimport regroup
from fastmlp.kernels.engine.weights cimport apply_to_unreached, constrain, penalty_of, sum_penalties, update_clipped

cdef enum:
    FLUSH_EVERY = 64  # steps: what has become too small to be normal is slow for no longer (c/flush.h)


cdef void train(Plan *plan, const Data *data, Py_ssize_t batch_size, const floating *tag) noexcept nogil:
    """The epochs of a run, from the step on that is next; until the threads are to be more or fewer.

    Totals are kept by the first thread."""
    cdef Py_ssize_t steps = blocks(data.rows, batch_size), number = counter_seen(&plan.steps_done), epoch, end
    cdef Py_ssize_t start = number // steps * data.rows + number % steps * batch_size
    cdef uint64_t step = counter_seen(&plan.step)
    cdef double penalty = 0
    cdef Pass run = pass_of(plan, True, True)
    cdef Part part
    cdef bint is_long = has_long_products(plan, batch_size), left = False
    for epoch in range(number // steps, data.epochs):
        end = (epoch + 1) * data.rows
        while start < end and number < counter_seen(&plan.last_step):
            run.step = step
            run.rows = min(batch_size, end - start)
            part = learn_portions(plan, data, start, &run, is_long, &left, tag)
            if left:
                return
            load_rows(plan, data, start + run.first_row, &part, tag)
            forward(plan, &part, &run, tag)
            if is_long and all_leave(plan, &part, &run, tag):
                return
            if plan.penalized:
                sum_penalties(plan, &part, tag)
            compare(plan, data, start + run.first_row, &part, &run, tag)
            if flag_is_raised(&plan.stopped):
                return
            set_step(plan, data, number, step + 1, &run)
            if plan.penalized:
                barrier_wait(&plan.barrier, part.threads)
                penalty = run.penalty_scale * penalty_of(plan, tag)
            if not learn(plan, &part, &run, is_long, tag):
                return
            step += 1
            number += 1
            barrier_wait(&plan.barrier, part.threads)
            if part.thread == 0:  # the others go on, and meet this thread before they write to the losses again
                add_totals(plan, part.last, penalty * run.rows, tag)
                counter_set(&plan.step, step)
                if counter_seen(&plan.steps_finite) == number - 1 and is_finite(plan):
                    counter_set(&plan.steps_finite, number)
                counter_set(&plan.steps_done, number)
                if interrupted(plan) or changes_team(plan, &part, &run) or others_wait(plan):
                    stop_after(plan, number + (1 if part.threads > 1 else 0))  # which the others may have begun
            start += run.rows
        if start < end:
            return
        if data.held_out != NULL:
            if not predict_held_out(plan, data.held_out, epoch, plan.portion_rows or batch_size, tag):
                return
        if data.weights != NULL:
            if part.thread == 0:
                keep_weights(plan, data.weights, epoch, tag)
            barrier_wait(&plan.barrier, part.threads)
        if part.thread == 0 and data.totals != NULL:  # last, as they say that all of the epoch is there
            keep_totals(plan, data.totals + epoch * (2 + 2 * plan.output_count))


cdef bint is_finite(const Plan *plan) noexcept nogil:
    """Whether the sum of the losses and all weights are; what lies beside these may make it seem that they are not."""
    cdef int number
    for number in range(plan.weight_count):
        if not flag_is_raised(plan.weights[number].finite):
            return False
    return isfinite(plan.loss_total)


cdef Part learn_portions(Plan *plan, const Data *data, Py_ssize_t start, Pass *run, bint is_long, bint *left,
                         const floating *tag) noexcept nogil:
    """Sum the gradients of all portions of a batch but the last; unless the step is left.

    Returns the last portion, which is the whole batch where it is not divided."""
    cdef Part part
    run.portion = 0
    run.first_row = 0
    while plan.portion_rows > 0 and run.rows - run.first_row > plan.portion_rows:
        run.portion |= TO_GO_ON
        part = part_of(plan, plan.portion_rows)
        load_rows(plan, data, start + run.first_row, &part, tag)
        forward(plan, &part, run, tag)
        compare(plan, data, start + run.first_row, &part, run, tag)
        backward(plan, &part, run, tag)
        barrier_wait(&plan.barrier, part.threads)
        if part.thread == 0:
            add_totals(plan, part.last, 0, tag)
        run.first_row += part.last
        run.portion = GOES_ON
        if is_long:
            is_left(plan, &part)
            left[0] = all_leave(plan, &part, run, tag)
            if left[0]:
                return part
    return part_of(plan, run.rows - run.first_row)


cdef inline bint changes_team(Plan *plan, const Part *part, const Pass *run) noexcept nogil:
    return plan.team.most > 1 and regroup(plan.team, part.threads, run.rows, nanoseconds(),
                                          barrier_waited(&plan.barrier))


cdef inline void stop_after(Plan *plan, long long number) noexcept nogil:
    """Let a step be the last one, unless an earlier one is."""
    counter_set(&plan.last_step, min(counter_seen(&plan.last_step), number))


cdef inline bint others_wait(Plan *plan) noexcept nogil:
    """Whether the run is to stand still for others, who then see the weights between two steps."""
    return plan.waiting != NULL and counter_seen(plan.waiting) > 0


cdef void keep_totals(Plan *plan, double *totals) noexcept nogil:
    """Keep those of an epoch, and begin anew."""
    cdef Output *output
    cdef int number
    totals[0] = 1
    totals[1] = plan.loss_total
    plan.loss_total = 0
    for number in range(plan.output_count):
        output = &plan.outputs[number]
        totals[2 + 2 * number] = output.loss_total
        totals[3 + 2 * number] = output.metric_total
        output.loss_total = output.metric_total = 0


cdef bint predict_held_out(Plan *plan, const Data *data, Py_ssize_t epoch, Py_ssize_t together,
                           const floating *tag) noexcept nogil:
    """The outputs after an epoch, without dropout; all threads partition the rows, so many at a time.

    Returns whether they did so to the end."""
    cdef Pass run = pass_of(plan, False, False)
    cdef Part part
    cdef Py_ssize_t start = 0, at_once = rows_between_looks(plan), looked = 0
    while start < data.rows:
        part = part_of(plan, min(together, data.rows - start))
        load_rows(plan, data, start, &part, tag)
        forward(plan, &part, &run, tag)
        give_predictions(plan, data, epoch * data.rows + start, &part, tag)
        barrier_wait(&plan.barrier, part.threads)
        start += together
        if start - looked >= at_once:  # seldom, as all threads meet once more
            looked = start
            is_left(plan, &part)
            if all_leave(plan, &part, &run, tag):
                return False
    return True


cdef void keep_weights(const Plan *plan, void *weights, Py_ssize_t epoch, const floating *tag) noexcept nogil:
    """Copy all arrays of weights, as they are packed, to the place of an epoch."""
    cdef int width = panel_columns(plan.isa, tag)
    cdef const Parameter *parameter
    cdef Py_ssize_t number, size = 0
    cdef floating *place = <floating *> weights
    for number in range(plan.weight_count):
        size += packed_size(&plan.weights[number], width)
    place += epoch * size
    for number in range(plan.weight_count):
        parameter = &plan.weights[number]
        memcpy(place, parameter.data, packed_size(parameter, width) * sizeof(floating))
        place += packed_size(parameter, width)


cdef inline Py_ssize_t packed_size(const Parameter *parameter, int width) noexcept nogil:
    return parameter.rows * blocks(parameter.columns, width) * width


cdef void set_step(Plan *plan, const Data *data, Py_ssize_t number, uint64_t step, Pass *run) noexcept nogil:
    """What is given for each step of a run, and the optimizer for the step, counted from 1 over all runs."""
    run.penalty_scale = data.penalty_scales[number] if data.penalty_scales != NULL else 1
    cdef double learning_rate = plan.optimizer.learning_rate
    if data.learning_rates != NULL:
        learning_rate = data.learning_rates[number]
    if plan.accumulation_steps > 0:
        run.updates = step % plan.accumulation_steps == 0
        step = max(step // plan.accumulation_steps, <uint64_t> 1)
    at_step(&run.optimizer, step, learning_rate)
    run.optimizer.starts_now = step == 1
    run.optimizer.flushes_now = step % FLUSH_EVERY == 0


cdef bint learn(Plan *plan, const Part *part, const Pass *run, bint is_long, const floating *tag) noexcept nogil:
    """Backward, and the update of the weights: on the way, or from the gradients once all of them are there, as their
    norms are asked for or the step may be left until then. Returns whether it was not."""
    cdef Pass kept
    cdef bint is_whole = run.portion == 0
    if is_long and is_whole or plan.clipnorm > 0 or plan.global_clipnorm > 0 or plan.accumulation_steps > 0:
        kept = run[0]
        kept.optimizer.kind = STORE
        backward_for_all(plan, part, &kept, tag)
        barrier_wait(&plan.barrier, part.threads)
        if is_long and all_leave(plan, part, run, tag):
            return False
        update_clipped(plan, part, run, tag)
    else:
        backward_for_all(plan, part, run, tag)
    if plan.constrained:
        barrier_wait(&plan.barrier, part.threads)
        constrain(plan, part, tag)
    return True


cdef inline void backward_for_all(Plan *plan, const Part *part, const Pass *run, const floating *tag) noexcept nogil:
    backward(plan, part, run, tag)
    if plan.unreached:
        barrier_wait(&plan.barrier, part.threads)  # others may still read the weights, forward
        apply_to_unreached(plan, part, run, tag)


cdef void update(Plan *plan, const Data *data, const floating *tag) noexcept nogil:
    """One step of the optimizer from the gradients that were put into their region."""
    cdef Pass run = pass_of(plan, True, True)
    cdef Part part = part_of(plan, 1)
    set_step(plan, data, 0, run.step + 1, &run)
    update_clipped(plan, &part, &run, tag)
    barrier_wait(&plan.barrier, part.threads)
    if plan.constrained:
        constrain(plan, &part, tag)
    if part.thread == 0:
        counter_set(&plan.step, run.step + 1)


cdef inline Pass pass_of(const Plan *plan, bint gradients, bint training) noexcept nogil:
    """A pass that goes as far back as weights are trained."""
    cdef Pass run
    run.gradients = gradients
    run.training = training
    run.step = counter_seen(&plan.step)
    run.wanted = FOR_WEIGHTS
    run.penalized = plan.has_loss
    run.penalty_scale = 1
    run.updates = True
    run.portion = 0
    run.first_row = run.rows = 0
    if gradients:
        run.optimizer = plan.optimizer
    return run


cdef void predict(Plan *plan, const Data *data, Py_ssize_t together, int thread, const floating *tag) noexcept nogil:
    """The outputs, without dropout, for the chunks of rows that thread number `thread` takes."""
    cdef Py_ssize_t chunks = blocks(data.rows, together), chunk = counter_take(&plan.chunks)
    while chunk < chunks:
        predict_chunk(plan, data, together, chunk, thread, tag)
        if thread == 0 and interrupted(plan):
            counter_set(&plan.chunks, chunks)
        chunk = counter_take(&plan.chunks)


cdef void predict_alone(Plan *plan, const Data *data, Py_ssize_t together, const floating *tag) noexcept nogil:
    """Likewise for all rows by one thread, which has no time to look for signals."""
    cdef Py_ssize_t chunk
    for chunk in range(blocks(data.rows, together)):
        predict_chunk(plan, data, together, chunk, 0, tag)


cdef void predict_chunk(Plan *plan, const Data *data, Py_ssize_t together, Py_ssize_t chunk, int thread,
                        const floating *tag) noexcept nogil:
    """Predictions of `together` rows, in memory that thread number `thread` has for itself."""
    cdef Py_ssize_t first = thread * together, start = chunk * together - first
    cdef Pass run = pass_of(plan, False, False)
    cdef Part part = part_alone(plan, thread, first, first + min(together, data.rows - chunk * together))
    load_rows(plan, data, start, &part, tag)
    forward(plan, &part, &run, tag)
    give_predictions(plan, data, start, &part, tag)


cdef void predict_in_training(Plan *plan, const Data *data, const floating *tag) noexcept nogil:
    """The outputs of all rows as one batch, as they are in training."""
    cdef Part part = part_of(plan, data.rows)
    cdef Pass run = pass_of(plan, False, True)
    load_rows(plan, data, 0, &part, tag)
    forward(plan, &part, &run, tag)
    if has_long_products(plan, data.rows) and all_leave(plan, &part, &run, tag):
        return
    give_predictions(plan, data, 0, &part, tag)


cdef void give_predictions(Plan *plan, const Data *data, Py_ssize_t start, const Part *part,
                           const floating *tag) noexcept nogil:
    """Copy the outputs of the thread's own rows, the row i of the batch to the place start + i."""
    cdef int width = panel_columns(plan.isa, tag), number
    cdef const Matrix *predictions
    cdef floating *out
    cdef Py_ssize_t i
    for number in range(plan.output_count):
        out = <floating *> data.targets[number].predictions
        predictions = &plan.stages[plan.outputs[number].stage].output
        for i in range(part.own_first, part.own_last):
            copy_row(predictions, i, width, out + (start + i) * predictions.columns)


cdef void evaluate(Plan *plan, const Data *data, Py_ssize_t batch_size, const floating *tag) noexcept nogil:
    """Forward over the rows that are next, without dropout, and totals of loss and metric; until all are done, or the
    threads are to be more or fewer."""
    cdef Py_ssize_t start = plan.next_row
    cdef Pass run = pass_of(plan, False, False)
    cdef Part part
    cdef bint is_long = has_long_products(plan, batch_size)
    while start < data.rows:
        part = part_of(plan, min(batch_size, data.rows - start))
        run.rows = part.last
        load_rows(plan, data, start, &part, tag)
        forward(plan, &part, &run, tag)
        if is_long and all_leave(plan, &part, &run, tag):
            return
        compare(plan, data, start, &part, &run, tag)
        if flag_is_raised(&plan.stopped):
            return
        barrier_wait(&plan.barrier, part.threads)
        if part.thread == 0:
            add_totals(plan, part.last, 0, tag)
            plan.next_row = start + batch_size
            flag_set(&plan.stopped, interrupted(plan))
            plan.regrouped = changes_team(plan, &part, &run) or others_wait(plan)
            plan.regrouped = plan.regrouped and plan.next_row < data.rows
        barrier_wait(&plan.barrier, part.threads)
        if flag_is_raised(&plan.stopped) or plan.regrouped:
            return
        start += batch_size
    penalize(plan, &part, tag)


cdef void differentiate(Plan *plan, const Data *data, const floating *tag) noexcept nogil:
    """Loss and gradients of all rows as one batch."""
    cdef Part part
    cdef Pass run = pass_of(plan, True, data.training)
    cdef bint is_long = has_long_products(plan, data.rows), left = False
    cdef int number
    run.rows = data.rows
    run.optimizer.kind = STORE
    if data.by_inputs:
        run.wanted = FOR_WEIGHTS | FOR_INPUTS
    part = learn_portions(plan, data, 0, &run, is_long, &left, tag)
    if left:
        return
    load_rows(plan, data, run.first_row, &part, tag)
    forward(plan, &part, &run, tag)
    if is_long and all_leave(plan, &part, &run, tag):
        return
    compare(plan, data, run.first_row, &part, &run, tag)
    if flag_is_raised(&plan.stopped):
        return
    backward_for_all(plan, &part, &run, tag)
    barrier_wait(&plan.barrier, part.threads)
    if is_long and all_leave(plan, &part, &run, tag):
        return
    if part.thread == 0:
        add_totals(plan, part.last, 0, tag)
    for number in range(plan.input_count):
        if data.sources[number].gradient != NULL:
            give_gradient(&plan.stages[number], &part, panel_columns(plan.isa, tag),
                          <floating *> data.sources[number].gradient)
    penalize(plan, &part, tag)


cdef void give_gradient(const Stage *stage, const Part *part, int width, floating *dx) noexcept nogil:
    """The gradient by an input, for the thread's own rows; 0 where nothing depends on it."""
    cdef Py_ssize_t n = stage.outputs, i
    for i in range(part.own_first, part.own_last):
        if stage.reached:
            copy_row(&stage.gradient, i, width, dx + i * n)
        else:
            memset(dx + i * n, 0, n * sizeof(floating))


cdef void penalize(Plan *plan, const Part *part, const floating *tag) noexcept nogil:
    """The penalty of the weights as they are."""
    if plan.penalized:
        sum_penalties(plan, part, tag)
        barrier_wait(&plan.barrier, part.threads)
        if part.thread == 0:
            plan.penalty = penalty_of(plan, tag)


cdef void add_totals(Plan *plan, Py_ssize_t rows, double penalty, const floating *tag) noexcept nogil:
    cdef const floating *losses = <const floating *> plan.losses
    cdef Output *output = &plan.outputs[0]
    cdef int number
    cdef Py_ssize_t i
    if plan.has_loss and losses == output.losses and not plan.penalized:
        for i in range(rows):
            plan.loss_total += losses[i]
            output.metric_total += output.metrics[i]
        output.loss_total = plan.loss_total
        return
    if plan.has_loss:
        for i in range(rows):
            plan.loss_total += losses[i]
    for number in range(plan.output_count):
        output = &plan.outputs[number]
        if output.loss.kind != NO_LOSS:
            losses = <const floating *> output.losses
            for i in range(rows):
                output.loss_total += losses[i]
                output.metric_total += output.metrics[i]
    if plan.penalized:
        plan.loss_total += penalty


cdef void load_rows(Plan *plan, const Data *data, Py_ssize_t start, const Part *part,
                    const floating *tag) noexcept nogil:
    """Gather this thread's rows, the row i of the batch from the place start + i, in the network's float type."""
    cdef int width = panel_columns(plan.isa, tag), number
    cdef Py_ssize_t row_bytes, columns, i, later
    cdef const Source *source
    cdef const Matrix *batch
    cdef const uint8_t *x
    if plan.active:
        memset(<floating *> plan.activity + part.own_first, 0, (part.own_last - part.own_first) * sizeof(floating))
    for number in range(plan.input_count):
        source = &data.sources[number]
        batch = &plan.stages[number].output
        if plan.stages[number].sparse.index != NULL:
            find_rows(&plan.stages[number].sparse, source, data, start, part)
            continue
        if source.index != NULL:
            spread_rows(batch, width, source, data, start, part, tag)
            continue
        columns = batch.columns
        row_bytes = columns * size_of(source.x_type)
        x = <const uint8_t *> source.x
        for i in range(part.own_first, part.own_last):
            later = min(i + rows_ahead(row_bytes), part.own_last - 1)
            load(plan.isa, source.x_type, columns, x + row_number(data, start + i) * row_bytes,
                 x + row_number(data, start + later) * row_bytes, element(batch, i, 0, width, tag), batch.stride)


cdef void find_rows(SparseRows *rows, const Source *source, const Data *data, Py_ssize_t start,
                    const Part *part) noexcept nogil:
    """Likewise where a source is sparse: where the numbers of each row are."""
    cdef Py_ssize_t i, row
    for i in range(part.own_first, part.own_last):
        row = row_number(data, start + i)
        rows.starts[i] = source.starts[row]
        rows.ends[i] = source.starts[row + 1]


cdef void spread_rows(const Matrix *batch, int width, const Source *source, const Data *data, Py_ssize_t start,
                      const Part *part, const floating *tag) noexcept nogil:
    """Likewise the whole rows."""
    cdef Py_ssize_t i, k, row, panel
    for i in range(part.own_first, part.own_last):
        for panel in range(blocks(batch.columns, width)):
            memset(element(batch, i, panel, width, tag), 0, width * sizeof(floating))
        row = row_number(data, start + i)
        for k in range(source.starts[row], source.starts[row + 1]):
            panel = source.index[k] // width
            element(batch, i, panel, width, tag)[source.index[k] % width] = (<const floating *> source.x)[k]


cdef inline Py_ssize_t size_of(int source) noexcept nogil:
    return 1 if source == UINT8 else 4 if source == FLOAT32 else 8
