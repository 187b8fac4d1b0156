"""What this build of fastmlp is and how it runs here."""

from __future__ import annotations

import fastmlp
from fastmlp.kernels import isa
from fastmlp.threads import get_num_threads


def show_config() -> None:
    """Print the version, the instruction sets and the threads that fastmlp was built with and uses."""
    print(f"fastmlp {fastmlp.__version__}")
    print(f"instruction sets: {', '.join(isa.supported())} (in use: {isa.name()})")
    print(f"OpenMP: {'yes' if isa.has_openmp() else 'no, one thread'}")
    print(f"threads: at most {get_num_threads()}")
