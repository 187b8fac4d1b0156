"""Whole calls of `fit` with features in combination, against what Keras gives."""

import json

import numpy as np
import pytest

import fastmlp
from tests.golden import combinations as golden

KERAS = json.loads(golden.PATH.read_text())


@pytest.mark.parametrize("case", golden.CASES, ids=lambda case: case.__name__)
def test_fit_gives_what_keras_gives(case, float64):
    found, expected = golden.results(fastmlp, case), KERAS[case.__name__]
    assert list(found["history"]) == list(expected["history"])
    for name, values in expected["history"].items():
        assert found["history"][name] == pytest.approx(values, rel=1e-11), name
    for array, values in zip(found["weights"], expected["weights"], strict=True):
        np.testing.assert_allclose(array, values, rtol=1e-9, atol=1e-11)
    assert found["evaluate"] == pytest.approx(expected["evaluate"], rel=1e-11)
    assert len(set(found["history"]["loss"])) > 1  # it trained
