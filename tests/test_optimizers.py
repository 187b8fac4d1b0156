"""Optimizers' settings: Keras' defaults and what the engine is told."""

import numpy as np
import pytest

from fastmlp.optimizers import SGD, Adagrad, Adam, RMSprop, get

DEFAULTS = {
    SGD: {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False},
    RMSprop: {"learning_rate": 0.001, "rho": 0.9, "epsilon": 1e-7},
    Adagrad: {"learning_rate": 0.001, "initial_accumulator_value": 0.1, "epsilon": 1e-7},
    Adam: {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
}


@pytest.mark.parametrize("cls", DEFAULTS)
def test_defaults_are_those_of_keras(cls):
    assert cls().get_config() == DEFAULTS[cls]


def test_what_the_engine_is_told():
    assert SGD(0.5).spec == {"name": "sgd", "learning_rate": 0.5}
    assert SGD(0.5, nesterov=True).spec == {"name": "sgd", "learning_rate": 0.5}
    assert SGD(0.5, 0.9).spec == {"name": "momentum", "learning_rate": 0.5, "momentum": 0.9}
    assert SGD(0.5, 0.9, True).spec == {"name": "nesterov", "learning_rate": 0.5, "momentum": 0.9}
    for cls in (RMSprop, Adagrad, Adam):
        assert cls().spec == {"name": cls.__name__.lower(), **DEFAULTS[cls]}


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
        (Adagrad, {"initial_accumulator_value": -1}),
        (Adam, {"beta_1": 1.0}),
        (Adam, {"beta_2": 2}),
    ],
)
def test_settings_out_of_range(cls, arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        cls(**arguments)


def test_a_positional_argument_that_keras_reads_differently_is_refused():
    with pytest.raises(TypeError):
        RMSprop(0.001, 0.9, 0.0)  # Keras' third is momentum
