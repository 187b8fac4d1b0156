"""The TensorBoard callback: its files as TensorBoard itself reads them."""

import builtins
import inspect
import json

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.graph import keras_util

from fastmlp import metrics
from fastmlp.callbacks import TensorBoard
from fastmlp.layers import Dense, Input
from fastmlp.models import Sequential

X = np.random.default_rng(0).normal(size=(50, 4))
Y = (X[:, 0] > 0).astype(int)


def make():
    model = Sequential([Input((4,)), Dense(6, "relu"), Dense(2, "softmax")], seed=1)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


@pytest.fixture
def read():
    """A function that reads a folder's events by TensorBoard's own reader."""

    def read_folder(folder):
        events = EventAccumulator(str(folder), {"tensors": 0, "histograms": 0, "scalars": 0})
        return events.Reload()

    return read_folder


def scalars(events, tag):
    return [(event.step, event.value) for event in events.Scalars(tag)]


def test_the_layout_is_that_of_keras(tmp_path, read):
    callback = TensorBoard(tmp_path, histogram_freq=2)
    model = make()
    history = model.fit(X, Y, epochs=3, validation_split=0.2, verbose=0, callbacks=[callback]).history
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train", "validation"]
    train, validation = read(tmp_path / "train"), read(tmp_path / "validation")
    assert sorted(train.Tags()["scalars"]) == ["epoch_accuracy", "epoch_learning_rate", "epoch_loss"]
    for name in ("loss", "accuracy"):
        assert scalars(train, f"epoch_{name}") == [(i, pytest.approx(v)) for i, v in enumerate(history[name])]
        values = history[f"val_{name}"]
        assert scalars(validation, f"epoch_{name}") == [(i, pytest.approx(v)) for i, v in enumerate(values)]
        by_step = scalars(validation, f"evaluation_{name}_vs_iterations")
        assert by_step == [(2 * (i + 1), pytest.approx(v)) for i, v in enumerate(values)]
    assert scalars(train, "epoch_learning_rate") == [(i, pytest.approx(0.001)) for i in range(3)]
    weights = [
        f"sequential/{layer}/{weight}/histogram" for layer in ("dense", "dense_1") for weight in ("bias", "kernel")
    ]
    assert sorted(train.Tags()["histograms"]) == weights and validation.Tags()["histograms"] == []
    for name, weight in zip(weights, [1, 0, 3, 2], strict=True):
        events = train.Histograms(name)
        last = model.get_weights()[weight]
        assert [event.step for event in events] == [0, 2]
        assert events[1].histogram_value.num == last.size
        assert events[1].histogram_value.min == pytest.approx(last.min())
        assert events[1].histogram_value.sum == pytest.approx(last.sum(), abs=1e-5)


def test_the_layers_are_there_as_keras_writes_them(tmp_path, read):
    make().fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path)])
    events = read(tmp_path / "train")
    assert events.SummaryMetadata("keras").plugin_data.plugin_name == "graph_keras_model"
    content = json.loads(events.Tensors("keras")[0].tensor_proto.string_val[0])
    assert [layer["config"]["name"] for layer in content["config"]["layers"]] == ["dense", "dense_1"]
    nodes = [node.name for node in keras_util.keras_model_to_graph_def(content).node]
    assert nodes == ["sequential/dense", "sequential/dense_1"]
    make().fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path / "none", write_graph=False)])
    graph = events.Graph()
    assert [(node.name, node.op, list(node.input)) for node in graph.node] == [
        ("dense", "Dense", []),
        ("dense_1", "Dense", ["dense"]),
    ]
    none = read(tmp_path / "none" / "train").Tags()
    assert "keras" not in none["tensors"] and not none["graph"]


@pytest.mark.parametrize(("frequency", "steps"), [("batch", [1, 2, 3, 4]), (3, [3])])
def test_batches(tmp_path, read, frequency, steps):
    make().fit(X, Y, epochs=2, verbose=0, callbacks=[TensorBoard(tmp_path, update_freq=frequency)])
    assert [step for step, _ in scalars(read(tmp_path / "train"), "batch_loss")] == steps


def test_evaluate_writes_what_it_finds(tmp_path, read):
    model = make()
    loss, _ = model.evaluate(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path)])
    events = read(tmp_path / "validation")
    assert scalars(events, "evaluation_loss_vs_iterations") == [(0, pytest.approx(loss))]


def test_a_metric_that_is_an_array_is_written_by_its_numbers(tmp_path, read):
    model = make()
    model.compile("adam", "categorical_crossentropy", [metrics.F1Score(), "accuracy"])
    scores = model.evaluate(X, np.eye(2)[Y], verbose=0, callbacks=[TensorBoard(tmp_path)])[1]
    events = read(tmp_path / "validation")
    for place in (0, 1):
        tag = f"evaluation_f1_score_vs_iterations_{place}"
        assert scalars(events, tag) == [(0, pytest.approx(scores[place], rel=1e-6))]


def test_without_the_extra_the_error_says_how_to_get_it(monkeypatch):
    true_import = builtins.__import__

    def without(name, *arguments):
        if name.startswith("tensorboardX"):
            raise ModuleNotFoundError(name)
        return true_import(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"needs tensorboardX: pip install 'fastmlp\[tensorboard\]'"):
        TensorBoard()


def test_arguments_have_the_order_and_defaults_of_keras():
    parameters = inspect.signature(TensorBoard).parameters.values()
    assert [(one.name, one.default) for one in parameters] == [
        ("log_dir", "logs"),
        ("histogram_freq", 0),
        ("write_graph", True),
        ("write_images", False),
        ("write_steps_per_second", False),
        ("update_freq", "epoch"),
        ("profile_batch", 0),
        ("embeddings_freq", 0),
        ("embeddings_metadata", None),
    ]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"write_images": True}, ValueError, "write_images: got True, needs False"),
        ({"profile_batch": 2}, ValueError, "profile_batch: got 2, needs 0: there is no profiler"),
        ({"histogram_freq": -1}, ValueError, "histogram_freq: got -1"),
        ({"update_freq": "step"}, TypeError, "update_freq: got 'step'"),
    ],
)
def test_bad_settings(settings, error, message):
    with pytest.raises(error, match=message):
        TensorBoard(**settings)
