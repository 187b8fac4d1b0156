"""Constraints, focal losses and reductions against Keras'."""

import json

import numpy as np
import pytest

import fastmlp as keras
from fastmlp import layers
from tests.golden import further as golden

KERAS = json.loads(golden.PATH.read_text())


@pytest.mark.parametrize("case", golden.CONSTRAINTS)
def test_constraints_do_what_those_of_keras_do(case):
    name, arguments, is_of_vectors = golden.CONSTRAINTS[case]
    constraint = getattr(keras.constraints, name)(**arguments)
    dense = layers.Dense(4, kernel_constraint=constraint, bias_constraint=constraint if is_of_vectors else None)
    model = keras.Sequential([keras.Input((3,)), dense], dtype="float64")
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.set_weights([golden.KERNEL, golden.BIAS])
    model.train_on_batch(golden.X, golden.Y)
    for weight, expected in zip(model.get_weights(), KERAS["constraints"][case], strict=False):
        assert weight == pytest.approx(np.array(expected), rel=1e-14, abs=0)
    again = keras.Sequential.from_config(model.get_config())
    assert again.layers[0].kernel_constraint.get_config() == constraint.get_config()


@pytest.mark.parametrize("case", golden.LOSSES)
def test_losses_have_the_values_and_gradients_of_keras(case):
    loss, prediction = golden.loss_of(keras, case)
    plain, weighted, gradient = (np.array(one) for one in KERAS["losses"][case])
    assert np.asarray(loss(golden.BITS, prediction)) == pytest.approx(plain, rel=1e-13)
    assert np.asarray(loss(golden.BITS, prediction, golden.WEIGHTS)) == pytest.approx(weighted, rel=1e-13)
    if loss.reduction != "sum_over_batch_size":
        return
    model = keras.Sequential([keras.Input((2,)), layers.Identity()], dtype="float64")
    model.compile("sgd", loss)
    value, found = model.gradients(prediction, golden.BITS, wrt="input", sample_weight=golden.WEIGHTS)
    assert value == pytest.approx(float(weighted), rel=1e-13)
    assert found == pytest.approx(gradient, rel=1e-13, abs=1e-16)


def test_a_fit_with_a_sum_is_that_of_keras(float64):
    found, expected = golden.summed(keras), KERAS["summed"]
    assert found.keys() == expected.keys()
    for name in found:
        for a, b in zip(
            np.atleast_1d(found[name]) if name != "weights" else found[name],
            np.atleast_1d(expected[name]) if name != "weights" else expected[name],
            strict=True,
        ):
            assert np.asarray(a) == pytest.approx(np.asarray(b), rel=1e-12), name


@pytest.mark.parametrize("reduction", [None, "none", "mean_with_sample_weight"])
def test_a_model_needs_one_number(reduction):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    loss = keras.losses.MeanSquaredError(reduction=reduction)
    with pytest.raises(ValueError, match=r"loss: got 'mean_squared_error' with reduction=.*, needs 'sum_over_batch"):
        model.compile("sgd", loss)
    with pytest.raises(ValueError, match=r"loss\[0\]: got 'mean_squared_error' with reduction="):
        model.compile("sgd", [loss])
