"""The command in a process of its own, its errors, and a small dataset for it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastmlp
from fastmlp.datasets.idx import write_idx

COMMAND = [sys.executable, "-m", "fastmlp.cli"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(fastmlp.__file__).parents[1])}
ENVIRONMENT.pop("PYTHONUNBUFFERED", None)  # it hides what goes wrong with a stream's last bytes
QUICK = ("--epochs", "1", "--hidden", "16", "--threads", "1")
BAR = r"45/45 \S{20} \d+s \d+(s|ms|us)/step - accuracy: \d\.\d{4} - loss: \d\.\d{4}"
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals, pipes and limits")


def process(*arguments, environment=None, **settings):
    """Run the command in a process of its own."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **settings}
    environment = ENVIRONMENT | (environment or {})
    return subprocess.run([*COMMAND, *map(str, arguments)], env=environment, encoding="utf-8", timeout=600, **pipes)


def is_error(text, message=""):
    """Whether `text` is one line of error, with `message` in it."""
    return re.fullmatch(f"fastmlp-train: error: .*{re.escape(message)}.*\n", text) is not None


def write_folder(folder, x, y, x_test=None, y_test=None):
    """Write a dataset of IDX files; the test part is the training part unless it is given."""
    parts = {"train": (x, y), "test": (x if x_test is None else x_test, y if y_test is None else y_test)}
    for part, (images, labels) in parts.items():
        write_idx(folder / f"{part}-images.idx", images)
        write_idx(folder / f"{part}-labels.idx", labels)
    return folder


X = np.random.default_rng(0).integers(0, 200, size=(30, 5)).astype(np.uint8)
Y = np.repeat(np.arange(3, dtype=np.uint8), 10)
