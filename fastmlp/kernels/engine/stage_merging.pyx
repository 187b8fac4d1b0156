"""The stages that merge several inputs into one output, element by element or side by side; each thread has its own
rows. The formulas, and the order of sums and products, are in reference/merging.py."""

from cython cimport floating
from libc.string cimport memcpy

from fastmlp.kernels.isa cimport blocks, panel_columns
from fastmlp.kernels.engine.description cimport ADD, AVERAGE, CONCATENATE, MAXIMUM, MINIMUM, MULTIPLY, SUBTRACT
from fastmlp.kernels.engine.edges cimport gather, through_activation
from fastmlp.kernels.engine.plan cimport Edge, Part, Pass, Plan, Stage, element, memory_of, wants_input
from fastmlp.kernels.engine.rows cimport copy_row, put_row, take_row


cdef void merge_forward(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil:
    cdef Stage *stage = &plan.stages[number]
    cdef int width = panel_columns(plan.isa, tag), i
    cdef Py_ssize_t n = (part.own_last - part.own_first) * width, panel
    cdef floating *y
    if stage.kind == CONCATENATE:
        concatenate(plan, stage, part, tag)
        return
    for panel in range(blocks(stage.outputs, width)):
        y = element(&stage.output, part.own_first, panel, width, tag)
        memcpy(y, element(stage.input, part.own_first, panel, width, tag), n * sizeof(floating))
        for i in range(1, stage.edge_count):
            merge(stage.kind, n, element(stage.edges[i].input, part.own_first, panel, width, tag), y)
        if stage.kind == AVERAGE:
            divide(n, <floating> stage.edge_count, y)


cdef inline void merge(int kind, Py_ssize_t n, const floating *x, floating *y) noexcept nogil:
    """Take the next input into y."""
    cdef Py_ssize_t i
    if kind == ADD or kind == AVERAGE:
        for i in range(n):
            y[i] = y[i] + x[i]
    elif kind == SUBTRACT:
        for i in range(n):
            y[i] = y[i] - x[i]
    elif kind == MULTIPLY:
        for i in range(n):
            y[i] = y[i] * x[i]
    elif kind == MAXIMUM:
        for i in range(n):
            y[i] = larger(y[i], x[i])
    elif kind == MINIMUM:
        for i in range(n):
            y[i] = smaller(y[i], x[i])


cdef inline floating larger(floating a, floating b) noexcept nogil:
    """NaN if one of them is."""
    return b if b > a or b != b else a


cdef inline floating smaller(floating a, floating b) noexcept nogil:
    return b if b < a or b != b else a


cdef inline void divide(Py_ssize_t n, floating divisor, floating *x) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        x[i] = x[i] / divisor


cdef void concatenate(Plan *plan, const Stage *stage, const Part *part, const floating *tag) noexcept nogil:
    cdef int width = panel_columns(plan.isa, tag), e
    cdef floating *values = memory_of(plan, part, tag)
    cdef Py_ssize_t i, column
    for i in range(part.own_first, part.own_last):
        column = 0
        for e in range(stage.edge_count):
            copy_row(stage.edges[e].input, i, width, values + column)
            column += stage.edges[e].input.columns
        put_row(&stage.output, i, width, values)


cdef void merge_backward(Plan *plan, int number, const Part *part, const Pass *run,
                         const floating *tag) noexcept nogil:
    """The gradient of each input from that of the output, in their order, for the thread's rows."""
    cdef Stage *stage = &plan.stages[number]
    cdef Py_ssize_t column = 0
    cdef int i
    for i in range(stage.edge_count):
        if wants_input(plan, &stage.edges[i], run):
            if stage.kind == CONCATENATE:
                put_columns(plan, stage, &stage.edges[i], column, part, tag)
            else:
                differentiate(plan, stage, i, part, tag)
            through_activation(plan, stage.edges[i].epilogue, part, tag)
            gather(plan, &stage.edges[i], part, tag)
        column += stage.edges[i].input.columns


cdef void put_columns(Plan *plan, const Stage *stage, const Edge *edge, Py_ssize_t column, const Part *part,
                      const floating *tag) noexcept nogil:
    cdef int width = panel_columns(plan.isa, tag)
    cdef floating *memory = memory_of(plan, part, tag)
    cdef Py_ssize_t i
    for i in range(part.own_first, part.own_last):
        put_row(edge.gradient, i, width, take_row(&stage.gradient, i, width, memory) + column)


cdef void differentiate(Plan *plan, const Stage *stage, int number, const Part *part,
                        const floating *tag) noexcept nogil:
    """The gradient of input number `number`, for the thread's rows."""
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t n = (part.own_last - part.own_first) * width, panel, i
    cdef const floating *dy
    cdef floating *dx
    for panel in range(blocks(stage.outputs, width)):
        dy = element(&stage.gradient, part.own_first, panel, width, tag)
        dx = element(stage.edges[number].gradient, part.own_first, panel, width, tag)
        if stage.kind == MULTIPLY:
            multiply_others(stage, number, part.own_first, panel, width, n, dy, dx)
        elif stage.kind == MAXIMUM or stage.kind == MINIMUM:
            for i in range(n):
                dx[i] = part_of_extreme(stage, number, part.own_first, panel, width, i, dy)
        else:
            memcpy(dx, dy, n * sizeof(floating))
            if stage.kind == AVERAGE:
                divide(n, <floating> stage.edge_count, dx)
            elif stage.kind == SUBTRACT and number == 1:
                for i in range(n):
                    dx[i] = -dx[i]


cdef void multiply_others(const Stage *stage, int number, Py_ssize_t row, Py_ssize_t panel, int width, Py_ssize_t n,
                          const floating *dy, floating *dx) noexcept nogil:
    """dy times the product of the other inputs."""
    cdef const floating *x
    cdef bint begun = False
    cdef Py_ssize_t i
    cdef int e
    for e in range(stage.edge_count):
        if e == number:
            continue
        x = element(stage.edges[e].input, row, panel, width, dy)
        if begun:
            for i in range(n):
                dx[i] = dx[i] * x[i]
        else:
            memcpy(dx, x, n * sizeof(floating))
        begun = True
    for i in range(n):
        dx[i] = dy[i] * dx[i]


cdef inline floating part_of_extreme(const Stage *stage, int number, Py_ssize_t row, Py_ssize_t panel, int width,
                                     Py_ssize_t i, const floating *dy) noexcept nogil:
    """What an element of an input gets of the gradient: at each next input the larger (or smaller) one takes all of
    what it and those before it get together; equal ones take half each."""
    cdef floating running = element(stage.input, row, panel, width, dy)[i], x, portion = 1
    cdef int e
    for e in range(1, stage.edge_count):
        x = element(stage.edges[e].input, row, panel, width, dy)[i]
        if e == number:
            portion = portion_of(stage.kind, x, running)
        elif e > number:
            portion = portion * portion_of(stage.kind, running, x)
        running = larger(running, x) if stage.kind == MAXIMUM else smaller(running, x)
    return dy[i] * portion if portion > 0 else 0


cdef inline floating portion_of(int kind, floating x, floating other) noexcept nogil:
    """0 for both where one is NaN."""
    if x == other:
        return <floating> 0.5
    return 1 if (x > other if kind == MAXIMUM else x < other) else 0
