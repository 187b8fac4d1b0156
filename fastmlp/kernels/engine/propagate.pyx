"""Forward and backward through the stages, for some rows; run by every thread of one parallel region."""

from cython cimport floating

from fastmlp.kernels.isa cimport barrier_wait
from fastmlp.kernels.engine.description cimport BATCH_NORMALIZATION, DENSE, NORMALIZATION
from fastmlp.kernels.engine.plan cimport Part, Pass, Plan
from fastmlp.kernels.engine.stage_dense cimport dense_backward, dense_forward
from fastmlp.kernels.engine.stage_normalization cimport normalize_backward, normalize_forward
from fastmlp.kernels.engine.stage_rowwise cimport rowwise_backward, rowwise_forward


cdef void forward(Plan *plan, const Part *part, const Pass *run, const floating *tag) noexcept nogil:
    """Every stage's output from the batch, for the thread's own rows at least."""
    cdef int number, kind
    cdef bint complete = False  # or there for the thread's own rows
    for number in range(plan.depth):
        kind = plan.stages[number].kind
        if kind == DENSE:
            complete = dense_forward(plan, number, part, run, complete, tag)
        elif kind >= NORMALIZATION:
            complete = normalize_forward(plan, number, part, run, complete, tag)
        else:
            rowwise_forward(plan, number, part, run, tag)
            complete = False


cdef void backward(Plan *plan, const Part *part, const Pass *run, const floating *tag) noexcept nogil:
    """Gradients from the last stage, where each thread has those of its own rows, down to the lowest that is wanted;
    weights are updated on the way."""
    cdef int number = plan.depth - 2 if plan.fused else plan.depth - 1, kind
    cdef bint complete = False
    while number >= max(run.lowest, 0):
        kind = plan.stages[number].kind
        if kind == DENSE or kind == NORMALIZATION or kind == BATCH_NORMALIZATION:
            if not complete:
                barrier_wait(&plan.barrier, part.threads)
            complete = True
        if kind == DENSE:
            dense_backward(plan, number, part, run, tag)
        elif kind >= NORMALIZATION:
            normalize_backward(plan, number, part, run, tag)
            complete = True
        else:
            rowwise_backward(plan, number, part, run, tag)
            complete = False
        number -= 1
