"""Forward and backward through the layers, for some rows; run by every thread of one parallel region."""

from cython cimport floating

from fastmlp.kernels.isa cimport Optimizer, barrier_wait
from fastmlp.kernels.plan cimport DENSE, Part, Pass, Plan
from fastmlp.kernels.stage_dense cimport dense_backward, dense_forward
from fastmlp.kernels.stage_rowwise cimport rowwise_backward, rowwise_forward


cdef void forward(Plan *plan, const Part *part, const Pass *run, const floating *kind) noexcept nogil:
    """Every layer's output from the batch, for the thread's own rows at least."""
    cdef int number
    cdef bint complete = False  # or there for the thread's own rows
    for number in range(plan.depth):
        if plan.layers[number].kind == DENSE:
            complete = dense_forward(plan, number, part, run, complete, kind)
        else:
            rowwise_forward(plan, number, part, run, kind)
            complete = False


cdef void backward(Plan *plan, const Part *part, const Pass *run, const Optimizer *optimizer,
                   const floating *kind) noexcept nogil:
    """Gradients from the last layer, where each thread has those of its own rows, down to the first that has weights;
    these are updated on the way."""
    cdef int number = plan.depth - 2 if plan.fused else plan.depth - 1
    cdef bint complete = False
    while number >= plan.first_dense:
        if plan.layers[number].kind == DENSE:
            if not complete:
                barrier_wait(&plan.barrier, part.count)
            dense_backward(plan, number, part, optimizer, kind)
            complete = True
        else:
            rowwise_backward(plan, number, part, run, kind)
            complete = False
        number -= 1
