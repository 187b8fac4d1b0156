"""Layers of several inputs, embeddings, and layers along the last axis of rows."""

import re

import numpy as np
import pytest

import fastmlp as keras
from fastmlp import layers

RANDOM = np.random.default_rng(3)
A, B, C = (RANDOM.normal(size=(5, 4)) for _ in range(3))
MERGED = {
    "add": A + B + C,
    "multiply": A * B * C,
    "average": (A + B + C) / 3,
    "maximum": np.maximum(np.maximum(A, B), C),
    "minimum": np.minimum(np.minimum(A, B), C),
    "concatenate": np.concatenate([A, B, C], axis=1),
}


def computed(layer, *arrays):
    """Outputs of a layer by a model around it."""
    inputs = [keras.Input(array.shape[1:]) for array in arrays]
    return keras.Model(inputs, layer(inputs if layer.many_inputs else inputs[0]), dtype="float64")(list(arrays))


@pytest.mark.parametrize("name", MERGED)
def test_merging_layers_and_functions_give_what_numpy_gives(name):
    layer = getattr(layers, name.capitalize())(dtype="float64")
    assert np.allclose(computed(layer, A, B, C), MERGED[name], rtol=1e-15)
    assert np.allclose(getattr(layers, name)([A, B, C]), MERGED[name], rtol=1e-6)


def test_subtract_takes_two():
    assert np.array_equal(computed(layers.Subtract(dtype="float64"), A, B), A - B)
    with pytest.raises(ValueError, match="got 3 inputs, needs 2"):
        layers.subtract([A, B, C])


def test_a_single_column_is_repeated():
    column = RANDOM.normal(size=(5, 1))
    assert np.array_equal(computed(layers.Add(dtype="float64"), A, column), A + column)
    assert np.array_equal(computed(layers.Multiply(dtype="float64"), column, A, column), column * A * column)


def test_operators_are_those_layers():
    x, y = keras.Input((4,)), keras.Input((4,))
    model = keras.Model([x, y], 2 * (x - y) * (x + 1) + y, dtype="float64")
    assert np.allclose(model([A, B]), 2 * (A - B) * (A + 1) + B, rtol=1e-14)


@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_concatenate_joins_along_an_axis(axis):
    a, b = RANDOM.normal(size=(5, 3, 4)), RANDOM.normal(size=(5, 3, 4))
    layer = layers.Concatenate(axis, dtype="float64")
    assert np.array_equal(computed(layer, a, b), np.concatenate([a, b], axis))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: layers.add([A, A[:, :3]]), "got rows of shapes (4,), (3,), needs equal ones"),
        (lambda: layers.Concatenate(0), "axis: got 0, the rows of a batch"),
        (lambda: layers.concatenate([A, A], axis=2), "got axis 2 for rows of shape (4,)"),
        (lambda: layers.concatenate([A, A.reshape(5, 2, 2)]), "needs equal ones but for axis -1"),
        (lambda: layers.Reshape((3, -1)).compute_output_shape((4,)), "needs as many as (3, -1) has"),
        (lambda: layers.Reshape((-1, -1)), "target_shape: got (-1, -1)"),
        (lambda: layers.Embedding(0, 2), "input_dim: got 0"),
        (lambda: layers.Embedding(3, 2, mask_zero=True), "mask_zero: got True"),
    ],
)
def test_what_does_not_fit_is_said(made, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        made()


def test_an_embedding_gives_rows_of_its_table():
    codes = np.array([[0, 2], [1, 1], [2, 0]])
    layer = layers.Embedding(3, 4)
    model = keras.Sequential([keras.Input((2,)), layer, layers.Flatten()], seed=0)
    table = layer.embeddings.numpy()
    assert table.shape == (3, 4) and 0 < np.abs(table).max() <= 0.05
    assert np.array_equal(model.predict(codes, verbose=0), table[codes].reshape(3, 8))
    for wrong in (-1, 3):
        with pytest.raises(ValueError, match=r"x: got numbers from .*, needs 0 to 2"):
            model.predict(np.full((1, 2), wrong), verbose=0)
    again = keras.Sequential.from_config(model.get_config())
    assert again.layers[0].get_config() == layer.get_config()


def test_reshape_and_identity_only_give_other_shapes():
    model = keras.Sequential([keras.Input((6,)), layers.Reshape((2, -1)), layers.Identity()], dtype="float64")
    assert np.array_equal(model.predict(A.reshape(-1)[:18].reshape(3, 6), verbose=0).shape, (3, 2, 3))


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dense(3, "relu", kernel_regularizer="l2", activity_regularizer="l2"),
        layers.Softmax(),
        layers.LayerNormalization(),
        layers.UnitNormalization(),
        layers.BatchNormalization(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_along_the_last_axis_take_it_as_they_take_flat_rows(layer):
    x = RANDOM.normal(size=(6, 2, 4))
    flat = type(layer).from_config(layer.get_config())
    rows = keras.Sequential([keras.Input((2, 4)), layer], dtype="float64", seed=1)
    alone = keras.Sequential([keras.Input((4,)), flat], dtype="float64", seed=1)
    assert np.array_equal(rows.predict(x, verbose=0).reshape(12, -1), alone.predict(x.reshape(12, 4), verbose=0))
    for model, data in ((rows, x), (alone, x.reshape(12, 4))):
        model.compile("sgd", "mse")
        model.train_on_batch(data, np.zeros((*data.shape[:-1], model.output_shape[-1])))
    for one, other in zip(rows.get_weights(), alone.get_weights(), strict=True):
        # a penalty of outputs is divided by the rows of the batch, of which there are half as many
        assert np.allclose(one, other, rtol=0.05 if isinstance(layer, layers.Dense) else 1e-12)
