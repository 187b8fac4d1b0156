"""Looking things up by name, class, instance or config, for every kind of setting."""

import copy

import numpy as np
import pytest

from fastmlp import activations, initializers, layers, losses, metrics, optimizers, regularizers
from fastmlp.settings import integer, real, snake_case

KINDS = [
    (optimizers, "adam", optimizers.Adam, "'sgd', 'rmsprop', 'adagrad', 'adam'"),
    (losses, "categorical_crossentropy", losses.CategoricalCrossentropy, "'mean_squared_error', 'mse'"),
    (metrics, "binary_accuracy", metrics.BinaryAccuracy, "'accuracy', 'acc', 'binary_accuracy'"),
    (initializers, "glorot_uniform", initializers.GlorotUniform, "'zeros', 'ones', 'random_normal'"),
    (regularizers, "l2", regularizers.L2, "'l2'"),
]
ids = [kind[0].__name__.split(".")[1] for kind in KINDS]


@pytest.mark.parametrize(("module", "name", "cls", "known"), KINDS, ids=ids)
def test_name_class_instance_and_config_give_the_same_kind(module, name, cls, known):
    instance = cls()
    assert type(module.get(name)) is cls
    assert type(module.get(cls.__name__)) is cls
    assert type(module.get(cls)) is cls
    assert module.get(instance) is instance
    assert type(module.get({"class_name": cls.__name__, "config": instance.get_config()})) is cls


@pytest.mark.parametrize(("module", "name", "cls", "known"), KINDS, ids=ids)
def test_an_unknown_name_lists_the_known_ones(module, name, cls, known):
    with pytest.raises(ValueError, match="got unknown name 'addam'") as caught:
        module.get("addam")
    assert known in str(caught.value)
    for wrong in (3, object(), ["adam"], {"adam": 1}, int):
        with pytest.raises(TypeError) as caught:
            module.get(wrong)
        assert known in str(caught.value)


@pytest.mark.parametrize("alias", ["mse", "MSE", "mean_squared_error", "MeanSquaredError"])
def test_aliases_of_the_quadratic_loss(alias):
    assert losses.get(alias).engine_name == "mean_squared_error"


@pytest.mark.parametrize("name", ["CategoricalCrossentropy", "SparseCategoricalCrossentropy", "BinaryCrossentropy"])
def test_cross_entropies_from_logits(name):
    loss = losses.get(name)
    assert getattr(losses, name)(from_logits=True).spec["name"] == loss.spec["name"] + "_from_logits"
    assert loss.sparse == name.startswith("Sparse")
    with pytest.raises(TypeError, match="from_logits: got 'yes', needs True or False"):
        getattr(losses, name)("yes")


def test_activations_are_functions_found_by_name():
    assert activations.get(None) is activations.linear
    assert activations.get("ReLU") is activations.relu
    assert activations.get(activations.softmax) is activations.softmax
    with pytest.raises(
        ValueError, match=r"activation: got unknown name 'maxout', needs one of 'linear', 'relu', 'sigmoid'"
    ):
        activations.get("maxout")
    for wrong in (abs, 3, ["relu"]):
        with pytest.raises(TypeError, match="activation"):
            activations.get(wrong)


@pytest.mark.parametrize("x", [None, [1j], "text", [object()]])
def test_activations_take_real_numbers_only(x):
    for activation in (activations.softmax, activations.relu):
        with pytest.raises(TypeError, match=r"x: got .*, needs an array of real numbers"):
            activation(x)
    assert activations.relu([-1, 2]).tolist() == [0.0, 2.0] and activations.relu(np.float16(3)) == 3.0


@pytest.mark.parametrize("cls", [cls for kind in KINDS for cls in [kind[2]]] + [optimizers.SGD, initializers.HeNormal])
def test_config_round_trip(cls):
    assert cls.from_config(cls().get_config()).get_config() == cls().get_config()


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (layers.Dense(3), "units"),
        (layers.Dense(3), "kernel_regularizer"),
        (layers.Dense(3), "name"),
        (layers.Dense(3), "dtype"),
        (layers.Dense(3).kernel_initializer, "seed"),
        (regularizers.L2(), "l2"),
        (optimizers.SGD(), "momentum"),
        (optimizers.Adam(), "rule"),
        (optimizers.Adam(), "spec"),
        (losses.MeanSquaredError(), "sparse"),
        (losses.BinaryCrossentropy(), "from_logits"),
        (metrics.BinaryAccuracy(), "name"),
        (metrics.AUC(), "num_thresholds"),
        (metrics.get(max), "fn"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_settings_stay_what_the_constructor_checked(settings, name):
    before = getattr(settings, name)
    with pytest.raises(AttributeError, match=name):
        setattr(settings, name, 10**9)
    assert getattr(settings, name) == before


def test_a_copy_of_settings_is_equal():
    for settings in (layers.Dense(3, name="out"), optimizers.SGD(0.5)):
        assert copy.deepcopy(settings).get_config() == settings.get_config()


def test_a_repr_shows_the_settings():
    assert repr(optimizers.SGD(0.1)) == "SGD(learning_rate=0.1, momentum=0.0, nesterov=False)"


@pytest.mark.parametrize("value", [True, 2.0, "2", None, [2]])
def test_integer_refuses_other_types(value):
    with pytest.raises(TypeError, match=r"units: got .*, needs an integer of at least 1"):
        integer("units", value, at_least=1)


def test_integer_and_real_name_the_range():
    with pytest.raises(ValueError, match="units: got 0, needs an integer of at least 1"):
        integer("units", 0, at_least=1)
    with pytest.raises(ValueError, match=r"rate: got 1.5, needs a finite number in \[0, 1\]"):
        real("rate", 1.5, low=0.0, high=1.0)
    with pytest.raises(ValueError, match=r"got 1.0, needs a finite number in \[0, 1\)"):
        real("rate", 1.0, low=0.0, high=1.0, open_high=True)
    for value in (float("nan"), float("inf"), 10**400):
        with pytest.raises(ValueError, match="x: got"):
            real("x", value)
    for value in (True, "1", None, 1j):
        with pytest.raises(TypeError, match="x: got"):
            real("x", value)


def test_snake_case():
    assert [snake_case(name) for name in ("Dense", "InputLayer", "L2")] == ["dense", "input_layer", "l2"]
