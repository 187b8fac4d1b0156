"""Looking into a network: what each digit does to its hidden layer, and the image that it takes for the ideal digit.

784-300-10 of relu and softmax, its first weights normal with a deviation of 0.03, is trained on one-hot targets by
plain gradient descent, in batches of 100, with a loss of its own: the cross-entropy of every output with its target, 0s
as well as 1s, of probabilities clipped so that no logarithm is infinite. In 50 epochs it reads 98 % of MNIST's test
digits. Then descent on the image, not the weights, finds the input whose loss as a given digit is least: alone, with a
penalty on the sum of |pixels|, which leaves few of them, and with one on that of their squares, which evens them out.
"""

import argparse
from pathlib import Path

import numpy as np

import fastmlp as keras
from fastmlp import layers, plots
from fastmlp.initializers import RandomNormal

LOWEST, HIGHEST = 1e-10, 0.9999999  # probabilities are clipped to
STEP, STEPS = 0.05, 1000  # of the descent on images
L1, L2 = 0.25, 0.25


def clipped_cross_entropy(y_true, y_pred):
    """-sum_j t_j log(c_j) + (1 - t_j) log(1 - c_j) of each row, c = clip(p), and the gradient of the mean over rows."""
    p = np.clip(y_pred, LOWEST, HIGHEST)
    losses = -np.sum(y_true * np.log(p) + (1 - y_true) * np.log(1 - p), axis=1)
    slopes = (1 - y_true) / (1 - p) - y_true / p
    return losses, np.where(p == y_pred, slopes, 0) / len(p)  # where it was clipped the loss is flat


def create_model(units, seed):
    """The network, with weights of a normal distribution everywhere, the biases' with a deviation of 1."""
    narrow, wide = RandomNormal(stddev=0.03), RandomNormal(stddev=1.0)
    return keras.Sequential(
        [
            layers.Dense(units, activation="relu", kernel_initializer=narrow, bias_initializer=wide),
            layers.Dense(10, activation="softmax", kernel_initializer=narrow, bias_initializer=wide),
        ],
        seed=seed,
    )


def hidden_layer(model, x):
    """Outputs [rows, units] of the model's first layer."""
    first = keras.Sequential([layers.Dense(model.layers[0].units, activation="relu", input_shape=x.shape[1:])])
    first.set_weights(model.get_weights()[:2])
    return first.predict(x, verbose=0)


def ideal_images(model, pixels, l1=0.0, l2=0.0):
    """Images [10, pixels], one for each digit, with the least clipped_cross_entropy + l1 |x| + l2 x^2.

    A step down the gradient of loss and squares, then a shift of every pixel by l1 towards 0, where it may stay: the
    proximal gradient method; I. Daubechies et al., An iterative thresholding algorithm for linear inverse problems with
    a sparsity constraint, 2004.
    """
    digits = np.eye(10, dtype=np.float32)
    x = np.zeros((10, pixels), np.float32)
    for _ in range(STEPS):
        _, gradient = model.gradients(x, digits, wrt="input")
        x -= STEP * (10 * gradient + 2 * l2 * x)  # 10: the gradient is that of the mean of the ten losses
        x = np.sign(x) * np.maximum(np.abs(x) - STEP * l1, 0)
    return x


def main(arguments=None):
    """Train, look into the network, draw; returns the accuracy on the test digits and the ideal images by penalty."""
    options = parse(arguments)
    (x_train, y_train), (x_test, y_test) = keras.datasets.load(options.data)
    shape, brightest, rows = x_test.shape[1:], np.float32(x_train.max()), 6000 if options.quick else None
    x_train, x_test = (x.reshape(len(x), -1) / brightest for x in (x_train[:rows], x_test))
    one_hot_train, one_hot_test = (
        keras.utils.to_categorical(y, 10).astype("float32") for y in (y_train[:rows], y_test)
    )

    model = create_model(300, options.seed)
    model.compile(keras.optimizers.SGD(0.1), clipped_cross_entropy, metrics=["categorical_accuracy"])
    epochs = 25 if options.quick else 50
    history = model.fit(
        x_train,
        one_hot_train,
        batch_size=100,
        epochs=epochs,
        validation_data=(x_test, one_hot_test),
        verbose=2,
    )
    accuracy = history.history["val_categorical_accuracy"][-1]
    print(f"test accuracy {accuracy:.2%} after {epochs} epochs")

    options.out.mkdir(parents=True, exist_ok=True)
    plots.curves(history).savefig(options.out / "two_sided_curves.png")
    draw_fingerprints(hidden_layer(model, x_test), y_test, options.out / "fingerprints.png")
    ideal = {
        "no penalty": ideal_images(model, x_test.shape[1]),
        f"L1 of {L1}": ideal_images(model, x_test.shape[1], l1=L1),
        f"L2 of {L2}": ideal_images(model, x_test.shape[1], l2=L2),
    }
    for name, x in ideal.items():
        sure = model.predict(x, verbose=0).diagonal()
        print(
            f"ideal digits, {name}: {np.mean(x != 0):.0%} of the pixels used, read with probability {sure.min():.3f} up"
        )
    mean = np.stack([x_test[y_test == digit].mean(axis=0) for digit in range(10)])
    draw_ideal({"mean digit": mean, **ideal}, shape, options.out / "ideal_digits.png")
    return accuracy, ideal


def draw_fingerprints(hidden, labels, path):
    """A panel for each digit: a column for each of up to 100 test digits, a line for each hidden unit."""
    count = min(100, np.bincount(labels).min())
    panels = [hidden[labels == digit][:count].T for digit in range(10)]
    plots.images(panels, [f"digit {digit}" for digit in range(10)], scale=1.8).savefig(path)


def draw_ideal(rows, shape, path):
    """A row of ten images for each name; red pixels are positive, blue ones negative."""
    pictures = np.concatenate(list(rows.values())).reshape(-1, *shape)
    titles = [f"{digit}: {name}" for name in rows for digit in range(10)]
    plots.images(pictures, titles, signed=True).savefig(path)


def parse(arguments):
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", default="mnist", help="a dataset's name or folder (default mnist)")
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder for the pictures (default pictures)")
    parser.add_argument("--quick", action="store_true", help="half as long on a tenth of the digits")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and order (default 0)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
