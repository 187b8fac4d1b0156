"""Hostile arguments for every public entry: `python -m tests.hostile.arguments --count N --seed S`.

Each call starts from right arguments and replaces one or some of them by what `tests/hostile/values.py` has. It must
return what is right, or raise an error of the library's own: a ValueError or TypeError that names an argument, or one
that the list `DOCUMENTED` has. It must not crash, hang, take much memory, or change the caller's arrays. A right value
in another form, such as an array in the other byte order, must give the result that it gives in its plain form, to the
bit.

The calls run in processes of their own. A finding is printed with the entry, the seed and the call; `--entry NAME
--seed S --count 25` repeats its block of calls.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import copy
import json
import os
import re
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from pathlib import Path

import numpy as np

from tests.hostile import attack

BLOCK = 25  # calls of one entry, one after another
SECONDS = 10.0  # that a call may take
PATIENCE = 90.0  # until a process that says nothing hangs
MEMORY = 3 << 30  # bytes of address space that a process may take beyond what it begins with
GROWTH = 600 << 20  # bytes that one call may take
WORK = """
    epochs max_iter max_fun steps steps_per_epoch validation_steps n_estimators seconds tune seed
    x X y data dataset generator validation_data
"""
# Who asks for work gets it: a call with one of these replaced may go on until it is stopped.
ASKS_FOR_WORK = set(WORK.split())
PATHS = re.compile(r"path|file|dir|source|folder")
DIALECT = re.compile(r"\bgot\b.*\bneeds?\b|\bneeds\b|\bmust\b|\bgot\b", re.DOTALL)
SIGNATURE = re.compile(
    r"missing \d+ required|unexpected keyword argument|positional arguments? but|multiple values for|"
    r"takes no arguments|missing a required argument|too many positional"
)


BUILT_IN = (type, type(len))


def new_peak():
    """Let the peak of memory begin at what is resident now, which is returned in bytes; an older one would hide it."""
    with contextlib.suppress(OSError):  # another system
        Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak():
    """The most memory that was resident, in bytes."""
    try:
        return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) << 10
    except (OSError, TypeError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


class Late(BaseException):
    """A call takes too long."""


def in_library(frame_file):
    return f"{os.sep}fastmlp{os.sep}" in frame_file or frame_file.startswith("fastmlp/")


def frames_of(error):
    return [frame.filename for frame in traceback.extract_tb(error.__traceback__)]


def caused_by(error, kind):
    """Whether an error, or one that it comes from, is of a kind."""
    seen = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, kind):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def judge(error, entry, replaced):
    """Return None for an error that is right, or in a word what is wrong with it."""
    from tests.hostile.values import Liar, Own

    if isinstance(error, Own) or frames_of(error)[-1].endswith(("hostile/entries.py", "hostile/values.py")):
        return None  # of the caller's own code
    name, text, files = type(error).__name__, str(error), frames_of(error)
    of_sklearn = entry.name.startswith("fastmlp.sklearn") or entry.name.startswith("fastmlp.MLP")
    if isinstance(error, ExceptionGroup):  # documented: of several models at once
        return next(filter(None, (judge(one, entry, replaced) for one in error.exceptions)), None)
    if isinstance(error, Late):
        return None if ASKS_FOR_WORK & set(replaced) else "hangs"
    if isinstance(error, OSError) and any(PATHS.search(one) or one == "name_or_folder" for one in replaced):
        return None  # of a path, by its own name
    if type(error) is ConnectionError and "load" in entry.name:
        return None  # documented: data that are neither here nor to be had
    if type(error) is ImportError and "pip install" in text:
        return None
    if type(error) is RuntimeError and re.search(r"needs? compile|compile\(|call of compile|compiled", text):
        return None
    if type(error) is AttributeError and "getattr" in text:
        return None
    if (
        of_sklearn
        and isinstance(error, (ValueError, TypeError))
        and any("sklearn" in one and "site-packages" in one for one in files)
    ):
        return None  # scikit-learn's own checks of estimators' data, whose words its users know
    if isinstance(error, MemoryError) and "cannot make its" in text:
        return None  # documented: weights that are too large
    if type(error) not in (ValueError, TypeError):
        return name
    if SIGNATURE.search(text):
        return None
    if isinstance(error, (ValueError, TypeError)) and any(isinstance(value, BUILT_IN) for value in replaced.values()):
        return None  # of a function that the caller has given, which is not for this
    if type(error) in (ValueError, TypeError) and any(isinstance(value, Liar) for value in replaced.values()):
        return None  # in Python's or NumPy's words, which name the class: an object whose methods lie is no array
    if re.search("Expected 2D array|Found array with 0 sample|0 feature", text):
        return None  # scikit-learn's words, which its checks ask for
    if not files or not in_library(files[-1]):
        return f"{name} of {Path(files[-1]).name}"
    names = {one.removesuffix("s") for one in (*entry.parameters, *replaced)}
    if ": got" in text or (DIALECT.search(text) and any(one in text for one in names)):
        return None
    return f"{name} that names nothing"


def address_space():
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def arrays_in(value, depth=3):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (list, tuple)) and depth:
        for item in value[:20]:
            yield from arrays_in(item, depth - 1)
    elif isinstance(value, dict) and depth:
        for item in list(value.values())[:20]:
            yield from arrays_in(item, depth - 1)


def content(array):
    plain = np.asarray(array)
    if plain.nbytes > 1 << 20 or plain.size > 1 << 20 or plain.dtype.hasobject:
        return None
    return plain.tobytes()


def numbers_in(result):
    """The numbers of a result, for a comparison: None where it is something else."""
    if isinstance(result, np.ndarray):
        plain = np.asarray(result)
        native = plain.dtype.newbyteorder("=")
        return (plain.shape, native.str, plain.astype(native).tobytes()) if plain.dtype.kind in "fiub" else None
    if isinstance(result, (float, np.floating)):
        return float(result).hex()
    if isinstance(result, (list, tuple)):
        return [numbers_in(item) for item in result]
    if isinstance(result, dict):
        return {str(key): numbers_in(item) for key, item in result.items()}
    return None


class Calls:
    """Makes calls of entries, and says what is wrong with what they do."""

    def __init__(self, tell=lambda text: None):
        from fastmlp import kernels
        from tests.hostile.entries import entries

        self.entries = {entry.name: entry for entry in entries()}
        self.tell, self.expected = tell, {}
        self.isa = kernels.isa.name()
        self.findings, self.counts = [], collections.Counter()

    def restore(self):
        """Take back what calls may have set for the process."""
        import fastmlp
        from fastmlp import kernels

        fastmlp.config.set_floatx("float32")
        fastmlp.set_num_threads(None)
        kernels.isa.select(self.isa)

    def plain_result(self, entry):
        """What the right arguments give, None where it is not the same each time."""
        if entry.name not in self.expected:
            found = []
            for _ in range(2):
                try:
                    found.append(numbers_in(entry.call(**entry.make())))
                except Exception:
                    found.append(None)
                self.restore()
            self.expected[entry.name] = found[0] if found[0] == found[1] else None
        return self.expected[entry.name]

    def attempt(self, entry, arguments, replaced, same):
        """Make one call; return None, or (kind, words)."""
        held = [(name, array, content(array)) for name in arguments if name not in entry.written
                for array in arrays_in(arguments[name])]  # fmt: skip
        before, began = new_peak(), time.monotonic()
        wrong, result, failed = None, None, False
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            result = entry.call(**arguments)
            signal.setitimer(signal.ITIMER_REAL, 0)
            self.counts["returned"] += 1
        except BaseException as error:
            signal.setitimer(signal.ITIMER_REAL, 0)
            failed = True
            if isinstance(error, (SystemExit, KeyboardInterrupt)):
                raise
            kind = judge(error, entry, {one: arguments[one] for one in replaced})
            self.counts["stopped" if isinstance(error, Late) else "refused"] += 1
            if kind is not None:
                where = [
                    f"{Path(f.filename).name}:{f.lineno}"
                    for f in traceback.extract_tb(error.__traceback__)
                    if in_library(f.filename)
                ]
                wrong = kind, f"{type(error).__name__}: {str(error)[:200]!r} at {' '.join(where[-2:])}"
        took = time.monotonic() - began
        self.restore()
        if wrong is None and took > 2 * SECONDS and not ASKS_FOR_WORK & set(replaced):
            wrong = "slow", f"{took:.0f} s"
        grown = peak() - before
        if wrong is None and grown > GROWTH:
            wrong = "memory", f"{grown >> 20} MB"
        changed = [
            name for name, array, bytes_before in held if bytes_before is not None and content(array) != bytes_before
        ]
        if wrong is None and changed:
            wrong = "changes its arguments", ", ".join(changed)
        if wrong is None and same and not failed:
            expected = self.plain_result(entry)
            if expected is not None and numbers_in(result) != expected:
                wrong = "another result", f"{numbers_in(result)!r:.100} and not {expected!r:.100}"
        return wrong

    def block(self, name, seed, count=BLOCK):
        """Make the calls of a seed for an entry."""
        from hypothesis import HealthCheck, Phase, given, settings
        from hypothesis import seed as with_seed
        from hypothesis import strategies as st

        from tests.hostile.values import Generator, Same, hostile, short

        entry = self.entries[name]
        number = 0

        @with_seed((seed << 32) + zlib.crc32(name.encode()))
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(st.data())
        def calls(data):
            nonlocal number
            right = entry.make()
            most = min(3, len(entry.parameters))
            chosen = data.draw(st.lists(st.sampled_from(sorted(entry.parameters)), min_size=1,
                                        max_size=data.draw(st.sampled_from([1, 1, 1, most])), unique=True))  # fmt: skip
            bad = {one: data.draw(hostile(right.get(one))) for one in chosen}
            words = ", ".join(f"{one}={short(value)}" for one, value in bad.items())
            number += 1
            self.tell(f"{name} seed {seed} call {number}: {words}")
            same = all(isinstance(value, Same) for value in bad.values())
            values = {one: value.value if isinstance(value, Same) else value for one, value in bad.items()}
            values = {
                one: (item for item in value.items) if isinstance(value, Generator) else value
                for one, value in values.items()
            }
            values = {one: copied(value) for one, value in values.items()}
            wrong = self.attempt(entry, {**right, **values}, chosen, same)
            self.counts["calls"] += 1
            if wrong is not None:
                self.findings.append({"entry": name, "seed": seed, "kind": wrong[0], "what": wrong[1], "call": words})

        calls()


def copied(value):
    """Lists and dictionaries of the strategies are used again: a call gets its own."""
    if type(value) in (list, dict):
        try:
            return copy.copy(value)
        except Exception:
            return value
    return value


def prepare(memory=True):
    """Make this process one in which calls may do what they like."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    from fastmlp.datasets import _fetch, california_housing, fashion_mnist, mnist

    def not_to_be_had(*args, **kwargs):
        raise ConnectionError("there is no network here")

    for module in (_fetch, california_housing, fashion_mnist, mnist):
        module.fetch = not_to_be_had

    def late(*args):
        raise Late

    signal.signal(signal.SIGALRM, late)
    os.chdir(tempfile.mkdtemp(prefix="hostile-"))
    if memory:
        limit = address_space() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def work():
    """The child: read "seed count entry" line by line, answer each with JSON; the call at work is in a file."""
    answers, last = os.fdopen(os.dup(1), "w"), os.open(os.environ["HOSTILE_LAST"], os.O_RDWR | os.O_CREAT)
    lines = os.fdopen(os.dup(0))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(nowhere, number)
    import tests.hostile.entries  # noqa: F401

    prepare()
    folder = os.getcwd()

    def tell(text):
        os.pwrite(last, text.encode("utf-8", "backslashreplace")[:2000].ljust(2000), 0)

    calls = Calls(tell)
    print(
        json.dumps({"entries": {name: entry.kind for name, entry in calls.entries.items()}}), file=answers, flush=True
    )
    for line in lines:
        seed, count, name = line.rstrip("\n").split(" ", 2)
        calls.findings, calls.counts = [], collections.Counter()
        calls.block(name, int(seed), int(count))
        os.chdir(folder)
        print(json.dumps({"findings": calls.findings, "counts": calls.counts}), file=answers, flush=True)


class Child:
    """A process that makes calls."""

    def __init__(self):
        self.last = Path(tempfile.mkstemp()[1])
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.hostile.arguments", "--work"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            env={**os.environ, "HOSTILE_LAST": str(self.last), "PYTHONFAULTHANDLER": "1"}, text=True,
        )  # fmt: skip
        first = self.answer(4 * PATIENCE)
        if first is None:
            raise RuntimeError("; ".join(self.end()))
        self.entries = first["entries"]

    def answer(self, patience=PATIENCE):
        """The next line of JSON, None where the process is dead or hangs."""
        ready, _, _ = select.select([self.process.stdout], [], [], patience)
        line = self.process.stdout.readline() if ready else ""
        return json.loads(line) if line else None

    def block(self, name, seed, count):
        self.process.stdin.write(f"{seed} {count} {name}\n")
        self.process.stdin.flush()
        return self.answer()

    def end(self):
        """End the process; return what it was at, and how it ended."""
        hung = self.process.poll() is None
        if hung:
            self.process.kill()
        status = self.process.wait()
        words = self.last.read_text(errors="replace").strip()
        self.last.unlink()
        self.errors.seek(0)
        tail = self.errors.read()[-1500:].decode(errors="replace")
        return words, "does not answer" if hung else f"ended with {status}", tail


def main(arguments=None):
    parser = attack.parser("tests.hostile.arguments", __doc__, 25_000, "calls, of all entries by turns")
    parser.add_argument("--entry", help="only those whose name contains it")
    parser.add_argument("--but", help="none whose name contains it")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    if parser.parse_args(arguments).work:
        work()
        return 0
    options, begun = attack.given(parser, arguments), time.monotonic()

    def is_over():
        late = options.seconds is not None and time.monotonic() - begun > options.seconds
        return late or done >= options.count

    child, done, kinds, totals, seen = Child(), 0, collections.Counter(), collections.Counter(), {}
    names = [
        name for name in child.entries if (options.entry or "") in name and not (options.but and options.but in name)
    ]
    if not names:
        child.end()
        parser.error(f"--entry: got {options.entry!r} and --but {options.but!r}, which leave nothing to call")
    entries = dict(child.entries)
    seed = options.seed
    print(f"{len(names)} entries", flush=True)
    blocks = 0
    while not is_over():
        for name in names:
            if is_over():
                break
            found = child.block(name, seed, min(BLOCK, options.count - done))
            blocks += 1
            if found is None:
                words, how, tail = child.end()
                found = {
                    "findings": [
                        {"entry": name, "seed": seed, "kind": how, "what": tail.strip()[-600:], "call": words}
                    ],
                    "counts": {"calls": BLOCK},
                }
                child = Child()
            elif blocks % 400 == 0:
                child.end()
                child = Child()
            done += max(1, found["counts"].get("calls", 0))
            kinds[entries[name]] += found["counts"].get("calls", 0)
            totals.update(found["counts"])
            for one in found["findings"]:
                key = one["kind"], one["what"].rpartition(" at ")[2][-60:]
                seen[key] = seen.get(key, 0) + 1
                if seen[key] == 1:
                    print(
                        f"{one['entry']}: {one['kind']}: {one['what']}\n    seed {one['seed']}: {one['call']}",
                        flush=True,
                    )
        seed += 1
        if len(names) > 100:
            print(f"until seed {seed - 1}: {done} calls, {sum(seen.values())} findings", flush=True)
    child.end()
    print(f"seeds {options.seed} to {seed - 1}: {done} calls of {len(names)} entries")
    for name, count in sorted(kinds.items()):
        print(f"  {count:8} {name}")
    print(
        f"  {totals['returned']:8} returned, {totals['refused']} refused, {totals['stopped']} stopped after long work"
    )
    print(f"  {sum(seen.values()):8} findings, of {len(seen)} kinds")
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main())
