# What a run has found out, for the runs of other networks, or of other work, that begin soon.
cdef struct Finding:
    int threads             # more do not pay
    long long until         # as long as that is thought to hold
    long long pause         # after a stall, how long that is; else 0


# The threads that compute together, step by step; times are in nanoseconds.
cdef struct Team:
    int most                # threads that may take part
    int threads             # that do in the next step
    int usual               # that do unless another number is being tried
    bint upwards            # whether more are tried next, where both more and fewer could be
    bint is_new             # nothing was known when it began
    Py_ssize_t rows         # of a step whose time counts
    long long begun         # when the last step began
    # waiting
    long long resumed       # when the pause after the last stall ends
    long long pause         # how long that pause is
    int paused              # how many go on meanwhile
    # trials
    int phase               # BEGINNING, RESTING, BEFORE, DURING, AFTER
    long long due           # when the next one begins
    long long interval      # how long after the last one that is
    int steps               # measured in this phase
    long long total         # of their times
    long long longest       # of their times
    long long[5] times      # for each phase, of its steps without the longest
    Finding finding         # the last one


cdef void gather_team(Team *team, int most, Py_ssize_t rows, long long now, const Finding *known) noexcept nogil
cdef bint regroup(Team *team, int threads, Py_ssize_t rows, long long now, long long waited) noexcept nogil
