"""fastmlp-train of a table that is larger than memory: found on drawn rows, trained and tested from a file of all."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from fastmlp.commands import table_scores
from fastmlp.commands.drawn_rows import Drawn
from fastmlp.commands.options import missing_markers
from fastmlp.commands.output import by_file, rehearse_writing, write_report, write_result
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
    weights_to_test,
    with_target,
)

if TYPE_CHECKING:
    import numpy as np

    from fastmlp.commands.table_scores import Parts
    from fastmlp.tables.large import Rows
    from fastmlp.tables.reading import Table

AT_ONCE = 16_384  # rows to test on


def train(options: argparse.Namespace, table: Table) -> dict[str, Any]:
    """Train, test and save as the options say; return the result by name. Bad input raises ValueError or OSError."""
    import numpy as np

    from fastmlp import sklearn
    from fastmlp.sklearn import large_tables
    from fastmlp.tables import describe, find_columns, find_task, open_table
    from fastmlp.tables.large import Rows, counting, draw

    if options.tune is not None:
        raise ValueError(
            f"tune: got it for {options.dataset}, needs a table that fits into memory: a search trains many"
        )
    target, weight = options.target, options.weight
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
    for path, option in ((options.output, "--output"), (options.report, "--report")):
        if path:
            rehearse_writing(Path.touch, path, option)
    preparation = large_tables.prepared(model, with_target(drawn.filter(~tested[numbers]), target).select(names))
    with TemporaryDirectory(prefix="fastmlp-") as folder:
        rows = Rows(Path(folder, "rows"), preparation, target, weight, task.kind)
        rows.store(table, tested)
        start = time.perf_counter()
        large_tables.fit(model, rows, names)
        seconds = time.perf_counter() - start
        if options.test:
            with (
                by_file(str(options.test)),
                open_table(options.test, missing=missing_markers(options), day_first=table.day_first) as other,
            ):
                require_target(str(options.test), other.schema.names(), target)
                parts = Drawn(parts_of(other, rows, drawn, target, task.kind), other.rows)
                test, baseline, count = scores(model, rows, parts)
            if not count:
                raise ValueError(f"test: got no {target!r} in {options.test}, needs rows that have it")
        else:
            parts = Drawn(rows.parts_to_test(), int(rows.tested.sum()))
            test, baseline, count = scores(model, rows, parts)
    require_finite(test)
    if options.output:
        write_result(lambda path: sklearn.save(model, path), options.output)
    if options.report:
        x, y = parts.rows()
        y_train = values(with_target(drawn.filter(~tested[numbers]), target)[target], task.kind)
        about = {
            "target": target,
            "columns": columns,
            "file": options.output,
            "seconds": seconds,
            "y_train": y_train,
            "train_rows": int((~rows.tested).sum()),
            "test_rows": count,
            "sample_weight": weights_to_test(x, weight),
        }
        x = {name: x[name] for name in names if name in preparation.columns_}
        write_report(options, model, x, rows.classes[y] if rows.of_classes else y, **about)
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
    mean, shares = rows.guess()
    if rows.of_classes:
        return table_scores.of_classes(model, shares, parts)
    return table_scores.of_numbers(model, mean, parts)
