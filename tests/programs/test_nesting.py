"""Models in models, parts of models, and outputs of hidden layers."""

import numpy as np
import pytest

from tests.programs import array, keras, layers

RANDOM = np.random.default_rng(1)
CENTERS = RANDOM.normal(size=(3, 6)) * 3
LABELS = np.arange(120) % 3
X = (CENTERS[LABELS] + RANDOM.normal(size=(120, 6))).astype("float32")
PLANE = (RANDOM.normal(size=(160, 2)) @ RANDOM.normal(size=(2, 8))).astype("float32")


def test_probabilities_after_a_model_of_logits():
    """The end of a first tutorial: a model that gives logits in a model that gives probabilities."""
    model = keras.Sequential([keras.Input(shape=(6,)), layers.Dense(16, activation="relu"), layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss=loss, metrics=["accuracy"])
    model.fit(X, LABELS, epochs=12, verbose=0)
    probability_model = keras.Sequential([model, keras.layers.Softmax()])
    logits, probabilities = model.predict(X, verbose=0), array(probability_model(X))
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(probabilities, exponentials / exponentials.sum(axis=1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(probability_model.predict(X, verbose=0), probabilities, rtol=1e-5)
    assert np.mean(np.argmax(probabilities, axis=1) == LABELS) > 0.9
    assert probability_model.layers[0] is model
    model.layers[-1].set_weights([np.zeros((16, 3)), np.zeros(3)])
    np.testing.assert_allclose(array(probability_model(X)), 1 / 3, rtol=1e-6)


def test_encoder_of_a_functional_autoencoder():
    input_img = keras.Input(shape=(8,))
    encoded = layers.Dense(2, name="code")(input_img)
    decoded = layers.Dense(8, name="picture")(encoded)
    autoencoder = keras.Model(input_img, decoded)
    encoder = keras.Model(input_img, encoded)
    encoded_input = keras.Input(shape=(2,))
    decoder = keras.Model(encoded_input, autoencoder.layers[-1](encoded_input))
    autoencoder.compile(optimizer=keras.optimizers.Adam(0.02), loss="mse")
    before = autoencoder.evaluate(PLANE, PLANE, verbose=0)
    autoencoder.fit(PLANE, PLANE, epochs=60, batch_size=32, shuffle=True, verbose=0)
    assert autoencoder.evaluate(PLANE, PLANE, verbose=0) < 0.05 * before
    codes = encoder.predict(PLANE, verbose=0)
    code = encoder.get_layer("code")
    np.testing.assert_allclose(codes, PLANE @ array(code.kernel) + array(code.bias), atol=1e-4)
    np.testing.assert_allclose(
        decoder.predict(codes, verbose=0), autoencoder.predict(PLANE, verbose=0), rtol=1e-4, atol=1e-5
    )


def test_encoder_and_decoder_of_a_sequential_autoencoder():
    encoder = keras.Sequential([keras.Input((8,)), layers.Dense(5, "tanh"), layers.Dense(2)], name="encoder")
    decoder = keras.Sequential([keras.Input((2,)), layers.Dense(5, "tanh"), layers.Dense(8)], name="decoder")
    autoencoder = keras.Sequential([keras.Input((8,)), encoder, decoder])
    autoencoder.compile("adam", "mse")
    untrained = [array(weight) for weight in encoder.get_weights()]
    autoencoder.fit(PLANE, PLANE, epochs=2, verbose=0)
    for old, new, whole in zip(untrained, encoder.get_weights(), autoencoder.get_weights(), strict=False):
        assert (old != new).any() and np.array_equal(new, whole)
    expected = autoencoder.predict(PLANE, verbose=0)
    np.testing.assert_allclose(array(decoder(encoder(PLANE))), expected, rtol=1e-4, atol=1e-5)
    assert [layer.name for layer in autoencoder.layers] == ["encoder", "decoder"]
    assert autoencoder.get_layer("decoder") is decoder and autoencoder.count_params() == 45 + 12 + 15 + 48


def test_output_of_a_hidden_layer():
    inputs = keras.Input(shape=(6,))
    h = layers.Dense(5, activation="relu", name="first")(inputs)
    h = layers.Dense(4, activation="tanh", name="second")(h)
    model = keras.Model(inputs=inputs, outputs=layers.Dense(3, name="last")(h))
    model.compile("sgd", "mse")
    model.fit(X, CENTERS[LABELS, :3], epochs=1, verbose=0)
    hidden = keras.Model(model.input, model.layers[1].output)
    (first, first_bias), (second, second_bias), _ = [layer.get_weights() for layer in model.layers[1:]]
    expected = np.maximum(X @ first + first_bias, 0)
    np.testing.assert_allclose(hidden.predict(X, verbose=0), expected, atol=1e-5)
    named = keras.Model(inputs=model.inputs, outputs=model.get_layer("second").output)
    np.testing.assert_allclose(named.predict(X, verbose=0), np.tanh(expected @ second + second_bias), atol=1e-5)
    everything = keras.Model(model.input, [layer.output for layer in model.layers[1:]])
    assert [outputs.shape for outputs in everything.predict(X, verbose=0)] == [(120, 5), (120, 4), (120, 3)]
    between = keras.Model(model.get_layer("first").output, model.get_layer("last").output)
    np.testing.assert_allclose(between.predict(expected, verbose=0), model.predict(X, verbose=0), rtol=1e-4, atol=1e-5)


def test_hidden_features_of_a_sequential_model():
    model = keras.Sequential([layers.Input((6,)), layers.Dense(5, activation="relu"), layers.Dense(2)])
    extractor = keras.Model(inputs=model.inputs, outputs=[layer.output for layer in model.layers])
    features = extractor(X)
    kernel, bias = model.layers[0].get_weights()
    np.testing.assert_allclose(array(features[0]), np.maximum(X @ kernel + bias, 0), atol=1e-5)
    np.testing.assert_allclose(array(features[1]), model.predict(X, verbose=0), rtol=1e-4, atol=1e-5)


def test_ensemble_of_models():
    """The mean of models that were trained apart."""

    def get_model(seed):
        initializer = keras.initializers.GlorotUniform(seed)
        return keras.Sequential([keras.Input((6,)), layers.Dense(1, kernel_initializer=initializer)])

    models = [get_model(seed) for seed in range(3)]
    inputs = keras.Input(shape=(6,))
    ensemble_model = keras.Model(inputs=inputs, outputs=layers.average([model(inputs) for model in models]))
    expected = np.mean([model.predict(X, verbose=0) for model in models], axis=0)
    np.testing.assert_allclose(ensemble_model.predict(X, verbose=0), expected, rtol=1e-4, atol=1e-5)
    assert len({float(model.get_weights()[0][0, 0]) for model in models}) == 3


def test_layer_by_name_or_number():
    model = keras.Sequential([layers.Dense(5, name="hidden"), layers.Dense(2, name="last")])
    model.build((None, 6))
    assert model.get_layer("last") is model.get_layer(index=1) is model.layers[-1]
    with pytest.raises(ValueError, match="nothing"):
        model.get_layer("nothing")
    with pytest.raises(ValueError, match="7"):
        model.get_layer(index=7)


def test_a_row_grows():
    model = keras.Sequential(name="growing")
    model.add(keras.Input(shape=(6,)))
    model.add(layers.Dense(5, activation="relu"))
    assert model.output_shape == (None, 5)
    features = model.predict(X, verbose=0)
    model.add(layers.Dense(2, kernel_initializer="ones"))
    np.testing.assert_allclose(model.predict(X, verbose=0)[:, 0], features.sum(axis=1), rtol=1e-4, atol=1e-5)
    model.pop()
    assert model.output_shape == (None, 5)
    np.testing.assert_allclose(model.predict(X, verbose=0), features, rtol=1e-6)
