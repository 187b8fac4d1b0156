"""The dense stage with few outputs, whose kernel is stored transposed (arena.py): the vectors of its products run over
the inputs, where there are enough numbers to fill them.

The threads partition forward by rows, the update by panels of inputs.
"""

from cython cimport floating
from libc.string cimport memset

from fastmlp.kernels.isa cimport GOES_ON
from fastmlp.kernels.isa cimport blocks, multiply_columns, multiply_rows, panel_columns, partition, transpose
from fastmlp.kernels.engine.plan cimport Matrix, Part, Pass, Plan, Stage
from fastmlp.kernels.engine.plan cimport bias_of, block_row, element, memory_of, tile_of, vectors_of
from fastmlp.kernels.engine.weights cimport apply, gradient_memory


cdef void narrow_forward(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil:
    """y = activation(x . kernel + bias), for the thread's own rows."""
    cdef Stage *stage = &plan.stages[number]
    cdef int width = panel_columns(plan.isa, tag)
    if floating is float:
        if part.own_first < part.own_last:
            plan.isa.multiply_narrow(part.own_last - part.own_first, stage.inputs, <int> stage.outputs,
                                     element(stage.input, part.own_first, 0, width, tag), stage.input.stride,
                                     <const float *> stage.kernel.data, bias_of(plan, stage, 0, tag), stage.activation,
                                     element(&stage.output, part.own_first, 0, width, tag), stage.output.stride)
    else:
        forward_in_order(plan, stage, part, tag)


cdef void forward_in_order(Plan *plan, Stage *stage, const Part *part, const floating *tag) noexcept nogil:
    """The same with sums in the order of the inputs, as the oracle's."""
    cdef const Matrix *x = stage.input
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t panel, block, row
    cdef floating *columns = memory_of(plan, part, tag)
    for panel in range(blocks(stage.outputs, width)):
        transpose_outputs(plan, stage, panel, columns)
        for block in range(partition(part.blocks, part.thread, part.threads),
                           partition(part.blocks, part.thread + 1, part.threads)):
            row = block_row(part, block)
            multiply_rows(plan.isa, <int> (block_row(part, block + 1) - row),
                          vectors_of(stage.outputs, panel, 1, width), stage.inputs, element(x, row, 0, width, tag),
                          x.stride, columns, bias_of(plan, stage, panel, tag), stage.activation,
                          element(&stage.output, row, panel, width, tag))


cdef void transpose_outputs(Plan *plan, const Stage *stage, Py_ssize_t panel, floating *out) noexcept nogil:
    """The rows of the transpose that belong to a panel of outputs, as the columns of one panel."""
    cdef int width = panel_columns(plan.isa, out)
    cdef Py_ssize_t rows = min(width, stage.outputs - panel * width), number
    cdef const floating *kernel = <const floating *> stage.kernel.data + panel * width * width
    memset(out, 0, stage.inputs * width * sizeof(floating))
    for number in range(blocks(stage.inputs, width)):
        transpose(plan.isa, rows, min(width, stage.inputs - number * width), kernel + number * stage.outputs * width,
                  width, out + number * width * width, width)


cdef void update_narrow(Plan *plan, int number, const Part *part, const Pass *run, const floating *tag) noexcept nogil:
    """The gradient transpose(dz) . x, a panel of inputs at a time, used for its update as soon as it is there."""
    cdef Stage *stage = &plan.stages[number]
    cdef int width = panel_columns(plan.isa, tag), vectors
    cdef Py_ssize_t panels = blocks(stage.inputs, width), size = stage.outputs * width, panel, i, height
    cdef floating *c
    for panel in range(partition(panels, part.thread, part.threads), partition(panels, part.thread + 1, part.threads)):
        vectors = vectors_of(stage.inputs, panel, 1, width)
        c = gradient_memory(plan, stage.kernel, run, panel * size, tile_of(plan, part, tag))
        if vectors == 1 and not run.portion & GOES_ON:  # the others have no gradient
            memset(c, 0, size * sizeof(floating))
        i = 0
        while i < stage.outputs:
            height = min(min(plan.isa.tile_rows, stage.outputs - i), width - i % width)  # within a panel
            multiply_columns(plan.isa, <int> height, vectors, run.portion, part.last - part.first,
                             element(&stage.gradient, part.first, i // width, width, tag) + i % width,
                             element(stage.input, part.first, panel, width, tag), c + i * width)
            i += height
        apply(plan, stage.kernel, stage.use, run, panel * size, size, c)
