"""Forward and backward through the layers, for one batch; run by every thread of one parallel region."""

from cython cimport floating
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from fastmlp.kernels.activations cimport activate_row, activate_row_gradient
from fastmlp.kernels.dropout cimport dropout_setting
from fastmlp.kernels.isa cimport STORE, Dropout, Optimizer
from fastmlp.kernels.isa cimport activate, activate_gradient, barrier_wait, blocks, dropout as dropout_elements, pack
from fastmlp.kernels.isa cimport share, tile, tile_columns, tile_rows, update
from fastmlp.kernels.plan cimport ACTIVATION, DENSE, DROPOUT
from fastmlp.kernels.plan cimport Layer, Part, Plan, output_of


cdef void forward(Plan *plan, const Part *part, floating *batch, bint training, uint64_t step) noexcept nogil:
    cdef int number
    cdef Layer *layer
    cdef const floating *x
    cdef floating *y
    for number in range(plan.depth):
        layer = &plan.layers[number]
        x = output_of(plan, number - 1, batch)
        y = <floating *> layer.output
        if layer.kind == DENSE:
            dense_forward(plan, layer, part, x, y)
        else:
            rowwise_forward(plan, layer, part, x, y, training, step)


cdef void rowwise_forward(Plan *plan, const Layer *layer, const Part *part, const floating *x, floating *y,
                          bint training, uint64_t step) noexcept nogil:
    cdef Py_ssize_t n = layer.outputs, i, j
    cdef Py_ssize_t first = part.first_row * n, count = (part.last_row - part.first_row) * n
    cdef floating scale = <floating> layer.scale, offset = <floating> layer.offset
    cdef Dropout setting
    memcpy(y + first, x + first, count * sizeof(floating))
    if layer.kind == ACTIVATION:
        for i in range(part.first_row, part.last_row):
            activate_row(plan.isa, layer.activation, n, y + i * n)
    elif layer.kind == DROPOUT:
        if training:
            setting = dropout_setting(layer.rate, layer.seed, step, layer.number)
            dropout_elements(plan.isa, &setting, first, count, y + first)
    else:
        for j in range(first, first + count):
            y[j] = y[j] * scale + offset


cdef void dense_forward(Plan *plan, const Layer *layer, const Part *part, const floating *x,
                        floating *y) noexcept nogil:
    """y = activation(x . kernel + bias)."""
    cdef Py_ssize_t height = tile_rows(plan.isa, x), width = tile_columns(plan.isa, x)
    cdef Py_ssize_t row_blocks = blocks(part.rows, height), units = row_blocks * blocks(layer.outputs, width)
    cdef Py_ssize_t inputs = layer.inputs, outputs = layer.outputs, unit, row, column, i
    cdef floating *packed = <floating *> plan.rows_packed
    cdef const floating *kernel = <const floating *> plan.arena + layer.kernel
    cdef const floating *bias = <const floating *> plan.arena + layer.bias
    cdef floating c[1024]
    pack_rows(plan, part, inputs, x, packed)
    barrier_wait(&plan.barrier, part.count)
    for unit in range(share(units, part.number, part.count), share(units, part.number + 1, part.count)):
        row = unit % row_blocks * height
        column = unit // row_blocks * width
        tile(plan.isa, inputs, packed + row * inputs, kernel + column * inputs, c)
        if layer.use_bias:
            add_bias(height, width, bias + column, c)
        activate(plan.isa, layer.activation, height * width, c)
        for i in range(min(height, part.rows - row)):
            memcpy(y + (row + i) * outputs + column, c + i * width, min(width, outputs - column) * sizeof(floating))
    barrier_wait(&plan.barrier, part.count)


cdef inline void add_bias(Py_ssize_t height, Py_ssize_t width, const floating *bias, floating *c) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(height):
        for j in range(width):
            c[i * width + j] = c[i * width + j] + bias[j]


cdef void pack_rows(Plan *plan, const Part *part, Py_ssize_t n, const floating *x, floating *out) noexcept nogil:
    """This thread's rows of x[rows, n] as [blocks][n][tile_rows]."""
    cdef Py_ssize_t height = tile_rows(plan.isa, x), row = part.first_row
    while row < part.last_row:
        pack(plan.isa, n, height, min(height, part.rows - row), x + row * n, 1, n, out + row * n)
        row += height


cdef void backward(Plan *plan, const Part *part, floating *batch, bint training, uint64_t step,
                   const Optimizer *optimizer) noexcept nogil:
    """Gradients from the last layer down to the first that has weights, which are updated on the way; `training` and
    `step` as in forward."""
    cdef int number = plan.depth - 2 if plan.fused else plan.depth - 1
    cdef Layer *layer
    cdef floating *dx
    while number >= plan.first_dense:
        layer = &plan.layers[number]
        dx = <floating *> plan.layers[number - 1].gradient if number > plan.first_dense else NULL
        if layer.kind == DENSE:
            dense_backward(plan, layer, part, output_of(plan, number - 1, batch), dx, optimizer)
        else:
            rowwise_backward(plan, layer, part, dx, training, step)
        number -= 1


cdef void rowwise_backward(Plan *plan, const Layer *layer, const Part *part, floating *dx,
                           bint training, uint64_t step) noexcept nogil:
    cdef Py_ssize_t n = layer.outputs, i, j
    cdef Py_ssize_t first = part.first_row * n, count = (part.last_row - part.first_row) * n
    cdef const floating *y = <const floating *> layer.output
    cdef floating scale = <floating> layer.scale
    cdef Dropout setting
    memcpy(dx + first, <const floating *> layer.gradient + first, count * sizeof(floating))
    if layer.kind == ACTIVATION:
        for i in range(part.first_row, part.last_row):
            activate_row_gradient(plan.isa, layer.activation, n, y + i * n, dx + i * n)
    elif layer.kind == DROPOUT:
        if training:
            setting = dropout_setting(layer.rate, layer.seed, step, layer.number)
            dropout_elements(plan.isa, &setting, first, count, dx + first)
    else:
        for j in range(first, first + count):
            dx[j] = dx[j] * scale


cdef void dense_backward(Plan *plan, const Layer *layer, const Part *part, const floating *x, floating *dx,
                         const Optimizer *optimizer) noexcept nogil:
    """From the gradient of the output: dz in place, then the weights' gradients with their update, and dx."""
    cdef Py_ssize_t height = tile_rows(plan.isa, x), width = tile_columns(plan.isa, x)
    cdef Py_ssize_t inputs = layer.inputs, outputs = layer.outputs, panel
    cdef Py_ssize_t first = part.first_row * outputs, count = (part.last_row - part.first_row) * outputs
    cdef floating *dz = <floating *> layer.gradient
    activate_gradient(plan.isa, layer.activation, count, <const floating *> layer.output + first, dz + first)
    pack_columns(plan, part, outputs, width, dz, <floating *> plan.panels_packed)
    pack_columns(plan, part, inputs, height, x, <floating *> plan.columns_packed)
    if dx != NULL:
        pack_rows(plan, part, outputs, dz, <floating *> plan.rows_packed)
        for panel in range(share(blocks(inputs, width), part.number, part.count),
                           share(blocks(inputs, width), part.number + 1, part.count)):
            pack_transposed(plan, layer, panel * width, <floating *> plan.kernel_packed)
    barrier_wait(&plan.barrier, part.count)
    update_kernel(plan, layer, part, optimizer, <const floating *> plan.columns_packed)
    update_bias(plan, layer, part, optimizer, <const floating *> plan.panels_packed)
    if dx != NULL:
        input_gradient(plan, layer, part, dx)
    barrier_wait(&plan.barrier, part.count)


cdef void pack_columns(Plan *plan, const Part *part, Py_ssize_t n, Py_ssize_t width, const floating *x,
                       floating *out) noexcept nogil:
    """This thread's rows of x[rows, n] as [groups][rows][width], for groups of `width` columns."""
    cdef Py_ssize_t row = part.first_row, group, column
    for group in range(blocks(n, width)):
        column = group * width
        pack(plan.isa, part.last_row - row, width, min(width, n - column), x + row * n + column, n, 1,
             out + column * part.rows + row * width)


cdef void pack_transposed(Plan *plan, const Layer *layer, Py_ssize_t first, floating *out) noexcept nogil:
    """The rows of the kernel from `first` on, as many as a panel is wide, as the columns of a panel."""
    cdef Py_ssize_t width = tile_columns(plan.isa, out), inputs = layer.inputs, outputs = layer.outputs
    cdef Py_ssize_t panel, column
    cdef const floating *kernel = <const floating *> plan.arena + layer.kernel
    for panel in range(blocks(outputs, width)):
        column = panel * width
        pack(plan.isa, min(width, outputs - column), width, min(width, inputs - first),
             kernel + column * inputs + first * width, 1, width, out + first * outputs + column * width)


cdef void update_kernel(Plan *plan, const Layer *layer, const Part *part, const Optimizer *optimizer,
                        const floating *columns) noexcept nogil:
    """The gradient transpose(x) . dz, tile by tile, each used for its update as soon as it is there."""
    cdef Py_ssize_t height = tile_rows(plan.isa, columns), width = tile_columns(plan.isa, columns)
    cdef Py_ssize_t inputs = layer.inputs, groups = blocks(inputs, height)
    cdef Py_ssize_t units = groups * blocks(layer.outputs, width), unit, row, column, at, n, i
    cdef const floating *panels = <const floating *> plan.panels_packed
    cdef const floating *kernel = <const floating *> plan.arena + layer.kernel
    cdef floating twice_l2 = <floating> (2.0 * layer.l2)
    cdef floating c[1024]
    for unit in range(share(units, part.number, part.count), share(units, part.number + 1, part.count)):
        row = unit % groups * height
        column = unit // groups * width
        tile(plan.isa, part.rows, columns + row * part.rows, panels + column * part.rows, c)
        at = column * inputs + row * width
        n = min(height, inputs - row) * width
        if layer.l2 > 0:
            for i in range(n):
                c[i] = c[i] + twice_l2 * kernel[at + i]
        apply(plan, optimizer, layer.kernel + at, n, c)


cdef void update_bias(Plan *plan, const Layer *layer, const Part *part, const Optimizer *optimizer,
                      const floating *panels) noexcept nogil:
    """The gradient of the bias, the sum of dz over the rows, and its update."""
    cdef Py_ssize_t width = tile_columns(plan.isa, panels), count = blocks(layer.outputs, width), panel, i, j
    cdef const floating *dz
    cdef floating sums[64]
    if not layer.use_bias:
        return
    for panel in range(share(count, part.number, part.count), share(count, part.number + 1, part.count)):
        dz = panels + panel * width * part.rows
        for j in range(width):
            sums[j] = 0
        for i in range(part.rows):
            for j in range(width):
                sums[j] = sums[j] + dz[i * width + j]
        apply(plan, optimizer, layer.bias + panel * width, width, sums)


cdef inline void apply(Plan *plan, const Optimizer *optimizer, Py_ssize_t at, Py_ssize_t n,
                       const floating *g) noexcept nogil:
    """Update n weights of the arena, or keep their gradient."""
    cdef floating *w = <floating *> plan.arena + at
    if optimizer.kind == STORE:
        w = <floating *> plan.gradients + at
    update(plan.isa, optimizer, n, w, g, w + plan.parameters, w + 2 * plan.parameters)


cdef void input_gradient(Plan *plan, const Layer *layer, const Part *part, floating *dx) noexcept nogil:
    """dx = dz . transpose(kernel), from the kernel as it was before its update."""
    cdef Py_ssize_t height = tile_rows(plan.isa, dx), width = tile_columns(plan.isa, dx)
    cdef Py_ssize_t inputs = layer.inputs, outputs = layer.outputs, row_blocks = blocks(part.rows, height)
    cdef Py_ssize_t units = row_blocks * blocks(inputs, width), unit, row, column, i
    cdef const floating *dz = <const floating *> plan.rows_packed
    cdef const floating *kernel = <const floating *> plan.kernel_packed
    cdef floating c[1024]
    for unit in range(share(units, part.number, part.count), share(units, part.number + 1, part.count)):
        row = unit % row_blocks * height
        column = unit // row_blocks * width
        tile(plan.isa, outputs, dz + row * outputs, kernel + column * outputs, c)
        for i in range(min(height, part.rows - row)):
            memcpy(dx + (row + i) * inputs + column, c + i * width, min(width, inputs - column) * sizeof(floating))
