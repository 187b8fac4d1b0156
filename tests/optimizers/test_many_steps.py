"""Steps far on take no longer than the first, and have the oracle's bits: nothing is gone through again."""

import random
import subprocess
import sys

import numpy as np
import pytest

import fastmlp
import reference
from fastmlp import kernels, optimizers
from fastmlp.optimizers import schedules

FAR = (899, 900, 901, 5_000, 10**9, 2**62)
COUNTING = [name for name in kernels.__all__ if "step" in getattr(getattr(kernels, name), "contract", {})]
RULES = [name for name in COUNTING if "learning_rate" in getattr(kernels, name).contract]

# what once took seconds or never ended, by one thread of a process of its own that can be ended
STEPS_FAR_ON = """
import numpy as np
from fastmlp import kernels
from fastmlp.optimizers import schedules
one = np.ones(1)
for step in (10**6, 10**12, 2**63 - 1):
    kernels.nadam(one.copy(), one, one.copy(), one.copy(), 0.1, 1 - 1e-16, 0.999, 1e-7, step)
for first in (1e-300, 1e-17, 1.0, 1e5):
    for t_mul in (1.0, 1.0 + 2**-52, 1.0 + 1e-9, 2.0, 1e300):
        schedules.CosineDecayRestarts(0.1, first, t_mul)(10**9), schedules.CosineDecayRestarts(0.1, first, t_mul)(2**62)
print("ended")
"""


def test_steps_far_on_take_no_longer():
    ran = subprocess.run([sys.executable, "-c", STEPS_FAR_ON], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "ended\n", ran.stderr


@pytest.mark.parametrize("step", FAR)
@pytest.mark.parametrize("name", RULES)
def test_rules_have_the_oracles_bits_far_on(name, step):
    rng = np.random.default_rng(step % 1000)
    contract = getattr(kernels, name).contract
    arrays = {key: abs(rng.normal(size=9)) for key, what in contract.items() if hasattr(what, "dimensions")}
    scalars = {"learning_rate": 0.01, "beta_1": 0.9999, "beta_2": 0.999, "epsilon": 1e-7, "warmup_steps": 5.0}
    scalars = {key: scalars[key] for key in contract if key in scalars} | {"step": step}
    lists = {key: array.tolist() for key, array in arrays.items()}
    getattr(kernels, name)(**arrays, **scalars)
    getattr(reference, name)(**lists, **scalars)
    assert {key: array.tolist() for key, array in arrays.items()} == lists


def test_the_shares_of_nadam_settle_where_they_are_said_to():
    share = reference.optimizers.nadam_share
    assert share(899) < 1.0 and all(share(step) == 1.0 for step in (900, 901, 10**4))


@pytest.mark.parametrize("t_mul", [1.0, 1.0001, 1.1, 1.5, 2.0, 3.7])
def test_restarts_are_where_one_after_another_puts_them(t_mul):
    draw = random.Random(int(10 * t_mul))
    for _ in range(300):
        first, m_mul, alpha = draw.uniform(0.5, 500.0), draw.uniform(0.5, 1.0), draw.uniform(0.0, 0.5)
        step = int(draw.uniform(1.0, 2e4))
        rate = schedules.CosineDecayRestarts(0.1, first, t_mul, m_mul, alpha)(step)
        assert rate == pytest.approx(
            reference.schedules.cosine_decay_restarts(step, 0.1, first, t_mul, m_mul, alpha), rel=1e-6, abs=1e-9
        )


@pytest.mark.parametrize("t_mul", [1.0, 1.5, 2.0])
def test_restarts_begin_at_their_own_step(t_mul):
    schedule, begins = schedules.CosineDecayRestarts(0.5, 64, t_mul, 0.5), 0.0
    for number in range(7):
        assert schedule(int(begins)) == 0.5 * 0.5**number and schedule(int(begins) + 1) < 0.5 * 0.5**number
        begins += 64 * t_mul**number


LARGE = [
    schedules.ExponentialDecay(0.1, 1, 10.0),
    schedules.ExponentialDecay(0.1, 1e-320, 10.0, staircase=True),
    schedules.CosineDecayRestarts(0.1, 1.0, 1.0, 10.0),
]


@pytest.mark.parametrize("schedule", LARGE, ids=lambda schedule: type(schedule).__name__)
def test_a_rate_too_large_for_a_float_is_refused_by_name(schedule):
    model = fastmlp.Sequential([fastmlp.Input((2,)), fastmlp.layers.Dense(1)])
    model.compile(optimizers.SGD(schedule), "mse")
    model.build((2,))
    model.network.step = 400 * 10**6
    with pytest.raises(ValueError, match="learning_rate: got inf, needs a finite number"):
        model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)


@pytest.mark.parametrize("steps", [5e-324, 1e-300, 1e300])
@pytest.mark.parametrize("step", [0, 1, 2**62])
def test_any_length_of_a_decay_gives_a_rate(steps, step):
    for schedule in (
        *(schedules.InverseTimeDecay(0.1, steps, 0.5, staircase) for staircase in (False, True)),
        *(schedules.ExponentialDecay(0.1, steps, 0.5, staircase) for staircase in (False, True)),
        *(schedules.PolynomialDecay(0.1, steps, cycle=cycle) for cycle in (False, True)),
        *(schedules.CosineDecayRestarts(0.1, steps, t_mul) for t_mul in (1.0, 1.1, 2.0)),
        schedules.CosineDecay(0.1, steps, warmup_target=1.0, warmup_steps=steps),
    ):
        assert 0.0 <= schedule(step) <= 1.0, schedule
