"""Damaged files of every kind: `python -m tests.hostile.files --count N --seed S`.

A good file of each kind (`good_files.KINDS`) is damaged, in its bytes or within its format, and read, in a process of
its own that may use so much memory and time and no more. What it may do is said in `good_files`; anything else is a
finding, of which the file is kept. A file is made again from the kind, the seed and its number.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import io
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from tests.hostile import good_files
from tests.hostile.attack import ROOT, SEARCH_PATH
from tests.hostile.good_files import KINDS
from tests.hostile.mutations import of_bytes

SECONDS = 5  # of the processor, for a file
MEMORY = 1 << 29  # bytes beyond those of a process that has read good files
AT_ONCE = 5000  # files of a process
WAIT = 300  # seconds without a file read, after which the process hangs
ENVIRONMENT = os.environ | {
    "PYTHONPATH": SEARCH_PATH,
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "MALLOC_ARENA_MAX"), "1"),
}
# what Python says of itself where code is run, or something else than the file is touched
FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "pickle.find_class", "socket.",
             "ctypes.dlopen", "os.symlink", "os.link", "os.kill")  # fmt: skip
CHANGES = ("os.chmod", "os.chown", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree")


def damaged(name, content, seed, number):
    """Return the content of a damaged file."""
    kind = KINDS[name]
    chance = random.Random(f"{name} {seed} {number}")
    if kind.is_within or (kind.within is not None and chance.random() < 0.65):
        return kind.within(content, chance)
    return of_bytes(content, chance)


def ending(name):
    return KINDS[name].ending


class Watch:
    """What Python reports of code that is run and files that are opened, while it looks."""

    def __init__(self, folder):
        self.own = (str(folder), tempfile.gettempdir(), os.devnull)
        self.looks, self.seen = False, []
        sys.addaudithook(self.hear)

    def hear(self, event, arguments):
        if not self.looks:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (flags or 0) & (os.O_WRONLY | os.O_RDWR)
            if writes and isinstance(path, (str, bytes)) and not self.is_own(os.fsdecode(path)):
                self.seen.append(f"opened {path!r} to write")
            elif isinstance(path, (str, bytes)) and os.fsdecode(path).startswith("/etc/"):
                self.seen.append(f"opened {path!r}")
        elif event == "exec":
            self.hear_code(arguments[0].co_filename)
        elif event in CHANGES:
            if isinstance(arguments[0], (str, bytes)) and not self.is_own(os.fsdecode(arguments[0])):
                self.seen.append(f"{event} {arguments!r:.200}")
        elif event.startswith(FORBIDDEN):
            self.seen.append(f"{event} {arguments!r:.200}")

    def is_own(self, path):
        """Whether a path is in folders for what is temporary; one without a folder is relative to one that is open."""
        return os.path.basename(path) == path or os.path.realpath(path).startswith(self.own)

    def hear_code(self, name):
        """Only modules that are imported late are run."""
        if not (os.path.isfile(name) or name.startswith("<frozen")):
            self.seen.append(f"ran {name}")


def attempt(name, path):
    """Read a file; return whether it was, and what is wrong, if anything."""
    kind = KINDS[name]
    try:
        found = kind.read(path)
    except ValueError as error:
        if type(error) is not ValueError:
            return "refused", f"{type(error).__name__} from reading, needs ValueError: {error}"
        if not kind.is_within and str(path) not in str(error):
            return "refused", f"ValueError that does not name the file: {error}"
        return "refused", None
    except BaseException as error:  # Rust's panics are none of Python's Exception
        return "refused", told("reading", error)
    try:
        kind.use(found)
    except BaseException as error:
        return "read", told("what was read", error)
    return "read", None


def told(what, error):
    if isinstance(error, KeyboardInterrupt):
        raise error
    places = traceback.extract_tb(error.__traceback__)
    last = next((place for place in reversed(places) if "/fastmlp/" in place.filename), places[-1])
    where = f"{Path(last.filename).name}:{last.lineno}"
    return f"{type(error).__name__} from {what} at {where}: {str(error)[:300]}"


def work(names, folder, seed, start, count):
    """Read files in this process, and print what came of each kind; `folder` has the good ones."""
    good_files.quiet()
    good_files.SCRATCH = str(folder / f"scratch-{os.getpid()}")
    Path(good_files.SCRATCH).mkdir()
    watch = Watch(folder)
    contents = {name: (folder / good_name(name)).read_bytes() for name in names}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for name in names:
            outcome = attempt(name, folder / good_name(name))
            assert outcome == ("read", None), (name, outcome)
    virtual = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (virtual + MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    faulthandler.register(signal.SIGPROF, chain=True)
    output, errors = sys.stdout, sys.stderr
    for name in names:
        outcomes, first = Counter(), start
        for number in range(start, start + count):
            tell(output, {"at": [name, number]})
            path = Path(good_files.SCRATCH, f"file{ending(name)}")
            path.write_bytes(damaged(name, contents[name], seed, number))
            sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            watch.looks = True
            outcome, wrong = attempt(name, path)
            watch.looks = False
            signal.setitimer(signal.ITIMER_PROF, 0)
            sys.stdout, sys.stderr = output, errors
            outcomes[outcome] += 1
            if watch.seen:
                wrong = f"{wrong or ''} {'; '.join(watch.seen)}".strip()
                watch.seen.clear()
            if wrong:
                tell(output, {"found": [name, number, wrong]})
            if number - first >= 99:
                tell(output, {"done": [name, dict(outcomes)]})
                outcomes, first = Counter(), number + 1
        tell(output, {"done": [name, dict(outcomes)]})


def tell(output, message):
    output.write(json.dumps(message) + "\n")
    output.flush()


def good_name(name):
    return f"{list(KINDS).index(name):02d}{ending(name)}"


def write_good(names, folder):
    """Write a good file of each kind."""
    good_files.quiet()
    good_files.SCRATCH = str(folder)
    for name in names:
        KINDS[name].write(folder / good_name(name))


class Attack:
    """Has files read by other processes; counts them, and keeps those of findings."""

    def __init__(self, folder, kept, seed, show):
        self.folder, self.kept, self.seed, self.show = folder, kept, seed, show
        self.counts, self.findings = {}, []

    def run(self, names, start, count):
        """Read so many files of each kind, in a new process after one that has ended."""
        waiting = [(name, start, count) for name in names]
        while waiting:
            if count > AT_ONCE:  # one kind at a time
                name, first, left = waiting.pop(0)
                reached = self.worker([name], first, min(AT_ONCE, left))
                done = min(AT_ONCE, left) if reached is None else reached[1] + 1 - first
                if left > done:
                    waiting.insert(0, (name, first + done, left - done))
            else:
                first, left = waiting[0][1:]
                together = [name for name, *rest in waiting if rest == [first, left]]
                reached = self.worker(together, first, left)
                waiting = [each for each in waiting if each[0] not in together]
                if reached is not None:
                    name, number = reached
                    later = [(other, start, count) for other in together[together.index(name) + 1 :]]
                    own = [(name, number + 1, first + left - number - 1)] if number + 1 < first + left else []
                    waiting = [*own, *later, *waiting]

    def worker(self, names, start, count):
        """Have a process read files; return where it died, or None."""
        chosen = [str(list(KINDS).index(name)) for name in names]
        arguments = [",".join(chosen), str(self.folder), str(self.seed), str(start), str(count)]
        with tempfile.TemporaryFile() as errors:
            child = subprocess.Popen(
                [sys.executable, "-m", "tests.hostile.files", "--worker", *arguments],
                stdout=subprocess.PIPE, stderr=errors, env=ENVIRONMENT, cwd=ROOT, text=True,
            )  # fmt: skip
            timer = Timer(child)
            place, since = None, Counter()
            for line in child.stdout:
                timer.begin()
                message = json.loads(line)
                if "at" in message:
                    place = message["at"]
                    since[place[0]] += 1
                elif "found" in message:
                    self.found(*message["found"])
                else:
                    name, outcomes = message["done"]
                    self.counts.setdefault(name, Counter()).update(outcomes)
                    since.pop(name, None)
            status = child.wait()
            timer.end()
            errors.seek(0)
            said = errors.read().decode(errors="replace")
        if status == 0:
            return None
        if place is None:
            raise RuntimeError(f"a process could not begin: status {status}: {said[-2000:]}")
        for name, number in since.items():
            self.counts.setdefault(name, Counter())["uncounted" if name != place[0] else "read or refused"] += number
        why = "hung" if timer.rang else signal.Signals(-status).name if status < 0 else f"status {status}"
        if why == "SIGPROF":
            why = f"took more than {SECONDS} s of the processor"
        self.found(*place, f"the process ended: {why}: {' '.join(said.split())[:600]}")
        return place

    def found(self, name, number, wrong):
        content = damaged(name, (self.folder / good_name(name)).read_bytes(), self.seed, number)
        self.kept.mkdir(parents=True, exist_ok=True)
        path = self.kept / f"{good_name(name).partition('.')[0]}-{self.seed}-{number}{ending(name)}"
        path.write_bytes(content)
        self.findings.append((name, number, wrong))
        self.show(f"FOUND {name}, seed {self.seed}, number {number}, {path}: {wrong}")


class Timer:
    """Ends a process that says nothing for a long time."""

    def __init__(self, child):
        import threading

        self.child, self.rang, self.last, self.ended = child, False, time.monotonic(), threading.Event()
        threading.Thread(target=self.watch, daemon=True).start()

    def begin(self):
        self.last = time.monotonic()

    def end(self):
        self.ended.set()

    def watch(self):
        while not self.ended.wait(5):
            if time.monotonic() - self.last > WAIT:
                self.rang = True
                self.child.kill()
                return


def attacked(count, seed, names=tuple(KINDS), kept=Path("findings"), start=0, show=print):
    """Read `count` files, as many of each kind; return the counts by kind, and the findings."""
    with tempfile.TemporaryDirectory(prefix="fastmlp-files-") as place:
        folder = Path(place)
        write_good(names, folder)
        attack = Attack(folder, kept, seed, show)
        attack.run(names, start, -(-count // len(names)))
        return attack.counts, attack.findings


def is_meant(part, name):
    """Whether a kind is chosen by its name, or by a part of it that is not the name of another."""
    return part == name or (part not in KINDS and part in name)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.files", description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help="files in all (10,000)")
    parser.add_argument("--seconds", type=float, help="goes on with other seeds for so long")
    parser.add_argument("--seed", type=int, help="of the damages; default a new one")
    parser.add_argument("--start", type=int, default=0, help="number of the first file of each kind (0)")
    parser.add_argument("--kind", action="append", help="its name, or a part of several; default all; may be repeated")
    parser.add_argument("--kept", type=Path, default=Path("findings"), help="folder for files of findings")
    parser.add_argument("--worker", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        chosen, folder, *numbers = options.worker
        names = [list(KINDS)[int(number)] for number in chosen.split(",")]
        work(names, Path(folder), *map(int, numbers))
        return 0
    names = [name for name in KINDS if not options.kind or any(is_meant(part, name) for part in options.kind)]
    if not names:
        parser.error(f"--kind: got {options.kind}, needs parts of: {', '.join(KINDS)}")
    seed = int.from_bytes(os.urandom(4)) if options.seed is None else options.seed
    counts, findings, begun = {}, [], time.monotonic()

    def show(text):
        print(text, flush=True)

    while True:
        show(f"seed {seed}")
        more, found = attacked(options.count, seed, names, options.kept, options.start, show)
        for name, outcomes in more.items():
            counts.setdefault(name, Counter()).update(outcomes)
        findings += [(seed, *each) for each in found]
        if options.seconds is None or time.monotonic() - begun > options.seconds:
            break
        seed += 1
    for name in names:
        outcomes = counts.get(name, Counter())
        show(
            f"{outcomes.total():8} {name}: {', '.join(f'{number} {what}' for what, number in sorted(outcomes.items()))}"
        )
    total = sum(outcomes.total() for outcomes in counts.values())
    show(f"{total:8} files of {len(names)} kinds, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
