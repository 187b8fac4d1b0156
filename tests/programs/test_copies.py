"""Copies of models: clones, configurations, files, pickles."""

import copy
import pickle

import numpy as np
import pytest

from tests.programs import MODEL_FILE, WEIGHTS_FILE, array, keras, layers

RANDOM = np.random.default_rng(6)
X, OTHER = RANDOM.normal(size=(2, 40, 4)).astype("float32")
Y = (X[:, :1] - OTHER[:, 1:2]).astype("float32")


def siamese():
    """A shared tower, a branch beside it, and two outputs."""
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    tower = keras.Sequential([keras.Input((4,)), layers.Dense(5, "tanh"), layers.BatchNormalization()], name="tower")
    shared = layers.Dense(3, name="shared", kernel_regularizer=keras.regularizers.L2(0.01))
    apart = layers.subtract([shared(tower(left)), shared(tower(right))])
    distance = layers.Dense(1, name="distance")(layers.concatenate([apart, left]))
    return keras.Model([left, right], [distance, layers.Dense(2, name="kind")(apart)], name="siamese")


def fitted():
    model = siamese()
    losses, weights = {"distance": "mse", "kind": "mae"}, {"distance": 1.0, "kind": 0.25}
    model.compile(keras.optimizers.Adam(0.01), losses, loss_weights=weights, metrics={"distance": ["mae"]})
    model.fit([X, OTHER], [Y, X[:, :2]], epochs=2, batch_size=16, shuffle=False, verbose=0)
    return model


def saved(model, path):
    model.save(path / MODEL_FILE)
    return keras.models.load_model(path / MODEL_FILE)


@pytest.mark.parametrize(
    "way",
    [saved, lambda model, path: pickle.loads(pickle.dumps(model)), lambda model, path: copy.deepcopy(model)],
    ids=["file", "pickle", "deepcopy"],
)
def test_a_copy_goes_on_as_the_model_does(way, tmp_path):
    model = fitted()
    other = way(model, tmp_path)
    assert [layer.name for layer in other.layers] == [layer.name for layer in model.layers]
    assert other.get_layer("shared") is not model.get_layer("shared") and len(other.weights) == 12 == len(model.weights)
    for found, expected in zip(other.predict([X, OTHER], verbose=0), model.predict([X, OTHER], verbose=0), strict=True):
        assert np.array_equal(found, expected)
    for one in (model, other):
        one.fit([X, OTHER], [Y, X[:, :2]], batch_size=16, shuffle=False, verbose=0)
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6)
    results = [one.evaluate([X, OTHER], [Y, X[:, :2]], verbose=0, return_dict=True) for one in (model, other)]
    assert results[0] == pytest.approx(results[1], rel=1e-5) and "distance_mae" in results[0]


def test_weights_alone(tmp_path):
    model, other = fitted(), siamese()
    model.save_weights(tmp_path / WEIGHTS_FILE)
    other.load_weights(tmp_path / WEIGHTS_FILE)
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(one, two)


def test_from_the_configuration():
    model = siamese()
    other = keras.Model.from_config(model.get_config())
    assert [layer.name for layer in other.layers] == [layer.name for layer in model.layers]
    assert other.output_names == ["distance", "kind"] and other.name == "siamese" and len(other.weights) == 12
    other.set_weights(model.get_weights())
    for found, expected in zip(other.predict([X, OTHER], verbose=0), model.predict([X, OTHER], verbose=0), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    row = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="relu"), layers.Dropout(0.3)], name="row")
    again = keras.Sequential.from_config(row.get_config())
    assert again.name == "row" and again.layers[1].rate == 0.3 and again.output_shape == (None, 3)
    layer = layers.Dense.from_config(layers.Dense(7, activation="tanh", name="one").get_config())
    assert layer.units == 7 and layer.name == "one"


def test_clones_have_their_own_weights():
    model = fitted()
    clone = keras.models.clone_model(model)
    assert [layer.name for layer in clone.layers] == [layer.name for layer in model.layers]
    assert not np.array_equal(clone.get_layer("shared").get_weights()[0], model.get_layer("shared").get_weights()[0])
    clone.set_weights(model.get_weights())
    expected = model.predict([X, OTHER], verbose=0)[0]
    np.testing.assert_allclose(clone.predict([X, OTHER], verbose=0)[0], expected, rtol=1e-5, atol=1e-6)
    clone.get_layer("shared").set_weights([np.zeros((5, 3)), np.zeros(3)])
    np.testing.assert_allclose(model.predict([X, OTHER], verbose=0)[0], expected, rtol=1e-6)


def test_target_network():
    """As deep Q-learning does it: a clone that takes over the weights now and then."""
    model = keras.Sequential([keras.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(2)])
    target = keras.models.clone_model(model)
    target.set_weights(model.get_weights())
    model.compile(keras.optimizers.Adam(0.01), "huber")
    rewards, actions = RANDOM.normal(size=40).astype("float32"), RANDOM.integers(0, 2, 40)
    for _ in range(3):
        q_values = model.predict_on_batch(X)
        q_values[np.arange(40), actions] = rewards + 0.9 * target.predict_on_batch(OTHER).max(axis=1)
        model.train_on_batch(X, q_values)
    assert not np.array_equal(model.get_weights()[0], target.get_weights()[0])
    tau = 0.25
    expected = [
        tau * np.array(a) + (1 - tau) * b for a, b in zip(model.get_weights(), target.get_weights(), strict=True)
    ]
    target.set_weights(expected)
    for found, weight in zip(target.get_weights(), expected, strict=True):
        np.testing.assert_allclose(found, weight, rtol=1e-6)


def test_the_best_model_of_a_fit(tmp_path):
    model = siamese()
    model.compile("adam", "mse")
    path = str(tmp_path / MODEL_FILE)
    checkpoint = keras.callbacks.ModelCheckpoint(path, monitor="val_loss", mode="min", save_best_only=True)
    targets = [Y, X[:, :2]]
    history = model.fit(
        [X, OTHER], targets, validation_split=0.5, epochs=4, callbacks=[checkpoint], shuffle=False, verbose=0
    ).history
    best = keras.models.load_model(path)
    half = [X[20:], OTHER[20:]], [target[20:] for target in targets]
    assert best.evaluate(*half, verbose=0)[0] == pytest.approx(min(history["val_loss"]), rel=1e-5)


def test_values_of_variables():
    layer = layers.Dense(2, name="one")
    layer.build((None, 4))
    assert [weight.name for weight in layer.weights] == ["kernel", "bias"]
    assert [weight.path for weight in layer.weights] == ["one/kernel", "one/bias"]
    assert tuple(layer.kernel.shape) == (4, 2) and layer.kernel.dtype == "float32"
    layer.kernel.assign(np.ones((4, 2)))
    np.testing.assert_allclose(array(layer(X)), np.repeat(X.sum(axis=1)[:, None], 2, axis=1), rtol=1e-4, atol=1e-5)
    assert np.array_equal(np.asarray(layer.kernel.numpy()), np.ones((4, 2)))
    with pytest.raises(ValueError, match="shape"):
        layer.kernel.assign(np.ones((2, 4)))
    with pytest.raises(ValueError, match="weights"):
        layer.set_weights([np.ones((4, 2))])
