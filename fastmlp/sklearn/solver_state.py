"""What an estimator's optimizer remembers between epochs and calls, and when it stops or slows down."""

from __future__ import annotations

import weakref
from typing import Any

from numpy.typing import NDArray

from fastmlp.kernels import Network

RULES = ("adam", "sgd", "nesterov", "momentum")  # of the engine's, those that `rule_of` gives
SMALLEST_RATE = 1e-6  # of the schedule "adaptive"
LARGE = 1 << 20  # weights whose state is not copied: it stays in the network, where the next call finds it

_networks: weakref.WeakKeyDictionary[Optimizer, tuple[Any, Network]] = weakref.WeakKeyDictionary()


class Optimizer:
    """The optimizer of a stochastic solver.

    Attributes
    ----------
    rule : dict
        The engine's description.
    learning_rate : float
        The one in use, before Adam's correction for its first steps.
    step : int
        Updates done.
    state : list of arrays
        The engine's slots; copies, where they stay in a network.
    """

    def __init__(self, estimator: Any) -> None:
        self.learning_rate_init = self.learning_rate = float(estimator.learning_rate_init)
        self.schedule = "constant"
        if estimator.solver == "sgd" and isinstance(estimator.learning_rate, str):
            self.schedule = estimator.learning_rate
        self.power_t = float(estimator.power_t)
        self.rule = rule_of(estimator)
        self.step = 0
        self.state: list[NDArray[Any]] = []

    @property
    def state(self) -> list[NDArray[Any]]:
        return _networks[self][1].get_optimizer_state() if self in _networks else self._state

    @state.setter
    def state(self, state: list[NDArray[Any]]) -> None:
        _networks.pop(self, None)
        self._state = state

    def __getstate__(self) -> dict[str, Any]:
        others = {name: value for name, value in vars(self).items() if name != "_state"}
        return {**others, "state": self.state}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update({name: value for name, value in state.items() if name != "state"})
        self.state = state["state"]

    def keep(self, network: Network, made_from: Any) -> None:
        """Remember where a network stands that was made from these settings."""
        self.step = network.step
        if network.multiply_adds < LARGE:  # one for each weight of a kernel
            self.state = network.get_optimizer_state()
            return
        self._state = []
        _networks[self] = made_from, network

    def network_of(self, made_from: Any) -> Network | None:
        """Return the network that the state is in, if it was made from the same settings."""
        kept = _networks.get(self)
        return kept[1] if kept is not None and kept[0] == made_from else None

    def epoch_ends(self, rows_seen: int) -> None:
        """Lower the rate of the schedule "invscaling"."""
        if self.schedule == "invscaling":
            try:
                self.learning_rate = self.learning_rate_init / (rows_seen + 1) ** self.power_t
            except OverflowError:  # a rate below every float
                self.learning_rate = 0.0

    def stops(self, message: str, verbose: Any) -> bool:
        """Whether training is to end now that nothing improves; "adaptive" divides its rate by 5 first."""
        stops = self.schedule != "adaptive" or self.learning_rate <= SMALLEST_RATE
        if not stops:
            self.learning_rate /= 5.0
            message += f" Setting learning rate to {self.learning_rate:f}"
        elif self.schedule == "adaptive":
            message += " Learning rate too small. Stopping."
        else:
            message += " Stopping."
        if verbose:
            print(message)
        return stops


def rule_of(estimator: Any) -> dict[str, Any]:
    """Return the engine's description of a solver."""
    rule = {"learning_rate": float(estimator.learning_rate_init)}
    if estimator.solver == "adam":
        return {
            "name": "adam", **rule, "beta_1": estimator.beta_1, "beta_2": estimator.beta_2,
            "epsilon": estimator.epsilon,
        }  # fmt: skip
    if estimator.momentum == 0:
        return {"name": "sgd", **rule}
    return {
        "name": "nesterov" if estimator.nesterovs_momentum else "momentum", **rule,
        "momentum": float(estimator.momentum),
    }  # fmt: skip
