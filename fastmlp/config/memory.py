"""How much memory the process may still take."""

from __future__ import annotations

from pathlib import Path

from fastmlp.config.threads import read

UNKNOWN = 4 << 30  # bytes that are assumed where the system does not tell


def available_memory(meminfo: Path = Path("/proc/meminfo"), groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the bytes that are free or soon would be, within the limit of a container.

    Parameters
    ----------
    meminfo : Path
        What Linux says of the machine's memory.
    groups : Path
        Where control groups, of version 2 or 1, are mounted.
    """
    lines = dict(line.split(":", 1) for line in read(meminfo).splitlines() if ":" in line)
    free = lines.get("MemAvailable", "").split()
    found = [int(free[0]) * 1024] if free and free[0].isdecimal() else [UNKNOWN]
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        most, now = (read(groups / name).strip() for name in (limit, used))
        if most.isdecimal() and now.isdecimal():
            found.append(max(int(most) - int(now), 0))
    return min(found)
