"""How long OpenMP's threads spin once their work is done.

GNU's library lets them spin 300,000 times, which is up to 15 milliseconds. So long they keep a CPU from other programs,
and from the thread that goes on alone. The library reads its environment when the import of a compiled module loads it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

SPINS = "10000"  # a tenth of a millisecond to half of one, more than Python needs between two calls
VARIABLE = "GOMP_SPINCOUNT"


@contextmanager
def short_spins() -> Iterator[None]:
    """Have the OpenMP library that is loaded meanwhile spin for a moment, unless the environment says how long."""
    if VARIABLE in os.environ or "OMP_WAIT_POLICY" in os.environ:
        yield
        return
    os.environ[VARIABLE] = SPINS
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)
