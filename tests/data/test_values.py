"""What computing gives: arrays and numbers of NumPy that answer `.numpy()`."""

import copy
import json
import pickle

import numpy as np
import pytest

import fastmlp as keras
from fastmlp import backend, layers
from fastmlp.data.values import Array, Count, Number

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
Y = X[:, :1]


def compiled():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, "tanh"), layers.Dense(1)], seed=1)
    model.compile("sgd", "mse")
    return model


class Last(keras.metrics.Metric):
    """The last truth, as a metric of the user's own."""

    def __init__(self):
        super().__init__()
        self.value = self.add_weight(name="value")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.value.assign(y_true[-1, 0])

    def result(self):
        return self.value * 1.0


def given(made):
    """What a plain array, or scalar of NumPy, comes from."""
    plain = made.numpy()
    assert type(plain) is np.ndarray or isinstance(plain, np.generic)
    return plain


@pytest.mark.parametrize(
    "made",
    [
        lambda: compiled()(X),
        lambda: compiled()(X, training=True),
        lambda: compiled()(X.tolist()),
        lambda: keras.Model(i := keras.Input((4,)), [layers.Dense(2)(i), layers.Reshape((2, 2))(i)])(X)[1],
        lambda: layers.Dense(3)(X),
        lambda: layers.Dense(3)(layers.Dense(3)(X)),
        lambda: keras.activations.softmax(X),
        lambda: keras.losses.mean_squared_error(Y, Y),
        lambda: keras.losses.sparse_categorical_crossentropy([1], [[0.5, 0.5]]),
        lambda: keras.losses.MeanSquaredError()(Y, Y),
        lambda: keras.metrics.MeanSquaredError()(Y, Y),
        lambda: keras.metrics.Mean()([1.0, 2.0]),
        lambda: keras.metrics.F1Score()([[0, 1]], [[0.4, 0.6]]),
        lambda: keras.metrics.MeanMetricWrapper(lambda y_true, y_pred: y_pred.mean())(Y, Y),
        lambda: Last()(Y, Y),
        lambda: compiled().weights[0],
        lambda: compiled().optimizer.learning_rate,
        lambda: compiled().optimizer.iterations,
    ],
)
def test_what_is_computed_answers_numpy(made):
    assert np.array_equal(given(made := made()), np.asarray(made)) and made.shape == made.numpy().shape


def test_predictions_are_plain_arrays():
    assert type(compiled().predict(X, verbose=0)) is np.ndarray


def test_an_array_is_one_of_numpy():
    outputs, plain = compiled()(X), compiled()(X).numpy()
    assert isinstance(outputs, Array) and np.shares_memory(outputs, outputs.numpy())
    for compute in (np.sum, np.mean, np.max, lambda array: array[0, 0], lambda array: array.std()):
        ours, theirs = compute(outputs), compute(plain)
        assert type(ours) is type(theirs) and ours == theirs
    assert np.array_equal(pickle.loads(pickle.dumps(outputs)), plain)
    model = compiled()
    model.fit(outputs @ np.ones((1, 4), np.float32), outputs, verbose=0)
    assert np.array_equal(model(X, out=np.empty((6, 1), np.float32)), model(np.asarray(X).view(Array)))


def test_numbers_are_those_of_python():
    assert Number(0.5) == 0.5 and json.dumps(Number(0.5)) == "0.5" and f"{Number(0.5):.2f}" == "0.50"
    assert Count(3) == 3 and range(Count(3)) == range(3) and Count(3).numpy() == 3


def test_a_learning_rate_is_assigned():
    optimizer = compiled().optimizer
    before = optimizer.learning_rate
    assert optimizer.learning_rate.assign(0.5) == optimizer.learning_rate == 0.5 and before != 0.5
    optimizer.learning_rate = optimizer.learning_rate / 2
    backend.set_value(optimizer.learning_rate, 2 * backend.get_value(optimizer.learning_rate))
    assert optimizer.learning_rate == 0.5 and copy.deepcopy(optimizer.learning_rate) == 0.5
    with pytest.raises(ValueError, match="learning_rate: got -1"):
        optimizer.learning_rate.assign(-1)
    with pytest.raises(TypeError, match=r"learning_rate: got .*, needs another schedule"):
        keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)).learning_rate.assign(0.5)


def test_backend():
    variable = compiled().weights[0]
    backend.set_value(variable, np.ones((4, 3)))
    assert np.array_equal(backend.get_value(variable), np.ones((4, 3))) and backend.get_value(2.5) == 2.5
    assert backend.clear_session() is keras.utils.clear_session() is None
    assert (backend.backend(), backend.floatx(), backend.epsilon()) == ("fastmlp", "float32", 1e-7)
    with pytest.raises(TypeError, match="x: got float, needs a variable, or an optimizer's learning_rate"):
        backend.set_value(0.5, 1.0)
