"""Subclasses of Model: with a `call` of their own, or that only build."""

import numpy as np
import pytest

import fastmlp as keras
from fastmlp.layers import BatchNormalization, Dense, Dropout, Flatten, Input, Softmax
from tests.models.small_graphs import Own, X, Y, same, trained


def test_a_call_is_traced_when_the_data_come():
    model = Own()
    assert not model.built and model.input_shape is None
    assert [type(one).__name__ for one in model.layers] == ["Dense", "BatchNormalization", "Dropout", "Dense"]
    assert model(X).shape == (30, 3) and model.output_shape == (None, 3)
    assert [one.name for one in model.layers] == ["dense", "batch_normalization", "dropout", "dense_1"]
    model = Own()
    model.build((None, 4))
    assert len(model.get_weights()) == 8
    inputs = Input((4,))
    assert np.array_equal(keras.Model(inputs, model(inputs))(X), model(X))
    assert np.array_equal(keras.Sequential([model, Softmax()]).layers[0](X), model(X))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda self, x: np.maximum(x, 0), "got TypeError: operand 'Symbol' does not support ufuncs"),
        (lambda self, x: self.dense(x) if x.sum() > 0 else x, "got AttributeError: "),
        (lambda self, x: self.dense(x[:, 1:]), "got TypeError: .*needs layers"),
        (lambda self, x: 3, "got int as its result"),
        (lambda self, x: None, "got NoneType as its result"),
        (lambda self, x: [], "got list as its result"),
        (lambda self, x: x, "got no call of a layer"),
        (lambda self, x: self.dense(Flatten()(self.dense(x))), "got ValueError: layer 'dense': got rows"),
        (lambda self, x, training=None: self.dense(x) if training else Softmax()(x), "got another graph with training"),
    ],
)
def test_a_call_that_is_no_graph_of_layers_is_refused(call, message):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(3)

    Net.call = call
    with pytest.raises(ValueError, match=f"(?s)Net.call: {message}"):
        Net().predict(X, verbose=0)


@pytest.mark.parametrize("base", [keras.Sequential, keras.Model])
def test_subclasses_that_only_build_are_models(base, tmp_path):
    class Net(base):
        def __init__(self, units):
            inputs = Input((4,))
            hidden = Dense(units, "relu")
            if base is keras.Model:
                super().__init__(inputs, Dense(3)(hidden(inputs)), name="net", seed=1)
            else:
                super().__init__([inputs, hidden, Dense(3)], name="net", seed=1)
            self.hidden = hidden

    model = trained(lambda: Net(6))
    model.save(tmp_path / "m.safetensors")
    twin = keras.load_model(tmp_path / "m.safetensors", custom_objects={"Net": Net})
    assert type(twin) is Net and twin.hidden.units == 6 and twin.hidden in twin.layers
    assert twin.train_on_batch(X, Y) == model.train_on_batch(X, Y)


def test_dropout_of_a_call_without_training_is_always_off():
    base = keras.Sequential([Input((4,)), Dense(3), Dropout(0.9)], seed=1)
    inputs = Input((4,))
    model, other = (keras.Model(inputs, base(inputs, training=mode), seed=1) for mode in (False, None))
    plain = keras.Sequential([Input((4,)), base.layers[0]])
    losses = []
    for one in (model, other, plain):
        one.compile("sgd", "mse")
        losses.append(one.gradients(X, Y, training=True)[0])
    assert losses[0] == losses[2] != losses[1]
    with pytest.raises(ValueError, match="training: got True, needs None or False"):
        base(inputs, training=True)


def test_batch_normalizations_of_a_call_without_training_keep_their_statistics():
    """Also where their gamma is trained, as when a trunk is tuned finely."""
    base = keras.Sequential([Input((4,)), BatchNormalization()])
    inputs = Input((4,))
    model = keras.Model(inputs, Dense(3)(base(inputs, training=False)))
    model.compile("sgd", "mse")
    gamma, _, mean, variance = base.get_weights()
    model.fit(X, Y, verbose=0)
    assert same(base.get_weights()[2:], [mean, variance]) and not np.array_equal(base.get_weights()[0], gamma)


def test_models_of_ones_own_in_another():
    class Block(keras.Model):
        def __init__(self, units):
            super().__init__()
            self.dense, self.dropout = Dense(units, "relu"), Dropout(0.5)

        def call(self, x, training=None):
            return self.dropout(self.dense(x), training=training)

    class Net(keras.Model):
        def __init__(self):
            super().__init__(seed=1, dtype="float64")
            self.blocks = [Block(6), Block(5)]
            self.outer = keras.Sequential([Dense(3)])

        def call(self, inputs, training=False):
            for block in self.blocks:
                inputs = block(inputs, training=training)
            return self.outer(inputs)

    model = trained(Net)
    stack = [Dense(6, "relu"), Dropout(0.5), Dense(5, "relu"), Dropout(0.5), Dense(3)]
    row = trained(lambda: keras.Sequential([Input((4,)), *stack], dtype="float64", seed=1))
    assert same(model.get_weights(), row.get_weights()) and np.array_equal(model(X), row(X))
    assert [one.name for one in model.layers] == ["block", "block_1", "sequential"]
    assert list(model.weight_names)[2] == "block_1/dense/kernel"


def test_a_subclass_that_does_not_begin_says_so():
    class Net(keras.Model):
        def __init__(self):
            self.dense = Dense(3)

        def call(self, x):
            return self.dense(x)

    with pytest.raises(AttributeError, match=r"Net: got no call of super\(\).__init__\(\), needs it first"):
        Net()(X)
    with pytest.raises(AttributeError, match="'Sequential' object has no attribute 'fitt'"):
        keras.Sequential().fitt(X)
