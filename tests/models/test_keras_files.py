"""Keras' files, written and read here: the same bits after loading, clear errors, nothing half-written or executed."""

import copy
import io
import json
import os
import random
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest

import fastmlp
from fastmlp.callbacks import ModelCheckpoint
from fastmlp.layers import BatchNormalization, Dense, Dropout, Input, Normalization
from fastmlp.models import Model, Sequential, load_model, model_from_json
from fastmlp.optimizers import OPTIMIZERS, SGD
from fastmlp.optimizers.schedules import OneCycle
from tests.golden import keras_files as golden

h5py = pytest.importorskip("h5py", reason="needs h5py")

X, Y = golden.NUMBERS, golden.PRICE
ENDINGS = [".keras", ".h5", ".hdf5"]


def make(optimizer="adam", **settings):
    layers = [Input((4,)), Dense(3, "tanh"), BatchNormalization(), Dropout(0.2), Dense(1, name="out")]
    model = Sequential(layers, name="tiny", seed=11, **settings)
    model.compile(optimizer, "mse", metrics=["mae"])
    model.fit(X, Y, epochs=2, batch_size=5, verbose=0)
    return model


def same(first, second):
    return all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", golden.CASES)
def test_a_loaded_model_trains_on_with_the_same_bits(tmp_path, name, ending):
    model, x, y = golden.CASES[name](fastmlp)
    model.fit(x, y, **golden.FIT)
    model.save(tmp_path / f"model{ending}")
    twin = load_model(tmp_path / f"model{ending}")
    assert same(twin.get_weights(), model.get_weights()) and twin.optimizer.iterations == 4
    assert twin.fit(x, y, epochs=2, verbose=0).history == model.fit(x, y, epochs=2, verbose=0).history
    assert same(twin.get_weights(), model.get_weights())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cls", OPTIMIZERS.values(), ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("settings", [{"use_ema": True}, {"gradient_accumulation_steps": 4}], ids=str)
def test_every_optimizer_goes_on_with_its_state(tmp_path, cls, dtype, settings):
    model = make(cls(**settings), dtype=dtype)
    model.save(tmp_path / "model.keras")
    twin = load_model(tmp_path / "model.keras")
    assert twin.optimizer.get_config() == model.optimizer.get_config() and twin.seed == model.seed
    assert twin.fit(X, Y, verbose=0).history == model.fit(X, Y, verbose=0).history
    assert same(twin.get_weights(), model.get_weights())


def test_equal_models_give_equal_files(tmp_path):
    model = make()
    for ending in (".keras", ".h5"):
        model.save(tmp_path / f"a{ending}")
        copy.deepcopy(model).save(tmp_path / f"b{ending}")
        assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()


def test_the_archive_is_in_keras_form(tmp_path):
    make().save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert set(archive.namelist()) == {"config.json", "metadata.json", "model.weights.h5"}
        config = json.loads(archive.read("config.json"))
        with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
            names = []
            file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    assert [layer["class_name"] for layer in config["config"]["layers"]][:2] == ["InputLayer", "Dense"]
    assert config["compile_config"]["optimizer"]["module"] == "keras.optimizers"
    assert {"layers/dense/vars/0", "layers/dense_1/vars/1", "layers/batch_normalization/vars/3"} < set(names)
    assert "optimizer/vars/13" in names and "optimizer/vars/14" not in names


def test_a_model_without_optimizer_or_shape(tmp_path):
    model = make()
    model.save(tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras", compile=False).optimizer is None
    model.save(tmp_path / "model.h5", include_optimizer=False)
    assert load_model(tmp_path / "model.h5").optimizer is None
    with pytest.raises(ValueError, match="save: got a model without weights"):
        Sequential([Dense(3)]).save(tmp_path / "none.keras")
    with pytest.raises(
        ValueError, match=r"filepath: got .*model.txt', needs a name ending in '.safetensors' or '.keras'"
    ):
        model.save(tmp_path / "model.txt")
    with pytest.raises(ValueError, match=r"filepath: got .*model.h5', needs .* '.safetensors' or '.weights.h5'"):
        model.save_weights(tmp_path / "model.h5")
    with pytest.raises(ValueError, match="overwrite: got False"):
        model.save(tmp_path / "model.h5", overwrite=False)
    assert sorted(os.listdir(tmp_path)) == ["model.h5", "model.keras"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    model = make()
    for name in ("model.keras", "model.h5"):
        model.save(tmp_path / name)
        before = (tmp_path / name).read_bytes()
        with monkeypatch.context() as broken:
            broken.setattr(os, "replace", lambda *names: (_ for _ in ()).throw(OSError("full")))
            with pytest.raises(OSError, match="full"):
                model.save(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["model.h5", "model.keras"]


def test_a_state_that_cannot_be_told_begins_anew(tmp_path):
    model = make()
    model.layers[0].trainable = False
    for name in ("model.keras", "model.h5"):
        with pytest.warns(UserWarning, match="save: got an optimizer whose state is not written, needs the layers as"):
            model.save(tmp_path / name)
        twin = load_model(tmp_path / name)
        assert twin.optimizer.iterations == 0 and same(twin.get_weights(), model.get_weights())


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_layer_that_stands_in_a_row_twice(tmp_path, ending):
    twice = Dense(4, "tanh")
    model = Sequential([Input((4,)), twice, Dropout(0.1), twice, Dense(1)], seed=1)
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / f"model{ending}")
    twin = load_model(tmp_path / f"model{ending}", safe_mode=False)
    assert same([twin(X)], [model(X)]) and twin.layers[0] is twin.layers[2] and len(twin.weights) == 4
    assert twin.fit(X, Y, verbose=0).history == model.fit(X, Y, verbose=0).history


def test_a_state_before_the_first_step(tmp_path):
    for optimizer in ("adam", "schedulefreeadamw"):
        model = Sequential([Input((4,)), Dense(3), Dense(1)], seed=1)
        model.compile(optimizer, "mse")
        model.save(tmp_path / "model.keras")
        twin = load_model(tmp_path / "model.keras")
        assert twin.fit(X, Y, verbose=0).history == model.fit(X, Y, verbose=0).history
        assert same(twin.get_weights(), model.get_weights())


def test_what_keras_has_not_comes_back_here(tmp_path):
    model = Sequential([Input((4,)), Dense(3, lambda x: fastmlp.activations.celu(x, 0.5)), Dense(1)], seed=1)
    model.compile(SGD(OneCycle(0.1, 20)), fastmlp.losses.Quantile(0.25))
    model.save(tmp_path / "model.keras")
    twin = load_model(tmp_path / "model.keras")
    assert same([twin(X)], [model(X)]) and twin.loss.get_config() == model.loss.get_config()


def test_a_schedule_of_its_own(tmp_path):
    model = make(SGD(OneCycle(0.1, 20)))
    model.save(tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras").optimizer._rate.get_config() == model.optimizer._rate.get_config()


def test_custom_functions_are_names(tmp_path):
    def loss(y_true, y_pred):
        return (y_pred - y_true) ** 2, 2 * (y_pred - y_true) / len(y_pred)

    def metric(y_true, y_pred):
        return abs(y_pred - y_true)

    model = Sequential([Input((4,)), Dense(1, kernel_initializer=lambda shape, dtype: np.ones(shape))])
    model.compile("sgd", loss, metrics=[metric])
    model.save(tmp_path / "model.keras")
    twin = load_model(tmp_path / "model.keras", custom_objects={"loss": loss, "metric": metric})
    assert twin.loss.fn is loss and twin.metrics[0].fn is metric
    with pytest.raises(
        ValueError, match=r"model.keras'.*got 'loss', which is not fastmlp's own, needs custom_objects="
    ):
        load_model(tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras", compile=False).built


def test_json_and_back():
    model, *_ = golden.graph(fastmlp)
    twin = model_from_json(model.to_json())
    assert twin.to_json() == model.to_json() and twin.optimizer is not None
    assert [one.shape for one in twin.weights] == [one.shape for one in model.weights]
    for text in ("", "[]", "{}", "3", '{"class_name": "Dense", "config": {"units": 3}}'):
        with pytest.raises(ValueError, match="json_string: needs what to_json returned"):
            model_from_json(text)
    with pytest.raises(TypeError, match="json_string: got bytes"):
        model_from_json(b"{}")


# Weights alone


@pytest.mark.parametrize("name", ["w.weights.h5", "w.safetensors"])
def test_weights_alone(tmp_path, name):
    model = make()
    model.save_weights(tmp_path / name)
    other = make("sgd")
    other.load_weights(tmp_path / name)
    assert same(other.get_weights(), model.get_weights())
    with pytest.raises(ValueError, match=rf"filepath: got .*{name}', needs"):
        Sequential([Input((4,)), Dense(5)]).load_weights(tmp_path / name)


@pytest.mark.parametrize("name", ["w.weights.h5", "w.safetensors", "w.keras", "w.h5"])
def test_skip_mismatch_passes_over_what_does_not_fit(tmp_path, name):
    model = make()
    (model.save_weights if name in ("w.weights.h5", "w.safetensors") else model.save)(tmp_path / name)
    layers = [Input((4,)), Dense(3, "tanh", name="dense"), BatchNormalization(), Dropout(0.2), Dense(2, name="out")]
    other = Sequential(layers, seed=2)
    before = other.get_weights()
    with pytest.raises(ValueError, match="weights: got"):
        other.load_weights(tmp_path / name)
    assert same(other.get_weights(), before)
    with pytest.warns(UserWarning, match="weights: passed over"):
        other.load_weights(tmp_path / name, skip_mismatch=True)
    assert same(other.get_weights()[:6], model.get_weights()[:6]) and same(other.get_weights()[6:], before[6:])


@pytest.mark.parametrize("name", ["w.safetensors", "w.h5"])
def test_by_name_sets_the_layers_that_are_there(tmp_path, name):
    model = make()
    model.save(tmp_path / name)
    other = Sequential([Input((4,)), Dense(6, name="another"), Dense(3, name="second"), Dense(1, name="out")], seed=3)
    before = other.get_weights()
    other.load_weights(tmp_path / name, by_name=True)
    assert same(other.get_weights()[-2:], model.get_weights()[-2:]) and same(other.get_weights()[:4], before[:4])
    wrong = Sequential([Input((4,)), Dense(2, name="out")], seed=3)
    with pytest.raises(ValueError, match="weights: got"):
        wrong.load_weights(tmp_path / name, by_name=True)
    with pytest.warns(UserWarning, match="weights: passed over"):
        wrong.load_weights(tmp_path / name, by_name=True, skip_mismatch=True)


def test_by_name_needs_names(tmp_path):
    model = make()
    model.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match=r"by_name: got True for .*m.keras', needs an older .h5 file"):
        model.load_weights(tmp_path / "m.keras", by_name=True)


def test_weights_of_a_model_that_has_its_statistics_yet_to_find(tmp_path):
    made = Sequential([Input((4,)), Normalization(), Dense(1)], seed=1)
    made.layers[0].adapt(X)
    for name in ("m.weights.h5", "m.keras", "m.h5"):
        (made.save_weights if name == "m.weights.h5" else made.save)(tmp_path / name)
        other = Sequential([Input((4,)), Normalization(), Dense(1)], seed=2)
        other.load_weights(tmp_path / name)
        assert same([other(X)], [made(X)]) and np.shape(other.layers[0].mean) == (1, 4)


def test_float32_weights_in_a_float64_model(tmp_path):
    make().save_weights(tmp_path / "w.weights.h5")
    other = make(dtype="float64")
    other.load_weights(tmp_path / "w.weights.h5")
    assert all(weight.dtype == np.float64 for weight in other.get_weights())


# Files of Keras 2, after the form that TensorFlow wrote


def of_keras_2(name, **settings):
    """The settings of a Dense as Keras 2 wrote them."""
    glorot, zeros = {"class_name": "GlorotUniform", "config": {"seed": None}}, {"class_name": "Zeros", "config": {}}
    return {
        **{"name": name, "trainable": True, "dtype": "float32", "use_bias": True},
        **{"kernel_initializer": glorot, "bias_initializer": zeros, "kernel_regularizer": None},
        **{"bias_regularizer": None, "activity_regularizer": None, "kernel_constraint": None, "bias_constraint": None},
        **settings,
    }


def dense_of_keras_2(name, *inbound, **settings):
    return {
        **{"class_name": "Dense", "config": of_keras_2(name, **settings), "name": name},
        "inbound_nodes": [[[*one, {}]] for one in inbound],
    }


def keras_2_file(path, layers, output):
    """A graph whose layers "a" and "inner" have weights."""
    first = {"batch_input_shape": [None, 4], "dtype": "float32", "sparse": False, "ragged": False, "name": "input_1"}
    begin = {"class_name": "InputLayer", "config": first, "name": "input_1", "inbound_nodes": []}
    ends = {"input_layers": [["input_1", 0, 0]], "output_layers": [output]}
    config = {"class_name": "Functional", "config": {"name": "model", "layers": [begin, *layers], **ends}}
    mae = {
        "class_name": "MeanMetricWrapper",
        "config": {"name": "mae", "dtype": "float32", "fn": "mean_absolute_error"},
    }
    adam = {"name": "Adam", "weight_decay": None, "clipnorm": None, "jit_compile": True, "is_legacy_optimizer": False}
    adam |= {"learning_rate": 0.25, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-07, "amsgrad": False}
    how = {"loss": "mse", "metrics": [[mae]], "weighted_metrics": None, "loss_weights": None}
    how["optimizer_config"] = {"class_name": "Custom>Adam", "config": adam}
    random, arrays = np.random.default_rng(3), {}
    with h5py.File(path, "w") as file:
        file.attrs["model_config"], file.attrs["training_config"] = json.dumps(config), json.dumps(how)
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = np.array([b"input_1", b"a", b"inner"])
        group.create_group("input_1").attrs["weight_names"] = []
        for name, inner in (("a", "a"), ("inner", "b")):
            of_layer, names = group.create_group(name), [f"{inner}/kernel:0", f"{inner}/bias:0"]
            of_layer.attrs["weight_names"] = np.array([one.encode() for one in names])
            for one, shape in zip(names, [(4, 4), (4,)], strict=True):
                arrays[one] = of_layer[one] = random.normal(size=shape).astype("float32")
    return arrays


@pytest.mark.parametrize("end", ["add", "inner"])
def test_a_graph_of_keras_2(tmp_path, end):
    first = {"batch_input_shape": [None, 4], "dtype": "float32", "sparse": False, "ragged": False, "name": "input_2"}
    layers = [
        {"class_name": "InputLayer", "config": first},
        {"class_name": "Dense", "config": of_keras_2("b", units=4, activation="tanh")},
    ]
    inner = {"class_name": "Sequential", "config": {"name": "inner", "layers": layers}, "name": "inner"}
    inner["inbound_nodes"] = [[["a", 0, 0, {}]], [["inner", 1, 0, {}]]]  # there, a model's own graph is its first call
    both = {"name": "add", "trainable": True, "dtype": "float32"}
    add = {"class_name": "Add", "config": both, "name": "add"}
    add["inbound_nodes"] = [[["inner", 1, 0, {}], ["inner", 2, 0, {}]]]
    a = dense_of_keras_2("a", ["input_1", 0, 0], units=4, activation="relu")
    layers, output = ([a, inner, add], ["add", 0, 0]) if end == "add" else ([a, inner], ["inner", 2, 0])
    arrays = keras_2_file(tmp_path / "m.h5", layers, output)
    model = load_model(tmp_path / "m.h5")
    h = np.maximum(X @ arrays["a/kernel:0"] + arrays["a/bias:0"], 0)
    one = np.tanh(h @ arrays["b/kernel:0"] + arrays["b/bias:0"])
    two = np.tanh(one @ arrays["b/kernel:0"] + arrays["b/bias:0"])
    np.testing.assert_allclose(model(X), one + two if end == "add" else two, atol=1e-6)
    assert model.optimizer.learning_rate == 0.25 and [one.name for one in model.metrics] == ["mae"]


# Callbacks


@pytest.mark.parametrize(
    ("name", "weights_only"),
    [("{epoch:02d}-{loss:.2f}.keras", False), ("{epoch}.h5", False), ("cp-{epoch:04d}.weights.h5", True)],
)
def test_checkpoints_of_such_names(tmp_path, name, weights_only):
    model = make()
    callback = ModelCheckpoint(tmp_path / "cp" / name, save_weights_only=weights_only)
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=[callback]).history
    last = tmp_path / "cp" / name.format(epoch=2, loss=history["loss"][-1])
    assert len(os.listdir(tmp_path / "cp")) == 2
    other = make("sgd")
    if weights_only:
        other.load_weights(last)
    else:
        other = load_model(last)
    assert same([other(X)], [model(X)])
    with pytest.raises(ValueError, match="filepath: got"):
        ModelCheckpoint("m.keras" if weights_only else "m.txt", save_weights_only=weights_only)


# Files that cannot be read


def test_without_h5py_the_error_names_the_extra():
    program = """
import sys
sys.modules["h5py"] = None
import fastmlp
model = fastmlp.Sequential([fastmlp.Input((2,)), fastmlp.layers.Dense(1)])
for call in (model.save, model.save_weights, model.load_weights, fastmlp.load_model):
    try:
        call("m.weights.h5")
    except ImportError as error:
        print(error)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.count("Keras' files need h5py: pip install 'fastmlp[keras]'") == 4


def edited(path, edit):
    """Let `edit` change an archive's parts, which are in a dict by name."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    edit(config, parts)
    parts.setdefault("config.json", b"")
    if parts["config.json"] and "bomb" not in config:
        parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def layers_of(config):
    return config["config"]["layers"]


DAMAGES = {
    "no weights": lambda config, parts: parts.pop("model.weights.h5"),
    "no config": lambda config, parts: parts.pop("config.json"),
    "other weights": lambda config, parts: parts.update({"model.weights.h5": b"nonsense"}),
    "no layers": lambda config, parts: config.pop("config"),
    "Lambda": lambda config, parts: layers_of(config)[1].update(class_name="Lambda"),
    "code": lambda config, parts: layers_of(config)[1]["config"].update(
        activation={"class_name": "__lambda__", "config": {"value": "e30="}}
    ),
    "module": lambda config, parts: layers_of(config)[1].update(module="os", class_name="system"),
    "registered": lambda config, parts: layers_of(config)[1].update(registered_name="mine>Dense"),
    "setting": lambda config, parts: layers_of(config)[1]["config"].update(lora_rank=4),
    "float16": lambda config, parts: layers_of(config)[1]["config"].update(dtype="mixed_float16"),
    "two types": lambda config, parts: layers_of(config)[1]["config"].update(dtype="float64"),
    "units": lambda config, parts: layers_of(config)[1]["config"].update(units=2**30),
    "fewer units": lambda config, parts: layers_of(config)[4]["config"].update(units=2),
    "optimizer": lambda config, parts: config["compile_config"]["optimizer"].update(class_name="Muon"),
    "optimizer's module": lambda config, parts: config["compile_config"]["optimizer"].update(module="builtins.x"),
    "loss": lambda config, parts: config["compile_config"].update(loss={"class_name": "exec", "config": {}}),
    "a list": lambda config, parts: config.update(config=[]),
    "null": lambda config, parts: config.update(config=None),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_archive_is_a_value_error_that_names_it(tmp_path, damage):
    make().save(tmp_path / "model.keras")
    edited(tmp_path / "model.keras", lambda config, parts: None)
    load_model(tmp_path / "model.keras")  # packed again it is a good one
    edited(tmp_path / "model.keras", damage)
    with pytest.raises(
        ValueError, match=r"filepath: got '.*model.keras', needs a .keras file of Keras 3 or fastmlp: ."
    ):
        load_model(tmp_path / "model.keras")


GRAPH_DAMAGES = {
    "no such layer": lambda config, parts: config["config"].update(output_layers=["nobody", 0, 0]),
    "no such call": lambda config, parts: config["config"].update(output_layers=["outer", 3, 0]),
    "no such tensor": lambda config, parts: config["config"].update(output_layers=["outer", 0, 2]),
    "a circle": lambda config, parts: layers_of(config)[1].update(inbound_nodes=layers_of(config)[2]["inbound_nodes"]),
    "a name twice": lambda config, parts: layers_of(config)[2].update(name="inner"),
    "an argument": lambda config, parts: layers_of(config)[1]["inbound_nodes"][0]["kwargs"].update(mask=[True]),
    "a number": lambda config, parts: layers_of(config)[1]["inbound_nodes"][0].update(args=[3]),
    "nothing": lambda config, parts: layers_of(config)[1]["inbound_nodes"][0].update(args=[]),
    "inputs": lambda config, parts: config["config"].update(input_layers=["inner", 0, 0]),
    "an operation": lambda config, parts: layers_of(config)[1].update(module="keras.src.ops.numpy", class_name="Dot"),
}


@pytest.mark.parametrize("damage", GRAPH_DAMAGES.values(), ids=GRAPH_DAMAGES)
def test_a_damaged_graph_is_a_value_error_that_names_the_file(tmp_path, damage):
    begin = Input((4,))
    Model(begin, Dense(1, name="outer")(Dense(4, name="inner")(begin))).save(tmp_path / "model.keras")
    edited(tmp_path / "model.keras", damage)
    with pytest.raises(
        ValueError, match=r"filepath: got '.*model.keras', needs a .keras file of Keras 3 or fastmlp: ."
    ):
        load_model(tmp_path / "model.keras")


def test_an_archive_does_not_grow_without_bounds(tmp_path):
    make().save(tmp_path / "model.keras")

    def bomb(config, parts):
        config["bomb"] = True
        parts["config.json"] = b" " * 2**26 + parts["config.json"]

    path = edited(tmp_path / "model.keras", bomb)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"config.json: got more than .* bytes, needs 100 for each"):
        load_model(path)
    assert tracemalloc.get_traced_memory()[1] < 2**25
    tracemalloc.stop()


def changed_weights(tmp_path, change):
    path = tmp_path / "w.weights.h5"
    make().save_weights(path)
    with h5py.File(path, "r+") as file:
        change(file, file["layers/dense/vars"])
    return path


def linked(file, group, link):
    file.move("layers/dense/vars/0", "there")
    group["0"] = link


def replaced(group, **settings):
    del group["0"]
    group.create_dataset("0", (4, 3), "float32", **settings)


WEIGHTS = {
    "shape": lambda file, group: replaced(group) or group.move("0", "7"),
    "nothing written": lambda file, group: replaced(group),
    "packed": lambda file, group: replaced(group, compression="gzip", data=np.zeros((4, 3), "float32")),
    "a huge one": lambda file, group: group.create_dataset("2", (2**40,), "float32"),
    "text": lambda file, group: group.create_dataset("2", data="text"),
    "a soft link": lambda file, group: linked(file, group, h5py.SoftLink("/there")),
    "an external link": lambda file, group: linked(file, group, h5py.ExternalLink("w.weights.h5", "/there")),
    "the same many times": lambda file, group: [group.__setitem__(str(n), group["0"]) for n in range(2, 500)],
    "a group": lambda file, group: group.create_group("2"),
    "no number": lambda file, group: group.move("0", "kernel"),
}


@pytest.mark.parametrize("change", WEIGHTS.values(), ids=WEIGHTS)
def test_weights_that_do_not_fit_are_a_value_error_that_names_the_file(tmp_path, change):
    path, model = changed_weights(tmp_path, change), make()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"filepath: got '.*w.weights.h5', needs a file of this model's weights"):
        model.load_weights(path)
    assert same(model.get_weights(), before)


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.weights.h5"])
def test_bytes_that_are_changed_give_a_value_error_or_a_model(tmp_path, name):
    model, path, draw = make(), tmp_path / name, random.Random(3)
    (model.save_weights if name == "m.weights.h5" else model.save)(path)
    data = path.read_bytes()
    errors = 0
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(draw.choice([1, 4, 30])):
            damaged[draw.randrange(len(data))] = draw.randrange(256)
        path.write_bytes(damaged[: draw.choice([len(data), draw.randrange(len(data))])])
        try:
            model.load_weights(path) if name == "m.weights.h5" else load_model(path)
        except ValueError as error:
            assert str(path) in str(error)
            errors += 1
    assert errors > 20


def test_files_that_are_not_there_or_of_another_kind(tmp_path):
    for name in ("m.keras", "m.h5"):
        with pytest.raises(FileNotFoundError):
            load_model(tmp_path / name)
    make().save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError, match=r"w.weights.h5', needs an .h5 file of a whole model .*: it has weights alone"):
        load_model(tmp_path / "w.weights.h5")
