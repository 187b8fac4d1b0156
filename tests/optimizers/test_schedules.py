"""Schedules of the learning rate: Keras' values, the oracle's bits, and what training does with them."""

import copy
import inspect
import json
import pickle

import numpy as np
import pytest

import fastmlp as keras
import reference
import reference.schedules
from fastmlp import optimizers
from fastmlp.callbacks import LambdaCallback, LearningRateScheduler, ReduceLROnPlateau
from fastmlp.layers import Dense, Input
from fastmlp.models import Sequential, load_model
from fastmlp.optimizers import schedules
from fastmlp.settings import snake_case

STEPS = [0, 1, 7, 10, 11, 25, 40, 100]
# name, arguments, and the rates at STEPS by Keras 3.15 in float64; an empty list for what Keras does not have
SCHEDULES = [
    (
        "ExponentialDecay",
        (0.5, 10, 0.9),
        [
            0.5,
            0.4947596291031072,
            0.4644508488426855,
            0.45,
            0.44528366619279647,
            0.3842167357104581,
            0.32805,
            0.17433922005000005,
        ],
    ),
    ("ExponentialDecay", (0.5, 10, 0.9, True), [0.5, 0.5, 0.5, 0.45, 0.45, 0.405, 0.32805, 0.17433922005000005]),
    (
        "InverseTimeDecay",
        (0.5, 10, 0.5),
        [
            0.5,
            0.47619047619047616,
            0.37037037037037035,
            0.3333333333333333,
            0.3225806451612903,
            0.2222222222222222,
            0.16666666666666666,
            0.08333333333333333,
        ],
    ),
    (
        "InverseTimeDecay",
        (0.5, 10, 0.5, True),
        [0.5, 0.5, 0.5, 0.3333333333333333, 0.3333333333333333, 0.25, 0.16666666666666666, 0.08333333333333333],
    ),
    ("PiecewiseConstantDecay", ([7, 25], [1.0, 0.5, 0.1]), [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.1, 0.1]),
    (
        "PolynomialDecay",
        (0.5, 20),
        [0.5, 0.47500499999999996, 0.325035, 0.25005, 0.22505499999999998, 0.0001, 0.0001, 0.0001],
    ),
    (
        "PolynomialDecay",
        (0.5, 20, 0.01, 2.0),
        [0.5, 0.452225, 0.21702500000000002, 0.1325, 0.10922499999999997, 0.01, 0.01, 0.01],
    ),
    (
        "PolynomialDecay",
        (0.5, 10, 0.01, 0.5, True),
        [0.5, 0.47485481604475177, 0.27838405317753145, 0.01, 0.3387019926924691, 0.21004166232729285, 0.01, 0.01],
    ),
    (
        "CosineDecay",
        (0.5, 30),
        [0.5, 0.4986304738420683, 0.43578620636934856, 0.375, 0.3516841607689501, 0.03349364905389032, 0.0, 0.0],
    ),
    (
        "CosineDecay",
        (0.5, 30, 0.1),
        [0.5, 0.4987674264578615, 0.4422075857324137, 0.3875, 0.36651574469205506, 0.08014428414850129, 0.05, 0.05],
    ),
    (
        "CosineDecay",
        (0.1, 30, 0.0, "CosineDecay", 0.5, 8),
        [
            0.1,
            0.15000000000000002,
            0.45000000000000007,
            0.4945369001834514,
            0.4877641290737884,
            0.1980220772955602,
            0.0,
            0.0,
        ],
    ),
    (
        "CosineDecayRestarts",
        (0.5, 9),
        [
            0.5,
            0.4849231551964771,
            0.058488889220255524,
            0.49620193825305203,
            0.4849231551964771,
            0.01507684480352292,
            0.3556545654351749,
            0.23909515315866603,
        ],
    ),
    (
        "CosineDecayRestarts",
        (0.5, 9, 1.0, 0.5),
        [
            0.5,
            0.4849231551964771,
            0.058488889220255524,
            0.24246157759823855,
            0.22075555538987224,
            0.014622222305063881,
            0.01833825277604578,
            0.0002367788843732799,
        ],
    ),
    (
        "CosineDecayRestarts",
        (0.5, 8, 1.5, 0.9, 0.1),
        [
            0.5,
            0.48287289481503953,
            0.06712710518496048,
            0.42787014426634884,
            0.3956891231902759,
            0.3493980418653718,
            0.37362868489685563,
            0.06323244674722503,
        ],
    ),
    ("OneCycle", (0.5, 60), []),
    ("OneCycle", (0.5, 60, 0.4, "linear", 10.0, 100.0, True), []),
]
every_schedule = pytest.mark.parametrize(("name", "arguments", "expected"), SCHEDULES)
X = np.random.default_rng(0).normal(size=(20, 3))
Y = np.random.default_rng(1).normal(size=(20, 2))


def make(optimizer):
    model = Sequential([Input((3,)), Dense(4, "tanh"), Dense(2)], dtype="float64", seed=5)
    model.compile(optimizer, "mean_squared_error")
    return model


@every_schedule
def test_rates_are_those_of_keras(name, arguments, expected):
    schedule = getattr(optimizers.schedules, name)(*arguments)
    assert [schedule(step) for step in STEPS if expected] == pytest.approx(expected, rel=1e-12, abs=1e-15)


@every_schedule
def test_rates_have_the_oracles_bits(name, arguments, expected):
    schedule, twin = getattr(schedules, name)(*arguments), getattr(reference.schedules, snake_case(name))
    settings = {key: value for key, value in schedule.get_config().items() if key != "name"}
    for step in range(150):
        rate = twin(step, **settings)
        assert schedule(step) == rate and type(schedule(step)) is float
        assert 0.0 <= rate <= 1.0


def test_every_schedule_has_a_twin_with_its_arguments_and_is_tested():
    twins = {name for name, value in vars(reference.schedules).items() if inspect.isfunction(value)}
    assert twins == {snake_case(name) for name in schedules.SCHEDULES}
    assert {name for name, _, _ in SCHEDULES} == set(schedules.SCHEDULES)
    for name, schedule in schedules.SCHEDULES.items():
        twin = inspect.signature(getattr(reference.schedules, snake_case(name))).parameters
        own = inspect.signature(schedule).parameters
        assert [*twin][1:] == [argument for argument in own if argument != "name"]
        assert all(own[argument].default == twin[argument].default for argument in [*twin][1:])


@every_schedule
def test_a_schedule_survives_its_config(name, arguments, expected):
    schedule = getattr(schedules, name)(*arguments)
    config = json.loads(json.dumps(optimizers.SGD(schedule).get_config()))
    assert config["learning_rate"]["class_name"] == name
    twin = optimizers.SGD.from_config(config)
    assert twin.get_config() == config and twin.rates(3, 50).tolist() == [schedule(step) for step in range(3, 53)]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), ValueError, "decay_steps: got 0, needs .* above 0"),
        (lambda: schedules.ExponentialDecay("fast", 1, 0.5), TypeError, "initial_learning_rate: got 'fast'"),
        (lambda: schedules.InverseTimeDecay(0.1, 5, -1), ValueError, "decay_rate: got -1"),
        (lambda: schedules.PiecewiseConstantDecay([1], [0.1]), ValueError, "values: got 1 of them for 1 boundaries"),
        (lambda: schedules.PiecewiseConstantDecay([2, 1], [1, 2, 3]), ValueError, "boundaries: got .*each above"),
        (lambda: schedules.PolynomialDecay(0.1, 5, cycle=1), TypeError, "cycle: got 1"),
        (lambda: schedules.CosineDecay(0.1, 5, alpha=2), ValueError, "alpha: got 2"),
        (lambda: schedules.CosineDecayRestarts(0.1, 5, t_mul=0.5), ValueError, "t_mul: got 0.5"),
        (lambda: schedules.OneCycle(0.1, 0), ValueError, "total_steps: got 0"),
        (lambda: schedules.OneCycle(0.1, 9, anneal_strategy="step"), ValueError, "anneal_strategy: got 'step'"),
        (lambda: schedules.get({"class_name": "Step", "config": {}}), ValueError, "learning_rate: got unknown name"),
        (lambda: schedules.LearningRateSchedule()(0), TypeError, "LearningRateSchedule: needs a method"),
    ],
)
def test_what_makes_no_schedule(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ----------------------------------------------------------------------------------------------------------- training


def test_fit_asks_the_schedule_for_each_update_and_goes_on_in_the_next_call():
    asked = []

    def rate(step):
        asked.append(step)
        return 0.1 / (1 + step)

    model = make(optimizers.SGD(rate))
    model.fit(X, Y, batch_size=6, epochs=2, verbose=0)
    model.train_on_batch(X, Y)
    trained = make(optimizers.SGD(rate))
    expected = make("sgd")
    trained.fit(X, Y, batch_size=20, epochs=3, shuffle=False, verbose=0)
    for step in range(3):
        expected.optimizer.learning_rate = rate(step)
        expected.train_on_batch(X, Y)
    assert set(asked) == set(range(9))
    for array, other in zip(trained.get_weights(), expected.get_weights(), strict=True):
        assert array.tobytes() == other.tobytes()


@pytest.mark.parametrize("rule", ["momentum", "adam", "nadam"])
def test_a_scheduled_run_has_the_oracles_bits(rule):
    schedule = schedules.CosineDecay(0.01, 8, warmup_target=0.1, warmup_steps=3)
    arguments = {"momentum": {"momentum": 0.9}}.get(rule, {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7})
    optimizer = {"momentum": optimizers.SGD, "adam": optimizers.Adam, "nadam": optimizers.Nadam}[rule]
    model = make(optimizer(schedule, **arguments, weight_decay=0.1))
    layers = [{"kind": "dense", "units": 4, "activation": "tanh", "use_bias": True, "l2": 0.0}]
    layers.append({"kind": "dense", "units": 2, "activation": "linear", "use_bias": True, "l2": 0.0})
    settings = {"name": rule, "learning_rate": 7.0, "weight_decay": 0.1, **arguments}
    oracle = reference.Network(3, layers, "mean_squared_error", settings)
    model.build((3,))
    oracle.set_weights([array.tolist() for array in model.get_weights()])
    model.fit(X, Y, batch_size=6, epochs=3, shuffle=False, verbose=0)
    for epoch in range(3):
        rates = [
            reference.schedules.cosine_decay(step, 0.01, 8, 0.0, 0.1, 3) for step in range(4 * epoch, 4 * epoch + 4)
        ]
        oracle.train_epoch(X.tolist(), Y.tolist(), list(range(20)), 6, learning_rates=rates)
    for array, values in zip(model.get_weights(), oracle.get_weights(), strict=True):
        assert array.tolist() == values


def test_the_rate_of_the_optimizer_is_the_current_one():
    schedule = schedules.PiecewiseConstantDecay([1, 3], [0.5, 0.25, 0.125])
    seen = []
    model = make(optimizers.SGD(schedule))
    note = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(model.optimizer.learning_rate))
    assert (model.optimizer.iterations, model.optimizer.learning_rate) == (0, 0.5)
    model.fit(X, Y, batch_size=10, epochs=2, verbose=0, callbacks=[note])
    assert seen == [0.25, 0.125] and model.optimizer.iterations == 4
    plateau = model.fit(X, Y, verbose=0, callbacks=[ReduceLROnPlateau("loss")])
    assert plateau.history["learning_rate"] == [0.125]
    model.add(Dense(2))  # the optimizer starts anew
    assert (model.optimizer.iterations, model.optimizer.learning_rate) == (0, 0.5)


def test_a_scheduled_rate_cannot_be_set_to_a_number_but_replaced():
    model = make(optimizers.SGD(schedules.ExponentialDecay(0.5, 1, 0.5)))
    needs = "learning_rate: got 0.1, needs another schedule"
    with pytest.raises(TypeError, match=needs):
        model.optimizer.learning_rate = 0.1
    with pytest.raises(TypeError, match=needs):
        model.fit(X, Y, verbose=0, callbacks=[LearningRateScheduler(lambda epoch: 0.1)])
    assert model.optimizer.iterations == 0
    model.optimizer.learning_rate = lambda step: 0.75
    assert model.optimizer.learning_rate == 0.75
    model.compile(optimizers.SGD(0.1), "mean_squared_error")
    model.optimizer.learning_rate = schedules.ExponentialDecay(0.5, 1, 0.5)
    assert model.optimizer.rates(0, 3).tolist() == [0.5, 0.25, 0.125]


def test_a_schedule_of_the_user_gives_checked_rates():
    class Down(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return np.float32(0.5 - step / 4)

    model = make(optimizers.SGD(Down()))
    before = [array.tobytes() for array in model.build((3,)) or model.get_weights()]
    with pytest.raises(ValueError, match=r"learning_rate: got .*-0\.25.*, needs a finite number of at least 0"):
        model.fit(X, Y, batch_size=5, verbose=0)
    assert [array.tobytes() for array in model.get_weights()] == before
    with pytest.raises(TypeError, match=r"learning_rate: got .*Down.*, needs a number or one of optimizers\.schedules"):
        model.optimizer.get_config()
    with pytest.raises(TypeError, match="learning_rate: got <class"):
        optimizers.SGD(schedules.ExponentialDecay)


def test_a_saved_model_goes_on_with_its_schedule(tmp_path):
    model = make(optimizers.Adam(schedules.CosineDecay(0.1, 30)))
    model.fit(X, Y, batch_size=6, epochs=2, verbose=0)
    model.save(tmp_path / "model.safetensors")
    twins = [load_model(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(model))]
    model.fit(X, Y, batch_size=6, epochs=2, verbose=0)
    for twin in twins:
        assert twin.optimizer.iterations == 8 and repr(twin.optimizer) == repr(model.optimizer)
        twin.fit(X, Y, batch_size=6, epochs=2, verbose=0)
        for array, other in zip(twin.get_weights(), model.get_weights(), strict=True):
            assert array.tobytes() == other.tobytes()
    alone = copy.deepcopy(model.optimizer)
    assert alone.iterations == 0 and alone.get_config() == model.optimizer.get_config()
