"""The bits of kernels and networks, to compare machines: `python -m tests.hostile.bits --count N --seed S`.

Prints a digest of each kernel and of each random network in both float types, a line each. In float64 they are the same
wherever the C library's exp, tanh and log give the same bits, in float32 on every instruction set that has fused
multiply-adds; NaN equals NaN. `.ci/emulate` compares what it prints on an emulated CPU with what it prints here.
"""

import argparse
import hashlib

import numpy as np

from fastmlp import kernels
from tests.cases import KERNELS
from tests.hostile.networks import Case, numbers
from tests.kernels.test_kernels import call, case

SIZES = ((5, 13, 7), (15, 64, 17), (43, 37, 67))
DTYPES = ("float32", "float64")


def digest(found):
    return hashlib.sha256(numbers(found).astype("<f8").tobytes()).hexdigest()[:16]


def of_kernels(dtype):
    """A name and a digest for each kernel and size.

    The arguments are those of float32, since NumPy's own functions, which make them, differ in the last bit of float64.
    """
    for name in KERNELS:
        for size in SIZES:
            given = case(name, size, np.dtype("float32"))
            given = {key: x.astype(dtype) if getattr(x, "dtype", None) == "float32" else x for key, x in given.items()}
            yield f"{name} {'x'.join(map(str, size))}", digest(call(name, given))


def of_networks(dtype, seeds):
    """A name and a digest for each random network."""
    for seed in seeds:
        found = Case(seed, dtype).engine(kernels.isa.name(), threads=2, skips=True)
        yield f"network {seed}", digest(found)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.bits", description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=50, help="random networks, besides the kernels (50)")
    parser.add_argument("--seed", type=int, default=0, help="of the first one")
    parser.add_argument("--dtype", choices=DTYPES, help="default both")
    options = parser.parse_args(arguments)
    seeds = range(options.seed, options.seed + options.count)
    with np.errstate(all="ignore"):
        for dtype in [options.dtype] if options.dtype else DTYPES:
            for found in (of_kernels(dtype), of_networks(dtype, seeds)):
                for name, value in found:
                    print(dtype, name, value, flush=True)


if __name__ == "__main__":
    main()
