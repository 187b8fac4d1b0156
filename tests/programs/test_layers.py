"""Layers by themselves: called on arrays and symbols, their shapes and what they know of themselves."""

import numpy as np
import pytest

from tests.programs import array, keras, layers

RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(10, 3, 4)).astype("float32")


def test_layers_on_arrays():
    layer = layers.Dense(2, activation="relu")
    assert not layer.built and layer.weights == []
    found = array(layer(X[:, 0]))
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(found, np.maximum(X[:, 0] @ kernel + bias, 0), atol=1e-6)
    assert layer.built and layer.count_params() == 10
    with pytest.raises(ValueError, match=r"4|\(10, 3\)"):
        layer(X[:, :, 0])
    np.testing.assert_allclose(array(layers.Softmax()(X[:, 0])).sum(axis=1), 1, rtol=1e-5)
    dropped = array(layers.Dropout(0.5)(np.ones((50, 40), "float32"), training=True))
    assert set(np.unique(dropped)) == {0.0, 2.0} and 0.4 < (dropped == 0).mean() < 0.6
    assert np.array_equal(array(layers.Dropout(0.5)(X[:, 0])), X[:, 0])


def test_dense_along_the_last_axis():
    layer = layers.Dense(5, activation="tanh")
    found = array(layer(X))
    kernel, bias = layer.get_weights()
    assert kernel.shape == (4, 5) and found.shape == (10, 3, 5)
    np.testing.assert_allclose(found, np.tanh(X @ kernel + bias), atol=1e-6)
    inputs = keras.Input((3, 4))
    model = keras.Model(inputs, layers.Dense(2)(layer(inputs)))
    assert model.output_shape == (None, 3, 2) and model.predict(X, verbose=0).shape == (10, 3, 2)
    model.compile(keras.optimizers.Adam(0.05), "mse")
    history = model.fit(X, X[:, :, :2], epochs=30, verbose=0).history
    assert history["loss"][-1] < 0.3 * history["loss"][0]


def test_shapes_of_symbols():
    inputs = keras.Input((3, 4), name="inputs")
    assert inputs.shape == (None, 3, 4) and inputs.dtype == "float32" and inputs.name == "inputs"
    assert layers.Flatten()(inputs).shape == (None, 12)
    assert layers.Reshape((6, 2))(inputs).shape == (None, 6, 2)
    assert layers.Reshape((-1,))(inputs).shape == (None, 12)
    assert layers.Identity()(inputs).shape == (None, 3, 4)
    model = keras.Model(inputs, layers.Identity()(layers.Reshape((2, 6))(inputs)))
    assert np.array_equal(model.predict(X, verbose=0), X.reshape(10, 2, 6))
    with pytest.raises(ValueError, match="5"):
        layers.Reshape((5,))(inputs)
    for misuse in (bool, len, list, np.asarray):
        with pytest.raises((TypeError, NotImplementedError, ValueError)):
            misuse(inputs)


def test_what_a_layer_knows_of_its_calls():
    inputs = keras.Input((4,))
    layer = layers.Dense(3, name="known")
    with pytest.raises(AttributeError, match="known"):
        layer.input  # noqa: B018
    outputs = layer(inputs)
    assert layer.input is inputs and layer.output is outputs and outputs.shape == (None, 3)
    layer(keras.Input((4,)))
    assert layer.input is inputs and layer.output is outputs


def test_names():
    inputs = keras.Input((4,))
    x = layers.Dense(3)(inputs)
    x = layers.Dense(3)(x)
    model = keras.Model(inputs, [layers.add([x, layers.Dense(3)(x)]), layers.Dense(2, name="last")(x)])
    assert [layer.name for layer in model.layers] == ["input_layer", "dense", "dense_1", "dense_2", "add", "last"]
    assert model.name == "functional" and model.output_names == ["add", "last"]
    for make in (
        lambda: keras.Model(inputs, layers.Dense(2, name="twice")(layers.Dense(2, name="twice")(inputs))),
        lambda: keras.Sequential([layers.Dense(2, name="twice"), layers.Dense(2, name="twice")]),
    ):
        with pytest.raises(ValueError, match="twice"):
            make()


def test_graphs_that_are_none():
    inputs = keras.Input((4,))
    with pytest.raises(ValueError, match=r"inputs|outputs"):
        keras.Model(keras.Input((4,)), layers.Dense(2)(inputs))
    with pytest.raises((TypeError, ValueError), match="inputs"):
        keras.Model(np.zeros((3, 4)), layers.Dense(2)(inputs))


def test_containers_of_outputs():
    inputs = keras.Input((4,))
    a, b = layers.Dense(2)(inputs), layers.Dense(3)(inputs)
    rows = X[:, 0]
    named = keras.Model(inputs, {"second": b, "first": a}).predict(rows, verbose=0)
    assert named["first"].shape == (10, 2) and named["second"].shape == (10, 3)
    assert isinstance(keras.Model(inputs, [a, b]).predict(rows, verbose=0), list)
    assert keras.Model(inputs, [a]).predict(rows, verbose=0).shape == (10, 2)
    assert np.array_equal(keras.Model(inputs, inputs).predict(rows, verbose=0), rows)
    one, two = keras.Model(inputs, [a, a]).predict(rows, verbose=0)
    assert np.array_equal(one, two)


def test_penalties_of_activities_and_weights():
    regularizer = keras.regularizers.L1(0.5)
    layer = layers.Dense(2, kernel_initializer="ones", activity_regularizer=regularizer, bias_regularizer=regularizer)
    model = keras.Sequential([keras.Input((4,)), layer])
    layer.bias.assign([1.0, -1.0])
    model.compile("sgd", "mse")
    ones = np.ones((6, 4), "float32")
    assert model.evaluate(ones, np.tile([5.0, 3.0], (6, 1)), verbose=0) == pytest.approx(0.5 * 2 + 0.5 * 8)
