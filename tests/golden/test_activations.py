"""Activations against Keras', as functions, as layers, and in place of a name."""

import functools
import json

import numpy as np
import pytest

import fastmlp as keras
from fastmlp import activations, layers
from tests.golden import activations as golden

KERAS = json.loads(golden.PATH.read_text())
every_case = pytest.mark.parametrize("case", golden.CASES)


def check(layer, case):
    """Outputs and gradients by the input of a layer, which is all that the model has."""
    model = keras.Sequential([keras.Input((8,)), layer], dtype="float64")
    x, expected = golden.X, KERAS[case]
    assert model.predict(x, verbose=0) == pytest.approx(np.array(expected["values"]), rel=1e-14, abs=1e-15)
    slopes = model.vjp(x, golden.WEIGHTS, wrt="input")
    assert slopes == pytest.approx(np.array(expected["slopes"]), rel=1e-14, abs=1e-15)
    again = keras.Sequential.from_config(model.get_config())
    assert np.array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


@every_case
def test_functions_have_the_values_of_keras(case):
    name, settings = golden.CASES[case]
    values = getattr(activations, name)(golden.X, **settings)
    assert values == pytest.approx(np.array(KERAS[case]["values"]), rel=1e-14, abs=1e-15)


@every_case
def test_layers_have_the_values_and_slopes_of_keras(case):
    name, settings = golden.CASES[case]
    check(layers.Activation(functools.partial(getattr(activations, name), **settings)), case)


@pytest.mark.parametrize("case", golden.LAYERS)
def test_layers_of_their_own_names(case):
    name, arguments = golden.LAYERS[case]
    check(getattr(layers, name)(**arguments), case)


@every_case
def test_a_dense_layer_takes_them_all(case, tmp_path):
    name, settings = golden.CASES[case]
    given = functools.partial(getattr(activations, name), **settings)
    dense = layers.Dense(8, given, kernel_initializer="identity")
    check(dense, case)
    model = keras.Sequential([keras.Input((8,)), dense], dtype="float64")
    model.save(tmp_path / "model.safetensors")
    loaded = keras.load_model(tmp_path / "model.safetensors")
    assert np.array_equal(loaded.predict(golden.X, verbose=0), model.predict(golden.X, verbose=0))


@pytest.mark.parametrize(
    "given",
    [
        lambda x: activations.leaky_relu(x, 0.01),
        lambda x: activations.relu(x, negative_slope=0.01),
        layers.LeakyReLU(0.01),
        layers.LeakyReLU(negative_slope=0.01),
        layers.LeakyReLU(alpha=0.01),
        layers.Activation(functools.partial(activations.leaky_relu, negative_slope=0.01)),
    ],
)
def test_what_is_given_in_place_of_a_name(given):
    check(layers.Dense(8, given, kernel_initializer="identity"), "leaky_relu_of_a_slope")


def test_sparsemax_is_the_nearest_distribution():
    """The sorted form of A. Martins and R. Astudillo, 2016, whose gradient leaves out what is 0."""
    ordered = -np.sort(-golden.X, axis=1)
    sums, counts = ordered.cumsum(axis=1), np.arange(1, 9)
    inside = (1 + counts * ordered > sums).sum(axis=1)
    start = (sums[[0, 1], inside - 1] - 1) / inside
    expected = np.maximum(golden.X - start[:, None], 0)
    assert inside.tolist() == [1, 6] and expected.sum(axis=1) == pytest.approx([1, 1])
    assert activations.sparsemax(golden.X) == pytest.approx(expected, abs=1e-15)
    model = keras.Sequential([keras.Input((8,)), layers.Activation("sparsemax")], dtype="float64")
    slopes, weights = model.vjp(golden.X, golden.WEIGHTS, wrt="input")[1], golden.WEIGHTS[1]
    assert slopes == pytest.approx(np.where(expected[1] > 0, weights - weights[expected[1] > 0].mean(), 0))


def test_a_function_without_settings_is_that_function():
    assert activations.get(lambda x: activations.softmax(x)) is activations.softmax
    assert activations.get(layers.ReLU(6)) is activations.relu6
    assert activations.get(functools.partial(activations.elu, alpha=1.0)) is activations.elu


@pytest.mark.parametrize(
    "mine", [lambda x: x * activations.sigmoid(x), lambda x: np.sin(x), layers.Dense(3), lambda x: 3.0, 5]
)
def test_functions_that_the_engine_does_not_know_say_what_is_needed(mine):
    with pytest.raises(TypeError, match=r"activation: got .*, needs None, one of 'linear', .* or a function of x by"):
        layers.Dense(2, mine)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.ReLU(-1), "max_value: got -1, needs a finite number of at least 0"),
        (lambda: layers.ReLU(negative_slope=-0.1), "negative_slope: got -0.1"),
        (lambda: layers.ReLU(threshold=-1), "threshold: got -1"),
        (lambda: layers.LeakyReLU(-0.3), "negative_slope: got -0.3"),
        (lambda: layers.LeakyReLU(alpha=-0.3), "alpha: got -0.3"),
        (lambda: layers.Softmax(axis=1), "axis: got 1, needs -1"),
        (lambda: activations.celu(1.0, 0.0), "alpha: got 0, needs a number above 0"),
        (lambda: activations.squareplus(1.0, -1.0), "b: got -1.0"),
        (lambda: activations.softmax(1.0, axis=0), "axis: got 0, needs -1"),
    ],
)
def test_settings_that_cannot_be(make, message):
    with pytest.raises(ValueError, match=message):
        make()
