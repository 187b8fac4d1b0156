from cython cimport floating
from libc.stdint cimport int32_t, uint32_t

from fastmlp.kernels.isa cimport blocks, flag_is_raised
from fastmlp.kernels.engine.plan cimport Stage, Lists, Part, Plan


cdef void list_own_rows(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil
cdef void list_own_columns(Plan *plan, int number, const Part *part, const floating *tag) noexcept nogil
cdef bint may_use_columns(const Plan *plan, const Stage *stage, const Part *part, Py_ssize_t first_panel,
                          Py_ssize_t last_panel, const floating *tag) noexcept nogil


cdef inline bint may_skip(const Plan *plan, const Stage *stage, int width) noexcept nogil:
    """One panel of outputs, or of few inputs, is computed before its input is looked through."""
    return plan.skip_zeros and stage.outputs > width and stage.inputs > plan.few_inputs


cdef inline bint has_finite_kernel(const Plan *plan, const Stage *stage) noexcept nogil:
    """Whether a zero times any weight is zero."""
    return flag_is_raised(stage.kernel.finite) or not plan.checks_finite


cdef inline Py_ssize_t first_list(const Plan *plan, Py_ssize_t block) noexcept nogil:
    """The first of the lists of a block of rows."""
    return block * blocks(plan.isa.tile_rows, 2)


cdef inline int32_t *starts_of(const Plan *plan, Py_ssize_t number) noexcept nogil:
    """Of a list of a pair of rows, where each word of 64 columns starts."""
    return plan.starts + number * (plan.words + 1)


cdef inline uint32_t *index_of(const Lists *lists, Py_ssize_t number) noexcept nogil:
    return lists.index + number * lists.capacity


cdef inline floating *values_of(const Lists *lists, Py_ssize_t number, const floating *tag) noexcept nogil:
    return <floating *> lists.values + 2 * number * lists.capacity
