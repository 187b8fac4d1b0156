"""Layers of several inputs, embeddings, and layers along the last axis of rows."""

import gc
import re
import threading

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


@pytest.mark.parametrize(
    "shapes",
    [[(4, 3), (1, 3)], [(4, 1), (4, 3)], [(4, 3), (3,)], [(1,), (4, 3)], [(2, 1, 3), (4, 1)], [(1, 3), (4, 1)]],
)
@pytest.mark.parametrize("name", ["add", "multiply", "maximum"])
def test_rows_are_broadcast_as_numpy_does(name, shapes):
    rank = max(map(len, shapes))
    arrays = [RANDOM.normal(size=(5, *shape)) for shape in shapes]
    aligned = [one.reshape(5, *[1] * (rank + 1 - one.ndim), *one.shape[1:]) for one in arrays]
    expected = getattr(np, name)(*aligned)
    layer = getattr(layers, name.capitalize())(dtype="float64")
    assert np.array_equal(computed(layer, *arrays), expected)


def test_gradients_of_what_is_broadcast_are_sums():
    inputs = [keras.Input((4, 1)), keras.Input((3,))]
    model = keras.Model(inputs, layers.add(inputs), dtype="float64")
    dy = RANDOM.normal(size=(5, 4, 3))
    of_column, of_row = model.vjp([np.ones((5, 4, 1)), np.ones((5, 3))], dy, wrt="input")
    assert of_column == pytest.approx(dy.sum(2, keepdims=True)) and of_row == pytest.approx(dy.sum(1))


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
        (lambda: layers.add([A, A[:, :3]]), "got rows of shapes (4,), (3,), needs equal ones, or 1 where"),
        (lambda: layers.Add()(A), "inputs: got ndarray for layer 'add', needs a list of arrays or symbols"),
        (lambda: layers.Add()(keras.Input((4,))), "inputs: got Symbol for layer 'add', needs a list"),
        (lambda: layers.Add()([]), "inputs: got an empty one for layer 'add', needs a list"),
        (lambda: layers.add([keras.Input((1,)), keras.Input((5000,))]), "needs at most 4096 repetitions"),
        (lambda: keras.Input((4,)) ** 2, "got an operator that is not there, needs +, -, *"),
        (lambda: 1 / keras.Input((4,)), "got an operator that is not there, needs +, -, *"),
        (lambda: abs(keras.Input((4,)) > 1), "got an operator that is not there, needs +, -, *"),
        (lambda: layers.Embedding(3, 1)(np.array([[3.0, -1.0]])), "inputs: got numbers from -1.0 to 3.0, needs 0 to 2"),
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


@pytest.mark.parametrize("before", [layers.Identity(), layers.Flatten(), layers.Reshape((1, 2))], ids=str)
def test_numbers_are_checked_through_layers_that_only_shape_them(before):
    inputs = keras.Input((2,))
    model = keras.Model(inputs, layers.Embedding(3, 1)(layers.Flatten()(before(inputs))))
    assert model.predict(np.array([[2, 0]])).shape == (1, 2, 1)
    with pytest.raises(ValueError, match=r"x: got numbers from -1\.0 to 3\.0, needs 0 to 2"):
        model.predict(np.array([[3.0, -1.0]]))


def test_a_layer_takes_rows_of_several_ranks():
    dense = layers.Dense(2, dtype="float64")
    deep, flat = RANDOM.normal(size=(5, 4, 3)), RANDOM.normal(size=(5, 3))
    inputs = [keras.Input((4, 3)), keras.Input((3,))]
    model = keras.Model(inputs, [dense(inputs[0]), dense(inputs[1])], dtype="float64")
    kernel, bias = model.get_weights()
    for outputs in (model.predict([deep, flat]), [dense(deep), dense(flat)]):
        assert outputs[0] == pytest.approx(deep @ kernel + bias) and outputs[1] == pytest.approx(flat @ kernel + bias)


def test_threads_may_compute_with_one_layer():
    dense, rows = layers.Dense(64), RANDOM.normal(size=(2000, 64)).astype(np.float32)
    expected, found = dense(rows), []
    threads = [threading.Thread(target=lambda: found.append(dense(rows))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and all(np.array_equal(one, expected) for one in found)


def test_models_that_are_gone_leave_no_trace_in_a_layer():
    trunk = layers.Dense(2)
    for _ in range(5):
        keras.Sequential([keras.Input((3,)), trunk])
        gc.collect()
    assert len(trunk._homes) <= 2
