"""fastmlp-predict: what a model that fastmlp-train has written says of images, or of the rows of a table."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys

from fastmlp.commands import predict_table, rows
from fastmlp.commands.options import MISSING, Parser, Version, names, new_file, readable_file, readable_rows, threads
from fastmlp.commands.output import write_result


def make_parser() -> Parser:
    """Return the parser of the command line."""
    parser = Parser(
        prog="fastmlp-predict",
        description="Print the class or the number of each row, by a model of fastmlp-train.",
        epilog="A class is printed as the value that it had in the labels. Of tables and pictures the result is CSV: "
        "prediction, and of classes their probabilities. Exit status: 0; 1 when the result cannot be printed; 2 for "
        "bad usage or input; 130 when interrupted.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("model", type=readable_file, metavar="MODEL.safetensors", help="of fastmlp-train --output")
    add(
        "rows",
        nargs="?",
        type=readable_rows,
        metavar="ROWS",
        help="as in training: a table; an IDX file, a folder of pictures or one picture, an .npz or .npy file, a table "
        "of pixels; - or nothing for standard input",
    )
    add("--output", type=new_file, metavar="FILE", help="write the predictions to this file")
    add("--id", metavar="COLUMN", help="of a table, this column comes first, beside the predictions")
    add("--missing", type=names, metavar="A,B", help=f"of a table, {MISSING}, as in training")
    add("--threads", type=threads, metavar="N", help="at most (all CPUs); the result does not depend on it")
    add("--json", action="store_true", help="print one JSON object, with the probabilities of all classes")
    add("--version", action=Version, help="print the version instead of predicting")
    return parser


def run(options: argparse.Namespace) -> str | None:
    """Return what goes to stdout, if it is not there yet. Bad input raises ValueError or OSError."""
    from fastmlp.config.threads import set_num_threads
    from fastmlp.data.files import is_of_kind
    from fastmlp.data.whole_files import write_whole

    if options.rows is None:
        if sys.stdin is None or sys.stdin.isatty():
            raise ValueError("rows: got none, needs a file, or rows that are piped in")
        options.rows = "-"
    set_num_threads(options.threads)
    if is_of_kind(options.model, "estimator"):
        predict_table.run(options)
        return None
    for name in ("id", "missing"):
        if getattr(options, name) is not None:
            raise ValueError(f"{name}: got it for {options.model}, needs none: it is for models of tables")
    text = classes_of_images(options)
    if options.output is None:
        return text
    write_result(lambda path: write_whole(path, lambda file: file.write(f"{text}\n".encode())), options.output)
    return None


def classes_of_images(options: argparse.Namespace) -> str:
    """Return a class a line, of pictures as CSV beside their files, or JSON."""
    from fastmlp.data.arrays import require_finite
    from fastmlp.models import load_model

    model = load_model(options.model, compile=False)
    classes = model.classes
    if classes is None or model.output_shape != (None, len(classes)):
        raise ValueError(f"model: got {str(options.model)!r}, needs one with classes, as fastmlp-train writes it")
    called = rows.called(options.rows)
    with rows.on_disk(options.rows) as path:
        x, files = rows.read(path, called, model.input_shape[1:])
    require_finite(called, x, model.dtype)
    probabilities = model.predict(x, verbose=0)
    predictions = [classes[number] for number in probabilities.argmax(axis=1)]
    if options.json:
        result = {"classes": classes, "predictions": predictions, "probabilities": probabilities.tolist()}
        if files:
            result["files"] = list(map(str, files))
        return json.dumps(result, allow_nan=False)
    if not files:
        return "\n".join(map(str, predictions))
    text = io.StringIO()
    names = [f"probability_{name}" for name in classes]
    lines = zip(files, predictions, probabilities.tolist(), strict=True)
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["file", "prediction", *names])
    table.writerows([file, prediction, *map("{:.7g}".format, shares)] for file, prediction, shares in lines)
    return text.getvalue().removesuffix("\n")
