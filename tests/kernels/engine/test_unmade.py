"""Objects of compiled classes that were not made, or only in part, refuse what is asked of them."""

import copy
import enum
import importlib
import inspect
import pickle
import pkgutil

import numpy as np
import pytest

import fastmlp.kernels
from fastmlp.kernels.engine import Network
from fastmlp.kernels.engine.blocks import Block, blend
from fastmlp.kernels.engine.parameters import Parameters
from fastmlp.kernels.engine.turns import Training, Turns
from tests.networks import OPTIMIZERS, WHOLE_RUN_LOSS, dense

PREFIX = "fastmlp.kernels."


def compiled_classes():
    """All classes of the compiled modules."""
    modules = [importlib.import_module(one.name) for one in pkgutil.walk_packages(fastmlp.kernels.__path__, PREFIX)]
    return {
        value
        for module in modules
        if module.__file__.endswith((".so", ".pyd"))
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__ and not issubclass(value, enum.Enum)
    }


CLASSES = sorted(compiled_classes(), key=lambda cls: cls.__name__)
GOOD = {Network: (3, [dense(2)]), Parameters: ([(2, 3)], OPTIMIZERS[0]), Block: ((2, 3),)}
GOOD |= {Turns: (), Training: ("fit", [])}
OWNERS = [cls for cls in CLASSES if issubclass(cls, Parameters)]  # of weights: a network, and what it is built on
GOOD |= {cls: GOOD[Parameters] for cls in OWNERS if cls is not Network}
READABLE = {"dtype", "loss", "input_columns", "output_columns", "several_inputs", "several_outputs", "takes_sparse"}
READABLE |= {"multiply_adds", "turns"}  # which are plain values, at first those of nothing


def test_the_classes_are_those_that_are_attacked_here():
    assert set(CLASSES) == set(GOOD)


def attempts(made):
    """What can be asked of an object: each property, and each method with arguments of any kind."""
    for name in dir(type(made)):
        if name.startswith("__") or name in READABLE:
            continue
        attribute = inspect.getattr_static(type(made), name)
        if inspect.isgetsetdescriptor(attribute) or isinstance(attribute, property):
            yield name, lambda name=name: getattr(made, name)
        elif callable(attribute):
            count = len(inspect.signature(attribute).parameters) - 1
            yield name, lambda name=name, count=count: getattr(made, name)(*[np.ones((1, 3), np.float32)] * count)


def unmade(cls):
    """Objects that no constructor has ended for."""
    without = type("Without", (cls,), {"__init__": lambda self: None})
    failed = cls.__new__(cls)
    with pytest.raises((TypeError, ValueError)):
        failed.__init__(*GOOD[cls][:1], [dense(0)] if cls is Network else {"name": "sgd", "unknown": 1.0})
    return [cls.__new__(cls), without(), failed]


@pytest.mark.parametrize("cls", OWNERS)
def test_every_method_refuses_an_object_that_is_not_made(cls):
    tried = set()
    for one in unmade(cls):
        for name, attempt in attempts(one):
            with pytest.raises(RuntimeError, match="got an object whose __init__ has not ended"):
                attempt()
            tried.add(name)
        for name in ("step", "threads"):
            if hasattr(cls, name):
                with pytest.raises(RuntimeError, match="got an object whose __init__ has not ended"):
                    setattr(one, name, 1)
    assert {"isa", "get_weights", "apply_gradients", "set_optimizer_state"} <= tried
    assert cls is not Network or {"predict_small", "vjp", "threads", "inputs", "train_epochs"} <= tried


def test_a_block_is_made_as_soon_as_it_is_there():
    with pytest.raises(TypeError):
        Block.__new__(Block)
    block = type("Without", (Block,), {"__init__": lambda self, shape: None})((2, 3))
    assert block.read().tolist() == [[0.0] * 3] * 2


def test_turns_are_made_as_soon_as_they_are_there_and_trainings_take_nothing_else():
    turns = Turns.__new__(Turns)
    with turns, Training("fit", [turns]):
        assert turns.aside(lambda: 3) == 3
    for training in (Training.__new__(Training), Training("fit", [turns, object()])):
        with pytest.raises(TypeError), training:
            pass
    with Training("fit", [turns]):  # which nobody holds
        pass


@pytest.mark.parametrize("cls", OWNERS)
def test_an_object_is_made_once(cls):
    made = cls(*GOOD[cls])
    weights = [np.full(array.shape, 2.0, np.float32) for array in made.get_weights()]
    made.set_weights(weights)
    for _ in range(200):
        with pytest.raises(RuntimeError, match="got a second call of __init__, needs one"):
            made.__init__(*GOOD[cls])
    assert [array.tolist() for array in made.get_weights()] == [array.tolist() for array in weights]
    if cls is Network:
        assert made.predict(np.ones((1, 3), np.float32)).tolist() == [[8.0, 8.0]]


def test_a_constructor_that_failed_is_not_tried_again():
    network = Network.__new__(Network)
    with pytest.raises(ValueError, match="needs at least one input"):
        network.__init__(0, [dense(2)])
    with pytest.raises(RuntimeError, match="got a second call of __init__"):
        network.__init__(3, [dense(2)])
    with pytest.raises(RuntimeError, match="has not ended"):
        network.predict_small(np.ones((1, 3), np.float32), np.ones((1, 2), np.float32))


def test_copies_are_refused_where_memory_is_referred_to_by_address():
    network = Network(3, [dense(2, "softmax")], WHOLE_RUN_LOSS)
    for one in (network, Parameters(*GOOD[Parameters]), Block((2, 3))):
        for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError):
                attempt(one)


@pytest.mark.parametrize("given", [[None], [1], [np.ones(2)], None])
def test_what_is_no_block_is_refused(given):
    with pytest.raises((TypeError, ValueError), match="blocks: got"):
        Network(3, [dense(2)], blocks=given or [None, None])
    with pytest.raises(TypeError, match=r"targets: got \[.*, needs blocks"):
        blend(given or [None], [Block((2, 3))], 0.5)
    with pytest.raises(TypeError, match=r"sources: got \[.*, needs blocks"):
        blend([Block((2, 3))], given or [None], 0.5)
