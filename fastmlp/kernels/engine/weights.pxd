from cython cimport floating
from libc.float cimport FLT_MAX
from libc.math cimport fabs

from fastmlp.kernels.isa cimport SGD
from fastmlp.kernels.engine.plan cimport ONLY, Parameter, Part, Pass, Plan, Stage, Use


cdef void apply(Plan *plan, const Parameter *parameter, Use use, const Pass *run, Py_ssize_t at, Py_ssize_t n,
                floating *g) noexcept nogil
cdef floating *gradient_memory(Plan *plan, const Parameter *parameter, const Pass *run, Py_ssize_t at,
                               floating *memory) noexcept nogil
cdef void apply_square(Plan *plan, const Stage *stage, const Pass *run, Py_ssize_t below, Py_ssize_t panel,
                       floating *g) noexcept nogil
cdef void apply_to_unreached(Plan *plan, const Part *part, const Pass *run, const floating *tag) noexcept nogil
cdef void update_clipped(Plan *plan, const Part *part, const Pass *run, const floating *tag) noexcept nogil
cdef void constrain(Plan *plan, const Part *part, const floating *tag) noexcept nogil
cdef void sum_penalties(Plan *plan, const Part *part, const floating *tag) noexcept nogil
cdef double penalty_of(Plan *plan, const floating *tag) noexcept nogil
cdef void multiply(Py_ssize_t n, floating factor, floating *x) noexcept nogil


cdef inline bint descends_plainly(const Stage *stage, const Pass *run) noexcept nogil:
    """Whether a gradient of 0 leaves the kernel as it is."""
    return is_plain_descent(run) and run.portion == 0 and stage.use == ONLY and stage.kernel.l1 == 0 \
        and stage.kernel.l2 == 0


cdef inline bint is_plain_descent(const Pass *run) noexcept nogil:
    """Whether the update is w -= rate * gradient and nothing more, by a rate that times 0 is 0."""
    return run.optimizer.kind == SGD and not run.optimizer.is_adjusted and fabs(run.optimizer.step_size) <= FLT_MAX
