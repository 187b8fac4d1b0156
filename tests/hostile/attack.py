"""What the attacks share: cases by number, tried in child processes and counted; a finding names what repeats it.

A case is a function of its number alone that returns counts by name, or raises. The child says which case it begins, so
that one which crashes it, or never ends, is known. `--count 1 --seed N` repeats case N.
"""

from __future__ import annotations

import argparse
import collections
import faulthandler
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SEARCH_PATH = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))  # of child processes
LIMIT = 900  # seconds, after which a case is one that never ends
AT_ONCE = 1000  # cases of one child, at most
SHOWN = 40  # lines of what a child says of a finding
MARK = "\x1e"  # begins the lines that are for the parent

Check = Callable[[int], Mapping[str, int]]


def parser(name: str, about: str | None, count: int, what: str) -> argparse.ArgumentParser:
    """Return the parser of an attack's command line."""
    made = argparse.ArgumentParser(prog=f"python -m {name}", description=(about or "").partition("\n")[0])
    made.add_argument("--count", type=int, help=f"{what} ({count}, or what --seconds allow)")
    made.add_argument("--seconds", type=float, help="begin no other one after so many seconds")
    made.add_argument("--seed", type=int, help="number of the first one; default a new one, which is printed")
    made.set_defaults(default_count=count)
    return made


def given(made: argparse.ArgumentParser, arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options with a seed, and print that."""
    options = made.parse_args(arguments)
    if options.seed is None:
        options.seed = int.from_bytes(os.urandom(4))
    if options.count is None:
        options.count = options.default_count if options.seconds is None else sys.maxsize
    print(f"seed {options.seed}", flush=True)
    return options


def main(name: str, about: str | None, check: Check, count: int, what: str, arguments: list[str] | None = None) -> int:
    """Run the command of an attack: return 1 where there were findings.

    Parameters
    ----------
    name : str
        Of its module, which the children run.
    about : str
        Its docstring.
    check : function
        Of the number of a case.
    count : int
        Cases, unless told.
    what : str
        What a case is, in the plural.
    """
    made = parser(name, about, count, what)
    made.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    if "--child" in (sys.argv[1:] if arguments is None else arguments):
        return tried(made.parse_args(arguments), check)
    options = given(made, arguments)
    started, counts, findings = time.monotonic(), collections.Counter[str](), 0
    begun, end = [options.seed], options.seed + options.count
    try:
        while begun[-1] < end:
            left = None if options.seconds is None else options.seconds - (time.monotonic() - started)
            if left is not None and left <= 0:
                break
            first = begun[-1]
            problem = run_child(name, first, min(AT_ONCE, end - first), left, counts, begun)
            if problem:
                findings += 1
                print(f"{problem}\n  repeat: python -m {name} --count 1 --seed {begun[-1] - 1}", flush=True)
            elif begun[-1] == first:
                break
    except KeyboardInterrupt:  # what was tried so far counts
        begun[-1] = max(begun[-1] - 1, options.seed)
    seconds = time.monotonic() - started
    print(f"seeds {options.seed} to {begun[-1] - 1}: {begun[-1] - options.seed} {what} in {seconds:.0f} s")
    for kind, number in sorted(counts.items()):
        print(f"  {number:8} {kind}")
    print(f"  {findings:8} findings")
    return 1 if findings else 0


def tried(options: argparse.Namespace, check: Check) -> int:
    """Try cases in this process, and tell the parent of each."""
    faulthandler.enable(all_threads=True)
    started = time.monotonic()
    for number in range(options.seed, options.seed + options.count):
        if options.seconds is not None and time.monotonic() - started > options.seconds:
            break
        tell(begun=number)
        faulthandler.dump_traceback_later(LIMIT, exit=True)
        try:
            counts = check(number)
        except BaseException:
            tell(problem=traceback.format_exc())
            return 1
        faulthandler.cancel_dump_traceback_later()
        tell(counts=dict(counts))
    tell(ended=True)
    return 0


def tell(**what: Any) -> None:
    print(MARK + json.dumps(what), flush=True)


def run_child(
    name: str, first: int, count: int, seconds: float | None, counts: collections.Counter[str], begun: list[int]
) -> str:
    """Let a child try cases; return what became of the last one, or "" where that has passed.

    `counts` adds up those of the cases that passed, and `begun` ends with the number of the case after the last one.
    """
    options = ["--child", "--seed", str(first), "--count", str(count)]
    if seconds is not None:
        options += ["--seconds", str(seconds)]
    told, ended = "", False
    # What a child reads before it has written it is not 0, and not the same twice.
    environment = os.environ | {"PYTHONPATH": SEARCH_PATH, "MALLOC_PERTURB_": str(1 + first % 255)}
    with tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen([sys.executable, "-m", name, *options], stdout=subprocess.PIPE, stderr=errors,
                                 text=True, env=environment, cwd=ROOT)  # fmt: skip
        assert child.stdout is not None
        with child.stdout:
            for line in child.stdout:
                if not line.startswith(MARK):
                    continue
                found = json.loads(line[1:])
                if "begun" in found:
                    begun.append(found["begun"] + 1)
                counts.update(found.get("counts", {}))
                told, ended = found.get("problem", told), ended or "ended" in found
        status = child.wait()
        errors.seek(0)
        said = told or errors.read()
    if ended and status == 0:
        return ""
    if begun[-1] == first:  # not one: it is the first that fails
        begun.append(first + 1)
    lines = said.rstrip().splitlines()
    shown = [*lines[: SHOWN // 2], "...", *lines[-SHOWN // 2 :]] if len(lines) > SHOWN else lines
    return "\n".join([f"case {begun[-1] - 1}: {end_of(status)}", *shown])


def end_of(status: int) -> str:
    """Return in words how a child ended."""
    if status < 0:
        return f"ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"
