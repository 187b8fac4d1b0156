"""The memory of a network's runs: what each stage has for the rows of a batch, and each thread for itself."""

from libc.stdint cimport int32_t, int64_t, uint32_t

import numpy as np

from fastmlp.kernels.engine.arena import aligned

from fastmlp.kernels.isa cimport blocks as blocks_of
from fastmlp.kernels.engine.architecture cimport Architecture
from fastmlp.kernels.engine.description cimport BATCH_NORMALIZATION, DENSE, EMBEDDING, INPUT, LAYER_NORMALIZATION
from fastmlp.kernels.engine.parameters cimport address
from fastmlp.kernels.engine.plan cimport POOL, Lists, Matrix, Output, SparseColumns, Stage
from fastmlp.kernels.engine.skipping cimport may_skip

cdef enum:
    LARGE = 1 << 26  # bytes
    SMALLER = 4  # times as many rows
    MANY = 16  # runs


cdef class Workspace(Architecture):
    """Is made as large as the largest run needs, and smaller again after many that need far less."""

    cdef reserve(self, Py_ssize_t n, int threads, tuple sparse, Py_ssize_t entries):
        """Make room for batches of n rows and so many threads, with so many numbers of inputs that are sparse."""
        cdef Py_ssize_t widest = 1, deepest = 1, most = 1, number, rows
        cdef Stage *stage
        cdef Output *output
        if sparse != self.sparse or self.is_far_too_large(n):
            self.capacity = self.capacity_threads = self.capacity_entries = 0
        if n <= self.capacity and threads <= self.capacity_threads and entries <= self.capacity_entries:
            return
        n = max(n, self.capacity)
        threads = max(threads, self.capacity_threads)
        entries = max(entries, self.capacity_entries)
        self.capacity = 0  # until all the room is there
        self.sparse = sparse
        self.arrays, self.size, self.small_runs = [], 0, 0
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
                stage.statistics = self.room(6 * self.padded(stage.outputs))
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
            losses = self.arrays[len(self.arrays) - 1]
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

    cdef bint is_far_too_large(self, Py_ssize_t n):
        """Whether the room that a large batch has left is to be given back: much of it, for many small runs by now.

        One now and then, as an evaluation after each epoch, lets it be."""
        if self.size < LARGE or SMALLER * n > self.capacity:
            self.small_runs = 0
            return False
        self.small_runs += 1
        return self.small_runs >= MANY

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
        self.size += array.nbytes
        self.arrays.append(array)
        return <void *> address(array)
