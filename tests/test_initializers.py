"""Initial values: bounds, spread and seeds."""

import math

import numpy as np
import pytest

from fastmlp import initializers
from fastmlp.initializers import GlorotUniform, RandomNormal, RandomUniform

SHAPE = (300, 200)


def draw(identifier, shape=SHAPE, seed=1):
    return initializers.get(identifier).draw(shape, np.random.Generator(np.random.PCG64(seed)))


@pytest.mark.parametrize(
    ("name", "limit"),
    [("glorot_uniform", math.sqrt(6 / 500)), ("he_uniform", math.sqrt(6 / 300)), ("random_uniform", 0.05)],
)
def test_uniform_ones_fill_their_interval(name, limit):
    values = draw(name)
    assert values.dtype == np.float64 and values.shape == SHAPE
    assert -limit <= values.min() < -0.999 * limit and 0.999 * limit < values.max() < limit
    # 60,000 draws: the mean's standard error is 0.0024 limit, that of the variance 0.0037 of it.
    assert abs(values.mean()) < 0.0024 * 5 * limit
    assert values.var() == pytest.approx(limit**2 / 3, rel=0.02)


@pytest.mark.parametrize(
    ("name", "stddev", "furthest"),
    [
        ("glorot_normal", math.sqrt(2 / 500), 2 / 0.87962566103423978),
        ("he_normal", math.sqrt(2 / 300), 2 / 0.87962566103423978),
        ("random_normal", 0.05, 6),
    ],
)
def test_normal_ones_have_their_spread(name, stddev, furthest):
    values = draw(name)
    assert values.std() == pytest.approx(stddev, rel=0.015)
    assert 0.99 * min(furthest, 3) * stddev < np.abs(values).max() <= furthest * stddev


def test_constants():
    assert (draw("zeros", (3,)) == 0).all() and (draw("ones", (3,)) == 1).all()


def test_a_bias_counts_as_its_own_fans():
    assert np.abs(draw("glorot_uniform", (10_000,))).max() <= math.sqrt(6 / 20_000)


def test_only_an_own_seed_makes_it_independent_of_the_generator():
    assert not np.array_equal(draw(GlorotUniform(), seed=1), draw(GlorotUniform(), seed=2))
    assert np.array_equal(draw(GlorotUniform(seed=7), seed=1), draw(GlorotUniform(seed=7), seed=2))


def test_bad_settings():
    with pytest.raises(ValueError, match="stddev: got -1"):
        RandomNormal(stddev=-1)
    with pytest.raises(ValueError, match="maxval: got 0"):
        RandomUniform(1.0, 0.0)
    with pytest.raises(ValueError, match=r"maxval: got 1e\+308 with minval -1e\+308, needs a finite difference"):
        RandomUniform(-1e308, 1e308)
    with pytest.raises(TypeError, match="seed: got 'a'"):
        GlorotUniform(seed="a")
