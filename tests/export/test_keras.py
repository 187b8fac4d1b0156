"""Keras itself loads the files that are written here: run where it is installed, on JAX.

`python -m pytest tests/export/test_keras.py` with Keras' Python; other tests read what Keras has written.
"""

import inspect
import os

import numpy as np
import pytest

import fastmlp
from fastmlp import activations, constraints, initializers, layers, losses, metrics, optimizers, regularizers
from fastmlp.export.keras import from_weights, to_weights
from tests.golden import keras_files as golden

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="needs Keras")
pytest.importorskip("h5py", reason="needs h5py")

ENDINGS = [".keras", ".h5"]


def near(found, expected, tolerance=1e-5):
    found, expected = (one if isinstance(one, (dict, list)) else [one] for one in (found, expected))
    assert len(found) == len(expected)
    for key in found if isinstance(found, dict) else range(len(found)):
        np.testing.assert_allclose(found[key], expected[key], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", golden.CASES)
def test_keras_predicts_as_the_model_that_was_saved(tmp_path, name, ending):
    model, x, y = golden.CASES[name](fastmlp)
    model.fit(x, y, **golden.FIT)
    model.save(tmp_path / f"model{ending}")
    theirs = keras.models.load_model(tmp_path / f"model{ending}")
    near(theirs.predict(x, verbose=0), model.predict(x, verbose=0))
    near(theirs.evaluate(x, y, batch_size=12, verbose=0), model.evaluate(x, y, batch_size=12, verbose=0), 1e-4)
    theirs.save(tmp_path / f"again{ending}")  # and back
    if (name, ending) != ("graph", ".keras"):  # Keras writes weights that it does not read: see the next test
        near(fastmlp.load_model(tmp_path / f"again{ending}").predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize("case", [*golden.CASES.values(), golden.subclass], ids=lambda case: case.__name__)
def test_weights_go_there_and_back(tmp_path, case):
    model, x, y = case(fastmlp)
    model.fit(x, y, **golden.FIT)
    model.save_weights(tmp_path / "ours.weights.h5")
    theirs, *_ = case(keras)
    theirs.predict(x, verbose=0)
    theirs.load_weights(tmp_path / "ours.weights.h5")
    near(theirs.predict(x, verbose=0), model.predict(x, verbose=0))
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    again, *_ = case(fastmlp)
    again.predict(x, verbose=0)
    again.load_weights(tmp_path / "theirs.weights.h5")
    assert all(np.array_equal(a, b) for a, b in zip(again.get_weights(), model.get_weights(), strict=True))


@pytest.mark.parametrize("case", golden.CASES.values(), ids=lambda case: case.__name__)
def test_weights_go_by_their_paths(case):
    model, x, y = case(fastmlp)
    model.fit(x, y, **golden.FIT)
    theirs, *_ = case(keras)
    paths = [one.path for one in theirs.weights]
    for one, array in zip(theirs.weights, to_weights(model, paths).values(), strict=True):
        one.assign(array)
    near(theirs.predict(x, verbose=0), model.predict(x, verbose=0))
    again, *_ = case(fastmlp)
    from_weights(again, {one.path: one for one in theirs.variables})
    assert all(np.array_equal(a, b) for a, b in zip(again.get_weights(), model.get_weights(), strict=True))


@pytest.mark.parametrize("name", golden.OPTIMIZERS)
def test_keras_trains_on_with_the_state_of_an_optimizer(tmp_path, name):
    model, x, y = golden.small(fastmlp, name)
    model.fit(x, y, **golden.FIT)
    model.save(tmp_path / "model.keras")
    theirs = keras.models.load_model(tmp_path / "model.keras")
    assert int(theirs.optimizer.iterations) == model.optimizer.iterations > 0
    theirs.fit(x, y, **golden.FIT)
    model.fit(x, y, **golden.FIT)
    near(theirs.predict(x, verbose=0), model.predict(x, verbose=0))


def test_keras_reads_a_description(tmp_path):
    model, *_ = golden.row(fastmlp)
    theirs = keras.models.model_from_json(model.to_json())
    assert [one.name for one in theirs.layers] == [one.name for one in model.layers]
    again = fastmlp.models.model_from_json(theirs.to_json())
    assert again.to_json() == model.to_json()


def arguments(cls):
    """Arguments for a class: those that have no default."""
    needed = {"units": 2, "rate": 0.1, "stddev": 0.1, "scale": 2.0, "target_shape": (2, 1), "activation": "relu"}
    needed |= {"input_dim": 3, "output_dim": 2, "recall": 0.5, "precision": 0.5, "specificity": 0.5, "sensitivity": 0.5}
    needed |= {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5, "first_decay_steps": 4}
    needed |= {"boundaries": [2], "values": [0.1, 0.2], "max_value": 2.0}
    empty = inspect.Parameter.empty
    parameters = inspect.signature(cls).parameters.values()
    return {one.name: needed[one.name] for one in parameters if one.default is empty and one.name in needed}


EVERY_LAYER = [cls for name, cls in layers.LAYERS.items() if name != "InputLayer"]
SLOPES = {"LeakyReLU": {"negative_slope": 0.2}}


@pytest.mark.parametrize("cls", EVERY_LAYER, ids=lambda cls: cls.__name__)
def test_every_layer_loads_in_keras(tmp_path, cls):
    symbol = fastmlp.Input((2,))
    layer = cls(**{**arguments(cls), **SLOPES.get(cls.__name__, {})})
    if cls is layers.Normalization:
        layer.adapt(np.eye(2))
    end = layer([symbol, symbol]) if layer.many_inputs else layer(symbol)
    model = fastmlp.Model(symbol, end)
    x = np.array([[0.0, 1.0], [2.0, 1.0]])
    model.save(tmp_path / "model.keras")
    theirs = keras.models.load_model(tmp_path / "model.keras")
    near(theirs.predict(x, verbose=0), model.predict(x, verbose=0))
    theirs.save(tmp_path / "theirs.keras")
    near(fastmlp.load_model(tmp_path / "theirs.keras").predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("axis", [-1, None, 1, (1, 2)])
def test_normalizations_along_any_axes(tmp_path, axis, invert):
    x = np.random.default_rng(1).normal(size=(5, 2, 3)).astype("float32")
    layer = layers.Normalization(axis, invert=invert)
    layer.adapt(x)
    model = fastmlp.Sequential([fastmlp.Input((2, 3)), layer])
    for ending in ENDINGS if axis in (1, -1) else [".keras"]:  # Keras does not read its own .h5 files of other axes
        model.save(tmp_path / f"model{ending}")
        theirs = keras.models.load_model(tmp_path / f"model{ending}")
        near(theirs.predict(x, verbose=0), model.predict(x, verbose=0))
        theirs.save(tmp_path / f"theirs{ending}")
        again = fastmlp.load_model(tmp_path / f"theirs{ending}")
        near(again.predict(x, verbose=0), model.predict(x, verbose=0), 1e-6)


def compiled(**how):
    model = fastmlp.Sequential([fastmlp.Input((2,)), layers.Dense(2, "softmax")])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **how})
    return model


def goes_there_and_back(tmp_path, model, what):
    model.save(tmp_path / "model.keras")
    theirs = keras.models.load_model(tmp_path / "model.keras")
    theirs.save(tmp_path / "theirs.keras")
    again = fastmlp.load_model(tmp_path / "theirs.keras")
    assert what(again).get_config() == what(model).get_config()


WITH_SETTINGS = [layers.LeakyReLU(0.125), layers.ReLU(2.0, 0.5, 0.25), layers.ELU(0.5)]


@pytest.mark.parametrize("activation", [*activations.ACTIVATIONS, *WITH_SETTINGS], ids=str)
def test_every_activation_goes_there_and_back(tmp_path, activation):
    stack = [fastmlp.Input((2,)), layers.Dense(3, activation), layers.Activation(activation)]
    model = fastmlp.Sequential(stack, seed=1)
    x = np.array([[-3.0, 1.0], [2.0, 0.125]])
    model.save(tmp_path / "model.keras")
    theirs = keras.models.load_model(tmp_path / "model.keras")
    if activation != "sparsemax":  # Keras' rows may sum to less than 1
        near(theirs.predict(x, verbose=0), model.predict(x, verbose=0))
    theirs.save(tmp_path / "theirs.keras")
    near(fastmlp.load_model(tmp_path / "theirs.keras").predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize("ending", ENDINGS)
def test_shared_slopes_go_there_and_back(tmp_path, ending):
    model = fastmlp.Sequential([fastmlp.Input((2, 3)), layers.PReLU("random_normal", shared_axes=[1])], seed=1)
    x = np.random.default_rng(2).normal(size=(4, 2, 3))
    model.save(tmp_path / f"model{ending}")
    theirs = keras.models.load_model(tmp_path / f"model{ending}")
    near(theirs.predict(x, verbose=0), model.predict(x, verbose=0))
    theirs.save(tmp_path / f"theirs{ending}")
    near(fastmlp.load_model(tmp_path / f"theirs{ending}").predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize("name", [*constraints.CONSTRAINTS, *regularizers.REGULARIZERS])
def test_every_constraint_and_regularizer_goes_there_and_back(tmp_path, name):
    setting = "kernel_constraint" if name in constraints.CONSTRAINTS else "kernel_regularizer"
    model = fastmlp.Sequential([fastmlp.Input((2,)), layers.Dense(2, **{setting: name})])
    model.save(tmp_path / "model.keras")
    keras.models.load_model(tmp_path / "model.keras").save(tmp_path / "theirs.keras")
    found, given = (getattr(one.layers[0], setting) for one in (fastmlp.load_model(tmp_path / "theirs.keras"), model))
    assert type(found) is type(given) and found.get_config() == pytest.approx(given.get_config())  # of float32


@pytest.mark.parametrize("cls", set(losses.LOSSES.values()) - {losses.Quantile}, ids=lambda cls: cls.__name__)
def test_every_loss_goes_there_and_back(tmp_path, cls):
    model = compiled(loss=cls())
    model.save(tmp_path / "model.keras")
    theirs = keras.models.load_model(tmp_path / "model.keras")
    assert type(theirs.loss).__name__ == cls.__name__
    theirs.save(tmp_path / "theirs.keras")
    assert type(fastmlp.load_model(tmp_path / "theirs.keras").loss) is cls


@pytest.mark.parametrize("cls", set(metrics.NAMES.values()) - {metrics.AnyAccuracy}, ids=lambda cls: cls.__name__)
def test_every_metric_goes_there_and_back(tmp_path, cls):
    settings = arguments(cls)
    loss = "sparse_categorical_crossentropy" if "Sparse" in cls.__name__ else "mse"
    try:
        model = compiled(loss=loss, metrics=[cls(**settings)])
    except ValueError as error:
        pytest.skip(str(error))
    goes_there_and_back(tmp_path, model, lambda model: model.metrics[0])


@pytest.mark.parametrize("cls", optimizers.OPTIMIZERS.values(), ids=lambda cls: cls.__name__)
def test_every_optimizer_goes_there_and_back(tmp_path, cls):
    optimizer = cls(learning_rate=0.125, clipnorm=0.5, use_ema=True, ema_overwrite_frequency=3)
    goes_there_and_back(tmp_path, compiled(optimizer=optimizer), lambda model: model.optimizer)


SCHEDULES = [cls for name, cls in optimizers.schedules.SCHEDULES.items() if name != "OneCycle"]


@pytest.mark.parametrize("cls", SCHEDULES, ids=lambda cls: cls.__name__)
def test_every_schedule_goes_there_and_back(tmp_path, cls):
    optimizer = optimizers.SGD(cls(**arguments(cls)))
    goes_there_and_back(tmp_path, compiled(optimizer=optimizer), lambda model: model.optimizer._rate)


@pytest.mark.parametrize("name", initializers.INITIALIZERS)
def test_every_initializer_goes_there_and_back(tmp_path, name):
    model = fastmlp.Sequential([fastmlp.Input((2,)), layers.Dense(2, kernel_initializer=name)])
    goes_there_and_back(tmp_path, model, lambda model: model.layers[0].kernel_initializer)


def test_a_custom_function_goes_by_its_name(tmp_path):
    def closeness(y_true, y_pred):
        return -abs(y_true - y_pred)

    compiled(metrics=[closeness]).save(tmp_path / "model.keras")
    theirs = keras.models.load_model(tmp_path / "model.keras", custom_objects={"closeness": closeness})
    theirs.save(tmp_path / "theirs.keras")
    again = fastmlp.load_model(tmp_path / "theirs.keras", custom_objects={"closeness": closeness})
    assert again.metrics[0].fn is closeness


def test_layers_of_other_packages_are_refused(tmp_path):
    @keras.saving.register_keras_serializable("mine")
    class Dense(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    keras.Sequential([keras.Input((2,)), Dense()]).save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"model.keras'.*class_name: got 'mine>Dense' of module"):
        fastmlp.load_model(tmp_path / "model.keras")
    keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: 2 * x)]).save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="layers: got unknown name 'Lambda'"):
        fastmlp.load_model(tmp_path / "model.keras")
