"""The comparison with scikit-learn's estimators: who is refused, and that both do the same."""

import sys

import pytest

from bench import estimators
from bench.estimators import FITS, OURS, THEIRS


@pytest.mark.parametrize("theirs, expected", [([0.9, 0.92, 0.91], True), ([0.8, 0.82, 0.81], False)])
def test_other_scores_have_no_ratio(theirs, expected):
    found = {
        "fit": "some", "seconds": {OURS: 1.0, THEIRS: 20.0}, "scores": {OURS: [0.9, 0.91, 0.92], THEIRS: theirs},
        "epochs": {OURS: [3], THEIRS: [3]}, "ratios": [20.0, 19.0, 21.0],
    }  # fmt: skip
    assert estimators.equal(found["scores"]) == expected
    assert ("20.0x" in estimators.cells(found)) == expected


def test_both_train_alike(capsys):
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    names = [fit.name for fit in FITS if "mnist" not in fit.name]
    assert estimators.main(["--quick", "--seeds", "1", "--fits", ",".join(names), "--python", sys.executable]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, line in zip(names, lines[1:], strict=False):
        cells = line.split()
        assert cells[0] == name and cells[-1] == cells[-2] and "x" in line
