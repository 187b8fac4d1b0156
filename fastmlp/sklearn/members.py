"""The members of an ensemble are trained: at once in this process, or shared out by joblib among its workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from joblib.parallel import get_active_backend
from numpy.typing import NDArray
from sklearn.utils.parallel import Parallel, delayed

from fastmlp.config.threads import limited_threads
from fastmlp.models import Sequential
from fastmlp.sklearn import networks
from fastmlp.training.many import fit_many

Logs = dict[str, list[float]]


@dataclass(frozen=True)
class Member:
    """A member, and how it is to be trained.

    Attributes
    ----------
    model : Sequential
        Compiled.
    stop : Callback
        When it ends.
    bag : int array
        Its rows.
    batch_size, epochs : int
    validated : bool
        Whether by the rows outside of its bag.
    """

    model: Sequential
    stop: Any
    bag: NDArray[np.int64]
    batch_size: int
    epochs: int
    validated: bool


def train(
    members: list[Member], x: NDArray[Any], y: NDArray[Any], n_threads: int | None, verbose: int
) -> list[tuple[Sequential, Logs]]:
    """Return the members' models, trained, and their losses by epoch; the same bits wherever that is done.

    Within `joblib.parallel_config` of a backend whose workers are processes, here or on other machines, each member is
    a task of its own. x and y are arguments of every task: Dask's backend sends them once, loky's shares their memory.
    """
    if not are_shared_out():
        with threads(n_threads):
            return train_here(members, x, y, verbose)
    tasks = (delayed(train_there)(member, x, y, n_threads) for member in members)
    return list(Parallel(verbose=verbose)(tasks))


def are_shared_out() -> bool:
    """Whether joblib has several processes for what is asked for here, which is no task of one of them itself."""
    backend, _ = get_active_backend()
    return not getattr(backend, "supports_sharedmem", False) and not networks.in_worker() and effective_n_jobs(None) > 1


def train_here(members: list[Member], x: NDArray[Any], y: NDArray[Any], verbose: int) -> list[tuple[Sequential, Logs]]:
    models = [member.model for member in members]
    histories = fit_many(
        models,
        x,
        y,
        [member.batch_size for member in members],
        [member.epochs for member in members],
        verbose=verbose,
        callbacks=[[member.stop] for member in members],
        validation_data=[outside(x, y, member.bag) if member.validated else None for member in members],
        rows=[member.bag for member in members],
    )
    return [(model, history.history) for model, history in zip(models, histories, strict=True)]


def train_there(member: Member, x: NDArray[Any], y: NDArray[Any], n_threads: int | None) -> tuple[Sequential, Logs]:
    """Train one; in a worker its model is a copy, which goes back."""
    with threads(n_threads):
        return train_here([member], x, y, 0)[0]


@contextmanager
def threads(number: int | None) -> Iterator[None]:
    """Use so many threads; None stands for all, and for one inside of a worker of joblib or Dask."""
    with limited_threads(number or (1 if networks.in_worker() else None)):
        yield


def outside(x: NDArray[Any], y: NDArray[Any], bag: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Return the rows that are not in a bag, or None where it has all."""
    rest = np.ones(len(x), bool)
    rest[bag] = False
    return (x[rest], y[rest]) if rest.any() else None
