"""`import fastmlp as keras`: the names that a script of Keras asks for."""

import importlib
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import fastmlp as keras
from fastmlp import config, layers, utils


def test_every_namespace_is_there_and_lazy():
    for name in (*keras.MODULES, "models", "utils", "config"):
        assert getattr(keras, name) is importlib.import_module(f"fastmlp.{name}")
    code = "import sys, fastmlp; sys.exit(len([name for name in sys.modules if name.startswith('fastmlp')]))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 1
    assert keras.models.Sequential is keras.Sequential and keras.models.load_model is keras.load_model
    with pytest.raises(AttributeError, match="module 'fastmlp' has no attribute 'ops'"):
        keras.ops  # noqa: B018


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Conv2D", "Flatten"),
        ("MaxPooling2D", "Flatten"),
        ("LSTM", "recurrence"),
        ("MultiHeadAttention", "attention"),
        ("Permute", "rows keep their order"),
        ("GroupNormalization", "LayerNormalization"),
        ("HashedCrossing", "numpy.unique"),
        ("RandomFlip", "arrays of numbers"),
        ("SpatialDropout1D", "AlphaDropout"),
        ("Dot", "kernel_initializer='ones'"),
        ("TorchModuleWrapper", "a graph is made of those layers"),
    ],
)
def test_layers_that_are_not_dense_say_what_there_is_instead(name, reason):
    with pytest.raises(
        AttributeError, match=f"layers: got '{name}': .*{reason}.*; needs one of Dense, Dropout, .*Flatten"
    ):
        getattr(layers, name)
    assert not hasattr(layers, name)


def test_a_name_that_is_no_layer_is_a_plain_error():
    with pytest.raises(AttributeError, match=r"module 'fastmlp.layers' has no attribute 'dense'"):
        layers.dense  # noqa: B018


def test_what_scripts_import_by_its_full_name():
    for name in ("optimizers.schedules", "layers", "callbacks", "datasets.mnist", "metrics"):
        importlib.import_module(f"fastmlp.{name}")
    assert keras.optimizers.schedules.ExponentialDecay.__module__ == "fastmlp.optimizers.schedules"


def test_every_package_is_listed_to_be_installed():
    root = Path(__file__).parents[1]
    packages = {".".join(path.parent.relative_to(root).parts) for path in (root / "fastmlp").rglob("__init__.py")}
    listed = re.search(r"^packages = \[(.*?)\]", (root / "pyproject.toml").read_text(encoding="utf-8"), re.S | re.M)
    assert packages == set(re.findall(r'"(.*?)"', listed[1])) > {"fastmlp", "fastmlp.optimizers"}


def test_to_categorical():
    assert np.array_equal(utils.to_categorical([0, 2, 1]), [[1, 0, 0], [0, 0, 1], [0, 1, 0]])
    assert np.array_equal(utils.to_categorical([[1], [0]], 3), [[0, 1, 0], [1, 0, 0]])
    assert utils.to_categorical(np.zeros((2, 3), np.uint8), num_classes=4).shape == (2, 3, 4)
    assert utils.to_categorical([0.0, 1.0]).dtype == np.float64


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0, 3], 3), ValueError, "x: got numbers from 0 to 3, needs integers from 0 to 2"),
        (([-1, 3],), ValueError, "x: got numbers from -1 to 3, needs integers of at least 0"),
        (([0.5],), ValueError, "x: got 0.5, needs integers"),
        (([0, np.nan],), ValueError, "x: got numbers from nan to nan"),
        (([],), ValueError, "x: got an empty array"),
        ((["a"],), TypeError, "x: got list, needs an array of real numbers"),
        (([0], 0), ValueError, "num_classes: got 0"),
    ],
)
def test_to_categorical_of_what_are_no_classes(arguments, error, message):
    with pytest.raises(error, match=message):
        utils.to_categorical(*arguments)


def test_normalize():
    assert np.array_equal(utils.normalize([[3.0, 4.0], [0.0, 0.0]]), [[0.6, 0.8], [0.0, 0.0]])
    assert np.array_equal(utils.normalize([[1, 2], [3, 2]], axis=0, order=1), [[0.25, 0.5], [0.75, 0.5]])


@pytest.fixture
def own_randomness(monkeypatch):
    """Leave the random numbers of the other tests alone."""
    state = np.random.get_state()
    monkeypatch.setattr("fastmlp.config.seeds._seeds", None)
    yield
    np.random.set_state(state)


def test_set_random_seed_makes_a_program_repeatable(own_randomness):
    seeds = []
    for _ in range(2):
        utils.set_random_seed(5)
        seeds.append([keras.Sequential().seed, keras.Sequential().seed, np.random.rand()])
    assert seeds[0] == seeds[1] and len(set(seeds[0])) == 3
    assert keras.Sequential(seed=3).seed == 3
    with pytest.raises(ValueError, match="seed: got -1"):
        utils.set_random_seed(-1)


def test_floatx_is_the_dtype_of_models_without_one():
    assert config.floatx() == keras.Sequential().dtype == "float32" and config.epsilon() == 1e-7
    config.set_floatx("float64")
    try:
        assert keras.Sequential().dtype == "float64" and keras.Sequential(dtype="float32").dtype == "float32"
        with pytest.raises(ValueError, match="dtype: got 'float16', needs 'float32' or 'float64'"):
            config.set_floatx("float16")
    finally:
        config.set_floatx("float32")


def test_the_network_of_the_tutorials_has_407050_weights(capsys):
    model = keras.models.Sequential()
    model.add(keras.layers.Flatten(input_shape=(28, 28)))
    model.add(keras.layers.Dense(512, activation="relu"))
    model.add(keras.layers.Dropout(0.2))
    model.add(keras.layers.Dense(10, activation="softmax"))
    model.summary()
    assert " Total params: 407,050 (1.55 MB)" in capsys.readouterr().out and model.count_params() == 407_050


def test_batches_by_number_are_made_in_this_thread():
    assert utils.Sequence is utils.PyDataset
    threads = set()

    class Batches(utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, number):
            threads.add(threading.current_thread())
            return np.ones((2, 4)), np.ones((2, 1))

    batches = Batches(workers=4, use_multiprocessing=True, max_queue_size=20)
    assert (batches.workers, batches.use_multiprocessing, batches.max_queue_size) == (4, True, 20)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(batches, verbose=0)
    assert threads == {threading.current_thread()}
    with pytest.raises(TypeError, match="workers: got '4'"):
        utils.PyDataset(workers="4")


TUTORIAL = """
import fastmlp as keras
from fastmlp import layers

x_train, x_test = x_train / 255.0, x_test / 255.0
model = keras.models.Sequential([
    keras.layers.Flatten(input_shape=(28, 28)),
    keras.layers.Dense(512, activation='relu'),
    keras.layers.Dropout(0.2),
    keras.layers.Dense(10, activation='softmax')
])
model.compile(optimizer='adam', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
stop = keras.callbacks.EarlyStopping(monitor='val_accuracy', patience=3, restore_best_weights=True)
history = model.fit(x=x_train, y=y_train, epochs=2, validation_data=(x_test, y_test), callbacks=[stop])
test_loss, test_acc = model.evaluate(x_test, y_test)
predictions = model.predict(x_test)
one_hot = keras.utils.to_categorical(y_test, 10)
"""


def test_the_program_of_the_tutorials_runs(capsys):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (80, 28, 28), np.uint8), rng.integers(0, 10, 80)
    names = {"x_train": images[:60], "y_train": labels[:60], "x_test": images[60:], "y_test": labels[60:]}
    exec(TUTORIAL, names)
    assert list(names["history"].history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert names["predictions"].shape == names["one_hot"].shape == (20, 10)
    assert names["test_acc"] == (names["predictions"].argmax(1) == labels[60:]).mean()
    assert capsys.readouterr().out.startswith("Epoch 1/2\n2/2 ")


def test_both_spellings_are_one_thing():
    for name in ("zeros", "constant", "random_normal", "truncated_normal", "glorot_uniform", "he_normal", "orthogonal"):
        assert getattr(keras.initializers, name) is keras.initializers.INITIALIZERS[name]
    assert keras.initializers.random_normal(stddev=0.03, seed=1)((2, 3)).shape == (2, 3)
    assert keras.activations.swish is keras.activations.silu
    assert keras.activations.hard_swish is keras.activations.hard_silu
    assert layers.Dense(3, input_dim=8).get_config() == layers.Dense(3, input_shape=(8,)).get_config()
    with pytest.raises(ValueError, match="input_dim: got 8 beside input_shape"):
        layers.Dense(3, input_dim=8, input_shape=(8,))


def test_get_layer():
    model = keras.Sequential([layers.Flatten(), layers.Dense(2, name="out")])
    assert model.get_layer("out") is model.get_layer(index=1) is model.layers[1]
    for arguments in ({"name": "in"}, {}, {"name": "out", "index": 1}, {"index": 2}, {"index": -1}):
        with pytest.raises(ValueError, match=r"(name|index): got .*, needs"):
            model.get_layer(**arguments)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (keras.optimizers.SGD, "lr"),
        (keras.optimizers.Adam, "momentum"),
    ],
)
def test_what_would_be_ignored_cannot_be_set(make, name):
    with pytest.raises((AttributeError, ValueError), match=f"{name}: got False, needs"):
        setattr(make(), name, False)


@pytest.mark.parametrize(
    ("base", "method"),
    [
        (layers.Layer, "call"),
        (layers.Dense, "call"),
        (keras.Sequential, "call"),
        (keras.Sequential, "train_step"),
        (keras.losses.MeanSquaredError, "call"),
        (keras.regularizers.L2, "__call__"),
        (keras.constraints.MaxNorm, "__call__"),
        (keras.optimizers.SGD, "update_step"),
    ],
)
def test_what_would_not_be_called_cannot_be_overridden(base, method):
    with pytest.raises(TypeError, match=f"Own: got a method '{method}', needs none"):
        type("Own", (base,), {method: lambda self, x: x})
    assert type("Own", (base,), {"helper": len}).helper is len


def test_a_subclass_of_loss_is_told_to_be_a_function():
    with pytest.raises(TypeError, match="loss: got Own, a subclass of Loss, needs a function"):
        type("Own", (keras.losses.Loss,), {"call": lambda self, y_true, y_pred: 0.0})()


def test_a_file_stays_where_it_is_not_to_be_overwritten(tmp_path):
    model, path = keras.Sequential([keras.Input((2,)), layers.Dense(1)]), tmp_path / "model.safetensors"
    model.save(path, overwrite=False)
    before = path.read_bytes()
    for save in (model.save, model.save_weights):
        with pytest.raises(ValueError, match=r"overwrite: got False and .*model\.safetensors'"):
            save(path, False)
    assert path.read_bytes() == before
    model.save_weights(path)
    assert path.read_bytes() != before


DOCUMENT = (Path(__file__).parents[1] / "docs" / "keras.md").read_text(encoding="utf-8")


def test_the_examples_for_those_who_come_from_keras_run():
    names = {}
    for code in re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL):
        exec(code, names)
    model, image = names["model"], names["image"]
    assert model.evaluate(names["x_test"], names["y_test"], verbose=0)[1] > 0.9
    assert np.abs(names["a"] - 1).max() < 0.1 > np.abs(names["b"] + 1).max()
    assert model(image)[0, 3] > 0.95 and 0 <= image.min() < image.max() <= 1
    assert model.optimizer.iterations == 5 * -(-len(names["x_train"]) // 64) + 1


def test_the_table_of_names_is_complete_and_true():
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", DOCUMENT, re.MULTILINE))
    for namespace, tables in {
        "activations": (keras.activations.ACTIVATIONS,),
        "losses": (keras.losses.FUNCTIONS,),
        "optimizers": ({cls.__name__ for cls in keras.optimizers.OPTIMIZERS.values()},),
        "optimizers.schedules": (keras.optimizers.schedules.SCHEDULES,),
        "callbacks": (set(keras.callbacks.HOMES) - {"Callback", "Logs"},),
        "layers": (layers.LAYERS.keys() - {"InputLayer"},),
    }.items():
        listed = set(re.findall(r"`(\w+)`", rows[f"`{namespace}`"]))
        module = importlib.import_module(f"fastmlp.{namespace}")
        assert set().union(*tables) <= listed, namespace
        arguments = {"weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "use_ema", "apply_gradients"}
        arguments |= {"from_logits", "label_smoothing", "adapt", "gradient_accumulation_steps"}
        arguments |= {"exclude_from_weight_decay", "variables", "get_state", "set_state"}
        assert all(hasattr(module, name) for name in listed - arguments), namespace
    methods = re.findall(r"`(\w+)`", rows["methods of a model"])
    assert len(methods) > 20 and all(hasattr(keras.Sequential, name) for name in methods)
