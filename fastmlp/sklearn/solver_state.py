"""What an estimator's optimizer remembers between epochs and calls, and when it stops or slows down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

RULES = ("adam", "sgd", "nesterov", "momentum")  # of the engine's, those that `rule_of` gives
SMALLEST_RATE = 1e-6  # of the schedule "adaptive"


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
        The engine's slots, empty before the first update.
    network : Network or None
        What was trained last in place of `kept_state`: it has the slots. It is no part of copies and pickles.
    """

    def __init__(self, estimator: Any) -> None:
        self.learning_rate_init = self.learning_rate = float(estimator.learning_rate_init)
        self.schedule = "constant"
        if estimator.solver == "sgd" and isinstance(estimator.learning_rate, str):
            self.schedule = estimator.learning_rate
        self.power_t = float(estimator.power_t)
        self.rule = rule_of(estimator)
        self.step = 0
        self.set_state([])

    def set_state(self, state: list[NDArray[Any]]) -> None:
        """Take over the engine's slots, and let the network go."""
        self.kept_state = state
        self.network: Any = None
        self.idle: list[Any] = []  # what the network is made from, unless somebody uses it

    @property
    def state(self) -> list[NDArray[Any]]:
        return self.kept_state if self.network is None else list(self.network.get_optimizer_state())

    def keep(self, network: Any, made_from: Any) -> None:
        """Keep a network that has the slots for the next call."""
        self.step = network.step
        self.kept_state, self.network, self.idle = [], network, [made_from]

    def take(self, made_from: Any) -> Any:
        """Return the network that was kept, if it is made from this and not in use, else None."""
        try:
            return self.network if self.idle.pop() == made_from else None
        except IndexError:
            return None

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("kept_state", "network", "idle")
        return {name: value for name, value in vars(self).items() if name not in left_out} | {"state": self.state}

    def __setstate__(self, settings: Mapping[str, Any]) -> None:
        vars(self).update(settings)
        self.set_state(vars(self).pop("state"))

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
