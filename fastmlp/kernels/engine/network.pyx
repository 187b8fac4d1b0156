"""A network in compiled form: its weights packed, its epochs without Python; twin of reference/network.py."""

from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cython cimport embedsignature, floating
from cython.parallel cimport parallel
from libc.limits cimport LLONG_MAX
from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memset

import os

import numpy as np

from fastmlp.kernels.contract import check_array, told
from fastmlp.kernels.engine.arena import aligned
from fastmlp.kernels.engine.checks import check_data, check_held_out, check_memory, check_out, check_rows_and_steps
from fastmlp.kernels.engine.checks import check_written
from fastmlp.kernels.engine.custom_loss import CustomLoss, OutputGradients
from fastmlp.kernels.engine.description import ACTIVATION_SETTINGS, ACTIVATIONS, KINDS, LOSSES, METRICS, SOURCES
from fastmlp.kernels.engine.description import settings_of_loss
from fastmlp.kernels.engine.sparse_rows import SparseRows as Rows
from fastmlp.kernels.engine.stages import TRAINED, describe
from fastmlp.kernels.limits import MAX_THREADS, WORK_PER_THREAD, startable, usable, useful

from fastmlp.kernels.engine.blocks cimport Block
from fastmlp.kernels.engine.epoch cimport differentiate, evaluate, predict, predict_alone, predict_in_training, train
from fastmlp.kernels.engine.exceptions cimport raise_kept
from fastmlp.kernels.isa cimport FLOAT32, FLOAT64, UINT8, barrier_waited, blocks as blocks_of
from fastmlp.kernels.isa cimport counter_seen, counter_set, first_level_cache, flag_set, nanoseconds, second_level_cache
from fastmlp.kernels.isa cimport thread_number
from fastmlp.kernels.engine.leaving cimport has_long_products
from fastmlp.kernels.engine.parameters cimport Parameters, address, address_or_null
from fastmlp.kernels.engine.description cimport (
    ACTIVITY_PENALTY, BATCH_NORMALIZATION, DENSE, EMBEDDING, INPUT, LAYER_NORMALIZATION,
)
from fastmlp.kernels.engine.plan cimport (
    BETWEEN, CUSTOM_LOSS, FIRST, FOR_INPUTS, FOR_WEIGHTS, LAST, NO_LOSS, ONLY, POOL,
    Data, Edge, Lists, Matrix, Output, Parameter, Plan, Source, SparseColumns, Stage, Target,
)
from fastmlp.kernels.engine.skipping cimport may_skip
from fastmlp.kernels.engine.team cimport Finding, Team, gather_team, regroup
from fastmlp.kernels.engine.turns cimport Turns
from fastmlp.kernels.row_losses cimport plain

cdef enum:
    TRAIN
    PREDICT
    EVALUATE
    DIFFERENTIATE
    DIFFERENTIATE_IN_TRAINING
    PREDICT_IN_TRAINING
    RUNS  # so many kinds

# whether zeros of a layer's input may be left out of its products; the results have the same bits
SKIP_ZEROS = os.environ.get("FASTMLP_SKIP_ZEROS", "1") != "0"
CHECK_FINITE = True  # and are not, where they meet what is not finite; without that tests see which are left out
CACHE_SIZE = first_level_cache()  # tests may have smaller ones
LARGE_CACHE_SIZE = second_level_cache()
FEW_INPUTS = 64  # to look for zeros among so few takes as long as they cost (bench/density.py); tests may ask for less
cdef long long NEVER = LLONG_MAX  # the last step of a run that nobody stops
cdef Py_ssize_t SMALL = 2 * WORK_PER_THREAD - 1  # multiply-adds for which one thread is best
cdef Py_ssize_t CHUNK = 128  # rows that evaluate takes at a time, and every thread of predict


cdef Finding finding  # the last one of any network, about how many threads pay

USES = {"only": ONLY, "first": FIRST, "between": BETWEEN, "last": LAST}


@embedsignature(True)
cdef class Network(Parameters):
    """A network of dense layers and others, trained in mini-batches; its weights are 0 until set_weights.

    One thread at a time may use it; the models see to that.

    Parameters
    ----------
    inputs : int or list of int
        Features a row; a list for a network whose inputs are given as lists.
    layers : list of dict
        Each has a "kind" of description.KINDS and its settings, which reference/network.py lists. Inputs and layers are
        numbered, the inputs first; a layer reads the one before, or those of "inputs". With "weights_of" it uses the
        weights of an earlier layer; with "trainable" False its weights are not trained.
    loss : str, dict or callable, optional
        A name of description.LOSSES, or {"name": str} with what description.LOSS_SETTINGS has for it; with
        "reduction": "sum" the loss of a batch is the sum over its rows, else their mean. A pair of
        description.FUSED is computed from the input of the last activation. A callable gets the targets and the
        predictions of a batch, and returns the losses, [rows] or their mean, and the gradient of the mean,
        [rows, units]. With `outputs`, a list with one or None for each of them.
    optimizer : dict, optional
        "name" of optimizers.SLOTS and the arguments of that kernel, without step; "initial_accumulator_value" of the
        first slot. For any, "clipvalue" and "weight_decay" as of clip_by_value and decay_weights; with "ema_momentum"
        the last slot is average_weights', which become the weights every "ema_overwrite_frequency" steps.
        "clipnorm" or "global_clipnorm" is the largest norm of each gradient, or of all of them together. "undecayed"
        are the numbers of trained arrays that have no weight decay. With "accumulation_steps" n only every n-th step
        changes the weights, by the mean of the gradients since the last one.
    dtype : {"float32", "float64"}
        Type of weights and arithmetic.
    outputs : list of int, optional
        Numbers of what the network gives; by default the last layer. With it everything that belongs to an output,
        targets and the like, is given and returned in a list.
    loss_weights : list of float, optional
        What the losses of the outputs are multiplied by in their sum.
    blocks : list of Block, optional
        The memory of the weights, in the order of get_weights, which others may refer to as well.

    Attributes
    ----------
    multiply_adds : int
        Multiplications and additions of a product to predict one row.
    step : int
        Updates done.
    steps_done : int
        Updates done in the running call; may be read from other threads meanwhile.
    steps_finite : int
        How many of these there were before one whose loss, or a weight after it, was not finite.
    turns : Turns, optional
        A lock that a run in training and evaluation lets others have between two steps, where its thread has it.
    threads : int
        OpenMP threads to use at most, 1 at first: there are no more than CPUs, and fewer where more do not pay or
        cannot be started. The results have the same bits for any number.
    """

    cdef readonly object loss, input_columns, output_columns
    cdef public Turns turns
    cdef readonly bint several_inputs, several_outputs
    cdef readonly tuple takes_sparse  # of each input, whether its rows may be sparse
    cdef int thread_limit
    cdef readonly Py_ssize_t multiply_adds
    cdef bint has_barriers  # in forward; without them a pass is too little work for several threads
    cdef Py_ssize_t capacity, capacity_threads, capacity_entries
    cdef tuple sparse  # of each input, whether its rows are
    cdef object stage_memory, workspace, custom_losses, description, differentiable
    cdef Source *sources
    cdef Target *targets
    cdef Team[RUNS] teams  # what each kind of run has found out about its threads

    def __init__(
        self, inputs, layers, loss=None, optimizer=None, dtype="float32", outputs=None, loss_weights=None, blocks=None
    ):
        self.begin_once()
        self.several_inputs, self.several_outputs = not hasattr(inputs, "__index__"), outputs is not None
        self.input_columns = tuple(inputs) if self.several_inputs else (inputs,)
        widths = [*self.input_columns, *(layer.get("units", 1) for layer in layers)]
        if not self.input_columns or not 1 <= min(widths) <= max(widths) < 2**31:
            needs = "at least one input and one unit in every layer, and fewer than 2**31"
            raise ValueError(f"layers: got {told(inputs)} inputs and {told(layers)}, needs {needs}")
        if outputs is None:
            outputs = [len(self.input_columns) + len(layers) - 1]
        losses = [settings_of_loss(one) for one in listed("loss", loss, len(outputs), self.several_outputs)]
        names = [settings["name"] for settings in losses]
        self.loss = names if self.several_outputs else names[0]
        self.thread_limit = 1
        self.capacity = 0
        self.sparse = len(self.input_columns) * (False,)
        self.plan.skip_zeros = SKIP_ZEROS
        self.plan.checks_finite = CHECK_FINITE
        self.plan.few_inputs = FEW_INPUTS
        self.plan.cache_size = CACHE_SIZE
        try:
            network = describe(self.input_columns, layers, outputs, names)
        except KeyError as error:
            raise ValueError(f"layers: got {error}, or a layer without it, needs what Network lists") from None
        self.takes_sparse = tuple(
            all(one.kind == "dense" for one in network.stages if any(edge.source == i for edge in one.edges))
            and all(one.stage != i for one in network.outputs) for i in range(len(self.input_columns))
        )
        self.description = inputs, layers, dtype, outputs if self.several_outputs else None
        self.begin(dtype, 4 * len(network.stages), blocks)  # no stage has more arrays
        try:
            self.set_stages(network.stages)
        except (KeyError, OverflowError) as error:
            raise ValueError(f"layers: got settings that are none: {error!r}, needs what Network lists") from None
        self.set_outputs(network.outputs, losses, loss_weights)
        self.end(optimizer)
        if any(stage.use != "only" for stage in network.stages):
            self.reserve_gradients()
        self.made = True

    cdef set_stages(self, described):
        """Fill in the C structs of the stages, and take their weights."""
        cdef Stage *stage
        cdef const Parameter *parameter
        cdef Edge *edges
        cdef Py_ssize_t work = 0
        count = len(described)
        memory = [np.zeros(count * sizeof(Stage), np.uint8),
                  np.zeros(max(1, sum(len(one.edges) for one in described)) * sizeof(Edge), np.uint8)]
        self.stage_memory = memory
        self.plan.stages = <Stage *> address(memory[0])
        edges = <Edge *> address(memory[1])
        self.plan.depth = count
        self.plan.input_count = len(self.input_columns)
        for i, one in enumerate(described):
            stage = &self.plan.stages[i]
            settings = one.layer
            stage.kind = KINDS[one.kind]
            stage.place = one.place
            stage.activation = ACTIVATIONS[settings.get("activation", "linear")]
            for number, name in enumerate(ACTIVATION_SETTINGS.get(settings.get("activation"), ())):
                stage.settings.numbers[number] = settings[name]
            stage.outputs = one.columns
            stage.groups = one.groups
            stage.reached = one.reached
            stage.apart = one.apart
            stage.last_reader = count if one.last_reader is None else one.last_reader
            stage.wanted = FOR_WEIGHTS * one.wants_for_weights | FOR_INPUTS * one.wants_for_inputs
            stage.use = USES[one.use]
            stage.frozen = not one.trainable or settings.get("inference", False)
            stage.l1 = settings.get("l1", 0.0)
            stage.l2 = settings.get("l2", 0.0)
            stage.rate = settings.get("rate", 0.0)
            stage.stddev = settings.get("stddev", 0.0)
            stage.epsilon = settings.get("epsilon", 0.0)
            stage.momentum = settings.get("momentum", 0.0)
            stage.seed = settings.get("seed", 0)
            stage.scale = settings.get("scale", 1.0)
            stage.offset = settings.get("offset", 0.0)
            stage.edges = edges
            stage.edge_count = len(one.edges)
            edges += stage.edge_count
            if stage.kind != INPUT:
                self.set_edges(stage, one.edges)
            self.has_barriers |= stage.kind == DENSE or (stage.kind == BATCH_NORMALIZATION and not stage.frozen)
            self.plan.active |= stage.kind == ACTIVITY_PENALTY
            for name, shape in one.weight_shapes.items():
                if one.owner == i:
                    trained = name in TRAINED and one.trainable
                    parameter = self.add(name, shape, trained, settings.get(name, {}) if trained else {})
                else:
                    parameter = taken(&self.plan.stages[one.owner], name)
                give(stage, name, parameter)
                stage.trained |= parameter.trained
                (<Parameter *> parameter).reached |= stage.reached
                if name == "kernel":
                    work += parameter.rows * parameter.columns * stage.groups
        for i in range(self.plan.weight_count):
            self.plan.unreached |= self.plan.weights[i].trained and not self.plan.weights[i].reached
        self.multiply_adds = max(1, work)

    cdef set_edges(self, Stage *stage, described):
        cdef Edge *edge
        cdef Stage *source
        for i, one in enumerate(described):
            edge = &stage.edges[i]
            source = &self.plan.stages[one.source]
            edge.source = one.source
            edge.input = &source.output
            edge.adds = one.adds
            edge.completes = one.completes
            source.gathers |= one.adds
            edge.gradient = &source.addend if one.adds else &source.gradient
            edge.epilogue = source if source.kind == DENSE and one.completes and not one.adds else NULL
        stage.input = stage.edges[0].input
        stage.inputs = self.plan.stages[stage.edges[0].source].outputs

    cdef set_outputs(self, described, losses, loss_weights):
        """Fill in the C structs of the outputs, and make room for what is given for inputs and outputs."""
        cdef Output *output
        count = len(described)
        memory = [np.zeros(count * sizeof(Output), np.uint8), np.zeros(count * sizeof(Target), np.uint8),
                  np.zeros(self.plan.input_count * sizeof(Source), np.uint8)]
        self.stage_memory += memory
        self.plan.outputs = <Output *> address(memory[0])
        self.targets = <Target *> address(memory[1])
        self.sources = <Source *> address(memory[2])
        self.plan.output_count = count
        self.output_columns = tuple(self.plan.stages[one.stage].outputs for one in described)
        weights = self.for_outputs("loss_weights", loss_weights)
        self.custom_losses = [CustomLoss(one["name"]) if callable(one["name"]) else None for one in losses]
        for i, one in enumerate(described):
            output = &self.plan.outputs[i]
            output.stage = one.stage
            output.top = one.top
            output.fused = one.fused
            output.adds = one.adds
            output.completes = one.completes
            output.columns = self.output_columns[i]
            output.loss_weight = 1.0 if weights[i] is None else weights[i]
            name = losses[i]["name"]
            kind = CUSTOM_LOSS if callable(name) else LOSSES[name + "_from_logits" if one.fused else name]
            output.loss = plain(kind)
            output.loss.delta = losses[i].get("delta", 0.0)
            output.loss.label_smoothing = losses[i].get("label_smoothing", 0.0)
            output.loss.alpha = losses[i].get("alpha", 0.0)
            output.loss.beta = losses[i].get("beta", 0.0)
            output.loss.gamma = losses[i].get("gamma", 0.0)
            output.sums = losses[i]["reduction"] == "sum"
            if "quantiles" in losses[i]:
                self.stage_memory.append(quantiles_of(losses[i]["quantiles"], output.columns))
                output.loss.quantiles = <const double *> address(self.stage_memory[len(self.stage_memory) - 1])
            self.plan.has_loss |= kind != NO_LOSS

    cdef reserve(self, Py_ssize_t n, int threads, tuple sparse, Py_ssize_t entries):
        """Make room for batches of n rows and so many threads, with so many numbers of inputs that are sparse."""
        cdef Py_ssize_t widest = 1, deepest = 1, most = 1, number, rows
        cdef Stage *stage
        cdef Output *output
        if sparse != self.sparse:
            self.capacity = self.capacity_threads = self.capacity_entries = 0
        if n <= self.capacity and threads <= self.capacity_threads and entries <= self.capacity_entries:
            return
        n = max(n, self.capacity)
        threads = max(threads, self.capacity_threads)
        entries = max(entries, self.capacity_entries)
        self.capacity = 0  # until all the room is there
        self.sparse = sparse
        self.workspace = []
        self.plan.scratch = <void *> address(self.memory[2])  # apply_gradients needs no more
        for number in range(self.plan.depth):
            stage = &self.plan.stages[number]
            rows = n * stage.groups
            if stage.kind == INPUT:
                stage.sparse.index = NULL
                if sparse[number]:
                    stage.sparse.starts, stage.sparse.ends = <int64_t *> self.longs(n), <int64_t *> self.longs(n)
                    continue
            self.make_matrix(&stage.output, rows, stage.outputs)
            self.make_matrix(&stage.gradient, rows, stage.outputs)
            if stage.gathers:
                self.make_matrix(&stage.addend, rows, stage.outputs)
            widest = max(widest, stage.outputs)
            most = max(most, stage.groups)
            if stage.kind == DENSE and stage.edges[0].source < self.plan.input_count and sparse[stage.edges[0].source]:
                self.make_entries(&stage.entries, entries if stage.trained else 0)
            elif stage.kind == DENSE:
                deepest = max(deepest, stage.inputs)
                listed = stage.trained and may_skip(&self.plan, stage, self.width)
                self.make_lists(&stage.by_columns, self.padded(stage.inputs) // 2, rows if listed else 0)
            elif stage.kind == BATCH_NORMALIZATION:
                stage.statistics = self.room(4 * self.padded(stage.outputs))
            elif stage.kind == LAYER_NORMALIZATION:
                stage.statistics = self.room(2 * rows)
            elif stage.kind == EMBEDDING and stage.trained:
                stage.table_gradient = self.room(stage.embeddings.rows * self.padded(stage.embeddings.columns))
        lists = (blocks_of(n * most, self.plan.isa.tile_rows) + threads) * blocks_of(self.plan.isa.tile_rows, 2)
        self.make_lists(&self.plan.by_rows, lists, deepest)
        self.plan.pairs = <int32_t *> self.room(2 * lists)
        self.plan.words = blocks_of(deepest, 64)
        self.plan.starts = <int32_t *> self.room(lists * (self.plan.words + 1))
        self.plan.scratch_size = self.padded(
            self.plan.tile_size + max(max(self.width, 4) * self.padded(widest), 2 * POOL * blocks_of(deepest, 64))
        )
        self.plan.scratch = self.room(threads * self.plan.scratch_size)
        self.plan.activity = self.room(n)
        for number in range(self.plan.output_count):
            output = &self.plan.outputs[number]
            output.losses = self.room(n)
            losses = self.workspace[len(self.workspace) - 1]
            output.metrics = <double *> self.longs(n)
            if self.custom_losses[number] is not None:
                predictions, gradient = (aligned((n, output.columns), self.dtype) for _ in range(2))
                self.custom_losses[number].use_memory(predictions, gradient, losses)
                output.custom_predictions = <void *> address(predictions)
                output.custom_gradient = <void *> address(gradient)
        output = &self.plan.outputs[0]
        is_whole = self.plan.output_count == 1 and output.loss_weight == 1 and not self.plan.active
        self.plan.losses = output.losses if is_whole else self.room(n)
        self.capacity = n
        self.capacity_threads = threads
        self.capacity_entries = entries

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

    cdef make_entries(self, SparseColumns *entries, Py_ssize_t count):
        for side in range(2):
            entries.columns[side] = <uint32_t *> self.room(count)
            entries.rows[side] = <uint32_t *> self.room(count)
            entries.values[side] = self.room(count)

    cdef void *longs(self, Py_ssize_t size) except NULL:
        """Room for integers of 64 bits."""
        return self.room(size * (1 if self.dtype == np.float64 else 2))

    cdef void *room(self, Py_ssize_t size) except NULL:
        array = aligned((size,), self.dtype)
        self.workspace.append(array)
        return <void *> address(array)

    # ----------------------------------------------------------------------------------------------------- settings

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

    @property
    def steps_done(self):
        self.check_made()
        return counter_seen(&self.plan.steps_done)

    @property
    def steps_finite(self):
        self.check_made()
        return counter_seen(&self.plan.steps_finite)

    @property
    def inputs(self):
        """Columns of the input, of several of the first."""
        self.check_made()
        return self.input_columns[0]

    @property
    def outputs(self):
        """Columns of the output, of several of the first."""
        self.check_made()
        return self.output_columns[0]

    @property
    def is_running(self):
        """As of Parameters; also while a function of vjp is called."""
        self.check_made()
        return self.own_lock().locked() or (self.differentiable is not None and self.differentiable.is_running)

    # ---------------------------------------------------------------------------------------------------------- runs

    def train_epoch(
        self, x, y, order, batch_size, metric=None, sample_weight=None, learning_rates=None, predictions=None,
        penalty_scales=None,
    ):
        """Visit the rows once, with an update after each batch_size of them.

        Parameters
        ----------
        x : ndarray [rows, inputs] of uint8, float32 or float64, C-contiguous; or SparseRows of the network's dtype, for
            an input that only dense layers read, with the same bits while all is finite; gradients by it are not
            computed then
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
            Means over the rows, each as it was in its batch, before the update and with dropout. With several outputs
            the loss of all of them, a list of their losses, and a list of their metric values.

        Raises
        ------
        KeyboardInterrupt
            Within a second of Ctrl-C; the updates done until then stay. Where a batch normalization moves its averages,
            one more step is done to its end. So do predict, evaluate and gradients.
        """
        self.check_made()
        self.run(TRAIN, x, y, order, batch_size, metric, sample_weight, learning_rates, penalty_scales, predictions,
                 None, None)
        return self.results(len(order), 0.0)

    def train_epochs(
        self, x, y, orders, batch_size, results, metric=None, sample_weight=None, learning_rates=None,
        penalty_scales=None, predictions=None, held_out=None, weights=None,
    ):
        """Train epoch after epoch, without Python in between; to weights of the same bits as by train_epoch.

        Parameters
        ----------
        orders : ndarray [epochs, rows] of int64, C-contiguous
            The order of each epoch.
        results : list
            Is extended by what train_epoch returns for each finished epoch, also where an exception is raised.
        learning_rates, penalty_scales : ndarray [epochs * steps] of float64, optional
            As the rest is, those of train_epoch, for all the updates.
        predictions : ndarray [epochs, rows, units] of the network's dtype, optional
            Filled as by train_epoch, in each epoch its own part.
        held_out : (x, out), optional
            Rows that are predicted after each epoch, x as of train_epoch but not sparse, into out, an ndarray
            [epochs, rows of x, units] of the network's dtype. For a network of one input and one output.
        weights : ndarray [epochs, packed_size] of the network's dtype, optional
            Filled with the weights after each epoch, in the layout that `unpacked` reads.
        """
        self.check_made()
        check_array("orders", orders, (np.int64,), (None, None))
        epochs, rows = orders.shape
        totals = np.zeros((epochs, 2 + 2 * self.plan.output_count))
        try:
            self.run(TRAIN, x, y, orders.reshape(-1), batch_size, metric, sample_weight, learning_rates, penalty_scales,
                     predictions, None, None, None, totals, held_out, weights)
        finally:
            results += [self.means(sums, rows, 0.0) for done, *sums in totals.tolist() if done]

    @property
    def packed_size(self):
        """Numbers of all weights as they are packed, with the zeros beside them."""
        self.check_made()
        cdef Block block
        return sum([block.panels.size for block in self.blocks])

    def unpacked(self, weights):
        """The arrays of weights, as get_weights gives them, that train_epochs has kept in a row of `weights`."""
        self.check_made()
        check_array("weights", weights, (self.dtype,), (self.packed_size,))
        cdef Block block
        found, start = [], 0
        for block in self.blocks:
            end = start + block.panels.size
            found.append(block.unpacked(weights[start:end]))
            start = end
        return found

    cdef results(self, Py_ssize_t rows, double penalty):
        """What a run on so many rows returns."""
        sums = [self.plan.loss_total]
        for i in range(self.plan.output_count):
            sums += [self.plan.outputs[i].loss_total, self.plan.outputs[i].metric_total]
        return self.means(sums, rows, penalty)

    cdef means(self, sums, Py_ssize_t rows, double penalty):
        """The mean loss and what belongs to the outputs: the metric of the only one, or lists of losses and metrics.

        `sums` has the sum of the losses, then a sum of the losses and one of the metrics for each output.
        """
        loss = sums[0] / rows
        if self.plan.penalized:
            loss += penalty
        of_outputs = [total / rows for total in sums[1:]]
        return (loss, of_outputs[0::2], of_outputs[1::2]) if self.several_outputs else (loss, of_outputs[1])

    def predict(self, x, training=False, out=None):
        """The output, [rows, units], or `out` filled with it; lists of several. x is as in train_epoch.

        Where `training` is True all rows are one batch, as in the next step of train_epoch, moving statistics included.
        """
        self.check_made()
        if out is None:
            out = self.rooms(self.rows_of(x))
        what, batch_size = (PREDICT_IN_TRAINING, self.rows_of(x)) if training else (PREDICT, CHUNK)
        self.run(what, x, None, None, batch_size, None, None, None, None, out, None, None)
        return out

    def predict_small(self, x, out):
        """Fill `out` with the predictions of a few rows without delay; where that cannot be, return False instead.

        It can be where x [rows, ...] and out [rows, units] are C-contiguous and of the network's dtype (x also of
        uint8), x is finite, the work is worth one thread, and the network has one input and output and is not in use.
        """
        cdef Py_buffer source, result
        cdef bint done = False
        self.check_made()
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
            if self.fits(&source, &result) and self.own_lock().acquire(False):
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
        cdef Py_ssize_t rows = x.shape[0] if x.ndim > 1 else 0, n = rows * self.plan.stages[0].outputs
        cdef size_t start = <size_t> x.buf, result = <size_t> out.buf
        return (
            self.plan.input_count == 1 and self.plan.output_count == 1
            and 0 < rows <= SMALL // self.multiply_adds and source in (own, UINT8) and n * x.itemsize == x.len
            and source_of(out) == own and out.ndim == 2 and out.shape[0] == rows
            and out.shape[1] == self.plan.outputs[0].columns
            and (result + out.len <= start or start + x.len <= result)  # what is read does not change meanwhile
            and self.plan.isa.all_finite(source, own, n, x.buf)
        )

    cdef run_small(self, const Py_buffer *x, const Py_buffer *out):
        cdef Data data
        memset(&data, 0, sizeof(Data))
        data.sources = self.sources
        data.targets = self.targets
        self.sources[0].x = x.buf
        self.sources[0].x_type = source_of(x)
        self.targets[0].predictions = out.buf
        data.rows = x.shape[0]
        self.reserve(min(data.rows, CHUNK), 1, (False,), 0)
        self.plan.stages[0].sparse.index = self.sources[0].index = NULL
        with nogil:
            if self.is_single:
                predict_alone(&self.plan, &data, CHUNK, <const float *> NULL)
            else:
                predict_alone(&self.plan, &data, CHUNK, <const double *> NULL)

    def evaluate(self, x, y, metric=None, sample_weight=None, predictions=None):
        """Mean loss with the penalty, and mean metric, over all rows; arguments as in train_epoch, dropout off."""
        self.check_made()
        self.run(EVALUATE, x, y, None, CHUNK, metric, sample_weight, None, None, predictions, None, None)
        return self.results(self.rows_of(x), self.plan.penalty)

    def gradients(self, x, y, sample_weight=None, input_gradient=None, training=False, out=None):
        """The mean loss with the penalty, and its gradients by the trained weights, in the order of get_weights.

        The rows are one batch. `input_gradient`, an ndarray [rows, inputs] of the network's dtype, is filled with the
        gradient by x. Where `training` is True all is as in the next step of train_epoch, moving statistics included;
        else as in evaluate. Weights that no loss depends on have gradients of 0. `out` is a list of C-contiguous arrays
        to fill with the gradients.
        """
        self.check_made()
        self.reserve_gradients()
        what = DIFFERENTIATE_IN_TRAINING if training else DIFFERENTIATE
        rows = self.rows_of(x)
        if out is not None:
            check_out(out, self.dtype, [place.shape for place in self.arena.places])
        self.run(what, x, y, None, rows, None, sample_weight, None, None, None, input_gradient, None)
        return self.results(rows, self.plan.penalty)[0], self.arena.arrays(self.gradient_region, out)

    def vjp(self, x, output_gradients, input_gradient=None, training=False):
        """The gradients by the trained weights of the sum over all outputs of `output_gradients` times the output.

        Parameters
        ----------
        x : as in train_epoch; the rows are one batch
        output_gradients : ndarray [rows, units] of the network's dtype, or a function
            Of several outputs a list, with None for 0. A function gets the outputs, as predict gives them, and returns
            that: so one forward pass is enough where the gradients follow from the outputs.
        input_gradient : ndarray [rows, inputs] of the network's dtype, optional
            Filled with the gradient by x; of several inputs a list, with None for those not wanted.
        training : bool
            As in gradients. Losses, penalties and row weights are not regarded.
        """
        self.check_made()
        if self.plan.has_loss:
            if self.differentiable is None:
                inputs, layers, dtype, outputs = self.description
                self.differentiable = Network(inputs, layers, None, None, dtype, outputs, None, self.blocks)
            self.differentiable.step = self.step
            self.differentiable.threads = self.thread_limit
            return self.differentiable.vjp(x, output_gradients, input_gradient, training)
        self.reserve_gradients()
        what = DIFFERENTIATE_IN_TRAINING if training else DIFFERENTIATE
        rows, outputs, asked = self.rows_of(x), None, None
        if callable(output_gradients):
            outputs, gradients = self.rooms(rows), self.rooms(rows)
            asked = OutputGradients(output_gradients, outputs, gradients)
            output_gradients = gradients
        self.run(what, x, None, None, rows, None, None, None, None, outputs, input_gradient, output_gradients, asked)
        return self.kept_gradients()

    cdef rooms(self, Py_ssize_t rows):
        """Memory for the outputs: an array, or a list of those of several."""
        arrays = [np.empty((rows, columns), self.dtype) for columns in self.output_columns]
        return arrays if self.several_outputs else arrays[0]

    cdef kept_gradients(self):
        """Copies of the gradients that were kept."""
        return self.arena.arrays(self.gradient_region)

    cdef Py_ssize_t rows_of(self, x) except -1:
        return len(listed("x", x, self.plan.input_count, self.several_inputs)[0])

    cdef for_outputs(self, name, values):
        """A list with an item for each output; None stands for as many."""
        return listed(name, values, self.plan.output_count, self.several_outputs)

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
            check_held_out(self, xs, *held_out, epochs)
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
            threads = startable(useful(usable(self.thread_limit)))
        cdef Py_ssize_t together = self.portion(batch, xs) if what == TRAIN else 0
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
            if together > 0 or (what == TRAIN and has_long_products(plan, batch, True)):
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

        Only stages whose rows have nothing to do with each other can do so, and gradients that are used as they are.
        """
        cdef const Stage *stage
        cdef Py_ssize_t size = 0, rows, number
        if batch < 2 * CHUNK:
            return 0
        if self.plan.clipnorm > 0 or self.plan.global_clipnorm > 0 or self.plan.accumulation_steps > 0:
            return 0
        if any([loss is not None for loss in self.custom_losses]) or any([isinstance(x, Rows) for x in xs]):
            return 0
        for number in range(self.plan.depth):
            stage = &self.plan.stages[number]
            if stage.kind >= ACTIVITY_PENALTY or stage.use != ONLY or stage.groups != 1:
                return 0
            size += 2 * self.padded(stage.outputs) * self.dtype.itemsize
        rows = max(CHUNK, LARGE_CACHE_SIZE // size)
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


cdef quantiles_of(quantiles, Py_ssize_t columns):
    """A quantile for each column, of which one may stand for all."""
    numbers = np.array(quantiles, np.float64)
    if len(numbers) not in (1, columns):
        raise ValueError(f"loss: got {len(numbers)} quantiles for an output of {columns} columns, needs one for each")
    return np.ascontiguousarray(np.broadcast_to(numbers, (columns,)))


cdef listed(name, values, Py_ssize_t count, bint several):
    """A list of so many items, which is what is given for several inputs or outputs; None stands for as many."""
    if values is None or not several:
        return [values] * count
    if not isinstance(values, (list, tuple)) or len(values) != count:
        got = f"{len(values)} items" if isinstance(values, (list, tuple)) else type(values).__name__
        raise ValueError(f"{name}: got {got}, needs a list of {count} items")
    return list(values)


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
    elif name == "variance":
        stage.variance = parameter
    elif name == "alpha":
        stage.alpha = parameter
    else:
        stage.embeddings = parameter


cdef const Parameter *taken(const Stage *stage, name) except NULL:
    """The array of weights of that name that a stage was given."""
    arrays = {"kernel": <size_t> stage.kernel, "bias": <size_t> stage.bias, "gamma": <size_t> stage.gamma,
              "beta": <size_t> stage.beta, "mean": <size_t> stage.mean, "variance": <size_t> stage.variance,
              "embeddings": <size_t> stage.embeddings, "alpha": <size_t> stage.alpha}
    return <const Parameter *> <size_t> arrays[name]


cdef int source_of(const Py_buffer *buffer) noexcept:
    """The type of a buffer's numbers, or -1."""
    if buffer.format == NULL or buffer.format[0] == 0 or buffer.format[1] != 0:
        return -1
    if buffer.format[0] == b"f":
        return FLOAT32
    if buffer.format[0] == b"d":
        return FLOAT64
    return UINT8 if buffer.format[0] == b"B" else -1
