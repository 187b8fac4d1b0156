"""Programs from which people learn what a network is, in fastmlp's terms: each runs, and does what it is told for.

They are those of F. Chollet, Deep Learning with Python, 2nd edition, chapters 2 and 3, of TensorFlow's first tutorials,
and of texts after M. Nielsen, Neural Networks and Deep Learning. `keras` and `tensorflow.keras` became `fastmlp`; where
a program asks a gradient tape, it asks `model.gradients` or a kernel instead.
"""

import datetime

import matplotlib
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

pytestmark = pytest.mark.usefixtures("mnist_of_digits")


@pytest.fixture
def pyplot(monkeypatch):
    """pyplot, which draws into memory."""
    with matplotlib.rc_context({"backend": "agg"}):
        import matplotlib.pyplot as plt

        monkeypatch.setattr(plt, "show", lambda: None)
        yield plt
        plt.close("all")


def test_two_dense_layers_learn_to_read_digits_by_rmsprop(pyplot):
    import fastmlp as keras
    from fastmlp import layers
    from fastmlp.datasets import mnist

    (train_images, train_labels), (test_images, test_labels) = mnist.load_data()
    assert train_images.shape == (1437, 28, 28) and train_images.ndim == 3 and train_images.dtype == np.uint8
    assert len(train_labels) == 1437 and len(test_labels) == 360
    test_images_2 = test_images
    model = keras.Sequential([layers.Dense(512, activation="relu"), layers.Dense(10, activation="softmax")], seed=0)
    model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    train_images = train_images.reshape((1437, 28 * 28))
    train_images = train_images.astype("float32") / 255
    test_images = test_images.reshape((360, 28 * 28))
    test_images = test_images.astype("float32") / 255
    history = model.fit(train_images, train_labels, epochs=5, batch_size=128)
    assert history.history["accuracy"][-1] > 0.9

    test_digits = test_images[0:10]
    predictions = model.predict(test_digits)
    assert predictions[0].argmax() == test_labels[0] and predictions[0][test_labels[0]] > 0.5
    num_row, num_col = 2, 5
    _, axes = pyplot.subplots(num_row, num_col, figsize=(1.5 * num_col, 2 * num_row))
    for i in range(10):
        ax = axes[i // num_col, i % num_col]
        ax.imshow(test_images_2[i], cmap="gray")
        ax.set_title(f"Label: {test_labels[i]}\nPredict: {predictions[i].argmax()}")
    pyplot.tight_layout()
    pyplot.show()

    all_predictions = model.predict(test_images.reshape((360, 28 * 28)))
    predicted_labels = np.argmax(all_predictions, axis=1)
    failed_items = np.not_equal(predicted_labels, test_labels)
    test_fails = test_images[failed_items]
    _, test_acc = model.evaluate(test_images, test_labels)
    assert test_acc > 0.9 and len(test_fails) == round(360 * (1 - test_acc))


def test_flatten_dropout_and_adam_are_watched_by_tensorboard(tmp_path):
    import fastmlp as keras
    from fastmlp.datasets import mnist

    def create_model():
        return keras.models.Sequential(
            [
                keras.layers.Flatten(input_shape=(28, 28)),
                keras.layers.Dense(512, activation="relu"),
                keras.layers.Dropout(0.2),
                keras.layers.Dense(10, activation="softmax"),
            ],
            seed=0,
        )

    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    x_train, x_test = x_train / 255.0, x_test / 255.0
    model = create_model()
    model.summary()
    assert model.count_params() == 512 * 784 + 512 + 512 * 10 + 10 == 407050
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    log_dir = f"{tmp_path}/logs/fit/" + datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    tensorboard_callback = keras.callbacks.TensorBoard(log_dir=log_dir, histogram_freq=1)
    model.fit(x=x_train, y=y_train, epochs=5, validation_data=(x_test, y_test), callbacks=[tensorboard_callback])
    assert model.history.history["val_accuracy"][-1] > 0.9
    events = EventAccumulator(f"{log_dir}/train", {"histograms": 0}).Reload()
    assert len(events.Histograms("sequential/dense/kernel/histogram")) == len(events.Scalars("epoch_loss")) == 5


def test_slices_of_images_are_batches_and_pictures(pyplot):
    import fastmlp as keras
    from fastmlp.datasets import mnist

    (train_images, train_labels), _ = mnist.load_data()
    digit = train_images[4]
    pyplot.imshow(digit, cmap=pyplot.cm.binary)
    pyplot.show()
    my_slice = train_images[10:100]
    assert my_slice.shape == train_images[10:100, :, :].shape == train_images[10:100, 0:28, 0:28].shape == (90, 28, 28)
    middle = train_images[:, 7:-7, 7:-7]
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy")
    for n in range(3):
        batch, labels = middle[128 * n : 128 * (n + 1)], train_labels[128 * n : 128 * (n + 1)]
        assert np.isfinite(model.train_on_batch(batch / 255, labels))
    assert model.predict(middle[:5]).shape == (5, 10)


def test_a_linear_classifier_parts_two_clouds_of_points():
    import fastmlp as keras

    rng = np.random.default_rng(0)
    num_samples_per_class = 200
    covariance = [[1, 0.5], [0.5, 1]]
    negative = rng.multivariate_normal(mean=[0, 3], cov=covariance, size=num_samples_per_class)
    positive = rng.multivariate_normal(mean=[3, 0], cov=covariance, size=num_samples_per_class)
    inputs = np.vstack((negative, positive)).astype(np.float32)
    targets = np.vstack((np.zeros((num_samples_per_class, 1)), np.ones((num_samples_per_class, 1))))
    model = keras.Sequential([keras.layers.Dense(1, kernel_initializer="random_uniform")], seed=0)
    model.compile(loss="mean_squared_error")
    losses = []
    for _ in range(40):
        loss, (grad_W, grad_b) = model.gradients(inputs, targets)
        W, b = model.get_weights()
        model.set_weights([W - grad_W * 0.1, b - grad_b * 0.1])
        losses.append(loss)
    assert losses[-1] < 0.05 < losses[0]
    assert np.mean((model.predict(inputs) > 0.5) == targets) > 0.98


def test_the_inverse_of_a_matrix_is_learned_by_adagrad():
    import fastmlp as keras

    rand_matrix = np.random.default_rng(0).integers(0, 10, (10, 10))
    model = keras.Sequential([keras.layers.Dense(10, use_bias=False, kernel_initializer="zeros")])
    model.compile(keras.optimizers.Adagrad(learning_rate=0.01), "mean_absolute_error")
    losses = []
    for _ in range(2000):  # X A = I, with columns for rows
        losses.append(100 * model.train_on_batch(rand_matrix.T, np.identity(10)))
    x_ = model.get_weights()[0].T
    assert losses[0] == pytest.approx(10) and losses[-1] < 8
    assert np.abs(x_.dot(rand_matrix) - np.identity(10)).sum() == pytest.approx(losses[-1], rel=0.05)


def test_a_loss_of_ones_own_trains_and_finds_ideal_images():
    import fastmlp as keras
    from fastmlp.datasets import mnist

    (x, labels), (x_test, labels_test) = mnist.load_data()
    x, x_test = (part.reshape(-1, 784).astype(np.float32) / 255 for part in (x, x_test))
    y, y_test = (keras.utils.to_categorical(part, 10).astype(np.float32) for part in (labels, labels_test))

    def cross_entropy(y, y_):
        y_clipped = np.clip(y_, 1e-10, 0.9999999)
        losses = -np.sum(y * np.log(y_clipped) + (1 - y) * np.log(1 - y_clipped), axis=1)
        return losses, np.where(y_ == y_clipped, (1 - y) / (1 - y_clipped) - y / y_clipped, 0) / len(y)

    normal = keras.initializers.RandomNormal
    weights = {"kernel_initializer": normal(stddev=0.03), "bias_initializer": normal(stddev=1.0)}
    layers = [keras.layers.Dense(300, "relu", **weights), keras.layers.Dense(10, "softmax", **weights)]
    model = keras.Sequential(layers, seed=0)
    model.compile(keras.optimizers.SGD(0.1), cross_entropy, metrics=["categorical_accuracy"])
    history = model.fit(x, y, batch_size=100, epochs=20, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] / 2
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    assert accuracy > 0.8 and loss == pytest.approx(cross_entropy(y_test, model.predict(x_test))[0].mean(), rel=1e-4)

    image, penalty = np.zeros((1, 784), np.float32), 0.25
    for _ in range(200):
        _, gradient = model.gradients(image, y_test[:1], wrt="input")
        image -= 0.1 * (gradient + 2 * penalty * image)
    assert model.predict(image).argmax() == labels_test[0] and 0 < np.abs(image).max() < 1
