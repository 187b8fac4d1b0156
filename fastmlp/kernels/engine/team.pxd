# The threads that compute together, step by step; times are in nanoseconds.
cdef struct Team:
    int most            # threads that may take part
    int threads         # that do in the next step
    long long begun     # when the last step began
    long long until     # when more are tried again
    long long pause     # how long after the last stall that was


cdef void gather_team(Team *team, int most, long long now) noexcept nogil
cdef bint regroup(Team *team, long long now, long long waited) noexcept nogil
