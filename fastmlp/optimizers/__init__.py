"""Optimizers by name, with Keras' defaults. The formulas are the kernels'; here are their names and settings.

The first arguments of each are in Keras' order; those that all optimizers share (`Common`) are keyword-only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastmlp.elsewhere import getter
from fastmlp.optimizers import schedules
from fastmlp.optimizers.adam import Adam, Adamax, AdamW, Betas, Nadam, ScheduleFreeAdamW
from fastmlp.optimizers.base import Common, Optimizer, Rate
from fastmlp.optimizers.sgd import SGD, Adadelta, Adagrad, Ftrl, Lion, RMSprop
from fastmlp.settings import lookup, subclasses

__all__ = [  # noqa: RUF022, in the order in which errors list them
    "SGD",
    "RMSprop",
    "Adagrad",
    "Adam",
    "Adadelta",
    "AdamW",
    "Adamax",
    "Nadam",
    "Lion",
    "Ftrl",
    "ScheduleFreeAdamW",
    "OPTIMIZERS",
    "Betas",
    "Common",
    "Optimizer",
    "Rate",
    "get",
    "schedules",
]

# those that have a rule
OPTIMIZERS = {name.lower(): cls for name, cls in subclasses(globals(), Optimizer).items() if cls.rule != Optimizer.rule}


def get(identifier: Any, argument: str = "optimizer") -> Optimizer:
    """Return the optimizer for a name, class, instance or config."""
    return lookup(argument, identifier, OPTIMIZERS)


if not TYPE_CHECKING:  # type checkers report other names by themselves
    __getattr__ = getter("optimizers")
