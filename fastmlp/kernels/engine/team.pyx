"""How many threads take part in the next step: fewer where more do not pay.

Threads that meet in each step are as slow as the last of them, and two findings tell that they do not pay:

- A stall. Where other programs want the CPU, one that has none keeps the others waiting for some milliseconds, many
  times what a step takes. Half of the threads go on at once, and all of them after a pause.
- A trial. Where threads share a core, each step is slower, and nobody waits for long. Every so often some steps run on
  another number of threads, and are compared with those just before and just after.

What one run finds holds at first for those that begin soon after. Where nothing is known, a trial comes at once.

Results do not depend on the number of threads, so that it may change after any step.
"""

from libc.limits cimport INT_MAX
from libc.string cimport memset

cdef enum:
    STALL = 200_000             # waiting that no difference in work explains
    FIRST_PAUSE = 10            # times the waiting
    LONGER = 4                  # times the last pause, whenever waiting comes again soon
    SOON = 4                    # times the last pause
    STEPS = 4                   # of each phase of a trial; the longest does not count
    SELDOM = 64                 # times a phase; twice as long whenever it changes nothing
    MARGIN = 32                 # another number must save this part of the time
    LONGEST_PAUSE = 1_000_000_000
    REMEMBERED = 10_000_000_000     # that all threads pay

cdef enum:
    BEGINNING
    RESTING
    BEFORE
    DURING
    AFTER


cdef void gather_team(Team *team, int most, Py_ssize_t rows, long long now, const Finding *known) noexcept nogil:
    """Begin a run of steps of so many rows, with all threads that may take part and are known to pay.

    What trials have found holds for the next run of the same work; a pause after a stall for any work."""
    if team.most == 0 and known.pause > 0:  # a stall that comes soon is one more of those that others have had
        team.pause, team.resumed, team.paused = known.pause, known.until, known.threads
    if most != team.most or rows != team.rows:
        team.is_new = now >= known.until
        team.usual = most if team.is_new else min(most, known.threads)
        team.most = most
        team.rows = rows
        team.interval = 0
        begin_phase(team, BEGINNING)
        if team.usual < most:
            team.upwards = True
            rest(team, known.until)
        if now < team.resumed:
            team.usual = min(team.usual, team.paused)
            rest(team, team.resumed)
    team.begun = now


cdef bint regroup(Team *team, int threads, Py_ssize_t rows, long long now, long long waited) noexcept nogil:
    """Decide, after a step of so many threads that have waited for others for so long, who takes part in the next ones.

    Returns whether that are more or fewer; one more step may run as before."""
    cdef long long step = now - team.begun
    team.begun = now
    if threads != team.threads or step <= 0:  # where there is no clock
        return False
    if threads > 1 and waited > STALL and 2 * waited > step:
        pause(team, now, waited)
        return True
    if rows != team.rows or (team.phase == RESTING and now < team.due):
        return False
    if team.phase == RESTING:
        begin_phase(team, BEFORE)
    if not measured(team, step):
        return False
    if team.phase == BEGINNING and team.is_new:
        team.times[BEFORE] = team.times[BEGINNING]
        begin_phase(team, DURING)
    elif team.phase == BEGINNING:
        team.interval = SELDOM * team.times[BEGINNING]
        rest(team, now + team.interval)
    elif team.phase == AFTER:
        conclude(team, now)
    else:
        begin_phase(team, team.phase + 1)
    return team.threads != threads


cdef void pause(Team *team, long long now, long long waited) noexcept nogil:
    """After a stall, go on with half of the threads before more are tried."""
    cdef long long length = FIRST_PAUSE * waited
    if now - team.resumed < SOON * team.pause:
        length = max(length, LONGER * team.pause)
    team.pause = min(length, <long long> LONGEST_PAUSE)
    team.resumed = now + team.pause
    team.usual = team.paused = team.threads // 2
    team.upwards = True
    rest(team, team.resumed)
    find(team, team.resumed, team.pause)


cdef void find(Team *team, long long until, long long pause) noexcept nogil:
    team.finding.threads = team.usual if team.usual < team.most else INT_MAX
    team.finding.until = until
    team.finding.pause = pause


cdef void rest(Team *team, long long due) noexcept nogil:
    team.due = due
    begin_phase(team, RESTING)


cdef void begin_phase(Team *team, int phase) noexcept nogil:
    team.phase = phase
    team.threads = other(team) if phase == DURING else team.usual
    team.steps = 0
    team.total = team.longest = 0


cdef int other(const Team *team) noexcept nogil:
    """The number of threads to try."""
    if team.usual == 1 or (team.upwards and team.usual < team.most):
        return min(2 * team.usual, team.most)
    return team.usual // 2


cdef bint measured(Team *team, long long step) noexcept nogil:
    """Add a step to those of this phase; returns whether they are enough."""
    team.steps += 1
    team.total += step
    team.longest = max(team.longest, step)
    team.times[team.phase] = team.total - team.longest
    return team.steps == STEPS


cdef void conclude(Team *team, long long now) noexcept nogil:
    """After a trial, go on with the number of threads that was faster."""
    cdef long long usual = min(team.times[BEFORE], team.times[AFTER]), tried = team.times[DURING]
    cdef long long shortest = SELDOM * min(usual, tried)
    if tried < usual - usual // MARGIN:
        team.usual = other(team)
        team.interval = shortest
    else:
        team.interval = max(shortest, min(2 * team.interval, <long long> LONGEST_PAUSE))
        team.upwards = not team.upwards
    rest(team, now + team.interval)
    find(team, now + (team.interval if team.usual < team.most else REMEMBERED), 0)


def decisions(int most, steps, known=None, findings=None):
    """The number of threads that each step of a record has run on, for tests.

    Parameters
    ----------
    most : int
    known : (int, float, float), optional
        How many threads pay, until when that is thought to hold, and how long the pause of a stall was, or 0; times in
        nanoseconds from the beginning of the record.
    findings : list, optional
        Is extended by each new one of such.
    steps : iterable of dict
        For each number of threads (time, waited): how long that step takes, and how long threads wait in it, in
        nanoseconds; and "rows", 1 where it is not there.
    """
    cdef Team team
    cdef Finding finding
    cdef long long now = 1
    cdef int threads, following
    memset(&team, 0, sizeof(Team))
    finding.threads, finding.until, finding.pause = (0, 0, 0) if known is None else known
    gather_team(&team, most, 1, now, &finding)
    threads = following = team.threads
    found = []
    for step in steps:
        found.append(threads)
        time, waited = step[threads]
        now += time
        regroup(&team, threads, step.get("rows", 1), now, waited)
        if findings is not None and team.finding.until > 0:
            findings.append((team.finding.threads, team.finding.until, team.finding.pause))
            team.finding.until = 0
        threads, following = following if threads > 1 else team.threads, team.threads
    return found
