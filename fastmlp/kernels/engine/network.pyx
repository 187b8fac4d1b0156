"""A network in compiled form: its weights packed, its epochs without Python; twin of reference/network.py."""

from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cython cimport embedsignature, floating
from cython.parallel cimport parallel
from libc.stdint cimport UINT64_MAX, int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memset

import os

import numpy as np

from fastmlp.kernels.engine.arena import aligned
from fastmlp.kernels.engine.checks import check_data, check_out, check_rows_and_steps
from fastmlp.kernels.limits import MAX_THREADS, WORK_PER_THREAD, usable
from fastmlp.kernels.engine.custom_loss import CustomLoss
from fastmlp.kernels.engine.description import (
    ACTIVATIONS, FUSED, KINDS, LOSSES, METRICS, SOURCES, TRAINED, settings_of_loss, take_apart, weight_shapes,
)

from fastmlp.kernels.engine.epoch cimport differentiate, evaluate, predict, predict_alone, train
from fastmlp.kernels.engine.exceptions cimport raise_kept
from fastmlp.kernels.isa cimport FLOAT32, FLOAT64, UINT8, blocks as blocks_of, counter_set, thread_number
from fastmlp.kernels.engine.parameters cimport Parameters, address, address_or_null
from fastmlp.kernels.engine.description cimport ACTIVITY_PENALTY, BATCH_NORMALIZATION, DENSE, LAYER_NORMALIZATION
from fastmlp.kernels.engine.plan cimport CUSTOM_LOSS, NO_METRIC, POOL, Data, Stage, Lists, Matrix, Parameter, Plan
from fastmlp.kernels.row_losses cimport Loss

cdef enum:
    TRAIN
    PREDICT
    EVALUATE
    DIFFERENTIATE
    DIFFERENTIATE_IN_TRAINING

# whether zeros of a layer's input may be left out of its products; the results have the same bits
SKIP_ZEROS = os.environ.get("FASTMLP_SKIP_ZEROS", "1") != "0"
cdef uint64_t NEVER = UINT64_MAX  # the last step of a run that nobody stops
cdef Py_ssize_t SMALL = 2 * WORK_PER_THREAD - 1  # multiply-adds for which one thread is best
cdef Py_ssize_t CHUNK = 128  # rows that evaluate takes at a time, and every thread of predict


@embedsignature(True)
cdef class Network(Parameters):
    """A multilayer perceptron; its weights are 0 until set_weights.

    One thread at a time may use it; `fastmlp.Sequential` sees to that.

    Parameters
    ----------
    inputs : int
        Features a row.
    layers : list of dict
        Each has a "kind" of description.KINDS and its settings, which reference/network.py lists.
    loss : str, dict or callable, optional
        A name of description.LOSSES, or {"name": str} with what description.LOSS_SETTINGS has for it. A pair of
        description.FUSED is computed from the input of the last activation. A callable gets the targets and the
        predictions of a batch, and returns the losses, [rows] or their mean, and the gradient of the mean,
        [rows, units].
    optimizer : dict, optional
        "name" of optimizers.SLOTS and the arguments of that kernel, without step; "initial_accumulator_value" of the
        first slot. For any, "clipvalue" and "weight_decay" as of clip_by_value and decay_weights; with "ema_momentum"
        the last slot is average_weights', which become the weights every "ema_overwrite_frequency" steps.
        "clipnorm" or "global_clipnorm" is the largest norm of each gradient, or of all of them together.
    dtype : {"float32", "float64"}
        Type of weights and arithmetic.
    blocks : list of Block, optional
        The memory of the weights, in the order of get_weights, which others may refer to as well.

    Attributes
    ----------
    multiply_adds : int
        Multiplications and additions of a product to predict one row.
    step : int
        Updates done.
    steps_done : int
        Updates done in the running epoch; may be read from other threads meanwhile.
    threads : int
        OpenMP threads to use, 1 at first. The results have the same bits for any number.
    """

    cdef readonly object loss
    cdef int thread_limit
    cdef readonly Py_ssize_t multiply_adds
    cdef bint has_barriers  # without them a pass is too little work for several threads
    cdef Py_ssize_t capacity, capacity_threads
    cdef object stage_memory, workspace, custom_loss

    def __init__(self, inputs, layers, loss=None, optimizer=None, dtype="float32", blocks=None):
        settings = settings_of_loss(loss)
        self.loss = loss = settings["name"]
        self.thread_limit = 1
        self.capacity = 0
        self.plan.skip_zeros = SKIP_ZEROS
        if inputs < 1 or any(layer.get("units", 1) < 1 for layer in layers):
            needs = "at least one input and one unit in every layer"
            raise ValueError(f"layers: got {inputs} inputs and {layers}, needs {needs}")
        self.plan.inputs = inputs
        self.custom_loss = CustomLoss(loss) if callable(loss) else None
        self.plan.fused = bool(layers) and (layers[len(layers) - 1].get("activation"), loss) in FUSED
        kind = CUSTOM_LOSS
        if self.custom_loss is None:
            kind = LOSSES[loss + "_from_logits" if self.plan.fused else loss]
        given = [settings.get(name, 0.0) for name in ("delta", "label_smoothing", "alpha", "gamma")]
        self.plan.loss = Loss(kind, given[0], given[1], given[2], given[3])
        stages = take_apart(layers, self.plan.fused)
        self.begin(dtype, 4 * len(stages), blocks)  # no stage has more arrays
        self.set_stages(stages)
        self.end(optimizer)

    cdef set_stages(self, described):
        """Fill in the C structs of the stages, and give them their weights."""
        cdef Stage *stage
        cdef Py_ssize_t inputs = self.plan.inputs
        self.stage_memory = np.zeros(len(described) * sizeof(Stage), np.uint8)
        self.plan.stages = <Stage *> address(self.stage_memory)
        self.plan.depth = self.plan.first_trained = len(described)
        for i, settings in enumerate(described):
            stage = &self.plan.stages[i]
            stage.kind = KINDS[settings["kind"]]
            stage.place = settings["place"]
            stage.activation = ACTIVATIONS[settings.get("activation", "linear")]
            stage.inputs = inputs
            stage.outputs = inputs = settings.get("units", inputs)
            stage.l1 = settings.get("l1", 0.0)
            stage.l2 = settings.get("l2", 0.0)
            stage.rate = settings.get("rate", 0.0)
            stage.stddev = settings.get("stddev", 0.0)
            stage.epsilon = settings.get("epsilon", 0.0)
            stage.momentum = settings.get("momentum", 0.0)
            stage.seed = settings.get("seed", 0)
            stage.scale = settings.get("scale", 1.0)
            stage.offset = settings.get("offset", 0.0)
            self.has_barriers |= stage.kind == DENSE or stage.kind == BATCH_NORMALIZATION
            self.plan.active |= stage.kind == ACTIVITY_PENALTY
            for name, shape in weight_shapes(settings, stage.inputs).items():
                give(stage, name, self.add(name, shape, name in TRAINED, settings.get(name, {})))
                if name in TRAINED:
                    self.plan.first_trained = min(self.plan.first_trained, i)
        self.plan.outputs = inputs
        self.multiply_adds = max(1, sum(int(np.prod(block.shape)) for block in self.blocks))

    cdef reserve(self, Py_ssize_t n, int threads):
        """Make room for batches of n rows and so many threads."""
        cdef Py_ssize_t widest = self.plan.inputs, deepest = 1, number
        cdef Stage *stage
        if n <= self.capacity and threads <= self.capacity_threads:
            return
        n = max(n, self.capacity)
        threads = max(threads, self.capacity_threads)
        self.capacity = 0  # until all the room is there
        self.workspace = []
        self.plan.scratch = <void *> address(self.memory[2])  # apply_gradients needs no more
        self.make_matrix(&self.plan.batch, n, self.plan.inputs)
        self.make_matrix(&self.plan.batch_gradient, n, self.plan.inputs)
        for number in range(self.plan.depth):
            stage = &self.plan.stages[number]
            self.make_matrix(&stage.output, n, stage.outputs)
            self.make_matrix(&stage.gradient, n, stage.outputs)
            widest = max(widest, stage.outputs)
            if stage.kind == DENSE:
                deepest = max(deepest, stage.inputs)
                listed = self.plan.skip_zeros and stage.outputs > self.width
                self.make_lists(&stage.by_columns, self.padded(stage.inputs) // 2, n if listed else 0)
            elif stage.kind == BATCH_NORMALIZATION:
                stage.statistics = self.room(4 * self.padded(stage.outputs))
            elif stage.kind == LAYER_NORMALIZATION:
                stage.statistics = self.room(2 * n)
        lists = (blocks_of(n, self.plan.isa.tile_rows) + threads) * blocks_of(self.plan.isa.tile_rows, 2)
        self.make_lists(&self.plan.by_rows, lists, deepest)
        self.plan.pairs = <int32_t *> self.room(2 * lists)
        self.plan.scratch_size = self.padded(
            self.plan.tile_size + max(max(self.width, 4) * self.padded(widest), 2 * POOL * blocks_of(deepest, 64))
        )
        self.plan.scratch = self.room(threads * self.plan.scratch_size)
        self.plan.losses = self.room(n)
        losses = self.workspace[len(self.workspace) - 1]
        self.plan.activity = self.room(n)
        self.plan.metrics = <double *> self.room(n * (1 if self.dtype == np.float64 else 2))
        if self.custom_loss is not None:
            predictions, gradient = (aligned((n, self.plan.outputs), self.dtype) for _ in range(2))
            self.custom_loss.use_memory(predictions, gradient, losses)
            self.plan.custom_predictions = <void *> address(predictions)
            self.plan.custom_gradient = <void *> address(gradient)
        self.capacity = n
        self.capacity_threads = threads

    cdef make_matrix(self, Matrix *matrix, Py_ssize_t rows, Py_ssize_t columns):
        """Panels of zeros. Another row apart, so that those of 128 rows do not fall on each other in a cache."""
        matrix.columns = columns
        matrix.stride = (rows + 1) * self.width
        matrix.data = self.room(blocks_of(columns, self.width) * matrix.stride)

    cdef make_lists(self, Lists *lists, Py_ssize_t count, Py_ssize_t capacity):
        capacity += self.width  # whole vectors are written
        lists.capacity = capacity
        lists.counts = <int32_t *> self.room(count)
        lists.index = <uint32_t *> self.room(count * capacity)
        lists.values = self.room(2 * count * capacity)

    cdef void *room(self, Py_ssize_t size) except NULL:
        array = aligned((size,), self.dtype)
        self.workspace.append(array)
        return <void *> address(array)

    # ----------------------------------------------------------------------------------------------------- settings

    @property
    def threads(self):
        return self.thread_limit

    @threads.setter
    def threads(self, threads):
        if not 1 <= threads <= MAX_THREADS:
            raise ValueError(f"threads: got {threads}, needs 1 to {MAX_THREADS}")
        self.thread_limit = threads

    @property
    def steps_done(self):
        return self.plan.steps_done

    @property
    def inputs(self):
        return self.plan.inputs

    @property
    def outputs(self):
        return self.plan.outputs

    # ---------------------------------------------------------------------------------------------------------- runs

    def train_epoch(
        self, x, y, order, batch_size, metric=None, sample_weight=None, learning_rates=None, predictions=None,
        penalty_scales=None,
    ):
        """Visit the rows once, with an update after each batch_size of them.

        Parameters
        ----------
        x : ndarray [rows, inputs] of uint8, float32 or float64, C-contiguous
        y : ndarray [rows, units] of the network's dtype, or [rows] of intc for the sparse losses; a loss that is a
            callable gets its rows as they are
        order : ndarray of int64
            Row numbers in the order they are visited; the last batch may be short.
        batch_size : int
        metric : str, optional
            A name of description.METRICS.
        sample_weight : ndarray [rows] of the network's dtype, optional
            What each row's loss is multiplied by. Means divide by the number of rows all the same, as in Keras.
        learning_rates : ndarray [steps] of float64, optional
            One for each update, in place of the optimizer's.
        predictions : ndarray [rows, units] of the network's dtype, optional
            Filled with the outputs of the visited rows, as they were in their batch.
        penalty_scales : ndarray [steps] of float64, optional
            What the penalties of weights are multiplied by in each update.

        Returns
        -------
        loss, metric value : float
            Means over the rows, each as it was in its batch, before the update and with dropout.

        Raises
        ------
        KeyboardInterrupt
            Within a second of Ctrl-C, and one more step where that takes longer; the updates done until then stay.
            So do predict and evaluate; gradients are one step.
        """
        self.run(TRAIN, x, y, order, batch_size, metric, sample_weight, learning_rates, penalty_scales, predictions,
                 None)
        return self.plan.loss_total / len(order), self.plan.metric_total / len(order)

    def predict(self, x, out=None):
        """Output of the last layer, [rows, units], or `out` filled with it; x as in train_epoch."""
        if out is None:
            out = np.empty((len(x), self.plan.outputs), self.dtype)
        self.run(PREDICT, x, None, None, CHUNK, None, None, None, None, out, None)
        return out

    def predict_small(self, x, out):
        """Fill `out` with the predictions of a few rows without delay; where that cannot be, return False instead.

        It can be where x [rows, ...] and out [rows, units] are C-contiguous and of the network's dtype (x also of
        uint8), x is finite, the work is worth one thread, and the network is not in use.
        """
        cdef Py_buffer source, result
        cdef bint done = False
        try:
            PyObject_GetBuffer(x, &source, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS)
        except (TypeError, ValueError, BufferError):
            return False
        try:
            PyObject_GetBuffer(out, &result, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE)
        except (TypeError, ValueError, BufferError):
            PyBuffer_Release(&source)
            return False
        try:
            if self.fits(&source, &result) and self.lock.acquire(False):
                try:
                    self.run_small(&source, &result)
                    done = True
                finally:
                    self.lock.release()
        finally:
            PyBuffer_Release(&source)
            PyBuffer_Release(&result)
        return done

    cdef bint fits(self, const Py_buffer *x, const Py_buffer *out):
        cdef int own = FLOAT32 if self.is_single else FLOAT64, source = source_of(x)
        cdef Py_ssize_t rows = x.shape[0] if x.ndim > 1 else 0, n = rows * self.plan.inputs
        cdef size_t start = <size_t> x.buf, result = <size_t> out.buf
        return (
            0 < rows <= SMALL // self.multiply_adds and source in (own, UINT8) and n * x.itemsize == x.len
            and source_of(out) == own and out.ndim == 2 and out.shape[0] == rows and out.shape[1] == self.plan.outputs
            and (result + out.len <= start or start + x.len <= result)  # what is read does not change meanwhile
            and self.plan.isa.all_finite(source, own, n, x.buf)
        )

    cdef run_small(self, const Py_buffer *x, const Py_buffer *out):
        cdef Data data
        memset(&data, 0, sizeof(Data))
        data.x = x.buf
        data.x_type = source_of(x)
        data.predictions = out.buf
        data.rows = x.shape[0]
        data.metric = NO_METRIC
        self.reserve(min(data.rows, CHUNK), 1)
        with nogil:
            if self.is_single:
                predict_alone(&self.plan, &data, CHUNK, <const float *> NULL)
            else:
                predict_alone(&self.plan, &data, CHUNK, <const double *> NULL)

    def evaluate(self, x, y, metric=None, sample_weight=None, predictions=None):
        """Mean loss with the penalty, and mean metric, over all rows; arguments as in train_epoch, dropout off."""
        self.run(EVALUATE, x, y, None, CHUNK, metric, sample_weight, None, None, predictions, None)
        return self.mean_loss(len(x)), self.plan.metric_total / len(x)

    def gradients(self, x, y, sample_weight=None, input_gradient=None, training=False):
        """The mean loss with the penalty, and its gradients by the trained weights, in the order of get_weights.

        The rows are one batch. `input_gradient`, an ndarray [rows, inputs] of the network's dtype, is filled with the
        gradient by x. Where `training` is True all is as in the next step of train_epoch, moving statistics included;
        else as in evaluate.
        """
        self.reserve_gradients()
        what = DIFFERENTIATE_IN_TRAINING if training else DIFFERENTIATE
        self.run(what, x, y, None, len(x), None, sample_weight, None, None, None, input_gradient)
        return self.mean_loss(len(x)), self.arena.arrays(self.gradient_region)

    cdef run(self, int what, x, y, order, Py_ssize_t batch_size, metric, sample_weight, learning_rates, penalty_scales,
             predictions, input_gradient):
        """Let the threads loop over the batches of the data, and raise what was raised meanwhile."""
        if what != PREDICT and y is None:
            raise ValueError("y: got None, needs the targets")
        check_data(self, x, y, order, batch_size, metric)
        check_rows_and_steps(self, len(x), order, batch_size, sample_weight, learning_rates, penalty_scales)
        if predictions is not None:
            check_out("out" if what == PREDICT else "predictions", self, x, predictions, self.plan.outputs)
        if input_gradient is not None:
            check_out("input_gradient", self, x, input_gradient, self.plan.inputs)
        cdef Data data
        memset(&data, 0, sizeof(Data))
        data.x = <const void *> address(x)
        data.x_type = SOURCES[x.dtype]
        if self.custom_loss is None and y is not None:
            if y.ndim == 2:
                data.y = <const void *> address(y)
            else:
                data.labels = <const int *> address(y)
        data.order = <const int64_t *> address_or_null(order)
        data.weights = <const void *> address_or_null(sample_weight)
        data.learning_rates = <const double *> address_or_null(learning_rates)
        data.penalty_scales = <const double *> address_or_null(penalty_scales)
        data.predictions = address_or_null(predictions)
        data.input_gradient = address_or_null(input_gradient)
        data.training = what == DIFFERENTIATE_IN_TRAINING
        data.rows = len(x if order is None else order)
        data.metric = METRICS[metric]
        cdef Plan *plan = &self.plan
        cdef Py_ssize_t batch = min(batch_size, data.rows)
        cdef int threads = usable(self.thread_limit) if self.has_barriers else 1
        self.take_lock()
        try:
            self.reserve(batch * threads if what == PREDICT else batch, threads)
            if self.custom_loss is not None:
                call = self.custom_loss.begin(y, order, sample_weight is not None)
                data.custom_loss = <void *> call
            plan.steps_done = 0
            plan.last_step = NEVER
            plan.loss_total = plan.metric_total = plan.penalty = 0
            plan.stopped = False
            counter_set(&plan.chunks, 0)
            if self.is_single:
                with nogil, parallel(num_threads=threads):
                    loop(what, plan, &data, batch, <const float *> NULL)
            else:
                with nogil, parallel(num_threads=threads):
                    loop(what, plan, &data, batch, <const double *> NULL)
            raise_kept(plan)
        finally:
            self.lock.release()

    cdef double mean_loss(self, Py_ssize_t rows):
        cdef double loss = self.plan.loss_total / rows
        return loss + self.plan.penalty if self.plan.penalized else loss


cdef void loop(int what, Plan *plan, const Data *data, Py_ssize_t batch_size, const floating *tag) noexcept nogil:
    if what == TRAIN:
        train(plan, data, batch_size, tag)
    elif what == PREDICT:
        predict(plan, data, batch_size, thread_number(), tag)
    elif what == EVALUATE:
        evaluate(plan, data, batch_size, tag)
    else:
        differentiate(plan, data, tag)


cdef void give(Stage *stage, name, const Parameter *parameter):
    """Let a stage know one of its arrays of weights."""
    if name == "kernel":
        stage.kernel = parameter
    elif name == "bias":
        stage.bias = parameter
    elif name == "gamma":
        stage.gamma = parameter
    elif name == "beta":
        stage.beta = parameter
    elif name == "mean":
        stage.mean = parameter
    else:
        stage.variance = parameter


cdef int source_of(const Py_buffer *buffer) noexcept:
    """The type of a buffer's numbers, or -1."""
    if buffer.format == NULL or buffer.format[0] == 0 or buffer.format[1] != 0:
        return -1
    if buffer.format[0] == b"f":
        return FLOAT32
    if buffer.format[0] == b"d":
        return FLOAT64
    return UINT8 if buffer.format[0] == b"B" else -1
