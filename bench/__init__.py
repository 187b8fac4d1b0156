"""Benchmarks: see README.md beside this file.

What slows a contender down on purpose is unset before NumPy is loaded, here and so in all processes that begin here.
"""

import os
import sys

SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # of NumPy's and SciPy's library: kernels of another processor
FOUND = {name: os.environ.pop(name) for name in SLOWING if name in os.environ}
if FOUND:
    names = ", ".join(f"{name}={value}" for name, value in FOUND.items())
    late = "; NumPy is loaded already, so that its figures here are not to be read" if "numpy" in sys.modules else ""
    print(f"bench: found {names}, which slow NumPy and scikit-learn: unset for every contender{late}", file=sys.stderr)
