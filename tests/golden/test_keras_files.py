"""Files that Keras wrote load here, Keras installed or not: the same predictions, and training goes on as there."""

import json

import numpy as np
import pytest

import fastmlp
from fastmlp.models import load_model
from tests.golden import keras_files as golden

pytest.importorskip("h5py", reason="needs h5py")

KERAS = json.loads(golden.PATH.read_text())["cases"]
FILES = [
    (name, dtype, ending)
    for name, by_type in golden.FILES.items()
    for dtype, endings in by_type.items()
    for ending in endings
]
NEAR = {"float32": 1e-6, "float64": 1e-12}


def compare(found, expected, near):
    """The same containers, and nearly the same numbers."""
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for name in expected:
            compare(found[name], expected[name], near)
    elif isinstance(expected, list) and isinstance(expected[0], list) and isinstance(expected[0][0], list):
        for one, other in zip(found, expected, strict=True):
            compare(one, other, near)
    else:
        np.testing.assert_allclose(found, expected, rtol=near, atol=near)


@pytest.mark.parametrize(("name", "dtype", "ending"), FILES)
def test_predictions_are_those_of_keras(name, dtype, ending):
    path = golden.FOLDER / f"{name}_{dtype}{ending}"
    model, x, _ = golden.CASES[name](fastmlp)
    if ending == ".weights.h5":
        model.load_weights(path)
    else:
        model = load_model(path)
    assert model.dtype == dtype
    compare(golden.plain(model.predict(x, verbose=0)), KERAS[f"{name}_{dtype}"]["before"], NEAR[dtype])


@pytest.mark.parametrize(("name", "dtype", "ending"), FILES)
def test_training_goes_on_as_in_keras(name, dtype, ending):
    if ending == ".weights.h5":
        pytest.skip("it has weights alone")
    if (name, ending) == ("graph", ".h5"):
        pytest.skip("there, a layer of two models is two layers")
    _, x, y = golden.CASES[name](fastmlp)
    model = load_model(golden.FOLDER / f"{name}_{dtype}{ending}")
    model.fit(x, y, **golden.FIT)
    near = {"float32": 1e-4, "float64": 1e-8}[dtype]
    compare(golden.plain(model.predict(x, verbose=0)), KERAS[f"{name}_{dtype}"]["after"], near)


@pytest.mark.parametrize("name", golden.STATES)
def test_an_optimizer_goes_on_with_its_state(name):
    model = load_model(golden.FOLDER / f"{name}.keras")
    _, x, y = golden.small(fastmlp, name)
    compare(golden.plain(model.predict(x, verbose=0)), KERAS[name]["before"], 1e-6)
    model.fit(x, y, **golden.FIT)
    compare(golden.plain(model.predict(x, verbose=0)), KERAS[name]["after"], 1e-5)
    again, *_ = golden.small(fastmlp, name)
    again.set_weights(load_model(golden.FOLDER / f"{name}.keras").get_weights())
    again.fit(x, y, **golden.FIT)  # without the state it is another one
    assert np.abs(again.predict(x, verbose=0) - KERAS[name]["after"]).max() > 1e-4


def test_weights_of_a_subclass_go_by_its_attributes():
    model, x, _ = golden.subclass(fastmlp)
    model.build((4,))
    model.load_weights(golden.FOLDER / "subclass.weights.h5")
    compare(golden.plain(model.predict(x, verbose=0)), KERAS["subclass"]["before"], 1e-6)


def test_what_a_model_was_compiled_with_comes_along():
    model = load_model(golden.FOLDER / "graph_float32.keras")
    assert model.loss_weights == {"price": 0.5, "kind": 2.0} and model.loss["price"].delta == 1.0
    assert [metric.name for metric in model.metrics] == ["accuracy", "mae"]
    assert type(model.optimizer).__name__ == "RMSprop" and model.optimizer.iterations == 4
    model = load_model(golden.FOLDER / "graph_float32.keras", compile=False)
    assert model.optimizer is None
    row = load_model(golden.FOLDER / "row_float32.keras")
    assert not row.get_layer("frozen").trainable and row.get_layer("dense").kernel_constraint.max_value == 3.0
    assert row.optimizer._rate.decay_rate == 0.9 and row.get_layer(index=2).mean is not None


def test_shared_layers_stay_shared():
    model = load_model(golden.FOLDER / "graph_float32.keras")
    shared = model.get_layer("shared")
    assert shared is model.get_layer("encoder").get_layer("shared")
    assert len(model.weights) == len(golden.graph(fastmlp)[0].weights)
