"""The Keras parts of TensorFlow's tutorials for beginners, in words of our own: cell by cell, on made-up data."""

import os

import numpy as np
import pandas as pd
import pytest

from tests.programs import array, keras, layers

RANDOM = np.random.default_rng(8)
STAMPS = RANDOM.integers(0, 256, (10, 28, 28)) * (RANDOM.random((10, 28, 28)) < 0.3)


def pictures(count):
    """Pictures of ten kinds, each with noise, and what they are."""
    kinds = RANDOM.integers(0, 10, count).astype(np.uint8)
    noisy = STAMPS[kinds] + RANDOM.normal(0, 60, (count, 28, 28))
    return np.clip(noisy, 0, 255).astype(np.uint8), kinds


def test_quickstart_for_beginners():
    (x_train, y_train), (x_test, y_test) = pictures(1500), pictures(300)
    x_train, x_test = x_train / 255.0, x_test / 255.0

    model = keras.models.Sequential(
        [
            layers.Flatten(input_shape=(28, 28)),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10),
        ]
    )
    predictions = array(model(x_train[:1]))
    assert predictions.shape == (1, 10)
    assert array(keras.activations.softmax(predictions)).sum() == pytest.approx(1.0, abs=1e-5)

    loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert 0.2 < array(loss_fn(y_train[:1], predictions)) < 12

    model.compile(optimizer="adam", loss=loss_fn, metrics=["accuracy"])
    model.fit(x_train, y_train, epochs=5, verbose=0)
    loss, accuracy = model.evaluate(x_test, y_test, verbose=2)
    assert loss < 0.2 and accuracy > 0.95

    probability_model = keras.Sequential([model, layers.Softmax()])
    probabilities = array(probability_model(x_test[:5]))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)


def test_basic_classification():
    class_names = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot"]
    (train_images, train_labels), (test_images, test_labels) = pictures(1500), pictures(300)
    train_images, test_images = train_images / 255.0, test_images / 255.0

    model = keras.Sequential(
        [layers.Flatten(input_shape=(28, 28)), layers.Dense(128, activation="relu"), layers.Dense(10)]
    )
    model.compile(
        optimizer="adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    model.fit(train_images, train_labels, epochs=10, verbose=0)
    _, test_acc = model.evaluate(test_images, test_labels, verbose=2)
    assert test_acc > 0.95

    probability_model = keras.Sequential([model, layers.Softmax()])
    predictions = probability_model.predict(test_images)
    assert predictions.shape == (300, 10)
    assert np.mean(np.argmax(predictions, axis=1) == test_labels) == pytest.approx(test_acc)

    one = np.expand_dims(test_images[1], 0)
    predictions_single = probability_model.predict(one)
    np.testing.assert_allclose(predictions_single, predictions[1:2], rtol=1e-4, atol=1e-6)
    assert class_names[np.argmax(predictions_single[0])] == class_names[test_labels[1]]


def cars():
    """A table like that of the fuel consumption of cars."""
    horsepower, weight = RANDOM.uniform(50, 200, 314), RANDOM.uniform(1600, 5000, 314)
    table = pd.DataFrame({"Horsepower": horsepower, "Weight": weight, "Model Year": RANDOM.integers(70, 83, 314)})
    origin = pd.Series(RANDOM.integers(1, 4, 314)).map({1: "USA", 2: "Europe", 3: "Japan"})
    table = pd.get_dummies(table.assign(Origin=origin), columns=["Origin"], prefix="", prefix_sep="", dtype=float)
    table["MPG"] = 46 - 0.09 * horsepower - 0.004 * weight + RANDOM.normal(0, 1, 314)
    return table


def test_regression(tmp_path):
    dataset = cars()
    train_dataset = dataset.sample(frac=0.8, random_state=0)
    test_dataset = dataset.drop(train_dataset.index)
    train_features, test_features = train_dataset.copy(), test_dataset.copy()
    train_labels, test_labels = train_features.pop("MPG"), test_features.pop("MPG")

    normalizer = layers.Normalization(axis=-1)
    normalizer.adapt(np.array(train_features))
    np.testing.assert_allclose(np.ravel(array(normalizer.mean)), train_features.mean(), rtol=1e-5)
    first = np.array(train_features[:1])
    expected = (first - np.array(train_features).mean(0)) / np.array(train_features).std(0)
    np.testing.assert_allclose(array(normalizer(first)), expected, rtol=1e-3, atol=1e-4)

    horsepower = np.array(train_features["Horsepower"])
    horsepower_normalizer = layers.Normalization(input_shape=[1], axis=None)
    horsepower_normalizer.adapt(horsepower)
    horsepower_model = keras.Sequential([horsepower_normalizer, layers.Dense(units=1)])
    horsepower_model.summary(print_fn=lambda *line, **settings: None)
    assert horsepower_model.predict(horsepower[:10], verbose=0).shape == (10, 1)
    horsepower_model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.1), loss="mean_absolute_error")
    history = horsepower_model.fit(
        train_features["Horsepower"], train_labels, epochs=100, verbose=0, validation_split=0.2
    )
    hist = pd.DataFrame(history.history)
    hist["epoch"] = history.epoch
    assert list(hist.columns) == ["loss", "val_loss", "epoch"] and hist["loss"].iloc[-1] < 0.4 * hist["loss"].iloc[0]
    test_results = {"horsepower_model": horsepower_model.evaluate(test_features["Horsepower"], test_labels, verbose=0)}
    x = np.linspace(0.0, 250, 251)
    assert horsepower_model.predict(x, verbose=0).shape == (251, 1)

    linear_model = keras.Sequential([normalizer, layers.Dense(units=1)])
    assert linear_model.predict(train_features[:10], verbose=0).shape == (10, 1)
    assert array(linear_model.layers[1].kernel).shape == (6, 1)
    linear_model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.1), loss="mean_absolute_error")
    linear_model.fit(train_features, train_labels, epochs=100, verbose=0, validation_split=0.2)
    test_results["linear_model"] = linear_model.evaluate(test_features, test_labels, verbose=0)

    dnn_model = keras.Sequential(
        [normalizer, layers.Dense(64, activation="relu"), layers.Dense(64, activation="relu"), layers.Dense(1)]
    )
    dnn_model.compile(loss="mean_absolute_error", optimizer=keras.optimizers.Adam(0.001))
    dnn_model.fit(train_features, train_labels, validation_split=0.2, verbose=0, epochs=100)
    test_results["dnn_model"] = dnn_model.evaluate(test_features, test_labels, verbose=0)
    table = pd.DataFrame(test_results, index=["Mean absolute error [MPG]"]).T
    assert table.shape == (3, 1) and test_results["dnn_model"] < test_results["horsepower_model"]

    error = dnn_model.predict(test_features, verbose=0).flatten() - test_labels
    assert np.abs(error).mean() == pytest.approx(test_results["dnn_model"], rel=1e-4)
    dnn_model.save(tmp_path / "dnn_model.keras")
    reloaded = keras.models.load_model(tmp_path / "dnn_model.keras")
    test_results["reloaded"] = reloaded.evaluate(test_features, test_labels, verbose=0)
    assert test_results["reloaded"] == pytest.approx(test_results["dnn_model"], rel=1e-6)


def create_model():
    model = keras.Sequential(
        [layers.Dense(64, activation="relu", input_shape=(784,)), layers.Dropout(0.2), layers.Dense(10)]
    )
    model.compile(
        optimizer="adam",
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy()],
    )
    return model


def test_save_and_load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (train_images, train_labels), (test_images, test_labels) = pictures(1000), pictures(1000)
    train_images = train_images.reshape(-1, 28 * 28) / 255.0
    test_images = test_images.reshape(-1, 28 * 28) / 255.0

    model = create_model()
    model.summary(print_fn=lambda *line, **settings: None)
    checkpoint_path = "training_1/cp.weights.h5"
    cp_callback = keras.callbacks.ModelCheckpoint(filepath=checkpoint_path, save_weights_only=True, verbose=1)
    model.fit(
        train_images,
        train_labels,
        epochs=5,
        validation_data=(test_images, test_labels),
        callbacks=[cp_callback],
        verbose=0,
    )
    assert os.listdir("training_1") == ["cp.weights.h5"]

    untrained = create_model()
    _, before = untrained.evaluate(test_images, test_labels, verbose=2)
    untrained.load_weights(checkpoint_path)
    _, accuracy = untrained.evaluate(test_images, test_labels, verbose=2)
    assert before < 0.5 < 0.9 < accuracy and accuracy == model.evaluate(test_images, test_labels, verbose=0)[1]

    checkpoint_path, batch_size = "training_2/cp-{epoch:04d}.weights.h5", 32
    n_batches = int(np.ceil(len(train_images) / batch_size))
    cp_callback = keras.callbacks.ModelCheckpoint(
        filepath=checkpoint_path, verbose=1, save_weights_only=True, save_freq=5 * n_batches
    )
    model = create_model()
    os.makedirs(os.path.dirname(checkpoint_path))
    model.save_weights(checkpoint_path.format(epoch=0))
    model.fit(train_images, train_labels, epochs=10, batch_size=batch_size, callbacks=[cp_callback], verbose=0)
    names = sorted(os.listdir("training_2"))
    assert names == ["cp-0000.weights.h5", "cp-0005.weights.h5", "cp-0010.weights.h5"]
    latest = create_model()
    latest.load_weights(os.path.join("training_2", names[-1]))
    np.testing.assert_allclose(latest.predict(test_images[:5], verbose=0), model.predict(test_images[:5], verbose=0))

    os.makedirs("checkpoints")
    model.save_weights("./checkpoints/my_checkpoint.weights.h5")
    again = create_model()
    again.load_weights("./checkpoints/my_checkpoint.weights.h5")
    assert again.evaluate(test_images, test_labels, verbose=0)[1] > 0.9

    for path in ("my_model.keras", "my_model.h5"):
        model.save(path)
        new_model = keras.models.load_model(path)
        new_model.summary(print_fn=lambda *line, **settings: None)
        found = new_model.evaluate(test_images, test_labels, verbose=2)
        np.testing.assert_allclose(found, model.evaluate(test_images, test_labels, verbose=0), rtol=1e-5)
        assert new_model.predict(test_images, verbose=0).shape == (1000, 10)


def test_imbalanced_data(tmp_path):
    features = RANDOM.normal(size=(4000, 8)).astype(np.float32)
    labels = (features[:, 0] + features[:, 1] + RANDOM.normal(0, 0.3, 4000) > 2.6).astype(int).reshape(-1, 1)
    pos, neg = int(labels.sum()), int((labels == 0).sum())
    assert 0.02 < pos / (neg + pos) < 0.06
    train, train_y, val, val_y = features[:3000], labels[:3000], features[3000:], labels[3000:]
    metrics = [
        keras.metrics.BinaryCrossentropy(name="cross entropy"),
        keras.metrics.MeanSquaredError(name="Brier score"),
        keras.metrics.TruePositives(name="tp"),
        keras.metrics.FalsePositives(name="fp"),
        keras.metrics.TrueNegatives(name="tn"),
        keras.metrics.FalseNegatives(name="fn"),
        keras.metrics.BinaryAccuracy(name="accuracy"),
        keras.metrics.Precision(name="precision"),
        keras.metrics.Recall(name="recall"),
        keras.metrics.AUC(name="auc"),
        keras.metrics.AUC(name="prc", curve="PR"),
    ]

    def make_model(metrics=metrics, output_bias=None):
        if output_bias is not None:
            output_bias = keras.initializers.Constant(output_bias)
        model = keras.Sequential(
            [
                layers.Dense(16, activation="relu", input_shape=(train.shape[-1],)),
                layers.Dropout(0.5),
                layers.Dense(1, activation="sigmoid", bias_initializer=output_bias),
            ]
        )
        model.compile(
            optimizer=keras.optimizers.Adam(learning_rate=1e-3),
            loss=keras.losses.BinaryCrossentropy(),
            metrics=metrics,
        )
        return model

    def early_stopping():
        return keras.callbacks.EarlyStopping(
            monitor="val_prc", verbose=1, patience=10, mode="max", restore_best_weights=True
        )

    initial_bias = np.log([pos / neg])
    model = make_model(output_bias=initial_bias)
    assert model.predict(train[:10], verbose=0).shape == (10, 1)
    results = model.evaluate(train, train_y, verbose=0, return_dict=True)
    assert results["loss"] < 0.4 and results["tp"] + results["fn"] == train_y.sum()

    initial_weights = tmp_path / "initial.weights.h5"
    model.save_weights(initial_weights)
    zero_bias, careful = make_model(), make_model()
    for one in (zero_bias, careful):
        one.load_weights(initial_weights)
    zero_bias.layers[-1].bias.assign([0.0])
    zero = zero_bias.fit(train, train_y, batch_size=512, epochs=5, validation_data=(val, val_y), verbose=0)
    history = careful.fit(train, train_y, batch_size=512, epochs=5, validation_data=(val, val_y), verbose=0)
    assert history.history["loss"][0] < zero.history["loss"][0]

    model = make_model(output_bias=initial_bias)
    model.load_weights(initial_weights)
    baseline = model.fit(
        train,
        train_y,
        batch_size=256,
        epochs=40,
        callbacks=[early_stopping()],
        validation_data=(val, val_y),
        verbose=0,
    )
    assert {"val_prc", "cross entropy", "val_Brier score", "fn"} <= set(baseline.history)
    assert max(baseline.history["val_auc"]) > 0.9
    predictions = model.predict(val, batch_size=2048, verbose=0)
    values = model.evaluate(val, val_y, verbose=0, return_dict=True)
    assert values["tp"] == int(((predictions > 0.5) & (val_y == 1)).sum())

    weight_for_0, weight_for_1 = (1 / neg) * (neg + pos) / 2.0, (1 / pos) * (neg + pos) / 2.0
    weighted = make_model()
    weighted.load_weights(initial_weights)
    weighted.fit(
        train,
        train_y,
        batch_size=256,
        epochs=40,
        callbacks=[early_stopping()],
        validation_data=(val, val_y),
        class_weight={0: weight_for_0, 1: weight_for_1},
        verbose=0,
    )
    assert ((weighted.predict(val, verbose=0) > 0.5) & (val_y == 1)).sum() > 0.7 * val_y.sum()

    def resampled(batch=128):
        positive, negative = train[train_y[:, 0] == 1], train[train_y[:, 0] == 0]
        while True:
            half = batch // 2
            rows = [part[RANDOM.integers(0, len(part), half)] for part in (positive, negative)]
            yield np.concatenate(rows), np.repeat([1, 0], half).reshape(-1, 1)

    steps = int(np.ceil(2.0 * neg / 128))
    resampled_model = make_model()
    resampled_model.load_weights(initial_weights)
    resampled_model.layers[-1].bias.assign([0])
    resampled_model.fit(
        resampled(),
        epochs=3,
        steps_per_epoch=steps,
        callbacks=[early_stopping()],
        validation_data=(val, val_y),
        verbose=0,
    )
    assert resampled_model.evaluate(val, val_y, return_dict=True, verbose=0)["recall"] > 0.7
