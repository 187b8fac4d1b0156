"""Programs from which people learn what happens inside of a network, written out by hand, in fastmlp's terms.

Their sources are those of test_seeds.py; the steps are loops, kernels, or NumPy, and go the way of the engine.
"""

import random
import time
from itertools import pairwise

import numpy as np
import pytest

from fastmlp import kernels

pytestmark = pytest.mark.usefixtures("mnist_of_digits")


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
    t0 = time.thread_time()
    for _ in range(10):
        z = kernels.relu(kernels.add(x, y))
    compiled = time.thread_time() - t0
    t0 = time.thread_time()
    for _ in range(10):
        naive = naive_relu(naive_add(x, y))
    assert time.thread_time() - t0 > compiled and np.array_equal(z, naive)


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
