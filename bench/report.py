"""What `bench.peers` prints and writes of a job."""

import platform
from statistics import median

from bench.jobs import OURS
from bench.table import aligned, processor, ratio_text, time_text
from fastmlp import kernels


def table(settings, contenders, peak):
    """Lines for people."""
    threads = f"{settings.threads} thread{'s' if settings.threads > 1 else ''}"
    yield f"{settings.name}: {settings.title}; {settings.shape}{detail(settings)}, {threads}"
    yield f"time of one {settings.unit}{', from Python' if settings.unit == 'call' else ''}"
    yield ""
    checked = "accuracy" if settings.kind == "train" else "error"
    header = ("contender", "version", checked, "median", "min", "max", f"/ {OURS}", "min", "max", "of peak")
    measured = [contender for contender in contenders if contender.seconds]
    yield from aligned([header, *[cells(settings, contender, contenders, peak) for contender in measured]])
    yield from [f"{contender.name}: {contender.problem}" for contender in contenders if contender.problem]
    yield f"rounds: {max((len(contender.seconds) for contender in contenders), default=0)}"
    yield ""


def detail(settings):
    if settings.kind != "train":
        return ""
    return f", batch {settings.batch_size}, {settings.rows:,} rows"


def footer(peak, source):
    """What all tables were measured on, and how to read them."""
    for threads, rate in sorted(peak.found.items()):
        yield f"peak on {threads} thread{'s' if threads > 1 else ''}: {rate / 1e9:.0f} GFLOP/s of float32 multiply-adds"
    yield "of peak: the operations of dense arithmetic over the time, over the peak on as many threads. fastmlp skips"
    yield "the zeros of MNIST, so that it may exceed 100 %; fastmlp_dense is the same engine without that."
    yield f"/ {OURS}: how many times as long as fastmlp it took, round by round"
    yield f"MNIST here: {source}"
    yield f"{processor()}, Python {platform.python_version()}, {OURS} on {kernels.isa.name()}"


def cells(settings, contender, contenders, peak):
    found = ratios(contender, contenders)
    times = [time_text(pick(contender.seconds) / settings.units) for pick in (median, min, max)]
    relative = [ratio_text(pick(found)) if found else "-" for pick in (median, min, max)]
    share = share_of_peak(settings, contender, peak)
    checked = f"{contender.checked:.4f}" if settings.kind == "train" else f"{contender.checked:.0e}"
    of_peak = "-" if share is None else f"{100 * share:.0f} %"
    return (contender.name, contender.version, checked, *times, *relative, of_peak)


def ratios(contender, contenders):
    """How many times as long as fastmlp it took, in each round."""
    ours = next((other.seconds for other in contenders if other.name == OURS), [])
    return [seconds / base for seconds, base in zip(contender.seconds, ours, strict=False)]


def share_of_peak(settings, contender, peak):
    """Dense arithmetic's share of what the machine can do; None for single rows, which are bound by other things."""
    if settings.kind == "rows" or not contender.seconds:
        return None
    return settings.operations() / median(contender.seconds) / peak.found[settings.threads]


def records(settings, contenders, peak):
    """The figures for machines: seconds are those of one unit of the job; null where there is none."""
    return [
        {
            "job": settings.name,
            "contender": contender.name,
            "version": contender.version or None,
            "seconds": median(contender.seconds) / settings.units if contender.seconds else None,
            "ratio": median(found) if (found := ratios(contender, contenders)) else None,
            "share_of_peak": share_of_peak(settings, contender, peak),
        }
        for contender in contenders
    ]
