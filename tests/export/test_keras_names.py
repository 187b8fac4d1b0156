"""Weights by Keras' paths: those of other names go by their order. With Keras installed, test_keras.py asks it."""

import re

import numpy as np
import pytest

import fastmlp
from fastmlp import layers
from fastmlp.export.keras import from_weights, to_weights

# what Keras 3 calls the weights of `a_model`, whose layers were not its first ones
PATHS = [
    "encoder/dense_7/kernel",
    "encoder/dense_7/bias",
    *(f"encoder/batch_normalization_2/{name}" for name in ("gamma", "beta", "moving_mean", "moving_variance")),
    *(f"normalization_3/{name}" for name in ("mean", "variance", "count")),
    "dense_8/kernel",
    "dense_8/bias",
    "p_re_lu_1/alpha",
]


def a_model(dtype="float32", seed=0):
    random = np.random.default_rng(seed)
    normalization = layers.Normalization()
    normalization.adapt(random.normal(3.0, 2.0, (50, 4)))
    inner = [fastmlp.Input((3,)), layers.Dense(4), layers.BatchNormalization(), layers.Dropout(0.1)]
    made = [fastmlp.Sequential(inner, name="encoder"), normalization, layers.Dense(2), layers.PReLU()]
    model = fastmlp.Sequential([fastmlp.Input((3,)), *made], dtype=dtype, seed=seed)
    trained = [variable for variable in model.weights if not variable.path.startswith("normalization")]
    for variable in trained:
        variable.assign(abs(random.normal(size=variable.shape)))
    return model


def same(model, other):
    return all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))


def test_names_of_ones_own():
    model = a_model()
    found = to_weights(model)
    assert [name for name in found if name != "normalization/count"] == list(model.weight_names)
    assert np.array_equal(found["encoder/dense/kernel"], model.layers[0].layers[0].kernel.numpy())


@pytest.mark.parametrize("paths", [PATHS, None], ids=["by order", "by name"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_there_and_back(paths, dtype):
    model, other = a_model(dtype), a_model(dtype, seed=1)
    found = to_weights(model, paths)
    assert paths is None or list(found) == PATHS
    assert not same(model, other)
    from_weights(other, {"seed_generator/seed_generator_state": np.zeros(2), **found})
    assert same(model, other)


def test_the_same_names_may_come_in_any_order():
    model, other = a_model(), a_model(seed=1)
    found = to_weights(model)
    from_weights(other, dict(sorted(found.items(), reverse=True)))
    assert same(model, other)
    assert list(to_weights(model, reversed(found))) == list(found)
    other = a_model(seed=1)
    from_weights(other, dict(zip(model.weight_names, model.get_weights(), strict=True)))  # without a count
    assert same(model, other)


def test_normalizations_of_given_values_have_none_in_keras():
    given = layers.Normalization(mean=[1.0, 2.0], variance=[3.0, 4.0])
    model = fastmlp.Sequential([fastmlp.Input((2,)), given, layers.Dense(1)])
    assert list(to_weights(model, ["dense_5/kernel", "dense_5/bias"])) == ["dense_5/kernel", "dense_5/bias"]
    from_weights(model, {"dense_5/kernel": np.ones((2, 1)), "dense_5/bias": np.zeros(1)})
    assert model.predict(np.array([[1.0, 2.0]]), verbose=0)[0, 0] == 0.0


def test_what_does_not_fit_changes_nothing():
    model = a_model()
    before, found = model.get_weights(), to_weights(a_model(seed=1), PATHS)

    def refused(weights, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            from_weights(model, weights)
        assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))

    refused({"dense_8/kernel": 0}, "weights: got 1 modules, 'dense_8', needs 5, for 'encoder/dense', 'encoder/batch_")
    rest = {path: array for path, array in found.items() if path != "dense_8/bias"}
    refused(rest, "weights: got ['kernel'] in 'dense_8' for layer 'dense', needs ['bias', 'kernel']")
    kernel = found["encoder/dense_7/kernel"]
    refused({**found, "encoder/dense_7/kernel": kernel.T}, "weights['encoder/dense_7/kernel'][0]: got shape (4, 3)")
    refused({**found, "normalization_3/variance": -np.ones(4)}, "variance: got -1.0, which is below 0")
    with pytest.raises(ValueError, match="like: got 1 modules, 'dense', needs 5"):
        to_weights(model, ["dense/kernel"])
