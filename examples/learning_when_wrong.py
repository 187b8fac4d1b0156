"""Why cross-entropy: a network of sigmoids learns slowly from the quadratic loss when it is very wrong.

The quadratic loss' gradient by a unit's input has the factor y (1 - y), almost 0 where the unit is sure of the wrong
answer; cross-entropy's has not, and is y - target. The same network starts from the same weights, drawn wide so that
many units are wrong and sure, and is trained by plain descent on the quadratic loss, with momentum, and on
cross-entropy. First a single unit shows it. After M. Nielsen, Neural Networks and Deep Learning, chapters 1 and 3.
"""

import argparse
from pathlib import Path

import numpy as np

import fastmlp as keras
from fastmlp import layers, plots
from fastmlp.optimizers import SGD

UNITS = 30


def main(arguments=None):
    """Train the unit and the network in each way; returns the losses of the unit and the accuracies of the network."""
    options = parse(arguments)
    unit = {loss: train_unit(loss) for loss in ("mean_squared_error", "binary_crossentropy")}
    for loss, outputs in unit.items():
        print(f"one unit, wrong at first, {loss}: {outputs[0]:.2f} should be 0, after 50 steps {outputs[49]:.2f}")

    data = prepared(options.data, 6000 if options.quick else None)
    epochs = 5 if options.quick else 10
    # Nielsen's losses are sums over the outputs, and his quadratic one is halved; the engine's are means.
    quadratic, entropy = options.rate * 10 / 2, options.rate * 10
    ways = {
        "quadratic loss": (SGD(quadratic), "mean_squared_error"),
        "with momentum 0.9": (SGD(quadratic, momentum=0.9), "mean_squared_error"),
        "cross-entropy": (SGD(entropy), "binary_crossentropy"),
    }
    accuracies = {way: train_network(*ways[way], data, epochs, options.seed) for way in ways}
    for way, accuracy in accuracies.items():
        print(f"{way}: {accuracy[0]:.2%} of the test digits after one epoch, {accuracy[-1]:.2%} after {epochs}")
    options.out.mkdir(parents=True, exist_ok=True)
    names = {"quadratic loss": unit["mean_squared_error"], "cross-entropy": unit["binary_crossentropy"]}
    plots.lines({"output of one unit, to become 0": names}, "step").savefig(options.out / "one_unit.png")
    plots.lines({"accuracy on the test digits": accuracies}).savefig(options.out / "when_wrong.png")
    return unit, accuracies


def train_unit(loss):
    """Outputs, step by step, of a unit that answers 0.98 to an input of 1 at first and is to answer 0."""
    model = keras.Sequential([layers.Dense(1, activation="sigmoid", input_shape=(1,))], dtype="float64")
    model.set_weights([[[2.0]], [2.0]])
    model.compile(SGD(0.15), loss)
    outputs = []
    for _ in range(300):
        outputs.append(float(model([[1.0]])[0, 0]))
        model.train_on_batch([[1.0]], [[0.0]])
    return outputs


def train_network(optimizer, loss, data, epochs, seed):
    """Accuracies on the test digits, epoch by epoch; with the same seed from the same weights in the same order."""
    (x_train, y_train), test = data
    wide = keras.initializers.RandomNormal(stddev=1.0)
    model = keras.Sequential(
        [
            layers.Dense(UNITS, activation="sigmoid", kernel_initializer=wide, bias_initializer=wide),
            layers.Dense(10, activation="sigmoid", kernel_initializer=wide, bias_initializer=wide),
        ],
        seed=seed,
    )
    model.compile(optimizer, loss, metrics=["categorical_accuracy"])
    history = model.fit(x_train, y_train, batch_size=10, epochs=epochs, validation_data=test, verbose=0)
    return history.history["val_categorical_accuracy"]


def prepared(name, rows):
    """Training digits, at most so many, and test digits: pixels from 0 to 1, one-hot labels."""
    (x_train, y_train), (x_test, y_test) = keras.datasets.load(name)
    brightest = np.float32(x_train.max())
    return [
        (x.reshape(len(x), -1) / brightest, keras.utils.to_categorical(y, 10))
        for x, y in ((x_train[:rows], y_train[:rows]), (x_test, y_test))
    ]


def parse(arguments):
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", default="mnist", help="a dataset's name or folder (default mnist)")
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder for the pictures (default pictures)")
    parser.add_argument("--quick", action="store_true", help="five epochs of a tenth of the digits")
    parser.add_argument("--rate", type=float, default=0.1, help="learning rate, as Nielsen counts it (default 0.1)")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and order (default 0)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
