"""Forward and backward through the stages, for some rows; run by every thread of one parallel region.

A matrix is there for the thread's own rows, or complete once all threads have met (at a barrier) after it was written.
`met` says which are: in forward the outputs of the stages before that number, in backward the gradients whose last
writer is a stage from that number on. Between stages with other numbers of rows the threads meet, as each has other
rows then.
"""

from cython cimport floating

from fastmlp.kernels.isa cimport barrier_wait
from fastmlp.kernels.engine.description cimport (
    BATCH_NORMALIZATION, DENSE, EMBEDDING, JOIN, LAYER_NORMALIZATION, NORMALIZATION, PRELU, SPLIT,
)
from fastmlp.kernels.engine.plan cimport Part, Pass, Plan, Stage, grouped
from fastmlp.kernels.engine.stage_dense cimport dense_backward, dense_forward
from fastmlp.kernels.engine.stage_embedding cimport embedding_backward, embedding_forward
from fastmlp.kernels.engine.stage_grouping cimport group, group_backward, ungroup, ungroup_backward
from fastmlp.kernels.engine.stage_merging cimport merge_backward, merge_forward
from fastmlp.kernels.engine.stage_normalization cimport normalize_backward, normalize_forward
from fastmlp.kernels.engine.stage_prelu cimport prelu_backward, prelu_forward
from fastmlp.kernels.engine.stage_rowwise cimport rowwise_backward, rowwise_forward


cdef void forward(Plan *plan, const Part *whole, const Pass *run, const floating *tag) noexcept nogil:
    """Every stage's output from the inputs, for the thread's own rows at least."""
    cdef int number, kind, met = 0
    cdef Stage *stage
    cdef Py_ssize_t groups = 1
    cdef Part part = whole[0]
    for number in range(plan.input_count, plan.depth):
        stage = &plan.stages[number]
        kind = stage.kind
        if stage.groups != groups or ((kind == SPLIT or kind == JOIN) and stage.edges[0].source >= met):
            barrier_wait(&plan.barrier, part.threads)
            met = number
            groups = stage.groups
            part = grouped(plan, whole, groups)
        if kind == DENSE:
            met = dense_forward(plan, number, &part, run, met, tag)
        elif kind < NORMALIZATION:
            rowwise_forward(plan, number, &part, run, tag)
        elif kind <= LAYER_NORMALIZATION:
            met = normalize_forward(plan, number, &part, run, met, tag)
        elif kind == PRELU:
            prelu_forward(plan, number, &part, tag)
        elif kind == EMBEDDING:
            embedding_forward(plan, number, &part, tag)
        elif kind == SPLIT:
            group(plan, number, &part, tag)
        elif kind == JOIN:
            ungroup(plan, number, &part, tag)
        else:
            merge_forward(plan, number, &part, tag)


cdef void backward(Plan *plan, const Part *whole, const Pass *run, const floating *tag) noexcept nogil:
    """Gradients of what is wanted, from those of the outputs, where each thread has its own rows; weights are updated
    on the way."""
    cdef int number = plan.depth, kind, met = plan.depth + 1
    cdef Stage *stage
    cdef Py_ssize_t groups = 1, rows
    cdef Part part = whole[0]
    while number > plan.input_count:
        number -= 1
        stage = &plan.stages[number]
        kind = stage.kind
        if not stage.reached or stage.wanted & run.wanted == 0:
            continue
        rows = stage.groups
        if kind == SPLIT or kind == JOIN:
            rows = plan.stages[stage.edges[0].source].groups
        # no thread may still be adding the last gradient that was written there
        if rows != groups or (takes_all(kind) and (stage.last_reader < met or stage.edges[0].adds)):
            barrier_wait(&plan.barrier, part.threads)
            met = number + 1
            groups = rows
            part = grouped(plan, whole, groups)
        if kind == DENSE:
            met = dense_backward(plan, number, &part, run, met, tag)
        elif kind < NORMALIZATION:
            rowwise_backward(plan, number, &part, run, tag)
        elif kind <= LAYER_NORMALIZATION:
            met = normalize_backward(plan, number, &part, run, met, tag)
        elif kind == PRELU:
            met = prelu_backward(plan, number, &part, run, tag)
        elif kind == EMBEDDING:
            embedding_backward(plan, number, &part, run, tag)
        elif kind == SPLIT:
            group_backward(plan, number, &part, tag)
        elif kind == JOIN:
            ungroup_backward(plan, number, &part, tag)
        else:
            merge_backward(plan, number, &part, run, tag)


cdef inline bint takes_all(int kind) noexcept nogil:
    """Whether a stage's backward reads the gradient of rows of other threads."""
    if kind == DENSE or kind == NORMALIZATION or kind == BATCH_NORMALIZATION or kind == PRELU:
        return True
    return EMBEDDING <= kind <= JOIN
