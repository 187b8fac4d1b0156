"""Check that a wheel and an sdist, named on the command line, hold what they need and nothing else."""

import sys
import tarfile
import zipfile
from pathlib import Path

NEEDED = {
    ".whl": [
        "fastmlp/cli.py",
        "fastmlp/py.typed",
        "fastmlp/kernels/__init__.pyi",
        "fastmlp/kernels/engine/network.pyi",
        "fastmlp/kernels/c/math_f32.h",
        "fastmlp/datasets/data/README.md",
        "fastmlp/sklearn/classifier.py",
        "fastmlp/export/network.js",
        "fastmlp/report/page.css",
        "fastmlp/report/drawing.js",
    ],
    ".gz": [
        "setup.py",
        "fastmlp/kernels/engine/network.pyx",
        "fastmlp/kernels/isa.pxd",
        "fastmlp/kernels/c/kernels.c",
        "fastmlp/report/page.css",
    ],
}
DIGITS = [
    f"fastmlp/datasets/data/digits-{part}-{kind}-ubyte.gz"
    for part in ("train", "test")
    for kind in ("images-idx3", "labels-idx1")
]
UNWANTED = ("tests/", "reference/", "bench/", "examples/", "build/", ".ci/")


def names(path):
    """The files of a package, without the sdist's own top folder."""
    if path.suffix == ".whl":
        return zipfile.ZipFile(path).namelist()
    return [name.partition("/")[2] for name in tarfile.open(path).getnames()]


for path in map(Path, sys.argv[1:]):
    found = names(path)
    missing = [name for name in [*NEEDED[path.suffix], *DIGITS] if name not in found]
    unwanted = [name for name in found if name.startswith(UNWANTED)]
    if path.suffix == ".whl":
        modules = [name for name in found if name.endswith((".so", ".pyd"))]
        missing += [] if modules else ["compiled modules"]
        unwanted += [name for name in modules if name.endswith(".so") and (".abi3." in name) != ("-abi3-" in path.name)]
        sources = [name for name in found if name.endswith((".pyx", ".pxd", ".c", ".h"))]
        unwanted += [name for name in sources if name not in NEEDED[".whl"]]
    if missing or unwanted:
        sys.exit(f"{path.name}: missing {missing}, unwanted {unwanted}")
    print(f"{path.name}: {len(found)} files, {path.stat().st_size / 1e6:.1f} MB, as they should be")
