"""A network in compiled form: its weights in one arena, its epochs without Python; twin of reference/network.py."""

from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_Occurred
from cython cimport embedsignature, floating
from cython.parallel cimport parallel
from libc.stdint cimport UINT64_MAX, int32_t, int64_t, uint32_t, uint64_t

import os
import threading

import numpy as np

from fastmlp.kernels.arena import Arena, aligned
from fastmlp.kernels.contract import check_data, check_out, check_rows_and_steps
from fastmlp.kernels.forks import MAX_THREADS, WORK_PER_THREAD, usable
from fastmlp.kernels.stages import ACTIVATIONS, FUSED, KINDS, LOSSES, METRICS, SLOTS, SOURCES
from fastmlp.kernels.stages import settings_of_loss, take_apart

from fastmlp.kernels.epoch cimport differentiate, evaluate, predict, train
from fastmlp.kernels.isa cimport FLOAT32, FLOAT64, UINT8, blocks, selected, thread_count, thread_number
from fastmlp.kernels.optimizers cimport optimizer_from
from fastmlp.kernels.plan cimport DENSE, Data, Layer, Lists, Matrix, NO_METRIC, POOL, Plan
from fastmlp.kernels.row_losses cimport Loss

cdef enum:
    TRAIN
    PREDICT
    EVALUATE
    DIFFERENTIATE

# whether zeros of a layer's input may be left out of its products; the results have the same bits
SKIP_ZEROS = os.environ.get("FASTMLP_SKIP_ZEROS", "1") != "0"
cdef uint64_t NEVER = UINT64_MAX  # the last step of a run that nobody stops
cdef Py_ssize_t SMALL = 2 * WORK_PER_THREAD - 1  # multiply-adds for which one thread is best
cdef Py_ssize_t CHUNK = 128  # rows that evaluate takes at a time, and every thread of predict


@embedsignature(True)
cdef class Network:
    """A multilayer perceptron; its weights are 0 until set_weights.

    One thread at a time may use it; `fastmlp.Sequential` sees to that.

    Parameters
    ----------
    inputs : int
        Features a row.
    layers : list of dict
        {"kind": "dense", "units": int, "activation": str, "use_bias": bool, "l2": float},
        {"kind": "activation", "activation": str}, {"kind": "dropout", "rate": float, "seed": int} or
        {"kind": "rescaling", "scale": float, "offset": float}.
    loss : str or dict, optional
        A name of stages.LOSSES, or {"name": str} with what that kernel takes besides ("delta" of huber), and with
        "label_smoothing" of the cross-entropies that take rows. A pair of stages.FUSED is computed from the input of
        the last activation.
    optimizer : dict, optional
        "name" of stages.SLOTS and the arguments of that kernel, without step; "initial_accumulator_value" for adagrad.
    dtype : {"float32", "float64"}
        Type of weights and arithmetic.

    Attributes
    ----------
    step : int
        Updates done.
    steps_done : int
        Updates done in the running epoch; may be read from other threads meanwhile.
    threads : int
        OpenMP threads to use, 1 at first. The results have the same bits for any number.
    """

    cdef Plan plan
    cdef readonly object dtype, loss
    cdef int thread_limit
    cdef bint is_single
    cdef Py_ssize_t multiply_adds  # to predict one row
    cdef Py_ssize_t height, width, capacity, capacity_threads
    cdef object layer_memory, arena, gradient_region, workspace, lock

    def __init__(self, inputs, layers, loss=None, optimizer=None, dtype="float32"):
        self.dtype = np.dtype(dtype)
        settings = settings_of_loss(loss)
        self.loss = loss = settings["name"]
        self.thread_limit = 1
        self.is_single = self.dtype == np.float32
        self.capacity = 0
        self.lock = threading.Lock()
        self.plan.isa = selected()
        self.height = self.plan.isa.f32.tile_rows if self.is_single else self.plan.isa.f64.tile_rows
        self.width = self.plan.isa.f32.panel_columns if self.is_single else self.plan.isa.f64.panel_columns
        self.plan.tile_size = max(self.height, self.width) * self.width
        self.plan.skip_zeros = SKIP_ZEROS
        if inputs < 1 or any(layer.get("units", 1) < 1 for layer in layers):
            raise ValueError(f"a network needs at least one input and one unit in every layer, got {inputs}, {layers}")
        self.plan.inputs = inputs
        self.plan.fused = bool(layers) and (layers[len(layers) - 1].get("activation"), loss) in FUSED
        kind = LOSSES[loss + "_from_logits" if self.plan.fused else loss]
        self.plan.loss = Loss(kind, settings.get("delta", 0.0), settings.get("label_smoothing", 0.0))
        self.arena = Arena(self.width, self.dtype)
        self.set_layers(take_apart(layers, self.plan.fused))
        optimizer = dict(optimizer or {"name": "sgd", "learning_rate": 0.0})
        self.plan.optimizer = optimizer_from(optimizer["name"], optimizer)
        self.arena.allocate(SLOTS[optimizer["name"]], optimizer.get("initial_accumulator_value", 0.0))
        self.plan.parameters = self.arena.size
        self.plan.arena = <void *> address(self.arena.regions)

    cdef set_layers(self, stages):
        """Fill in the C structs of the stages, and give every dense one its place in the arena."""
        cdef Layer *layer
        cdef Py_ssize_t inputs = self.plan.inputs
        self.layer_memory = np.zeros(len(stages) * sizeof(Layer), np.uint8)
        self.plan.layers = <Layer *> address(self.layer_memory)
        self.plan.depth = self.plan.first_dense = len(stages)
        for i, stage in enumerate(stages):
            layer = &self.plan.layers[i]
            layer.kind = KINDS[stage["kind"]]
            layer.number = stage["number"]
            layer.activation = ACTIVATIONS[stage.get("activation", "linear")]
            layer.inputs = inputs
            layer.outputs = inputs = stage.get("units", inputs)
            layer.use_bias = stage.get("use_bias", False)
            layer.l2 = stage.get("l2", 0.0)
            layer.rate = stage.get("rate", 0.0)
            layer.seed = stage.get("seed", 0)
            layer.scale = stage.get("scale", 1.0)
            layer.offset = stage.get("offset", 0.0)
            if layer.kind == DENSE:
                place = self.arena.add(layer.inputs, layer.outputs, layer.use_bias)
                layer.kernel = place.kernel
                layer.bias = place.bias
                self.plan.penalized |= layer.l2 > 0
                self.plan.first_dense = min(self.plan.first_dense, i)
        self.plan.outputs = inputs
        self.multiply_adds = max(1, sum((place.inputs + place.use_bias) * place.units for place in self.arena.places))

    cdef reserve(self, Py_ssize_t n, int threads):
        """Make room for batches of n rows and so many threads."""
        cdef Py_ssize_t widest = self.plan.inputs, deepest = 1, squares = 1, number
        cdef Layer *layer
        if n <= self.capacity and threads <= self.capacity_threads:
            return
        n = max(n, self.capacity)
        threads = max(threads, self.capacity_threads)
        self.capacity = 0  # until all the room is there
        self.workspace = []
        self.make_matrix(&self.plan.batch, n, self.plan.inputs)
        for number in range(self.plan.depth):
            layer = &self.plan.layers[number]
            self.make_matrix(&layer.output, n, layer.outputs)
            self.make_matrix(&layer.gradient, n, layer.outputs)
            widest = max(widest, layer.outputs)
            if layer.kind == DENSE:
                deepest = max(deepest, layer.inputs)
                listed = self.plan.skip_zeros and layer.outputs > self.width
                self.make_lists(&layer.by_columns, self.padded(layer.inputs) // 2, n if listed else 0)
                squares += self.padded(layer.outputs)
        lists = (blocks(n, self.height) + threads) * blocks(self.height, 2)
        self.make_lists(&self.plan.by_rows, lists, deepest)
        self.plan.pairs = <int32_t *> self.room(2 * lists)
        self.plan.scratch_size = self.padded(
            self.plan.tile_size + max(max(self.width, 4) * self.padded(widest), 2 * POOL * blocks(deepest, 64))
        )
        self.plan.scratch = self.room(threads * self.plan.scratch_size)
        self.plan.losses = self.room(n)
        self.plan.squares = self.room(squares)
        self.plan.metrics = <double *> self.room(n * (1 if self.dtype == np.float64 else 2))
        self.capacity = n
        self.capacity_threads = threads

    cdef make_matrix(self, Matrix *matrix, Py_ssize_t rows, Py_ssize_t columns):
        """Panels of zeros. Another row apart, so that those of 128 rows do not fall on each other in a cache."""
        matrix.columns = columns
        matrix.stride = (rows + 1) * self.width
        matrix.data = self.room(blocks(columns, self.width) * matrix.stride)

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

    cdef Py_ssize_t padded(self, Py_ssize_t n):
        return blocks(n, self.width) * self.width

    # ------------------------------------------------------------------------------------------------------ weights

    @property
    def step(self):
        return self.plan.step

    @step.setter
    def step(self, step):
        self.plan.step = step

    @property
    def threads(self):
        return self.thread_limit

    @threads.setter
    def threads(self, threads):
        if not 1 <= threads <= MAX_THREADS:
            raise ValueError(f"threads must be from 1 to {MAX_THREADS}, got {threads}")
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

    @property
    def isa(self):
        """Name of the instruction set the network was made for."""
        return self.plan.isa.name.decode()

    def set_learning_rate(self, learning_rate):
        """Use learning_rate from the next update on."""
        self.plan.optimizer.learning_rate = learning_rate

    def get_weights(self):
        """Copies of the weights: for each dense layer the kernel [inputs, units], then its bias [units]."""
        return self.arena.weights(self.arena.regions[0])

    def set_weights(self, weights):
        """Copy weights, given in the order of get_weights, into the network."""
        self.arena.fill(self.arena.regions[0], weights)

    def get_optimizer_state(self):
        """Copies of what the optimizer remembers: all first slots in the order of get_weights, then all second."""
        return [array for slot in self.arena.regions[1:] for array in self.arena.weights(slot)]

    def set_optimizer_state(self, state):
        """Copy a state, in the order of get_optimizer_state, into the network."""
        count = sum(1 + place.use_bias for place in self.arena.places)
        for number, slot in enumerate(self.arena.regions[1:]):
            self.arena.fill(slot, state[number * count:(number + 1) * count])

    # ---------------------------------------------------------------------------------------------------------- runs

    def train_epoch(
        self, x, y, order, batch_size, metric=None, sample_weight=None, learning_rates=None, predictions=None,
        penalty_scales=None,
    ):
        """Visit the rows once, with an update after each batch_size of them.

        Parameters
        ----------
        x : ndarray [rows, inputs] of uint8, float32 or float64, C-contiguous
        y : ndarray [rows, units] of the network's dtype, or [rows] of intc for the sparse losses
        order : ndarray of int64
            Row numbers in the order they are visited; the last batch may be short.
        batch_size : int
        metric : str, optional
            A name of stages.METRICS.
        sample_weight : ndarray [rows] of the network's dtype, optional
            What each row's loss is multiplied by. Means divide by the number of rows all the same, as in Keras.
        learning_rates : ndarray [steps] of float64, optional
            One for each update, in place of the optimizer's.
        predictions : ndarray [rows, units] of the network's dtype, optional
            Filled with the outputs of the visited rows, as they were in their batch.
        penalty_scales : ndarray [steps] of float64, optional
            What the penalties, and their gradients, are multiplied by in each step.

        Returns
        -------
        loss, metric value : float
            Means over the rows, each as it was in its batch, before the update and with dropout.

        Raises
        ------
        KeyboardInterrupt
            Within about a second of Ctrl-C; the updates done until then stay.
        """
        self.run(TRAIN, x, y, order, batch_size, metric, sample_weight, learning_rates, predictions, penalty_scales)
        return self.plan.loss_total / len(order), self.plan.metric_total / len(order)

    def predict(self, x, out=None):
        """Output of the last layer, [rows, units], or `out` filled with it; x as in train_epoch."""
        if out is None:
            out = np.empty((len(x), self.plan.outputs), self.dtype)
        self.run(PREDICT, x, None, None, CHUNK, None, None, None, out)
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
            and self.plan.isa.f32.finite(source, n, x.buf)
        )

    cdef run_small(self, const Py_buffer *x, const Py_buffer *out):
        cdef Data data
        data.x = x.buf
        data.x_type = source_of(x)
        data.y = data.labels = data.order = data.weights = data.learning_rates = data.penalty_scales = NULL
        data.predictions = out.buf
        data.rows = x.shape[0]
        data.metric = NO_METRIC
        self.reserve(min(data.rows, CHUNK), 1)
        with nogil:
            if self.is_single:
                predict(&self.plan, &data, CHUNK, 0, 1, <const float *> NULL)
            else:
                predict(&self.plan, &data, CHUNK, 0, 1, <const double *> NULL)

    def evaluate(self, x, y, metric=None, sample_weight=None, predictions=None):
        """Mean loss with the penalty, and mean metric, over all rows; arguments as in train_epoch, dropout off."""
        self.run(EVALUATE, x, y, None, CHUNK, metric, sample_weight, None, predictions)
        return self.mean_loss(len(x)), self.plan.metric_total / len(x)

    def gradients(self, x, y, sample_weight=None):
        """The loss of evaluate, and its gradients in the order of get_weights; one batch, without dropout."""
        if self.gradient_region is None:
            self.gradient_region = aligned((self.arena.size,), self.dtype)
            self.plan.gradients = <void *> address(self.gradient_region)
        self.run(DIFFERENTIATE, x, y, None, len(x), None, sample_weight, None, None)
        return self.mean_loss(len(x)), self.arena.weights(self.gradient_region)

    cdef run(self, int what, x, y, order, Py_ssize_t batch_size, metric, sample_weight, learning_rates,
             predictions, penalty_scales=None):
        """Let the threads loop over the batches of the data, and raise what a signal handler raised meanwhile."""
        if what != PREDICT and y is None:
            raise ValueError("y: got None, needs the targets")
        check_data(self, x, y, order, batch_size, metric)
        check_rows_and_steps(self, len(x), order, batch_size, sample_weight, learning_rates, penalty_scales)
        if predictions is not None:
            check_out("out" if what == PREDICT else "predictions", self, x, predictions)
        cdef Data data
        data.x = <const void *> address(x)
        data.x_type = SOURCES[x.dtype]
        data.y = <const void *> address(y) if y is not None and y.ndim == 2 else NULL
        data.labels = <const int *> address(y) if y is not None and y.ndim == 1 else NULL
        data.order = <const int64_t *> address(order) if order is not None else NULL
        data.weights = <const void *> address(sample_weight) if sample_weight is not None else NULL
        data.learning_rates = <const double *> address(learning_rates) if learning_rates is not None else NULL
        data.penalty_scales = <const double *> address(penalty_scales) if penalty_scales is not None else NULL
        data.predictions = <void *> address(predictions) if predictions is not None else NULL
        data.rows = len(x if order is None else order)
        data.metric = METRICS[metric]
        cdef Plan *plan = &self.plan
        cdef Py_ssize_t batch = min(batch_size, data.rows)
        # without weights there is nothing that threads would share
        cdef int threads = usable(self.thread_limit) if self.plan.first_dense < self.plan.depth else 1
        if not self.lock.acquire(blocking=False):
            raise RuntimeError("this network is running already: it does one thing at a time")
        try:
            self.reserve(batch * threads if what == PREDICT else batch, threads)
            plan.steps_done = 0
            plan.last_step = NEVER
            plan.loss_total = plan.metric_total = plan.penalty = 0
            if self.is_single:
                with nogil, parallel(num_threads=threads):
                    loop(what, plan, &data, batch, <const float *> NULL)
            else:
                with nogil, parallel(num_threads=threads):
                    loop(what, plan, &data, batch, <const double *> NULL)
            if plan.last_step != NEVER:
                raise_pending()
        finally:
            self.lock.release()

    cdef double mean_loss(self, Py_ssize_t rows):
        cdef double loss = self.plan.loss_total / rows
        return loss + self.plan.penalty if self.plan.penalized else loss


cdef void loop(int what, Plan *plan, const Data *data, Py_ssize_t batch_size, const floating *kind) noexcept nogil:
    if what == TRAIN:
        train(plan, data, batch_size, kind)
    elif what == PREDICT:
        predict(plan, data, batch_size, thread_number(), thread_count(), kind)
    elif what == EVALUATE:
        evaluate(plan, data, batch_size, kind)
    else:
        differentiate(plan, data, kind)


cdef int source_of(const Py_buffer *buffer) noexcept:
    """The type of a buffer's numbers, or -1."""
    if buffer.format == NULL or buffer.format[0] == 0 or buffer.format[1] != 0:
        return -1
    if buffer.format[0] == b"f":
        return FLOAT32
    if buffer.format[0] == b"d":
        return FLOAT64
    return UINT8 if buffer.format[0] == b"B" else -1


cdef size_t address(array):
    """Where the first element of an array lies; the caller keeps the array."""
    return array.ctypes.data


cdef int raise_pending() except -1:
    """Let the exception out that a signal handler left in this thread."""
    return -1 if PyErr_Occurred() != NULL else 0
