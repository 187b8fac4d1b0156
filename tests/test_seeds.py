"""Programs from which people learn what a network is, in fastmlp's terms: each runs, and does what it is told for.

They are those of F. Chollet, Deep Learning with Python, 2nd edition, chapters 2 and 3, of TensorFlow's first tutorials,
and of texts after M. Nielsen, Neural Networks and Deep Learning. `keras` and `tensorflow.keras` became `fastmlp`; where
a program asks a gradient tape, it asks `model.gradients` or a kernel instead.
"""

import datetime
import random
import time
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from fastmlp import kernels
from fastmlp.datasets import digits, idx


@pytest.fixture(autouse=True)
def mnist_of_digits(tmp_path, monkeypatch):
    """What `mnist.load_data()` finds: the bundled digits, drawn three times as large on MNIST's 28x28 pixels."""
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for part, (images, labels) in zip(("train", "t10k"), digits.load_data(), strict=True):
        large = np.kron(images, np.ones((3, 3), np.uint8)).astype(int) * 255 // 16
        idx.write_idx(folder / f"{part}-images-idx3-ubyte", np.pad(large, ((0, 0), (2, 2), (2, 2))).astype(np.uint8))
        idx.write_idx(folder / f"{part}-labels-idx1-ubyte", labels)
    monkeypatch.setenv("FASTMLP_DATA", str(folder.parent))
    return folder


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


# Operations as loops, in the words of the book.


def naive_relu(x):
    assert len(x.shape) == 2
    x = x.copy()
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] = max(x[i, j], 0)
    return x


def naive_add(x, y):
    assert len(x.shape) == 2 and x.shape == y.shape
    x = x.copy()
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] += y[i, j]
    return x


def naive_add_matrix_and_vector(x, y):
    assert len(x.shape) == 2 and len(y.shape) == 1 and x.shape[1] == y.shape[0]
    x = x.copy()
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] += y[j]
    return x


def naive_vector_dot(x, y):
    assert len(x.shape) == 1 and len(y.shape) == 1 and x.shape[0] == y.shape[0]
    z = 0.0
    for i in range(x.shape[0]):
        z += x[i] * y[i]
    return z


def naive_matrix_vector_dot(x, y):
    z = np.zeros(x.shape[0])
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            z[i] += x[i, j] * y[j]
    return z


def naive_matrix_dot(x, y):
    assert len(x.shape) == 2 and len(y.shape) == 2 and x.shape[1] == y.shape[0]
    z = np.zeros((x.shape[0], y.shape[1]))
    for i in range(x.shape[0]):
        for j in range(y.shape[1]):
            row_x = x[i, :]
            column_y = y[:, j]
            z[i, j] = naive_vector_dot(row_x, column_y)
    return z


def test_operations_as_loops_have_the_bits_of_the_kernels():
    rng = np.random.default_rng(0)
    x, y, v = rng.normal(size=(20, 100)), rng.normal(size=(20, 100)), rng.normal(size=100)
    np.testing.assert_array_equal(kernels.relu(x), naive_relu(x))
    np.testing.assert_array_equal(kernels.add(x, y), naive_add(x, y))
    np.testing.assert_array_equal(kernels.add_matrix_and_vector(x, v), naive_add_matrix_and_vector(x, v))
    assert kernels.vector_dot(x[0], v) == naive_vector_dot(x[0], v)
    np.testing.assert_array_equal(kernels.matrix_vector_dot(x, v), naive_matrix_vector_dot(x, v))
    by_rows = np.array([naive_vector_dot(x[i, :], v) for i in range(x.shape[0])])
    np.testing.assert_array_equal(kernels.matrix_vector_dot(x, v), by_rows)
    np.testing.assert_array_equal(kernels.matrix_dot(x, y.T), naive_matrix_dot(x, y.T))


def test_operations_as_loops_take_longer_than_the_kernels():
    rng = np.random.default_rng(0)
    x, y = rng.random((20, 100)), rng.random((20, 100))
    t0 = time.perf_counter()
    for _ in range(10):
        z = kernels.relu(kernels.add(x, y))
    compiled = time.perf_counter() - t0
    t0 = time.perf_counter()
    for _ in range(10):
        naive = naive_relu(naive_add(x, y))
    assert time.perf_counter() - t0 > compiled and np.array_equal(z, naive)


def test_matrices_are_reshaped_and_transposed():
    x = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    np.testing.assert_array_equal(kernels.reshape(x, 6, 1), x.reshape((6, 1)))
    assert kernels.transpose(np.zeros((300, 20))).shape == (20, 300)


def test_a_velocity_that_looks_ahead_is_nesterovs():
    target, momentum, learning_rate = 3.0, 0.1, 0.05
    w, past_velocity = 0.0, 0.0
    weights, m = np.zeros(1), np.zeros(1)
    loss, steps = (w - target) ** 2, 0
    while loss > 0.01:
        gradient = 2 * (w - target)
        velocity = past_velocity * momentum - learning_rate * gradient
        w = w + momentum * velocity - learning_rate * gradient
        past_velocity = velocity
        loss, steps = (w - target) ** 2, steps + 1
        kernels.nesterov(weights, np.array([gradient]), m, learning_rate, momentum)
        assert weights[0] == pytest.approx(w, rel=1e-14) and m[0] == pytest.approx(velocity, rel=1e-13)
    assert 10 < steps < 100


def test_gradients_of_a_tape_are_those_of_dense_kernels():
    # y = 2 * x + 3 by x: for a number, and for each element of a tensor
    for shape in ((1, 1), (4, 1)):
        by_x = kernels.dense_input_gradient(np.ones(shape), np.array([[2.0]]))
        np.testing.assert_array_equal(by_x, np.full(shape, 2.0))
    # y = matmul(x, W) + b by the list [W, b]
    x = np.random.default_rng(0).random((2, 2))
    dy = np.ones((2, 2))
    by_w, by_b = kernels.dense_kernel_gradient(x, dy), kernels.dense_bias_gradient(dy)
    np.testing.assert_array_equal(by_w, x.T @ dy)
    np.testing.assert_array_equal(by_b, [2.0, 2.0])


class NaiveDense:
    """The book's layer, on kernels; a tape's part is `dense_kernel_gradient` and its relatives."""

    def __init__(self, input_size, output_size, activation, generator):
        self.activation = getattr(kernels, activation)
        self.slope = getattr(kernels, f"{activation}_gradient")
        self.W = generator.uniform(0, 1e-1, (input_size, output_size))
        self.b = np.zeros((output_size,))

    def __call__(self, inputs):
        self.inputs = inputs
        self.outputs = self.activation(kernels.add_matrix_and_vector(kernels.matrix_dot(inputs, self.W), self.b))
        return self.outputs

    @property
    def weights(self):
        return [self.W, self.b]


def test_a_network_from_scratch_goes_the_way_of_sequential():
    import fastmlp as keras
    from fastmlp.datasets import mnist

    (train_images, train_labels), (test_images, _) = mnist.load_data()
    images, tests = (part.reshape((len(part), 28 * 28)) / 255 for part in (train_images, test_images))
    generator = np.random.default_rng(0)
    first, last = NaiveDense(784, 16, "relu", generator), NaiveDense(16, 10, "softmax", generator)
    weights = first.weights + last.weights
    assert len(weights) == 4
    model = keras.Sequential([keras.layers.Dense(16, "relu"), keras.layers.Dense(10, "softmax")], dtype="float64")
    model.build((784,))
    model.set_weights(weights)
    model.compile(keras.optimizers.SGD(learning_rate=1e-2), "sparse_categorical_crossentropy")

    losses = []
    for index in range(0, len(images), 128):
        images_batch, labels_batch = images[index : index + 128], train_labels[index : index + 128].astype(np.int32)
        predictions = last(first(images_batch))
        losses.append(kernels.sparse_categorical_crossentropy(labels_batch, predictions).mean())
        dy = kernels.sparse_categorical_crossentropy_gradient(labels_batch, predictions)
        dz_last = last.slope(last.outputs, dy)
        dz_first = first.slope(first.outputs, kernels.dense_input_gradient(dz_last, last.W))
        gradients = []
        for layer, dz in ((first, dz_first), (last, dz_last)):
            gradients += [kernels.dense_kernel_gradient(layer.inputs, dz), kernels.dense_bias_gradient(dz)]
        for g, w in zip(gradients, weights, strict=True):
            kernels.sgd(w, g, 1e-2)
        assert model.train_on_batch(images_batch, labels_batch) == pytest.approx(losses[-1], rel=1e-9)
    assert losses[-1] < losses[0]
    np.testing.assert_allclose(model.predict(tests), last(first(tests)), rtol=1e-9)


def test_weights_moved_by_hand_are_those_of_sgd():
    import fastmlp as keras

    x, y = np.random.default_rng(0).normal(size=(32, 5)), np.arange(32) % 3
    by_hand, by_rule = (
        keras.Sequential([keras.layers.Dense(7, "relu"), keras.layers.Dense(3, "softmax")], dtype="float64", seed=1)
        for _ in range(2)
    )
    learning_rate = 1e-1
    for model in (by_hand, by_rule):
        model.compile(keras.optimizers.SGD(learning_rate=learning_rate), "sparse_categorical_crossentropy")
    for _ in range(5):
        loss, gradients = by_hand.gradients(x, y)
        by_hand.set_weights([w - g * learning_rate for g, w in zip(gradients, by_hand.get_weights(), strict=True)])
        assert by_rule.train_on_batch(x, y) == loss
    for one, other in zip(by_hand.get_weights(), by_rule.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


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


class Network:
    """A network of sigmoids in NumPy; rows here are columns there."""

    def __init__(self, size, generator):
        self.layers = len(size)
        self.bias = [generator.normal(size=(x, 1)) for x in size[1:]]
        self.weights = [generator.normal(size=(y, x)) for x, y in pairwise(size)]

    def ff(self, a):
        for w, b in zip(self.weights, self.bias, strict=True):
            a = sigmoid(np.dot(w, a) + b)
        return a

    def backprop(self, x, y):
        activation, activations, combination = x, [x], []
        for w, b in zip(self.weights, self.bias, strict=True):
            z = np.dot(w, activation) + b
            combination.append(z)
            activation = sigmoid(z)
            activations.append(activation)
        gradient_b, gradient_w = [None] * (self.layers - 1), [None] * (self.layers - 1)
        delta = (activations[-1] - y) * sigmoid_d(combination[-1])
        gradient_b[-1] = delta
        gradient_w[-1] = np.dot(delta, activations[-2].transpose())
        for n in range(2, self.layers):
            delta = np.dot(self.weights[-n + 1].transpose(), delta) * sigmoid_d(combination[-n])
            gradient_b[-n] = delta
            gradient_w[-n] = np.dot(delta, activations[-n - 1].transpose())
        return gradient_b, gradient_w

    def update(self, mini_batch, rate):
        n = len(mini_batch)
        gradient_b, gradient_w = [np.zeros(b.shape) for b in self.bias], [np.zeros(w.shape) for w in self.weights]
        for X, y in mini_batch:
            delta_b, delta_w = self.backprop(X, y)
            gradient_b = [a + b for a, b in zip(gradient_b, delta_b, strict=True)]
            gradient_w = [a + b for a, b in zip(gradient_w, delta_w, strict=True)]
        self.weights = [w - (rate / n) * dw for w, dw in zip(self.weights, gradient_w, strict=True)]
        self.bias = [b - (rate / n) * db for b, db in zip(self.bias, gradient_b, strict=True)]

    def sgd(self, epochs, batch_size, lr, train):
        for _ in range(epochs):
            random.Random(0).shuffle(train)
            for b in range(0, len(train), batch_size):
                self.update(train[b : b + batch_size], lr)

    def in_rows(self):
        """Weights as fastmlp has them."""
        return [one for w, b in zip(self.weights, self.bias, strict=True) for one in (w.T, b[:, 0])]


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_d(z):
    return sigmoid(z) * (1 - sigmoid(z))


def test_backpropagation_by_hand_goes_the_way_of_sequential():
    import fastmlp as keras

    generator = np.random.default_rng(0)
    by_hand = Network([6, 5, 4], generator)
    x, y = generator.normal(size=(20, 6)), keras.utils.to_categorical(np.arange(20) % 4)
    layers = [keras.layers.Dense(5, "sigmoid"), keras.layers.Dense(4, "sigmoid")]
    model = keras.Sequential(layers, dtype="float64")
    model.build((6,))
    model.set_weights(by_hand.in_rows())
    # The quadratic loss there is half the sum over the outputs, here it is their mean.
    model.compile(keras.optimizers.SGD(3.0 * 4 / 2), "mean_squared_error")
    gradient_b, gradient_w = by_hand.backprop(x[:1].T, y[:1].T)
    _, gradients = model.gradients(x[:1], y[:1])
    for mine, theirs in zip(gradients[::2], gradient_w, strict=True):
        np.testing.assert_allclose(mine * 4 / 2, theirs.T, rtol=1e-12)
    for mine, theirs in zip(gradients[1::2], gradient_b, strict=True):
        np.testing.assert_allclose(mine * 4 / 2, theirs[:, 0], rtol=1e-12)

    rows = [(x[i : i + 1].T, y[i : i + 1].T) for i in range(20)]
    by_hand.sgd(epochs=3, batch_size=5, lr=3.0, train=rows)
    order = list(range(20))
    for _ in range(3):
        random.Random(0).shuffle(order)
        model.fit(x[order], y[order], batch_size=5, shuffle=False, verbose=0)
    np.testing.assert_allclose(model.predict(x), by_hand.ff(x.T).T, rtol=1e-9)


def test_cross_entropy_by_hand_is_the_loss():
    def cross_entropy_loss(y, yhat):
        lsum = np.sum(np.multiply(y, np.log(yhat)))
        _, m = y.shape
        return -(1.0 / m) * lsum

    rng = np.random.default_rng(0)
    y, yhat = np.eye(4)[:, [0, 2, 3]], rng.dirichlet(np.ones(4), 3).T  # a column for each example
    losses = kernels.categorical_crossentropy(y.T, yhat.T)
    assert losses.mean() == pytest.approx(cross_entropy_loss(y, yhat), rel=1e-12)
    two_sided = -np.mean(y * np.log(yhat) + (1 - y) * np.log(1 - yhat))
    assert kernels.binary_crossentropy(y.T, yhat.T).mean() == pytest.approx(two_sided, rel=1e-12)


def test_one_unit_is_updated_by_the_chain_rule_and_by_momentum():
    import fastmlp as keras

    x, target, eta, alpha = 1.5, 0.2, 0.5, 0.9
    w, b, change_w, change_b = 0.8, -0.3, 0.0, 0.0
    model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")], dtype="float64")
    model.build((1,))
    model.set_weights([[[w]], [b]])
    model.compile(keras.optimizers.SGD(eta / 2, momentum=alpha), "mean_squared_error")  # there it is halved
    for _ in range(10):
        a = sigmoid(w * x + b)
        by_input = (a - target) * a * (1 - a)  # the loss by the output, times the output by the unit's input
        change_w, change_b = -eta * by_input * x + alpha * change_w, -eta * by_input + alpha * change_b
        w, b = w + change_w, b + change_b
        model.train_on_batch([[x]], [[target]])
    kernel, bias = model.get_weights()
    assert kernel[0, 0] == pytest.approx(w, rel=1e-12) and bias[0] == pytest.approx(b, rel=1e-12)
    assert abs(sigmoid(w * x + b) - target) < 0.2
