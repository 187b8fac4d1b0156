"""Keras' losses: as objects, as functions of arrays with one value a row, and custom ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastmlp.elsewhere import getter
from fastmlp.losses import classes
from fastmlp.losses.base import CrossEntropy as CrossEntropy
from fastmlp.losses.base import Loss as Loss
from fastmlp.losses.base import SmoothedCrossEntropy as SmoothedCrossEntropy
from fastmlp.losses.classes import *  # noqa: F403
from fastmlp.losses.custom import Custom
from fastmlp.losses.functions import *  # noqa: F403, Keras has them here too
from fastmlp.losses.functions import FUNCTIONS
from fastmlp.settings import lookup

LOSSES: dict[str, type[Loss]] = {
    name: kind
    for kind in vars(classes).values()
    if isinstance(kind, type) and issubclass(kind, Loss) and "engine_name" in vars(kind)
    for name in (kind.engine_name, *kind.aliases)
}


def get(identifier: Any, argument: str = "loss") -> Loss:
    """Return the loss for a name, class, instance or config, or for a function: of this module, or custom."""
    for name, function in FUNCTIONS.items():
        if identifier is function:
            return LOSSES[name]()
    if isinstance(identifier, Loss) and identifier.custom:
        return identifier
    if callable(identifier) and not isinstance(identifier, (type, Loss)):
        return Custom(identifier)
    return lookup(argument, identifier, LOSSES)


if not TYPE_CHECKING:  # type checkers report other names by themselves
    __getattr__ = getter("losses")
