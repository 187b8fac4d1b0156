"""The inverse of a matrix, learned: gradient descent finds the X for which X A is the identity.

The loss is the sum of |X A - I| over all elements, X starts at 0, and Adagrad takes 100,000 steps of rate 0.01. To the
engine X is the kernel of a layer without bias and A's columns are the rows it is given, since (X A)' = A' X'. How close
it comes depends on the matrix: the worse its condition, the slower.
"""

import argparse
from pathlib import Path

import numpy as np

import fastmlp as keras
from fastmlp import layers, plots

SIZE = 10
STEPS = 1000  # in an epoch: the rows are repeated so many times, and a batch is one pass over the matrix


def main(arguments=None):
    """Learn, print and draw; returns the largest error of X A and the losses."""
    options = parse(arguments)
    rand_matrix = np.random.default_rng(options.seed).integers(0, SIZE, (SIZE, SIZE))
    model = keras.Sequential(
        [layers.Dense(SIZE, use_bias=False, kernel_initializer="zeros", input_shape=(SIZE,))], dtype="float64"
    )
    # The engine's loss is the mean of the SIZE * SIZE errors, not their sum. Adagrad's steps do not depend on the
    # gradient's size if what it starts with, 0.1 for the sum, shrinks by the square of that.
    optimizer = keras.optimizers.Adagrad(0.01, initial_accumulator_value=0.1 / SIZE**4, epsilon=0.0)
    model.compile(optimizer, "mean_absolute_error")
    x, y = np.tile(rand_matrix.T, (STEPS, 1)), np.tile(np.identity(SIZE), (STEPS, 1))
    epochs = 5 if options.quick else 100
    history = model.fit(x, y, batch_size=SIZE, epochs=epochs, shuffle=False, verbose=0).history
    losses = [loss * SIZE**2 for loss in history["loss"]]

    learned = model.get_weights()[0].T
    product = learned.dot(rand_matrix)
    error = float(np.abs(product - np.identity(SIZE)).max())
    distance = float(np.abs(learned - np.linalg.inv(rand_matrix)).max())
    with np.printoptions(precision=3, suppress=True):
        print(product)
    print(f"condition of A {np.linalg.cond(rand_matrix):.0f}; sum of |X A - I|: 10 at first, {losses[-1]:.4f} at last")
    print(f"largest error of X A {error:.2g}, of X {distance:.2g}")
    options.out.mkdir(parents=True, exist_ok=True)
    figure = plots.lines({"sum of |X A - I|": {"loss": losses}}, xlabel="thousands of steps", logarithmic=True)
    figure.savefig(options.out / "inverse_loss.png")
    plots.images([product, learned], ["X A", "X"], signed=True, scale=2).savefig(options.out / "inverse.png")
    return error, losses


def parse(arguments):
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder for the pictures (default pictures)")
    parser.add_argument("--quick", action="store_true", help="5,000 steps")
    parser.add_argument("--seed", type=int, default=0, help="seed of the matrix (default 0)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
