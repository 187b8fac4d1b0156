"""Names of Keras that are not here: each answers with what to do instead."""

import importlib

import pytest

import fastmlp
from fastmlp import elsewhere

NAMES = {  # a name for each pattern
    "fastmlp": (
        "backend ops Function Variable StatelessScope device tree GradientTape KerasTensor InputSpec random "
        "applications preprocessing mixed_precision DTypePolicy dtype_policies quantizers distribution export "
        "saving visualization wrappers legacy version"
    ),
    "utils": (
        "clear_session load_img image_dataset_from_directory pad_sequences get_file split_dataset Progbar FeatureSpace "
        "model_to_dot register_keras_serializable serialize_keras_object custom_object_scope"
    ),
    "models": "model_from_json",
    "callbacks": "ProgbarLogger",
    "losses": "Dice deserialize",
    "metrics": "MeanIoU",
    "optimizers": "Adafactor",
    "initializers": "STFT",
    "regularizers": "OrthogonalRegularizer",
    "constraints": "NonNeg",
    "activations": "glu",
    "datasets": "cifar10",
    "config": "set_backend set_epsilon dtype_policy",
}


@pytest.mark.parametrize(("module", "name"), [(module, name) for module in NAMES for name in NAMES[module].split()])
def test_a_name_that_is_not_here_says_what_to_do_instead(module, name):
    where = fastmlp if module == "fastmlp" else importlib.import_module(f"fastmlp.{module}")
    with pytest.raises(AttributeError, match=rf"^module 'fastmlp.*' has no attribute '{name}': ."):
        getattr(where, name)
    assert not hasattr(where, name)


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
