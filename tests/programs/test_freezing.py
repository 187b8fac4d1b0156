"""What is frozen stays as it is: transfer, fine tuning, generators before discriminators."""

import numpy as np
import pytest

from tests.programs import ON_KERAS, array, keras, layers, moved

RANDOM = np.random.default_rng(2)
X = RANDOM.normal(size=(96, 6)).astype("float32")
FEATURE = np.tanh(X @ RANDOM.normal(size=(6, 1))).astype("float32")
CLASSES = (FEATURE[:, 0] > 0).astype("int32")


def test_new_head_on_a_frozen_trunk_and_fine_tuning():
    base_model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(8, "tanh"), layers.BatchNormalization()], name="base"
    )
    first = keras.Sequential([keras.Input((6,)), base_model, layers.Dense(1)])
    first.compile(keras.optimizers.Adam(0.01), "mse")
    first.fit(X, FEATURE, epochs=5, verbose=0)

    base_model.trainable = False
    inputs = keras.Input(shape=(6,))
    x = base_model(inputs, training=False)
    x = layers.Dropout(0.2)(x)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))
    assert len(model.trainable_weights) == 2 and len(model.non_trainable_weights) == 6
    loss, metrics = keras.losses.BinaryCrossentropy(), [keras.metrics.BinaryAccuracy()]
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss=loss, metrics=metrics)
    assert moved(model, lambda: model.fit(X, CLASSES, epochs=20, verbose=0)) == [False] * 6 + [True] * 2
    assert model.evaluate(X, CLASSES, verbose=0)[1] > 0.85

    base_model.trainable = True
    before = model.evaluate(X, CLASSES, verbose=0)[0]
    model.compile(optimizer=keras.optimizers.Adam(0.005), loss=loss, metrics=metrics)
    for layer in base_model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False
    model.compile(optimizer=keras.optimizers.Adam(0.005), loss=loss, metrics=metrics)
    assert moved(model, lambda: model.fit(X, CLASSES, epochs=20, verbose=0)) == [True] * 2 + [False] * 4 + [True] * 2
    assert model.evaluate(X, CLASSES, verbose=0)[0] < before


def test_last_layer_is_cut_off_and_the_others_are_frozen():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(8, "relu"), layers.Dense(4, "relu"), layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, FEATURE, verbose=0)
    cut = keras.Sequential([keras.Input((6,)), *model.layers[:-1]])
    for layer in cut.layers:
        layer.trainable = False
    cut.add(layers.Dense(1, activation="sigmoid"))
    cut.compile("adam", "binary_crossentropy")
    assert moved(cut, lambda: cut.fit(X, CLASSES, verbose=0)) == [False] * 4 + [True] * 2
    for own, other in zip(cut.get_weights()[:4], model.get_weights()[:4], strict=True):
        assert np.array_equal(own, other)


def test_weights_go_over_to_another_model():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(8, "relu", name="hidden"), layers.Dense(1)])
    other = keras.Sequential([keras.Input((6,)), layers.Dense(8, "relu", name="hidden"), layers.Dense(3)])
    other.get_layer("hidden").set_weights(model.get_layer("hidden").get_weights())
    hidden = [keras.Model(one.inputs, one.layers[0].output).predict(X, verbose=0) for one in (model, other)]
    assert np.array_equal(*hidden)


def test_trainable_at_construction():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4, trainable=False), layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    assert [layer.trainable for layer in model.layers] == [False, True]
    assert moved(model, lambda: model.fit(X, FEATURE, verbose=0)) == [False] * 2 + [True] * 2
    model.layers[0].trainable = True
    model.compile(keras.optimizers.SGD(0.1), "mse")
    assert moved(model, lambda: model.fit(X, FEATURE, verbose=0)) == [True] * 4


def test_flags_of_models_and_layers():
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(4, name="one"), layers.Dense(3, name="two")])
    model = keras.Sequential([keras.Input((6,)), inner, layers.Dense(1)])
    model.trainable = False
    assert not any(layer.trainable for layer in (inner, *inner.layers, *model.layers))
    assert model.trainable_weights == [] and len(model.non_trainable_weights) == 6
    inner.trainable = True
    inner.get_layer("one").trainable = False
    assert inner.trainable and [weight.name for weight in inner.trainable_weights] == ["kernel", "bias"]
    assert [weight.trainable for weight in inner.weights] == [False, False, True, True]
    model.trainable = True
    assert len(model.trainable_weights) == 6


def test_frozen_layers_have_no_penalty_and_no_decay():
    regularizer = keras.regularizers.L2(0.5)
    layer = layers.Dense(2, kernel_regularizer=regularizer, kernel_initializer="ones", use_bias=False)
    model = keras.Sequential([keras.Input((6,)), layer])
    assert [float(array(loss)) for loss in model.losses] == [6.0]
    zeros = np.zeros((4, 6), "float32"), np.zeros((4, 2), "float32")
    model.compile(keras.optimizers.AdamW(0.1, weight_decay=0.5), "mse")
    assert model.evaluate(*zeros, verbose=0) == 6.0
    layer.trainable = False
    model.compile(keras.optimizers.AdamW(0.1, weight_decay=0.5), "mse")
    assert model.losses == [] and model.evaluate(*zeros, verbose=0) == 0.0
    assert moved(model, lambda: model.fit(*zeros, verbose=0)) == [False]


def test_frozen_batch_normalization_keeps_its_statistics():
    layer = layers.BatchNormalization(momentum=0.5)
    model = keras.Sequential([keras.Input((6,)), layer, layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, FEATURE, batch_size=96, verbose=0)
    np.testing.assert_allclose(array(layer.moving_mean), 0.5 * X.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(array(layer.moving_variance), 0.5 + 0.5 * X.var(axis=0), rtol=1e-5)
    layer.trainable = False
    model.compile("sgd", "mse")
    assert moved(model, lambda: model.fit(X + 3, FEATURE, verbose=0)) == [False] * 4 + [True] * 2
    gamma, beta, mean, variance = layer.get_weights()
    expected = (X - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    np.testing.assert_allclose(array(layer(X, training=True)), expected, rtol=1e-4, atol=1e-5)


def build_gan():
    """A generator of points on a circle, and its discriminator that was compiled before it was frozen."""
    generator = keras.Sequential([keras.Input((3,)), layers.Dense(8, "relu"), layers.Dense(2)], name="generator")
    discriminator = keras.Sequential(
        [keras.Input((2,)), layers.Dense(16), layers.LeakyReLU(negative_slope=0.2), layers.Dense(1, "sigmoid")],
        name="discriminator",
    )
    discriminator.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    discriminator.trainable = False
    noise = keras.Input(shape=(3,))
    gan = keras.Model(noise, discriminator(generator(noise)), name="gan")
    gan.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return generator, discriminator, gan


def test_gan_that_sets_the_flag_at_each_step():
    generator, discriminator, gan = build_gan()
    angles = RANDOM.uniform(0, 2 * np.pi, (30, 16))
    radii = []
    for row in angles:
        real = np.stack([3 + np.cos(row), np.sin(row)], axis=1).astype("float32")
        noise = RANDOM.normal(size=(16, 3)).astype("float32")
        fake = generator.predict(noise, verbose=0)
        discriminator.trainable = True
        rows, kinds = np.concatenate([real, fake]), np.repeat([1.0, 0.0], 16)[:, None]
        assert moved(discriminator, lambda: discriminator.train_on_batch(rows, kinds)) == [True] * 4  # noqa: B023
        discriminator.trainable = False
        before = [np.array(weight) for weight in discriminator.get_weights()]
        assert moved(generator, lambda: gan.train_on_batch(noise, np.ones((16, 1)))) == [True] * 4  # noqa: B023
        for old, new in zip(before, discriminator.get_weights(), strict=True):
            assert np.array_equal(old, new)
        radii.append(np.mean(fake[:, 0]))
    assert np.mean(radii[-5:]) > np.mean(radii[:5]) + 0.5  # the points go to where the real ones are


@pytest.mark.skipif(
    ON_KERAS, reason="Keras 3 with JAX reads the flag at the first step; TensorFlow's and Keras 2 did not"
)
def test_gan_that_was_frozen_once():
    """As the first tutorials of Keras do it: what `compile` saw counts."""
    _, discriminator, gan = build_gan()
    rows, kinds, noise = X[:32, :2], np.repeat([1.0, 0.0], 16)[:, None], X[:16, :3]
    for _ in range(3):
        assert moved(discriminator, lambda: discriminator.train_on_batch(rows, kinds)) == [True] * 4
        assert moved(gan, lambda: gan.train_on_batch(noise, np.ones((16, 1)))) == [True] * 4 + [False] * 4
