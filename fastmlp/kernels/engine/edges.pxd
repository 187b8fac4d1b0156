from cython cimport floating

from fastmlp.kernels.engine.plan cimport Edge, Part, Plan, Stage


cdef void through_activation(const Plan *plan, const Stage *stage, const Part *part, const floating *tag) noexcept nogil
cdef void gather(const Plan *plan, const Edge *edge, const Part *part, const floating *tag) noexcept nogil
