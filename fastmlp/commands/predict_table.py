"""fastmlp-predict of a table: its rows some at a time, so that memory is bounded, and CSV of what a model says."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

from fastmlp.commands.options import missing_markers
from fastmlp.commands.output import deliver
from fastmlp.commands.rows import called as name_of
from fastmlp.commands.rows import piped

if TYPE_CHECKING:
    import polars as pl

AT_ONCE = 4_096  # rows


def run(options: argparse.Namespace) -> None:
    """Write the predictions to the file or to stdout. Bad input raises ValueError or OSError."""
    from fastmlp.data.whole_files import write_whole

    if options.json:
        raise ValueError("--json: got it for a model of a table, needs none: its predictions are CSV")
    model = load(options)
    if options.output is None:
        for text in texts(options, model):
            deliver(text.removesuffix("\n"))
        return

    def write(file: IO[bytes]) -> None:
        for text in texts(options, model):
            file.write(text.encode())

    write_whole(options.output, write)


def load(options: argparse.Namespace) -> Any:
    """Return the estimator; ValueError for one of another kind, and without the extras."""
    try:
        from fastmlp import sklearn
    except ImportError as error:
        raise ValueError(str(error)) from error
    model = sklearn.load(options.model)
    if not isinstance(model, (sklearn.TableClassifier, sklearn.TableRegressor)):
        needs = "a TableClassifier or TableRegressor, as fastmlp-train writes it"
        raise ValueError(f"model: got {type(model).__name__} in {str(options.model)!r}, needs {needs}")
    return model


def texts(options: argparse.Namespace, model: Any) -> Iterator[str]:
    """Yield the lines of CSV of some rows at a time, the names of the columns first."""
    try:
        from fastmlp.tables import open_table
    except ImportError as error:
        raise ValueError(str(error)) from error
    from fastmlp.data.numpy_files import names_in

    source, called = piped() if options.rows == "-" else options.rows, name_of(options.rows)
    if source is options.rows and source.is_dir():
        raise ValueError(f"{called}: got a folder, needs a table, as the model was trained on one")
    is_test = source is options.rows and "x_test" in names_in(source)
    known = {"missing": missing_markers(options), "day_first": model.preparation_.day_first}
    with open_table(source, part="test" if is_test else "train", **known) as table:
        for number, rows in enumerate(table.batches(AT_ONCE)):
            try:
                found = predictions(model, rows, options.id)
            except ValueError as error:
                raise ValueError(f"{called}: {str(error).removeprefix('X: ')}") from error
            if number == 0:
                say_what_is_not_used(model, called, rows.columns, options.id)
            yield found.write_csv(include_header=number == 0)


def say_what_is_not_used(model: Any, called: str, columns: Sequence[str], beside: str | None) -> None:
    """Name on stderr the columns that the model has not seen in training: once, however many rows there are."""
    known = {*getattr(model, "feature_names_in_", columns), beside}
    others = [repr(name) for name in columns if name not in known]
    if others:
        listed = ", ".join(others[:10]) + (f" and {len(others) - 10} others" if len(others) > 10 else "")
        print(f"fastmlp-predict: {called}: not used, as not there in training: {listed}", file=sys.stderr)


def predictions(model: Any, rows: pl.DataFrame, beside: str | None) -> pl.DataFrame:
    """Return the predictions of rows, of classes the probability of each, and the column that is to stand beside."""
    import polars as pl
    from sklearn.base import is_classifier

    columns: dict[str, Any] = {}
    if beside is not None:
        if beside not in rows.columns:
            raise ValueError(f"got no column {beside!r} for --id, needs one of {', '.join(map(repr, rows.columns))}")
        columns[beside] = rows[beside]
    if is_classifier(model):
        probabilities = model.predict_proba(rows)
        found = {"prediction": model.classes_[probabilities.argmax(axis=1)]}
        for place, name in enumerate(model.classes_.tolist()):
            written = str(name).lower() if isinstance(name, bool) else name  # as CSV has it
            found[f"probability_{written}"] = probabilities[:, place]
    else:
        found = {"prediction": model.predict(rows)}
    if beside in found:
        raise ValueError(f"got {beside!r} for --id, needs a column that is called otherwise than the predictions")
    return pl.DataFrame(columns | found)
