"""fastmlp-predict: what a model that fastmlp-train has written says of the rows of an IDX file, or of a table."""

from __future__ import annotations

import argparse
import json

from fastmlp.commands import predict_table
from fastmlp.commands.options import Parser, Version, new_file, readable_file, threads


def make_parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser(
        prog="fastmlp-predict",
        description="Print the class or the number of each row, by a model of fastmlp-train.",
        epilog="A class is printed as the value that it had in the labels. Of a table the result is CSV: prediction, "
        "and of classes their probabilities. Exit status: 0; 1 when the result cannot be printed; 2 for bad usage or "
        "input; 130 when interrupted.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("model", type=readable_file, metavar="MODEL.safetensors", help="of fastmlp-train --output")
    add(
        "images",
        type=readable_file,
        metavar="IMAGES",
        help="an IDX file of rows as in training, also compressed; or a table",
    )
    add("--output", type=new_file, metavar="FILE", help="write the predictions of a table to this file")
    add("--id", metavar="COLUMN", help="of a table, this column comes first, beside the predictions")
    add("--threads", type=threads, metavar="N", help="at most (all CPUs); the result does not depend on it")
    add("--json", action="store_true", help="print one JSON object, with the probabilities of all classes")
    add("--version", action=Version, help="print the version instead of predicting")
    return parser


def run(options: argparse.Namespace) -> str | None:
    """Return what goes to stdout, if it is not there yet. Bad input raises ValueError or OSError."""
    from fastmlp.config.threads import set_num_threads
    from fastmlp.data.files import is_of_kind

    set_num_threads(options.threads)
    if is_of_kind(options.model, "estimator"):
        predict_table.run(options)
        return None
    for name in ("output", "id"):
        if getattr(options, name) is not None:
            raise ValueError(f"{name}: got it for {options.model}, needs none: it is for models of tables")
    return classes_of_images(options)


def classes_of_images(options: argparse.Namespace) -> str:
    """Return a class a line, or JSON."""
    from fastmlp.data.arrays import require_finite
    from fastmlp.datasets.idx import read_idx
    from fastmlp.models import load_model

    model = load_model(options.model, compile=False)
    classes = model.classes
    if classes is None or model.output_shape != (None, len(classes)):
        raise ValueError(f"model: got {str(options.model)!r}, needs one with classes, as fastmlp-train writes it")
    x = read_idx(options.images)
    require_finite(str(options.images), x, model.dtype)
    probabilities = model.predict(x, verbose=0)
    predictions = [classes[number] for number in probabilities.argmax(axis=1)]
    if not options.json:
        return "\n".join(map(str, predictions))
    result = {"classes": classes, "predictions": predictions, "probabilities": probabilities.tolist()}
    return json.dumps(result, allow_nan=False)
