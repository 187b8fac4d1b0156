"""Initial values: bounds, spread and seeds."""

import math

import numpy as np
import pytest

from fastmlp import initializers, load_model
from fastmlp.initializers import (
    GlorotUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
from fastmlp.layers import Dense, Input
from fastmlp.models import Sequential

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


# Keras' formulas: the standard deviation of a shape (300, 200), and the furthest value in units of it.
CUT = 2 / 0.87962566103423978
SPREADS = [
    ("glorot_normal", math.sqrt(2 / 500), CUT),
    ("glorot_uniform", math.sqrt(2 / 500), math.sqrt(3)),
    ("he_normal", math.sqrt(2 / 300), CUT),
    ("he_uniform", math.sqrt(2 / 300), math.sqrt(3)),
    ("lecun_normal", math.sqrt(1 / 300), CUT),
    ("lecun_uniform", math.sqrt(1 / 300), math.sqrt(3)),
    ("variance_scaling", math.sqrt(1 / 300), CUT),
    ("truncated_normal", 0.05 * 0.87962566103423978, CUT),
    (VarianceScaling(3.0, "fan_out", "uniform"), math.sqrt(3 / 200), math.sqrt(3)),
    (VarianceScaling(3.0, "fan_avg", "normal"), math.sqrt(3 / 250), CUT),
    (VarianceScaling(mode="fan_out", distribution="untruncated_normal"), math.sqrt(1 / 200), math.inf),
]


@pytest.mark.parametrize(("name", "stddev", "furthest"), SPREADS, ids=[str(row[0]) for row in SPREADS])
def test_the_spread_is_that_of_keras(name, stddev, furthest):
    values = draw(name)
    # 60,000 draws: the mean's standard error is 0.0041 of the deviation, that of the deviation at most 0.003.
    assert abs(values.mean()) < 5 * 0.0041 * stddev
    assert values.std() == pytest.approx(stddev, rel=0.015)
    assert np.abs(values).max() <= furthest * stddev * (1 + 1e-12)
    assert np.abs(values).max() >= min(furthest, 3.5) * stddev * 0.98


def test_truncated_normal_keeps_the_mean_in_the_middle():
    values = draw(TruncatedNormal(mean=3.0, stddev=0.5))
    assert values.mean() == pytest.approx(3.0, abs=0.01) and 2.0 <= values.min() < 2.05 and 3.95 < values.max() <= 4.0


@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (5, 5)])
def test_orthogonal(shape):
    values = draw(Orthogonal(gain=2.0), shape)
    products = values.T @ values if shape[0] >= shape[1] else values @ values.T
    assert products == pytest.approx(4.0 * np.eye(min(shape)), abs=1e-12)


def test_orthogonal_matrices_are_not_of_one_sign():
    first = np.array([draw(Orthogonal(), (3, 3), seed)[0, 0] for seed in range(200)])
    assert abs(first.mean()) < 5 * math.sqrt(1 / 3 / 200) and (first > 0).sum() > 50  # uniform on [-1, 1]


def test_constant_and_identity():
    assert (draw(initializers.Constant(2.5), (3, 2)) == 2.5).all()
    assert np.array_equal(draw(initializers.Identity(gain=2.0), (2, 3)), [[2, 0, 0], [0, 2, 0]])
    for flat in (Orthogonal(), initializers.Identity()):
        with pytest.raises(ValueError, match=r"got shape \(3,\), needs two dimensions"):
            draw(flat, (3,))


def test_called_as_in_keras():
    values = GlorotUniform(seed=1)(shape=(3, 2), dtype="float64")
    assert values.dtype == np.float64 and np.array_equal(values, draw(GlorotUniform(seed=1), (3, 2)))
    assert initializers.Zeros()((2,)).dtype == np.float32
    assert not np.array_equal(GlorotUniform()((3, 2)), GlorotUniform()((3, 2)))


def half(shape, dtype=None):
    return np.full(shape, 0.5, dtype)


def test_a_function_of_ones_own_draws_the_weights(tmp_path):
    model = Sequential([Input((3,)), Dense(2, kernel_initializer=half, bias_initializer=initializers.Constant(1.0))])
    assert [float(weight.mean()) for weight in model.get_weights()] == [0.5, 1.0]
    model.save(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert np.array_equal(loaded.get_weights()[0], model.get_weights()[0])
    with pytest.raises(ValueError, match="got the name of a function, 'half', needs the function to draw weights"):
        Sequential.from_config(model.get_config()).get_weights()


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (
            lambda shape, dtype: np.zeros(3),
            ValueError,
            r"<lambda>: got values of shape \(3,\), needs \(3, 2\)",
        ),
        (lambda shape, dtype: np.full(shape, np.nan), ValueError, "initializer <lambda>: got nan in row 0"),
        (lambda shape, dtype: "zeros", TypeError, "initializer <lambda>: got str"),
    ],
)
def test_what_a_function_returns_is_checked(function, error, message):
    model = Sequential([Input((3,)), Dense(2, kernel_initializer=function)])
    with pytest.raises(error, match=message):
        model.get_weights()


@pytest.mark.parametrize("identifier", [*initializers.INITIALIZERS, VarianceScaling(2.0, "fan_out", "uniform", 3)])
def test_configs_go_around(identifier):
    one = initializers.get(identifier)
    twin = type(one).from_config(one.get_config())
    assert twin.get_config() == one.get_config() and np.array_equal(draw(one), draw(twin))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: VarianceScaling(0.0), "scale: got 0, needs a number above 0"),
        (lambda: VarianceScaling(mode="fan"), "mode: got 'fan', needs one of 'fan_in', 'fan_out', 'fan_avg'"),
        (lambda: VarianceScaling(distribution="gauss"), "distribution: got 'gauss', needs one of 'truncated_normal'"),
    ],
)
def test_bad_variance_scaling(build, message):
    with pytest.raises(ValueError, match=message):
        build()


class Half(initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return np.full(shape, 0.5, dtype)


class Drawn(initializers.Initializer):
    def draw(self, shape, generator):
        return generator.uniform(1.0, 2.0, shape)


class Narrow(RandomNormal):
    def __init__(self):
        super().__init__(stddev=1e-3)


@pytest.mark.parametrize("given", [Half, Half(), Drawn(), Narrow()])
def test_a_subclass_of_ones_own_draws_the_weights(tmp_path, given):
    model = Sequential([Input((3,)), Dense(2, kernel_initializer=given)], seed=1)
    kernel = model.get_weights()[0]
    assert {"Half": (kernel == 0.5).all(), "Drawn": kernel.min() > 1, "Narrow": 0 < np.abs(kernel).max() < 0.01}[
        getattr(given, "__name__", type(given).__name__)
    ]
    again = Sequential([Input((3,)), Dense(2, kernel_initializer=given)], seed=1)
    assert np.array_equal(again.get_weights()[0], kernel)
    model.save(tmp_path / "model.safetensors")
    assert np.array_equal(load_model(tmp_path / "model.safetensors").get_weights()[0], kernel)


def test_a_subclass_without_values_says_what_it_needs():
    class Nothing(initializers.Initializer):
        pass

    with pytest.raises(TypeError, match=r"got Nothing, needs a method __call__\(self, shape, dtype=None\)"):
        Sequential([Input((3,)), Dense(2, kernel_initializer=Nothing())]).get_weights()


def test_none_is_what_keras_takes_for_none():
    """keras.layers.Layer.add_weight: glorot_uniform, whatever the shape."""
    bias = Dense(4, bias_initializer=None)
    bias.build((None, 3))
    values = bias.get_weights()[1]
    assert len(set(values)) == 4 and np.abs(values).max() <= math.sqrt(6 / 8)


@pytest.mark.parametrize("name", ["zero", "one", "Zeros", "IdentityInitializer", "OrthogonalInitializer"])
def test_other_names_of_keras(name):
    assert draw(name, (3, 3)).shape == (3, 3)


def test_constants_of_arrays(tmp_path):
    kernel = np.arange(6.0).reshape(3, 2)
    given = Dense(2, kernel_initializer=initializers.Constant(kernel), bias_initializer=np.array([1.0, 2.0]))
    model = Sequential([Input((3,)), given])
    assert np.array_equal(model.get_weights()[0], kernel) and model.get_weights()[1].tolist() == [1, 2]
    copy = Sequential.from_config(model.get_config())
    assert np.array_equal(copy.get_weights()[0], kernel)
    assert draw(initializers.Constant([5.0, 6.0]), (2, 2)).tolist() == [[5, 6], [5, 6]]
    with pytest.raises(ValueError, match=r"Constant: got values of shape \(3,\), needs \(2, 2\)"):
        draw(np.ones(3), (2, 2))
    with pytest.raises(ValueError, match="value: "):
        initializers.Constant([1.0, math.nan])
