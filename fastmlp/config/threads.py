"""How many threads the engine uses: what the user set, what the machine gives, and what the work is worth.

No result depends on it (every kernel gives the same bits for any number of threads).
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fastmlp.kernels.limits import MAX_THREADS, WORK_PER_THREAD, usable
from fastmlp.settings import integer

_explicit: int | None = None
_sharing = threading.local()  # a thread's own `share`, where it has one


def set_num_threads(threads: int | None) -> None:
    """Set the largest number of threads the engine may use; None returns to the automatic choice."""
    global _explicit
    _explicit = None if threads is None else integer("threads", threads, at_least=1, below=MAX_THREADS + 1)


def get_num_threads() -> int:
    """Return the largest number of threads the engine may use.

    The first of: `set_num_threads`, the environment variables FASTMLP_NUM_THREADS and OMP_NUM_THREADS, the CPUs
    available to this process. A forked child always has one, since OpenMP's threads do not survive a fork. In a thread
    that trains one of several models at once, it is that one's share.

    Raises
    ------
    ValueError
        When FASTMLP_NUM_THREADS is not an integer from 1 to 256.
    """
    number = usable(_explicit or threads_in_environment(os.environ) or available_cpus())
    share: Callable[[], int] | None = getattr(_sharing, "share", None)
    return number if share is None else min(number, share())


def share_threads(share: Callable[[], int] | None) -> None:
    """Let what this thread of Python computes use at most so many, asked for each time; None: all of them."""
    _sharing.share = share


@contextmanager
def limited_threads(number: int | None) -> Iterator[None]:
    """Let what this thread of Python computes within use at most so many; None: as many as before."""
    before: Callable[[], int] | None = getattr(_sharing, "share", None)
    if number is None or (before is not None and before() <= number):
        yield
        return
    share_threads(lambda: number)
    try:
        yield
    finally:
        share_threads(before)


def threads_for(work: int) -> int:
    """Return the number of threads for a step of `work` multiply-adds: small networks run fastest on one."""
    worth = work // WORK_PER_THREAD
    return 1 if worth < 2 else min(get_num_threads(), worth)


def threads_in_environment(environment: Mapping[str, str]) -> int | None:
    """Return the number of threads that the environment asks for, or None."""
    asked = environment.get("FASTMLP_NUM_THREADS", "").strip()
    if asked:
        if not asked.isdecimal() or not 1 <= number_of(asked) <= MAX_THREADS:
            raise ValueError(f"FASTMLP_NUM_THREADS: got {asked[:80]!r}, needs an integer from 1 to {MAX_THREADS}")
        return number_of(asked)
    # A list, one number for each level of nesting; as OpenMP itself does, ignore what is no number.
    first = environment.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return min(number_of(first), MAX_THREADS) or None if first.isdecimal() else None


def number_of(digits: str) -> int:
    """Return the number that digits stand for, one more than MAX_THREADS for many: Python reads no thousands."""
    return int(digits) if len(digits) < 1000 else MAX_THREADS + 1


def available_cpus() -> int:
    """Return the number of CPUs this process may run on, within its control group's quota and MAX_THREADS."""
    cpus = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, MAX_THREADS)
    quota = _own_quota()
    # Rounded down: threads that wait for one another lose more by being stopped than by being fewer.
    return cpus if quota is None else max(1, min(cpus, int(quota)))


@functools.cache
def _own_quota() -> float | None:
    return cgroup_quota(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))


def cgroup_quota(membership: Path, root: Path) -> float | None:
    """Return the least CPU quota, in CPUs, of the control groups that a process is in, or None without a quota.

    Parameters
    ----------
    membership : Path
        The process's /proc/<pid>/cgroup, with lines "id:controllers:path"; version 2 has "0::path".
    root : Path
        Where control groups are mounted.
    """
    quotas = []
    for line in read(membership).splitlines():
        _, controllers, group = [*line.split(":", 2), "", ""][:3]
        if controllers == "":
            mount, parse = root, quota_v2
        elif "cpu" in controllers.split(","):
            mount, parse = root / "cpu", quota_v1
        else:
            continue
        # A quota binds all the groups below. In a container the path may lie outside of what is mounted.
        parts = [part for part in group.split("/") if part not in ("", "..")]
        quotas += [parse(mount.joinpath(*parts[:depth])) for depth in range(len(parts) + 1)]
    return min((quota for quota in quotas if quota is not None), default=None)


def quota_v2(folder: Path) -> float | None:
    """Return the CPUs of a version 2 group: cpu.max has "quota period" or "max period", in microseconds."""
    return ratio(*[*read(folder / "cpu.max").split(), "", ""][:2])


def quota_v1(folder: Path) -> float | None:
    """Return the CPUs of a version 1 group, whose quota of -1 means none."""
    return ratio(read(folder / "cpu.cfs_quota_us").strip(), read(folder / "cpu.cfs_period_us").strip())


def ratio(quota: str, period: str) -> float | None:
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() and int(period) else None


def read(path: Path) -> str:
    """Return a file's text, or "" when there is none to read."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
