"""fastmlp-train of a table: in memory, or from disk where what networks take of it does not fit there."""

from __future__ import annotations

import argparse
import json
from typing import Any

from fastmlp.commands import train_large, train_table
from fastmlp.commands.options import missing_markers
from fastmlp.commands.output import by_file, progress_on_stderr


def run(options: argparse.Namespace) -> str:
    """Train, test and save as the options say; return what goes to stdout."""
    with progress_on_stderr(options.quiet):
        result = train(options)
    return json.dumps(result, allow_nan=False) if options.json else train_table.in_words(result)


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Return the result by name. Bad input raises ValueError or OSError."""
    try:
        from fastmlp import sklearn  # noqa: F401, for its error
        from fastmlp.tables import open_table
    except ImportError as error:
        raise ValueError(str(error)) from error
    from fastmlp.config.threads import set_num_threads
    from fastmlp.tables.large import is_large

    set_num_threads(options.threads)
    if options.test and options.test_split is not None:
        raise ValueError(f"test_split: got {options.test_split}, needs none: --test has the rows to test on")
    if options.tune and options.ensemble:
        raise ValueError(f"ensemble: got {options.ensemble} beside --tune, which chooses how many networks there are")
    if options.validation_split == 0:
        raise ValueError("validation_split: got 0, needs a part of the rows of a table, as they end each training")
    with by_file(options.dataset), open_table(options.dataset, missing=missing_markers(options)) as table:
        if options.target is None and options.dataset.lower().endswith(".npz"):
            options.target = "y"
        if is_large(table):
            return train_large.train(options, table)
        rows = table.whole()
    with by_file(options.dataset):
        return train_table.train(options, rows, table.day_first)
