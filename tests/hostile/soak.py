"""Mixed work for hours: `python -m tests.hostile.soak --seconds 3600 --seed 0`.

What a process holds must stay as it is. After a quarter of the rounds for warming up, the quarter that follows is
compared with the last: no more open files, threads or temporary files than at any time of it, and in the median no more
resident memory than a hundredth and 4 MB, counted after a collection of garbage when the C library has given back what
is free.
"""

import argparse
import collections
import ctypes
import faulthandler
import gc
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import numpy as np

from tests.hostile import attack
from tests.hostile.work import WORK

SLACK = 4 << 20  # bytes, and a hundredth
ROUNDS = 8  # at least
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0


class Held:
    """What a process holds at one moment."""

    def __init__(self, place):
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        self.memory = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
        self.files = len(os.listdir("/proc/self/fd"))
        self.threads = len(os.listdir("/proc/self/task"))
        self.temporary = sum(len(files) + len(folders) for _, folders, files in os.walk(place))

    def __str__(self):
        files = f"{self.files} files, {self.threads} threads, {self.temporary} temporary files"
        return f"{self.memory / 2**20:.1f} MB, {files}"


def growth(held):
    """What has grown, in words, by the rule that is stated above."""
    quarter = len(held) // 4
    first, last = held[quarter : 2 * quarter], held[-quarter:]
    wrong = []
    for name in ("files", "threads", "temporary"):
        before, after = (max(getattr(one, name) for one in some) for some in (first, last))
        if after > before:
            wrong.append(f"{name} from {before} to {after}")
    before, after = (float(np.median([one.memory for one in some])) for some in (first, last))
    if after > 1.01 * before + SLACK:
        wrong.append(f"memory from {before / 2**20:.1f} to {after / 2**20:.1f} MB")
    return wrong


def soak(seconds, seed, works=WORK, show=print):
    """Work for some seconds; return how often each kind of work was done, and what was held after each round.

    A round is each kind of work once, with the seeds that follow. There are some rounds at least.
    """
    counts, held, started, shown = collections.Counter(), [], time.monotonic(), 0.0
    with tempfile.TemporaryDirectory(prefix="fastmlp-soak-") as place:
        before, tempfile.tempdir = tempfile.tempdir, place  # so that what is left of temporary files is seen
        try:
            while time.monotonic() - started < seconds or len(held) < ROUNDS:
                for name, function in works.items():
                    folder = Path(place, "round")
                    folder.mkdir()
                    faulthandler.dump_traceback_later(attack.LIMIT, exit=True)
                    try:
                        function(np.random.default_rng(seed), folder)
                    except BaseException as error:
                        error.add_note(f"{name}, seed {seed}")
                        raise
                    faulthandler.cancel_dump_traceback_later()
                    shutil.rmtree(folder)
                    counts[name] += 1
                    seed += 1
                held.append(Held(place))
                if time.monotonic() - started > shown:
                    show(f"{time.monotonic() - started:6.0f} s, {counts.total()} pieces of work: {held[-1]}")
                    shown = time.monotonic() - started + 60
        finally:
            tempfile.tempdir = before
    return counts, held


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3600, help="how long (3600)")
    parser.add_argument("--seed", type=int, help="of the first piece of work; default a new one, which is printed")
    options = parser.parse_args(arguments)
    seed = int.from_bytes(os.urandom(4)) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    faulthandler.enable(all_threads=True)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # one piece of work sends it
    try:
        counts, held = soak(options.seconds, seed, show=lambda text: print(text, flush=True))
    except Exception:
        traceback.print_exc()
        return 1
    wrong = growth(held)
    for name, count in counts.items():
        print(f"  {count:8} {name}")
    print(f"{counts.total()} pieces of work in {len(held)} rounds: {held[len(held) // 4]}; then {held[-1]}")
    print("grown: " + "; ".join(wrong) if wrong else "nothing has grown")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
