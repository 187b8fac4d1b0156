"""Plain tables of times and ratios."""

import platform
from pathlib import Path

from bench.jobs import OURS

UNSTEADY = 0.25  # spread of the middle half of the rounds, as a share of the median
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (0.0, "ns"))


def aligned(rows):
    """Lines of text in columns; the first column is flush left, the others flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells]).rstrip()


def time_text(seconds):
    """Three digits and a unit: 0.0123 is 12.3 ms."""
    unit, name = next((unit, name) for unit, name in UNITS if seconds >= unit)
    return f"{three_digits(seconds / (unit or 1e-9))} {name}"


def ratio_text(ratio):
    return f"{three_digits(ratio)}x"


def three_digits(number):
    """A positive number, without an exponent."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def speedups(results):
    """Rows of cells that compare the contenders, header first, one for each result of fastmlp; "-" without a number.

    Parameters
    ----------
    results : list of dict
        With job, size, contender, seconds, spread and extrapolated; those of fastmlp also with threads. The columns
        are the contenders in the order in which they come.
    """
    jobs, names = {}, list(dict.fromkeys(result["contender"] for result in results))
    for result in results:
        jobs.setdefault((result["job"], result["size"]), []).append(result)
    others = [name for name in names if name != OURS]
    yield ("job", "size", "threads", *[f"{name} " for name in names], *[f"{name}/{OURS} " for name in others])
    for (job, size), found in jobs.items():
        by_name = {result["contender"]: result for result in found}
        for ours in [result for result in found if result["contender"] == OURS] or [None]:
            cells = [time_cell(ours if name == OURS else by_name.get(name)) for name in names]
            ratios = [ratio(by_name.get(name), ours) for name in others]
            yield (job, size, str(ours["threads"]) if ours else "-", *cells, *ratios)


def time_cell(result):
    return time_text(result["seconds"]) + marks(result) if result else "- "


def ratio(other, ours):
    """How many times as long as fastmlp a contender takes."""
    if not (other and ours):
        return "- "
    return ratio_text(other["seconds"] / ours["seconds"]) + marks(other, ours)


def marks(*results):
    """One character: "*" for extrapolated, "~" for unsteady, else a blank, which keeps figures aligned."""
    if any(result["extrapolated"] for result in results):
        return "*"
    return "~" if any(result["spread"] > UNSTEADY for result in results) else " "


def processor():
    """The CPU's name."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
