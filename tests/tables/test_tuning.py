"""Settings that are found within a time: rounds, folds, the greedy ensemble, what time and Ctrl-C leave."""

import time
from dataclasses import replace

import numpy as np
import pytest

from fastmlp.tables import recipe, tuning
from fastmlp.tables.in_time import InTime
from fastmlp.tables.recipe import Examples, Settings

RANDOM = np.random.default_rng(0)
ROWS = 400
X = RANDOM.normal(size=(ROWS, 6)).astype(np.float32)
NUMBERS = (X[:, 0] + np.abs(X[:, 1])).astype(np.float32)
FIRST = Settings(hidden=(8,), dropout=0.0, epochs=4, batch_size=64)


def examples(y=NUMBERS, classes=0, weight=None):
    return Examples([X], [], y, classes, weight)


def test_it_ends_in_time_with_networks_that_count_1_in_all():
    start = time.perf_counter()
    models, weights = tuning.tune(examples(), 1.5, 0, [FIRST])
    assert time.perf_counter() - start < 10  # it may be paused
    assert len(models) == len(weights) > 1 and np.isclose(sum(weights), 1) and min(weights) > 0


def test_what_is_found_is_better_than_what_was_tried_first():
    ours, _ = tuning.tune(examples(), 3, 0, [replace(FIRST, dropout=0.95, learning_rate=0.01, epochs=20)])
    outputs = np.mean([model.predict(X, verbose=0)[:, 0] for model in ours], axis=0)
    assert np.mean((outputs - NUMBERS) ** 2) < 0.5 * NUMBERS.var()


def searched(seed, brackets, first=FIRST):
    """Return a search that has no clock: so many brackets, each of the most settings."""
    search = tuning.Search(examples(), time.perf_counter() + 1e6, seed, [first], 0)
    search.work, search.spent = 1.0, 1e-20
    search.folds = tuning.folds(search.examples, 0.15, np.random.default_rng(0))[:3]
    for _ in range(brackets):
        search.bracket()
        search.past, search.going = search.past + search.going, []
    return search


def test_the_same_seed_tries_the_same_and_finds_the_same_bits(monkeypatch):
    monkeypatch.setattr(tuning, "WIDE", 8)
    first, second, other = (searched(seed, 1).ensemble() for seed in (0, 0, 1))
    assert first[1] == second[1]
    for one, two in zip(first[0], second[0], strict=True):
        assert one.predict(X, verbose=0).tobytes() == two.predict(X, verbose=0).tobytes()
    assert first[0][0].predict(X, verbose=0).tobytes() != other[0][0].predict(X, verbose=0).tobytes()


def test_rounds_keep_the_better_half_and_train_it_on_the_next_fold(monkeypatch):
    monkeypatch.setattr(tuning, "WIDE", 10)
    search = searched(0, 2)
    assert tuning.rounds(10, 3) == [10, 5, 4] and tuning.rounds(3, 2) == [3, 3]
    assert search.count == 20 and [len(one.members) for one in search.past] == [3] * 8
    assert [len(np.unique([id(member.mask) for member in one.members])) for one in search.past] == [3] * 8


def test_folds_hold_no_row_out_twice_and_classes_alike():
    y = np.repeat([0, 1], [300, 100]).astype(np.int32)
    masks = tuning.folds(examples(y, 2), 0.2, np.random.default_rng(0))
    assert np.array_equal(np.sum(masks, axis=0), np.ones(ROWS))
    assert [np.bincount(y[mask]).tolist() for mask in masks] == [[60, 20]] * 5
    many = Examples([np.empty((200_000, 0), np.float32)], [], np.empty(200_000), 0)
    for given, share, sizes in (
        (examples(), 0.9, [200] * 2),
        (examples(), 0.01, [4] * 7),
        (many, 0.15, [20_000] * 7),
        (Examples([X[:2]], [], NUMBERS[:2], 0), 0.15, [1, 1]),
    ):
        masks = tuning.folds(given, share, np.random.default_rng(0))
        assert [mask.sum() for mask in masks] == sizes and np.sum(masks, axis=0).max() == 1


def test_the_greedy_ensemble_takes_what_is_best_beside_the_others():
    y = np.array([0.0, 1.0, 2.0, 3.0], np.float32)
    above, below, far = ((y + by)[:, None] for by in (1.0, -2.0, 9.0))
    assert tuning.greedy([above, below, far], y, False, None) == [2, 1, 0]  # with replacement: their mean is y
    assert tuning.greedy([far, y[:, None]], y, False, None) == [0, 1]
    sure = np.array([[0.9, 0.1], [0.8, 0.2]], np.float32)
    unsure = np.array([[0.6, 0.4], [0.1, 0.9]], np.float32)
    classes = np.array([0, 1])
    assert np.flatnonzero(tuning.greedy([sure, unsure], classes, True, np.array([1.0, 0.0], np.float32))) == [0]
    assert np.flatnonzero(tuning.greedy([sure, unsure], classes, True, np.array([0.0, 1.0], np.float32))) == [1]


def test_drawn_settings_are_no_slower_than_so_many_times_the_first():
    search = tuning.Search(examples(), 0.0, 0, [Settings()], 0)
    drawn = [search.draw() for _ in range(50)]
    slowest = search.slowest * tuning.passes(search.examples, search.first)
    assert len({each.learning_rate for each in drawn}) == 50
    assert max(tuning.passes(search.examples, each) for each in drawn) <= slowest


def test_the_work_of_a_network_is_that_of_its_weights():
    given = Examples([X, np.zeros((ROWS, 2), np.float32)], [5, 7], NUMBERS, 0)
    settings = Settings(hidden=(8, 4), vector=3, epochs=2)
    model = recipe.network(given, settings, 1, 0)
    kernels = sum(layer.get_weights()[0].size for layer in model.layers if layer.name.startswith("dense"))
    assert tuning.passes(given, settings) == kernels * ROWS * 2


class Interrupting:
    """In place of `recipe.fit`: a number of calls, then Ctrl-C."""

    def __init__(self, calls):
        self.left, self.fit = calls, recipe.fit

    def __call__(self, *arguments, **more):
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        self.fit(*arguments, **more)


def test_an_interrupt_leaves_the_best_so_far(monkeypatch):
    monkeypatch.setattr(recipe, "fit", Interrupting(4))
    with pytest.warns(UserWarning, match="tune: interrupted, takes the best that was found before"):
        models, weights = tuning.tune(examples(), 60, 0, [FIRST])
    assert 1 <= len(models) == len(weights) and np.isclose(sum(weights), 1)


def test_an_interrupt_before_there_is_anything_is_one(monkeypatch):
    monkeypatch.setattr(recipe, "fit", Interrupting(1))
    with pytest.raises(KeyboardInterrupt):
        tuning.tune(examples(), 60, 0, [FIRST])


def test_too_little_time_is_an_error():
    with pytest.raises(ValueError, match="tune: got 1e-06 seconds, needs more to train a network for an epoch"):
        tuning.tune(examples(), 1e-6, 0, [FIRST])


def test_a_network_that_time_has_ended_has_its_best_weights():
    y = np.tile(NUMBERS, 500)
    given = Examples([np.tile(X, (500, 1))], [], y, 0)
    mask = recipe.held_out(given, 0.15, np.random.default_rng(0))
    member = recipe.member(given, Settings(hidden=(64,), epochs=100_000, patience=100_000, learning_rate=0.3), mask, 0)
    recipe.fit(given, [member], seconds=1.0)
    assert 1 <= len(member.model.history.epoch) < 100_000
    assert member.loss == min(member.model.history.history["val_loss"])
    best = member.model.evaluate(given.rows(mask), y[mask], verbose=0)
    assert best == pytest.approx(member.loss, rel=1e-6)


def test_the_recipes_own_network_comes_first_with_all_epochs(monkeypatch):
    begun, fit = [], recipe.fit
    monkeypatch.setattr(recipe, "fit", lambda *given, **more: (begun.append(given[1]), fit(*given, **more)))
    search = tuning.Search(examples(), time.perf_counter() + 1e6, 0, [FIRST, replace(FIRST, dropout=0.5)], 0)
    monkeypatch.setattr(search, "bracket", lambda: False)
    monkeypatch.setattr(search, "deepen", lambda: None)
    search.run()
    (own,) = search.going
    assert [len(members) for members in begun[2:]] == [1] and begun[2][0] is own.members[0]  # after the two that probe
    assert own.settings.hidden == FIRST.hidden and len(own.members[0].model.history.epoch) == FIRST.epochs
    assert search.waiting == [replace(FIRST, dropout=0.5)]


def test_where_time_is_short_that_network_is_all_and_has_fewer_epochs():
    given = Examples([np.tile(X, (100, 1))], [], np.tile(NUMBERS, 100), 0)
    first = replace(FIRST, hidden=(64,), epochs=2_000, patience=2_000)
    start = time.perf_counter()
    (model,), weights = tuning.tune(given, 3, 0, [first])
    assert time.perf_counter() - start < 15 and weights == [1.0]  # it may be paused
    assert 1 <= len(model.history.epoch) < 2_000


def test_time_for_no_others_goes_to_networks_of_the_recipe(monkeypatch):
    monkeypatch.setattr(tuning, "ENOUGH", 9)
    monkeypatch.setattr(tuning, "FEWEST", 1_000)
    models, weights = tuning.tune(examples(), 1e6, 0, [FIRST])
    assert len(models) in (9, 10) and np.allclose(weights, 1 / len(models))  # as many at once as there are threads
    assert {model.layers[1].units for model in models} == {8}
    assert len({model.predict(X, verbose=0).tobytes() for model in models}) == len(models)


def test_time_that_is_left_goes_to_more_networks_of_those_that_count_most():
    search = searched(0, 1)
    found = search.found()
    times = search.draws(found)
    before = [len(one.members) for one in found]
    search.deepen()
    grown = [len(one.members) - was for one, was in zip(found, before, strict=True)]
    assert all(more == 0 for more, drawn in zip(grown, times, strict=True) if not drawn)
    assert grown[int(np.argmax(times))] == max(grown) > 0
    assert {len(one.outputs) for one in found} == {3}


def test_the_recipes_own_settings_never_drop_out(monkeypatch):
    monkeypatch.setattr(tuning, "WIDE", 12)
    search = searched(0, 0, replace(FIRST, dropout=0.95, learning_rate=0.02))
    search.going, search.count = [tuning.Candidate(0, search.first)], 1
    search.bracket()
    assert search.going[0].number == 0 and [len(one.members) for one in search.going] == [3] * 4
    assert search.going[0].loss == max(one.loss for one in search.going)


def test_one_that_has_diverged_drops_out(monkeypatch):
    """What it says of later folds would stand for the first one."""
    monkeypatch.setattr(tuning, "WIDE", 8)
    search = searched(0, 0)
    keep = search.keep

    def but_one(candidates, members):
        first = int(members[0].mask is search.folds[0] and candidates[0].number == 0)
        return keep(candidates[first:], members[first:])

    monkeypatch.setattr(search, "keep", but_one)
    search.bracket()
    assert [(one.number > 0, len(one.members)) for one in search.going] == [(True, 3)] * 4
    search.ensemble()


def test_one_that_had_few_epochs_is_not_kept_beside_others():
    search = searched(0, 0)
    own = tuning.Candidate(0, search.first)
    search.wave([(own, 0)])
    (member,) = own.members
    for epochs, kept in ((FIRST.epochs // 2 - 1, 0), (FIRST.epochs // 2, 1)):
        in_time = InTime(search.end)
        in_time.epochs = epochs
        assert search.keep([own], [replace(member, in_time=in_time)]) == kept
