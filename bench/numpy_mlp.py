"""A multilayer perceptron by hand in vectorised NumPy, as fast as one writes it without leaving NumPy.

float32 throughout, every matrix of a step allocated once, results written in place.
"""

import numpy as np

from bench.numpy_optimizers import OPTIMIZERS


class Network:
    """Dense layers with relu, a softmax at the end, trained on the cross-entropy of labels.

    Parameters
    ----------
    weights : list of ndarray
        For each layer the kernel [inputs, units] and the bias [units], float32; copied.
    batch_size : int
    optimizer : dict
        Its name and arguments, as for a Network of fastmlp.
    """

    def __init__(self, weights, batch_size, optimizer):
        self.kernels = [kernel.copy() for kernel in weights[0::2]]
        self.biases = [bias.copy() for bias in weights[1::2]]
        self.batch_size = batch_size
        arguments = dict(optimizer)
        self.optimizer = OPTIMIZERS[arguments.pop("name")](self.kernels + self.biases, **arguments)
        widths = [len(self.kernels[0]), *[len(bias) for bias in self.biases]]
        self.values = [np.empty((batch_size, width), np.float32) for width in widths]
        self.slopes = [np.empty((batch_size, width), np.float32) for width in widths]
        self.kernel_gradients = [np.empty_like(kernel) for kernel in self.kernels]
        self.bias_gradients = [np.empty_like(bias) for bias in self.biases]

    def train_epoch(self, x, y, order):
        """Visit the rows of x, float32 [rows, inputs], and y, labels [rows], once in that order."""
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            values = [value[: len(rows)] for value in self.values]
            np.take(x, rows, axis=0, out=values[0], mode="clip")  # "clip" writes to out without a copy between
            self.forward(values)
            self.backward(values, y[rows])

    def predict(self, x):
        """Probabilities, [rows, units]."""
        values = [x, *[np.empty((len(x), len(bias)), np.float32) for bias in self.biases]]
        self.forward(values)
        return values[-1]

    def forward(self, values):
        """Fill in every layer's output; values[0] is the input."""
        for kernel, bias, x, y in zip(self.kernels, self.biases, values, values[1:], strict=False):
            np.matmul(x, kernel, out=y)
            y += bias
            if y is not values[-1]:
                np.maximum(y, 0, out=y)
        softmax(values[-1])

    def backward(self, values, labels):
        """Compute the gradients, times what the optimizer wants them multiplied by, and let it update."""
        n = len(labels)
        slopes = [slope[:n] for slope in self.slopes]
        np.copyto(slopes[-1], values[-1])
        slopes[-1][np.arange(n), labels] -= 1
        slopes[-1] *= self.optimizer.scale / n
        for i in reversed(range(len(self.kernels))):
            np.matmul(values[i].T, slopes[i + 1], out=self.kernel_gradients[i])
            np.sum(slopes[i + 1], axis=0, out=self.bias_gradients[i])
            if i > 0:  # nothing learns below the first layer
                np.matmul(slopes[i + 1], self.kernels[i].T, out=slopes[i])
                slopes[i] *= values[i] > 0
        self.optimizer.update(self.kernel_gradients + self.bias_gradients)


def softmax(x):
    """Softmax of every row, in place."""
    x -= x.max(axis=1, keepdims=True)
    np.exp(x, out=x)
    x /= x.sum(axis=1, keepdims=True)
