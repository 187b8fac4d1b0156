"""A network in compiled form: its weights packed, its epochs without Python; twin of reference/network.py."""

from cpython.buffer cimport PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cython cimport embedsignature
from libc.string cimport memset

import os

import numpy as np

from fastmlp.errors import told
from fastmlp.kernels.contract import check_array, described, flag, whole
from fastmlp.kernels.engine.checks import check_out, rows_in
from fastmlp.kernels.engine.custom_loss import OutputGradients
from fastmlp.kernels.engine.description import settings_of_loss
from fastmlp.kernels.engine.stages import describe
from fastmlp.kernels.limits import WORK_PER_THREAD

from fastmlp.kernels.isa cimport FLOAT32, FLOAT64, UINT8, counter_seen, first_level_cache, second_level_cache
from fastmlp.kernels.engine.architecture cimport listed
from fastmlp.kernels.engine.blocks cimport Block
from fastmlp.kernels.engine.epoch cimport predict_alone
from fastmlp.kernels.engine.plan cimport Data
from fastmlp.kernels.engine.running cimport (
    CHUNK, DIFFERENTIATE, DIFFERENTIATE_IN_TRAINING, EVALUATE, PREDICT, PREDICT_IN_TRAINING, TRAIN, Running,
)

# whether zeros of a layer's input may be left out of its products; the results have the same bits
SKIP_ZEROS = os.environ.get("FASTMLP_SKIP_ZEROS", "1") != "0"
CHECK_FINITE = True  # and are not, where they meet what is not finite; without that tests see which are left out
CACHE_SIZE = first_level_cache()  # tests may have smaller ones
LARGE_CACHE_SIZE = second_level_cache()
FEW_INPUTS = 64  # to look for zeros among so few takes as long as they cost (bench/density.py); tests may ask for less
cdef Py_ssize_t SMALL = 2 * WORK_PER_THREAD - 1  # multiply-adds for which one thread is best


@embedsignature(True)
cdef class Network(Running):
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

    cdef object description, differentiable

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
        self.plan.large_cache_size = LARGE_CACHE_SIZE
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
            Within a second of Ctrl-C; the updates done until then stay. So do predict, evaluate and gradients.
        """
        self.check_made()
        self.run(TRAIN, x, y, order, whole("batch_size", batch_size), metric, sample_weight, learning_rates,
                 penalty_scales, predictions, None, None)
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
        if not isinstance(results, list):
            raise TypeError(f"results: got {described(results)}, needs a list")
        cdef Py_ssize_t rows_at_once = whole("batch_size", batch_size)
        check_array("orders", orders, (np.int64,), (None, None))
        epochs, rows = orders.shape
        totals = np.zeros((epochs, 2 + 2 * self.plan.output_count))
        try:
            self.run(TRAIN, x, y, orders.reshape(-1), rows_at_once, metric, sample_weight, learning_rates,
                     penalty_scales, predictions, None, None, None, totals, held_out, weights)
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
        cdef bint in_training = flag("training", training)
        cdef Py_ssize_t batch_size = self.rows_of(x) if in_training else CHUNK
        what = PREDICT_IN_TRAINING if in_training else PREDICT
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
        what = DIFFERENTIATE_IN_TRAINING if flag("training", training) else DIFFERENTIATE
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
        what = DIFFERENTIATE_IN_TRAINING if flag("training", training) else DIFFERENTIATE
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
        return rows_in(listed("x", x, self.plan.input_count, self.several_inputs)[0])

cdef int source_of(const Py_buffer *buffer) noexcept:
    """The type of a buffer's numbers, or -1."""
    if buffer.format == NULL or buffer.format[0] == 0 or buffer.format[1] != 0:
        return -1
    if buffer.format[0] == b"f":
        return FLOAT32
    if buffer.format[0] == b"d":
        return FLOAT64
    return UINT8 if buffer.format[0] == b"B" else -1
