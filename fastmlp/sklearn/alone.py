"""One thread at a time fits an estimator: another one is told so, rather than to mix what both set."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from fastmlp.kernels.engine.turns import Training, Turns

Fit = TypeVar("Fit", bound=Callable[..., Any])

# By the estimator's id, beside the estimators, whose copies have their own. They go with the estimator: by a callback
# without Python code, as an interrupt there would be lost.
_turns: dict[int, tuple[weakref.ref[Any], Turns]] = {}


def alone(fit: Fit) -> Fit:
    """Let a method raise RuntimeError while another thread is in one of those of the same estimator."""

    @functools.wraps(fit)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        with Training(fit.__name__, [turns_of(self)], "an estimator"):
            return fit(self, *args, **kwargs)

    return call  # type: ignore[return-value]


def turns_of(estimator: Any) -> Turns:
    """Return the same for all threads that ask."""
    known = _turns.get(id(estimator))
    if known is None:
        reference = weakref.ref(estimator, functools.partial(_turns.pop, id(estimator)))
        known = _turns.setdefault(id(estimator), (reference, Turns()))
    return known[1]
