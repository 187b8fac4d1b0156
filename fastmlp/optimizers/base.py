"""What the optimizers have in common: their learning rate, the arguments of all, and the update by given gradients."""

from __future__ import annotations

import functools
import inspect
import re
import types
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

import numpy as np

from fastmlp.data.values import Count, Number
from fastmlp.errors import told
from fastmlp.optimizers import schedules
from fastmlp.optimizers.applied import AppliesGradients
from fastmlp.settings import boolean, integer, listed, mapping, only, optional_name, real, refuse_methods, to_plain

if TYPE_CHECKING:
    from typing_extensions import Unpack

Rate = float | Callable[[int], float] | Mapping[str, Any]  # a number, a function of the step, or a schedule's config


class Shared(TypedDict, total=False):
    """Arguments of `Common` but for weight_decay, for which AdamW has a place of its own."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: None
    gradient_accumulation_steps: int | None
    name: str | None


class Common(Shared, total=False):
    """Arguments of every optimizer, with Keras' defaults.

    weight_decay : float, optional
        What each weight loses before its update: w -= w * weight_decay * learning_rate.
    clipnorm, clipvalue, global_clipnorm : float, optional
        At most one of them: the largest norm of a weight's gradient, size of an element, norm of all gradients.
    use_ema : bool
        Whether to keep a moving average of the weights, which `fit` ends with, and which becomes the weights after
        every `ema_overwrite_frequency` updates (default None: never); `ema_momentum`, default 0.99, is what it keeps.
    loss_scale_factor : None
    gradient_accumulation_steps : int, optional
        At least 2: only every so many steps change the weights, by the mean of their gradients. Schedules count all
        steps, `iterations` and the rule those that change them. It goes without use_ema.
    name : str, optional
    """

    weight_decay: float | None


def without_step(function: Callable[[], float], step: int) -> float:
    """Return what a function without arguments does."""
    return function()


class LearningRate(Number):
    """The rate of an optimizer's next update, a float that can be assigned."""

    __slots__ = ("optimizer",)
    optimizer: Optimizer

    def assign(self, value: Any) -> LearningRate:
        """Set the optimizer's rate; errors as of `optimizer.learning_rate = value`. This float stays as it is."""
        self.optimizer.learning_rate = value
        rate: LearningRate = self.optimizer.learning_rate
        return rate

    def __reduce__(self) -> Any:
        return float, (float(self),)


class Optimizer(AppliesGradients):
    """Base of the optimizers.

    Parameters
    ----------
    learning_rate : float or function
        A number, one of `schedules`, or a function of the number of updates done.
    **common
        See `Common`.

    Attributes
    ----------
    learning_rate : float
        That of the next update. It may be set at any time, training reads it before each call of the engine; where it
        was a function, only to another one.
    iterations : int
        Updates done by the model that trains with it.
    variables : list of ndarray
    """

    _network: Any = None  # counts the updates
    _rate: Any = None  # a number, or a function of the number of updates done
    _excluded: tuple[list[Any], str] = ([], "")  # from weight decay: variables or their paths, and a pattern of more
    default_name: ClassVar[str] = "optimizer"
    settings: ClassVar[frozenset[str]] = frozenset(Common.__annotations__)  # names that may be set

    def __init_subclass__(cls) -> None:
        refuse_methods(
            cls, ("update_step",), "updates are the engine's; for rules of your own there is model.gradients"
        )
        cls.default_name = vars(cls).get("default_name", cls.__name__.lower())
        cls.settings = frozenset(inspect.signature(cls).parameters) | Common.__annotations__.keys()

    def __init__(self, learning_rate: Rate, **common: Unpack[Common]):
        needs = f"needs only arguments that {type(self).__name__} has, such as learning_rate, a number or a schedule"
        for name in common.keys() - Common.__annotations__.keys():
            raise TypeError(f"{name}: got {told(common[name])}, {needs}")  # type: ignore[literal-required]
        self.learning_rate = learning_rate
        self.weight_decay = optional("weight_decay", common.get("weight_decay"))
        self.clipnorm = optional("clipnorm", common.get("clipnorm"))
        self.clipvalue = optional("clipvalue", common.get("clipvalue"))
        self.global_clipnorm = optional("global_clipnorm", common.get("global_clipnorm"))
        given = [name for name in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{given[1]}: got a number beside {given[0]}, needs at most one of the two")
        self.use_ema = boolean("use_ema", common.get("use_ema", False))
        self.ema_momentum = real("ema_momentum", common.get("ema_momentum", 0.99), low=0.0, high=1.0)
        every = common.get("ema_overwrite_frequency")
        self.ema_overwrite_frequency = None if every is None else integer("ema_overwrite_frequency", every, at_least=1)
        self.loss_scale_factor = common.get("loss_scale_factor")
        only("loss_scale_factor", self.loss_scale_factor, (None,), "no type here is so short that it would help")
        steps = common.get("gradient_accumulation_steps")
        steps = None if steps is None else integer("gradient_accumulation_steps", steps, at_least=2)
        self.gradient_accumulation_steps = steps
        if steps is not None and self.use_ema:
            raise ValueError(f"gradient_accumulation_steps: got {steps} beside use_ema, needs at most one of the two")
        self.name = optional_name(common.get("name")) or self.default_name

    @property
    def learning_rate(self) -> LearningRate:
        found = LearningRate(self.current_rate())
        found.optimizer = self
        return found

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, Mapping):
            value = schedules.get(value)
        if isinstance(value, types.FunctionType) and not inspect.signature(value).parameters:
            value = functools.partial(without_step, value)
        if not callable(value) or isinstance(value, type):
            if callable(self._rate):
                needs = "another schedule: this optimizer was made with one, so that its rate cannot be set"
                raise TypeError(f"learning_rate: got {told(value)}, needs {needs}")
            value = checked(value)
        self.overwrite(_rate=value)

    def current_rate(self) -> float:
        """Return the rate of the next update."""
        rate = self._rate
        return checked(rate(self.steps_done)) if callable(rate) else float(rate)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "learning_rate":
            object.__setattr__(self, name, value)
        elif name not in self.settings and not name.startswith("_"):
            raise AttributeError(f"{name}: got {told(value)}, needs only what {type(self).__name__} has: learning_rate")
        else:
            super().__setattr__(name, value)

    def rates(self, first: int, count: int) -> np.ndarray | None:
        """Return the rates of `count` updates, the first of which follows `first` others, float64 [count].

        None where they are all the same, `learning_rate`.
        """
        rate = self._rate
        if not callable(rate):
            return None
        return np.array([checked(rate(step)) for step in range(first, first + count)], np.float64)

    @property
    def steps_done(self) -> int:
        """Steps done by the model that trains with it, whether or not they changed the weights."""
        return 0 if self._network is None else int(self._network.step)

    @property
    def iterations(self) -> Count:
        return Count(self.steps_done // (self.gradient_accumulation_steps or 1))

    @property
    def variables(self) -> list[np.ndarray]:
        """Copies of steps done, the learning rate, and what the rule remembers: all first arrays, then all second."""
        state = [] if self._network is None else self._network.get_optimizer_state()
        return [np.array(self.steps_done), np.array(self.learning_rate), *state]

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Let weights have no weight decay; before the first step, and before a model is built that was compiled.

        Parameters
        ----------
        var_list : iterable of Variable, optional
        var_names : iterable of str, optional
            Weights whose path has a match of one of these regular expressions, such as "bias".

        Raises
        ------
        ValueError
            When the optimizer has begun.
        """
        if self._network is not None:
            needs = "a call before the first step, and before compile of a model that is built"
            raise ValueError(f"exclude_from_weight_decay: got an optimizer that has begun, needs {needs}")
        names = [] if var_names is None else listed("var_names", var_names)
        for name in names:
            try:
                re.compile(name)
            except (TypeError, re.error) as error:
                raise ValueError(f"var_names: got {told(name)}, needs regular expressions: {error}") from None
        self.overwrite(_excluded=([] if var_list is None else listed("var_list", var_list), "|".join(names)))

    def spec_for(self, weights: Sequence[Any]) -> dict[str, Any]:
        """Return the engine's description for these trained variables or arrays."""
        chosen, pattern = self._excluded
        paths = [one for one in chosen if isinstance(one, str)]
        excluded = []
        for number, weight in enumerate(weights):
            path = getattr(weight, "path", "")
            if any(weight is one for one in chosen) or path in paths or (pattern and re.search(pattern, path)):
                excluded.append(number)
        return {**self.spec, "undecayed": excluded} if excluded else self.spec

    def excluded_paths(self) -> tuple[list[str], str]:
        """Return what is excluded from weight decay, by paths and a pattern of more."""
        chosen, pattern = self._excluded
        return [one if isinstance(one, str) else getattr(one, "path", "") for one in chosen], pattern

    def bind(self, network: Any) -> None:
        self.overwrite(_network=network)

    def take_rate(self, other: Optimizer) -> None:
        """Go on with the learning rate of another optimizer."""
        self.overwrite(_rate=other._rate)

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name not in UNSHARED}
        return {**state, "_excluded": self.excluded_paths()}

    def arguments(self) -> dict[str, Any]:
        parameters = inspect.signature(type(self)).parameters.values()
        names = [parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]
        if len(names) < len(parameters):
            names += [name for name in Common.__annotations__ if name not in names]
        return {name: getattr(self, "_rate" if name == "learning_rate" else name) for name in names}

    def shown(self) -> dict[str, Any]:
        usual = {"use_ema": False, "ema_momentum": 0.99, "name": self.default_name}
        return {name: value for name, value in super().shown().items() if value != usual.get(name)}

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON values; TypeError where a learning rate cannot be written so."""
        rate = self._rate
        if callable(rate) and type(rate) not in schedules.SCHEDULES.values():
            needs = "a number or one of optimizers.schedules to be saved; save_weights writes the weights alone"
            raise TypeError(f"learning_rate: got {told(rate)}, needs {needs}")
        config = {name: to_plain(value) for name, value in self.arguments().items()}
        if any(self._excluded):
            config["excluded_from_weight_decay"] = list(self.excluded_paths())
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Make an optimizer from what `get_config` returned."""
        given = mapping("config", config)
        excluded = given.pop("excluded_from_weight_decay", ([], ""))
        made = cls(**given)
        made.overwrite(_excluded=tuple(excluded))
        return made

    @property
    def rule(self) -> dict[str, Any]:
        """The engine's name of the update rule, and the rule's scalars but the learning rate."""
        raise TypeError(f"optimizer: got {type(self).__name__}, which has no rule, needs one of fastmlp.optimizers")

    @property
    def spec(self) -> dict[str, Any]:
        """The engine's description: the rule, and what is around it."""
        around = {name: getattr(self, name) for name in ("clipnorm", "clipvalue", "global_clipnorm", "weight_decay")}
        if self.use_ema:
            around["ema_momentum"] = self.ema_momentum
            around["ema_overwrite_frequency"] = self.ema_overwrite_frequency
        if self.gradient_accumulation_steps is not None:
            around["accumulation_steps"] = self.gradient_accumulation_steps
        asked = {name: value for name, value in around.items() if value or (name == "ema_momentum" and self.use_ema)}
        rate = 0.0 if callable(self._rate) else self._rate  # it is set before each call of the engine
        return {**self.rule, "learning_rate": rate, **asked}


UNSHARED = ("_network", "_applied", "_models")  # what a copy begins without


def checked(rate: Any) -> float:
    """Return a learning rate, checked."""
    return real("learning_rate", rate, low=0.0)


def optional(argument: str, value: Any) -> float | None:
    """Return a checked number of at least 0, or None."""
    return None if value is None else real(argument, value, low=0.0)
