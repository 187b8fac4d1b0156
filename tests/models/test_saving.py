"""Models in files: the same bits after loading, whole files only, clear errors on others' files."""

import copy
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import fastmlp as keras
from fastmlp.layers import Activation, Dense, Dropout, Flatten, Input, Rescaling
from fastmlp.losses import CategoricalCrossentropy
from fastmlp.metrics import CategoricalAccuracy
from fastmlp.models import Sequential, load_model
from fastmlp.optimizers import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Ftrl, Lion, Nadam, RMSprop
from fastmlp.regularizers import L2
from fastmlp.utils import set_random_seed

X = np.random.default_rng(0).integers(0, 256, (30, 2, 3), dtype=np.uint8)
Y = np.arange(30) % 3


def make(optimizer="adam", dtype="float32", **arguments):
    layers = [
        Input((2, 3)),
        Rescaling(1 / 255),
        Flatten(),
        Dense(5, "tanh", use_bias=False, kernel_regularizer=L2(0.001)),
        Dropout(0.25),
        Dense(3, kernel_initializer="he_normal", name="out"),
        Activation("softmax"),
    ]
    model = Sequential(layers, name="tiny", dtype=dtype, seed=11)
    model.compile(optimizer, **{"loss": "sparse_categorical_crossentropy", "metrics": ["acc"], **arguments})
    return model


def same(first, second):
    return all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "optimizer",
    [
        *[SGD(0.1), SGD(0.1, 0.9), SGD(0.1, 0.9, True), RMSprop(), Adagrad(), Adam()],
        *[RMSprop(momentum=0.5), RMSprop(centered=True), Adadelta(), Adam(amsgrad=True), AdamW(), Adamax(), Lion()],
        Ftrl(l1_regularization_strength=1e-3),
        *[Nadam(), Nadam(clipvalue=0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=4)],
        Adam(weight_decay=0.1, use_ema=True),
    ],
    ids=str,
)
def test_a_loaded_model_predicts_and_trains_on_with_the_same_bits(tmp_path, dtype, optimizer):
    model = make(optimizer, dtype)
    model.fit(X, Y, epochs=2, batch_size=7, verbose=0)
    model.optimizer.learning_rate = 0.05
    model.save(tmp_path / "model.safetensors")
    twin = load_model(tmp_path / "model.safetensors")
    assert same([twin(X)], [model(X)]) and same(twin.get_weights(), model.get_weights())
    assert twin.get_config() == model.get_config() and twin.optimizer.get_config() == model.optimizer.get_config()
    assert twin.fit(X, Y, epochs=2, verbose=0).history == model.fit(X, Y, epochs=2, verbose=0).history
    assert same(twin.get_weights(), model.get_weights())


def test_the_file_has_weights_by_name_and_the_architecture_as_json(tmp_path):
    path = str(tmp_path / "model.safetensors")
    make("sgd").save(path)
    assert {name: array.shape for name, array in load_file(path).items()} == {
        "dense/kernel": (6, 5),
        "out/kernel": (5, 3),
        "out/bias": (3,),
    }
    with safe_open(path, framework="np") as file:
        header = json.loads(file.metadata()["fastmlp"])
    assert [layer["class_name"] for layer in header["model"]["layers"]][:2] == ["Rescaling", "Flatten"]
    assert header["model"]["seed"] == 11 and header["compile"]["loss"]["class_name"] == "SparseCategoricalCrossentropy"


def test_equal_models_give_equal_files(tmp_path):
    model, contents = make(), set()
    for number in range(10):
        path = tmp_path / f"{number}.safetensors"
        (model if number % 2 else make()).save(path)
        contents.add(path.read_bytes())
    assert len(contents) == 1


def test_objects_given_to_compile_come_back(tmp_path):
    model = make(loss=CategoricalCrossentropy(from_logits=True), metrics=[CategoricalAccuracy(name="hits")])
    model.save(tmp_path / "model.safetensors")
    twin = load_model(str(tmp_path / "model.safetensors"))
    assert twin.loss.spec["name"] == "categorical_crossentropy_from_logits" and twin.metrics_names == ["loss", "hits"]


def test_a_model_without_compile_and_one_without_the_optimizers_state(tmp_path):
    path = tmp_path / "model.safetensors"
    plain = Sequential([Input(3), Dense(2)], seed=1)
    plain.save(path)
    assert load_model(path).optimizer is None and same(load_model(path).get_weights(), plain.get_weights())
    model = make()
    model.fit(X, Y, verbose=0)
    model.save(path, include_optimizer=False)
    twin = load_model(path)
    assert len(load_file(path)) == 3 and twin.network.step == 0 and same([twin(X)], [model(X)])


def test_diverged_weights_can_be_saved(tmp_path):
    model = make()
    model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
    model.save(tmp_path / "model.safetensors")
    assert np.isnan(load_model(tmp_path / "model.safetensors").get_weights()[0]).all()


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_an_interrupted_save_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, failing):
    path = tmp_path / "model.safetensors"
    model = make()
    model.save(path)
    before = path.read_bytes()
    model.fit(X, Y, verbose=0)

    def fail(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(KeyboardInterrupt):
        model.save(path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == [path.name]


def test_a_save_through_a_link_keeps_the_link(tmp_path):
    link, target = tmp_path / "link.safetensors", tmp_path / "target.safetensors"
    link.symlink_to(target)
    make().save(link)
    assert link.is_symlink() and same(load_model(target).get_weights(), make().get_weights())


def test_what_cannot_be_saved(tmp_path):
    with pytest.raises(ValueError, match=r"filepath: got .*model.txt', needs a name ending in '.safetensors'"):
        make().save(tmp_path / "model.txt")
    with pytest.raises(ValueError, match="save: got a model without weights"):
        Sequential([Dense(3)]).save(tmp_path / "model.safetensors")
    with pytest.raises(FileNotFoundError):
        make().save(tmp_path / "missing" / "model.safetensors")
    assert os.listdir(tmp_path) == []


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "missing.safetensors")
    with pytest.raises(OSError):
        load_model(tmp_path)


def edited(tmp_path, edit):
    """Return a file whose header and tensors went through `edit`."""
    path = tmp_path / "model.safetensors"
    make().save(path)
    tensors = load_file(path)
    with safe_open(path, framework="np") as file:
        header = json.loads(file.metadata()["fastmlp"])
    del header["checksum"]  # as older files have none: what is wrong besides is to be found
    header = edit(header, tensors) or header
    text = header if isinstance(header, str) else json.dumps(header)
    save_file(tensors, path, {"fastmlp": text})
    return path


def put(value, *keys):
    def edit(header, tensors):
        for key in keys[:-1]:
            header = header[key]
        header[keys[-1]] = value

    return edit


def drop(name):
    def edit(header, tensors):
        del (tensors if name in tensors else header)[name]

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (put(3, "version"), "format version 3"),
        (put("float16", "model", "dtype"), "dtype: got 'float16'"),
        (put("float64", "model", "dtype"), "weights: got .*float32.* needs .*float64"),
        (put(-1, "model", "seed"), "seed: got -1"),
        (put([2, 3, 4], "model", "input_shape"), "weights: got"),
        (put("many", "model", "input_shape"), "shape: got 'many'"),
        (put(None, "model", "layers"), "NoneType"),
        (put([], "model", "layers"), ""),
        (put("Lambda", "model", "layers", 2, "class_name"), "layers: got unknown name 'Lambda', needs one of 'Dense'"),
        (put({"unit": 5}, "model", "layers", 2, "config"), "unit"),
        (put(10**9, "model", "layers", 2, "config", "units"), "weights: got"),
        (put([2**70, 3], "model", "input_shape"), "shape: got 1180591620717411303424, needs"),
        (put("os.system", "model", "layers", 2, "config", "activation"), "activation: got unknown name 'os.system'"),
        (put({"run": "rm"}, "compile"), "run"),
        (put("now", "compile", "optimizer"), "optimizer: got unknown name 'now'"),
        (put(2, "compile"), ""),
        (put(-1, "step"), "step: got -1"),
        (put(1.5, "epochs_trained"), "epochs_trained: got 1.5"),
        (drop("model"), "entry 'model' is missing"),
        (lambda header, tensors: "[1, 2", "Expecting"),
        (lambda header, tensors: "[" * 100_000, ""),
        (lambda header, tensors: "[]", ""),
        (drop("out/bias"), "weights: got none for 'out/bias', needs"),
        (lambda header, tensors: tensors.update(extra=np.zeros(3)), "got .* for 'extra', needs none"),
        (lambda header, tensors: tensors.update({"out/bias": np.zeros(4, np.float32)}), r"got \(\(4,\), 'float32'\)"),
        (drop("optimizer/1/out/bias"), "got none for 'optimizer/1/out/bias'"),
    ],
)
def test_edited_files_are_refused(tmp_path, edit, message):
    path = edited(tmp_path, edit)
    with pytest.raises(ValueError, match=f"(?s)filepath: got .*, needs a model file of fastmlp: .*{message}"):
        load_model(path)


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"\xff" * 8, (2**40).to_bytes(8, "little") + b"{}"])
def test_foreign_bytes_are_refused(tmp_path, content):
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="needs a model file of fastmlp"):
        load_model(path)


def test_truncated_files_and_those_of_other_programs_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    make().save(path)
    content = path.read_bytes()
    for length in (4, 50, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="needs a model file of fastmlp"):
            load_model(path)
    save_file({"weight": np.zeros(3)}, path)
    with pytest.raises(ValueError, match="a safetensors file of another program"):
        load_model(path)


class MyNet(Sequential):
    """A subclass with arguments, and attributes, of its own."""

    def __init__(self, units, note):
        self.head = Dense(3, "softmax")
        super().__init__([Input(6), Dense(units, "tanh"), self.head], seed=2)
        self.note, self.parts = note, {"all": self.layers}
        self.compile("adam", "sparse_categorical_crossentropy", metrics=["acc"])


WAYS = {"pickle": lambda model: pickle.loads(pickle.dumps(model)), "deepcopy": copy.deepcopy, "copy": copy.copy}


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_of_a_subclass_is_one(way):
    model, rows = MyNet(4, note=["mine"]), X.reshape(30, 6) / 255
    model.fit(rows, Y, verbose=0)
    model.train_on_batch(rows, Y)
    twin = WAYS[way](model)
    assert type(twin) is MyNet and twin.note == ["mine"] and (twin.note is model.note) == (way == "copy")
    assert same([twin(rows)], [model(rows)]) and twin.history.history == model.history.history
    assert twin.train_on_batch(rows, Y) == model.train_on_batch(rows, Y) and twin._results is not model._results
    assert same(twin.get_weights(), model.get_weights())
    if way != "copy":
        assert twin.head is twin.layers[1] and twin.parts["all"] == twin.layers and model.head is model.layers[1]


def test_a_subclass_comes_back_from_a_file_where_it_is_given(tmp_path):
    path, model, rows = tmp_path / "model.safetensors", MyNet(4, "mine"), X.reshape(30, 6) / 255
    model.save(path)
    twin, other = load_model(path, custom_objects={"MyNet": MyNet}), load_model(path)
    assert type(twin) is MyNet and type(other) is Sequential
    assert twin.fit(rows, Y, verbose=0).history == other.fit(rows, Y, verbose=0).history
    for wrong in (dict, lambda: None, Dense):
        with pytest.raises(ValueError, match=r"custom_objects: got .* for 'MyNet', needs a subclass of Sequential"):
            load_model(path, custom_objects={"MyNet": wrong})


def test_a_copy_draws_no_seed():
    model = make()
    seeds = []
    for copies in (0, 3):
        set_random_seed(7)
        for _ in range(copies):
            copy.deepcopy(model)
        seeds.append(Sequential().seed)
    assert seeds[0] == seeds[1]


# What the version before wrote, of tests/models/data/version_1.safetensors, and computed with it.
ROWS = np.random.default_rng(0).normal(size=(12, 4)).astype("f4").reshape(12, 2, 2)
OUTPUTS = [[0.47374293208122253, 0.5262570381164551], [0.6445392966270447, 0.3554607033729553]]
TRAINED_ON = [[0.47126254439353943, 0.528737485408783], [0.6434287428855896, 0.3565712869167328]]


def test_files_of_format_1_load_and_train_on():
    model = load_model(Path(__file__).parent / "data" / "version_1.safetensors")
    assert model.name == "older" and model.input_shape == (None, 2, 2) and model.optimizer.iterations == 6
    assert model(ROWS[:2]) == pytest.approx(np.array(OUTPUTS), rel=1e-6)
    history = model.fit(ROWS, np.arange(12) % 2, batch_size=5, verbose=0).history
    assert history["loss"] == pytest.approx([1.200223037158139], rel=1e-6) and history["acc"] == pytest.approx([1 / 6])
    assert model(ROWS[:2]) == pytest.approx(np.array(TRAINED_ON), rel=1e-6)


class Argued(keras.Model):
    """A model that `get_config` gives the arguments of, whose layers are called in another order than they stand."""

    def __init__(self, units, **settings):
        super().__init__(**settings)
        self.units, self.second, self.first = units, Dense(units, name="second"), Dense(units, "tanh", name="first")

    def call(self, inputs):
        return self.second(self.first(inputs))

    def get_config(self):
        return {"units": self.units}


def test_a_class_with_arguments_makes_its_layers_itself(tmp_path):
    model, x = Argued(4, dtype="float64", seed=3), np.random.default_rng(0).normal(size=(20, 4))
    model.compile("adam", "mse")
    model.fit(x, x, epochs=2, verbose=0)
    model.first.trainable = False
    model.save(tmp_path / "argued.safetensors")
    twin = load_model(tmp_path / "argued.safetensors", custom_objects={"Argued": Argued})
    plain = load_model(tmp_path / "argued.safetensors")
    assert twin.units == 4 and type(plain) is keras.Model and not twin.first.trainable
    for other in (twin, plain):
        assert np.array_equal(other.predict(x), model.predict(x))
    for one in (model, twin, plain):
        one.fit(x, x, epochs=2, verbose=0)
    assert np.array_equal(twin.predict(x), model.predict(x)) and np.array_equal(plain.predict(x), model.predict(x))
    Argued.from_config = classmethod(lambda cls, config: 3)
    try:
        with pytest.raises(ValueError, match=r"custom_objects: got int from Argued.from_config, needs a model"):
            load_model(tmp_path / "argued.safetensors", custom_objects={"Argued": Argued})
    finally:
        del Argued.from_config


def test_gradients_are_in_the_order_of_the_weights():
    model, x = Argued(4, dtype="float64"), np.random.default_rng(0).normal(size=(20, 4))
    model.compile(SGD(0.5), "mse")
    loss, gradients = model.gradients(x, x)
    second, b2, first, b1 = model.get_weights()
    hidden = np.tanh(x @ first + b1)
    dy = 2 / 80 * (hidden @ second + b2 - x)
    expected = [hidden.T @ dy, dy.sum(0), x.T @ (dy @ second.T * (1 - hidden**2))]
    for found in (gradients, model.vjp(x, dy)):
        assert [np.allclose(a, b) for a, b in zip(found, expected, strict=False)] == [True] * 3
    model.apply_gradients(gradients)
    for new, old, gradient in zip(model.get_weights(), [second, b2, first, b1], gradients, strict=True):
        assert new == pytest.approx(old - 0.5 * gradient)
    model.second.trainable = False
    assert [one.shape for one in model.gradients(x, x)[1]] == [(4, 4), (4,)] and loss > model.gradients(x, x)[0]
