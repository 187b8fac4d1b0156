"""What the machine can do at most, on one thread and on several. Needs a C compiler.

float32 multiply-adds in registers, square roots with divisions, reading, and handing numbers from thread to thread.
"""

import ctypes
import os
import subprocess
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np

VECTORS = (16, 32, 64)  # bytes; which is fastest depends on the CPU, so each is tried
SECONDS = 0.01  # of one measurement, short enough to be free of other work now and then
REPEATS = 9
ALIGNED = 64  # bytes of a line of the cache


class Peak:
    """Kernels compiled for this machine, and the greatest rates they have reached.

    Attributes
    ----------
    found : dict
        For each number of threads the operations a second, two for each multiply-add.
    best : ctypes.CDLL
        The kernels with the vectors that were fastest in the last measurement, which has to come first.
    """

    def __init__(self):
        self.found, self.best = {}, None
        with tempfile.TemporaryDirectory() as folder:
            self.kernels = [compiled(size, folder) for size in VECTORS]

    def measure(self, threads):
        """Measure again on that many threads, and keep the greatest rate of all measurements."""
        rates = {
            kernel: max(2 * rate(kernel, kernel.multiply_add, threads) for _ in range(REPEATS))
            for kernel in self.kernels
        }
        self.best = max(rates, key=rates.get)
        self.found[threads] = max(rates[self.best], self.found.get(threads, 0.0))
        return self.found[threads]

    def roots(self, threads):
        """Square roots a second of all threads together, each followed by a division."""
        return max(rate(self.best, self.best.root_divide, threads) for _ in range(REPEATS))

    def bandwidth(self, size, threads):
        """Bytes a second that all threads together read, each again and again its part of so many bytes."""
        kernel, count = self.best, self.whole(size // threads)
        arrays = [aligned_zeros(count) for _ in range(threads)]
        pointers, times = [array.ctypes.data for array in arrays], 1
        while together([partial(kernel.read_all, pointers[0], count, times)]) < SECONDS / 4:
            times *= 4
        calls = [partial(kernel.read_all, pointer, count, times) for pointer in pointers]
        return max(4 * count * times * threads / together(calls) for _ in range(REPEATS))

    def exchange(self, size):
        """Seconds that it takes longer to read so many bytes when another thread has written them."""
        kernel, count = self.best, self.whole(size)
        array, turn = aligned_zeros(count), ctypes.c_long()
        times = max(10, int(SECONDS / 4e-10 / size))
        found, own = [], []
        for _ in range(REPEATS):
            turn.value = 0
            given = (array.ctypes.data, count, times)
            two = [partial(kernel.exchange, *given, who, ctypes.byref(turn)) for who in (0, 1)]
            found.append(together(two) / times)
            own.append(together([partial(kernel.write_and_read, *given)]) / times)
        return max(0.0, min(found) - min(own))

    def whole(self, size):
        """How many numbers the kernels take for so many bytes."""
        unit = self.best.lanes()
        return max(1, size // 4 // unit) * unit


def rate(kernel, function, threads):
    """Numbers a second of all threads together, while all of them run."""
    steps = 1000
    while timed(function, steps) < SECONDS / 4:
        steps *= 4
    span = together([partial(function, steps, 0.5, 1.0)] * threads)
    return kernel.lanes() * steps * threads / span


def together(calls):
    """Seconds from the first to the last of these calls, each in a thread of its own."""
    barrier, spans = threading.Barrier(len(calls)), []

    def work(call):
        barrier.wait()
        start = time.perf_counter()
        call()  # ctypes lets the other threads run meanwhile
        spans.append((start, time.perf_counter()))

    workers = [threading.Thread(target=work, args=(call,)) for call in calls]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return max(end for _, end in spans) - min(start for start, _ in spans)


def aligned_zeros(count):
    """float32 [count], at the beginning of a line of the cache."""
    memory = np.zeros(4 * count + ALIGNED, np.uint8)
    start = -memory.ctypes.data % ALIGNED
    return memory[start : start + 4 * count].view(np.float32)


def compiled(size, folder):
    """The kernels for vectors of so many bytes."""
    library = Path(folder) / f"peak{size}.so"
    source = Path(__file__).with_suffix(".c")
    compiler = os.environ.get("CC", "cc").split()
    flags = ["-O3", "-march=native", "-fno-math-errno", f"-DBYTES={size}", "-shared", "-fPIC", "-Wno-psabi"]
    subprocess.run([*compiler, *flags, *wide(compiler, folder), str(source), "-o", str(library)], check=True)
    kernel = ctypes.CDLL(str(library))
    number, count, pointer = ctypes.c_float, ctypes.c_long, ctypes.c_void_p
    signatures = {
        "multiply_add": (count, number, number),
        "root_divide": (count, number, number),
        "read_all": (pointer, count, count),
        "exchange": (pointer, count, count, ctypes.c_int, pointer),
        "write_and_read": (pointer, count, count),
    }
    for name, arguments in signatures.items():
        getattr(kernel, name).argtypes, getattr(kernel, name).restype = arguments, number
    return kernel


def wide(compiler, folder):
    """The flag without which some compilers split a vector of 64 bytes, where the compiler knows it."""
    flag = "-mprefer-vector-width=512"
    command = [*compiler, flag, "-x", "c", "-c", os.devnull, "-o", str(Path(folder) / "probe.o")]
    return [flag] if subprocess.run(command, capture_output=True).returncode == 0 else []


def timed(function, steps):
    start = time.perf_counter()
    function(steps, 0.5, 1.0)
    return time.perf_counter() - start
