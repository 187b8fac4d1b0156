"""The losses of a compiled model: one for each output, and what they are multiplied by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastmlp.errors import told
from fastmlp.losses import Loss, get
from fastmlp.settings import real


class CompiledLosses:
    """The arguments `loss` and `loss_weights` of `compile`.

    Parameters
    ----------
    loss : str, Loss, class or function, or a list or dict of them
        A single one is for every output; in a list, or a dict by output names, None stands for no loss.
    loss_weights : list or dict of float, optional
        A single one goes with a single loss, and is for every output too.

    Attributes
    ----------
    loss : Loss, or a list or dict of Loss or None
    loss_weights : float, or a list or dict of float, optional
    """

    def __init__(self, loss: Any = None, loss_weights: Any = None):
        self.loss: Any = each(
            "loss", loss, lambda argument, one: None if one is None else get(one, argument).require_number(argument)
        )
        if isinstance(self.loss, (list, dict)) and not any(values_of(self.loss)):
            raise ValueError(f"loss: got {told(loss)}, needs a loss for one output at least")
        self.loss_weights: Any = each("loss_weights", loss_weights, weight)

    def of_outputs(self, names: Sequence[str]) -> list[Loss | None]:
        """Return the loss of each output; ValueError where a list or dict does not fit the names."""
        if not isinstance(self.loss, (list, dict)):
            return [self.loss] * len(names)
        return placed("loss", self.loss, names)

    def order(self, names: Sequence[str]) -> list[int]:
        """Return the outputs in the order of a dict of losses, as Keras gives them where the outputs are a dict."""
        if not isinstance(self.loss, dict):
            return list(range(len(names)))
        known = [names.index(name) for name in self.loss]
        return known + [place for place in range(len(names)) if place not in known]

    def weights(self, names: Sequence[str]) -> list[float] | None:
        """Return what the loss of each output is multiplied by, or None; ValueError where that does not fit."""
        if self.loss_weights is None:
            return None
        given = self.loss_weights
        if not isinstance(given, (list, dict)):
            given = [given] * (1 if isinstance(self.loss, (list, dict)) else len(names))
        return [1.0 if one is None else one for one in placed("loss_weights", given, names)]


def each(argument: str, given: Any, checked: Any) -> Any:
    """Return the items of a list, tuple or dict by name, checked, in a list or a dict; or what is no container."""
    if isinstance(given, Mapping) and set(given) != {"class_name", "config"}:
        return {str(name): checked(f"{argument}[{name!r}]", one) for name, one in given.items()}
    if isinstance(given, (list, tuple)):
        return [checked(f"{argument}[{place}]", one) for place, one in enumerate(given)]
    return checked(argument, given)


def values_of(container: Any) -> list[Any]:
    """Return the items of a list or dict."""
    return list(container.values()) if isinstance(container, dict) else list(container)


def weight(argument: str, value: Any) -> float | None:
    """Return a checked number, or None."""
    return None if value is None else real(argument, value)


def placed(argument: str, given: Any, names: Sequence[str]) -> list[Any]:
    """Return an item for each output, None where a dict has none; ValueError where they do not fit the names."""
    if isinstance(given, dict):
        unknown = [name for name in given if name not in names]
        if unknown:
            raise ValueError(f"{argument}: got {unknown} among its names, needs {list(names)}")
        return [given.get(name) for name in names]
    if len(given) != len(names):
        raise ValueError(f"{argument}: got {len(given)} items, needs one for each output: {list(names)}")
    return list(given)


def loss_names(
    losses: Sequence[Loss | None], names: Sequence[str], order: Sequence[int] | None = None
) -> list[tuple[int, str]]:
    """Return the outputs whose losses have names of their own in the results; with one loss that is "loss" alone."""
    counted = [place for place in order or range(len(losses)) if losses[place] is not None]
    return [(place, f"{names[place]}_loss") for place in counted] if len(counted) > 1 else []
