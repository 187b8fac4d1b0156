"""Optimizers and schedules against what other programs give: Keras' losses over 200 steps, PyTorch's updates."""

import json
import sys

import numpy as np
import pytest

from fastmlp import kernels, optimizers
from fastmlp.layers import Dense, Input
from fastmlp.models import Sequential
from fastmlp.optimizers import schedules
from tests.golden import optimizers_200_steps as golden

KERAS = json.loads(golden.PATH.read_text())
every_case = pytest.mark.parametrize("name", golden.CASES)


def our_losses(optimizer, excluded=()):
    """The loss of each step, and that at the end of all rows, as golden.losses."""
    layers = [Input(golden.UNITS[:1]), Dense(golden.UNITS[1], "tanh"), Dense(golden.UNITS[2])]
    model = Sequential(layers, dtype="float64", seed=0)
    model.build()
    optimizer.exclude_from_weight_decay([model.trainable_weights[number] for number in excluded])
    model.compile(optimizer, "mean_squared_error")
    model.set_weights(golden.initial_weights())
    x, y = golden.data()
    found = []
    for step in range(golden.STEPS):
        found.append(model.train_on_batch(x[golden.batch(step)], y[golden.batch(step)]))
    model.use_average()
    return [*found, model.evaluate(x, y, verbose=0)]


@every_case
def test_200_steps_have_the_losses_of_keras(name):
    found = our_losses(golden.made(optimizers, name), golden.EXCLUDED.get(name, ()))
    assert len(found) == len(KERAS[name]) == golden.STEPS + 1
    assert found[-1] < 0.9 * found[0]  # it learned
    assert found == pytest.approx(KERAS[name], rel=1e-9, abs=0)


def test_a_case_does_not_have_the_losses_of_another():
    runs = list(KERAS.values())
    for number, run in enumerate(runs):
        for other in runs[:number]:
            assert run != pytest.approx(other, rel=1e-6)


@pytest.mark.slow
@every_case
def test_the_stored_losses_are_those_of_the_keras_that_is_installed(name):
    pytest.importorskip("torch")
    if "keras" in sys.modules and sys.modules["keras"].backend.backend() != "torch":
        pytest.skip("Keras is in use with another backend")
    pytest.importorskip("keras")
    assert golden.losses(name) == pytest.approx(KERAS[name], rel=1e-9, abs=0)


# PyTorch adds epsilon elsewhere, so that it has to be 0 there: class and arguments there, class and arguments here.
PYTORCH = {
    "sgd": (("SGD", {"lr": 0.05}), ("SGD", {})),
    "momentum": (("SGD", {"lr": 0.05, "momentum": 0.9}), ("SGD", {"momentum": 0.9})),
    "nesterov": (
        ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
        ("SGD", {"momentum": 0.9, "nesterov": True}),
    ),
    "rmsprop": (("RMSprop", {"lr": 0.05, "alpha": 0.9, "eps": 0.0}), ("RMSprop", {"epsilon": 0.0})),
    "adagrad": (
        ("Adagrad", {"lr": 0.05, "initial_accumulator_value": 0.1, "eps": 0.0}),
        ("Adagrad", {"epsilon": 0.0}),
    ),
    "adam": (("Adam", {"lr": 0.05, "eps": 0.0}), ("Adam", {"epsilon": 0.0})),
    "adamw": (
        ("AdamW", {"lr": 0.05, "eps": 0.0, "weight_decay": 0.1}),
        ("AdamW", {"epsilon": 0.0, "weight_decay": 0.1}),
    ),
    "adamax": (("Adamax", {"lr": 0.05, "eps": 0.0}), ("Adamax", {"epsilon": 0.0})),
    "adadelta": (("Adadelta", {"lr": 0.05, "rho": 0.9, "eps": 1e-4}), ("Adadelta", {"rho": 0.9, "epsilon": 1e-4})),
}


@pytest.mark.parametrize("name", PYTORCH)
def test_200_steps_have_the_losses_of_pytorch(name):
    torch = pytest.importorskip("torch")
    (theirs, arguments), (ours, own_arguments) = PYTORCH[name]
    weights = [torch.tensor(array, requires_grad=True) for array in golden.initial_weights()]
    optimizer = getattr(torch.optim, theirs)(weights, **arguments)
    x, y = map(torch.tensor, golden.data())
    found = []
    for step in range(golden.STEPS):
        optimizer.zero_grad()
        loss = golden.mean_squared_error(weights, x[golden.batch(step)], y[golden.batch(step)])
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    own = our_losses(getattr(optimizers, ours)(0.05, **own_arguments))[:-1]
    assert own == pytest.approx(found, rel=1e-9, abs=0)


WEIGHTS, GRADIENTS = [1.0, -2.0, 0.5], ([0.3, -0.7, 0.1], [-0.2, 0.4, 1.5])
# Weights after two steps at the rate 0.1 by PyTorch 2 in float64, with epsilon 0 where it stands elsewhere.
TWO_STEPS = {
    "adamax": ([0.8875952507531455, -1.8825320877952456, 0.34421052631578947], 2, {"beta_1": 0.9, "beta_2": 0.99}),
    "amsgrad": ([0.8855353524442868, -1.8787388254815394, 0.321471834771513], 3, {"beta_1": 0.9, "beta_2": 0.99}),
    "rmsprop_momentum": (
        [0.6126082029878734, -1.5939534244592926, -0.38480718037921],
        2,
        {"rho": 0.9, "momentum": 0.8},
    ),
    "rmsprop_centered": (
        [0.5821874479813989, -1.563886260612512, -0.4348923510851012],
        3,
        {"rho": 0.9, "momentum": 0.8},
    ),
}


@pytest.mark.parametrize("name", TWO_STEPS)
def test_two_steps_of_a_kernel_are_those_of_pytorch(name):
    expected, slots, settings = TWO_STEPS[name]
    w, state = np.array(WEIGHTS), [np.zeros(3) for _ in range(slots)]
    for step, g in enumerate(GRADIENTS, 1):
        counted = {"step": step} if "beta_1" in settings else {}
        getattr(kernels, name)(w, np.array(g), *state, learning_rate=0.1, epsilon=0.0, **settings, **counted)
    assert w.tolist() == pytest.approx(expected, rel=1e-14)


def test_one_cycle_is_that_of_pytorch():
    """OneCycleLR(max_lr=0.5, total_steps=20) of PyTorch 2."""
    expected = [0.02, 0.06583592135, 0.18583592135, 0.33416407865, 0.45416407865, 0.5, 0.493732003118, 0.475242316007]
    expected += [0.445458088786, 0.405872826975, 0.358471500896, 0.305631010968, 0.250001, 0.194370989032]
    expected += [0.141530499104, 0.094129173025, 0.054543911214, 0.024759683993, 0.006269996882, 2e-06]
    schedule = schedules.OneCycle(0.5, 20)
    assert [schedule(step) for step in range(20)] == pytest.approx(expected, abs=1e-12)
    assert schedule(21) == schedule(10**9) == schedule(19)


@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("anneal_strategy", ["cos", "linear"])
@pytest.mark.parametrize("pct_start", [0.0, 0.25, 0.4, 0.5])
def test_one_cycle_follows_the_pytorch_that_is_installed(three_phase, anneal_strategy, pct_start):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    arguments = {"pct_start": pct_start, "anneal_strategy": anneal_strategy, "three_phase": three_phase}
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.5, 30, **arguments)
    ours = schedules.OneCycle(0.5, 30, **arguments)
    for step in range(30):
        assert ours(step) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        optimizer.step()
        if step < 29:
            theirs.step()
