"""The stages that take each row for itself: activation, dropout, rescaling; each thread has its own rows."""

from cython cimport floating
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from fastmlp.kernels.activations cimport activate_row, activate_row_gradient, is_of_rows, takes_input
from fastmlp.kernels.dropout cimport dropout_setting
from fastmlp.kernels.isa cimport Dropout
from fastmlp.kernels.isa cimport activate, activate_gradient, blocks, dropout as dropout_elements, panel_columns
from fastmlp.kernels.isa cimport rescale
from fastmlp.kernels.plan cimport ACTIVATION, DENSE, DROPOUT
from fastmlp.kernels.plan cimport Layer, Matrix, Part, Pass, Plan, element, input_of, memory_of


cdef void rowwise_forward(Plan *plan, int number, const Part *part, const Pass *run,
                          const floating *kind) noexcept nogil:
    cdef Layer *layer = &plan.layers[number]
    cdef int width = panel_columns(plan.isa, kind)
    cdef Py_ssize_t n = (part.own_last - part.own_first) * width, panel
    cdef floating *y
    for panel in range(blocks(layer.outputs, width)):
        y = element(&layer.output, part.own_first, panel, width, kind)
        memcpy(y, element(input_of(plan, number), part.own_first, panel, width, kind), n * sizeof(floating))
        if layer.kind == ACTIVATION and not is_of_rows(layer.activation):
            activate(plan.isa, layer.activation, n, y)
        elif layer.kind != ACTIVATION and layer.kind != DROPOUT:
            rescale(plan.isa, n, layer.scale, layer.offset, y)
    if layer.kind == ACTIVATION and is_of_rows(layer.activation):
        activate_rows(plan, layer, part, kind)
    elif layer.kind == DROPOUT and run.dropout:
        drop(plan, layer, part, run.step, &layer.output, kind)


cdef void activate_rows(Plan *plan, Layer *layer, const Part *part, const floating *kind) noexcept nogil:
    cdef int width = panel_columns(plan.isa, kind)
    cdef floating *y
    cdef Py_ssize_t i
    for i in range(part.own_first, part.own_last):
        y = take_row(&layer.output, i, width, memory_of(plan, part, kind))
        activate_row(plan.isa, layer.activation, layer.outputs, y)
        put_row(&layer.output, i, width, y)


cdef void drop(Plan *plan, const Layer *layer, const Part *part, uint64_t step, const Matrix *matrix,
               const floating *kind) noexcept nogil:
    """Drop elements of the thread's rows, a few rows at a time side by side: masks are drawn for many at once."""
    cdef int width = panel_columns(plan.isa, kind)
    cdef Dropout setting = dropout_setting(layer.rate, layer.seed, step, layer.number)
    cdef Py_ssize_t n = layer.outputs, together = max(1, width * width // n), first = part.own_first, last, i
    cdef floating *values = memory_of(plan, part, kind)
    while first < part.own_last:
        last = min(first + together, part.own_last)
        for i in range(first, last):
            copy_row(matrix, i, width, values + (i - first) * n)
        dropout_elements(plan.isa, &setting, first * n, (last - first) * n, values)
        for i in range(first, last):
            put_row(matrix, i, width, values + (i - first) * n)
        first = last


cdef void rowwise_backward(Plan *plan, int number, const Part *part, const Pass *run,
                           const floating *kind) noexcept nogil:
    """The gradient of the input from that of the output, for the thread's rows."""
    cdef Layer *layer = &plan.layers[number]
    cdef const Matrix *below = &plan.layers[number - 1].gradient
    cdef const Matrix *source = input_of(plan, number) if takes_input(layer.activation) else &layer.output
    cdef int width = panel_columns(plan.isa, kind)
    cdef Py_ssize_t n = (part.own_last - part.own_first) * width, panel
    cdef floating *dx
    for panel in range(blocks(layer.outputs, width)):
        dx = element(below, part.own_first, panel, width, kind)
        memcpy(dx, element(&layer.gradient, part.own_first, panel, width, kind), n * sizeof(floating))
        if layer.kind == ACTIVATION and not is_of_rows(layer.activation):
            activate_gradient(plan.isa, layer.activation, n,
                              element(source, part.own_first, panel, width, kind), dx)
        elif layer.kind != ACTIVATION and layer.kind != DROPOUT:
            rescale(plan.isa, n, layer.scale, 0.0, dx)
    if layer.kind == ACTIVATION and is_of_rows(layer.activation):
        activate_row_gradients(plan, layer, part, below, kind)
    elif layer.kind == DROPOUT and run.dropout:
        drop(plan, layer, part, run.step, below, kind)
    through_activation(plan, number - 1, part, kind)


cdef void activate_row_gradients(Plan *plan, const Layer *layer, const Part *part, const Matrix *below,
                                 const floating *kind) noexcept nogil:
    cdef int width = panel_columns(plan.isa, kind)
    cdef floating *memory = memory_of(plan, part, kind)
    cdef floating *dx
    cdef Py_ssize_t i
    for i in range(part.own_first, part.own_last):
        dx = take_row(below, i, width, memory)
        activate_row_gradient(plan.isa, layer.activation, layer.outputs,
                              take_row(&layer.output, i, width, memory + blocks(layer.outputs, width) * width), dx)
        put_row(below, i, width, dx)


cdef void through_activation(Plan *plan, int number, const Part *part, const floating *kind) noexcept nogil:
    """A dense layer's gradient is kept as that before its activation: take it there, for the thread's rows."""
    cdef Layer *layer = &plan.layers[number]
    cdef int width = panel_columns(plan.isa, kind)
    cdef Py_ssize_t panel
    if layer.kind != DENSE:
        return
    for panel in range(blocks(layer.outputs, width)):
        activate_gradient(plan.isa, layer.activation, (part.own_last - part.own_first) * width,
                          element(&layer.output, part.own_first, panel, width, kind),
                          element(&layer.gradient, part.own_first, panel, width, kind))


# ------------------------------------------------------------------------------------------------------ rows in one


cdef floating *take_row(const Matrix *matrix, Py_ssize_t row, int width, floating *memory) noexcept nogil:
    """A row side by side: where it lies when it has one panel, else copied to `memory`."""
    if matrix.columns <= width:
        return element(matrix, row, 0, width, memory)
    copy_row(matrix, row, width, memory)
    return memory


cdef void copy_row(const Matrix *matrix, Py_ssize_t row, int width, floating *out) noexcept nogil:
    cdef Py_ssize_t panel
    for panel in range(blocks(matrix.columns, width)):
        memcpy(out + panel * width, element(matrix, row, panel, width, out),
               min(width, matrix.columns - panel * width) * sizeof(floating))


cdef void put_row(const Matrix *matrix, Py_ssize_t row, int width, const floating *values) noexcept nogil:
    """Write back what take_row gave, or a row from elsewhere."""
    cdef Py_ssize_t panel
    cdef floating *out
    for panel in range(blocks(matrix.columns, width)):
        out = element(matrix, row, panel, width, values)
        if out != values + panel * width:
            memcpy(out, values + panel * width, min(width, matrix.columns - panel * width) * sizeof(floating))
