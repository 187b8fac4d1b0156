"""fastmlp-train: train a network on handwritten digits, MNIST, a folder of IDX files, an .npz file or a table.

The result goes to stdout, everything else to stderr. What is slow to import is imported once the usage is checked.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastmlp.callbacks import Callback, Logs
from fastmlp.commands import tables, train_table
from fastmlp.commands.options import (
    ACTIVATIONS,
    OPTIMIZERS,
    Parser,
    Version,
    column,
    count,
    dataset,
    folder,
    fraction,
    is_table,
    model_file,
    penalty,
    rate,
    report_file,
    seed,
    share,
    size,
    threads,
    widths,
)
from fastmlp.commands.output import Failed, progress_on_stderr, rehearse_writing, write_report, write_result
from fastmlp.commands.table_checkpoints import kept_as_asked

if TYPE_CHECKING:
    import numpy as np

    from fastmlp.models import Sequential

# How networks of images are made unless told; those of tables have a recipe.
OF_IMAGES = {
    "hidden": [512, 256],
    "activation": "relu",
    "dropout": 0.0,
    "optimizer": "adam",
    "batch_size": 32,
    "epochs": 20,
    "l2": 0.0,
    "validation_split": 0.0,
    "dtype": "float32",
}
OF_RUN = (*(name for name in OF_IMAGES if name != "epochs"), "learning_rate", "seed")  # the same where it goes on
FOR_IMAGES = ("split", "label_column", "size", "activation", "optimizer", "l2", "dtype")


def make_parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser(
        prog="fastmlp-train",
        description="Train a multilayer perceptron on images or a table, and test it.",
        epilog="Features of images that are integers are divided by the largest one; the model file contains that "
        "scaling, and the values of the labels as its classes. The result goes to stdout; progress, the columns of a "
        "table and errors to stderr. Exit status: 0; 1 when training failed; 2 for bad usage or input; 130 when "
        "interrupted, 143 when terminated, 129 when hung up, with a checkpoint where one was asked for.",
        allow_abbrev=False,
    )
    known = (
        "digits (the default, bundled), mnist, fashion_mnist, a folder of IDX files named like those of MNIST or of "
        "pictures in folders by class, or an .npz file with x_train, y_train, x_test and y_test; or a table: CSV, TSV, "
        "JSON lines, gzipped too, Parquet, .npz with x and y, .npy"
    )
    split = "which one, where a folder has several: letters, of emnist-letters-train-images... and the like"
    test = "part of each class to test on, always the same rows, where a folder has no test part, or of a table (0.2)"
    validation = "part of the training rows, the last ones, to validate on instead (0.0); of a table drawn ones (0.15)"
    labels = "which column is the class, from 0, where labels have several that are not one-hot"
    add = parser.add_argument
    add("dataset", nargs="?", type=dataset, default="digits", metavar="DATASET", help=known)
    add("--split", metavar="NAME", help=split)
    add("--test-split", type=share, metavar="FRACTION", help=test)
    add("--label-column", type=column, metavar="N", help=labels)
    add("--image-size", dest="size", type=size, metavar="N", help="scale pictures to N x N pixels, or to WIDTHxHEIGHT")
    add("--hidden", type=widths, metavar="UNITS", help="widths of the hidden layers (512,256; tables 384, or 192,128)")
    add("--activation", choices=ACTIVATIONS, help="of the hidden layers (relu)")
    add("--dropout", type=fraction, metavar="RATE", help="after each hidden layer (0.0)")
    add("--optimizer", choices=OPTIMIZERS, help="update rule (adam)")
    add(
        "--learning-rate",
        type=rate,
        metavar="RATE",
        help="step size (0.01 for sgd, 0.0025 for schedulefreeadamw, else 0.001; tables 0.002)",
    )
    add("--batch-size", type=count, metavar="ROWS", help="rows in each update (32; tables by their rows)")
    add("--epochs", type=count, metavar="N", help="passes over the training rows (20; tables at most 24)")
    add("--l2", type=penalty, metavar="FACTOR", help="penalty on the squared weights (0.0)")
    add("--validation-split", type=fraction, metavar="FRACTION", help=validation)
    add("--dtype", choices=("float32", "float64"), help="of weights and arithmetic (float32)")
    add("--threads", type=threads, metavar="N", help="at most (all CPUs); the result does not depend on it")
    add("--seed", type=seed, default=0, metavar="N", help="from which everything random follows (%(default)s)")
    add("--output", type=model_file, metavar="MODEL.safetensors", help="write the trained model to this file")
    add("--report", type=report_file, metavar="REPORT.html", help="write a page on the model and its test to this file")
    add("--checkpoint", type=folder, metavar="DIR", help="keep the last whole epochs in this folder, to go on from")
    add("--checkpoint-every", type=count, metavar="N", help="epochs from one checkpoint to the next (1)")
    add(
        "--resume",
        type=folder,
        metavar="DIR",
        help="go on from the last good checkpoint of this folder, to the same result; also beside --checkpoint of the "
        "same folder, which then may be empty",
    )
    add("--quiet", action="store_true", help="show no progress")
    add("--json", action="store_true", help="print the result as one JSON object")
    add("--version", action=Version, help="print the version instead of training")
    train_table.add_options(parser)
    return parser


def run(options: argparse.Namespace) -> str:
    """Train, test and save as the options say; return what goes to stdout."""
    of_table = is_table(options.dataset, options.target)
    refuse(options, *((FOR_IMAGES, "images") if of_table else (train_table.FOR_TABLES, "tables")))
    if of_table:
        with kept_as_asked(options):
            return tables.run(options)
    for name, value in OF_IMAGES.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    with progress_on_stderr(options.quiet):
        result = train(options)
    if options.json:
        return json.dumps(result, allow_nan=False)
    return (
        "test accuracy {test_accuracy:.2%}, test loss {test_loss:.4f}\n"
        "trained {parameters:,} parameters for {units} classes "
        "in {seconds:.2f} s, {samples_per_second:,.0f} samples/s\n"
        "{dtype} on {isa}, threads {threads}, seed {seed}"
    ).format(units=len(result["classes"]), **result)


def refuse(options: argparse.Namespace, others: Sequence[str], what: str) -> None:
    """Raise ValueError for an option that is there for other datasets."""
    for name in others:
        if getattr(options, name) is not None:
            raise ValueError(f"{name}: got it for {options.dataset}, needs none: it is for {what}")


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Return the result by name. Bad input raises ValueError or OSError before training, never after."""
    from fastmlp import datasets
    from fastmlp.commands.checkpoints import Checkpoints, folders, kept
    from fastmlp.config.threads import set_num_threads
    from fastmlp.data.rows import Data
    from fastmlp.training import inputs

    set_num_threads(options.threads)
    places = folders(options)
    of_files = {name: getattr(options, name) for name in ("split", "test_split", "label_column", "size")}
    given = {name: value for name, value in of_files.items() if value is not None}
    try:
        (x, labels), (x_test, labels_test) = datasets.load(options.dataset, **given)
    except ImportError as error:  # of an extra
        raise ValueError(str(error)) from error
    classes = classes_of(labels, labels_test)
    y, test = numbered(labels, classes), (x_test, numbered(labels_test, classes))
    model = build(options, x, len(classes))
    model.classes = classes.tolist()
    inputs.checked_data(model, *test, prefix="test ")
    rows = inputs.split(Data((x,), (y,)), options.validation_split)[0].rows
    network = model.network  # made now, so that too little memory shows before training
    if options.output:
        rehearse_writing(model.save, options.output)
    if options.report:
        rehearse_writing(Path.touch, options.report, "--report")
    watch = Watch(remedies(options, model, x))
    settings = {name: getattr(options, name) for name in ("batch_size", "epochs", "validation_split")}
    keepers = [] if places is None else [Checkpoints(*places, options.checkpoint_every or 1, run_of(options, x, y))]
    with kept(keepers):
        history = model.fit(x, y, verbose=0 if options.quiet else 1, callbacks=[watch, *keepers], **settings).history
    threads_used = network.threads
    tested = model.evaluate(*test, verbose=0, return_dict=True)
    tested = {f"test_{name}": tested[name] for name in ("loss", "accuracy")}
    watch.require_finite(options.epochs, tested)
    if options.output:
        write_result(model.save, options.output)
    if options.report:
        about = {"target": "class", "file": options.output, "seconds": watch.seconds}
        write_report(options, model, *test, y_train=y[:rows], **about)
    return {
        "dataset": options.dataset,
        "train_samples": rows,
        "test_samples": len(test[0]),
        "classes": model.classes,
        "parameters": model.count_params(),
        "epochs": options.epochs,
        "seconds": watch.seconds,
        "samples_per_second": rows * watch.epochs / watch.seconds,
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
        self.seconds, self.epochs = 0.0, 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.seconds -= time.perf_counter()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.seconds += time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epochs += 1
        self.require_finite(epoch + 1, logs or {})

    def require_finite(self, epoch: int, results: Logs) -> None:
        """Raise Failed when one of the epoch's results is NaN or infinite."""
        for name, value in results.items():
            if not math.isfinite(value):
                raise Failed(f"training failed: {name} is {value} after epoch {epoch}; try {self.advice}")


def run_of(options: argparse.Namespace, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Return what must be the same where a run goes on, by name."""
    from fastmlp.commands.checkpoints import fingerprint

    settings = {name: getattr(options, name) for name in OF_RUN}
    return {**settings, "features of training": fingerprint(x), "labels of training": fingerprint(y)}


def remedies(options: argparse.Namespace, model: Sequential, x: np.ndarray) -> str:
    """Return what to try when the loss is not finite."""
    assert model.optimizer is not None
    learning_rate = f"a smaller --learning-rate than {model.optimizer.learning_rate:g}"
    l2 = f" or a smaller --l2 than {options.l2:g}" if options.l2 else ""
    return learning_rate + l2 + (" or features of smaller magnitude" if x.dtype.kind == "f" else "")


def classes_of(y: np.ndarray, y_test: np.ndarray) -> np.ndarray:
    """Return the values that the labels have, in order; ValueError for labels that cannot be learned."""
    import numpy as np

    found = np.unique(y)
    unknown = np.setdiff1d(y_test, found)
    if unknown.size:
        raise ValueError(f"labels: got {unknown[0]} in the test part, needs only labels of the training part")
    if len(found) < 2:
        raise ValueError(f"labels: got {found[0]} in all {len(y)} rows, needs two classes or more")
    return found


def numbered(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return for each label the number of its class, from 0."""
    import numpy as np

    return np.searchsorted(classes, y)


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
