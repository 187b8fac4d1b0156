"""fastmlp-predict of a table: its rows some at a time, so that memory is bounded, and CSV of what a model says."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from fastmlp.commands.output import deliver

if TYPE_CHECKING:
    import polars as pl

AT_ONCE = 10_000  # rows


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
        from fastmlp.tables import read_batches
    except ImportError as error:
        raise ValueError(str(error)) from error
    for number, rows in enumerate(read_batches(options.images, AT_ONCE)):
        try:
            found = predictions(model, rows, options.id)
        except ValueError as error:
            raise ValueError(f"{options.images}: {str(error).removeprefix('X: ')}") from error
        yield found.write_csv(include_header=number == 0)


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
