"""Files damaged by what the library's code does with them: `python -m tests.hostile.fuzz_files --count N --seed S`.

atheris (`pip install atheris`) keeps those damaged files that reach new lines of fastmlp, and damages them further; the
damages, the readers and what they may do are those of `tests.hostile.files`. Each kind has a process of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.hostile import files, good_files
from tests.hostile.good_files import KINDS
from tests.hostile.mutations import of_bytes

SECONDS, MEGABYTES = 60, 4096  # of the processor with instrumented code, and in all


def fuzz(name, folder, kept, count, seed):
    """Read damaged files of a kind in this process, which ends."""
    with contextlib.redirect_stderr(io.StringIO()):
        import atheris

    good_files.quiet()
    good_files.SCRATCH = str(folder)
    good, path = folder / files.good_name(name), folder / f"file{files.ending(name)}"
    assert files.attempt(name, good) == ("read", None)
    with contextlib.redirect_stderr(io.StringIO()):
        for each in [each for key, each in sys.modules.items() if key.startswith("fastmlp.")]:
            instrument(atheris, each)
    kind, done = KINDS[name], 0

    def mutate(content, size, number):
        chance = random.Random(number)
        try:
            within = kind.within is not None and (kind.is_within or chance.random() < 0.65)
            found = kind.within(content, chance) if within else of_bytes(content, chance)
        except Exception:  # of what is so damaged that its format cannot be taken apart
            found = content if kind.is_within else of_bytes(content, chance)
        return content if kind.is_within and len(found) > size else found[:size]

    def read(content):
        nonlocal done
        done += 1
        path.write_bytes(content)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            _, wrong = files.attempt(name, path)
        if wrong and (content or not kind.is_within):  # atheris begins with nothing
            raise AssertionError(wrong)

    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "good").write_bytes(good.read_bytes())
    limits = [f"-timeout={SECONDS}", f"-rss_limit_mb={MEGABYTES}", f"-max_len={4 * good.stat().st_size + 4096}"]
    settings = [f"-runs={count}", f"-seed={seed % 2**31 + 1}", f"-artifact_prefix={kept}/{good.stem}-", "-verbosity=1"]
    atheris.Setup([sys.argv[0], *limits, *settings, str(corpus)], read, custom_mutator=mutate)
    atheris.Fuzz()


def instrument(atheris, module):
    """Have the functions of a module of Python, and of its classes, count the lines that they reach."""
    import types

    for holder in [module, *(each for each in vars(module).values() if isinstance(each, type))]:
        if getattr(holder, "__module__", module.__name__) != module.__name__:
            continue
        for value in list(vars(holder).values()):
            function = getattr(value, "__func__", getattr(value, "fget", value))
            if isinstance(function, types.FunctionType) and function.__module__ == module.__name__:
                atheris.instrument_func(function)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.fuzz_files", description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=1000, help="files of each kind (1,000)")
    parser.add_argument("--seed", type=int, help="of the damages; default a new one")
    parser.add_argument("--kind", action="append", help="its name, or a part of several; default all; may be repeated")
    parser.add_argument("--kept", type=Path, default=Path("findings"), help="folder for files of findings")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        import atheris  # noqa: F401
    except ImportError:
        parser.error("needs atheris: pip install atheris")
    names = [name for name in KINDS if not options.kind or any(files.is_meant(part, name) for part in options.kind)]
    if not names:
        parser.error(f"--kind: got {options.kind}, needs parts of: {', '.join(KINDS)}")
    seed = int.from_bytes(os.urandom(4)) if options.seed is None else options.seed
    kept = options.kept.resolve()
    if options.worker:
        number, folder = options.worker
        fuzz(list(KINDS)[int(number)], Path(folder), kept, options.count, seed)
        return 0
    kept.mkdir(parents=True, exist_ok=True)
    print(f"seed {seed}", flush=True)
    failed = 0
    for name in names:
        with tempfile.TemporaryDirectory(prefix="fastmlp-fuzz-") as folder:
            files.write_good([name], Path(folder))
            own = ["--worker", str(list(KINDS).index(name)), folder, "--kept", str(kept)]
            command = [sys.executable, "-m", "tests.hostile.fuzz_files", *own, "--count", str(options.count)]
            settings = {"env": files.ENVIRONMENT, "cwd": files.ROOT, "capture_output": True, "text": True}
            done = subprocess.run([*command, "--seed", str(seed)], errors="replace", **settings)
        said = [*done.stdout.splitlines(), *done.stderr.splitlines()]
        covered = next((line.split("cov: ")[1].split()[0] for line in reversed(said) if "cov: " in line), "?")
        what = "nothing found" if done.returncode == 0 else f"FOUND, status {done.returncode}: {reason(said)}"
        failed += done.returncode != 0
        print(f"{options.count:8} {name}: {covered} places of the code reached, {what}", flush=True)
    print(f"{options.count * len(names):8} files of {len(names)} kinds, {failed} findings, kept in {kept}", flush=True)
    return 1 if failed else 0


def reason(said):
    """Return what the lines of a process that ended tell of why."""
    wrong = [line for line in said if line.startswith("AssertionError: ")][:1]
    return " ".join(wrong or [line for line in said if "ERROR" in line] or said[-3:])[:600]


if __name__ == "__main__":
    sys.exit(main())
