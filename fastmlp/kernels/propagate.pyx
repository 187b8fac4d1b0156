"""Forward and backward through the layers, for some rows; run by every thread of one parallel region."""

from cython cimport floating
from libc.stdint cimport uint64_t

from fastmlp.kernels.isa cimport Optimizer, barrier_wait
from fastmlp.kernels.plan cimport DENSE, Part, Plan
from fastmlp.kernels.stage_dense cimport dense_backward, dense_forward
from fastmlp.kernels.stage_rowwise cimport rowwise_backward, rowwise_forward


cdef void forward(Plan *plan, const Part *part, bint training, uint64_t step, const floating *kind) noexcept nogil:
    """Every layer's output from the batch; with `training`, dropout draws its masks by `step`."""
    cdef int number
    for number in range(plan.depth):
        if plan.layers[number].kind == DENSE:
            dense_forward(plan, number, part, kind)
        else:
            rowwise_forward(plan, number, part, training, step, kind)


cdef void backward(Plan *plan, const Part *part, bint training, uint64_t step, const Optimizer *optimizer,
                   const floating *kind) noexcept nogil:
    """Gradients from the last layer down to the first that has weights, which are updated on the way; `training` and
    `step` as in forward. Each thread has the gradient of its own rows to start with."""
    cdef int number = plan.depth - 2 if plan.fused else plan.depth - 1
    cdef bint complete = False
    while number >= plan.first_dense:
        if plan.layers[number].kind == DENSE:
            if not complete:
                barrier_wait(&plan.barrier, part.count)
            dense_backward(plan, number, part, optimizer, kind)
            complete = True
        else:
            rowwise_backward(plan, number, part, training, step, kind)
            complete = False
        number -= 1
