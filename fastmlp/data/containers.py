"""One thing for each input or output: an array alone, or a list, a tuple or a dict by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastmlp.data.sparse import is_sparse


def contents(argument: str, given: Any, names: Sequence[str], takes_more: bool = False) -> list[Any]:
    """Return what is given for each of `names`, in their order.

    Parameters
    ----------
    argument : str
        What it is called in errors.
    given : array, list, tuple or dict
        Where there is one name, an array, alone or in a container; a list of anything but an array is an array itself.
        Where there are several, a list or tuple in the order of the names, or a dict by them.
    names : sequence of str
        Of the inputs or outputs.
    takes_more : bool
        Whether a dict may have other names besides, which are not looked at.

    Raises
    ------
    ValueError
        When the names or the number of items do not fit.
    """
    if type(given) is np.ndarray and len(names) == 1:  # the usual case, which need not be looked into
        return [given]
    if isinstance(given, Mapping) and not is_sparse(given):  # some sparse matrices are dicts of their numbers
        if not (given.keys() >= set(names) if takes_more else given.keys() == set(names)):
            raise ValueError(f"{argument}: got {sorted(map(str, given))}, needs {list(names)}")
        return [given[name] for name in names]
    if len(names) == 1:
        return [given[0] if holds_one_array(given) else given]
    if not isinstance(given, (list, tuple)) or len(given) != len(names):
        got = f"{len(given)} items" if isinstance(given, (list, tuple)) else type(given).__name__
        raise ValueError(f"{argument}: got {got}, needs a list or dict of {list(names)}")
    return list(given)


def holds_one_array(given: Any) -> bool:
    """Whether a container holds one array, and is no row of numbers itself."""
    return type(given) in (list, tuple) and len(given) == 1 and is_array(given[0])


def is_array(value: Any) -> bool:
    """Whether it is an array of some library, of one axis at least."""
    known = hasattr(value, "__array__") or is_sparse(value) or callable(getattr(value, "numpy", None))
    return known and len(getattr(value, "shape", ())) > 0


def part_of(argument: str, name: str, names: Sequence[str]) -> str:
    """Return what one of several things is called in errors: "y['price']"."""
    return argument if len(names) == 1 else f"{argument}[{name!r}]"
