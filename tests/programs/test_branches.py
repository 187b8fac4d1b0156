"""Models of several inputs and outputs, shared layers, and layers beside each other."""

import numpy as np
import pytest

from tests.programs import array, keras, layers

RANDOM = np.random.default_rng(3)
NUMBERS = RANDOM.normal(size=(200, 3)).astype("float32")
CITIES = RANDOM.integers(0, 8, 200)
OF_CITY = RANDOM.normal(size=8)
PRICE = (NUMBERS[:, 0] * 0.5 + OF_CITY[CITIES])[:, None].astype("float32")


def test_numbers_beside_categories():
    numbers = keras.Input(shape=(3,), name="numbers")
    city = keras.Input(shape=(1,), dtype="int32", name="city")
    vector = layers.Flatten()(layers.Embedding(input_dim=8, output_dim=2)(city))
    x = layers.concatenate([numbers, vector])
    x = layers.Dense(16, activation="relu")(x)
    model = keras.Model(inputs=[numbers, city], outputs=layers.Dense(1, name="price")(x))
    model.compile(optimizer=keras.optimizers.Adam(0.03), loss="mse", metrics=["mae"])
    data = {"numbers": NUMBERS, "city": CITIES}
    history = model.fit(data, PRICE, epochs=40, verbose=0).history
    assert history["loss"][-1] < 0.1 * history["loss"][0]
    predictions = model.predict([NUMBERS, CITIES[:, None]], verbose=0)
    np.testing.assert_allclose(model.predict(data, verbose=0), predictions, rtol=1e-5, atol=1e-6)
    other = dict(data, city=(CITIES + 1) % 8)
    assert np.mean(np.abs(model.predict(other, verbose=0) - PRICE)) > 5 * np.mean(np.abs(predictions - PRICE))
    assert model.input_shape == [(None, 3), (None, 1)] and model.output_shape == (None, 1)


def test_embedding_gives_the_rows_of_its_table():
    layer = layers.Embedding(8, 4)
    vectors = array(layer(np.array([[1, 2], [7, 1]])))
    table = array(layer.embeddings)
    assert vectors.shape == (2, 2, 4) and np.array_equal(vectors, table[[[1, 2], [7, 1]]])
    assert np.abs(table).max() <= 0.05 and layer.count_params() == 32


def test_dense_along_the_vectors_of_an_embedding():
    words = keras.Input(shape=(3,), dtype="int32")
    vectors = layers.Embedding(8, 4, name="table")(words)
    h = layers.Dense(5, activation="tanh", name="each")(vectors)
    assert h.shape == (None, 3, 5)
    model = keras.Model(words, [vectors, h, layers.Dense(1, name="last")(layers.Flatten()(h))])
    rows = RANDOM.integers(0, 8, (10, 3))
    looked_up, each, last = model.predict(rows, verbose=0)
    assert np.array_equal(looked_up, array(model.get_layer("table").embeddings)[rows])
    kernel, bias = model.get_layer("each").get_weights()
    np.testing.assert_allclose(each, np.tanh(looked_up @ kernel + bias), atol=1e-6)
    kernel, bias = model.get_layer("last").get_weights()
    np.testing.assert_allclose(last, each.reshape(10, 15) @ kernel + bias, rtol=1e-4, atol=1e-6)


def test_actor_and_critic():
    """Probabilities of actions and the value of a state from a common layer."""
    inputs = layers.Input(shape=(4,))
    common = layers.Dense(16, activation="relu")(inputs)
    action = layers.Dense(2, activation="softmax", name="action")(common)
    critic = layers.Dense(1, name="critic")(common)
    model = keras.Model(inputs=inputs, outputs=[action, critic])
    assert model.output_names == ["action", "critic"] and model.output_shape == [(None, 2), (None, 1)]
    states = RANDOM.normal(size=(64, 4)).astype("float32")
    actions, values = (states[:, 0] > 0).astype("int32"), np.abs(states[:, 1:2])
    probabilities, value = model(states)
    np.testing.assert_allclose(array(probabilities).sum(axis=1), 1, rtol=1e-5)
    losses = ["sparse_categorical_crossentropy", keras.losses.Huber()]
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss=losses, loss_weights=[1.0, 0.5])
    first = model.train_on_batch(states, [actions, values])
    assert first[0] == pytest.approx(first[1] + 0.5 * first[2], rel=1e-5)
    chosen = array(probabilities)[np.arange(64), actions]
    assert first[1] == pytest.approx(-np.mean(np.log(chosen)), rel=1e-4)
    model.fit(states, [actions, values], epochs=40, verbose=0)
    probabilities, value = model.predict(states, verbose=0)
    assert np.mean(np.argmax(probabilities, axis=1) == actions) > 0.9
    assert np.mean((value - values) ** 2) < 0.3 * np.var(values)


def test_siamese_network():
    """One tower for both inputs learns whether two points belong together."""
    left, right = keras.Input((3,), name="left"), keras.Input((3,), name="right")
    embedding = keras.Sequential([keras.Input((3,)), layers.Dense(8, "tanh"), layers.Dense(4)], name="embedding")
    apart = layers.subtract([embedding(left), embedding(right)])
    same = layers.Dense(1, activation="sigmoid")(layers.multiply([apart, apart]))
    model = keras.Model(inputs=[left, right], outputs=same)
    assert len(model.weights) == 6
    others = NUMBERS[RANDOM.permutation(200)]
    is_same = (np.sign(NUMBERS[:, :1]) == np.sign(others[:, :1])).astype("float32")
    model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(0.02), metrics=["accuracy"])
    model.fit([NUMBERS, others], is_same, epochs=40, verbose=0)
    assert model.evaluate([NUMBERS, others], is_same, verbose=0)[1] > 0.9
    swapped = model.predict([others, NUMBERS], verbose=0)
    np.testing.assert_allclose(model.predict([NUMBERS, others], verbose=0), swapped, rtol=1e-4, atol=1e-5)
    distance = keras.Model(embedding.inputs, embedding.outputs).predict(NUMBERS, verbose=0)
    np.testing.assert_allclose(array(embedding(NUMBERS)), distance, rtol=1e-4, atol=1e-5)


def residual_block(x, units):
    y = layers.Dense(units, activation="relu")(x)
    y = layers.Dense(units)(y)
    return layers.ReLU()(layers.add([x, y]))


def test_residual_blocks():
    inputs = keras.Input(shape=(3,))
    x = layers.Dense(4, name="stem")(inputs)
    for _ in range(3):
        x = residual_block(x, 4)
    model = keras.Model(inputs, x)
    model.compile(keras.optimizers.Adam(0.01), "mse")
    targets = np.abs(NUMBERS @ np.ones((3, 4), "float32"))
    history = model.fit(NUMBERS, targets, epochs=30, verbose=0).history
    assert history["loss"][-1] < 0.25 * history["loss"][0]
    for layer in model.layers[2:]:
        layer.set_weights([np.zeros_like(array(weight)) for weight in layer.get_weights()])
    kernel, bias = model.get_layer("stem").get_weights()
    np.testing.assert_allclose(model.predict(NUMBERS, verbose=0), np.maximum(NUMBERS @ kernel + bias, 0), atol=1e-5)


def test_wide_and_deep():
    input_wide = layers.Input(shape=(2,), name="wide_input")
    input_deep = layers.Input(shape=(3,), name="deep_input")
    hidden1 = layers.Dense(8, activation="relu")(input_deep)
    hidden2 = layers.Dense(8, activation="relu")(hidden1)
    concat = layers.Concatenate()([input_wide, hidden2])
    output = layers.Dense(1, name="output")(concat)
    aux_output = layers.Dense(1, name="aux_output")(hidden2)
    model = keras.Model(inputs=[input_wide, input_deep], outputs=[output, aux_output])
    model.compile(loss=("mse", "mse"), loss_weights=(0.9, 0.1), optimizer="sgd", metrics=["mae", "mse"])
    wide = NUMBERS[:, :2]
    history = model.fit((wide, NUMBERS), (PRICE, PRICE), epochs=2, verbose=0).history
    assert list(history) == ["aux_output_loss", "aux_output_mse", "loss", "output_loss", "output_mae"]
    total, main_loss, aux_loss, aux_mse, mae = model.evaluate((wide, NUMBERS), (PRICE, PRICE), verbose=0)
    assert total == pytest.approx(0.9 * main_loss + 0.1 * aux_loss, rel=1e-5)
    main, aux = model.predict((wide, NUMBERS), verbose=0)
    assert mae == pytest.approx(np.mean(np.abs(main - PRICE)), rel=1e-4)
    assert aux_mse == pytest.approx(np.mean((aux - PRICE) ** 2), rel=1e-4) and aux_mse == pytest.approx(aux_loss)
    kernel, _ = model.get_layer("output").get_weights()
    moved = model.predict((wide + np.array([1, 0]), NUMBERS), verbose=0)[0]
    np.testing.assert_allclose(moved - main, kernel[0, 0], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Add", [[5.0, 1.0]]),
        ("Subtract", [[-3.0, 3.0]]),
        ("Multiply", [[4.0, -2.0]]),
        ("Average", [[2.5, 0.5]]),
        ("Maximum", [[4.0, 2.0]]),
        ("Minimum", [[1.0, -1.0]]),
        ("Concatenate", [[1.0, 2.0, 4.0, -1.0]]),
    ],
)
def test_merging_layers_and_functions(name, expected):
    values = [np.array([[1.0, 2.0]], "float32"), np.array([[4.0, -1.0]], "float32")]
    symbols = [keras.Input((2,)), keras.Input((2,))]
    for merged in (getattr(layers, name)(), getattr(layers, name.lower())):
        assert array(merged(values)).tolist() == expected
        assert keras.Model(symbols, merged(symbols)).predict(values, verbose=0).tolist() == expected


def test_what_cannot_be_merged_is_refused():
    with pytest.raises(ValueError, match="shape"):
        layers.Add()([keras.Input((3,)), keras.Input((2,))])
    with pytest.raises(ValueError, match="2"):
        layers.Subtract()([keras.Input((3,))] * 3)
    with pytest.raises(ValueError, match="shape"):
        layers.Concatenate(axis=1)([keras.Input((4, 3)), keras.Input((4, 2))])
    assert layers.Concatenate(axis=1)([keras.Input((4, 3)), keras.Input((2, 3))]).shape == (None, 6, 3)
    assert layers.Multiply()([keras.Input((3,)), keras.Input((1,))]).shape == (None, 3)


def test_arithmetic_of_symbols():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    model = keras.Model([a, b], [a + b, a - b, a * b, 2 * a + 1])
    x, y = NUMBERS[:4], NUMBERS[4:8]
    for found, expected in zip(model.predict([x, y], verbose=0), [x + y, x - y, x * y, 2 * x + 1], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_order_of_layers_and_weights():
    """By the distance from the outputs, so that `get_weights` of Keras fits."""
    inputs = keras.Input((3,), name="inputs")
    long = layers.Dense(2, name="a2")(layers.Dense(2, name="a1")(inputs))
    short = layers.Dense(2, name="b")(inputs)
    joined = layers.Concatenate(name="joined")([short, layers.Dense(2, name="a3")(long)])
    model = keras.Model(inputs, layers.Dense(1, name="last")(joined))
    assert [layer.name for layer in model.layers] == ["inputs", "a1", "a2", "b", "a3", "joined", "last"]
    assert [weight.path for weight in model.weights][4:8] == ["b/kernel", "b/bias", "a3/kernel", "a3/bias"]
