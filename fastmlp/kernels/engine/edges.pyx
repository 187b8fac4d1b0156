"""What becomes of the gradients that the readers of an output have written: their sum, through its activation."""

from cython cimport floating

from fastmlp.kernels.isa cimport activate_gradient, blocks, panel_columns
from fastmlp.kernels.engine.description cimport DENSE
from fastmlp.kernels.engine.plan cimport Edge, Part, Plan, Stage, element


cdef void through_activation(const Plan *plan, const Stage *stage, const Part *part,
                             const floating *tag) noexcept nogil:
    """A dense stage's gradient is kept as that before its activation: take it there, for the thread's rows."""
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t panel
    if stage == NULL:
        return
    for panel in range(blocks(stage.outputs, width)):
        activate_gradient(plan.isa, stage.activation, NULL, (part.own_last - part.own_first) * width,
                          element(&stage.output, part.own_first, panel, width, tag),
                          element(&stage.gradient, part.own_first, panel, width, tag))


cdef void gather(const Plan *plan, const Edge *edge, const Part *part, const floating *tag) noexcept nogil:
    """Add what was written to the gradients of other readers, for the thread's rows, if there are others before."""
    cdef Stage *stage = &plan.stages[edge.source]
    cdef int width = panel_columns(plan.isa, tag)
    cdef Py_ssize_t n = (part.own_last - part.own_first) * width, panel, i
    cdef const floating *addend
    cdef floating *sums
    if not edge.adds:
        return
    for panel in range(blocks(stage.outputs, width)):
        sums = element(&stage.gradient, part.own_first, panel, width, tag)
        addend = element(&stage.addend, part.own_first, panel, width, tag)
        for i in range(n):
            sums[i] = sums[i] + addend[i]
    if edge.completes and stage.kind == DENSE:
        through_activation(plan, stage, part, tag)
