"""What an estimator's optimizer remembers between epochs and calls, and when it stops or slows down."""

from __future__ import annotations

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
        The engine's slots.
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
