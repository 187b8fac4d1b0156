"""Names of Keras that are not here: each answers with what to do instead."""

import copy
import importlib
import json
import pickle

import pytest

import fastmlp
from fastmlp import elsewhere, layers
from tests.golden import names as golden

KERAS = json.loads(golden.PATH.read_text())

NAMES = {  # a name for each pattern
    "fastmlp": (
        "ops Function Variable StatelessScope device tree GradientTape KerasTensor InputSpec random "
        "applications preprocessing mixed_precision DTypePolicy dtype_policies quantizers distribution "
        "saving visualization wrappers legacy version"
    ),
    "utils": (
        "load_img image_dataset_from_directory pad_sequences get_file FeatureSpace "
        "model_to_dot register_keras_serializable serialize_keras_object custom_object_scope is_keras_tensor "
        "disable_interactive_logging Config legacy pack_x_y_sample_weight standardize_dtype bounding_boxes"
    ),
    "export": "ExportArchive",
    "backend": "mean set_epsilon is_float_dtype",
    "layers": "dot serialize",
    "callbacks": "ProgbarLogger OrbaxCheckpoint RemoteMonitor",
    "losses": "mse Dice deserialize",
    "metrics": "MeanIoU PearsonCorrelation serialize",
    "optimizers": "Adafactor LossScaleOptimizer",
    "initializers": "STFT",
    "regularizers": "OrthogonalRegularizer",
    "activations": "glu",
    "datasets": "cifar10",
    "config": (
        "set_backend set_epsilon dtype_policy enable_flash_attention enable_interactive_logging set_max_epochs "
        "enable_unsafe_deserialization disable_traceback_filtering"
    ),
}


@pytest.mark.parametrize(("module", "name"), [(module, name) for module in NAMES for name in NAMES[module].split()])
def test_a_name_that_is_not_here_says_what_to_do_instead(module, name):
    where = fastmlp if module == "fastmlp" else importlib.import_module(f"fastmlp.{module}")
    with pytest.raises(AttributeError, match=rf"^module 'fastmlp.*' has no attribute '{name}': ."):
        getattr(where, name)
    assert not hasattr(where, name)


def reason(thing, name):
    """What is said instead of an attribute: "" where it is there, None where nothing helps."""
    try:
        getattr(thing, name)
    except AttributeError as error:
        said, _, advice = str(error).partition(": ")
        assert repr(name) in str(error), said
        return advice or None
    return ""


def unanswered(names_by_module):
    """The public names of modules that are neither here nor answered with what to do instead."""
    missing = []
    for path, names in names_by_module.items():
        inner = path.split(".")[1:]
        for name in names.split():
            thing, first = fastmlp, name
            for first in (*inner, name):  # where its module is not here, that says so
                if (said := reason(thing, first)) != "":
                    break
                thing = getattr(thing, first)
            if said is None:
                missing.append(f"{path}.{name}")
    return missing


def test_every_public_name_of_keras_is_here_or_says_what_to_do_instead():
    assert sum(len(names.split()) for names in KERAS["modules"].values()) > 1400
    assert unanswered(KERAS["modules"]) == []
    assert unanswered({"keras.utils": "Nonsense to_categorical"}) == ["keras.utils.Nonsense"]


def objects():
    """An object of each of the classes whose names are known."""
    symbol = fastmlp.Input((3,))
    dense = layers.Dense(2)
    model = fastmlp.Model(symbol, dense(symbol))
    model.compile("sgd", "mse")
    return {
        "Model": model,
        "Sequential": fastmlp.Sequential([fastmlp.Input((3,)), layers.Dense(2)]),
        "layers.Layer": dense,
        "optimizers.Optimizer": model.optimizer,
        "metrics.Metric": fastmlp.metrics.AUC(),
        "losses.Loss": fastmlp.losses.Huber(),
        "callbacks.Callback": fastmlp.callbacks.Callback(),
        "initializers.Initializer": fastmlp.initializers.Zeros(),
        "regularizers.Regularizer": fastmlp.regularizers.L2(),
        "KerasTensor": symbol,
        "Variable": dense.kernel,
    }


@pytest.mark.parametrize("kind", KERAS["classes"])
def test_every_attribute_of_keras_objects_is_here_or_says_what_to_do_instead(kind):
    thing = objects()[kind]
    assert [name for name in KERAS["classes"][kind].split() if reason(thing, name) is None] == []
    assert reason(thing, "nonsense") is None
    assert not hasattr(thing, "train_step") and not hasattr(thing, "__wrapped__")


def test_no_advice_is_given_for_what_is_here():
    things = objects()
    for kind, table in elsewhere.BY_NAME.items():
        (thing,) = (things[path] for path in things if path.replace("KerasTensor", "Symbol").split(".")[-1] == kind)
        assert {name for name in table if reason(thing, name) != table[name]} <= {"metrics"}  # a model's, not a layer's


def test_a_subclass_says_what_its_bases_say():
    class Mine(fastmlp.Sequential):
        @property
        def broken(self):
            return self.layers[0].nothing

    model = Mine([fastmlp.Input((3,)), layers.Dense(2)])
    with pytest.raises(AttributeError, match="'Mine' object has no attribute 'add_loss': a layer takes activity_reg"):
        model.add_loss(0.0)
    with pytest.raises(AttributeError, match="'Dense' object has no attribute 'nothing'"):
        model.broken  # noqa: B018
    with pytest.raises(AttributeError, match="output: got layer 'dense', which was not called on a symbol"):
        layers.Dense(2).output  # noqa: B018


def test_copies_do_not_ask_for_what_is_missing():
    for thing in (fastmlp.losses.Huber(), layers.Dense(2), fastmlp.metrics.AUC()):
        assert type(copy.deepcopy(thing)) is type(copy.copy(thing)) is type(pickle.loads(pickle.dumps(thing)))


def test_the_dot_product_that_is_advised():
    a, b = fastmlp.Input((3,)), fastmlp.Input((3,))
    ones = layers.Dense(1, use_bias=False, kernel_initializer="ones", trainable=False)
    model = fastmlp.Model([a, b], ones(a * b))
    assert model([[[1, 2, 3]], [[4, 5, 6]]]) == 32


def test_every_pattern_is_tried():
    patterns = {pattern for table in elsewhere.INSTEAD.values() for pattern in table} | set(elsewhere.EVERYWHERE)
    tried = {
        pattern
        for module, names in NAMES.items()
        for name in names.split()
        for table in (elsewhere.EVERYWHERE, elsewhere.INSTEAD[module])
        for pattern in table
        if elsewhere.re.fullmatch(pattern, name)
    }
    assert patterns == tried


def test_other_names_are_plain_errors():
    for module in (fastmlp, fastmlp.utils):
        with pytest.raises(AttributeError, match=r"has no attribute 'nonsense'$"):
            module.nonsense  # noqa: B018
        assert not hasattr(module, "__wrapped__")


@pytest.mark.parametrize("name", ["Layer", "Loss", "Metric", "Optimizer", "Initializer", "Regularizer"])
def test_bases_have_keras_short_names(name):
    assert isinstance(getattr(fastmlp, name), type)
