"""Names, arguments and tests of the kernels and their twins go together, found by introspection."""

import inspect
import re

import pytest

import reference
from fastmlp import kernels
from fastmlp.kernels.engine import Network
from fastmlp.kernels.engine.parameters import Parameters
from tests.cases import KERNELS

COMPILED_MODULES = (
    "ops",
    "activations",
    "rectifiers",
    "pieces",
    "curves",
    "losses",
    "crossentropies",
    "similarities",
    "optimizers",
    "masks",
    "dense",
)


def test_every_kernel_has_a_twin_and_every_twin_a_kernel():
    assert sorted(kernels.__all__) == sorted(reference.__all__)


def test_every_compiled_function_is_public():
    compiled = {
        name
        for module in COMPILED_MODULES
        for name, value in vars(getattr(kernels, module)).items()
        if type(value).__name__ in ("fused_cython_function", "cython_function_or_method")
    }
    assert compiled == set(KERNELS)


@pytest.mark.parametrize("name", KERNELS)
def test_arguments_have_the_same_names_in_the_same_order(name):
    twin = list(inspect.signature(getattr(reference, name)).parameters)
    own = list(inspect.signature(getattr(kernels, name)).parameters)
    assert own[: len(twin)] == twin
    assert own[len(twin) :] in (["out", "threads"], ["threads"])


@pytest.mark.parametrize("name", KERNELS)
def test_docstrings(name):
    assert getattr(kernels, name).__doc__
    assert not getattr(kernels, name).__doc__.startswith(name + "(")  # written by Cython, not by us
    assert getattr(reference, name).__doc__


def test_methods_of_the_network_are_those_of_its_twin():
    named = {**vars(Parameters), **vars(Network)}
    own = {name: value for name, value in named.items() if not name.startswith("_") and callable(value)}
    assert {"train_epoch", "evaluate", "predict", "gradients", "get_weights", "set_weights"} <= set(own)
    del own["predict_small"]  # predict without its preparations
    del own["unpacked"]  # weights that train_epochs has kept, which the twin keeps as lists
    for name, method in own.items():
        twin = list(inspect.signature(getattr(reference.Network, name)).parameters)
        parameters = list(inspect.signature(method).parameters)
        assert parameters == twin + ["out"] * (name in ("predict", "gradients")), name
    # a compiled class has no signature, but Cython writes its constructor's as the first line of the docstring
    constructor = re.findall(r"(\w+)(?:=\w+)?[,)]", Network.__doc__.splitlines()[0].replace("='float32'", ""))
    assert set(constructor) == {*inspect.signature(reference.Network).parameters, "dtype", "blocks"}
