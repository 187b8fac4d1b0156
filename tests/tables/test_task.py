"""What a target asks for: classes, numbers or counts."""

import datetime

import numpy as np
import polars as pl
import pytest

from fastmlp.tables import find_task

RANDOM = np.random.default_rng(0)

TASKS = {
    "two words": (["yes", "no"] * 9, "binary"),
    "booleans": ([True, False] * 9, "binary"),
    "0 and 1": ([0, 1, 1] * 9, "binary"),
    "two numbers with decimals": ([0.5, 1.5] * 9, "binary"),
    "three words": (["a", "b", "c"] * 9, "classes"),
    "digits": (list(range(10)) * 9, "classes"),
    "classes written as floats": ([0.0, 1.0, 2.0] * 9, "classes"),
    "letters by number": (list(range(26)) * 9, "classes"),
    "grades": (RANDOM.binomial(6, 0.5, 900) + 3, "classes"),
    "grades from 0": (RANDOM.binomial(10, 0.5, 900), "classes"),
    "rare classes": ([0] * 90 + [1] * 9 + [2] * 3, "classes"),
    "some classes common": (np.repeat(range(8), [400, 5, 200, 5, 100, 5, 50, 20]), "classes"),
    "prices": (RANDOM.integers(326, 18_823, 900), "numbers"),
    "decimals": (RANDOM.normal(size=90), "numbers"),
    "ages": (RANDOM.integers(17, 90, 900), "numbers"),
    "small whole numbers, some negative": (RANDOM.integers(-30, 30, 900), "numbers"),
    "claims": (RANDOM.poisson(0.7, 900), "counts"),
    "items": (RANDOM.poisson(4, 900), "counts"),
    "visits": (RANDOM.geometric(0.2, 900) - 1, "counts"),
}


@pytest.mark.parametrize(("values", "kind"), TASKS.values(), ids=TASKS)
def test_the_task_is_found(values, kind):
    task = find_task(pl.Series("count", values))
    assert (task.kind, task.missing) == (kind, 0) and task.reason


def test_missing_targets_are_counted_and_said():
    task = find_task(pl.Series("y", ["a", None, "b", None] * 1000))
    assert task == ("binary", "two values; missing rows left out: 2,000", 2000)
    assert find_task(pl.Series("y", [1.5, float("nan"), 2.5, 3.5])).missing == 1


def test_a_task_may_be_given():
    assert find_task(pl.Series("y", [1, 2, 3] * 9), "numbers") == ("numbers", "as given", 0)
    assert find_task(pl.Series("y", [0.5, 1.5, 2.5]), "classes").kind == "classes"


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        ([1, 1], None, "target 'y': got 1 in every row, needs at least two different values"),
        (["a", None], None, "target 'y': got 'a' in every row"),
        ([None, None], None, "target 'y': got no values"),
        ([datetime.date(2020, 1, 1)] * 2, None, "got values of type Date, needs classes or numbers"),
        (
            [f"name {place}" for place in range(60)],
            None,
            "got 60 different words in 60 rows, needs classes that repeat",
        ),
        ([1, 2], "regression", "task: got 'regression', needs one of binary, classes, numbers, counts"),
        ([1, 2, 3], "binary", "got 3 different values, 'binary' needs two"),
        (["a", "b"], "numbers", "got values of type String, 'numbers' needs numbers"),
        ([-1, 2], "counts", "got -1 to 2, needs whole numbers of at least 0"),
        ([0.5, 2], "counts", "got 0.5 to 2, needs whole numbers of at least 0"),
    ],
)
def test_wrong_targets(values, task, message):
    with pytest.raises(ValueError, match=message):
        find_task(pl.Series("y", values), task)


@pytest.mark.parametrize("sign", [1, -1])
def test_skewed_numbers_are_noticed(sign):
    random = np.random.default_rng(0)
    prices = sign * np.exp(2 * random.normal(size=500))
    median = f"{np.median(prices):.4g}"
    told = f"numbers with decimals, skewed: half of them {'below' if sign > 0 else 'above'} {median}"
    assert find_task(pl.Series("price", prices)).reason == told
    assert find_task(pl.Series("price", sign * random.exponential(size=500))).reason == "numbers with decimals"
    assert "skewed" in find_task(pl.Series("price", (1000 * prices).astype(int))).reason
