"""Optimizers' settings: Keras' defaults and what the engine is told."""

import pickle

import numpy as np
import pytest

from fastmlp import load_model, optimizers
from fastmlp.kernels import Network
from fastmlp.layers import Dense, Input
from fastmlp.models import Sequential
from fastmlp.optimizers import OPTIMIZERS, SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Ftrl, Lion, Nadam, RMSprop, get

BETAS = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
DEFAULTS = {  # in Keras' order
    SGD: {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False},
    RMSprop: {"learning_rate": 0.001, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False},
    Adagrad: {"learning_rate": 0.001, "initial_accumulator_value": 0.1, "epsilon": 1e-7},
    Adadelta: {"learning_rate": 0.001, "rho": 0.95, "epsilon": 1e-7},
    Adam: {"learning_rate": 0.001, **BETAS, "amsgrad": False},
    AdamW: {"learning_rate": 0.001, "weight_decay": 0.004, **BETAS, "amsgrad": False},
    Adamax: {"learning_rate": 0.001, **BETAS},
    Nadam: {"learning_rate": 0.001, **BETAS},
    Lion: {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.99},
    Ftrl: {
        "learning_rate": 0.001,
        "learning_rate_power": -0.5,
        "initial_accumulator_value": 0.1,
        "l1_regularization_strength": 0.0,
        "l2_regularization_strength": 0.0,
        "l2_shrinkage_regularization_strength": 0.0,
        "beta": 0.0,
    },
}
COMMON = {
    "weight_decay": None,
    "clipnorm": None,
    "clipvalue": None,
    "global_clipnorm": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}
every_class = pytest.mark.parametrize("cls", DEFAULTS)


@every_class
def test_defaults_are_those_of_keras(cls):
    name = {AdamW: "adam_w"}.get(cls, cls.__name__.lower())
    assert cls().get_config() == {**COMMON, "name": name, **DEFAULTS[cls]}
    assert list(cls().get_config())[: len(DEFAULTS[cls])] == list(DEFAULTS[cls])
    assert OPTIMIZERS[cls.__name__.lower()] is cls


@every_class
def test_a_config_makes_the_same_optimizer(cls):
    changed = {"clipvalue": 0.5, "use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3, "name": "mine"}
    optimizer = cls(0.25, weight_decay=0.125, **changed)
    twin = cls.from_config(optimizer.get_config())
    assert twin.get_config() == optimizer.get_config() and twin.spec == optimizer.spec
    around = {name: value for name, value in changed.items() if name not in ("use_ema", "name")}
    assert {**around, "weight_decay": 0.125, "learning_rate": 0.25}.items() <= optimizer.spec.items()
    Network(2, [], optimizer=optimizer.spec)


def test_what_the_engine_is_told():
    assert SGD(0.5).spec == {"name": "sgd", "learning_rate": 0.5}
    assert SGD(0.5, nesterov=True).spec == {"name": "sgd", "learning_rate": 0.5}
    assert SGD(0.5, 0.9).spec == {"name": "momentum", "learning_rate": 0.5, "momentum": 0.9}
    assert SGD(0.5, 0.9, True).spec == {"name": "nesterov", "learning_rate": 0.5, "momentum": 0.9}
    scalars = {"learning_rate": 0.001, "rho": 0.9, "epsilon": 1e-7}
    assert RMSprop().spec == {"name": "rmsprop", **scalars}
    assert RMSprop(momentum=0.5).spec == {"name": "rmsprop_momentum", "momentum": 0.5, **scalars}
    assert RMSprop(centered=True).spec == {"name": "rmsprop_centered", "momentum": 0.0, **scalars}
    assert Adam(amsgrad=True).spec == {"name": "amsgrad", "learning_rate": 0.001, **BETAS}
    assert AdamW().spec == {"name": "adam", "learning_rate": 0.001, **BETAS, "weight_decay": 0.004}
    for cls in (Adagrad, Adadelta, Adamax, Nadam, Lion):
        assert cls().spec == {"name": cls.__name__.lower(), **DEFAULTS[cls]}
    told = {"learning_rate_power": -0.5, "initial_accumulator_value": 0.1, "l1": 0.2, "l2": 0.3, "l2_shrinkage": 0.4}
    assert Ftrl(0.5, -0.5, 0.1, 0.2, 0.3, 0.4, 0.6).spec == {"name": "ftrl", "learning_rate": 0.5, **told, "beta": 0.6}
    assert SGD(clipnorm=0.0, weight_decay=0.0, ema_momentum=0.5).spec == SGD().spec
    for name in ("clipnorm", "clipvalue", "global_clipnorm"):
        assert SGD(**{name: 0.5}).spec == {**SGD().spec, name: 0.5}
    assert SGD(use_ema=True, ema_momentum=0.0).spec == {**SGD().spec, "ema_momentum": 0.0}


def test_a_repr_shows_what_is_not_usual():
    assert repr(Lion(weight_decay=0.5)) == "Lion(learning_rate=0.001, beta_1=0.9, beta_2=0.99, weight_decay=0.5)"
    shown = "SGD(learning_rate=0.01, momentum=0.0, nesterov=False, use_ema=True, name='mine')"
    assert repr(SGD(use_ema=True, name="mine")) == shown


def test_a_subclass_keeps_its_rule():
    class MyAdam(Adam):
        pass

    assert get(MyAdam).spec["name"] == "adam"


def test_the_learning_rate_can_be_set_and_is_checked():
    optimizer = get("adam")
    optimizer.learning_rate = np.float32(0.5)
    assert optimizer.spec["learning_rate"] == 0.5
    for value, error in [(-1.0, ValueError), (float("nan"), ValueError), ("fast", TypeError)]:
        with pytest.raises(error, match="learning_rate: got"):
            optimizer.learning_rate = value
    assert optimizer.learning_rate == 0.5


@pytest.mark.parametrize(
    ("cls", "arguments"),
    [
        (SGD, {"momentum": 1.1}),
        (RMSprop, {"rho": -0.1}),
        (RMSprop, {"epsilon": -1e-7}),
        (RMSprop, {"momentum": -1}),
        (Adagrad, {"initial_accumulator_value": -1}),
        (Adadelta, {"rho": 2}),
        (Adam, {"beta_1": 1.0}),
        (Adam, {"beta_2": 2}),
        (Nadam, {"beta_1": 1.0}),
        (Lion, {"beta_1": 0.0}),
        (Ftrl, {"learning_rate": 0.0}),
        (Ftrl, {"learning_rate_power": 0.5}),
        (Ftrl, {"l1_regularization_strength": -1}),
        (Ftrl, {"l2_shrinkage_regularization_strength": -1}),
        (SGD, {"weight_decay": -1}),
        (SGD, {"clipvalue": float("nan")}),
        (SGD, {"ema_momentum": 1.5}),
        (SGD, {"ema_overwrite_frequency": 0}),
        (SGD, {"name": ""}),
        (SGD, {"loss_scale_factor": 2.0}),
        (SGD, {"gradient_accumulation_steps": 1}),
        (SGD, {"gradient_accumulation_steps": 2, "use_ema": True}),
    ],
)
def test_settings_out_of_range(cls, arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))}: got"):
        cls(**arguments)


@pytest.mark.parametrize(
    ("cls", "arguments"),
    [
        (AdamW, {"weight_decay": None}),
        (SGD, {"use_ema": 1}),
        (SGD, {"ema_overwrite_frequency": 1.5}),
        (SGD, {"clipnorm": "1"}),
        (Adam, {"momentum": 0.5}),
    ],
)
def test_settings_of_another_kind(cls, arguments):
    with pytest.raises(TypeError, match=f"{next(iter(arguments))}: got"):
        cls(**arguments)


def test_gradients_are_clipped_in_one_way():
    with pytest.raises(ValueError, match="clipvalue: got a number beside clipnorm, needs at most one"):
        SGD(clipnorm=1.0, clipvalue=1.0)
    with pytest.raises(ValueError, match="global_clipnorm: got a number beside clipvalue"):
        Adam(clipvalue=0.0, global_clipnorm=1.0)


def test_a_positional_argument_that_keras_reads_differently_is_refused():
    with pytest.raises(TypeError):
        SGD(0.01, 0.9, True, 0.004)  # Keras' fourth is weight_decay


# -------------------------------------------------------------------------------------------------- average of weights


X = np.random.default_rng(0).normal(size=(20, 3))
Y = np.random.default_rng(1).normal(size=(20, 1))


def make(optimizer):
    model = Sequential([Input((3,)), Dense(1)], dtype="float64", seed=5)
    model.compile(optimizer, "mean_squared_error")
    return model


def test_fit_ends_with_the_average_of_the_weights_and_goes_on_from_there():
    plain, averaged = make(SGD(0.1)), make(SGD(0.1, use_ema=True, ema_momentum=0.5))
    for _ in range(2):
        plain.set_weights(averaged.get_weights())
        average = None if plain.network.step == 0 else averaged.get_weights()
        averaged.fit(X, Y, batch_size=10, epochs=3, shuffle=False, verbose=0)
        for step in range(6):
            rows = slice(step % 2 * 10, step % 2 * 10 + 10)
            plain.train_on_batch(X[rows], Y[rows])
            weights = plain.get_weights()
            average = weights if average is None else [0.5 * a + 0.5 * w for a, w in zip(average, weights, strict=True)]
        for ours, expected in zip(averaged.get_weights(), average, strict=True):
            assert ours.tolist() == expected.tolist()


def test_an_average_of_a_model_that_was_not_trained_is_none():
    model = make(SGD(0.1, use_ema=True))
    before = model.get_weights()
    model.use_average()
    assert before[0].any() and np.array_equal(model.get_weights()[0], before[0])


def test_the_engine_refuses_what_it_does_not_know():
    with pytest.raises(ValueError, match="optimizer: got 'clipvalu', needs only beta, beta_1"):
        Network(3, [], optimizer={"name": "sgd", "learning_rate": 0.1, "clipvalu": 1.0})


# ------------------------------------------------------------------ weights without decay, gradients of several steps


def small_model(optimizer, seed=1):
    model = Sequential([Input((3,)), Dense(4, "tanh"), Dense(2)], seed=seed, dtype="float64")
    model.compile(optimizer, "mse")
    return model


def test_weights_are_excluded_from_decay_by_name_and_by_variable():
    x, y = np.zeros((4, 3)), np.zeros((4, 2))
    optimizer = optimizers.SGD(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model = small_model(optimizer)
    model.set_weights([np.ones_like(w) for w in model.get_weights()])
    gradients = [np.zeros_like(w) for w in model.get_weights()]
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    assert [w.flat[0] for w in model.get_weights()] == [0.95, 1.0, 0.95, 1.0]
    with pytest.raises(ValueError, match="exclude_from_weight_decay: got an optimizer that has begun"):
        optimizer.exclude_from_weight_decay(var_names=["kernel"])
    copied = pickle.loads(pickle.dumps(model))
    again = type(optimizer).from_config(optimizer.get_config())
    for other in (copied.optimizer, again):
        assert other.spec_for(model.trainable_variables) == optimizer.spec_for(model.trainable_variables)
    model.fit(x, y, verbose=0)
    copied.fit(x, y, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), copied.get_weights(), strict=True))


def test_arrays_are_excluded_from_decay():
    a, b = np.ones(3), np.ones(3)
    optimizer = optimizers.SGD(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay([b])
    optimizer.apply_gradients([(np.zeros(3), a), (np.zeros(3), b)])
    assert a.tolist() == [0.95] * 3 and b.tolist() == [1.0] * 3


def test_gradients_of_several_steps_are_those_of_one_larger_batch(tmp_path):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(24, 3)), rng.normal(size=(24, 2))
    together = small_model(optimizers.Adam(0.01))
    apart = small_model(optimizers.Adam(0.01, gradient_accumulation_steps=3))
    together.fit(x, y, batch_size=12, shuffle=False, epochs=4, verbose=0)
    apart.fit(x, y, batch_size=4, shuffle=False, epochs=4, verbose=0)
    for a, b in zip(together.get_weights(), apart.get_weights(), strict=True):
        assert a == pytest.approx(b, rel=1e-12)
    assert (apart.optimizer.iterations, apart.optimizer.steps_done) == (8, 24)
    before = apart.get_weights()
    apart.train_on_batch(x[:4], y[:4])
    assert all(np.array_equal(a, b) for a, b in zip(before, apart.get_weights(), strict=True))
    apart.save(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    for model in (apart, loaded):  # in the middle of three steps
        model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(apart.get_weights(), loaded.get_weights(), strict=True))


def test_variables_are_steps_rate_and_what_is_remembered():
    model = small_model(optimizers.Adam(0.25))
    model.train_on_batch(np.ones((4, 3)), np.ones((4, 2)))
    steps, rate, *state = model.optimizer.variables
    assert steps == 1 and rate == 0.25 and [one.shape for one in state] == 2 * [w.shape for w in model.get_weights()]
    assert all(one.any() for one in state)
    assert [one.tolist() for one in optimizers.SGD(0.5).variables] == [0, 0.5]
