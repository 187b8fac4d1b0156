"""Numbers too large for any type, ragged lists and single numbers in place of arrays: each is an error by name."""

import inspect

import numpy as np
import pytest

import fastmlp
from fastmlp import (
    Input,
    Sequential,
    callbacks,
    constraints,
    initializers,
    kernels,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    utils,
)
from fastmlp.config import threads
from fastmlp.settings import Settings

HUGE, UNWRITABLE = 10**400, 10**5000  # beyond every float; beyond what Python writes
NUMBERS = [HUGE, -HUGE, UNWRITABLE, [HUGE], (HUGE,), float("nan"), {"a": HUGE}]
ARRAYS = [1.0, HUGE, [HUGE], [[1.0], [1.0, 2.0]], None, "x", [], [HUGE] * 3, object()]
TWO = np.ones((3, 2))
SAMPLES = {"units": 2, "rate": 0.1, "shape": (2,), "function": abs, "filepath": "x", "precision": 0.5, "recall": 0.5}


def refused(call):
    """Call, and let nothing but an error of the caller's, in words, come of it."""
    try:
        call()
    except (ValueError, TypeError) as error:
        assert str(error)


def settings():
    """All classes with arguments that are checked."""
    for module in (layers, optimizers, optimizers.schedules, initializers, regularizers, constraints, losses, metrics):
        for name in dir(module):
            cls = getattr(module, name)
            if isinstance(cls, type) and issubclass(cls, Settings) and not inspect.isabstract(cls):
                yield cls
    yield from (callbacks.EarlyStopping, callbacks.ReduceLROnPlateau, callbacks.TerminateOnNaN)


@pytest.mark.parametrize("cls", sorted({*settings()}, key=lambda cls: cls.__qualname__), ids=lambda cls: cls.__name__)
def test_arguments_that_are_too_large(cls):
    parameters = [one for one in inspect.signature(cls).parameters.values() if one.kind < inspect.Parameter.VAR_KEYWORD]
    needed = {one.name: SAMPLES.get(one.name, 1) for one in parameters if one.default is one.empty}
    for name in [one.name for one in parameters if one.kind is not inspect.Parameter.VAR_POSITIONAL]:
        for bad in NUMBERS:
            refused(lambda name=name, bad=bad: cls(**{**needed, name: bad}))


def made(cls):
    try:
        return cls()
    except TypeError:
        return cls(0.5)


METRICS = [getattr(metrics, name) for name in metrics.__all__ if isinstance(getattr(metrics, name), type)]
METRICS = [cls for cls in METRICS if issubclass(cls, metrics.Metric) and cls is not metrics.Metric]


@pytest.mark.parametrize("cls", METRICS, ids=lambda cls: cls.__name__)
def test_metrics_of_what_is_no_array(cls):
    if cls.__name__ in ("MeanMetricWrapper", "RowMetric"):
        pytest.skip("needs a function, or a method")
    for good in (TWO, TWO[:, 0]):
        for bad in ARRAYS:
            for arguments in ((bad, good), (good, bad), (good, good, bad)):
                refused(lambda arguments=arguments: made(cls).update_state(*arguments))


def test_accuracy_of_a_number_is_refused_by_name():
    model = Sequential([Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["accuracy"])
    for accuracy in [metrics.get("accuracy")]:
        refused(lambda accuracy=accuracy: accuracy.update_state(1.0, TWO))
        with pytest.raises(ValueError, match=r"y_pred: got the number 1\.0, needs an array"):
            accuracy.update_state(TWO, 1.0)


@pytest.mark.parametrize("name", [name for name in kernels.__all__ if hasattr(getattr(kernels, name), "contract")])
def test_kernels_of_what_is_no_array(name):
    kernel, good = getattr(kernels, name), {}
    for argument, what in kernel.contract.items():
        if argument != "out":
            is_array = hasattr(what, "dimensions")
            axes = (2 if what.dimensions == "..." else len(what.names)) if is_array else 0
            good[argument] = np.ones([2] * axes, what.dtype or float) if is_array else 1
    for argument in good:
        for bad in [*ARRAYS, UNWRITABLE, 10**30, [[HUGE] * 2] * 2]:
            refused(lambda argument=argument, bad=bad: kernel(**{**good, argument: bad}))


def test_ragged_lists_are_refused_by_name():
    with pytest.raises(ValueError, match="relu: x: got lists of unequal lengths, needs an array"):
        kernels.relu([[1.0], [1.0, 2.0]])


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "gradients"])
def test_models_of_what_is_no_number(method):
    model = Sequential([Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    parameters = inspect.signature(getattr(model, method)).parameters
    given = {"x": TWO, "y": TWO[:, :1], "verbose": 0}
    given = {name: value for name, value in given.items() if name in parameters}
    for name in parameters:
        for bad in (HUGE, -HUGE, UNWRITABLE, [HUGE], [[1.0], [1.0, 2.0]], float("nan")):
            if name != "verbose":
                refused(lambda name=name, bad=bad: getattr(model, method)(**{**given, name: bad}))


@pytest.mark.parametrize("bad", [10**13, HUGE, UNWRITABLE, 2**63 - 1, 1e300], ids="abcde")
def test_one_hot_rows_that_do_not_fit_into_memory(bad):
    for call in (lambda: utils.to_categorical([bad]), lambda: utils.to_categorical([1], bad)):
        with pytest.raises((ValueError, TypeError), match=r"x: got|num_classes: got"):
            call()


def test_a_compile_with_a_generator():
    model = Sequential([Input((2,)), layers.Dense(1)])
    for arguments in ({"optimizer": (i for i in "a")}, {"loss": (i for i in "a")}, {"metrics": (i for i in ["mae"])}):
        refused(lambda arguments=arguments: model.compile(**{"optimizer": "sgd", "loss": "mse", **arguments}))


def test_numbers_of_threads_of_thousands_of_digits():
    assert threads.threads_in_environment({"OMP_NUM_THREADS": "9" * 5000}) == 256
    assert threads.threads_in_environment({"OMP_NUM_THREADS": "0"}) is None
    with pytest.raises(ValueError, match=r"FASTMLP_NUM_THREADS: got '999.*needs an integer from 1 to 256"):
        threads.threads_in_environment({"FASTMLP_NUM_THREADS": "9" * 5000})
    refused(lambda: fastmlp.set_num_threads(UNWRITABLE))


@pytest.mark.parametrize(
    "call",
    [
        lambda network: setattr(network, "step", HUGE),
        lambda network: setattr(network, "step", -1),
        lambda network: setattr(network, "threads", UNWRITABLE),
        lambda network: network.set_learning_rate(HUGE),
        lambda network: kernels.Network(UNWRITABLE, []),
        lambda network: kernels.Network(2**62, []),
        lambda network: kernels.Network(3, [{"kind": "dense", "units": 2**62}]),
        lambda network: kernels.Network(3, [{"kind": "dense"}]),
        lambda network: kernels.Network(3, [{}]),
        lambda network: kernels.Network(3, [{"kind": "nothing"}]),
        lambda network: kernels.Network(3, [{"kind": "dropout", "rate": HUGE, "seed": 1}]),
        lambda network: kernels.Network(3, [], "nothing"),
        lambda network: kernels.Network(3, [], "mean_squared_error", {"name": "nothing"}),
        lambda network: kernels.Network(3, [], "mean_squared_error", {"name": "sgd", "learning_rate": HUGE}),
    ],
)
def test_networks_of_the_engine_refuse_it_too(call):
    network = kernels.Network(3, [])
    with pytest.raises((ValueError, TypeError), match=r"^\w+: got"):
        call(network)
