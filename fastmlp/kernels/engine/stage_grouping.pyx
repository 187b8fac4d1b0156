"""The stages that make several rows of one, and one of several: layers along the last axis take such rows.

A thread writes its own rows of the result; those that it reads must be complete.
"""

from cython cimport floating

from fastmlp.kernels.isa cimport panel_columns
from fastmlp.kernels.engine.edges cimport gather, through_activation
from fastmlp.kernels.engine.plan cimport Matrix, Part, Plan, memory_of
from fastmlp.kernels.engine.rows cimport copy_row, put_row, take_row


cdef void group(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil:
    split_rows(plan, plan.stages[number].input, &plan.stages[number].output, part, tag)


cdef void ungroup(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil:
    join_rows(plan, plan.stages[number].input, &plan.stages[number].output, part, tag)


cdef void group_backward(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil:
    join_rows(plan, &plan.stages[number].gradient, plan.stages[number].edges[0].gradient, part, tag)
    through_activation(plan, plan.stages[number].edges[0].epilogue, part, tag)
    gather(plan, &plan.stages[number].edges[0], part, tag)


cdef void ungroup_backward(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil:
    split_rows(plan, &plan.stages[number].gradient, plan.stages[number].edges[0].gradient, part, tag)
    through_activation(plan, plan.stages[number].edges[0].epilogue, part, tag)
    gather(plan, &plan.stages[number].edges[0], part, tag)


cdef void split_rows(Plan *plan, const Matrix *long_rows, const Matrix *short_rows, const Part *part,
                     const floating *tag) noexcept nogil:
    """The thread's own short rows."""
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t groups = long_rows.columns // short_rows.columns, i
    cdef floating *memory = memory_of(plan, part, tag)
    cdef const floating *values = NULL
    for i in range(part.own_first, part.own_last):
        if values == NULL or i % groups == 0:
            values = take_row(long_rows, i // groups, width, memory)
        put_row(short_rows, i, width, values + i % groups * short_rows.columns)


cdef void join_rows(Plan *plan, const Matrix *short_rows, const Matrix *long_rows, const Part *part,
                    const floating *tag) noexcept nogil:
    """The thread's own long rows."""
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t groups = long_rows.columns // short_rows.columns, i, k
    cdef floating *memory = memory_of(plan, part, tag)
    for i in range(part.own_first, part.own_last):
        for k in range(groups):
            copy_row(short_rows, i * groups + k, width, memory + k * short_rows.columns)
        put_row(long_rows, i, width, memory)
