"""A contender in a process of its own, which does what it is asked to on a line of its input."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from bench import SLOWING
from bench.jobs import CONTENDERS

ROOT = Path(__file__).resolve().parent.parent
LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")  # NPROC is XLA's
OVERRIDES = (*SLOWING, "FASTMLP_NUM_THREADS", "FASTMLP_SKIP_ZEROS")


class Contender:
    """A process that does one job.

    Parameters
    ----------
    name : str
        One of CONTENDERS.
    python : str
        Its interpreter.
    folder : str
        Where the job is saved.
    threads : int
    checkout : path-like, optional
        Where another build of fastmlp is, which takes the place of this one.

    Attributes
    ----------
    name, version : str
    problem : str
        Why there are no figures; empty when all is well.
    checked : float
        The accuracy, or the greatest error, of its first run.
    seconds : list of float
        Of the runs after that, one for each round.
    """

    def __init__(self, name, python, folder, threads, checkout=None):
        self.name, self.version, self.problem, self.checked, self.seconds = name, "", "", None, []
        program = CONTENDERS[name]
        options, path = ([], {}) if checkout is None else elsewhere(checkout, folder)
        self.messages = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self.process = subprocess.Popen(
            [python, *options, "-m", "bench.contenders", program.module, folder, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.messages, cwd=ROOT,
            env={**environment(threads), **program.environment, **path}, text=True,
        )  # fmt: skip

    def start(self):
        """Wait until it is ready, and let it run once, which warms up and is what is checked."""
        self.version = self.answer().get("version", "")
        if not self.problem:
            self.checked = self.ask("check").get("check")

    def run(self, what="time"):
        """Take a turn, unless there is a problem; "least" notes the least time of it instead of the median."""
        if not self.problem:
            seconds = self.ask(what).get("seconds")
            self.seconds += [seconds] if seconds is not None else []

    def ask(self, what):
        try:
            self.process.stdin.write(f"{what}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended, which the missing answer tells
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        given = json.loads(line) if line else {"problem": self.ending()}
        self.problem = given.get("problem", "")
        return given

    def ending(self):
        """How it ended, with the last line of its messages."""
        status = self.process.wait()
        self.messages.seek(0)
        return f"ended with status {status}: {(self.messages.read().strip() or 'without a word').splitlines()[-1]}"

    def stop(self):
        try:
            self.process.communicate()  # the end of its input ends it
        except BrokenPipeError:
            self.process.wait()
        self.messages.close()


def environment(threads):
    """This process' environment with that many threads, and without what slows a library down on purpose."""
    kept = {name: value for name, value in os.environ.items() if name not in OVERRIDES}
    return {**kept, **dict.fromkeys(LIMITS, str(threads))}


def elsewhere(checkout, folder):
    """Options of an interpreter and variables with which `bench` is this checkout's and `fastmlp` the other's."""
    place = Path(tempfile.mkdtemp(dir=folder))
    (place / "fastmlp").symlink_to(Path(checkout).resolve() / "fastmlp")
    inherited = filter(None, [os.environ.get("PYTHONPATH")])
    return ["-P"], {"PYTHONPATH": os.pathsep.join([str(place), str(ROOT), *inherited])}
