"""Whole calls of `fit` of models that are graphs, against what Keras gives."""

import json

import numpy as np
import pytest

import fastmlp
from tests.golden import graph_fits as golden

KERAS = json.loads(golden.PATH.read_text())


@pytest.mark.parametrize("case", golden.CASES, ids=lambda case: case.__name__)
def test_200_steps_in_batches_give_what_keras_gives(case, float64):
    for found, expected in zip(case(fastmlp), KERAS[case.__name__], strict=True):
        assert list(found["history"]) == list(expected["history"])
        for name, values in expected["history"].items():
            assert found["history"][name] == pytest.approx(values, rel=1e-9), name
        for kind in ("weights", "predictions"):
            for array, values in zip(found[kind], expected[kind], strict=True):
                np.testing.assert_allclose(array, values, rtol=1e-9, atol=1e-9)
        assert found["evaluate"] == pytest.approx(expected["evaluate"], rel=1e-9)
        assert len(set(found["history"]["loss"])) > 1  # it trained
