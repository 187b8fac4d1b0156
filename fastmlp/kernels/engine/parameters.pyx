"""Arrays of weights in one block of memory, and the optimizer that changes them by gradients."""

from cython cimport embedsignature
from libc.string cimport memset

import threading

import numpy as np

from fastmlp.kernels.engine.arena import Arena, aligned
from fastmlp.kernels.optimizers import SLOTS

from fastmlp.kernels.engine.epoch cimport update
from fastmlp.kernels.isa cimport Isa, blocks, panel_columns, selected
from fastmlp.kernels.optimizers cimport optimizer_from
from fastmlp.kernels.engine.plan cimport Data, Parameter, Plan


@embedsignature(True)
cdef class Parameters:
    """Arrays of weights and an optimizer, without a network around them. The weights are 0 until set_weights.

    One thread at a time may use it.

    Parameters
    ----------
    shapes : list of tuple of int
        Of vectors and matrices.
    optimizer : dict
        "name" of optimizers.SLOTS and the arguments of that kernel, without step; "initial_accumulator_value" of
        the first slot. For any, what Network takes besides.
    dtype : {"float32", "float64"}

    Attributes
    ----------
    step : int
        Updates done.
    """

    def __init__(self, shapes, optimizer, dtype="float32"):
        self.begin(dtype, len(shapes))
        for number, shape in enumerate(shapes):
            self.add(str(number), shape, True, {})
        self.end(optimizer)

    cdef begin(self, dtype, Py_ssize_t most):
        """Be ready to add arrays, so many at most."""
        self.dtype = np.dtype(dtype)
        self.is_single = self.dtype == np.float32
        self.lock = threading.Lock()
        cdef const Isa *isa = selected()
        self.plan.isa = isa
        self.width = panel_columns(isa, <float *> NULL) if self.is_single else panel_columns(isa, <double *> NULL)
        self.plan.tile_size = 2 * max(isa.tile_rows, self.width) * self.width
        self.arena = Arena(self.width, self.dtype)
        self.memory = [np.zeros(most * sizeof(Parameter), np.uint8)]
        self.plan.weights = <Parameter *> address(self.memory[0])

    cdef Parameter *add(self, name, shape, bint trained, settings) except NULL:
        """Make a place for an array; its settings are l1, l2 and max_norm."""
        cdef Parameter *parameter = &self.plan.weights[self.plan.weight_count]
        place = self.arena.add(shape, trained)
        parameter.start = place.start
        parameter.rows = place.rows
        parameter.columns = place.columns
        parameter.is_vector = len(shape) == 1
        parameter.trained = place.trained
        parameter.l1 = settings.get("l1", 0.0)
        parameter.l2 = settings.get("l2", 0.0)
        parameter.max_norm = settings.get("max_norm", 0.0)
        self.plan.penalized |= parameter.l1 > 0 or parameter.l2 > 0
        self.plan.constrained |= parameter.max_norm > 0
        self.plan.weight_count += 1
        return parameter

    cdef end(self, optimizer):
        """Make the memory for the arrays, for what the optimizer remembers of them, and for updates by one thread."""
        cdef Py_ssize_t sums = sum(self.padded(place.columns) for place in self.arena.places)
        settings = dict(optimizer or {"name": "sgd", "learning_rate": 0.0})
        self.plan.clipnorm = settings.pop("clipnorm", 0.0)
        self.plan.global_clipnorm = settings.pop("global_clipnorm", 0.0)
        self.plan.optimizer = optimizer_from(settings)
        slots = SLOTS[settings["name"]] + ("ema_momentum" in settings)
        self.arena.allocate(slots, settings.get("initial_accumulator_value", 0.0))
        self.plan.region_size = self.arena.size
        self.plan.arena = <void *> address(self.arena.regions)
        self.memory += [aligned((max(1, sums),), self.dtype), aligned((self.plan.tile_size,), self.dtype)]
        self.plan.sums = <void *> address(self.memory[1])
        self.plan.scratch = <void *> address(self.memory[2])
        if self.plan.clipnorm > 0 or self.plan.global_clipnorm > 0:
            self.reserve_gradients()

    cdef Py_ssize_t padded(self, Py_ssize_t n):
        """n up to whole panels."""
        return blocks(n, self.width) * self.width

    @property
    def step(self):
        return self.plan.step

    @step.setter
    def step(self, step):
        self.plan.step = step

    @property
    def isa(self):
        """Name of the instruction set it was made for."""
        return self.plan.isa.name.decode()

    def set_learning_rate(self, learning_rate):
        """Use learning_rate from the next update on."""
        self.plan.optimizer.learning_rate = learning_rate

    def get_weights(self):
        """Copies of the weights; of a network layer by layer, in the order of reference/stages.py."""
        return self.arena.weights(self.arena.regions[0])

    def set_weights(self, weights):
        """Take copies of weights, given in the order of get_weights."""
        self.arena.fill(self.arena.regions[0], weights)

    def get_optimizer_state(self):
        """Copies of what the optimizer remembers: all first slots of the trained weights, in their order, then all
        second."""
        return [array for slot in self.arena.regions[1:] for array in self.arena.weights(slot, only_trained=True)]

    def set_optimizer_state(self, state):
        """Take a copy of a state, given in the order of get_optimizer_state."""
        count = sum(place.trained for place in self.arena.places)
        for number, slot in enumerate(self.arena.regions[1:]):
            self.arena.fill(slot, state[number * count:(number + 1) * count], only_trained=True)

    def apply_gradients(self, gradients):
        """One update by gradients of the trained weights, in the order of get_weights."""
        cdef Plan *plan = &self.plan
        cdef Data data
        memset(&data, 0, sizeof(Data))
        self.reserve_gradients()
        self.take_lock()
        try:
            self.arena.fill(self.gradient_region, gradients, only_trained=True)
            if self.is_single:
                update(plan, &data, <const float *> NULL)
            else:
                update(plan, &data, <const double *> NULL)
        finally:
            self.lock.release()

    cdef reserve_gradients(self):
        if self.gradient_region is None:
            region = aligned((self.arena.size,), self.dtype)
            self.plan.gradients = <void *> address(region)
            self.gradient_region = region  # last, as an interrupt may come before

    cdef take_lock(self):
        if not self.lock.acquire(blocking=False):
            raise RuntimeError("this network is running already: it does one thing at a time")


cdef size_t address(array):
    """Where the first element of an array lies; the caller keeps the array."""
    return array.ctypes.data


cdef void *address_or_null(array):
    return <void *> address(array) if array is not None else NULL
