"""Tables of many kinds, learned without a setting for any of them: `python -m bench.tables`.

Scores on the test rows beside those of other programs' defaults, and seconds for everything: preparation, training and
predicting. `--peers` also trains LightGBM and CatBoost in the same run, where installed. The tables are read from
the folder `tables` of FASTMLP_DATA; nothing is downloaded.

The score of classes is the log loss, that of numbers the root mean squared error over the standard deviation of the
test targets; lower is better.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import boosted
from bench.table import aligned, processor, time_text

QUICK = 2_000  # rows to train on

# The README of the folder of tables: LightGBM 4.7, scikit-learn 1.9, XGBoost 3.4, CatBoost 1.2 with their defaults, on
# the same test rows, not measured again here.
PEERS = ("lightgbm", "hgb", "xgboost", "catboost", "sklearn_mlp")


@dataclass(frozen=True)
class Table:
    """A table, its target, and the scores of PEERS."""

    name: str
    target: str
    is_classes: bool
    peers: tuple[float, ...]


TABLES = (
    Table("penguins", "species", True, (0.1547, 0.172, 0.1063, 0.1306, 0.2741)),
    Table("titanic", "survived", True, (0.5106, 0.5121, 0.5199, 0.4833, 0.4905)),
    Table("wages", "wage", False, (0.8379, 0.8317, 0.9276, 0.8526, 0.8305)),
    Table("loans", "interest_rate", False, (0.7712, 0.769, 0.8776, 0.7472, 0.7884)),
    Table("lending", "Class", True, (0.2275, 0.2245, 0.2773, 0.1939, 0.2044)),
    Table("hotel", "avg_price_per_room", False, (0.2237, 0.2256, 0.2598, 0.2116, 0.2506)),
    Table("diamonds", "price", False, (0.1395, 0.1394, 0.138, 0.1339, 0.1422)),
    Table("flights", "late", True, (0.4843,)),
)


def folder():
    """Where the tables are, or None."""
    path = Path(os.environ.get("FASTMLP_DATA", "")) / "tables"
    return path if path.is_dir() else None


def read(table):
    """X and y to train on, X and y to test: the rows of the README's rule."""
    import polars

    frame = polars.read_csv(
        folder() / f"{table.name}.csv.gz", try_parse_dates=True, infer_schema_length=None, null_values=["", "NA"]
    )
    frame = frame.filter(polars.col(table.target).is_not_null())
    numbers = np.arange(len(frame), dtype=np.uint64)
    test = numbers * 2654435761 % 2**32 < 0.2 * 2**32
    x, y = frame.drop(table.target), frame[table.target].to_numpy()
    return x.filter(~test), y[~test], x.filter(test), y[test]


def run(table, quick=False, seed=0, **settings):
    """Train and test with settings of the estimator; the score and seconds."""
    from fastmlp.sklearn import TableClassifier, TableRegressor

    x, y, x_test, y_test = read(table)
    if quick:
        x, y = x[:QUICK], y[:QUICK]
        settings["max_iter"] = 2
    start = time.perf_counter()
    model = (TableClassifier if table.is_classes else TableRegressor)(random_state=seed, **settings).fit(x, y)
    found = model.predict_proba(x_test) if table.is_classes else model.predict(x_test)
    seconds = time.perf_counter() - start
    networks = {"epochs": model.n_iter_, "networks": len(model.estimators_)}
    return {"score": score(table, found, y, y_test), "seconds": seconds, **networks}


def run_peer(table, name, quick=False):
    """Train and test a library of boosted trees; the score and seconds."""
    x, y, x_test, y_test = read(table)
    if quick:
        x, y = x[:QUICK], y[:QUICK]
    found, seconds = boosted.run(name, x, y, x_test, table.is_classes)
    return {"score": score(table, found, y, y_test), "seconds": seconds}


def score(table, found, y, y_test):
    """The score of the test rows; y is of the rows to train on, whose classes are sorted."""
    return log_loss(np.unique(y), found, y_test) if table.is_classes else relative_error(found, y_test)


def log_loss(classes, probabilities, y):
    places = np.searchsorted(classes, y)
    return float(-np.log(np.maximum(probabilities[np.arange(len(y)), places], 1e-15)).mean())


def relative_error(found, y):
    return float(np.sqrt(np.mean((found - y) ** 2)) / np.std(y))


def main(arguments=None):
    """Run the tables and print the scores; the status is 1 where there are no tables."""
    options = parser().parse_args(arguments)
    if folder() is None:
        print("FASTMLP_DATA: got no folder of that with tables, needs one")
        return 1
    chosen = [table for table in TABLES if not options.tables or table.name in options.tables.split(",")]
    found = []
    ways = {"one": {}, str(options.ensemble): {"n_estimators": options.ensemble}, "tuned": {"tune": options.tune}}
    ways = {way: settings for way, settings in ways.items() if not options.ways or way in options.ways.split(",")}
    measured = {f"{name} here": name for name in boosted.installed()} if options.peers else {}
    rows = [("table", *(name for way in [*ways, *measured] for name in (way, "seconds")), *PEERS)]
    for table in chosen:
        ours = {way: run(table, options.quick, options.seed, **settings) for way, settings in ways.items()}
        ours |= {way: run_peer(table, name, options.quick) for way, name in measured.items()}
        found.append({"table": table.name, **ours})
        scores = [text for each in ours.values() for text in (f"{each['score']:.4f}", time_text(each["seconds"]))]
        peers = [f"{score:.4f}" for score in table.peers] + ["-"] * (len(PEERS) - len(table.peers))
        rows.append((table.name, *scores, *peers))
        print(*rows[-1], flush=True, file=sys.stderr)
    print("\n".join([*aligned(rows), "", processor()]))
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=2) + "\n")
    return 0


def parser():
    parser = argparse.ArgumentParser("python -m bench.tables", description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"train on {QUICK} rows, 2 epochs")
    parser.add_argument("--tables", metavar="A,B", help=f"only these of {', '.join(each.name for each in TABLES)}")
    parser.add_argument("--ensemble", type=int, default=16, metavar="K", help="networks of the ensemble; default 16")
    parser.add_argument("--tune", type=float, default=60, metavar="SECONDS", help="of the search; default 60")
    parser.add_argument("--ways", metavar="A,B", help="only these of one, the number of networks, tuned")
    parser.add_argument("--peers", action="store_true", help="also train LightGBM and CatBoost, where installed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
