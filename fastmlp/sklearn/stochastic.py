"""The solvers "sgd" and "adam": epochs until nothing improves, with the callbacks around them."""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from fastmlp.sklearn import networks
from fastmlp.sklearn.callbacks import Callbacks
from fastmlp.sklearn.epochs import Epochs
from fastmlp.sklearn.held_out import HeldOut, split
from fastmlp.sklearn.plain import are_all_finite
from fastmlp.sklearn.solver_state import Optimizer


def fit(
    estimator: Any, x: Any, y: NDArray[Any], weights: tuple[Any, Any], held_out: HeldOut | None, random: Any
) -> None:
    """Train until `max_iter` or until nothing improves; the estimator has its initial weights.

    `weights` are those to train with and those to validate with, each [rows] or None.
    """
    optimizer = optimizer_for(estimator, incremental=False)
    rows = np.arange(len(y))
    if estimator.early_stopping and held_out is None:
        rows, held_out = split(estimator, x, y, weights[1], random)
    epochs = make_epochs(estimator, x, y, weights[0], rows, optimizer)
    callbacks = Callbacks(estimator, epochs, held_out)
    best = Best(estimator, epochs)
    try:
        callbacks.begin()
        with progress(estimator) as advance:
            follower = held_out if held_out is not None and held_out.can_follow(epochs.x) else None
            watched = bool(estimator.verbose or callbacks.any or follower is not held_out)
            drawn = orders(estimator, rows, random)
            for place, loss in trained(estimator, epochs, drawn, watched, follower, best.wanted):
                if held_out is not None and place == 0:
                    measured = held_out.measure(estimator, epochs.network)
                value = record(estimator, loss, None if held_out is None else measured[place])
                best.update(value, place)
                optimizer.epoch_ends(estimator.t_)
                advance()
                if callbacks.epoch_ends() or stops(estimator, optimizer):
                    break
            else:
                message = f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the"
                warnings.warn(f"{message} optimization hasn't converged yet.", ConvergenceWarning, stacklevel=4)
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=4)
    except BaseException:
        callbacks.let_go()
        raise
    callbacks.end()
    callbacks.let_go()
    epochs.keep()
    best.restore()
    vars(estimator).update(networks.fitted(estimator, epochs.network))


def fit_once(estimator: Any, x: Any, y: NDArray[Any], sample_weight: Any, random: Any) -> None:
    """One epoch more, for partial_fit; `random` may be the seed of numbers that are not drawn from yet."""
    optimizer = optimizer_for(estimator, incremental=True)
    rows = np.arange(len(y))
    epochs = make_epochs(estimator, x, y, sample_weight, rows, optimizer)
    estimator.n_iter_ = 0
    try:
        order = order_of(estimator, len(rows), random)
        for _, loss in run(estimator, epochs, order[np.newaxis]):
            record(estimator, loss, None)
        optimizer.epoch_ends(estimator.t_)
        stops(estimator, optimizer)
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=4)
    epochs.keep_network()
    vars(estimator).update(networks.fitted(estimator, epochs.network))


def optimizer_for(estimator: Any, incremental: bool) -> Optimizer:
    """Return the estimator's optimizer: a new one for fit, unless it warm-starts with `keep_optimizer`."""
    kept = getattr(estimator, "_optimizer", None)
    goes_on = incremental or (estimator.warm_start and estimator.keep_optimizer)
    if kept is None or not goes_on:
        estimator._optimizer = kept = Optimizer(estimator)
    if not incremental:
        kept.set_state(kept.state)  # no network is lost if fit ends by an error
    return kept


def make_epochs(
    estimator: Any, x: Any, y: NDArray[Any], sample_weight: Any, rows: NDArray[np.int64], optimizer: Optimizer
) -> Epochs:
    batch_size = estimator.batch_size
    if batch_size == "auto":
        batch_size = min(200, len(rows))
    elif batch_size > len(rows):
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=5
        )
        batch_size = len(rows)
    return Epochs(estimator, x, y, sample_weight, estimator._engine_loss, rows, int(batch_size), optimizer)


def orders(estimator: Any, rows: NDArray[np.int64], random: Any) -> Iterator[NDArray[np.int64]]:
    """Yield the order of the rows in each epoch, from scikit-learn's random numbers: each shuffles the last."""
    order, places = np.arange(len(rows)), np.arange(len(rows))
    for _ in range(estimator.max_iter):
        if estimator.shuffle:
            places[:] = np.arange(len(rows))
            random.shuffle(places)
            order = order[places]
        yield rows[order]


def order_of(estimator: Any, count: int, random: Any) -> NDArray[np.int64]:
    """Return the order of so many rows in the only epoch of a call; `random` may be a seed."""
    if not estimator.shuffle:
        return np.arange(count)
    if isinstance(random, int):
        return shuffled(random, count) if count <= 1 << 12 else shuffled.__wrapped__(random, count)
    order = np.arange(count)
    random.shuffle(order)
    return order


@functools.lru_cache(maxsize=16)
def shuffled(seed: int, count: int) -> NDArray[np.int64]:
    """Return an order by the first random numbers of a seed; to make these takes longer than a step of training."""
    order = np.arange(count)
    np.random.RandomState(seed).shuffle(order)
    return order


def trained(
    estimator: Any,
    epochs: Epochs,
    drawn: Iterator[NDArray[np.int64]],
    watched: bool,
    follower: HeldOut | None,
    keeps: bool,
) -> Iterator[tuple[int, float]]:
    """Train up to `max_iter` epochs; yield the place of each in the last call of the engine, and its loss.

    Where they are not watched, several follow each other in one call of the engine: as many as there are before
    training can stop, which takes `n_iter_no_change` epochs and one. Meanwhile other threads of Python run. The outputs
    of held-out rows that follow each epoch, and the weights that one `keeps`, are of the same call.
    """
    estimator.n_iter_ = 0
    most = 1 if watched else epochs.most_together(0 if follower is None else len(follower.y), keeps)
    while estimator.n_iter_ < estimator.max_iter:
        before_stop = estimator.n_iter_no_change - estimator._no_improvement_count + 1
        count = max(1, int(min(before_stop, most)))
        yield from run(estimator, epochs, np.array(list(itertools.islice(drawn, count))), follower, keeps)


def run(
    estimator: Any, epochs: Epochs, orders: NDArray[np.int64], follower: HeldOut | None = None, keeps: bool = False
) -> Iterator[tuple[int, float]]:
    """Train for an epoch of each order; when they are done, yield place and loss of each, and raise what ended them."""
    losses: list[float] = []
    interrupt = None
    held_out = None if follower is None else follower.room(epochs.network, len(orders))
    try:
        epochs.run(orders, losses, held_out, keeps)
    except KeyboardInterrupt as error:
        interrupt = error
    if losses:
        count, rows = len(losses), orders.shape[1] * len(losses)
        estimator.loss_ = losses[-1]
        estimator.n_iter_ += count  # from here on no call before the last, so that no interrupt finds half of it done
        estimator.t_ += rows
        estimator.loss_curve_.extend(losses)
    yield from enumerate(losses)
    if interrupt is not None:
        raise interrupt


def record(estimator: Any, loss: float, held_out: tuple[float, float] | None) -> float:
    """Record the losses and the score, count epochs without improvement; return the value to maximize."""
    score = math.nan
    if estimator.verbose and estimator.verbose != "progress":
        print(f"Iteration {estimator.n_iter_}, loss = {loss:.8f}")
    if held_out is not None:
        validation_loss, score = held_out
        estimator.validation_loss_curve_.append(validation_loss)
        estimator.validation_scores_.append(score)
    if estimator.early_stopping:
        if estimator.verbose and estimator.verbose != "progress":
            print(f"Validation score: {score:f}")
        count_improvement(estimator, score, estimator.best_validation_score_)
    else:
        count_improvement(estimator, -loss, -estimator.best_loss_)
        if loss < estimator.best_loss_:
            estimator.best_loss_ = loss
    if held_out is not None and score > estimator.best_validation_score_:
        estimator.best_validation_score_ = score
    return score if held_out is not None else -loss


def count_improvement(estimator: Any, value: float, best: float) -> None:
    """Count the epochs in a row that are not better by `tol`; NaN counts as better, as in scikit-learn."""
    estimator._no_improvement_count = estimator._no_improvement_count + 1 if value < best + estimator.tol else 0


def stops(estimator: Any, optimizer: Optimizer) -> bool:
    if estimator._no_improvement_count <= estimator.n_iter_no_change:
        return False
    what = "Validation score" if estimator.early_stopping else "Training loss"
    end = f"for {estimator.n_iter_no_change} consecutive epochs."
    verbose = estimator.verbose and estimator.verbose != "progress"
    if optimizer.stops(f"{what} did not improve more than tol={estimator.tol:f} {end}", verbose):
        return True
    estimator._no_improvement_count = 0
    return False


class Best:
    """The weights of the best epoch, where they are wanted: of the best score held out, else of the least loss."""

    def __init__(self, estimator: Any, epochs: Epochs) -> None:
        wanted = estimator.restore_best
        self.wanted = estimator.early_stopping if wanted == "auto" else wanted
        self.epochs = epochs
        self.value = -math.inf
        self.improved = False
        self.weights: networks.Weights | None = None
        if self.wanted:
            self.weights = epochs.network.get_weights()  # of a warm start, which no epoch may be better than
            if estimator.early_stopping:
                self.value = estimator.best_validation_score_

    def update(self, value: float, place: int) -> None:
        """Keep the weights where the epoch, by its place in the last call, has a larger value than all before."""
        if self.wanted and value > self.value:
            self.value, self.weights, self.improved = value, self.epochs.weights(place), True

    def restore(self) -> None:
        """Go back to the best weights; a run that diverged from its first epoch on has none."""
        if self.weights is not None and (self.improved or are_all_finite(self.epochs.network.get_weights())):
            self.epochs.network.set_weights(self.weights)


@contextlib.contextmanager
def progress(estimator: Any) -> Iterator[Any]:
    """Draw a bar over the epochs for verbose="progress"; give the function to call after each."""
    if estimator.verbose != "progress":
        yield lambda: None
        return
    from rich.progress import Progress

    with Progress() as bar:
        task = bar.add_task(type(estimator).__name__, total=estimator.max_iter)

        def advance() -> None:
            bar.update(task, advance=1, description=f"{type(estimator).__name__} loss {estimator.loss_:.4f}")

        yield advance
