"""Epochs of a stochastic solver: one call of the engine, and their losses as scikit-learn reports them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.sklearn import losses, networks
from fastmlp.sklearn.solver_state import Optimizer
from fastmlp.sklearn.sparse import for_network

ROOM_TOGETHER = 1 << 18  # rows times outputs of all epochs in one call of the engine
WORK_TOGETHER = 1 << 30  # multiply-adds, some 50 ms: long against the Python around a call, short for Ctrl-C
LARGE = 1 << 20  # weights whose optimizer's state is not copied after a fit, but stays in its network


class Epochs:
    """Everything an epoch needs, prepared once.

    Parameters
    ----------
    estimator : estimator
        With its weights.
    x : array or CSR matrix [rows, features]
    y : array
        As the engine takes it.
    sample_weight : array [rows], optional
    loss : str
        A name of losses.LOSSES.
    rows : array of int64
        The rows to train on.
    batch_size : int
    optimizer : Optimizer
        Its state goes on from what it remembers.
    """

    def __init__(
        self,
        estimator: Any,
        x: Any,
        y: NDArray[Any],
        sample_weight: NDArray[Any] | None,
        loss: str,
        rows: NDArray[np.int64],
        batch_size: int,
        optimizer: Optimizer,
    ) -> None:
        dtype = networks.dtype_of(estimator)
        self.x, self.y, self.weight = for_network(x, dtype), y, sample_weight
        self.loss, self.batch_size = loss, batch_size
        self.optimizer = optimizer
        self.schedule = estimator.learning_rate if callable(estimator.learning_rate) else None
        self.network, self.made_from = networks.for_training(estimator, losses.ENGINE[loss], optimizer)
        self.network.threads = networks.threads_of_steps(estimator, batch_size)
        self.starts = np.arange(0, len(rows), batch_size)
        self.sizes = np.minimum(batch_size, len(rows) - self.starts).astype(np.float64)
        columns = y.shape[1] if y.ndim == 2 else 1
        self.factor = losses.factor(loss, columns)
        self.penalized = estimator.alpha > 0
        # rows without a weight weigh the same in every epoch
        self.row_weight = None if self.factor == 1 else np.full(len(y), self.factor, dtype)
        self.left_out = losses.left_out(loss, y)
        self.scales = 1.0 / self.sizes if self.penalized else None
        self.is_seen = losses.of_logits(loss) or (loss == "squared_error" and columns > 1)
        self.predictions = np.zeros((int(self.is_seen), len(y), self.network.outputs), dtype)  # of each epoch of a call
        self.rows = len(rows)
        self.kept: NDArray[Any] | None = None  # weights after each epoch of the last call

    def most_together(self, held_out: int, keeps: bool) -> int:
        """Return how many epochs one call of the engine may have; one, where they differ in more than their order.

        So many rows are held out, and weights kept after each epoch or not.
        """
        if self.weight is not None or self.optimizer.schedule == "invscaling":
            return 1
        work = (3 * self.rows + held_out) * self.network.multiply_adds
        room = (len(self.y) + held_out) * self.network.outputs + keeps * self.network.packed_size
        return max(1, min(ROOM_TOGETHER // room, WORK_TOGETHER // work))

    def run(self, orders: NDArray[np.int64], found: list[float], held_out: Any = None, keeps: bool = False) -> None:
        """Visit the rows in the order of each epoch, [epochs, rows].

        `found` is extended by the loss of each finished epoch, the mean over the rows of each batch's, also where the
        engine raises KeyboardInterrupt. `held_out` are rows and where their outputs after each epoch are put, [epochs,
        rows, units]; where one `keeps` the weights, they are those that `weights` returns.
        """
        weight, scales = self.row_weight, self.scales
        if self.weight is not None:
            weight, scales = self.weights_of(orders[0])
        rates = self.rates(len(orders))
        if rates is None:
            self.network.set_learning_rate(self.optimizer.learning_rate)
        if scales is not None and len(orders) > 1:
            scales = np.tile(scales, len(orders))
        results: list[tuple[float, float]] = []
        room, given = self.room(len(orders)), (self.x, self.y)
        try:
            if len(orders) == 1 and held_out is None and not keeps:  # costs less, as partial_fit does so for a row
                own, size = None if room is None else room[0], self.batch_size
                found_one = self.network.train_epoch(*given, orders[0], size, None, weight, rates, own, scales)
                results.append(found_one)
            else:
                self.kept = np.empty((len(orders), self.network.packed_size), self.network.dtype) if keeps else None
                steps = weight, rates, scales
                self.network.train_epochs(
                    *given, orders, self.batch_size, results, None, *steps, room, held_out, self.kept
                )
        finally:
            corrected = self.is_corrected(len(results))
            found += [
                loss + (self.correction(orders[number], number, weight) if corrected else 0.0)
                for number, (loss, _) in enumerate(results)
            ]

    def room(self, epochs: int) -> NDArray[Any] | None:
        """Return where the predictions of so many epochs are put, [epochs, rows, units], if they are looked at."""
        if not self.is_seen:
            return None
        if len(self.predictions) < epochs:
            self.predictions = np.zeros((epochs, *self.predictions.shape[1:]), self.predictions.dtype)
        return self.predictions[:epochs]

    def weights(self, place: int) -> networks.Weights:
        """Return the weights after an epoch of the last call, which has kept them."""
        assert self.kept is not None
        return self.network.unpacked(self.kept[place])

    def weights_of(self, order: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Return the factors of rows and penalties by which a batch's loss is divided by the sum of its weights."""
        assert self.weight is not None
        weight = self.weight[order].astype(np.float64, copy=False)
        sums = np.add.reduceat(weight, self.starts)
        scales = np.divide(1.0, sums, out=np.zeros_like(sums), where=sums != 0)  # a batch without weight has no loss
        rows = np.zeros(len(self.weight), self.network.dtype)
        rows[order] = weight * np.repeat(self.factor * self.sizes * scales, self.sizes.astype(np.int64))
        return rows, scales

    def rates(self, epochs: int) -> NDArray[np.float64] | None:
        """Return the rates of a schedule that is a function of the number of updates done, or None."""
        if self.schedule is None:
            return None
        first = self.network.step
        rates = np.array([float(self.schedule(first + i)) for i in range(epochs * len(self.starts))])
        wrong = rates[~(np.isfinite(rates) & (rates >= 0))]
        if len(wrong):
            raise ValueError(f"learning_rate: got {wrong[0]}, needs finite rates of at least 0")
        self.optimizer.learning_rate = float(rates[-1])
        return rates

    def is_corrected(self, epochs: int) -> bool:
        """Whether the engine's loss of one of so many epochs may differ from scikit-learn's."""
        if not losses.of_logits(self.loss):
            return self.left_out is not None or self.is_seen
        return epochs > 0 and losses.may_be_too_large(self.loss, self.predictions[:epochs])

    def correction(self, order: NDArray[np.int64], number: int, weight: NDArray[Any] | None) -> float:
        """Return what the engine's loss of an epoch lacks, or has too much, to be scikit-learn's."""
        if self.left_out is not None:
            return self.mean(self.left_out[order], order, weight)
        predictions = self.predictions[number]
        if self.loss == "squared_error":  # reported as a mean over the columns, where the gradient is that of a sum
            errors = losses.squared_error(self.y[order], predictions[order])
            return float((1 - self.y.shape[1]) * self.mean(errors, order, weight))
        found = losses.too_large(self.loss, self.y, predictions)  # rows not visited have logits of 0
        if found is None:
            return 0.0
        rows, excess = found
        return -self.mean(excess, rows, weight) * len(rows) / len(order)

    def mean(self, values: NDArray[Any], rows: NDArray[np.int64], weight: NDArray[Any] | None) -> float:
        """Return the mean of values of some rows, times what they weigh in their batch."""
        return float(np.mean(values if weight is None else values * (weight[rows] / self.factor)))

    def keep(self) -> None:
        """Let the optimizer remember where it stands."""
        if self.network.multiply_adds >= LARGE:  # one for each weight of a kernel
            self.keep_network()
            return
        self.optimizer.step = self.network.step
        self.optimizer.set_state(self.network.get_optimizer_state())

    def keep_network(self) -> None:
        """Let the optimizer remember where it stands, with the network to go on with."""
        self.optimizer.keep(self.network, self.made_from)
