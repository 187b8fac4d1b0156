"""The machine's peak: float32 multiply-adds in registers, on one thread and on several. Needs a C compiler."""

import ctypes
import os
import subprocess
import tempfile
import threading
import time
from pathlib import Path

VECTORS = (16, 32, 64)  # bytes; which is fastest depends on the CPU, so each is tried
SECONDS = 0.03  # of one measurement
REPEATS = 3


class Peak:
    """Kernels compiled for this machine, and the greatest rates they have reached.

    Attributes
    ----------
    found : dict
        For each number of threads the operations a second, two for each multiply-add.
    """

    def __init__(self):
        self.found = {}
        with tempfile.TemporaryDirectory() as folder:
            self.kernels = [compiled(size, folder) for size in VECTORS]

    def measure(self, threads):
        """Measure again on that many threads, and keep the greatest rate of all measurements."""
        rates = [self.rate(kernel, threads) for kernel in self.kernels for _ in range(REPEATS)]
        self.found[threads] = max(*rates, self.found.get(threads, 0.0))
        return self.found[threads]

    def rate(self, kernel, threads):
        """Operations a second of all threads together, while all of them run."""
        steps = 1000
        while timed(kernel, steps) < SECONDS / 4:
            steps *= 4
        barrier, spans = threading.Barrier(threads), []

        def work():
            barrier.wait()
            start = time.perf_counter()
            kernel.multiply_add(steps, 0.5, 1.0)  # ctypes lets the other threads run meanwhile
            spans.append((start, time.perf_counter()))

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        span = max(end for _, end in spans) - min(start for start, _ in spans)
        return 2 * kernel.lanes() * steps * threads / span


def compiled(size, folder):
    """The kernel for vectors of so many bytes."""
    library = Path(folder) / f"peak{size}.so"
    source = Path(__file__).with_suffix(".c")
    compiler = os.environ.get("CC", "cc").split()
    flags = ["-O3", "-march=native", f"-DBYTES={size}", "-shared", "-fPIC", "-Wno-psabi"]
    subprocess.run([*compiler, *flags, *wide(compiler, folder), str(source), "-o", str(library)], check=True)
    kernel = ctypes.CDLL(str(library))
    kernel.multiply_add.argtypes = (ctypes.c_long, ctypes.c_float, ctypes.c_float)
    kernel.multiply_add.restype = ctypes.c_float
    return kernel


def wide(compiler, folder):
    """The flag without which some compilers split a vector of 64 bytes, where the compiler knows it."""
    flag = "-mprefer-vector-width=512"
    command = [*compiler, flag, "-x", "c", "-c", os.devnull, "-o", str(Path(folder) / "probe.o")]
    return [flag] if subprocess.run(command, capture_output=True).returncode == 0 else []


def timed(kernel, steps):
    start = time.perf_counter()
    kernel.multiply_add(steps, 0.5, 1.0)
    return time.perf_counter() - start
