"""Tests on builds that check themselves: `python -m tests.sanitizers address`, `threads` or `bounds`.

The sources are copied to a folder of their own, `build/sanitized/NAME`, and built there. What follows the name goes to
pytest, in place of the rooms below; or is an attack with its options, as `threads tests.hostile.networks --count 1000`.
It takes GCC on Linux.

- `address`: AddressSanitizer and UndefinedBehaviorSanitizer. Memory of the engine ends where it is asked for to end, as
  `tight.py` has it, and Python's own comes from malloc. Leaks are not looked for, as CPython leaves much to the system
  when it ends.
- `threads`: ThreadSanitizer, which `openmp.c` tells how OpenMP begins and ends a parallel region. Polars is
  not to be found there, as it crashes when it is imported.
- `bounds`: Cython's own checks of indices, and of views that are not there.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMPILER = shlex.split(os.environ.get("CC", "gcc"))
HERE = "tests/sanitizers"
MARKS = ("ERROR: ", "runtime error: ", "WARNING: ThreadSanitizer: ")  # memory that was not to be had is no finding


@dataclass(frozen=True)
class Kind:
    rooms: str  # of tests that run
    setting: tuple[str, str]  # of setup.py
    library: str = ""  # the compiler's, which is loaded before all others
    options: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()  # of pytest
    hidden: tuple[str, ...] = ()  # packages that are not to be found


KINDS = {
    "address": Kind(
        "sanitizers kernels training models layers optimizers hostile",
        ("FASTMLP_SANITIZE", "address,undefined,float-cast-overflow"),
        "libasan.so",
        {"ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1", "UBSAN_OPTIONS": "print_stacktrace=1"},
        ("-p", "tests.sanitizers.tight"),
    ),
    "threads": Kind(
        "sanitizers kernels training hostile",
        ("FASTMLP_SANITIZE", "thread"),
        "libtsan.so",
        {"TSAN_OPTIONS": "die_after_fork=0:report_signal_unsafe=0"},
        ("-m", "not slow", "--ignore=tests/hostile/test_arguments.py"),
        ("polars",),
    ),
    "bounds": Kind("", ("FASTMLP_DEBUG", "1")),
}


def run(*command: str | Path, **settings) -> str:
    """Return what a command prints where that is captured; an error where it fails."""
    return subprocess.run(command, check=True, text=True, **settings).stdout


def copy_sources(folder: Path) -> None:
    """Make a folder's files those of the checkout that are not ignored, and leave alone what has not changed."""
    listing = run("git", "ls-files", "-coz", "--exclude-standard", cwd=ROOT, stdout=subprocess.PIPE)
    names = {name for name in listing.split("\0") if name and (ROOT / name).is_file()}
    for name in names:
        source, copy = ROOT / name, folder / name
        if not copy.exists() or copy.stat().st_mtime != source.stat().st_mtime:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
    for room in ("fastmlp", "reference", "tests"):
        for copy in (folder / room).rglob("*.py*"):
            if copy.suffix in (".py", ".pyx", ".pxd") and copy.relative_to(folder).as_posix() not in names:
                copy.unlink()


def library(name: str) -> str:
    """Return the path of one of the compiler's libraries."""
    return os.path.realpath(run(*COMPILER, f"-print-file-name={name}", stdout=subprocess.PIPE).strip())


def preloaded(folder: Path, kind: Kind) -> list[str]:
    """Return the libraries to be loaded first: the sanitizer's, and C++'s, with which other packages can throw."""
    libraries = [library(kind.library), library("libstdc++.so.6")]
    if kind.library == "libtsan.so":
        told = folder / "build" / "openmp.so"
        flags = ["-shared", "-fPIC", "-O1", "-Wl,--no-as-needed", "-lgomp", "-o", told]
        run(*COMPILER, f"{HERE}/openmp.c", *flags, cwd=folder)
        libraries.append(str(told))
    return libraries


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sanitizers", description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=KINDS)
    parser.add_argument("tests", nargs=argparse.REMAINDER, help="tests to run, and options of pytest; or an attack")
    given = parser.parse_args(arguments)
    kind, folder = KINDS[given.name], ROOT / "build" / "sanitized" / given.name
    hiding = folder / "build" / "hiding"
    environment = os.environ | dict([kind.setting]) | {"PYTHONPATH": f"{hiding}{os.pathsep}{folder}"}

    copy_sources(folder)
    run(sys.executable, "setup.py", "-q", "build_ext", "--inplace", cwd=folder, env=environment)
    findings = folder / "build" / "findings"
    shutil.rmtree(findings, ignore_errors=True)
    findings.mkdir()
    hiding.mkdir(exist_ok=True)
    for name in kind.hidden:
        (hiding / f"{name}.py").write_text(f'raise ModuleNotFoundError("{name} is hidden", name="{name}")\n')

    tests = given.tests or [f"tests/{room}" for room in kind.rooms.split()] or ["tests"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:faulthandler", *kind.arguments, *tests]
    if tests[0].startswith("tests.hostile."):
        command = [sys.executable, "-m", *tests]
    if kind.library:
        environment |= {name: f"{options}:log_path={findings}/log" for name, options in kind.options.items()}
        environment |= {"LD_PRELOAD": " ".join(preloaded(folder, kind)), "PYTHONMALLOC": "malloc"}
    if kind.library == "libtsan.so" and shutil.which("setarch"):  # it wants its own places in memory
        command = ["setarch", platform.machine(), "-R", *command]
    status = subprocess.run(command, cwd=folder, env=environment).returncode
    reports = [text for text in map(Path.read_text, sorted(findings.iterdir())) if any(mark in text for mark in MARKS)]
    print(*reports, sep="\n")
    print(f"{given.name}: the run ends with status {status}, {len(reports)} processes with findings")
    return 1 if status or reports else 0


if __name__ == "__main__":
    raise SystemExit(main())
