"""Checkpoints of the networks of a table: a folder for each, in the order in which they are made."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

OF_RUN = (
    "target",
    "task",
    "hidden",
    "dropout",
    "learning_rate",
    "batch_size",
    "validation_split",
    "ensemble",
    "epochs",
    "seed",
)


@contextmanager
def kept_as_asked(options: argparse.Namespace) -> Iterator[None]:
    """Keep checkpoints, and go on from them, where the options say so; the preparation is found again from the table.

    Networks that have ended are read, those that have begun go on, and the others begin.
    """
    from fastmlp.commands.checkpoints import Checkpoints, folders, kept

    places = folders(options)
    if places is None:
        yield
        return
    if options.tune is not None:
        raise ValueError("tune: got it beside checkpoints, needs none: what a search tries depends on its time")
    from fastmlp.tables.keeping import keeping

    made: list[Checkpoints] = []
    known: list[tuple[Any, dict[str, str]]] = []  # the last examples, and what data they are

    def data_of(examples: Any) -> dict[str, str]:
        if not known or known[-1][0] is not examples:
            known[:] = [(examples, examples.digests() if hasattr(examples, "digests") else digests_of(examples))]
        return known[-1][1]

    def keep(examples: Any) -> Checkpoints:
        own, source = (None if place is None else place / f"network-{len(made) + 1:03d}" for place in places)
        assert own is not None
        run = {name: getattr(options, name) for name in OF_RUN} | data_of(examples)
        made.append(Checkpoints(own, source, options.checkpoint_every or 1, run))
        return made[-1]

    try:
        with keeping(keep), kept(made):
            yield
    except ExceptionGroup as group:  # of several networks, for the same reason
        raise group.exceptions[0] from None


def digests_of(examples: Any) -> dict[str, str]:
    """Return what tells examples in memory from others, by name."""
    from fastmlp.commands.checkpoints import fingerprint

    arrays = {"columns": examples.inputs, "targets": [examples.y], "weights": [examples.weight]}
    return {
        f"{name} of training": ", ".join(fingerprint(array) for array in some if array is not None)
        for name, some in arrays.items()
    }
