"""fastmlp-predict: the classes of the rows of an IDX file, by a model that fastmlp-train has written."""

from __future__ import annotations

import argparse
import json

from fastmlp.commands.options import Parser, Version, readable_file, threads


def make_parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser(
        prog="fastmlp-predict",
        description="Print the class of each row, by a model of fastmlp-train.",
        epilog="A class is printed as the value that it had in the labels. Exit status: 0; 1 when the result cannot be "
        "printed; 2 for bad usage or input; 130 when interrupted.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("model", type=readable_file, metavar="MODEL.safetensors", help="of fastmlp-train --output")
    add("images", type=readable_file, metavar="IMAGES", help="an IDX file of rows as in training, also compressed")
    add("--threads", type=threads, metavar="N", help="at most (all CPUs); the result does not depend on it")
    add("--json", action="store_true", help="print one JSON object, with the probabilities of all classes")
    add("--version", action=Version, help="print the version instead of predicting")
    return parser


def run(options: argparse.Namespace) -> str:
    """Return what goes to stdout: a class a line, or JSON. Bad input raises ValueError or OSError."""
    from fastmlp.config.threads import set_num_threads
    from fastmlp.data.arrays import require_finite
    from fastmlp.datasets.idx import read_idx
    from fastmlp.models import load_model

    set_num_threads(options.threads)
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
