"""Runs killed at random moments: `python -m tests.hostile.kills --count 200 --seed 0`.

A run that was killed goes on when it is started again, and what it leaves must have the bytes of a run that was not,
with no unfinished file beside it.
"""

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from fastmlp.datasets.digits import load_data
from fastmlp.datasets.idx import write_idx
from tests.hostile.attack import ROOT, SEARCH_PATH
from tests.hostile.runs import RUNS

ENVIRONMENT = os.environ | {"PYTHONPATH": SEARCH_PATH, "OMP_NUM_THREADS": "2"}
BACKUPS = ("backup", "checkpoints")  # folders, which may be in any state
MODES = ("SIGKILL", "SIGKILL", "SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")  # of the commands; of the others SIGKILL


def command(name, data, folder):
    """Return the arguments of a run."""
    if name in RUNS:
        return [sys.executable, "-m", "tests.hostile.runs", name, str(folder)]
    kept = ["--checkpoint", str(folder / "checkpoints"), "--resume", str(folder / "checkpoints")]
    common = ["--output", str(folder / "model.safetensors"), "--quiet", *kept]
    shapes = {
        "images": [str(data / "digits"), "--hidden", "64", "--dropout", "0.2", "--epochs", "30"],
        "seldom": [str(data / "digits"), "--hidden", "32", "--optimizer", "nadam", "--epochs", "40"],
        "table": [str(data / "table.csv"), "--target", "y", "--hidden", "16", "--epochs", "12", "--ensemble", "5"],
    }
    every = ["--checkpoint-every", "7"] if name == "seldom" else []
    return [sys.executable, "-m", "fastmlp.cli", *shapes[name], *common, *every]


NAMES = (*RUNS, "images", "seldom", "table")


def write_data(folder):
    """Write what the commands are trained on."""
    (x, y), (x_test, y_test) = load_data()
    (folder / "digits").mkdir()
    for part, images, labels in (("train", x[:600], y[:600]), ("test", x_test, y_test)):
        write_idx(folder / "digits" / f"{part}-images.idx", images)
        write_idx(folder / "digits" / f"{part}-labels.idx", labels)
    random = np.random.default_rng(0)
    rows = random.normal(size=(150, 2))
    words = random.choice(["a", "b", "c"], 150)
    lines = [f"{a:.4f},{b:.4f},{w},{'yes' if a + b > 0 else 'no'}" for (a, b), w in zip(rows, words, strict=True)]
    (folder / "table.csv").write_text("\n".join(["a,b,w,y", *lines, ""]))


def files_of(folder):
    """Return a digest of each file by its path, but for those of backups."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if not set(BACKUPS) & set(path.relative_to(folder).parts)
    }


def started(arguments):
    """Start a run with the signals as a shell leaves them."""

    def set_signals():
        for name in set(MODES):
            if name != "SIGKILL":
                signal.signal(getattr(signal, name), signal.SIG_DFL)

    settings = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "env": ENVIRONMENT, "cwd": ROOT}
    return subprocess.Popen(arguments, preexec_fn=set_signals, **settings)


def finished(arguments):
    """Run to the end; return the seconds that it took."""
    start = time.monotonic()
    child = started(arguments)
    _, err = child.communicate()
    if child.returncode:
        raise AssertionError(f"{arguments}: status {child.returncode}: {err.decode()}")
    return time.monotonic() - start


def attack(name, data, folder, expected, seconds, random, limit):
    """Kill a run at random moments, at most so many times, and let it end; return the kills by signal."""
    kills = Counter()
    arguments = command(name, data, folder)
    while kills.total() < limit:
        mode = "SIGKILL" if name in RUNS else str(random.choice(MODES))
        child = started(arguments)
        try:
            child.wait(timeout=random.uniform(0.3, 1.0) * seconds)
        except subprocess.TimeoutExpired:
            child.send_signal(getattr(signal, mode))
        _, err = child.communicate()
        if child.returncode == 0:
            break
        number = int(getattr(signal, mode))
        # Before it answers signals, one ends it as it ends any program; Python itself says so of Ctrl-C.
        if child.returncode not in (-number, 128 + number):
            raise AssertionError(f"{name}: status {child.returncode} after {mode}: {err.decode()}")
        kills[mode] += 1
    finished(arguments)
    found = files_of(folder)
    unfinished = [str(path) for path in folder.rglob("*.part")]
    if found != expected or unfinished:
        differ = sorted(path for path in {*found, *expected} if found.get(path) != expected.get(path))
        raise AssertionError(f"{name}: other bytes in {differ}, unfinished {unfinished}")
    return kills


def attacked(count, seed, names=NAMES, show=print):
    """Kill runs of all names in turn until there were `count` kills; return how many runs and kills there were."""
    random, kills, runs, expected = np.random.default_rng(seed), Counter(), 0, {}
    with tempfile.TemporaryDirectory(prefix="fastmlp-kills-") as place:
        data = Path(place, "data")
        data.mkdir()
        write_data(data)
        while kills.total() < count:
            name = names[runs % len(names)]
            if name not in expected:
                folder = Path(place, f"whole-{name}")
                folder.mkdir()
                seconds = finished(command(name, data, folder))
                expected[name] = files_of(folder), seconds
            folder = Path(place, f"killed-{runs}")
            folder.mkdir()
            found = attack(name, data, folder, *expected[name], random, min(12, count - kills.total()))
            runs, kills = runs + 1, kills + found
            show(f"run {runs}, {name}: killed {found.total()} times, the same bytes; {kills.total()} of {count} kills")
    return runs, kills


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.kills", description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=200, help="kills (200)")
    parser.add_argument("--seed", type=int, help="of the moments; default a new one")
    options = parser.parse_args()
    seed = int.from_bytes(os.urandom(4)) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    runs, kills = attacked(options.count, seed, show=lambda text: print(text, flush=True))
    by_signal = ", ".join(f"{number} {name}" for name, number in kills.items())
    print(f"seed {seed}: {runs} runs survived {kills.total()} kills ({by_signal}) with the same bytes")


if __name__ == "__main__":
    main()
