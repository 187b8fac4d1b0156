"""fastmlp-train of a table that is larger than memory: found on drawn rows, trained and tested from a file of all."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from fastmlp.commands.output import rehearse_writing, write_result
from fastmlp.commands.train_table import (
    HELD_OUT,
    as_in_training,
    kinds_to_prepare,
    make,
    require_finite,
    require_known,
    require_target,
    result_of,
    values,
    with_target,
)

if TYPE_CHECKING:
    import numpy as np

    from fastmlp.tables.large import Rows
    from fastmlp.tables.reading import Table

NEEDS_MEMORY = ("tune", "report", "checkpoint", "resume")  # options
AT_ONCE = 16_384  # rows to test on

Parts = Iterable[tuple[Any, "np.ndarray"]]


def train(options: argparse.Namespace, table: Table) -> dict[str, Any]:
    """Train, test and save as the options say; return the result by name. Bad input raises ValueError or OSError."""
    import numpy as np

    from fastmlp import sklearn
    from fastmlp.sklearn import large_tables
    from fastmlp.tables import describe, find_columns, find_task, open_table
    from fastmlp.tables.large import Rows, counting, draw

    for name in NEEDS_MEMORY:
        if getattr(options, name, None) is not None:
            raise ValueError(f"{name}: got it for {options.dataset}, needs a table that fits into memory")
    target, weight = options.target, getattr(options, "weight", None)
    require_target(options.dataset, table.schema.names(), target)
    random = np.random.default_rng(0)
    tested = random.random(table.rows) < (0.0 if options.test else options.test_split or HELD_OUT)
    drawn, numbers = draw(table, random)
    task = find_task(drawn[target], options.task)
    types = dict(options.types or ())
    ids = [name for name in counting(drawn, numbers) if name not in (target, weight, *types, *(options.drop or ()))]
    columns = [
        column._replace(note="counts the rows") if column.name in ids else column
        for column in find_columns(
            drawn, target, types | dict.fromkeys(ids, "id"), options.drop or (), weight=weight, task=options.task
        )
    ]
    print(f"{table.rows:,} rows, more than fit into memory: trained from disk; {len(drawn):,} drawn ones show columns")
    print(describe(columns))
    names = [name for name in table.schema.names() if name not in (target, weight)]
    kinds = {name: kind for name, kind in kinds_to_prepare(columns).items() if name in names}
    model = make(options, task.kind, kinds, table.day_first, sklearn)
    if options.output:
        rehearse_writing(Path.touch, options.output)
    preparation = large_tables.prepared(model, with_target(drawn.filter(~tested[numbers]), target).select(names))
    with TemporaryDirectory(prefix="fastmlp-") as folder:
        rows = Rows(Path(folder, "rows"), preparation, target, weight, task.kind)
        rows.store(table, tested)
        start = time.perf_counter()
        large_tables.fit(model, rows, names)
        seconds = time.perf_counter() - start
        if options.test:
            with open_table(options.test, day_first=table.day_first) as other:
                require_target(str(options.test), other.schema.names(), target)
                test, baseline, count = scores(model, rows, parts_of(other, rows, drawn, target, task.kind))
            if not count:
                raise ValueError(f"test: got no {target!r} in {options.test}, needs rows that have it")
        else:
            test, baseline, count = scores(model, rows, rows.parts_to_test())
    require_finite(test)
    if options.output:
        write_result(lambda path: sklearn.save(model, path), options.output)
    counts = {
        "train_samples": int((~rows.tested).sum()),
        "test_samples": count,
        "left_out": rows.left_out,
    }
    return result_of(options, task.kind, columns, counts, model, seconds, test, baseline)


def parts_of(table: Table, rows: Rows, drawn: Any, target: str, task: str) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield the columns and the targets of a table to test on, some rows at a time."""
    import numpy as np

    for frame in table.batches(AT_ONCE):
        found = with_target(frame, target)
        y = values(as_in_training(drawn, found, target), task)
        if rows.of_classes:
            require_known(rows.classes, y)
            y = np.searchsorted(rows.classes, y)
        yield found, y


def scores(model: Any, rows: Rows, parts: Parts) -> tuple[dict[str, float], dict[str, Any], int]:
    """Return the scores of a model and of the baseline on rows that come in parts, and how many rows there are."""
    import numpy as np

    mean, shares = rows.guess()
    count, sums = 0, np.zeros((2, 2))
    for table, y in parts:
        if not len(y):
            continue
        count += len(y)
        if rows.of_classes:
            found = model.predict_proba(table).astype(np.float64)
            found /= found.sum(axis=1, keepdims=True)
            guesses = np.broadcast_to(shares, found.shape)
            sums += [of_classes(each, y) for each in (found, guesses)]
        else:
            sums += [of_numbers(each - y) for each in (model.predict(table), mean)]
    (first, second), (always, always_too) = (sums / max(count, 1)).tolist()
    if rows.of_classes:
        commonest = rows.classes[shares.argmax()].item()
        return (
            {"accuracy": first, "log_loss": second},
            {"prediction": commonest, "accuracy": always, "log_loss": always_too},
            count,
        )
    names = ("root_mean_squared_error", "mean_absolute_error")
    test, baseline = (
        dict(zip(names, (one**0.5, other), strict=True)) for one, other in ((first, second), (always, always_too))
    )
    return test, {"prediction": mean, **baseline}, count


def of_classes(probabilities: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return how many rows are right, and the sum of their losses."""
    import numpy as np

    chosen = np.clip(probabilities[np.arange(len(y)), y], np.finfo(np.float64).eps, 1.0)
    return float((probabilities.argmax(axis=1) == y).sum()), float(-np.log(chosen).sum())


def of_numbers(differences: np.ndarray) -> tuple[float, float]:
    """Return the sums of squares, and of what is without its sign."""
    return float((differences**2).sum()), float(abs(differences).sum())
