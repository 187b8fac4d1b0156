"""Rows in a file: what is written is read, in batches of any order; prepared as from memory."""

import numpy as np
import pytest

pl = pytest.importorskip("polars")

from fastmlp.tables import Preparation, open_table  # noqa: E402
from fastmlp.tables.large import Rows, counting, draw, is_large  # noqa: E402
from fastmlp.tables.reading import Table  # noqa: E402
from fastmlp.tables.stored import Batches, Stored  # noqa: E402

ROWS = 5_000
KINDS = {"x": "number", "day": "date", "word": "category", "shop": "category", "member": "boolean", "y": "number"}


def frame():
    random = np.random.default_rng(0)
    words = random.choice([f"w{place}" for place in range(30)], ROWS)
    return pl.DataFrame(
        {
            "x": random.normal(size=ROWS),
            "day": np.datetime64("1969-12-20") + random.integers(0, 400, ROWS),
            "word": [None if place % 7 == 0 else word for place, word in enumerate(words)],
            "shop": random.integers(0, 40, ROWS),
            "member": random.random(ROWS) < 0.3,
            "y": np.arange(float(ROWS)),
        }
    ).with_columns(
        x=pl.when(pl.int_range(ROWS) % 11 != 0).then("x"),
        member=pl.when(pl.int_range(ROWS) % 13 != 0).then("member"),
        day=pl.when(pl.int_range(ROWS) % 17 != 0).then("day"),
    )


@pytest.fixture
def stored(tmp_path):
    found = Stored(tmp_path / "rows", KINDS)
    for part in frame().iter_slices(700):
        found.append(part)
    return found


def test_stored_rows_are_prepared_as_those_in_memory(stored):
    whole = frame()
    made = Preparation({"shop": "category"}, indicators=5, embed_from=1).fit(whole)
    for start, stop in ((0, ROWS), (690, 720), (ROWS - 1, ROWS + 9)):
        expected = made.transform(whole[start:stop])
        for found, needed in zip(made.transform(stored.columns(stored.read(start, stop))), expected, strict=True):
            np.testing.assert_array_equal(found, needed)


def test_words_are_counted(stored):
    chosen = np.arange(ROWS) % 2 == 0
    found = stored.counts(["word", "shop"], chosen)
    part = frame().filter(chosen)
    assert found["word"] == dict(part["word"].value_counts().iter_rows())
    assert found["shop"] == {str(shop): count for shop, count in part["shop"].value_counts().iter_rows()}


def numbers_of(rows):
    return rows[:, -1]


def test_batches_have_each_chosen_row_once_in_a_new_order(stored):
    chosen = np.arange(ROWS) % 3 > 0
    length = -(-np.count_nonzero(chosen) // 64)
    batches = list(Batches(stored, chosen, 64, numbers_of, 2 * length, seed=0))
    passes = [batches[:length], batches[length:]]
    for found in passes:
        assert {len(part) for part in found[:-1]} == {64} and 0 < len(found[-1]) <= 64
        assert np.array_equal(np.sort(np.concatenate(found)), np.flatnonzero(chosen))
    first, second = map(np.concatenate, passes)
    assert not np.array_equal(first, second)
    assert first[:64].std() > ROWS / 8  # from all of the file
    again = list(Batches(stored, chosen, 64, numbers_of, seed=0))
    assert np.array_equal(np.concatenate(again), first)
    in_order = np.concatenate(list(Batches(stored, chosen, 64, numbers_of)))
    assert np.array_equal(in_order, np.flatnonzero(chosen))


def test_batches_of_any_number_are_those_of_the_passes(stored):
    chosen = np.arange(ROWS) % 3 > 0
    whole = list(Batches(stored, chosen, 640, numbers_of, 14, seed=0))
    batches = Batches(stored, chosen, 640, numbers_of, 14, seed=0)
    for number in (9, 10, 11, 12, 0, 0, 3, 13, 5, 6):
        assert np.array_equal(batches[number], whole[number])
    with pytest.raises(IndexError):
        batches[14]


def test_rows_come_from_all_of_the_file_where_few_blocks_are_held(stored, monkeypatch):
    for name in ("LEAST", "MOST"):
        monkeypatch.setattr(f"fastmlp.tables.stored.{name}", 2)  # of 20 blocks
    chosen = np.ones(ROWS, bool)
    parts = [rows[:, -1] for rows in stored.blocks(chosen, np.random.default_rng(0))]
    assert len(parts) == 10 and np.array_equal(np.sort(np.concatenate(parts)), np.arange(ROWS))
    means = [part.mean() for part in parts]
    assert means != sorted(means) and max(np.ptp(part) for part in parts) > ROWS / 2


def test_infinity_is_refused_when_it_is_stored(tmp_path):
    with pytest.raises(ValueError, match="got infinity in column 'x', needs finite numbers"):
        Stored(tmp_path / "rows", {"x": "number"}).append(pl.DataFrame({"x": [1.0, np.inf]}))


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.csv"
    frame().with_row_index("row", offset=1).with_columns(
        y=pl.when(pl.col("row") % 100 != 0).then("y"), kind=pl.when(pl.col("row") == 4000).then(pl.lit("c")).
        otherwise(pl.when(pl.col("x") > 0).then(pl.lit("b")).otherwise(pl.lit("a")))
    ).write_csv(path)  # fmt: skip
    with open_table(path) as found:
        yield found


def test_drawn_rows_tell_their_numbers_and_what_counts_them(table, monkeypatch):
    monkeypatch.setattr("fastmlp.tables.large.DRAWN_ROWS", 300)
    drawn, numbers = draw(table, np.random.default_rng(0))
    assert len(drawn) == len(numbers) == 300 and (np.diff(numbers) > 0).all()
    assert drawn["row"].to_list() == (numbers + 1).tolist()
    assert counting(drawn, numbers) == ["row"]


@pytest.mark.parametrize(("kind", "large"), [("numbers", False), ("words", True), ("dates", True)])
def test_words_and_dates_take_more_room_than_numbers(monkeypatch, kind, large):
    numbers = np.arange(300)
    column = {"numbers": numbers, "dates": np.datetime64("2024-01-01") + numbers, "words": numbers.astype(str)}[kind]
    frame = pl.DataFrame({f"c{place}": column for place in range(40)})
    monkeypatch.setattr("fastmlp.tables.large.available_memory", lambda: 1 << 40)
    assert is_large(Table(lambda: iter([frame[:0], frame]), 300_000)) == large


def test_what_is_large_depends_on_memory(table, monkeypatch):
    assert not is_large(table)
    monkeypatch.setattr("fastmlp.tables.large.available_memory", lambda: 1000)
    assert is_large(table)


@pytest.mark.parametrize("target", ["y", "kind", "member"])
def test_targets_of_stored_rows(table, tmp_path, monkeypatch, target):
    for name in ("LEAST", "MOST"):  # blocks of 256 rows
        monkeypatch.setattr(f"fastmlp.tables.stored.{name}", 1)
    whole = table.whole()
    tested = np.random.default_rng(0).random(table.rows) < 0.3
    tested[3999] = True  # the only row of class "c", which is to train on
    preparation = Preparation().fit(whole.select("x", "word")[:100])
    rows = Rows(tmp_path / "rows", preparation, target, None, "numbers" if target == "y" else "classes")
    rows.store(table, tested)
    kept = whole[target].is_not_null().to_numpy()
    assert rows.left_out == (~kept).sum() and len(rows.tested) == kept.sum()
    expected = whole[target].drop_nulls()
    goals = rows.goals(rows.stored.read(0, ROWS))
    if target == "y":
        known = expected.to_numpy()[~rows.tested]
        assert np.array_equal(goals, expected)
        assert (rows.numbers.mean, rows.numbers.scale) == pytest.approx((known.mean(), known.std()))
        assert (rows.numbers.least, rows.numbers.greatest) == (known.min(), known.max())
        assert rows.guess()[0] == pytest.approx(known.mean())
    else:
        assert rows.classes.tolist() == sorted(expected.unique().to_list())
        assert rows.classes[goals].tolist() == expected.to_list()
        shares = np.bincount(goals[~rows.tested]) / (~rows.tested).sum()
        np.testing.assert_allclose(rows.guess()[1], shares)
        assert (shares > 0).all()
    parts = list(rows.parts_to_test())
    assert np.array_equal(np.concatenate([y for _, y in parts]), goals[rows.tested])
    # words are chosen by all rows to train on, not by the hundred of fit
    counts = dict(whole.filter(kept)["word"].filter(~rows.tested).value_counts().iter_rows())
    ordered = sorted(counts, key=lambda word: (-counts[word], word is None, word or ""))
    assert rows.preparation.columns_["word"].known == ordered


def test_rows_are_weighed_and_prepared_as_networks_take_them(table, tmp_path):
    preparation = Preparation(indicators=5, embed_from=1).fit(table.whole().select("x", "word"))
    rows = Rows(tmp_path / "rows", preparation, "y", "shop", "numbers")
    rows.store(table, np.zeros(table.rows, bool))
    written = rows.stored.read(100, 164)
    x, y, weight = rows.prepared(written)
    whole = table.whole().filter(pl.col("y").is_not_null())[100:164]
    for found, expected in zip(x, preparation.inputs(whole), strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(y, rows.numbers.encode(whole["y"].to_numpy()))
    assert weight.dtype == y.dtype == np.float32 and weight.tolist() == whole["shop"].to_list()
