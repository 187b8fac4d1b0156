"""What SECURITY.md says: the tests that it names are there, and the limits are those of the code."""

import re
from pathlib import Path

from fastmlp.datasets.idx import MAX_RANK
from fastmlp.kernels.limits import MAX_THREADS
from fastmlp.layers.base import SIZE_LIMIT
from fastmlp.layers.graph import ROW_LIMIT, STAGE_LIMIT
from fastmlp.layers.merging import REPEATED_LIMIT
from fastmlp.metrics.confusion import THRESHOLD_LIMIT
from fastmlp.models.keras_files import EXPANSION_LIMIT
from fastmlp.training.architecture import DEPTH_LIMIT

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "SECURITY.md").read_text("utf-8")
LIMITS = {
    "values of a row": "2^31 - 1" if SIZE_LIMIT == 2**31 else None,
    "values of a row in all": f"{ROW_LIMIT:,}",
    "stages of a network": f"{STAGE_LIMIT:,}",
    "levels of models": f"{DEPTH_LIMIT}",
    "repetitions of an axis": f"{REPEATED_LIMIT:,}",
    "a part of a": f"{EXPANSION_LIMIT} bytes for each",
    "axes of an IDX file": f"{MAX_RANK}",
    "thresholds": "2^20 - 1" if THRESHOLD_LIMIT == 2**20 else None,
    "threads": f"{MAX_THREADS}",
}


def missing(text):
    """The tests that a text names and that are not there."""
    there = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return [name for name in re.findall(r"`(test_\w+)`", text) if f"def {name}(" not in there]


def test_the_tests_that_it_names_are_there():
    assert "`test_" in TEXT and missing(TEXT) == []
    assert missing("`test_of_nothing`") == ["test_of_nothing"]


def test_the_limits_are_those_of_the_code():
    rows = [line.strip("| ").split(" | ") for line in TEXT.splitlines() if line.startswith("| ")]
    for what, limit in LIMITS.items():
        assert [row[1] for row in rows if row[0].startswith(what) and row[1].startswith(limit)], what
