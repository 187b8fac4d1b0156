"""How many threads take part in the next step: fewer, for a while, once one has kept the others waiting.

Threads that meet in each step are as slow as the last of them. Where other programs want the CPU, one that has none
keeps the others waiting for some milliseconds, many times what a step takes. Results do not depend on the number of
threads, so that it may change after any step.
"""

cdef enum:
    STALL = 200_000             # waiting that no difference in work explains
    FIRST_PAUSE = 10            # times the waiting; twice as long whenever it comes again soon
    SOON = 4                    # times the last pause
    LONGEST_PAUSE = 1_000_000_000


cdef void gather_team(Team *team, int most, long long now) noexcept nogil:
    """Begin a run with all threads that may take part, or with as many as the last one has ended with."""
    if team.threads == 0 or now >= team.until:
        team.threads = most
    team.threads = min(team.threads, most)
    team.most = most
    team.begun = now


cdef bint regroup(Team *team, long long now, long long waited) noexcept nogil:
    """Decide, after a step in which threads have waited for others for so long, who takes part in the next ones.

    Returns whether that are more or fewer."""
    cdef long long step = now - team.begun, pause
    team.begun = now
    if team.threads > 1 and waited > STALL and 2 * waited > step:
        pause = FIRST_PAUSE * waited
        if now - team.until < SOON * team.pause:
            pause = max(pause, 2 * team.pause)
        team.pause = min(pause, <long long> LONGEST_PAUSE)
        team.until = now + team.pause
        team.threads //= 2
        return True
    if team.threads < team.most and now >= team.until:
        team.threads = min(2 * team.threads, team.most)
        return True
    return False


def decisions(int most, steps):
    """The number of threads after each step of a record, for tests.

    Parameters
    ----------
    most : int
    steps : iterable of (int, int)
        How long each step took, and how long threads waited in it, in nanoseconds.
    """
    cdef Team team = Team(0, 0, 0, 0, 0)
    cdef long long now = 1
    gather_team(&team, most, now)
    found = []
    for step, waited in steps:
        now += step
        regroup(&team, now, waited)
        found.append(team.threads)
    return found
