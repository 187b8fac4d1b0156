"""Train a small network on the bundled digits, slowly: python -m reference."""

import argparse
import gzip
import math
import pathlib
import random
import struct

from reference.network import Network

DATA = pathlib.Path(__file__).resolve().parent.parent / "fastmlp" / "datasets" / "data"
UINT8 = 0x08  # the type code of the IDX format
INPUTS = 64
CLASSES = 10
BRIGHTEST = 16.0
BATCH_SIZE = 16


def read_idx(path):
    """Sizes and values of a gzipped IDX file of bytes.

    Two zero bytes, a type code, the number of dimensions, the size of each as a big-endian uint32, then the values:
    Y. LeCun, The MNIST database of handwritten digits.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    sizes : tuple of int
    values : bytes
        Row by row.
    """
    content = gzip.decompress(path.read_bytes())
    zero, type_code, dimensions = struct.unpack_from(">HBB", content)
    sizes = struct.unpack_from(f">{dimensions}I", content, 4)
    values = content[4 + 4 * dimensions :]
    if zero != 0 or type_code != UINT8 or len(values) != math.prod(sizes):
        raise ValueError(f"{path}: needs {math.prod(sizes)} values of type {UINT8}, got {len(values)} of {type_code}")
    return sizes, values


def load_digits(part):
    """Images, [n, 64] of 0.0 to 16.0, and labels, [n] of int, of the part "train" or "test"."""
    (count, height, width), pixels = read_idx(DATA / f"digits-{part}-images-idx3-ubyte.gz")
    _, labels = read_idx(DATA / f"digits-{part}-labels-idx1-ubyte.gz")
    size = height * width
    images = [[float(v) for v in pixels[i * size : (i + 1) * size]] for i in range(count)]
    return images, list(labels)


def glorot_uniform(inputs, units, generator):
    """Kernel, [inputs, units], drawn from [-limit, limit] with limit = sqrt(6 / (inputs + units)).

    X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010.
    """
    limit = math.sqrt(6.0 / (inputs + units))
    return [[generator.uniform(-limit, limit) for _ in range(units)] for _ in range(inputs)]


def build_network(hidden, generator):
    """A 64-hidden-10 network of relu and softmax, with its first weights."""
    dense = {"kind": "dense", "use_bias": True, "l2": 0.0}
    layers = [
        {"kind": "rescaling", "scale": 1.0 / BRIGHTEST, "offset": 0.0},
        {**dense, "units": hidden, "activation": "relu"},
        {**dense, "units": CLASSES, "activation": "softmax"},
    ]
    optimizer = {"name": "momentum", "learning_rate": 0.05, "momentum": 0.9}
    network = Network(INPUTS, layers, "sparse_categorical_crossentropy", optimizer)
    first = glorot_uniform(INPUTS, hidden, generator)
    second = glorot_uniform(hidden, CLASSES, generator)
    network.set_weights([first, [0.0] * hidden, second, [0.0] * CLASSES])
    return network


def parse_arguments(arguments):
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m reference", description=__doc__.partition(":")[0] + ".")
    parser.add_argument("--epochs", type=positive, default=10, help="times each row is visited (default 10)")
    parser.add_argument("--rows", type=positive, default=400, help="training rows, of 1437 (default 400)")
    parser.add_argument("--hidden", type=positive, default=32, help="units of the hidden layer (default 32)")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and order (default 0)")
    return parser.parse_args(arguments)


def positive(text):
    """text as an int of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"needs to be at least 1, got {value}")
    return value


def main(arguments=None):
    """Train, and print loss and accuracy an epoch and on the test rows."""
    options = parse_arguments(arguments)
    images, labels = load_digits("train")
    images, labels = images[: options.rows], labels[: options.rows]
    generator = random.Random(options.seed)
    network = build_network(options.hidden, generator)
    order = list(range(len(images)))
    metric = "sparse_categorical_accuracy"
    for epoch in range(1, options.epochs + 1):
        generator.shuffle(order)
        loss, accuracy = network.train_epoch(images, labels, order, BATCH_SIZE, metric)
        print(f"epoch {epoch}/{options.epochs}: loss {loss:.4f}, accuracy {accuracy:.4f}", flush=True)
    loss, accuracy = network.evaluate(*load_digits("test"), metric)
    print(f"test: loss {loss:.4f}, accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
