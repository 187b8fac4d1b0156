"""Initial weights, with Keras' names, defaults and distributions; drawn in float64 from a numpy Generator."""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp.config import float_type, floatx, seeds
from fastmlp.config.memory import available_memory
from fastmlp.data.arrays import Shape, numeric, require_finite
from fastmlp.elsewhere import getter
from fastmlp.errors import told
from fastmlp.settings import Settings, array_shape, integer, is_among, lookup, real

# A normal distribution cut at two standard deviations has this standard deviation.
TRUNCATED_STDDEV = 0.87962566103423978


MANY = 2**24  # numbers, from which on it is asked whether memory holds them


class Initializer(Settings):
    """Base of the initializers; `draw` returns float64 values of a shape from a generator.

    Called, one returns an array of the `shape` and `dtype` asked for, drawn from its own seed if it has one.
    """

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        sizes = array_shape("shape", shape)
        kind = float_type(floatx() if dtype is None else dtype)
        if (count := math.prod(sizes)) > MANY and 16 * count > available_memory():  # it is drawn in float64 first
            raise ValueError(f"shape: got {told(shape)}, {count} numbers, needs as many as memory holds")
        try:
            return self.draw(sizes, np.random.default_rng(seeds.choose_seed(None))).astype(kind)
        except MemoryError:
            raise ValueError(f"shape: got {told(shape)}, needs as many numbers as memory holds") from None

    def draw(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        needs = "a method __call__(self, shape, dtype=None), or draw(self, shape, generator)"
        raise TypeError(f"initializer: got {type(self).__name__}, needs {needs}")


class Zeros(Initializer):
    """All 0."""

    def draw(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        return np.zeros(shape)


class Ones(Initializer):
    """All 1."""

    def draw(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        return np.ones(shape)


class Constant(Initializer):
    """All `value`: a number, or an array that NumPy's rules stretch to the shape of the weights."""

    def __init__(self, value: Any = 0.0):
        is_number = isinstance(value, numbers.Number)
        self.value = real("value", value) if is_number else numeric("value", value).astype(np.float64)
        require_finite("value", np.asarray(self.value), "float64")

    def draw(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        try:
            return np.broadcast_to(self.value, shape).copy()
        except ValueError:
            raise ValueError(f"Constant: got values of shape {np.shape(self.value)}, needs {shape}") from None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON values."""
        return {"value": np.asarray(self.value).tolist()}


class RandomInitializer(Initializer):
    """Base of the initializers that draw; with a `seed` of its own one does not depend on the model's seed."""

    def __init__(self, seed: int | None = None):
        self.seed = None if seed is None else integer("seed", seed, at_least=0)

    def draw(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        return self.sample(shape, generator if self.seed is None else np.random.default_rng(self.seed))

    def sample(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        raise NotImplementedError


class RandomNormal(RandomInitializer):
    """Normal with mean and standard deviation."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.mean, self.stddev = real("mean", mean), real("stddev", stddev, low=0.0)

    def sample(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        return generator.normal(self.mean, self.stddev, shape)


class RandomUniform(RandomInitializer):
    """Uniform in [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.minval = real("minval", minval)
        self.maxval = real("maxval", maxval, low=self.minval)
        if math.isinf(self.maxval - self.minval):
            raise ValueError(f"maxval: got {self.maxval} with minval {self.minval}, needs a finite difference")

    def sample(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        return generator.uniform(self.minval, self.maxval, shape)


class TruncatedNormal(RandomInitializer):
    """Normal, drawn again beyond two standard deviations from the mean; its own deviation is then 0.88 stddev."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.mean, self.stddev = real("mean", mean), real("stddev", stddev, low=0.0)

    def sample(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        return self.mean + self.stddev * standard_truncated_normal(shape, generator)


class Scaled(RandomInitializer):
    """Base of the initializers whose variance is scale / n, where n is a number of inputs, of outputs or their mean.

    Of a shape [inputs, units] those are fan_in and fan_out; of a shape of one dimension both are its length.
    """

    scale: float = 1.0
    mode: str = "fan_in"
    distribution: str = "truncated_normal"

    def sample(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        fan_in, fan_out = (shape[0], shape[-1]) if shape else (1, 1)
        n = max(1.0, {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode])
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * self.scale / n)
            return generator.uniform(-limit, limit, shape)
        stddev = math.sqrt(self.scale / n)
        if self.distribution == "untruncated_normal":
            return generator.normal(0.0, stddev, shape)
        return standard_truncated_normal(shape, generator) * (stddev / TRUNCATED_STDDEV)


class VarianceScaling(Scaled):
    """Variance scale / n, the general form of the ones that follow.

    Parameters
    ----------
    scale : float
        Default 1.
    mode : {"fan_in", "fan_out", "fan_avg"}
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}
        The first also as "normal".
    seed : int, optional
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ):
        super().__init__(seed)
        if real("scale", scale, low=0.0) == 0.0:
            raise ValueError("scale: got 0, needs a number above 0")
        if not is_among(mode, MODES):
            raise ValueError(f"mode: got {told(mode)}, needs one of {', '.join(map(repr, MODES))}")
        if not is_among(distribution, (*DISTRIBUTIONS, "normal")):
            raise ValueError(
                f"distribution: got {told(distribution)}, needs one of {', '.join(map(repr, DISTRIBUTIONS))}"
            )
        known = "truncated_normal" if distribution == "normal" else distribution
        self.overwrite(scale=float(scale), mode=mode, distribution=known)


class GlorotUniform(Scaled):
    """Uniform within sqrt(6 / (fan_in + fan_out)) of 0 (Glorot and Bengio, 2010)."""

    mode, distribution = "fan_avg", "uniform"


class GlorotNormal(Scaled):
    """Truncated normal with variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010)."""

    mode = "fan_avg"


class HeUniform(Scaled):
    """Uniform within sqrt(6 / fan_in) of 0 (He et al., 2015)."""

    scale, distribution = 2.0, "uniform"


class HeNormal(Scaled):
    """Truncated normal with variance 2 / fan_in (He et al., 2015)."""

    scale = 2.0


class LecunUniform(Scaled):
    """Uniform within sqrt(3 / fan_in) of 0 (LeCun et al., 1998)."""

    distribution = "uniform"


class LecunNormal(Scaled):
    """Truncated normal with variance 1 / fan_in (LeCun et al., 1998; Klambauer et al., 2017)."""


class Orthogonal(RandomInitializer):
    """A random matrix with orthonormal rows or columns, whichever are fewer, times `gain` (Saxe et al., 2014).

    It is Q of the QR decomposition of a normal matrix, its columns signed like R's diagonal, so that all orthogonal
    matrices are equally likely (Mezzadri, 2007).
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None):
        super().__init__(seed)
        self.gain = real("gain", gain)

    def sample(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        if len(shape) != 2:
            raise ValueError(f"Orthogonal: got shape {shape}, needs two dimensions")
        q, r = np.linalg.qr(generator.standard_normal((max(shape), min(shape))))
        q *= np.where(np.diag(r) < 0.0, -1.0, 1.0)
        return self.gain * (q if shape[0] >= shape[1] else q.T)


class Identity(Initializer):
    """`gain` on the diagonal, else 0."""

    def __init__(self, gain: float = 1.0):
        self.gain = real("gain", gain)

    def draw(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        if len(shape) != 2:
            raise ValueError(f"Identity: got shape {shape}, needs two dimensions")
        return self.gain * np.eye(*shape)


class Called(Initializer):
    """A custom function, called as function(shape, dtype="float64"); its randomness is its own affair.

    It may be an object of a custom subclass of Initializer; one that has `draw` draws by the model's seed. A saved
    model keeps its name alone: the model that is loaded has its weights, and cannot draw new ones.
    """

    def __init__(self, function: Any):
        self.function = function

    def draw(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        name = self.get_config()["function"]
        if not callable(self.function):
            raise ValueError(f"initializer: got the name of a function, {name!r}, needs the function to draw weights")
        if isinstance(self.function, Initializer) and type(self.function).__call__ is Initializer.__call__:
            drawn = self.function.draw(shape, generator)
        else:
            drawn = self.function(shape, dtype="float64")
        values = numeric(f"initializer {name}", drawn)
        if values.shape != shape:
            raise ValueError(f"initializer {name}: got values of shape {values.shape}, needs {shape}")
        require_finite(f"initializer {name}", values, "float64")
        return values.astype(np.float64)

    def get_config(self) -> dict[str, Any]:
        if isinstance(self.function, str):
            return {"function": self.function}
        return {"function": getattr(self.function, "__name__", type(self.function).__name__)}


def standard_truncated_normal(shape: Shape, generator: np.random.Generator) -> np.ndarray:
    """Return standard normal values that are drawn again beyond 2; their deviation is TRUNCATED_STDDEV."""
    values = generator.standard_normal(shape)
    while (far := np.abs(values) > 2.0).any():
        values[far] = generator.standard_normal(int(far.sum()))
    return values


# Keras has both spellings.
zeros, ones, constant, identity, orthogonal = Zeros, Ones, Constant, Identity, Orthogonal
IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling, glorot_uniform, glorot_normal = VarianceScaling, GlorotUniform, GlorotNormal
he_uniform, he_normal, lecun_uniform, lecun_normal = HeUniform, HeNormal, LecunUniform, LecunNormal

MODES = ("fan_in", "fan_out", "fan_avg")
DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")
INITIALIZERS: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "normal": RandomNormal,
    "uniform": RandomUniform,
    "constant": Constant,
    "truncated_normal": TruncatedNormal,
    "variance_scaling": VarianceScaling,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
    "orthogonal": Orthogonal,
    "identity": Identity,
    "zero": Zeros,
    "one": Ones,
    "IdentityInitializer": Identity,
    "OrthogonalInitializer": Orthogonal,
}


def get(identifier: Any, argument: str = "initializer") -> Initializer:
    """Return the initializer for a name, class, instance, config, array or function(shape, dtype).

    None stands for glorot_uniform, as where a layer of Keras makes its weights. Custom subclasses of Initializer are
    functions as well.
    """
    if identifier is None:
        return GlorotUniform()
    if isinstance(identifier, dict) and identifier.get("class_name") == "Called":
        return Called.from_config(identifier["config"])
    if isinstance(identifier, (np.ndarray, np.generic)):
        return Constant(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Initializer):
        identifier = identifier()
    if type(identifier) in (Called, *INITIALIZERS.values()):
        return identifier  # type: ignore[no-any-return]
    if callable(identifier) and not isinstance(identifier, type):
        return Called(identifier)
    return lookup(argument, identifier, INITIALIZERS)


if not TYPE_CHECKING:  # type checkers report other names by themselves
    __getattr__ = getter("initializers")
