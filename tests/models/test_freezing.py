"""Layers and models that are not trained: by their flags now, and by those that compile has seen."""

import numpy as np
import pytest

import fastmlp as keras
from fastmlp.layers import BatchNormalization, Dense, Dropout, Input, Normalization
from tests.models.small_graphs import X, Y, functional, nested, same, trained


def test_what_compile_has_seen_counts():
    model = functional()
    model.compile("adam", "mse")
    first = model.layers[1]
    first.trainable = False
    before = first.get_weights()
    model.train_on_batch(X, Y)
    assert not same(first.get_weights(), before)  # it was trainable then
    model.compile("adam", "mse")
    before = first.get_weights()
    first.trainable = True
    model.fit(X, Y, verbose=0)
    assert same(first.get_weights(), before)  # it was frozen then


def test_gradients_follow_the_flags_of_now():
    model = trained(functional)
    assert len(model.gradients(X, Y)[1]) == len(model.trainable_weights) == 6
    everything = model.gradients(X, Y)[1]
    model.layers[1].trainable = False
    gradients = model.gradients(X, Y)[1]
    assert [one.shape for one in gradients] == [v.shape for v in model.trainable_weights] and len(gradients) == 4
    assert same(gradients, everything[2:])
    with pytest.raises(ValueError, match="apply_gradients: got layers frozen or freed since compile, needs a call of"):
        model.apply_gradients(gradients)
    with pytest.raises(ValueError, match="apply_gradients: got layers frozen or freed"):
        model.optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
    model.train_on_batch(X, Y)  # as compiled
    model.layers[1].trainable = True
    assert len(model.gradients(X, Y)[1]) == 6 and model.apply_gradients(model.gradients(X, Y)[1]) == 5
    model.layers[1].trainable = False
    model.compile("adam", "mse")
    frozen, free = model.layers[1].get_weights(), model.layers[-1].get_weights()
    assert model.apply_gradients(model.gradients(X, Y)[1]) == 1
    assert same(model.layers[1].get_weights(), frozen) and not same(model.layers[-1].get_weights(), free)


def test_the_flag_of_a_model_is_that_of_its_layers_too():
    model = nested()
    first = model.get_layer("first")
    first.trainable = False
    assert not any(layer.trainable for layer in first.layers) and model.trainable
    names = [variable.path for variable in model.trainable_weights]
    assert names == ["second/dense/kernel", "second/dense/bias"] and len(model.non_trainable_weights) == 6
    model.compile("adam", "mse")
    before = first.get_weights()
    model.fit(X, Y, verbose=0, epochs=2)
    assert same(first.get_weights(), before)  # the moving averages too
    model.trainable = False
    assert model.trainable_weights == [] and not model.get_layer("second").layers[1].trainable
    model.trainable = True
    assert first.layers[0].trainable and len(model.trainable_weights) == 6
    with pytest.raises(TypeError, match="trainable: got 1, needs True or False"):
        model.trainable = 1
    with pytest.raises(TypeError, match="trainable: got None"):
        Dense(3, trainable=None)


def test_a_frozen_model_stays_frozen_whatever_its_layers_say():
    model = keras.Sequential([Input((4,)), Dense(3)], trainable=False)
    model.layers[0].trainable = True
    assert model.trainable_weights == []


def test_frozen_batch_normalizations_use_their_statistics():
    layer = BatchNormalization(trainable=False)
    model = keras.Sequential([Input((4,)), layer, Dense(3)], dtype="float64", seed=1)
    model.compile("sgd", "mse")
    layer.set_weights([np.ones(4), np.zeros(4), np.full(4, 0.5), np.full(4, 2.0)])
    before = layer.get_weights()
    loss = model.train_on_batch(X, Y)
    assert same(layer.get_weights(), before)
    expected = keras.Sequential(
        [Input((4,)), Normalization(mean=0.5, variance=2.001), Dense(3)], dtype="float64", seed=1
    )
    expected.compile("sgd", "mse")
    assert loss == pytest.approx(expected.train_on_batch(X, Y), rel=1e-12)


def test_frozen_weights_have_no_penalty():
    def loss(trainable):
        layer = Dense(3, kernel_regularizer="l2", kernel_initializer="ones", trainable=trainable)
        model = keras.Sequential([Input((4,)), layer], dtype="float64")
        model.compile("sgd", "mse")
        assert sum(model.losses) == pytest.approx(0.12 * trainable)
        return model.evaluate(X, Y, verbose=0)

    assert loss(True) - loss(False) == pytest.approx(0.12)


def test_a_head_on_a_frozen_trunk_and_fine_tuning(tmp_path):
    trunk = keras.Sequential([Input((4,)), Dense(6, "relu"), Dropout(0.2), Dense(4, "relu")], name="trunk", seed=1)
    model = keras.Sequential([trunk, Dense(3)], seed=2)
    trunk.trainable = False
    model.compile("adam", "mse")
    before = trunk.get_weights()
    model.fit(X, Y, epochs=3, verbose=0)
    assert same(trunk.get_weights(), before)
    model.save(tmp_path / "m.safetensors")
    twin = keras.load_model(tmp_path / "m.safetensors")
    assert not twin.layers[0].trainable and len(twin.trainable_weights) == 2
    assert twin.train_on_batch(X, Y) == model.train_on_batch(X, Y) and same(twin.layers[0].get_weights(), before)
    trunk.trainable = True
    model.save(tmp_path / "m.safetensors")  # compiled with a frozen trunk, which is free by now
    twin = keras.load_model(tmp_path / "m.safetensors")
    assert twin.layers[0].trainable and twin.train_on_batch(X, Y) == model.train_on_batch(X, Y)
    assert same(twin.layers[0].get_weights(), before)
    model.compile(keras.optimizers.Adam(1e-4), "mse")
    model.fit(X, Y, verbose=0)
    assert not same(trunk.get_weights(), before)


def test_a_generator_is_trained_through_a_frozen_discriminator():
    rng = np.random.default_rng(0)
    generator = keras.Sequential([Input((2,)), Dense(8, "relu"), Dense(4)], name="generator", seed=1)
    discriminator = keras.Sequential([Input((4,)), Dense(8, "relu"), Dense(1, "sigmoid")], name="judge", seed=2)
    optimizer = keras.optimizers.Adam(0.01)
    discriminator.compile(optimizer, "binary_crossentropy")
    discriminator.trainable = False
    noise = Input((2,))
    both = keras.Model(noise, discriminator(generator(noise)))
    both.compile(optimizer, "binary_crossentropy")  # the same one: each model has a state of its own
    for _ in range(5):
        z = rng.normal(size=(16, 2))
        rows, labels = np.concatenate([X[:16], generator.predict(z, verbose=0)]), np.repeat([1.0, 0.0], 16)
        before = discriminator.get_weights(), generator.get_weights()
        discriminator.train_on_batch(rows, labels)
        assert not same(discriminator.get_weights(), before[0]) and same(generator.get_weights(), before[1])
        before = discriminator.get_weights(), generator.get_weights()
        both.train_on_batch(z, np.ones(16))
        assert same(discriminator.get_weights(), before[0]) and not same(generator.get_weights(), before[1])
    assert len(both.trainable_weights) == 4 and discriminator.trainable_weights == []
