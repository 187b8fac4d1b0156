"""Training, evaluation and prediction with several inputs and outputs, against what Keras gives."""

import json

import pytest

import fastmlp
from tests.golden import several as golden

KERAS = json.loads(golden.PATH.read_text())["cases"]


@pytest.mark.parametrize("case", golden.CASES, ids=lambda case: case.__name__)
def test_results_are_those_of_keras(case, float64):
    compare(golden.plain(case(fastmlp)), KERAS[case.__name__], case.__name__)


def compare(found, expected, place):
    """The same containers, the same names in the same order, and nearly the same numbers."""
    assert type(found) is type(expected), place
    if isinstance(expected, dict):
        assert list(found) == list(expected), place
        for name in expected:
            compare(found[name], expected[name], f"{place}[{name!r}]")
    elif isinstance(expected, list):
        assert len(found) == len(expected), place
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            compare(one, other, f"{place}[{number}]")
    else:
        assert found == pytest.approx(expected, rel=1e-10, abs=1e-11), place
