"""Leaving a step amid its products, where these are long and a signal handler raises.

A step can be left as long as it has changed nothing: its gradients are kept until all are there, and averages that have
moved are put back. What the products that were left would have given is not there, and not used.
"""

from cython cimport floating

from fastmlp.kernels.isa cimport STORE, TO_GO_ON, barrier_wait, flag_is_raised, flag_set
from fastmlp.kernels.engine.description cimport DENSE
from fastmlp.kernels.engine.exceptions cimport interrupted
from fastmlp.kernels.engine.plan cimport Part, Pass, Plan, Stage, sparse_input
from fastmlp.kernels.engine.stage_normalization cimport put_averages_back

# Multiply-adds of a product that takes some hundredths of a second; what a step has besides is no matter.
cdef Py_ssize_t long_product = 1_000_000_000


def look_in_products_from(Py_ssize_t multiply_adds):
    """Call products of so many multiply-adds long, and return what it was before; for tests."""
    global long_product
    before, long_product = long_product, multiply_adds
    return before


cdef bint may_leave(const Plan *plan, const Stage *stage, Py_ssize_t rows) noexcept nogil:
    """Whether a stage's products for so many rows are long."""
    return rows * stage.inputs * stage.outputs >= long_product and sparse_input(plan, stage) == NULL


cdef bint may_leave_backward(const Plan *plan, const Stage *stage, Py_ssize_t rows, const Pass *run) noexcept nogil:
    """Likewise where gradients are kept, and change no weights on the way."""
    return (run.optimizer.kind == STORE or run.portion & TO_GO_ON) and may_leave(plan, stage, rows)


cdef bint has_long_products(const Plan *plan, Py_ssize_t rows) noexcept nogil:
    """Whether a step of so many rows may be left in some stage."""
    cdef const Stage *stage
    cdef int number
    for number in range(plan.input_count, plan.depth):
        stage = &plan.stages[number]
        if stage.kind == DENSE and may_leave(plan, stage, rows * stage.groups):
            return True
    return False


cdef Py_ssize_t rows_between_looks(const Plan *plan) noexcept nogil:
    """For how many rows all products forward are as long together."""
    cdef const Stage *stage
    cdef Py_ssize_t work = 1
    cdef int number
    for number in range(plan.input_count, plan.depth):
        stage = &plan.stages[number]
        if stage.kind == DENSE:
            work += stage.groups * stage.inputs * stage.outputs
    return max(long_product // work, <Py_ssize_t> 1)


cdef bint is_left(Plan *plan, const Part *part) noexcept nogil:
    """Whether a product that may be left is; the first thread looks for signals."""
    if part.memory == 0 and interrupted(plan):
        flag_set(&plan.stopped, True)
    return flag_is_raised(&plan.stopped)


cdef bint all_leave(Plan *plan, const Part *part, const Pass *run, const floating *tag) noexcept nogil:
    """Whether a step is left, the same for all threads, which meet; its forward has been there."""
    cdef bint left
    barrier_wait(&plan.barrier, part.threads)
    left = flag_is_raised(&plan.stopped)
    if left and run.training and part.thread == 0:
        put_averages_back(plan, tag)
    barrier_wait(&plan.barrier, part.threads)
    return left
