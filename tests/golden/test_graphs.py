"""Training of models that are graphs, step by step, against what Keras gives."""

import json

import numpy as np
import pytest

import fastmlp
from tests.golden import graphs as golden

KERAS = json.loads(golden.PATH.read_text())["cases"]


@pytest.mark.parametrize("case", golden.CASES, ids=lambda case: case.__name__)
def test_200_steps_give_what_keras_gives(case, float64):
    found, expected = golden.results(fastmlp, case), KERAS[case.__name__]
    assert list(found["steps"]) == list(expected["steps"])
    for name, values in expected["steps"].items():
        assert found["steps"][name] == pytest.approx(values, rel=1e-9), name
    for kind in ("weights", "predictions"):
        for array, values in zip(found[kind], expected[kind], strict=True):
            np.testing.assert_allclose(array, values, rtol=1e-9, atol=1e-9)
    assert found["steps"]["loss"][-1] < found["steps"]["loss"][0]  # it trained
