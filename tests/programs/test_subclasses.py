"""Models as classes of one's own."""

import numpy as np

from tests.programs import array, keras, layers, moved

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(80, 4)).astype("float32")
Y = (X[:, :1] * 2 - X[:, 1:2]).astype("float32")


class MLP(keras.Model):
    """Layers made in `__init__`, called one after the other in `call`."""

    def __init__(self, hidden_units, **kwargs):
        super().__init__(**kwargs)
        self.dense_layers = [layers.Dense(units, activation="relu") for units in hidden_units]
        self.dropout = layers.Dropout(0.5)
        self.out = layers.Dense(1)

    def call(self, inputs, training=False):
        x = inputs
        for layer in self.dense_layers:
            x = layer(x)
        x = self.dropout(x, training=training)
        return self.out(x)


def by_hand(model, x):
    for layer in model.dense_layers:
        x = np.maximum(x @ array(layer.kernel) + array(layer.bias), 0)
    return x @ array(model.out.kernel) + array(model.out.bias)


def test_a_model_with_a_call():
    model = MLP([16, 8])
    assert not model.built
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="mse")
    history = model.fit(X, Y, epochs=30, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    np.testing.assert_allclose(model.predict(X, verbose=0), by_hand(model, X), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(array(model(X)), by_hand(model, X), rtol=1e-3, atol=1e-4)
    assert len(model.weights) == 6 and model.count_params() == 80 + 136 + 9
    dropped = array(model(X, training=True))
    assert np.mean(np.abs(dropped - by_hand(model, X))) > 0.01
    assert np.mean((model.predict(X, verbose=0) - Y) ** 2) < 0.3 * np.var(Y)


class WideAndDeep(keras.Model):
    """Two inputs and two outputs."""

    def __init__(self, units=8, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.hidden1 = layers.Dense(units, activation=activation)
        self.hidden2 = layers.Dense(units, activation=activation)
        self.main_output = layers.Dense(1)
        self.aux_output = layers.Dense(1)

    def call(self, inputs):
        input_wide, input_deep = inputs
        hidden2 = self.hidden2(self.hidden1(input_deep))
        concat = layers.concatenate([input_wide, hidden2])
        return self.main_output(concat), self.aux_output(hidden2)


def test_a_call_of_two_inputs_and_outputs():
    model = WideAndDeep(6, name="my_model")
    model.compile(loss=["mse", "mse"], loss_weights=[0.9, 0.1], optimizer=keras.optimizers.Adam(0.02))
    history = model.fit((X[:, :2], X), (Y, Y), epochs=30, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    main, aux = model.predict((X[:, :2], X), verbose=0)
    hidden = np.maximum(X @ array(model.hidden1.kernel) + array(model.hidden1.bias), 0)
    hidden = np.maximum(hidden @ array(model.hidden2.kernel) + array(model.hidden2.bias), 0)
    np.testing.assert_allclose(aux, hidden @ array(model.aux_output.kernel) + array(model.aux_output.bias), atol=1e-4)
    wide = np.concatenate([X[:, :2], hidden], axis=1) @ array(model.main_output.kernel) + array(model.main_output.bias)
    np.testing.assert_allclose(main, wide, atol=1e-4)
    assert model.name == "my_model"


class Autoencoder(keras.Model):
    """Two models in attributes, as the tutorial of TensorFlow makes it."""

    def __init__(self, latent_dim, shape):
        super().__init__()
        self.latent_dim = latent_dim
        self.shape = shape
        self.encoder = keras.Sequential([layers.Flatten(), layers.Dense(latent_dim, activation="tanh")])
        self.decoder = keras.Sequential([layers.Dense(int(np.prod(shape))), layers.Reshape(shape)])

    def call(self, x):
        encoded = self.encoder(x)
        decoded = self.decoder(encoded)
        return decoded


def test_an_autoencoder_of_two_models():
    pictures = (RANDOM.normal(size=(80, 2)) @ RANDOM.normal(size=(2, 12)) * 0.3).reshape(80, 3, 4).astype("float32")
    autoencoder = Autoencoder(3, (3, 4))
    autoencoder.compile(optimizer=keras.optimizers.Adam(0.03), loss=keras.losses.MeanSquaredError())
    history = autoencoder.fit(pictures, pictures, epochs=40, shuffle=True, verbose=0).history
    assert history["loss"][-1] < 0.2 * history["loss"][0]
    encoded_imgs = array(autoencoder.encoder(pictures))
    decoded_imgs = array(autoencoder.decoder(encoded_imgs))
    assert encoded_imgs.shape == (80, 3) and decoded_imgs.shape == (80, 3, 4)
    np.testing.assert_allclose(decoded_imgs, autoencoder.predict(pictures, verbose=0), rtol=1e-3, atol=1e-4)


class Block(keras.Model):
    """A part of other models."""

    def __init__(self, units):
        super().__init__()
        self.one, self.two = layers.Dense(units, activation="relu"), layers.Dense(units)

    def call(self, x):
        return layers.add([x, self.two(self.one(x))])


def test_blocks_of_ones_own_in_a_row():
    model = keras.Sequential([keras.Input((4,)), Block(4), Block(4), layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    assert moved(model, lambda: model.fit(X, Y, epochs=10, verbose=0)) == [True] * 10
    x = X
    for block in model.layers[:2]:
        (one, first), (two, second) = block.one.get_weights(), block.two.get_weights()
        x = x + np.maximum(x @ one + first, 0) @ two + second
    kernel, bias = model.layers[2].get_weights()
    np.testing.assert_allclose(model.predict(X, verbose=0), x @ kernel + bias, rtol=1e-3, atol=1e-4)


def test_a_row_that_builds_itself():
    class Classifier(keras.Sequential):
        def __init__(self, units):
            super().__init__()
            self.add(keras.Input((4,)))
            self.add(layers.Dense(units, activation="relu"))
            self.add(layers.Dense(1))

    model = Classifier(16)
    model.compile(keras.optimizers.Adam(0.03), "mse")
    history = model.fit(X, Y, epochs=30, verbose=0).history
    assert history["loss"][-1] < 0.2 * history["loss"][0]
    assert isinstance(model, keras.Sequential) and model.count_params() == 97


def test_a_graph_that_builds_itself():
    class Residual(keras.Model):
        def __init__(self, units):
            inputs = keras.Input((4,))
            x = layers.Dense(units)(inputs)
            super().__init__(inputs=inputs, outputs=layers.Dense(1)(layers.add([inputs, x])))

    model = Residual(4)
    (kernel, bias), (last, last_bias) = model.layers[1].get_weights(), model.layers[3].get_weights()
    expected = (X + X @ kernel + bias) @ last + last_bias
    np.testing.assert_allclose(model.predict(X, verbose=0), expected, rtol=1e-4, atol=1e-5)
    model.compile("sgd", "mse")
    assert moved(model, lambda: model.fit(X, Y, verbose=0)) == [True] * 4


def test_a_dict_of_outputs():
    class Heads(keras.Model):
        def __init__(self):
            super().__init__()
            self.value, self.size = layers.Dense(1), layers.Dense(1)

        def call(self, x):
            return {"value": self.value(x), "size": self.size(x)}

    model = Heads()
    model.compile(keras.optimizers.SGD(0.1), loss={"value": "mse", "size": "mae"}, metrics={"size": ["mse"]})
    history = model.fit(X, {"value": Y, "size": -Y}, epochs=30, verbose=0).history
    assert list(history) == ["loss", "size_loss", "size_mse", "value_loss"]
    outputs = model.predict(X, verbose=0)
    assert sorted(outputs) == ["size", "value"]
    np.testing.assert_allclose(outputs["value"], Y, atol=0.2)
    assert np.mean(np.abs(outputs["size"] + Y)) < 0.5


class Ordered(keras.Model):
    """Layers in another order than they are called in, and arguments that `get_config` gives back."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.second = layers.Dense(units, name="second")
        self.first = layers.Dense(units, "tanh", name="first")
        self.me = self

    def call(self, inputs):
        return self.second(self.first(inputs))

    def get_config(self):
        return {"units": self.units}


def test_weights_are_in_the_order_of_the_attributes():
    model = Ordered(4)
    model(X)
    assert [layer.name for layer in model.layers] == ["second", "first"]
    new = [RANDOM.normal(size=array(one).shape) for one in model.get_weights()]
    model.set_weights(new)
    second, b2, first, b1 = new
    np.testing.assert_allclose(array(model(X)), np.tanh(X @ first + b1) @ second + b2, rtol=1e-4, atol=1e-5)
    model.compile("adam", "mse")
    model.fit(X, np.tile(Y, 4), epochs=2, verbose=0)
    assert not np.allclose(array(model.weights[2]), first) and not np.allclose(array(model.weights[0]), second)


def test_a_model_makes_itself_from_its_arguments():
    model = Ordered.from_config(Ordered(3).get_config())
    assert model.units == 3 and array(model(X)).shape == (80, 3)
