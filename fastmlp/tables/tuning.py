"""Settings for one table, found within a time: random ones in rounds that drop the worst, then a greedy ensemble.

The recipe's own network comes first, in all threads. Where time is short, settings are given up first, then networks of
the recipe, and only then epochs of the one, whose rate falls to 0 by the end in any case. So what comes out is at least
what there is without a search, or what of it fits into the time.

Folds of the rows are held out by turns. Each round trains what is left outside of one more, and keeps the half that
predicts the held-out rows best (K. Jamieson and A. Talwalkar, Non-stochastic best arm identification and
hyperparameter optimization, 2016). Where there is time for it, this begins again with new settings. Of what comes
through all rounds, a few are taken, some more than once, whose mean predicts held-out rows best (R. Caruana et al.,
Ensemble selection from libraries of models, 2004). The time that is left then goes to more networks of these.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.config.threads import get_num_threads
from fastmlp.models import Model
from fastmlp.tables import recipe
from fastmlp.tables.in_time import InTime
from fastmlp.tables.recipe import Examples, Member, Settings
from fastmlp.training.many import predict_many

SLOWEST = 3, 16  # times of the first settings that others may take: where there is little time, and where much
PART = 10  # between these, the networks of one setting may take this part of all the time
PLANNED = 0.6  # of the time that is left, what new settings may take: they may take longer than is thought
FOLDS = 7  # at most
WIDE, FEWEST = 64, 8  # settings that begin, at most and at least: among fewer none is much better than the recipe
LEFT = 4  # settings that come to the last fold
MOST = 400  # settings in all: with more, some look good by chance
ASKED = 16  # settings that the ensemble is chosen from
DRAWS = 25  # of which it takes one so many times
ENOUGH = 32  # networks, beyond which the mean of more is hardly another
PROBED = 8_192  # rows of the first epoch, which tells how fast this machine is
RESERVE = 0.03  # of the time, for what comes after the training

Rows = NDArray[np.float32]


@dataclass
class Candidate:
    """Settings, with their networks, fold after fold, and what these say of the rows held out from them."""

    number: int
    settings: Settings
    members: list[Member] = field(default_factory=list)
    outputs: list[Rows] = field(default_factory=list)  # of the first network for each fold

    @property
    def loss(self) -> float:
        """The mean over the folds; infinite before the first one."""
        return float(np.mean([member.loss for member in self.members] or np.inf))

    def order(self) -> tuple[bool, float]:
        """Return what sorts candidates: the recipe's own first, which was good on many tables, then the best."""
        return self.number > 0, self.loss


def tune(
    examples: Examples, seconds: float, seed: int, first: Sequence[Settings], verbose: int = 0
) -> tuple[list[Model], list[float]]:
    """Return networks, and how much each counts in their mean, found in so many seconds.

    What is drawn depends on the seed alone, how much of it is tried on the time. Where it is short it
    also decides how many epochs there are.

    Parameters
    ----------
    seconds : float
        It may end earlier, where a table is so small that more settings would be of no use.
    first : sequence of Settings
        Tried first; the others are drawn around the first of them.
    verbose : int
        1 prints a line for every few networks.

    Raises
    ------
    KeyboardInterrupt
        Where it comes before any network has been trained for an epoch; else it ends the search with a warning.
    ValueError
        Where the time is too short for that.
    """
    search = Search(examples, time.perf_counter() + (1 - RESERVE) * seconds, seed, first, verbose)
    try:
        search.run()
    except KeyboardInterrupt:
        if not search.found():
            raise
        warnings.warn("tune: interrupted, takes the best that was found before", stacklevel=2)
    if not search.found():
        raise ValueError(f"tune: got {seconds:g} seconds, needs more to train a network for an epoch")
    return search.ensemble()


class Search:
    """What has been tried, and the time that is left.

    Attributes
    ----------
    folds : list of bool arrays [rows]
        The rows that are held out by turns.
    past, going : list of Candidate
        What came through the rounds before, and what is left in those of now.
    work, spent : float
        The passes of a row through a weight until now, and their seconds.
    """

    def __init__(self, examples: Examples, end: float, seed: int, first: Sequence[Settings], verbose: int) -> None:
        self.examples, self.end, self.seed, self.verbose = examples, end, seed, verbose
        self.first, *self.waiting = (each.for_rows(len(examples.y)) for each in first)
        self.random = np.random.default_rng(seed)
        self.folds = folds(examples, self.first.held_out, np.random.default_rng(seed))
        self.past: list[Candidate] = []
        self.going: list[Candidate] = []
        self.count = 0  # of all that were begun
        self.slowest: float = SLOWEST[0]
        self.work = self.spent = 0.0

    def left(self) -> float:
        """Return the seconds that are left."""
        return max(self.end - time.perf_counter(), 0.0)

    def seconds(self, settings: Settings) -> float:
        """Return how much a network adds to the time of all."""
        return self.spent / self.work * passes(self.examples, settings)

    def run(self) -> None:
        """Try settings until the time is over, or many have been tried; then train more of the best."""
        self.probe()
        self.going, self.count = [Candidate(0, self.first)], 1
        self.round(0)
        affordable = self.left() / self.seconds(self.first)
        self.slowest = min(max(affordable / len(self.folds) / PART, SLOWEST[0]), SLOWEST[1])
        while self.left() > 0 and self.count < MOST and self.bracket():
            self.past, self.going = self.past + self.going, []
        self.deepen()

    def probe(self) -> None:
        """See how fast this machine is: by a short training in each thread, after one that wakes it up."""
        random, rows = np.random.default_rng(self.seed), len(self.examples.y)
        some = self.examples.part(random.permutation(rows)[:PROBED])
        epochs = PROBED // len(some.y)
        settings = replace(self.first, epochs=min(epochs, self.first.epochs))
        mask = recipe.held_out(some, settings.held_out, random)
        for _ in range(2):
            self.work = self.spent = 0.0
            self.train(some, [recipe.member(some, settings, mask, seed) for seed in range(get_num_threads())])

    def train(self, examples: Examples, members: Sequence[Member]) -> None:
        """Train networks as long as there is time, and see how fast that goes."""
        start = time.perf_counter()
        recipe.fit(examples, members, seconds=self.left())
        self.spent += time.perf_counter() - start
        self.work += sum(passes(examples, one.settings) for one in members)

    def bracket(self) -> bool:
        """Begin with as many new settings as there is time for, and drop the worst; return whether they were enough."""
        drawn = self.waiting + [self.draw() for _ in range(min(WIDE, MOST - self.count) - len(self.waiting))]
        begun, turns, planned = len(self.going), len(self.folds), PLANNED * self.left()
        cheap = [each for each in drawn if self.seconds(each) * turns <= planned]
        total = np.cumsum([self.seconds(each) for each in cheap])
        needed = [cost / count * sum(rounds(begun + count, turns)) for count, cost in enumerate(total, 1)]
        count = max((count for count, cost in enumerate(needed, 1) if cost <= planned), default=0)
        if count < FEWEST:
            return False
        drawn, self.waiting = cheap[:count], cheap[count:]
        self.going += [Candidate(self.count + number, settings) for number, settings in enumerate(drawn)]
        self.count += count
        for fold, size in enumerate(rounds(begun + count, turns)):
            if self.left():
                whole = [one for one in self.going if len(one.members) == fold] if fold else self.going
                self.going = sorted(whole, key=Candidate.order)[:size]
                self.round(fold)
        return True

    def deepen(self) -> None:
        """Train more networks of what the ensemble takes, those that count most first, as long as there is time."""
        found = self.found()
        times = self.draws(found) if found else []
        while found and sum(len(one.members) for one, drawn in zip(found, times, strict=True) if drawn) < ENOUGH:
            jobs: list[tuple[Candidate, int]] = []
            for _ in range(get_num_threads()):
                places = [len(one.members) + sum(other is one for other, _ in jobs) for one in found]
                most = int(np.argmax([drawn / place for drawn, place in zip(times, places, strict=True)]))
                jobs.append((found[most], places[most]))
            while jobs and sum(self.seconds(one.settings) for one, _ in jobs) > self.left():
                jobs.pop()
            if not jobs or not self.wave(jobs):
                return

    def draw(self) -> Settings:
        """Return settings around the first ones, of networks that do not take too long."""
        first, choice, uniform = self.first, self.random.choice, self.random.uniform
        assert first.hidden and first.batch_size  # of `for_rows`
        while True:
            settings = replace(
                first,
                hidden=layers(first.hidden[0] * choice([0.25, 0.5, 1, 1.5, 2]), choice([1, 1, 2, 3]), choice([0.5, 1])),
                activation=str(choice(["relu", "relu", "silu"])),
                dropout=float(choice([0.0, 0.1, 0.2, 0.3, 0.5])),
                learning_rate=float(first.learning_rate * 10 ** uniform(-0.6, 0.4)),
                weight_decay=float(10 ** uniform(-4, -0.5)),
                batch_size=max(int(first.batch_size * choice([0.25, 0.5, 1, 2])), 1),
                epochs=max(round(first.epochs * choice([0.5, 1, 1, 2, 4])), 1),
                vector=int(first.vector * choice([1, 2, 4])),
            )
            if passes(self.examples, settings) <= self.slowest * passes(self.examples, first):
                return settings

    def round(self, fold: int) -> None:
        """Train what is left, and was not yet, outside of a fold, a few at a time, as long as there is time."""
        waiting = [(one, fold) for one in self.going if len(one.members) <= fold]
        while waiting and self.left() > 0:
            wave, waiting = waiting[: 2 * get_num_threads()], waiting[2 * get_num_threads() :]
            self.wave(wave)

    def wave(self, jobs: Sequence[tuple[Candidate, int]]) -> int:
        """Train networks of candidates, by their places among those of a candidate, which say their folds and seeds.

        Returns
        -------
        int
            How many were kept.
        """
        members = []
        for one, place in jobs:
            seed = int(np.random.default_rng([self.seed, one.number, place]).integers(2**31))
            mask = self.folds[place % len(self.folds)]
            members.append(recipe.member(self.examples, one.settings, mask, seed, InTime(self.end)))
        try:
            self.train(self.examples, members)
        finally:
            kept = self.keep([one for one, _ in jobs], members)
        self.tell()
        return kept

    def keep(self, candidates: Sequence[Candidate], members: Sequence[Member]) -> int:
        """Keep networks that were trained for an epoch at least, with what they say of the rows held out.

        Beside others of the same settings, one that has had less than half of the epochs is not kept.

        Returns
        -------
        int
            How many.
        """
        kept = 0
        for one, member in zip(candidates, members, strict=True):
            planned = member.in_time.epochs if member.in_time else one.settings.epochs
            if np.isfinite(member.loss) and (not one.members or 2 * planned >= one.settings.epochs):
                if len(one.outputs) < len(self.folds):
                    one.outputs += predict_many([member.model], self.examples.rows(member.mask))
                one.members.append(member)
                kept += 1
        return kept

    def found(self) -> list[Candidate]:
        """Return what was tried on most folds, in order: on as many as a few settings were."""
        tried = [one for one in self.past + self.going if one.members]
        counts = sorted((len(one.members) for one in tried), reverse=True)
        least = counts[min(LEFT, len(counts)) - 1] if counts else 0
        return sorted((one for one in tried if len(one.members) >= least), key=Candidate.order)[:ASKED]

    def tell(self) -> None:
        """Print how far it is."""
        if self.verbose:
            found = self.found()
            best = f", least loss {min(one.loss for one in found):.4f}" if found else ""
            print(f"tune: {self.count} settings in {len(self.folds)} folds{best}, {self.left():.0f} s left", flush=True)

    def draws(self, found: Sequence[Candidate]) -> list[int]:
        """Return how often the ensemble takes each of the candidates."""
        count = min(len(one.outputs) for one in found)
        masks, weight = self.folds[:count], self.examples.weight
        y = np.concatenate([self.examples.y[mask] for mask in masks])
        weight = None if weight is None else np.concatenate([weight[mask] for mask in masks])
        outputs = [np.concatenate(one.outputs[:count]) for one in found]
        return greedy(outputs, y, self.examples.classes > 0, weight)

    def ensemble(self) -> tuple[list[Model], list[float]]:
        """Return the networks whose mean predicts held-out rows best, and how much each counts."""
        found = self.found()
        draws = self.draws(found)
        models, weights = [], []
        for one, times in zip(found, draws, strict=True):
            for member in one.members if times else []:
                models.append(member.model)
                weights.append(times / len(one.members) / sum(draws))
        return models, weights


def layers(units: float, count: int, factor: float) -> tuple[int, ...]:
    """Return the units of hidden layers, of which each has as many as the one before, times a factor."""
    return tuple(max(round(units * factor**number), 1) for number in range(count))


def rounds(count: int, folds: int) -> list[int]:
    """Return how many of so many settings each round trains."""
    return [min(count, max(count >> number, LEFT)) for number in range(folds)]


def passes(examples: Examples, settings: Settings) -> float:
    """Return how often a row goes through a weight of a network, if no training ends early."""
    width = sum(each.shape[1] for each in examples.inputs) + len(examples.codes) * (settings.vector - 1)
    widths = [width, *(settings.hidden or ()), examples.classes or 1]
    return float(len(examples.y) * settings.epochs * sum(a * b for a, b in pairwise(widths)))


def folds(examples: Examples, share: float, random: np.random.Generator) -> list[NDArray[np.bool_]]:
    """Return which rows are held out by turns: none twice, about that share each time, of each class alike.

    So the networks have as many rows to learn from as those of the recipe.
    """
    order, masks = recipe.mixed(examples, random), []
    parts = max(2, round(1 / share), math.ceil(len(order) / recipe.HELD_OUT))
    for fold in range(min(parts, FOLDS, len(order))):
        mask = np.zeros(len(order), bool)
        mask[order[fold::parts]] = True
        masks.append(mask)
    return masks


def greedy(outputs: Sequence[Rows], y: NDArray[Any], of_classes: bool, weight: Rows | None) -> list[int]:
    """Return how often each of the outputs [rows, columns] is taken, so that their mean has the least loss.

    They are taken one by one, each time the one that is best beside those taken before.
    """

    def loss(mean: NDArray[np.floating]) -> float:
        errors = -np.log(np.maximum(mean[np.arange(len(y)), y], 1e-7)) if of_classes else (mean[:, 0] - y) ** 2
        return float(np.average(errors, weights=weight))

    total, taken = np.zeros_like(outputs[0]), []
    best, length = np.inf, 0
    for size in range(1, DRAWS + 1):
        losses = [loss((total + each) / size) for each in outputs]
        chosen = int(np.argmin(losses))
        total += outputs[chosen]
        taken.append(chosen)
        if losses[chosen] < best:
            best, length = losses[chosen], size
    return np.bincount(taken[:length], minlength=len(outputs)).tolist()  # type: ignore[no-any-return]
