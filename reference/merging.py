"""Merging: several matrices of as many rows become one. Forward, and the gradients of all inputs.

A forward function takes the list of inputs, each [rows, columns]. Its gradient function takes also dy, the gradient of
the output, and returns a list with a gradient for each input. Sums and products run in the order of the inputs.
"""

from functools import reduce

from reference import ops


def add(inputs):
    """((a + b) + c) ..."""
    return reduce(ops.add, inputs)


def add_gradients(inputs, dy):
    """dy for each."""
    return [dy for _ in inputs]


def subtract(inputs):
    """a - b."""
    a, b = inputs
    return elementwise(lambda v, w: v - w, a, b)


def subtract_gradients(inputs, dy):
    """dy and -dy."""
    return [dy, [[-d for d in row] for row in dy]]


def multiply(inputs):
    """((a * b) * c) ..."""
    return reduce(product, inputs)


def multiply_gradients(inputs, dy):
    """dy times the product of the other inputs."""
    gradients = []
    for i in range(len(inputs)):
        others = inputs[:i] + inputs[i + 1 :]
        gradients.append(product(dy, multiply(others)))
    return gradients


def average(inputs):
    """(((a + b) + c) ...) / n, for n inputs."""
    return divided(add(inputs), len(inputs))


def average_gradients(inputs, dy):
    """dy / n for each."""
    return [divided(dy, len(inputs)) for _ in inputs]


def maximum(inputs):
    """The larger of the larger of a and b, and c, and so on; of equal numbers the first, and NaN where there is one."""
    return reduce(larger, inputs)


def maximum_gradients(inputs, dy):
    """Pair by pair from the last on: dy for the larger, half of it for each of two equal numbers, else 0, as in Keras.

    Three equal inputs get a quarter, a quarter and a half, as the third is compared with the larger of the first two.
    NaN gets 0.
    """
    return gradients_by_pairs(inputs, dy, larger)


def minimum(inputs):
    """As maximum, but the smaller."""
    return reduce(smaller, inputs)


def minimum_gradients(inputs, dy):
    """As maximum_gradients, but for the smaller."""
    return gradients_by_pairs(inputs, dy, smaller)


def concatenate(inputs):
    """The columns side by side."""
    return [[v for row in rows for v in row] for rows in zip(*inputs, strict=True)]


def concatenate_gradients(inputs, dy):
    """The columns of dy that each input became."""
    gradients, start = [], 0
    for x in inputs:
        end = start + len(x[0])
        gradients.append([row[start:end] for row in dy])
        start = end
    return gradients


MERGES = {  # kind of stage: forward, gradients
    "add": (add, add_gradients),
    "subtract": (subtract, subtract_gradients),
    "multiply": (multiply, multiply_gradients),
    "average": (average, average_gradients),
    "maximum": (maximum, maximum_gradients),
    "minimum": (minimum, minimum_gradients),
    "concatenate": (concatenate, concatenate_gradients),
}


def elementwise(function, *matrices):
    """The function of the elements in each place."""
    return [[function(*v) for v in zip(*rows, strict=True)] for rows in zip(*matrices, strict=True)]


def product(x, y):
    """x_ij * y_ij."""
    return elementwise(lambda v, w: v * w, x, y)


def divided(x, count):
    """x_ij / count."""
    return [[v / count for v in row] for row in x]


def larger(x, y):
    """y_ij where it is larger or NaN, else x_ij."""
    return elementwise(lambda v, w: w if w > v or w != w else v, x, y)


def smaller(x, y):
    """y_ij where it is smaller or NaN, else x_ij."""
    return elementwise(lambda v, w: w if w < v or w != w else v, x, y)


def gradients_by_pairs(inputs, dy, chosen):
    """Gradients of what is the larger, or the smaller, of x and y again and again; chosen(x, y) says which."""
    running = [inputs[0]]
    for x in inputs[1:]:
        running.append(chosen(running[-1], x))
    gradients = []
    for before, x in reversed(list(ops.pairs(running[:-1], inputs[1:]))):
        both = chosen(before, x)
        gradients.insert(0, elementwise(share, x, before, both, dy))
        dy = elementwise(share, before, x, both, dy)
    return [dy, *gradients]


def share(own, other, chosen, d):
    """What the own number gets of d: all where it is chosen, half where the other equals it, else 0."""
    if own == other:
        return 0.5 * d
    return d if own == chosen else 0.0
