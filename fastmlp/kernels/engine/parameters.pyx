"""Arrays of weights, and the optimizer that changes them by gradients."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cython cimport embedsignature
from libc.stdint cimport uint64_t
from libc.string cimport memset

import threading

import numpy as np

from fastmlp.errors import told
from fastmlp.kernels.engine.arena import Arena, aligned, is_transposed, panels_shape
from fastmlp.kernels.engine.checks import number_arrays
from fastmlp.kernels.optimizers import SLOTS

from fastmlp.kernels.engine.blocks cimport Block, columns_of
from fastmlp.kernels.engine.epoch cimport update
from fastmlp.kernels.engine.turns cimport forks_until_now
from fastmlp.kernels.isa cimport Barrier, Isa, blocks as blocks_of, counter_seen, counter_set, selected
from fastmlp.kernels.optimizers cimport optimizer_from
from fastmlp.kernels.engine.plan cimport COLUMNS, ROWS, WHOLE, Data, Parameter, Plan

AXES = {0: COLUMNS, 1: ROWS, None: WHOLE}


@embedsignature(True)
cdef class Parameters:
    """Arrays of weights and an optimizer, without a network around them.

    One thread at a time may use it.

    Parameters
    ----------
    shapes : list of tuple of int
        Of vectors and matrices.
    optimizer : dict
        "name" of optimizers.SLOTS and the arguments of that kernel, without step; "initial_accumulator_value" of
        the first slot. For any, what Network takes besides.
    dtype : {"float32", "float64"}
    blocks : list of Block, optional
        The memory of the weights, which others may refer to as well; by default they get their own, of 0.

    Attributes
    ----------
    step : int
        Updates done.
    """

    def __init__(self, shapes, optimizer, dtype="float32", blocks=None):
        self.begin_once()
        self.begin(dtype, len(shapes), blocks)
        for number, shape in enumerate(shapes):
            self.add(str(number), shape, True, {})
        self.end(optimizer)
        self.made = True

    cdef begin_once(self):
        """Refuse to be made anew: what is read and written by address would lose its memory."""
        if self.begun:
            raise RuntimeError(f"{type(self).__name__}: got a second call of __init__, needs one")
        self.begun = True

    cdef int check_made(self) except -1:
        """Every method begins so, as without __init__ there is no memory yet."""
        if not self.made:
            name = type(self).__name__
            raise RuntimeError(f"{name}: got an object whose __init__ has not ended, needs one that it has made")

    cdef begin(self, dtype, Py_ssize_t most, blocks):
        """Be ready to add arrays, so many at most."""
        self.dtype = np.dtype(dtype)
        self.is_single = self.dtype == np.float32
        self.lock, self.forks = threading.Lock(), forks_until_now()
        cdef const Isa *isa = selected()
        self.plan.isa = isa
        self.width = columns_of(isa, self.is_single)
        self.plan.tile_size = 2 * max(isa.tile_rows, self.width) * self.width
        self.arena = Arena(self.width, self.dtype)
        self.given = None if blocks is None else list(blocks)
        self.blocks = []
        self.memory = [np.zeros(most * sizeof(Parameter), np.uint8)]
        self.plan.weights = <Parameter *> address(self.memory[0])

    cdef Parameter *add(self, name, shape, bint trained, settings) except NULL:
        """Take an array's memory, and a place for what the optimizer has of it; its settings are the oracle's."""
        cdef Parameter *parameter = &self.plan.weights[self.plan.weight_count]
        cdef Block block = self.take_block(name, shape)
        self.blocks.append(block)
        parameter.data = block.data
        parameter.finite = &block.finite
        parameter.start = self.arena.add(shape, block.transposed).start if trained else 0
        parameter.transposed = block.transposed
        _, parameter.rows, _ = panels_shape(shape, self.width, block.transposed)
        parameter.columns = shape[0] if block.transposed else shape[len(shape) - 1]
        parameter.is_vector = len(shape) == 1
        parameter.trained = trained
        parameter.l1 = settings.get("l1", 0.0)
        parameter.l2 = settings.get("l2", 0.0)
        parameter.non_negative = settings.get("non_negative", False)
        parameter.min_norm = settings.get("min_norm", 0.0)
        parameter.max_norm = settings.get("max_norm", 0.0)
        parameter.norm_rate = settings.get("norm_rate", 1.0)
        parameter.norm_axis = AXES[settings.get("norm_axis", 0)]
        if block.transposed and parameter.norm_axis != WHOLE:
            parameter.norm_axis = ROWS if parameter.norm_axis == COLUMNS else COLUMNS
        self.plan.penalized |= parameter.l1 > 0 or parameter.l2 > 0
        self.plan.constrained |= parameter.max_norm > 0 or parameter.non_negative
        self.plan.weight_count += 1
        return parameter

    cdef take_block(self, name, shape):
        """The next of the given blocks, checked; a new one where none are given."""
        if self.given is None:
            return Block(shape, self.dtype, is_transposed(name, shape))
        if len(self.blocks) == len(self.given):
            raise ValueError(f"blocks: got {len(self.given)}, needs one more for {name} {shape}")
        given = self.given[len(self.blocks)]
        if not isinstance(given, Block):
            raise TypeError(f"blocks: got {type(given).__name__}, needs Block")
        cdef Block block = given
        if block.shape != tuple(shape) or block.dtype != self.dtype or block.isa != self.plan.isa:
            got = f"{block.dtype} {block.shape} for {block.isa.name.decode()}"
            needs = f"{self.dtype} {shape} for {self.plan.isa.name.decode()}"
            raise ValueError(f"blocks: got {got} as {name}, needs {needs}")
        return block

    cdef end(self, optimizer):
        """Make the memory for what the optimizer remembers of the arrays, and for updates by one thread."""
        cdef Py_ssize_t sums = sum(self.padded(self.plan.weights[i].columns) for i in range(len(self.blocks)))
        if self.given is not None and len(self.given) > len(self.blocks):
            raise ValueError(f"blocks: got {len(self.given)}, needs {len(self.blocks)}")
        settings = dict(optimizer or {"name": "sgd", "learning_rate": 0.0})
        self.plan.clipnorm = settings.pop("clipnorm", 0.0)
        self.plan.global_clipnorm = settings.pop("global_clipnorm", 0.0)
        undecayed = settings.pop("undecayed", ())
        trained = 0
        for i in range(self.plan.weight_count):
            self.plan.weights[i].undecayed = self.plan.weights[i].trained and trained in undecayed
            trained += self.plan.weights[i].trained
        self.plan.accumulation_steps = settings.pop("accumulation_steps", 0)
        try:
            self.plan.optimizer = optimizer_from(settings)
        except OverflowError:
            raise ValueError(f"optimizer: got {told(settings)}, needs numbers within the range of floats") from None
        slots = SLOTS[settings["name"]] + ("ema_momentum" in settings)
        self.plan.accumulation_slot = slots
        slots += self.plan.accumulation_steps > 0
        self.arena.allocate(slots, settings.get("initial_accumulator_value", 0.0))
        self.plan.region_size = self.arena.size
        self.plan.slots = <void *> address(self.arena.regions)
        self.memory += [aligned((max(1, sums),), self.dtype), aligned((self.plan.tile_size,), self.dtype)]
        self.plan.sums = <void *> address(self.memory[1])
        self.plan.scratch = <void *> address(self.memory[2])
        if self.plan.clipnorm > 0 or self.plan.global_clipnorm > 0 or self.plan.accumulation_steps > 0:
            self.reserve_gradients()

    cdef Py_ssize_t padded(self, Py_ssize_t n):
        """n up to whole panels."""
        return blocks_of(n, self.width) * self.width

    @property
    def step(self):
        self.check_made()
        return <uint64_t> counter_seen(&self.plan.step)

    @step.setter
    def step(self, step):
        self.check_made()
        if not 0 <= step < 2**63:
            raise ValueError(f"step: got {told(step)}, needs 0 to {2**63 - 1}")
        counter_set(&self.plan.step, step)

    @property
    def isa(self):
        """Name of the instruction set it was made for."""
        self.check_made()
        return self.plan.isa.name.decode()

    def set_learning_rate(self, learning_rate):
        """Use learning_rate from the next update on."""
        self.check_made()
        try:
            self.plan.optimizer.learning_rate = learning_rate
        except (OverflowError, TypeError):
            raise ValueError(f"learning_rate: got {told(learning_rate)}, needs a float") from None

    def get_weights(self):
        """Copies of the weights; of a network layer by layer, in the order of reference/stages.py."""
        self.check_made()
        return [block.read() for block in self.blocks]

    def set_weights(self, weights):
        """Take copies of weights, given in the order of get_weights."""
        self.check_made()
        arrays = number_arrays("weights", weights, [block.shape for block in self.blocks])
        for block, array in zip(self.blocks, arrays, strict=True):
            block.write(array)

    def get_optimizer_state(self):
        """Copies of what the optimizer remembers: all first slots of the trained weights, in their order, then all
        second."""
        self.check_made()
        return [array for slot in self.arena.regions for array in self.arena.arrays(slot)]

    def set_optimizer_state(self, state):
        """Take a copy of a state, given in the order of get_optimizer_state."""
        self.check_made()
        count = len(self.arena.places)
        shapes = [place.shape for place in self.arena.places]
        state = number_arrays("state", state, shapes * len(self.arena.regions))
        for number, slot in enumerate(self.arena.regions):
            self.arena.fill(slot, state[number * count:(number + 1) * count])

    def apply_gradients(self, gradients):
        """One update by gradients of the trained weights, in the order of get_weights."""
        cdef Plan *plan = &self.plan
        cdef Data data
        self.check_made()
        gradients = number_arrays("gradients", gradients, [place.shape for place in self.arena.places])
        memset(&data, 0, sizeof(Data))
        self.reserve_gradients()
        self.take_lock()
        try:
            self.arena.fill(self.gradient_region, gradients)
            if self.is_single:
                update(plan, &data, <const float *> NULL)
            else:
                update(plan, &data, <const double *> NULL)
        finally:
            self.lock.release()

    cdef reserve_gradients(self):
        if self.gradient_region is None:
            region = aligned((self.arena.size,), self.dtype, is_read=True)
            self.plan.gradients = <void *> address(region)
            self.gradient_region = region  # last, as an interrupt may come before

    @property
    def is_running(self):
        """Whether it is in use: another thread computes with it, or this one, which is in a function of the user."""
        self.check_made()
        return self.own_lock().locked()

    cdef object own_lock(self):
        """The lock of this process: in the child of a fork nobody runs what another thread has run before."""
        if self.forks != forks_until_now():
            self.lock, self.forks = threading.Lock(), forks_until_now()
            self.plan.exception = NULL
            memset(&self.plan.barrier, 0, sizeof(Barrier))
        return self.lock

    cdef take_lock(self):
        if not self.own_lock().acquire(blocking=False):
            raise RuntimeError("this network is running already: it does one thing at a time")


cdef size_t address(array) except? 0:
    """Where the first element of a C-contiguous array lies; the caller keeps the array."""
    cdef Py_buffer buffer
    PyObject_GetBuffer(array, &buffer, PyBUF_SIMPLE)
    cdef size_t first = <size_t> buffer.buf
    PyBuffer_Release(&buffer)
    return first


cdef void *address_or_null(array):
    return <void *> address(array) if array is not None else NULL
