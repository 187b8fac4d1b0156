"""Share of the machine's peak in training at every width and batch: `python -m bench.sweep`.

A square network, two dense layers of the same width on Gaussian inputs, by SGD on the mean squared error. Shares count
what dense arithmetic needs, as in bench.peers.
"""

import argparse
import json
import sys
from pathlib import Path

from bench.peak import Peak
from bench.steps import least, stepper, work
from bench.table import aligned, processor
from fastmlp import kernels
from fastmlp.config.threads import get_num_threads

WIDTHS = tuple(2**i for i in range(4, 12))
BATCHES = tuple(2**i for i in range(11))
DEPTH = 2  # dense layers
CLIFF = 0.8  # of the share at half the width or half the batch: below that is a cliff


def main(arguments=None):
    """Measure, print and write."""
    options = parser().parse_args(arguments)
    peak, found = Peak(), {}
    for width in WIDTHS:
        row = {(width, batch): point(width, batch) for batch in BATCHES}
        for threads in {1, get_num_threads(), *[threads for _, threads in row.values()]}:
            peak.measure(threads)
        found.update(row)
    results = [record(*place, *measured, peak) for place, measured in found.items()]
    print("\n".join(report(results, peak)))
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=2) + "\n")
    if options.plot:
        plot(results, options.plot)
    return 0


def parser():
    parser = argparse.ArgumentParser("python -m bench.sweep", description=__doc__.split("\n\n")[0])
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--plot", metavar="FILE", help="draw them there: .svg, .png or what else matplotlib knows")
    return parser


def widths_of(width):
    return (width,) * (DEPTH + 1)


def point(width, batch):
    """The least seconds of one step, and the threads it was given."""
    run, threads = stepper(widths_of(width), batch)
    return least(run)[0], threads


def record(width, batch, seconds, threads, peak):
    """One point for machines."""
    rate = 2 * work(widths_of(width), batch) / seconds
    return {
        "width": width,
        "batch": batch,
        "threads": threads,
        "seconds": seconds,
        "share_of_peak": rate / peak.found[threads],
    }


def cliffs(results):
    """The points, (width, batch), whose share is well below that of half the width or of half the batch."""
    shares = {(result["width"], result["batch"]): result["share_of_peak"] for result in results}
    return {
        (width, batch)
        for (width, batch), share in shares.items()
        if share < CLIFF * max(shares.get((width // 2, batch), 0), shares.get((width, batch // 2), 0))
    }


def report(results, peak):
    """Lines for people: a row for each width, a column for each batch."""
    shares = {(result["width"], result["batch"]): result for result in results}
    widths, batches = (sorted({place[i] for place in shares}) for i in range(2))
    steep = cliffs(results)
    rows = [("width", *[f"{batch} " for batch in batches])]
    for width in widths:
        marks = ["!" if (width, batch) in steep else " " for batch in batches]
        values = [100 * shares[width, batch]["share_of_peak"] for batch in batches]
        rows.append((str(width), *[f"{value:.0f}{mark}" for value, mark in zip(values, marks, strict=True)]))
    yield "share of peak in %, for each width and batch"
    yield ""
    yield from aligned(rows)
    yield ""
    yield f"! less than {CLIFF:.0%} of the share at half the width or half the batch"
    alone = [result["seconds"] for result in results if result["threads"] == 1]
    yield f"{len(alone)} of {len(results)} points run on one thread, and are compared with the peak of one"
    for threads, rate in sorted(peak.found.items()):
        yield f"peak on {threads} thread{'s' if threads > 1 else ''}: {rate / 1e9:.0f} GFLOP/s of float32 multiply-adds"
    yield f"{processor()}, fastmlp on {kernels.isa.name()}"


def plot(results, file):
    """A heat map."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    widths, batches = (sorted({result[key] for result in results}) for key in ("width", "batch"))
    shares = {(result["width"], result["batch"]): 100 * result["share_of_peak"] for result in results}
    grid = [[shares[width, batch] for batch in batches] for width in widths]
    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    image = axes.imshow(grid, origin="lower", vmin=0, vmax=100, aspect="auto", cmap="viridis")
    axes.set_xticks(range(len(batches)), batches)
    axes.set_yticks(range(len(widths)), widths)
    axes.set(xlabel="batch", ylabel="width", title="Training step, two square dense layers: share of peak, %")
    for row, line in enumerate(grid):
        for column, share in enumerate(line):
            color = "white" if share < 60 else "black"
            axes.text(column, row, f"{share:.0f}", ha="center", va="center", color=color, fontsize=9)
    figure.colorbar(image, label="% of the measured peak")
    figure.savefig(file)


if __name__ == "__main__":
    sys.exit(main())
