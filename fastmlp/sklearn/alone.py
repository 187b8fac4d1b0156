"""One thread at a time fits an estimator: another one is told so, rather than to mix what both set."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from fastmlp.kernels.engine.turns import Training, Turns

Fit = TypeVar("Fit", bound=Callable[..., Any])

_turns: WeakKeyDictionary[Any, Turns] = WeakKeyDictionary()  # beside the estimators, whose copies have their own


def alone(fit: Fit) -> Fit:
    """Let a method raise RuntimeError while another thread is in one of those of the same estimator."""

    @functools.wraps(fit)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        with Training(fit.__name__, [_turns.setdefault(self, Turns())], "an estimator"):
            return fit(self, *args, **kwargs)

    return call  # type: ignore[return-value]
