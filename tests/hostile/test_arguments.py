"""A short form of the hostile arguments, what its judge finds, and what it has found."""

import signal
import time

import numpy as np
import pytest

pytest.importorskip("hypothesis")
pytest.importorskip("sklearn")
pytest.importorskip("polars")
pytest.importorskip("pandas")

from fastmlp import (
    Input,
    Sequential,
    activations,
    backend,
    callbacks,
    constraints,
    initializers,
    kernels,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    plots,
    predict_many,
    utils,
)
from fastmlp.optimizers import schedules
from fastmlp.sklearn import MLPEnsembleClassifier
from fastmlp.tables.preparation import Preparation
from tests.hostile import arguments
from tests.hostile.entries import REFUSED, Entry, named_parameters

TWO = np.ones((3, 2))
VAST = np.broadcast_to(1.0, (2**20, 2**20))  # no memory holds a copy


@pytest.fixture(scope="module")
def calls():
    return arguments.Calls()


@pytest.fixture
def in_folder(monkeypatch, tmp_path):
    """What the command does to its processes, as far as a test may."""
    monkeypatch.chdir(tmp_path)

    def late(*args):
        raise arguments.Late

    before = signal.signal(signal.SIGALRM, late)
    yield
    signal.signal(signal.SIGALRM, before)


def test_it_knows_right_arguments_of_everything(calls):
    """A new function or method whose parameters are called otherwise is a LookupError."""
    kinds = {entry.kind for entry in calls.entries.values()}
    assert len(calls.entries) > 900 and {"kernels", "layers", "models", "sklearn", "tables", "losses"} <= kinds


@pytest.mark.filterwarnings("ignore")
def test_right_arguments_are_taken(calls, in_folder):
    """Of every eighth entry; the command starts from those of all."""
    for entry in list(calls.entries.values())[::8]:
        if entry.name not in REFUSED and entry.kind not in ("plots", "sklearn", "report", "tables"):
            entry.call(**entry.make())
            calls.restore()


@pytest.mark.filterwarnings("ignore")
def test_a_few_calls_have_no_findings(calls, in_folder):
    names = [
        name
        for name, entry in calls.entries.items()
        if entry.kind in ("layers", "kernels", "losses", "metrics", "models")
    ]
    before, calls.findings = calls.counts["calls"], []
    with np.errstate(all="ignore"):
        for seed, name in enumerate(names[::12]):
            calls.block(name, seed, 4)
    assert not calls.findings
    assert calls.counts["calls"] > before + 150


def key_error(x):
    return {}["x"]


def numpys_text(x):
    return np.zeros(3) + np.zeros(4)


def nameless(x):
    raise ValueError("wrong")


def recursion(x):
    return recursion(x)


def change(x):
    x += 1.0


def hang(x):
    time.sleep(5.0)


def order_of_memory(x):
    return float(x.strides[0])


def too_much(x):
    return np.ones(2**25).sum()


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (key_error, "KeyError"),
        (numpys_text, "ValueError"),
        (nameless, "ValueError"),
        (recursion, "RecursionError"),
        (change, "changes its arguments"),
        (hang, "hangs"),
        (order_of_memory, "another result"),
        (too_much, "memory"),
    ],
)
def test_what_is_wrong_is_found(calls, in_folder, monkeypatch, function, kind):
    monkeypatch.setattr(arguments, "SECONDS", 0.2 if function is hang else 60.0)
    monkeypatch.setattr(arguments, "GROWTH", 2**27)
    monkeypatch.setattr(arguments, "ASKS_FOR_WORK", set())
    entry = Entry("fastmlp.wrong", function, lambda: {"x": TWO.copy()}, named_parameters(function))
    given = np.asfortranarray(TWO) if kind == "another result" else TWO.copy()
    found = calls.attempt(entry, {"x": given}, ["x"], same=kind == "another result")
    calls.expected.clear()
    assert found is not None and found[0].startswith(kind)


def compiled():
    model = Sequential([Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def ensemble():
    return MLPEnsembleClassifier(2, hidden_layer_sizes=(2,), max_iter=1).fit(TWO, [0, 1, 1])


class Long:
    """Three items by number, and another length."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, number):
        if number >= 3:
            raise IndexError(number)
        return 1.0


CASES = {
    "constant that is an array": (lambda: constraints.UnitNorm(axis=TWO), "axis: got"),
    "mode that is an array": (lambda: callbacks.EarlyStopping(mode=TWO), "mode: got"),
    "dtype that is an array": (lambda: layers.Dense(2, dtype=TWO), "dtype: got"),
    "wrt that is an array": (lambda: compiled().gradients(TWO, TWO[:, :1], wrt=TWO), "wrt: got"),
    "voting that is an array": (lambda: predict_many([compiled()], TWO, voting=TWO), "voting: got"),
    "a number of thousands of digits": (lambda: layers.Dense(2, dtype=10**5000), "dtype: got"),
    "no path": (lambda: compiled().save(None), "filepath: got None, needs a path"),
    "a number as path": (lambda: models.load_model(1.5), "filepath: got 1.5, needs a path"),
    "a path that no file has": (lambda: compiled().save("a\0.safetensors"), "filepath: got"),
    "a folder that none has": (lambda: callbacks.BackupAndRestore("\ud800\0"), "backup_dir: got"),
    "no config": (lambda: layers.Dense.from_config(None), "config: got None, needs a dict"),
    "a config by numbers": (lambda: optimizers.SGD.from_config({1: 2}), "config: got"),
    "a config of nothing": (lambda: Sequential.from_config({}), "config: got what describes no model"),
    "json of nothing": (lambda: models.model_from_json("{}"), "json_string: needs"),
    "no shape": (lambda: initializers.Zeros()(None), "shape: got None"),
    "a shape that no memory holds": (lambda: initializers.Ones()((2**50,)), "shape: got"),
    "a shape of many axes": (lambda: initializers.Ones()([1] * 99), "shape: got"),
    "rows of no shape": (lambda: layers.Flatten().compute_output_shape(None), "input_shape: got None"),
    "rows of several": (lambda: layers.Add().compute_output_shape(3.0), "got one input, needs a list"),
    "weights of no layer": (lambda: layers.Dense(2).count_params("x"), "input_shape: got 'x'"),
    "ragged weights": (lambda: layers.LayerNormalization(input_shape=(2,)).set_weights(10**5000), "weights: got"),
    "a time span as number": (lambda: layers.Dense(np.timedelta64(3, "D")), "units: got"),
    "a time span as rate": (lambda: optimizers.SGD(np.timedelta64(3, "D")), "learning_rate: got"),
    "no step": (lambda: schedules.ExponentialDecay(0.1, 10, 0.9)(None), "step: got None"),
    "a negative step": (lambda: schedules.CosineDecayRestarts(0.1, 10)(-1e16), "step: got"),
    "steps by arrays": (lambda: schedules.OneCycle(0.1, 10)(TWO), "step: got"),
    "boundaries that are none": (lambda: schedules.PiecewiseConstantDecay(None, [1.0]), "boundaries: got None"),
    "no pairs": (lambda: optimizers.SGD().apply_gradients(None), "grads_and_vars: got None"),
    "names that are no patterns": (
        lambda: optimizers.SGD().exclude_from_weight_decay(var_names=["("]),
        "var_names: got",
    ),
    "an optimizer without a rule": (lambda: optimizers.Optimizer(0.1).apply_gradients([(TWO, TWO)]), "optimizer: got"),
    "memory of a view": (lambda: kernels.relu(VAST), "relu: x: got"),
    "memory of a range": (lambda: kernels.relu(range(10**18)), "relu: x: got"),
    "memory of a view as rows": (lambda: activations.relu(VAST), "x: got"),
    "memory of weights": (lambda: metrics.Precision().update_state(TWO, TWO, VAST[0]), "sample_weight: got"),
    "ragged values": (lambda: initializers.Constant([[1.0], [1.0, 2.0]]), "value: got"),
    "ragged predictions": (lambda: metrics.F1Score().update_state(TWO, [[1.0], [1.0, 2.0]]), "y_pred: got"),
    "ragged inputs": (lambda: layers.Dense(2)([[1.0], [1.0, 2.0]]), "inputs: got"),
    "ragged numbers": (lambda: backend.get_value([[1.0], [1.0, 2.0]]), "x: got"),
    "rows of different number": (
        lambda: metrics.MeanMetricWrapper(losses.huber).update_state(TWO, TWO[:1]),
        "y_true: got",
    ),
    "a history of numbers": (lambda: plots.curves({3: [1.0]}), "history: got"),
    "pictures that are none": (lambda: plots.images(1.0), "pictures: got"),
    "classes below 0": (lambda: plots.calibration([-1, 0], np.ones((2, 2)) / 2), "y_true: got"),
    "steps that are none": (lambda: utils.Progbar(3).add(None), "n: got None"),
    "an order that is an array": (lambda: utils.normalize(TWO, order=TWO), "order: got"),
    "a model that is a word": (lambda: utils.plot_model("x"), "model: got str"),
    "a line of no screen": (lambda: compiled().summary(line_length=2**31), "line_length: got"),
    "positions that are none": (lambda: compiled().summary(positions=3), "positions: got 3"),
    "batches from a generator": (lambda: compiled().compile(metrics=(name for name in "x")), "metrics: got"),
    "labels of no memory": (lambda: utils.to_categorical([10**13]), "x: got"),
    "epochs in an array without axes": (
        lambda: compiled().fit(TWO, TWO[:, :1], validation_split=0.4, validation_freq=np.array(1e39)),
        "validation_freq: got",
    ),
    "a file of no model": (lambda: models.save_model((x for x in "x"), "a.safetensors"), "model: got generator"),
    "a length of no memory": (lambda: losses.LogCosh()(Long(2**62), TWO), "y_true: got 4611686018427387904 items"),
    "a length that is not true": (lambda: losses.LogCosh()(Long(4), TWO), "y_true: got fewer items"),
    "an instruction set that is none": (lambda: kernels.isa.select(None), "name: got None, needs one of"),
    "an instruction set of no machine": (lambda: kernels.isa.select("mmx"), "name: got 'mmx', needs one of"),
    "bins of no memory": (lambda: Preparation(bins=2**31), "bins: got 2147483648"),
    "rows of no memory": (lambda: ensemble().predict(range(10**18)), "X"),
    "ragged settings": (lambda: metrics.AUC(multi_label=True, label_weights=[[1], [1, 2]]), "label_weights: got"),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused_by_name(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call, words = CASES[case]
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert (
        type(caught.value) in (ValueError, TypeError) and words in str(caught.value) and len(str(caught.value)) < 1000
    )
    assert not list(tmp_path.iterdir())


class Shrinking:
    """Batches by number, of which there are none after the first epoch."""

    epochs = 0

    def __len__(self):
        return 2 if self.epochs < 1 else 0

    def __getitem__(self, number):
        return TWO, TWO[:, :1]

    def on_epoch_end(self):
        self.epochs += 1


def test_batches_that_become_none_are_refused():
    """Once a ZeroDivisionError."""
    with pytest.raises(ValueError, match="x: got Shrinking without a batch in a later epoch"):
        compiled().fit(Shrinking(), epochs=3, steps_per_epoch=2, verbose=0)


class Kept(metrics.Metric):
    """A metric with a setting that is no value of JSON."""

    def __init__(self, thing):
        super().__init__(name="kept")
        self.thing = thing

    def update_state(self, y_true, y_pred, sample_weight=None):
        pass

    def result(self):
        return 0.0

    def reset_state(self):
        pass


def test_settings_that_no_file_keeps_are_refused_by_name(tmp_path):
    model = Sequential([Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[Kept({1, 2})])
    with pytest.raises(TypeError, match="save: got settings that are no values of JSON"):
        model.save(tmp_path / "m.safetensors")
