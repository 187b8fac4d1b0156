"""fastmlp-train: train a network on handwritten digits, MNIST, Fashion-MNIST or a folder of IDX files.

The result goes to stdout, everything else to stderr. What is slow to import is imported once the usage is checked.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import fastmlp
from fastmlp.callbacks import Callback, Logs
from fastmlp.datasets import NAMES

if TYPE_CHECKING:
    import numpy as np

    from fastmlp.models import Sequential

Number = TypeVar("Number", int, float)

# Named here too, since the modules that define them import NumPy.
ACTIVATIONS = (
    "linear",
    "relu",
    "sigmoid",
    "tanh",
    "softmax",
    "log_softmax",
    "exponential",
    "softsign",
    "hard_sigmoid",
    "leaky_relu",
    "relu6",
    "elu",
    "selu",
    "softplus",
    "silu",
    "gelu",
    "mish",
    "hard_silu",
    "celu",
    "hard_tanh",
    "hard_shrink",
    "soft_shrink",
    "tanh_shrink",
    "squareplus",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "log_sigmoid",
    "swish",
    "hard_swish",
)
OPTIMIZERS = (
    "sgd",
    "rmsprop",
    "adagrad",
    "adam",
    "adadelta",
    "adamw",
    "adamax",
    "nadam",
    "lion",
    "ftrl",
    "schedulefreeadamw",
)
MAX_THREADS = 256


class Failed(Exception):
    """Usage and input were good, but training failed or its result could not be delivered."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command. An exit status other than 0 (1, 2, 130: see `make_parser`) is raised as SystemExit."""
    parser = make_parser()
    try:
        options = parser.parse_args(argv)
        deliver(f"{parser.prog} {fastmlp.__version__}" if options.version else run(options))
    except Failed as error:
        parser.exit(1, f"{parser.prog}: error: {error}\n")
    except BrokenPipeError:  # stderr's, so there is nobody to tell
        discard(2)
        parser.exit(1)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    except MemoryError as error:
        parser.error(f"not enough memory: {error}")
    except KeyboardInterrupt:
        parser.exit(130, f"{parser.prog}: interrupted\n")


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {' '.join(message.splitlines())}\n")

    def print_help(self, file: Any = None) -> None:
        deliver(self.format_help().rstrip())


def deliver(text: str) -> None:
    """Print to stdout; Failed when it cannot be written: nobody reads the pipe, or the disk is full."""
    if sys.stdout is None:
        raise Failed("cannot print the result: stdout is closed")
    try:
        print(text, flush=True)
    except OSError as error:
        discard(1)
        raise Failed(f"cannot print the result: {error.strerror}") from error


def discard(descriptor: int) -> None:
    """Send a stream nowhere, so that what it still holds raises no second error when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def number(kind: Callable[[str], Number], needs: str, valid: Callable[[Number], bool]) -> Callable[[str], Number]:
    """Return an argparse type: a number for which `valid` is true, `needs` in words."""

    def parse(text: str) -> Number:
        with suppress(ValueError):
            value = kind(text)
            if valid(value):  # false for NaN
                return value
        raise argparse.ArgumentTypeError(f"got {text!r}, needs {needs}")

    return parse


count = number(int, "an integer of at least 1", lambda value: value >= 1)
threads = number(int, f"an integer from 1 to {MAX_THREADS}", lambda value: 1 <= value <= MAX_THREADS)
seed = number(int, "an integer of at least 0", lambda value: value >= 0)
fraction = number(float, "a number in [0, 1)", lambda value: 0.0 <= value < 1.0)
penalty = number(float, "a finite number of at least 0", lambda value: 0.0 <= value < math.inf)
rate = number(float, "a finite number above 0", lambda value: 0.0 < value < math.inf)


def dataset(text: str) -> str:
    """Return the name of a dataset or of a folder."""
    if text not in NAMES and not os.path.isdir(text):
        raise argparse.ArgumentTypeError(f"got {text!r}, needs one of {', '.join(NAMES)}, or a folder that exists")
    return text


def widths(text: str) -> list[int]:
    """Return the widths of the hidden layers, written "512,256"."""
    return [count(width) for width in text.split(",")]


def model_file(text: str) -> Path:
    """Return the path of the model to write, or raise ArgumentTypeError when there cannot be a file of that name."""
    path, needs = Path(text), None
    if path.suffix != ".safetensors":
        needs = "a name ending in .safetensors"
    elif not path.parent.is_dir():
        needs = "a name in a folder that exists"
    elif path.exists() and not (path.is_file() and os.access(path, os.W_OK)):
        needs = "a new name, or that of a file that may be overwritten"
    if needs:
        raise argparse.ArgumentTypeError(f"got {text!r}, needs {needs}")
    return path


def make_parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser(
        prog="fastmlp-train",
        description="Train a multilayer perceptron to classify images, and test it.",
        epilog="Features that are integers are divided by the largest one; the model file contains that scaling. "
        "The result goes to stdout, progress and errors to stderr. "
        "Exit status: 0; 1 when training failed; 2 for bad usage or input; 130 when interrupted.",
        allow_abbrev=False,
    )
    known = "digits (the default, bundled), mnist, fashion_mnist, or a folder of IDX files named like those of MNIST"
    split = "part of the training rows, the last ones, to validate on instead (%(default)s)"
    add = parser.add_argument
    add("dataset", nargs="?", type=dataset, default="digits", metavar="DATASET", help=known)
    add("--hidden", type=widths, default="512,256", metavar="UNITS", help="widths of the hidden layers (%(default)s)")
    add("--activation", choices=ACTIVATIONS, default="relu", help="of the hidden layers (%(default)s)")
    add("--dropout", type=fraction, default=0.0, metavar="RATE", help="after each hidden layer (%(default)s)")
    add("--optimizer", choices=OPTIMIZERS, default="adam", help="update rule (%(default)s)")
    add("--learning-rate", type=rate, metavar="RATE", help="step size (0.01 for sgd, else 0.001)")
    add("--batch-size", type=count, default=32, metavar="ROWS", help="rows in each update (%(default)s)")
    add("--epochs", type=count, default=20, metavar="N", help="passes over the training rows (%(default)s)")
    add("--l2", type=penalty, default=0.0, metavar="FACTOR", help="penalty on the squared weights (%(default)s)")
    add("--validation-split", type=fraction, default=0.0, metavar="FRACTION", help=split)
    add("--dtype", choices=("float32", "float64"), default="float32", help="of weights and arithmetic (%(default)s)")
    add("--threads", type=threads, metavar="N", help="at most (all CPUs); the result does not depend on it")
    add("--seed", type=seed, default=0, metavar="N", help="from which everything random follows (%(default)s)")
    add("--output", type=model_file, metavar="MODEL.safetensors", help="write the trained model to this file")
    add("--quiet", action="store_true", help="show no progress")
    add("--json", action="store_true", help="print the result as one JSON object")
    add("--version", action="store_true", help="print the version instead of training")
    return parser


def run(options: argparse.Namespace) -> str:
    """Train, test and save as the options say; return what goes to stdout."""
    with progress_on_stderr(options.quiet):
        result = train(options)
    if options.json:
        return json.dumps(result, allow_nan=False)
    return (
        "test accuracy {test_accuracy:.2%}, test loss {test_loss:.4f}\n"
        "trained {parameters:,} parameters in {seconds:.2f} s, {samples_per_second:,.0f} samples/s\n"
        "{dtype} on {isa}, threads {threads}, seed {seed}"
    ).format(**result)


@contextmanager
def progress_on_stderr(quiet: bool) -> Iterator[None]:
    """Send what is printed meanwhile to stderr, or nowhere if `quiet`."""
    with open(os.devnull, "w") as nowhere:
        target = nowhere if quiet else sys.stderr
        with redirect_stdout(target), redirect_stderr(target):
            yield


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Return the result by name. Bad input raises ValueError or OSError before training, never after."""
    from fastmlp import datasets
    from fastmlp.config.threads import set_num_threads
    from fastmlp.data.rows import Data
    from fastmlp.training import inputs

    set_num_threads(options.threads)
    (x, y), test = datasets.load(options.dataset)
    model = build(options, x, classes(y, test[1]))
    inputs.checked_data(model, *test, prefix="test ")
    rows = inputs.split(Data((x,), (y,)), options.validation_split)[0].rows
    network = model.network  # made now, so that too little memory shows before training
    if options.output:
        rehearse_saving(model, options.output)
    watch = Watch(remedies(options, model, x))
    settings = {name: getattr(options, name) for name in ("batch_size", "epochs", "validation_split")}
    history = model.fit(x, y, verbose=0 if options.quiet else 1, callbacks=[watch], **settings).history
    threads_used = network.threads
    tested = model.evaluate(*test, verbose=0, return_dict=True)
    tested = {f"test_{name}": tested[name] for name in ("loss", "accuracy")}
    watch.require_finite(options.epochs, tested)
    if options.output:
        save(model, options.output)
    return {
        "dataset": options.dataset,
        "train_samples": rows,
        "test_samples": len(test[0]),
        "parameters": model.count_params(),
        "epochs": options.epochs,
        "seconds": watch.seconds,
        "samples_per_second": rows * options.epochs / watch.seconds,
        "train_loss": history["loss"][-1],
        **tested,
        "dtype": model.dtype,
        "threads": threads_used,
        "isa": network.isa,
        "seed": model.seed,
        "history": history,
    }


class Watch(Callback):
    """Measures the seconds of training, and raises Failed after an epoch with a loss that is not finite."""

    def __init__(self, advice: str):
        super().__init__()
        self.advice = advice
        self.seconds = 0.0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.seconds -= time.perf_counter()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.seconds += time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.require_finite(epoch + 1, logs or {})

    def require_finite(self, epoch: int, results: Logs) -> None:
        """Raise Failed when one of the epoch's results is NaN or infinite."""
        for name, value in results.items():
            if not math.isfinite(value):
                raise Failed(f"training failed: {name} is {value} after epoch {epoch}; try {self.advice}")


def remedies(options: argparse.Namespace, model: Sequential, x: np.ndarray) -> str:
    """Return what to try when the loss is not finite."""
    assert model.optimizer is not None
    learning_rate = f"a smaller --learning-rate than {model.optimizer.learning_rate:g}"
    l2 = f" or a smaller --l2 than {options.l2:g}" if options.l2 else ""
    return learning_rate + l2 + (" or features of smaller magnitude" if x.dtype.kind == "f" else "")


def classes(y: np.ndarray, y_test: np.ndarray) -> int:
    """Return the number of classes, the largest label plus 1; ValueError for labels that cannot be learned."""
    import numpy as np

    unknown = np.setdiff1d(y_test, y)
    if unknown.size:
        raise ValueError(f"labels: got {unknown[0]} in the test part, needs only labels of the training part")
    found = int(y.max()) + 1
    if not 2 <= found <= len(y):  # more classes than rows would make a network as large as a wrong label
        raise ValueError(f"labels: got {found - 1} as the largest one of {len(y)} rows, needs 1 to {len(y) - 1}")
    return found


def build(options: argparse.Namespace, x: np.ndarray, units: int) -> Sequential:
    """Return the compiled network. It brings integers to [-1, 1] itself, so that they are fed as they are."""
    from fastmlp import layers, optimizers, regularizers
    from fastmlp.models import Sequential

    model = Sequential([layers.Input(x.shape[1:]), layers.Flatten()], dtype=options.dtype, seed=options.seed)
    if x.dtype.kind != "f":
        magnitude = max(int(x.max()), -int(x.min())) or 1
        model.add(layers.Rescaling(1 / magnitude))
    l2 = regularizers.L2(options.l2) if options.l2 else None
    for width in options.hidden:
        model.add(layers.Dense(width, options.activation, kernel_regularizer=l2))
        if options.dropout:
            model.add(layers.Dropout(options.dropout))
    model.add(layers.Dense(units, "softmax", kernel_regularizer=l2))
    optimizer = optimizers.get(options.optimizer)
    if options.learning_rate is not None:
        optimizer.learning_rate = options.learning_rate
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    return model


def rehearse_saving(model: Sequential, path: Path) -> None:
    """Write the model beside `path` and remove it, so that a full or read-only disk shows before training."""
    from tempfile import TemporaryDirectory

    try:
        with TemporaryDirectory(prefix=".fastmlp-", dir=Path(os.path.realpath(path)).parent) as folder:
            model.save(Path(folder, path.name))
    except OSError as error:
        raise ValueError(f"--output: cannot write {str(path)!r}: {error.strerror}") from error


def save(model: Sequential, path: Path) -> None:
    """Write the trained model."""
    try:
        model.save(path)
    except OSError as error:
        raise Failed(f"cannot write {str(path)!r}: {error.strerror}") from error


if __name__ == "__main__":
    main()
