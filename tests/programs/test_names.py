"""Programs of dense networks as people write them: layers in place of activations, constraints, focal losses, bars."""

import functools

import numpy as np
import pytest

import fastmlp as keras
from fastmlp import activations, layers, losses, optimizers
from tests.programs import array

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 6)).astype("float32")
Y = (X[:, :1] * X[:, 1:2] > 0).astype("float32")


def network():
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(16, activation=layers.LeakyReLU(alpha=0.1), bias_initializer=None),
            layers.GaussianDropout(0.1),
            layers.Dense(16, kernel_constraint=keras.constraints.UnitNorm(), bias_constraint="non_neg"),
            layers.PReLU(alpha_initializer=keras.initializers.Constant(0.25)),
            layers.Dense(16, activation=lambda x: activations.relu(x, max_value=6.0, threshold=0.1)),
            layers.Dense(16, functools.partial(activations.gelu, approximate=True), kernel_constraint="max_norm"),
            layers.Dense(16, "selu", kernel_initializer="lecun_normal"),
            layers.AlphaDropout(0.05),
            layers.ActivityRegularization(l2=1e-4),
            layers.Dense(8, activation="squareplus"),
            layers.ELU(0.5),
            layers.Dense(1, activation="sigmoid"),
        ],
        seed=1,
    )


def test_a_classifier_with_what_is_less_common(tmp_path, capsys):
    (x_train, y_train), (x_test, y_test) = keras.utils.split_dataset((X, Y), left_size=0.75, shuffle=True, seed=2)
    model = network()
    optimizer = optimizers.AdamW(3e-3, weight_decay=1e-3, gradient_accumulation_steps=2)
    optimizer.exclude_from_weight_decay(var_names=["bias", "alpha"])
    loss = losses.BinaryFocalCrossentropy(apply_class_balancing=True, gamma=1.5)
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    history = model.fit(x_train, y_train, epochs=40, batch_size=10, validation_data=(x_test, y_test), verbose=0).history
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    assert np.linalg.norm(model.layers[2].kernel, axis=0) == pytest.approx(np.ones(16), abs=1e-5)
    assert (np.asarray(model.layers[2].bias) >= 0).all()
    model.save(tmp_path / "model.safetensors")
    loaded = keras.load_model(tmp_path / "model.safetensors")
    assert np.array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    for one in (model, loaded):
        one.fit(x_train, y_train, epochs=2, batch_size=10, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True))
    assert keras.models.clone_model(model).count_params() == model.count_params()


def test_a_loop_of_ones_own_with_a_bar(capsys):
    model = network()
    model.compile(optimizers.ScheduleFreeAdamW(warmup_steps=5), losses.BinaryCrossentropy())
    per_row = losses.BinaryCrossentropy(reduction="none")
    bar = keras.utils.Progbar(12, interval=0.0)
    for step in range(12):
        rows = slice(10 * step, 10 * step + 10)
        _, gradients = model.gradients(X[rows], Y[rows])
        model.optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        bar.update(step + 1, [("loss", per_row(Y[rows], model(X[rows])).numpy().mean())])
    assert capsys.readouterr().out.count("12/12") == 1
    steps, rate, *state = model.optimizer.variables
    assert (steps, rate) == (12, pytest.approx(0.0025)) and len(state) == 2 * len(model.trainable_variables)


def test_an_interval_by_quantiles():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(32, "mish"), layers.Dense(3)], seed=0)
    model.compile(optimizers.Adam(0.01), losses.Quantile([0.1, 0.5, 0.9]))
    y = X[:, 0] + RANDOM.normal(size=120)
    model.fit(X, y, epochs=60, verbose=0)
    low, middle, high = model.predict(X, verbose=0).T
    assert (low < high).mean() > 0.95 and 0.6 < ((low < y) & (y < high)).mean() < 0.99
    assert abs((y < middle).mean() - 0.5) < 0.15


def test_tables_of_vectors_that_others_have_made():
    matrix = np.arange(12.0).reshape(4, 3)
    model = keras.Sequential([layers.Embedding(4, 3, weights=[matrix], trainable=False), layers.Flatten()])
    np.testing.assert_allclose(array(model(np.array([[0, 3], [1, 1]])))[0], [0, 1, 2, 9, 10, 11])
    assert layers.Embedding(4, 3, input_length=2)(np.array([[0, 3]])).shape == (1, 2, 3)


def test_a_last_axis_of_one_comes_and_goes():
    pictures = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(2)])
    flat = np.ones((3, 4, 4), "float32")
    assert pictures.predict(flat, verbose=0).shape == pictures.predict(flat[..., None], verbose=0).shape == (3, 2)
    rows = keras.Sequential([keras.Input((5,)), layers.Dense(2)])
    assert rows.predict(np.ones((3, 5, 1)), verbose=0).shape == (3, 2)


def test_a_learning_rate_from_a_function_without_arguments():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(learning_rate=lambda: 0.25), "mse")
    model.fit(np.ones((4, 2)), np.ones((4, 1)), batch_size=4, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], 0.5)


def test_activations_of_symbols_and_weights_in_one_object():
    x = keras.Input((6,))
    hidden = activations.relu(layers.Dense(4)(x), max_value=1.0)
    model = keras.Model(x, activations.softmax(layers.Dense(3)(hidden)))
    outputs = array(model(X))
    np.testing.assert_allclose(outputs.sum(axis=1), 1.0, rtol=1e-5)
    weights = np.empty(4, dtype=object)
    weights[:] = model.get_weights()
    model.set_weights(weights)
    np.testing.assert_array_equal(array(model(X)), outputs)


def test_penalties_are_computed_of_arrays():
    weights = RANDOM.normal(size=(3, 2))
    penalty = keras.regularizers.L1L2(0.1, 0.2)(weights)
    np.testing.assert_allclose(array(penalty), 0.1 * np.abs(weights).sum() + 0.2 * (weights**2).sum(), rtol=1e-6)
