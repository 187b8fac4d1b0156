"""What is done to the weights of a network as a whole: updates, norms of gradients, penalties, constraints."""

from cython cimport floating
from libc.math cimport fabs, sqrt
from libc.string cimport memcpy, memset

from fastmlp.kernels.isa cimport STORE, TO_GO_ON, Optimizer, add_penalty, are_finite, barrier_wait, blocks, flag_set
from fastmlp.kernels.isa cimport flush_denormals, panel_columns, partition, sum_magnitudes, sum_squares, update
from fastmlp.kernels.optimizers cimport MAX_SLOTS
from fastmlp.kernels.engine.plan cimport COLUMNS, FIRST, LAST, ONLY, ROWS, Parameter, Part, Pass, Plan, Stage, Use
from fastmlp.kernels.engine.plan cimport tile_of, vectors_of

cdef double EPSILON = 1e-7  # Keras' epsilon()


# -------------------------------------------------------------------------------------------------------------- update


cdef void apply(Plan *plan, const Parameter *parameter, Use use, const Pass *run, Py_ssize_t at, Py_ssize_t n,
                floating *g) noexcept nogil:
    """Update n weights from number `at` on by their gradient g without that of the penalty, or keep the gradient.

    Of several uses of the weights, and of several portions of a batch, only the last one updates them, by the sum of
    all gradients."""
    cdef const floating *w = <const floating *> parameter.data + at
    if run.portion & TO_GO_ON:
        return
    if use != ONLY:
        add_to_sum(use, n, <floating *> plan.gradients + parameter.start + at, g)
        if use != LAST:
            return
    if run.penalized and (parameter.l1 > 0 or parameter.l2 > 0):
        add_penalty(plan.isa, n, parameter.l1 * run.penalty_scale, 2.0 * (parameter.l2 * run.penalty_scale), w, g)
    update_weights(plan, parameter, run, at, n, g)


cdef void apply_square(Plan *plan, const Stage *stage, const Pass *run, Py_ssize_t below, Py_ssize_t panel,
                       floating *g) noexcept nogil:
    """Update a square of the kernel, of the inputs and the outputs of a panel each, by its gradient."""
    cdef int width = panel_columns(plan.isa, g)
    cdef Py_ssize_t rows = min(width, stage.inputs - below * width), i
    cdef Py_ssize_t at = (panel * stage.inputs + below * width) * width
    if vectors_of(stage.outputs, panel, 1, width) == 2:
        apply(plan, stage.kernel, stage.use, run, at, rows * width, g)
        return
    for i in range(rows):
        apply(plan, stage.kernel, stage.use, run, at + i * width, width // 2, g + i * width)


cdef floating *gradient_memory(Plan *plan, const Parameter *parameter, const Pass *run, Py_ssize_t at,
                               floating *memory) noexcept nogil:
    """Where the gradient of weights from number `at` on is put: into memory that is left, or where it is summed."""
    return memory if run.portion == 0 else <floating *> plan.gradients + parameter.start + at


cdef void add_to_sum(Use use, Py_ssize_t n, floating *sums, floating *g) noexcept nogil:
    """Keep the sum of the gradients so far in `sums`; that of all is left in g too."""
    cdef Py_ssize_t i
    if use == FIRST:
        memcpy(sums, g, n * sizeof(floating))
        return
    for i in range(n):
        sums[i] = g[i] = sums[i] + g[i]


cdef inline void update_weights(Plan *plan, const Parameter *parameter, const Pass *run, Py_ssize_t at, Py_ssize_t n,
                                floating *g) noexcept nogil:
    cdef floating *w = <floating *> parameter.data + at
    cdef floating *slots[MAX_SLOTS]
    cdef floating *place = <floating *> plan.slots + parameter.start + at
    cdef int slot
    cdef bint finite
    if run.optimizer.kind == STORE:
        w = <floating *> plan.gradients + parameter.start + at
        if w == g:  # the sum of the portions
            return
    for slot in range(MAX_SLOTS):  # those that the optimizer does not have are not used
        slots[slot] = place
        place += plan.region_size
    if parameter.undecayed:
        finite = update_undecayed(plan, run.optimizer, n, w, g, slots)
    else:
        finite = update(plan.isa, &run.optimizer, n, w, g, slots)
    if not finite and run.optimizer.kind != STORE:
        flag_set(parameter.finite, False)
    if run.optimizer.kind == SGD and run.optimizer.flushes_now and parameter.l2 > 0:  # which alone lets weights fade
        flush_denormals(plan.isa, n, w)


cdef bint update_undecayed(Plan *plan, Optimizer optimizer, Py_ssize_t n, floating *w, floating *g,
                           floating **slots) noexcept nogil:
    """The same without weight decay."""
    optimizer.weight_decay = 0
    return update(plan.isa, &optimizer, n, w, g, slots)


cdef void apply_to_unreached(Plan *plan, const Part *part, const Pass *run, const floating *tag) noexcept nogil:
    """Weights that no loss depends on have gradients of 0, and then those of their penalties."""
    cdef int width = panel_columns(plan.isa, tag), number
    cdef const Parameter *parameter
    cdef floating *g = tile_of(plan, part, tag)
    cdef Py_ssize_t rows, row
    for number in range(plan.weight_count):
        parameter = &plan.weights[number]
        if not parameter.trained or parameter.reached:
            continue
        rows = blocks(parameter.columns, width) * parameter.rows
        for row in range(partition(rows, part.thread, part.threads), partition(rows, part.thread + 1, part.threads)):
            memset(g, 0, width * sizeof(floating))
            apply(plan, parameter, ONLY, run, row * width, width, g)


cdef void update_clipped(Plan *plan, const Part *part, const Pass *run, const floating *tag) noexcept nogil:
    """Update the weights by the gradients that were kept, made smaller where their norms are too large.

    Where gradients accumulate, they are those of several steps; only the last of these updates."""
    cdef int width = panel_columns(plan.isa, tag), number
    cdef const Parameter *parameter
    cdef floating *gradients = <floating *> plan.gradients
    cdef floating *g
    cdef Py_ssize_t panels, panel, size
    cdef double norm = 0
    if plan.accumulation_steps > 0:
        accumulate(plan, part, run, gradients)
        if not run.updates:
            return
        barrier_wait(&plan.barrier, part.threads)  # sums of what is stored transposed are over all panels
    if plan.clipnorm > 0 or plan.global_clipnorm > 0:
        sum_all_squares(plan, part, gradients)
        barrier_wait(&plan.barrier, part.threads)
    if plan.global_clipnorm > 0:
        norm = sqrt(total_of_squares(plan, 0, plan.weight_count, tag))
    for number in range(plan.weight_count):
        parameter = &plan.weights[number]
        if not parameter.trained:
            continue
        if plan.clipnorm > 0:
            norm = sqrt(total_of_squares(plan, number, number + 1, tag))
        panels = blocks(parameter.columns, width)
        size = parameter.rows * width
        for panel in range(partition(panels, part.thread, part.threads),
                           partition(panels, part.thread + 1, part.threads)):
            g = gradients + parameter.start + panel * size
            if plan.clipnorm > 0:
                clip_by_norm(size, plan.clipnorm, norm, g)
            elif plan.global_clipnorm > 0:
                clip_by_global_norm(size, plan.global_clipnorm, norm, g)
            update_weights(plan, parameter, run, panel * size, size, g)


cdef void accumulate(Plan *plan, const Part *part, const Pass *run, floating *gradients) noexcept nogil:
    """Add the gradients to their sums, or once there are enough of them, make them the mean of all."""
    cdef int width = panel_columns(plan.isa, gradients), number
    cdef floating count = <floating> plan.accumulation_steps
    cdef floating *sums = <floating *> plan.slots + plan.accumulation_slot * plan.region_size
    cdef const Parameter *parameter
    cdef Py_ssize_t panels, size, i
    for number in range(plan.weight_count):
        parameter = &plan.weights[number]
        if not parameter.trained:
            continue
        panels = blocks(parameter.columns, width)
        size = parameter.rows * width
        for i in range(parameter.start + size * partition(panels, part.thread, part.threads),
                       parameter.start + size * partition(panels, part.thread + 1, part.threads)):
            if run.updates:
                gradients[i] = (gradients[i] + sums[i]) / count
                sums[i] = 0
            else:
                sums[i] = sums[i] + gradients[i]


cdef void clip_by_norm(Py_ssize_t n, double clipnorm, double norm, floating *g) noexcept nogil:
    cdef floating factor = <floating> clipnorm, divisor = <floating> (clipnorm if norm <= clipnorm else norm)
    cdef Py_ssize_t i
    for i in range(n):
        g[i] = (g[i] * factor) / divisor


cdef void clip_by_global_norm(Py_ssize_t n, double global_clipnorm, double norm, floating *g) noexcept nogil:
    """A norm that is not finite makes every gradient NaN."""
    cdef double larger = global_clipnorm if norm <= global_clipnorm else norm
    multiply(n, <floating> (global_clipnorm * (1.0 / larger) + (norm - norm)), g)


cdef void multiply(Py_ssize_t n, floating factor, floating *x) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        x[i] = x[i] * factor


# ------------------------------------------------------------------------------------------------------------- penalty


cdef void sum_penalties(Plan *plan, const Part *part, const floating *tag) noexcept nogil:
    """The penalty of each column, partitioned between the threads by panels."""
    cdef int width = panel_columns(plan.isa, tag), number
    cdef const Parameter *parameter
    cdef floating *sums = <floating *> plan.sums
    cdef const floating *w
    cdef Py_ssize_t panels, panel
    for number in range(plan.weight_count):
        parameter = &plan.weights[number]
        panels = blocks(parameter.columns, width)
        if parameter.transposed and (parameter.l1 > 0 or parameter.l2 > 0):
            sum_stored_rows(part, parameter, width, parameter.l1, parameter.l2, <const floating *> parameter.data, sums)
        elif parameter.l1 > 0 or parameter.l2 > 0:
            for panel in range(partition(panels, part.thread, part.threads),
                               partition(panels, part.thread + 1, part.threads)):
                w = <const floating *> parameter.data + panel * width * parameter.rows
                sum_penalty(plan, part, parameter, w, sums + panel * width)
        sums += panels * width


cdef void sum_penalty(Plan *plan, const Part *part, const Parameter *parameter, const floating *w,
                      floating *sums) noexcept nogil:
    """l1 * sum |w| + l2 * sum w^2 of each column of a panel."""
    cdef floating l1 = <floating> parameter.l1, l2 = <floating> parameter.l2
    cdef floating *magnitudes = tile_of(plan, part, w)
    cdef int width = panel_columns(plan.isa, w), j
    memset(magnitudes, 0, width * sizeof(floating))
    if l1 > 0:
        sum_magnitudes(plan.isa, parameter.rows, w, magnitudes)
    sum_squares(plan.isa, parameter.rows, w, sums)
    for j in range(width):
        sums[j] = l1 * magnitudes[j] + (l2 * sums[j] if l2 > 0 else 0)


cdef void sum_stored_rows(const Part *part, const Parameter *parameter, int width, double l1, double l2,
                          const floating *x, floating *sums) noexcept nogil:
    """The same of each column of what is stored transposed, partitioned between the threads by columns."""
    cdef Py_ssize_t rows = parameter.rows, i
    for i in range(partition(rows, part.thread, part.threads), partition(rows, part.thread + 1, part.threads)):
        sums[i] = <floating> l2 * squares_of_row(parameter, width, i, x) if l2 > 0 else 0
        if l1 > 0:
            sums[i] = <floating> l1 * magnitudes_of_row(parameter, width, i, x) + sums[i]


cdef inline Py_ssize_t place_of(const Parameter *parameter, int width, Py_ssize_t row,
                                Py_ssize_t column) noexcept nogil:
    return ((column // width) * parameter.rows + row) * width + column % width


cdef floating squares_of_row(const Parameter *parameter, int width, Py_ssize_t row, const floating *x) noexcept nogil:
    cdef floating total = 0, value
    cdef Py_ssize_t j
    for j in range(parameter.columns):
        value = x[place_of(parameter, width, row, j)]
        total += value * value
    return total


cdef floating magnitudes_of_row(const Parameter *parameter, int width, Py_ssize_t row,
                                const floating *x) noexcept nogil:
    cdef floating total = 0
    cdef Py_ssize_t j
    for j in range(parameter.columns):
        total += <floating> fabs(x[place_of(parameter, width, row, j)])
    return total


cdef double penalty_of(Plan *plan, const floating *tag) noexcept nogil:
    """The sum of the penalties of all columns."""
    cdef int number
    cdef double penalty = 0
    for number in range(plan.weight_count):
        if plan.weights[number].l1 > 0 or plan.weights[number].l2 > 0:
            penalty += total_of(plan, number, tag)
    return penalty


cdef void sum_all_squares(Plan *plan, const Part *part, const floating *region) noexcept nogil:
    """The squares' sum of each column of the gradients, partitioned between the threads by panels."""
    cdef int width = panel_columns(plan.isa, region), number
    cdef const Parameter *parameter
    cdef floating *sums = <floating *> plan.sums
    cdef Py_ssize_t panels, panel
    for number in range(plan.weight_count):
        parameter = &plan.weights[number]
        panels = blocks(parameter.columns, width)
        if parameter.trained and parameter.transposed:
            sum_stored_rows(part, parameter, width, 0, 1, region + parameter.start, sums)
        elif parameter.trained:
            for panel in range(partition(panels, part.thread, part.threads),
                               partition(panels, part.thread + 1, part.threads)):
                sum_squares(plan.isa, parameter.rows, region + parameter.start + panel * width * parameter.rows,
                            sums + panel * width)
        sums += panels * width


cdef double total_of_squares(Plan *plan, int first, int last, const floating *tag) noexcept nogil:
    """The total, array by array, of the squares of some gradients."""
    cdef int number
    cdef double total = 0
    for number in range(first, last):
        if plan.weights[number].trained:
            total += total_of(plan, number, tag)
    return total


cdef double total_of(Plan *plan, int number, const floating *tag) noexcept nogil:
    """The total of the columns' sums of an array."""
    cdef int width = panel_columns(plan.isa, tag), before
    cdef const floating *sums = <const floating *> plan.sums
    cdef double total = 0
    cdef Py_ssize_t j
    for before in range(number):
        sums += blocks(plan.weights[before].columns, width) * width
    for j in range(plan.weights[number].rows if plan.weights[number].transposed else plan.weights[number].columns):
        total += sums[j]
    return total


# ---------------------------------------------------------------------------------------------------------- constraint


cdef void constrain(Plan *plan, const Part *part, const floating *tag) noexcept nogil:
    """Do what Keras' constraints do. The first thread does so for what does not go by columns."""
    cdef int width = panel_columns(plan.isa, tag), number
    cdef const Parameter *parameter
    cdef Py_ssize_t panels, panel, first, last, size
    cdef bint by_columns
    cdef floating *w
    for number in range(plan.weight_count):
        parameter = &plan.weights[number]
        w = <floating *> parameter.data
        panels = blocks(parameter.columns, width)
        size = parameter.rows * width
        by_columns = parameter.norm_axis == COLUMNS and not parameter.is_vector
        first = partition(panels, part.thread, part.threads) if by_columns else 0
        last = partition(panels, part.thread + 1, part.threads) if by_columns else panels
        if not by_columns and part.thread > 0:
            continue
        if parameter.non_negative:
            lift((last - first) * size, w + first * size)
        if parameter.max_norm == 0:
            continue
        if by_columns:
            for panel in range(first, last):
                rescale_columns(plan, part, parameter, w + panel * size)
        elif parameter.norm_axis == ROWS or parameter.is_vector:
            rescale_rows(parameter, width, w)
        else:
            rescale_whole(plan, part, parameter, w)
        if not are_finite(plan.isa, (last - first) * size, w + first * size):  # a norm may be infinite
            flag_set(parameter.finite, False)


cdef void lift(Py_ssize_t n, floating *w) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        w[i] = 0 if w[i] < 0 else w[i]


cdef void rescale_columns(Plan *plan, const Part *part, const Parameter *parameter, floating *w) noexcept nogil:
    """The columns of one panel."""
    cdef int width = panel_columns(plan.isa, w), j
    cdef floating *factors = tile_of(plan, part, w)
    cdef Py_ssize_t i
    sum_squares(plan.isa, parameter.rows, w, factors)
    for j in range(width):
        factors[j] = <floating> rescaling(parameter, sqrt(factors[j]))
    for i in range(parameter.rows):
        for j in range(width):
            w[i * width + j] = w[i * width + j] * factors[j]


cdef void rescale_rows(const Parameter *parameter, int width, floating *w) noexcept nogil:
    """Each row, which a vector has one of."""
    cdef floating squares, factor
    cdef Py_ssize_t i, j, place
    for i in range(parameter.rows):
        squares = squares_of_row(parameter, width, i, w)
        factor = <floating> rescaling(parameter, sqrt(squares))
        for j in range(parameter.columns):
            place = place_of(parameter, width, i, j)
            w[place] = w[place] * factor


cdef void rescale_whole(Plan *plan, const Part *part, const Parameter *parameter, floating *w) noexcept nogil:
    """All of a matrix by its norm: the total of the columns' sums of squares."""
    cdef int width = panel_columns(plan.isa, w), j
    cdef floating *sums = tile_of(plan, part, w)
    cdef floating total = 0
    cdef Py_ssize_t panels = blocks(parameter.columns, width), size = parameter.rows * width, panel
    if parameter.transposed:
        for panel in range(parameter.rows):
            total += squares_of_row(parameter, width, panel, w)
    else:
        for panel in range(panels):
            sum_squares(plan.isa, parameter.rows, w + panel * size, sums)
            for j in range(<int> min(width, parameter.columns - panel * width)):
                total += sums[j]
    multiply(panels * size, <floating> rescaling(parameter, sqrt(total)), w)


cdef inline double rescaling(const Parameter *parameter, double norm) noexcept nogil:
    """What weights of that norm are multiplied by."""
    cdef double moved = norm if norm <= parameter.max_norm else parameter.max_norm
    if norm < parameter.min_norm:
        moved = parameter.min_norm
    if parameter.norm_rate != 1:
        moved = parameter.norm_rate * moved + (1 - parameter.norm_rate) * norm
    return moved / (EPSILON + norm)
