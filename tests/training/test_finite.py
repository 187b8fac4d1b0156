"""The warning of `fit` when a loss or a weight is not finite any more."""

import warnings

import numpy as np
import pytest

import fastmlp as keras
from fastmlp import layers
from fastmlp.training.finite import NotFiniteWarning

ROWS, BATCH = 24, 8


def model_of(units=3, optimizer=None, loss="mean_squared_error", **settings):
    model = keras.Sequential([keras.Input((5,)), layers.Dense(40, "relu", **settings), layers.Dense(units)], seed=1)
    model.compile(optimizer or keras.optimizers.SGD(0.01), loss)
    return model


def data(bad=None):
    """Rows, of which one has a target whose square is too large."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(ROWS, 5)), rng.normal(size=(ROWS, 3))
    if bad is not None:
        y[bad] = 1e30
    return x, y


class Batches(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


def found(model, *given, **settings):
    """The warnings of a fit, as text."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        model.fit(*given, batch_size=BATCH, **{"verbose": 0, "shuffle": False} | settings)
    assert all(one.category is NotFiniteWarning and one.filename == __file__ for one in seen)
    return [str(one.message) for one in seen]


@pytest.mark.parametrize("callbacks", [None, [Batches()]], ids=["together", "batches"])
@pytest.mark.parametrize("validated", [False, True])
def test_fit_warns_once_of_the_batch(callbacks, validated):
    settings = {"callbacks": callbacks} | ({"validation_data": data()} if validated else {})
    (message,) = found(model_of(), *data(bad=17), epochs=4, **settings)
    assert "since epoch 1, batch 3;" in message


@pytest.mark.parametrize("callbacks", [None, [Batches()]], ids=["together", "batches"])
def test_a_run_that_grows_is_noticed_in_a_later_epoch(callbacks):
    model = model_of(optimizer=keras.optimizers.SGD(50.0), loss="mean_squared_error")
    (message,) = found(model, *data(), epochs=30, callbacks=callbacks)
    steps = 0
    again = model_of(optimizer=keras.optimizers.SGD(50.0))
    x, y = data()
    while all(np.isfinite(array).all() for array in again.get_weights()):
        rows = slice(steps % 3 * BATCH, (steps % 3 + 1) * BATCH)
        if not np.isfinite(again.train_on_batch(x[rows], y[rows])):
            break
        steps += 1
    else:
        steps -= 1
    assert 0 < steps < 90
    assert f"since epoch {steps // 3 + 1}, batch {steps % 3 + 1};" in message


def test_each_fit_warns_again():
    model = model_of()
    assert len(found(model, *data(bad=3))) == len(found(model, *data())) == 1


def test_finite_runs_do_not_warn():
    assert found(model_of(), *data(), epochs=3) == []


def test_the_warning_may_be_an_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error", keras.NotFiniteWarning)
        with pytest.raises(NotFiniteWarning, match="batch 1;"):
            model_of().fit(*data(bad=0), verbose=0, shuffle=False)


def test_models_that_train_together_warn_each():
    with pytest.warns(NotFiniteWarning) as seen:
        keras.fit_many([model_of(), model_of()], *data(bad=0), epochs=2, verbose=0)
    assert len(seen) == 2


def test_a_moving_variance_that_overflows_is_noticed(threads):
    """The loss stays finite, as the rows are divided by the infinite deviation, until the model predicts."""
    model = keras.Sequential([keras.Input((40,)), layers.BatchNormalization(), layers.Dense(3)], seed=1)
    model.compile("sgd", "mean_squared_error")
    model.network.threads = threads
    x, y = np.random.default_rng(1).normal(size=(ROWS, 40)), np.zeros((ROWS, 3))
    assert found(model, x, y) == []
    x[17, 30] = 1e30
    (message,) = found(model, x, y, epochs=2)
    assert "since epoch 1, batch 3;" in message and np.isinf(model.layers[0].get_weights()[3][30])
