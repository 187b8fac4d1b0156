"""Initial weights, with Keras' names, defaults and distributions; drawn in float64 from a numpy Generator."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastmlp.settings import Settings, integer, lookup, real

Shape = tuple[int, ...]

# A normal distribution cut at two standard deviations has this standard deviation.
TRUNCATED_STDDEV = 0.87962566103423978


class Initializer(Settings):
    """Base of the initializers; `draw` returns float64 values of a shape from a generator."""

    def draw(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        raise NotImplementedError


class Zeros(Initializer):
    """All 0."""

    def draw(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        return np.zeros(shape)


class Ones(Initializer):
    """All 1."""

    def draw(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        return np.ones(shape)


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


class GlorotUniform(RandomInitializer):
    """Uniform within sqrt(6 / (fan_in + fan_out)) of 0 (Glorot and Bengio, 2010)."""

    def sample(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        limit = math.sqrt(6.0 / (shape[0] + shape[-1]))
        return generator.uniform(-limit, limit, shape)


class GlorotNormal(RandomInitializer):
    """Truncated normal with variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010)."""

    def sample(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        return truncated_normal(math.sqrt(2.0 / (shape[0] + shape[-1])), shape, generator)


class HeUniform(RandomInitializer):
    """Uniform within sqrt(6 / fan_in) of 0 (He et al., 2015)."""

    def sample(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        limit = math.sqrt(6.0 / shape[0])
        return generator.uniform(-limit, limit, shape)


class HeNormal(RandomInitializer):
    """Truncated normal with variance 2 / fan_in (He et al., 2015)."""

    def sample(self, shape: Shape, generator: np.random.Generator) -> np.ndarray:
        return truncated_normal(math.sqrt(2.0 / shape[0]), shape, generator)


def truncated_normal(stddev: float, shape: Shape, generator: np.random.Generator) -> np.ndarray:
    """Return normal values that are drawn again beyond two standard deviations; `stddev` is that of the result."""
    values = generator.standard_normal(shape)
    while (far := np.abs(values) > 2.0).any():
        values[far] = generator.standard_normal(int(far.sum()))
    return values * (stddev / TRUNCATED_STDDEV)


INITIALIZERS: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
}


def get(identifier: Any, argument: str = "initializer") -> Initializer:
    """Return the initializer for a name, class, instance or config."""
    return lookup(argument, identifier, INITIALIZERS)
