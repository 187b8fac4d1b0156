"""A network from scratch: layers, batches and training steps of one's own, on the kernels or on the oracle.

`NaiveDense`, `NaiveSequential`, `BatchGenerator` and `one_training_step` are those of F. Chollet, Deep Learning with
Python, 2nd edition, section 2.5, except that backpropagation is written out where the book has a gradient tape.
`ops` is `fastmlp.kernels`, or with --oracle `reference`, the same functions as nested loops over lists; with --dtype
float64 the losses of the two have the same bits. First they are timed against each other.
"""

import argparse
import importlib
import math
import sys
import time
from pathlib import Path

import numpy as np

import fastmlp as keras

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the oracle is in the checkout only


class NaiveDense:
    """activation(inputs . W + b)."""

    def __init__(self, ops, input_size, output_size, activation, generator, dtype):
        self.ops = ops
        self.activation = getattr(ops, activation)
        self.activation_gradient = getattr(ops, f"{activation}_gradient")
        self.W = values(ops, generator.uniform(0.0, 0.1, (input_size, output_size)), dtype)
        self.b = values(ops, np.zeros(output_size), dtype)

    def __call__(self, inputs):
        self.inputs = inputs
        z = self.ops.add_matrix_and_vector(self.ops.matrix_dot(inputs, self.W), self.b)
        self.outputs = self.activation(z)
        return self.outputs

    def gradients(self, outputs_gradient):
        """The loss' gradients by the weights, and by the inputs, of the rows that the layer was called with last."""
        dz = self.activation_gradient(self.outputs, outputs_gradient)
        by_weights = [self.ops.dense_kernel_gradient(self.inputs, dz), self.ops.dense_bias_gradient(dz)]
        return by_weights, self.ops.dense_input_gradient(dz, self.W)

    @property
    def weights(self):
        return [self.W, self.b]


class NaiveSequential:
    """Layers, each called with the outputs of the one before."""

    def __init__(self, layers):
        self.layers = layers

    def __call__(self, inputs):
        x = inputs
        for layer in self.layers:
            x = layer(x)
        return x

    def gradients(self, gradient):
        """Gradients in the order of `weights`, from that by the last outputs: backpropagation."""
        gradients = []
        for layer in reversed(self.layers):
            by_weights, gradient = layer.gradients(gradient)
            gradients = by_weights + gradients
        return gradients

    @property
    def weights(self):
        return [weight for layer in self.layers for weight in layer.weights]


class BatchGenerator:
    """Rows in their order, a batch at a time; the last may be smaller."""

    def __init__(self, images, labels, batch_size=128):
        self.index = 0
        self.images = images
        self.labels = labels
        self.batch_size = batch_size
        self.num_batches = math.ceil(len(images) / batch_size)

    def next(self):
        images = self.images[self.index : self.index + self.batch_size]
        labels = self.labels[self.index : self.index + self.batch_size]
        self.index += self.batch_size
        return images, labels


def one_training_step(ops, model, images_batch, labels_batch, learning_rate):
    """Update the weights by one batch; returns its mean loss from before that."""
    predictions = model(images_batch)
    per_sample_losses = ops.sparse_categorical_crossentropy(labels_batch, predictions)
    average_loss = sum(per_sample_losses) / len(labels_batch)
    gradients = model.gradients(ops.sparse_categorical_crossentropy_gradient(labels_batch, predictions))
    update_weights(ops, gradients, model.weights, learning_rate)
    return float(average_loss)


def update_weights(ops, gradients, weights, learning_rate):
    """Move the weights, in place, against their gradients."""
    for g, w in zip(gradients, weights, strict=True):
        rows = zip(w, g, strict=True) if isinstance(w[0], list) else [(w, g)]  # the oracle updates flat lists
        for row_w, row_g in rows:
            ops.sgd(row_w, row_g, learning_rate)


def fit(ops, model, images, labels, epochs, learning_rate):
    """Train; returns the loss of every batch."""
    losses = []
    for epoch_counter in range(epochs):
        print(f"Epoch {epoch_counter}")
        batch_generator = BatchGenerator(images, labels)
        for batch_counter in range(batch_generator.num_batches):
            images_batch, labels_batch = batch_generator.next()
            losses.append(one_training_step(ops, model, images_batch, labels_batch, learning_rate))
            if batch_counter % 100 == 0:
                print(f"loss at batch {batch_counter}: {losses[-1]:.2f}", flush=True)
    return losses


def values(ops, array, dtype):
    """An array as `ops` takes it: of one type for the kernels, lists of lists for the oracle."""
    return array.tolist() if ops.__name__ == "reference" else array.astype(dtype)


def time_ops(generator):
    """Seconds of the oracle and of the kernels for the same operations, printed; returns the ratios by name."""
    naive, compiled = importlib.import_module("reference"), importlib.import_module("fastmlp.kernels")
    matrix, vector = generator.normal(size=(128, 512)), generator.normal(size=512)
    jobs = {
        "relu": [matrix],
        "add": [matrix, matrix],
        "add_matrix_and_vector": [matrix, vector],
        "vector_dot": [vector, vector],
        "matrix_vector_dot": [matrix, vector],
        "matrix_dot": [matrix[:32], matrix[:32].T],
    }
    ratios = {}
    for name, arguments in jobs.items():
        slow = seconds(getattr(naive, name), [argument.tolist() for argument in arguments])
        fast = seconds(getattr(compiled, name), arguments)
        ratios[name] = slow / fast
        shapes = " and ".join("x".join(map(str, argument.shape)) for argument in arguments)
        print(f"{name} of {shapes}: naive {slow * 1e6:.0f} us, compiled {fast * 1e6:.1f} us, {slow / fast:.0f} times")
    return ratios


def seconds(function, arguments):
    """Shortest time of a call, of 5."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def main(arguments=None):
    """Time the operations, train and test; returns the losses and the accuracy on the test digits."""
    options = parse(arguments)
    generator = np.random.default_rng(options.seed)
    time_ops(generator)
    ops = importlib.import_module("reference" if options.oracle else "fastmlp.kernels")
    (train_images, train_labels), (test_images, test_labels) = keras.datasets.load(options.data)
    rows, tests, epochs, hidden, rate = (512, 128, 10, 32, 0.2) if options.quick else (None, None, 10, 512, 1e-3)
    brightest, pixels = train_images.max(), train_images[0].size
    images, tested = (part.reshape(len(part), pixels) / brightest for part in (train_images, test_images))

    layers = [
        NaiveDense(ops, pixels, hidden, "relu", generator, options.dtype),
        NaiveDense(ops, hidden, 10, "softmax", generator, options.dtype),
    ]
    model = NaiveSequential(layers)
    labels = values(ops, train_labels[:rows], np.int32)
    losses = fit(ops, model, values(ops, images[:rows], options.dtype), labels, epochs, rate)
    predictions = np.array(model(values(ops, tested[:tests], options.dtype)))
    accuracy = float(np.mean(predictions.argmax(axis=1) == test_labels[:tests]))
    print(f"accuracy: {accuracy:.2%}")
    draw(losses, options.out)
    return losses, accuracy


def draw(losses, folder):
    """The loss by batch."""
    folder.mkdir(parents=True, exist_ok=True)
    keras.plots.lines({"loss": {"training": losses}}, xlabel="batch").savefig(folder / "from_scratch.png")


def parse(arguments):
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", default="mnist", help="a dataset's name or folder (default mnist)")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32", help="of the kernels' arithmetic")
    parser.add_argument("--oracle", action="store_true", help="on nested loops; without --quick that takes days")
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder for the picture (default pictures)")
    parser.add_argument("--quick", action="store_true", help="a smaller network, 512 digits, larger steps")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights (default 0)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
