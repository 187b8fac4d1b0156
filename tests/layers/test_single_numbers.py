"""Rows that are single numbers, of shape ()."""

import numpy as np
import pytest

import fastmlp as keras
from fastmlp import layers


def test_rows_that_are_single_numbers():
    numbers = np.arange(6.0)
    a, b = keras.Input((), name="a"), keras.Input(batch_shape=(None,), name="b")
    assert a.shape == b.shape == (None,)
    ends = [layers.Flatten()(a), layers.Rescaling(2.0)(layers.Reshape((1,))(layers.Identity()(b)))]
    model = keras.Model([a, b], layers.Dense(1)(layers.concatenate(ends)))
    model.compile("sgd", "mse")
    model.fit([numbers, numbers], numbers, verbose=0)
    expected = model.predict([numbers, numbers], verbose=0)
    assert expected.shape == (6, 1) and np.array_equal(model.predict([numbers[:, None], numbers], verbose=0), expected)
    single = keras.Sequential([keras.Input(()), layers.Rescaling(2.0)])
    assert single.predict(numbers, verbose=0).tolist() == (2 * numbers).tolist() and single.output_shape == (None,)
    assert single(numbers).tolist() == (2 * numbers).tolist()
    assert keras.Sequential.from_config(single.get_config()).input_shape == (None,)
    with pytest.raises(ValueError, match=r"x: got shape \(3, 2\), needs \(rows\)"):
        single.predict(np.zeros((3, 2)), verbose=0)
    for layer in (layers.Dense(1), layers.LayerNormalization(), layers.Dropout(0.5)):
        with pytest.raises(ValueError, match=r"got rows that are single numbers, needs one axis at least"):
            layer(a)
