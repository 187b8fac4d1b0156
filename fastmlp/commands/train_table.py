"""fastmlp-train of a table: its columns shown, its task found, networks trained and tested beside a baseline."""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastmlp.commands import table_scores
from fastmlp.commands.options import (
    MISSING,
    TASKS,
    Parser,
    count,
    kind_of_column,
    missing_markers,
    names,
    rate,
    readable_file,
)
from fastmlp.commands.output import Failed, by_file, rehearse_writing, write_report, write_result

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from fastmlp.tables import Column

FOR_TABLES = ("target", "types", "drop", "missing", "weight", "task", "test", "ensemble", "tune")
HELD_OUT = 0.2  # of the rows, to test on
NOT_USED = ("text", "constant", "id", "dropped", "weight")  # kinds of columns
PARAMETERS = {  # of the estimator, by options that overrule its defaults
    "ensemble": "n_estimators",
    "tune": "tune",
    "hidden": "hidden_layer_sizes",
    "dropout": "dropout",
    "learning_rate": "learning_rate",
    "batch_size": "batch_size",
    "epochs": "max_iter",
    "validation_split": "validation_fraction",
}


def add_options(parser: Parser) -> None:
    """Add those that are for tables alone."""
    add = parser.add_argument_group("tables").add_argument
    kinds = "what a column is, where the finding is wrong: number, category, boolean, date, text or id; repeatable"
    add("--target", metavar="COLUMN", help="what is predicted; rows without it are left out")
    add("--type", dest="types", action="append", type=kind_of_column, metavar="COLUMN=KIND", help=kinds)
    add("--drop", type=names, metavar="A,B", help="columns to be ignored")
    add("--missing", type=names, metavar="A,B", help=MISSING)
    add("--weight", metavar="COLUMN", help="how much each row counts in training; no input")
    add("--task", choices=TASKS, help="what the target asks for, where the finding is wrong")
    add("--test", type=readable_file, metavar="FILE", help="a table to test on, instead of a part of the rows")
    add("--ensemble", type=count, metavar="K", help="networks whose mean is taken (1)")
    add("--tune", type=rate, metavar="SECONDS", help="search settings and several networks for so long; Ctrl-C ends it")


def train(options: argparse.Namespace, rows: pl.DataFrame, day_first: bool | None) -> dict[str, Any]:
    """Train, test and save as the options say; return the result by name. Bad input raises ValueError or OSError."""
    import numpy as np

    from fastmlp import sklearn
    from fastmlp.tables import describe, find_columns, find_task, read

    target = options.target
    require_target(options.dataset, rows.columns, target)
    task = find_task(rows[target], options.task)
    # All rows are looked at for what columns are: gaps between those of training would hide that one counts the rows.
    columns = find_columns(
        rows, target, dict(options.types or ()), options.drop or (), weight=options.weight, task=options.task
    )
    print(describe(columns))
    rows = with_target(rows, target)
    if options.test:
        tested = read(options.test, missing=missing_markers(options), day_first=day_first)
        require_target(str(options.test), tested.columns, target)
        trained, tested = rows, with_target(tested, target)
        if not len(tested):
            raise ValueError(f"test: got no {target!r} in {options.test}, needs rows that have it")
    else:
        trained, tested = split(rows, target, task.kind, options.test_split or HELD_OUT)
    y, y_test = values(trained[target], task.kind), values(as_in_training(trained, tested, target), task.kind)
    of_classes = task.kind in ("binary", "classes")
    if of_classes:
        require_known(y, y_test)
    kinds = kinds_to_prepare(columns)
    model = make(options, task.kind, kinds, day_first, sklearn)
    for path, option in ((options.output, "--output"), (options.report, "--report")):
        if path:
            rehearse_writing(Path.touch, path, option)
    start = time.perf_counter()
    model.fit(trained.drop(target), y, None if options.weight is None else trained[options.weight].to_numpy())
    seconds = time.perf_counter() - start
    x_test = tested.drop(target)
    with by_file(str(options.test or options.dataset)):
        if of_classes:
            shares = np.unique(y, return_counts=True)[1] / len(y)
            places = np.searchsorted(model.classes_, y_test)
            test, baseline, _ = table_scores.of_classes(model, shares, [(x_test, places)])
        else:
            test, baseline, _ = table_scores.of_numbers(model, float(y.mean()), [(x_test, y_test)])
    require_finite(test)
    if options.output:
        write_result(lambda path: sklearn.save(model, path), options.output)
    if options.report:
        about = {
            "target": target,
            "columns": columns,
            "file": options.output,
            "seconds": seconds,
            "y_train": y,
            "sample_weight": weights_to_test(x_test, options.weight),
        }
        write_report(options, model, x_test, y_test, **about)
    counts = {"train_samples": len(y), "test_samples": len(y_test), "left_out": task.missing}
    return result_of(options, task.kind, columns, counts, model, seconds, test, baseline)


def result_of(
    options: argparse.Namespace,
    task: str,
    columns: Sequence[Column],
    counts: dict[str, int],
    model: Any,
    seconds: float,
    test: dict[str, float],
    baseline: dict[str, Any],
) -> dict[str, Any]:
    """Return the result by name; `counts` are those of rows."""
    return {
        "dataset": options.dataset,
        "target": options.target,
        "task": task,
        "columns": [each._asdict() for each in columns],
        **counts,
        "networks": len(model.estimators_),
        "parameters": sum(each.count_params() for each in model.estimators_),
        "seconds": seconds,
        "test": test,
        "baseline": baseline,
        "seed": options.seed,
    }


def require_target(file: str, columns: Sequence[str], target: str | None) -> None:
    """Raise ValueError unless the target is a column, naming those there are."""
    if target not in columns:
        known = ", ".join(map(repr, columns[:20])) + (", ..." if len(columns) > 20 else "")
        got = "none" if target is None else repr(target)
        raise ValueError(f"target: got {got} for {file}, needs one of {known}")


def kinds_to_prepare(columns: Sequence[Column]) -> dict[str, str]:
    """Return the kinds of columns as `Preparation` takes them."""
    return {each.name: "ignore" if each.kind in NOT_USED else each.kind for each in columns if each.kind != "target"}


def with_target(rows: pl.DataFrame, target: str) -> pl.DataFrame:
    """Return the rows whose target is there."""
    found = rows[target].fill_nan(None) if rows[target].dtype.is_float() else rows[target]
    return rows.filter(found.is_not_null())


def split(rows: pl.DataFrame, target: str, task: str, share: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return rows to train and to test on, of classes about the same share of each."""
    import numpy as np

    from fastmlp.datasets.rows import hold_out

    of_classes = task in ("binary", "classes")
    classes = rows[target].rank("dense").to_numpy() if of_classes else np.zeros(len(rows), int)
    (train, _), (test, _) = hold_out((np.arange(len(rows)), classes), share)
    return rows[train], rows[test]


def as_in_training(trained: pl.DataFrame, tested: pl.DataFrame, target: str) -> pl.Series:
    """Return the target of the rows to test on, of the type it has in those to train on."""
    known, found = trained[target], tested[target]
    if found.dtype == known.dtype or (found.dtype.is_numeric() and known.dtype.is_numeric()):
        return found
    same = found.cast(known.dtype, strict=False)
    if same.null_count() > found.null_count():
        raise ValueError(f"test: got {target!r} of type {found.dtype}, needs {known.dtype} as in training")
    return same


def values(target: pl.Series, task: str) -> np.ndarray:
    """Return classes as they are written, or numbers."""
    import numpy as np
    import polars as pl

    if task in ("numbers", "counts"):
        return target.cast(pl.Float64).to_numpy()
    if target.dtype.is_numeric() or target.dtype == pl.Boolean:
        return target.to_numpy()
    return np.array(target.cast(pl.String).to_list(), str)


def weights_to_test(rows: Any, weight: str | None) -> np.ndarray | None:
    """Return what rows to test on count; None where they have no such column, or one that has other than weights."""
    import numpy as np

    if weight is None or weight not in rows:
        return None
    found = np.asarray(rows[weight])
    is_one = found.dtype.kind in "buif" and np.isfinite(found).all() and (found >= 0).all() and found.any()
    return found.astype(np.float64) if is_one else None


def require_finite(test: dict[str, float]) -> None:
    """Raise Failed for a score that is NaN or infinite."""
    for name, value in test.items():
        if not math.isfinite(value):
            raise Failed(f"training failed: the {name} of the test is {value}")


def require_known(y: np.ndarray, y_test: np.ndarray) -> None:
    """Raise ValueError for a class that only the rows to test on have."""
    import numpy as np

    unknown = np.setdiff1d(y_test, y).tolist()
    if unknown:
        raise ValueError(f"test: got {unknown[0]!r} as target, needs only classes that are in training")


def make(options: argparse.Namespace, task: str, kinds: dict[str, str], day_first: bool | None, sklearn: Any) -> Any:
    """Return the estimator of a task, with what the options overrule."""
    given = {ours: getattr(options, name) for name, ours in PARAMETERS.items() if getattr(options, name) is not None}
    cls = sklearn.TableClassifier if task in ("binary", "classes") else sklearn.TableRegressor
    return cls(**given, types=kinds, day_first=day_first, random_state=options.seed, verbose=0 if options.quiet else 1)


def in_words(result: dict[str, Any]) -> str:
    """Return a result for people."""
    test, baseline, rows = result["test"], result["baseline"], result["test_samples"]
    guess = baseline["prediction"]
    if "accuracy" in test:
        form = "accuracy {accuracy:.2%}, log loss {log_loss:.4f}"
        always = f"always {json.dumps(guess, ensure_ascii=False)}, the commonest class"
    else:
        form = "root mean squared error {root_mean_squared_error:.5g}, mean absolute error {mean_absolute_error:.5g}"
        always = f"always {guess:.5g}, the mean"
    area = f", area under the ROC curve {test['roc_auc']:.4f}" if "roc_auc" in test else ""
    networks = "1 network" if result["networks"] == 1 else f"{result['networks']} networks"
    left_out = f", {result['left_out']:,} rows without a target left out" if result["left_out"] else ""
    return (
        f"test      {form.format(**test)}{area}, {rows:,} {'row' if rows == 1 else 'rows'}\n"
        f"baseline  {form.format(**baseline)}: {always}\n"
        f"trained {networks} of {result['parameters']:,} parameters on {result['train_samples']:,} rows "
        f"in {result['seconds']:.2f} s{left_out}"
    )
