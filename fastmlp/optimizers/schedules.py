"""Learning rates that change from step to step, with the formulas, arguments and defaults of Keras.

A schedule is a function of the number of updates done so far; an optimizer takes one as its `learning_rate`. Any
function of a number will do there; those of this file can be saved with a model. The formulas are those of
reference/schedules.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fastmlp.elsewhere import getter
from fastmlp.errors import told
from fastmlp.settings import Settings, boolean, integer, is_among, listed, lookup, real

ENOUGH = 1e300  # where a number of lengths is larger than any, so that what is made of it stays finite


class LearningRateSchedule(Settings):
    """Base of the schedules: a subclass defines `__call__(step)`, which returns the rate."""

    def __call__(self, step: int) -> float:
        """Return the learning rate of the update that follows `step` others."""
        raise TypeError(f"{type(self).__name__}: needs a method __call__(self, step)")


class Decay(LearningRateSchedule):
    """Base of the two decays by a rate: p is the number of decay_steps done, with `staircase` rounded down."""

    def __init__(self, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool, name: str):
        self.initial_learning_rate = real("initial_learning_rate", initial_learning_rate, low=0.0)
        self.decay_steps = positive("decay_steps", decay_steps)
        self.decay_rate = real("decay_rate", decay_rate, low=0.0)
        self.staircase = boolean("staircase", staircase)
        self.name = name

    def part(self, step: int) -> float:
        part = quotient(step, self.decay_steps)
        return math.floor(part) if self.staircase else part


class ExponentialDecay(Decay):
    """initial_learning_rate * decay_rate ** p, where p = step / decay_steps, rounded down with `staircase`."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ):
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: int) -> float:
        step = checked(step)
        return self.initial_learning_rate * power(self.decay_rate, self.part(step))


class InverseTimeDecay(Decay):
    """initial_learning_rate / (1 + decay_rate * p), where p = step / decay_steps, rounded down with `staircase`."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ):
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: int) -> float:
        step = checked(step)
        return self.initial_learning_rate / (1.0 + self.decay_rate * self.part(step))


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to and including the step boundaries[0], then values[1], and so on."""

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"):
        self.boundaries = [real("boundaries", boundary, low=0.0) for boundary in listed("boundaries", boundaries)]
        self.values = [real("values", value, low=0.0) for value in listed("values", values)]
        self.name = name
        if len(self.boundaries) != len(self.values) - 1:
            got = f"{len(self.values)} of them for {len(self.boundaries)} boundaries"
            raise ValueError(f"values: got {got}, needs one more than boundaries")
        if sorted(set(self.boundaries)) != self.boundaries:
            raise ValueError(f"boundaries: got {self.boundaries}, needs each above the one before")

    def __call__(self, step: int) -> float:
        step = checked(step)
        return self.values[sum(step > boundary for boundary in self.boundaries)]


class PolynomialDecay(LearningRateSchedule):
    """(initial_learning_rate - end_learning_rate) * (1 - p) ** power + end_learning_rate, p = step / decay_steps.

    After decay_steps it stays at the end; with `cycle` it decays to the next multiple of decay_steps.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ):
        self.initial_learning_rate = real("initial_learning_rate", initial_learning_rate, low=0.0)
        self.decay_steps = positive("decay_steps", decay_steps)
        self.end_learning_rate = real("end_learning_rate", end_learning_rate, low=0.0)
        self.power = real("power", power, low=0.0)
        self.cycle = boolean("cycle", cycle)
        self.name = name

    def __call__(self, step: int) -> float:
        step = checked(step)
        steps = self.decay_steps
        if self.cycle:
            steps = steps * max(1, math.ceil(quotient(step, steps)))
        left = 1.0 - min(step, steps) / steps
        return (self.initial_learning_rate - self.end_learning_rate) * float(left**self.power) + self.end_learning_rate


class CosineDecay(LearningRateSchedule):
    """From the start down to alpha times it, along half a cosine over decay_steps.

    With `warmup_target` the rate first rises in a straight line from initial_learning_rate to it, over warmup_steps,
    and falls from there. I. Loshchilov and F. Hutter, SGDR: stochastic gradient descent with warm restarts, 2017.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ):
        self.initial_learning_rate = real("initial_learning_rate", initial_learning_rate, low=0.0)
        self.decay_steps = positive("decay_steps", decay_steps)
        self.alpha = real("alpha", alpha, low=0.0, high=1.0)
        self.name = name
        self.warmup_target = None if warmup_target is None else real("warmup_target", warmup_target, low=0.0)
        self.warmup_steps = real("warmup_steps", warmup_steps, low=0.0)

    def __call__(self, step: int) -> float:
        step = checked(step)
        if self.warmup_target is None:
            return self.initial_learning_rate * self.decayed(step)
        if step < self.warmup_steps:
            rise = self.warmup_target - self.initial_learning_rate
            return rise * (step / self.warmup_steps) + self.initial_learning_rate
        return self.warmup_target * self.decayed(step - self.warmup_steps)

    def decayed(self, step: float) -> float:
        return (1.0 - self.alpha) * half_cosine(min(step, self.decay_steps) / self.decay_steps) + self.alpha


class CosineDecayRestarts(LearningRateSchedule):
    """Half cosines one after another: each is t_mul times as long as the one before, and m_mul times as high.

    I. Loshchilov and F. Hutter, SGDR: stochastic gradient descent with warm restarts, 2017.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ):
        self.initial_learning_rate = real("initial_learning_rate", initial_learning_rate, low=0.0)
        self.first_decay_steps = positive("first_decay_steps", first_decay_steps)
        self.t_mul = real("t_mul", t_mul, low=1.0)
        self.m_mul = real("m_mul", m_mul, low=0.0)
        self.alpha = real("alpha", alpha, low=0.0, high=1.0)
        self.name = name

    def __call__(self, step: int) -> float:
        step = checked(step)
        restarts = self.restarts(step)
        length = self.first_decay_steps * power(self.t_mul, restarts)
        left = math.fmod(step, length) if self.t_mul == 1.0 else step - self.beginning(restarts)
        height = power(self.m_mul, restarts) * half_cosine(min(left / length, 1.0))
        return self.initial_learning_rate * ((1.0 - self.alpha) * height + self.alpha)

    def restarts(self, step: int) -> int:
        """Return how many half cosines ended before a step."""
        first = self.first_decay_steps
        if self.t_mul == 1.0:
            return round(quotient(step - math.fmod(step, first), first))
        growth = min(quotient(step, first) * (self.t_mul - 1.0), ENOUGH)
        number = math.floor(math.log1p(growth) / math.log(self.t_mul))  # by rounding one too many or too few
        if step < self.beginning(number):
            return number - 1
        return number + 1 if step >= self.beginning(number + 1) else number

    def beginning(self, restarts: int) -> float:
        """Return the step at which a half cosine begins: the sum of the lengths of those before."""
        return self.first_decay_steps * ((power(self.t_mul, restarts) - 1.0) / (self.t_mul - 1.0))


class OneCycle(LearningRateSchedule):
    """Up to max_learning_rate and down again in total_steps updates; PyTorch's OneCycleLR, not in Keras.

    It starts at max_learning_rate / div_factor, is at its top after a fraction pct_start of the steps, and ends at the
    start divided by final_div_factor, where it stays; with `three_phase` it goes back to the start first, as fast as it
    came. `anneal_strategy` is "cos" or "linear". Momentum stays as it is. L. Smith and N. Topin, Super-convergence:
    very fast training of neural networks using large learning rates, 2018.
    """

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: int,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        name: str = "OneCycle",
    ):
        self.max_learning_rate = real("max_learning_rate", max_learning_rate, low=0.0)
        self.total_steps = integer("total_steps", total_steps, at_least=1)
        self.pct_start = real("pct_start", pct_start, low=0.0, high=1.0)
        if not is_among(anneal_strategy, ("cos", "linear")):
            raise ValueError(f"anneal_strategy: got {told(anneal_strategy)}, needs 'cos' or 'linear'")
        self.anneal_strategy = anneal_strategy
        self.div_factor = positive("div_factor", div_factor)
        self.final_div_factor = positive("final_div_factor", final_div_factor)
        self.three_phase = boolean("three_phase", three_phase)
        self.name = name

    def phases(self) -> list[tuple[float, float, float]]:
        """Return of each phase the step it ends at, and the rates it goes from and to."""
        start, top = self.max_learning_rate / self.div_factor, self.max_learning_rate
        rise, end, last = self.pct_start * self.total_steps - 1.0, start / self.final_div_factor, self.total_steps - 1.0
        if not self.three_phase:
            return [(rise, start, top), (last, top, end)]
        return [(rise, start, top), (2.0 * self.pct_start * self.total_steps - 2.0, top, start), (last, start, end)]

    def __call__(self, step: int) -> float:
        step = checked(step)
        step = min(step, self.total_steps - 1)
        before = 0.0
        for until, start, end in self.phases():
            if step <= until:
                part = (step - before) / (until - before) if until > before else 1.0
                if self.anneal_strategy == "linear":
                    return (end - start) * part + start
                return end + (start - end) / 2.0 * (1.0 + math.cos(math.pi * part))
            before = until
        raise AssertionError("the last phase ends at the last step")


SCHEDULES: dict[str, type[LearningRateSchedule]] = {
    "ExponentialDecay": ExponentialDecay,
    "InverseTimeDecay": InverseTimeDecay,
    "PiecewiseConstantDecay": PiecewiseConstantDecay,
    "PolynomialDecay": PolynomialDecay,
    "CosineDecay": CosineDecay,
    "CosineDecayRestarts": CosineDecayRestarts,
    "OneCycle": OneCycle,
}


def get(identifier: Any, argument: str = "learning_rate") -> LearningRateSchedule:
    """Return the schedule for an instance or a config."""
    return lookup(argument, identifier, SCHEDULES)


def positive(argument: str, value: Any) -> float:
    """Return `value` as a finite float above 0, or raise TypeError or ValueError."""
    number = real(argument, value, low=0.0)
    if number == 0.0:
        raise ValueError(f"{argument}: got {told(value)}, needs a finite number above 0")
    return number


def checked(step: Any) -> Any:
    """Return the number of updates that were done, or raise TypeError or ValueError."""
    if type(step) is not int or step < 0:
        real("step", step, low=0.0)
    return step


def quotient(steps: float, length: float) -> float:
    """Return steps / length, at most ENOUGH."""
    return min(steps / length, ENOUGH)


def power(base: float, exponent: float) -> float:
    """Return base ** exponent, infinity where that is too large for a float; the optimizer refuses such a rate."""
    try:
        return float(base**exponent)
    except OverflowError:
        return math.inf


def half_cosine(part: float) -> float:
    """From 1 down to 0 while part goes from 0 to 1."""
    return 0.5 * (1.0 + math.cos(math.pi * part))


if not TYPE_CHECKING:  # type checkers report other names by themselves
    __getattr__ = getter("optimizers.schedules")
