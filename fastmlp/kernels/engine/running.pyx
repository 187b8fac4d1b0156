"""A run of a network: what it is given, checked and put into C structs, and the parallel region its threads loop in."""

from cython cimport floating
from cython.parallel cimport parallel
from libc.limits cimport LLONG_MAX
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memset

from fastmlp.errors import told
from fastmlp.kernels.engine.checks import check_data, check_held_out, check_memory, check_rows_and_steps, check_written
from fastmlp.kernels.engine.description import METRICS, SOURCES
from fastmlp.kernels.engine.sparse_rows import SparseRows as Rows
from fastmlp.kernels.limits import MAX_THREADS, startable, usable, useful

from fastmlp.kernels.isa cimport barrier_waited, blocks as blocks_of, counter_seen, counter_set, flag_set, nanoseconds
from fastmlp.kernels.isa cimport thread_number
from fastmlp.kernels.engine.architecture cimport listed
from fastmlp.kernels.engine.description cimport ACTIVITY_PENALTY, DENSE
from fastmlp.kernels.engine.epoch cimport differentiate, evaluate, predict, predict_in_training, train
from fastmlp.kernels.engine.exceptions cimport raise_kept
from fastmlp.kernels.engine.leaving cimport has_long_products
from fastmlp.kernels.engine.parameters cimport address, address_or_null
from fastmlp.kernels.engine.plan cimport ONLY, Data, Plan, Source, Stage, Target
from fastmlp.kernels.engine.team cimport Finding, Team, gather_team, regroup
from fastmlp.kernels.engine.workspace cimport Workspace

cdef long long NEVER = LLONG_MAX  # the last step of a run that nobody stops

cdef Finding finding  # the last one of any network, about how many threads pay


cdef class Running(Workspace):
    """The runs of a network, and the threads they have."""

    @property
    def threads(self):
        self.check_made()
        return self.thread_limit

    @threads.setter
    def threads(self, threads):
        self.check_made()
        if not 1 <= threads <= MAX_THREADS:
            raise ValueError(f"threads: got {told(threads)}, needs 1 to {MAX_THREADS}")
        self.thread_limit = threads

    cdef run(self, int what, x, y, order, Py_ssize_t batch_size, metric, sample_weight, learning_rates, penalty_scales,
             predictions, input_gradient, output_gradients, asked=None, totals=None, held_out=None, kept=None):
        """Let the threads loop over the batches of the data, and raise what was raised meanwhile."""
        cdef Py_ssize_t count = self.plan.output_count, epochs = 1 if totals is None else len(totals)
        xs = listed("x", x, self.plan.input_count, self.several_inputs)
        ys, metrics = self.for_outputs("y", y), self.for_outputs("metric", metric)
        weights = self.for_outputs("sample_weight", sample_weight)
        outs = self.for_outputs("predictions", predictions)
        given = self.for_outputs("output_gradients", output_gradients)
        by_inputs = listed("input_gradient", input_gradient, self.plan.input_count, self.several_inputs)
        unlabelled = what in (PREDICT, PREDICT_IN_TRAINING) or output_gradients is not None
        rows, order = check_data(self, xs, ys, metrics, order, batch_size, unlabelled)
        check_rows_and_steps(self, rows, order, batch_size, weights, learning_rates, penalty_scales, epochs)
        if predictions is not None:
            check_memory("out" if unlabelled else "predictions", self, xs, outs, self.output_columns,
                         epochs=None if totals is None else epochs)
        if input_gradient is not None:
            check_memory("input_gradient", self, xs, by_inputs, self.input_columns)
        if output_gradients is not None:
            check_memory("output_gradients", self, xs, given, self.output_columns, False)
        if held_out is not None:
            check_held_out(self, xs, held_out, epochs)
        if kept is not None:
            check_written("weights", kept, self.dtype, (epochs, self.packed_size))
        cdef Data data, data_held_out
        cdef Source source
        cdef Target target
        memset(&data, 0, sizeof(Data))
        data.sources = self.sources
        data.targets = self.targets
        data.order = <const int64_t *> address_or_null(order)
        data.learning_rates = <const double *> address_or_null(learning_rates)
        data.penalty_scales = <const double *> address_or_null(penalty_scales)
        data.training = what == DIFFERENTIATE_IN_TRAINING
        data.by_inputs = input_gradient is not None
        data.asked = <void *> asked if asked is not None else NULL
        data.rows = rows if order is None else len(order) // epochs
        data.epochs = epochs
        data.totals = <double *> address_or_null(totals)
        data.weights = <void *> address_or_null(kept)
        if held_out is not None:
            memset(&data_held_out, 0, sizeof(Data))
            memset(&source, 0, sizeof(Source))
            memset(&target, 0, sizeof(Target))
            source.x = <const void *> address(held_out[0])
            source.x_type = SOURCES[held_out[0].dtype]
            target.predictions = <void *> address(held_out[1])
            data_held_out.sources, data_held_out.targets = &source, &target
            data_held_out.rows = len(held_out[0])
            data.held_out = &data_held_out
        cdef Plan *plan = &self.plan
        cdef Py_ssize_t batch = min(batch_size, data.rows)
        cdef int threads = 1
        if self.has_barriers and self.thread_limit > 1:
            threads = useful(usable(self.thread_limit))
        cdef Py_ssize_t together = 0
        if what == TRAIN or (what >= DIFFERENTIATE and not unlabelled and input_gradient is None):
            together = self.portion(batch, xs)
        cdef Team *team = &self.teams[what]
        cdef long long now
        cdef bint step_by_step = what in (TRAIN, EVALUATE)
        if what == PREDICT:  # each thread takes batches for itself
            threads = min(threads, max(blocks_of(data.rows, batch), 1))
        self.take_lock()
        try:
            plan.portion_rows = together
            self.reserve(batch * threads if what == PREDICT else together or batch, threads,
                         tuple([isinstance(xs[i], Rows) and not self.is_narrow(i) for i in range(len(xs))]),
                         self.most_entries(what, xs, order, batch, epochs))
            for i in range(self.plan.input_count):
                self.set_source(i, xs[i], by_inputs[i])
            if together > 0 or (what == TRAIN and has_long_products(plan, batch)):
                self.reserve_gradients()
            for i in range(count):
                self.set_target(i, ys[i], metrics[i], weights[i], outs[i], given[i], order)
            counter_set(&plan.steps_done, 0)
            counter_set(&plan.steps_finite, 0)
            counter_set(&plan.last_step, NEVER)
            plan.loss_total = plan.penalty = 0
            flag_set(&plan.stopped, False)
            plan.next_row = 0
            counter_set(&plan.chunks, 0)
            plan.team = team
            plan.waiting = NULL if self.turns is None or not self.turns.is_own() else &self.turns.waiting
            gather_team(team, threads, batch if step_by_step else data.rows, nanoseconds(), &finding)
            while True:
                if what == TRAIN and self.turns is not None:
                    self.turns.note_update()
                threads = startable(team.threads) if team.threads > 1 else 1
                if threads < team.threads:
                    gather_team(team, threads, batch if step_by_step else data.rows, nanoseconds(), &finding)
                    threads = team.threads
                if self.is_single:
                    with nogil, parallel(num_threads=threads):
                        loop(what, plan, &data, batch, <const float *> NULL)
                else:
                    with nogil, parallel(num_threads=threads):
                        loop(what, plan, &data, batch, <const double *> NULL)
                if plan.exception != NULL or not remains(what, plan, &data, batch):
                    break
                if plan.waiting != NULL:
                    self.turns.let_others()
                    team.begun = nanoseconds()
                counter_set(&plan.last_step, NEVER)
            if team.most > 1 and not step_by_step:
                now = nanoseconds()
                regroup(team, threads, data.rows, now, max(now - plan.left, barrier_waited(&plan.barrier)))
            raise_kept(plan)
        finally:
            remember(team)
            self.lock.release()

    cdef Py_ssize_t portion(self, Py_ssize_t batch, xs) except -1:
        """Rows of a large batch that go through all stages before the next ones, to stay in the cache; 0: all.

        Only stages whose rows have nothing to do with each other can do so.
        """
        cdef const Stage *stage
        cdef Py_ssize_t size = 0, rows, number
        if batch < 2 * CHUNK:
            return 0
        if any([loss is not None for loss in self.custom_losses]) or any([isinstance(x, Rows) for x in xs]):
            return 0
        for number in range(self.plan.depth):
            stage = &self.plan.stages[number]
            if stage.kind >= ACTIVITY_PENALTY or stage.use != ONLY or stage.groups != 1:
                return 0
            size += 2 * self.padded(stage.outputs) * self.dtype.itemsize
        rows = max(CHUNK, self.plan.large_cache_size // size)
        if batch < 2 * rows or self.multiply_adds * self.dtype.itemsize > 2 * rows * size:
            return 0  # every portion reads the weights anew
        return blocks_of(batch, batch // rows)

    cdef Py_ssize_t most_entries(self, int what, xs, order, Py_ssize_t batch, Py_ssize_t epochs) except -1:
        """Numbers of a batch of sparse rows, where gradients are computed."""
        if what in (PREDICT, PREDICT_IN_TRAINING, EVALUATE):
            return 0
        return max([x.most_together(order, batch, epochs) if isinstance(x, Rows) else 0 for x in xs])

    cdef set_source(self, int number, x, gradient):
        cdef Source *source = &self.sources[number]
        memset(source, 0, sizeof(Source))
        source.gradient = address_or_null(gradient)
        source.x_type = SOURCES[x.dtype]
        if isinstance(x, Rows):
            source.x = <const void *> address(x.data)
            source.starts = <const int64_t *> address(x.indptr)
            source.index = <const uint32_t *> address(x.indices)
        else:
            source.x = <const void *> address(x)
        self.plan.stages[number].sparse.values = source.x
        self.plan.stages[number].sparse.index = source.index if self.sparse[number] else NULL

    cdef bint is_narrow(self, Py_ssize_t number):
        """Whether a stage with few outputs reads an input, which is whole then."""
        cdef const Stage *stage
        cdef Py_ssize_t i
        for i in range(self.plan.input_count, self.plan.depth):
            stage = &self.plan.stages[i]
            if stage.kind == DENSE and stage.edges[0].source == number and stage.kernel.transposed:
                return True
        return False

    cdef set_target(self, Py_ssize_t number, y, metric, weights, predictions, gradient, order):
        cdef Target *target = &self.targets[number]
        memset(target, 0, sizeof(Target))
        if y is not None and self.custom_losses[number] is None:
            if y.ndim == 2:
                target.y = <const void *> address(y)
            else:
                target.labels = <const int *> address(y)
        if y is not None and self.custom_losses[number] is not None:
            self.custom_losses[number].begin(y, order, weights is not None)
            target.custom_loss = <void *> self.custom_losses[number]
        target.weights = <const void *> address_or_null(weights)
        target.gradient = <const void *> address_or_null(gradient)
        target.predictions = address_or_null(predictions)
        target.next_epoch = predictions.strides[0] if predictions is not None and predictions.ndim == 3 else 0
        target.metric = METRICS[metric]
        self.plan.outputs[number].loss_total = self.plan.outputs[number].metric_total = 0


cdef void remember(Team *team) noexcept:
    """Let networks that begin know what a team has found since."""
    global finding
    if team.finding.until > 0:
        finding = team.finding
        team.finding.until = 0


cdef void loop(int what, Plan *plan, const Data *data, Py_ssize_t batch_size, const floating *tag) noexcept nogil:
    if what == TRAIN:
        train(plan, data, batch_size, tag)
    elif what == PREDICT:
        predict(plan, data, batch_size, thread_number(), tag)
    elif what == PREDICT_IN_TRAINING:
        predict_in_training(plan, data, tag)
    elif what == EVALUATE:
        evaluate(plan, data, batch_size, tag)
    else:
        differentiate(plan, data, tag)
    if thread_number() == 0:
        plan.left = nanoseconds()


cdef bint remains(int what, const Plan *plan, const Data *data, Py_ssize_t batch_size) noexcept:
    """Whether the threads have left batches, as they are to be more or fewer."""
    if what == TRAIN:
        return counter_seen(&plan.steps_done) < data.epochs * blocks_of(data.rows, batch_size)
    return what == EVALUATE and plan.next_row < data.rows
