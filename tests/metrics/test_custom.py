"""Metrics of the user's own: functions and classes, in fit and in files."""

import copy
import csv
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from fastmlp import load_model, metrics
from fastmlp.callbacks import BackupAndRestore, Callback, CSVLogger, EarlyStopping
from tests.metrics.models import LABELS, RANDOM, Largest, X, Y, confidence, make


def worst(y_true, y_pred):
    return np.abs(y_true - y_pred).max()


def test_functions_of_the_user():
    model = make([confidence, worst], weighted=[confidence])
    weights = RANDOM.uniform(0, 2, 50)
    p = model.predict(X, verbose=0)
    values = model.evaluate(X, Y, verbose=0, sample_weight=weights)
    expected = [p.max(axis=1).mean(), np.abs(Y - p).max(), np.average(p.max(axis=1), weights=weights)]
    assert values[1:] == pytest.approx(expected, rel=1e-13)
    assert model.metrics_names == ["loss", "confidence", "worst", "weighted_confidence"]
    assert list(model.fit(X, Y, verbose=0).history) == sorted(model.metrics_names)


def test_a_function_gets_what_the_model_compares():
    seen = []

    def look(y_true, y_pred):
        seen.append((y_true.dtype, y_true.shape, y_pred.dtype, y_pred.shape))
        return 0.0

    make([look], "sparse_categorical_crossentropy", dtype="float32").fit(X, LABELS, 8, epochs=2, verbose=0)
    assert seen == [(np.int32, (50,), np.float32, (50, 3))] * 2  # once an epoch


@pytest.mark.parametrize(
    ("own", "weighted", "error", "message"),
    [
        (lambda y, p: p[:3, 0], False, ValueError, r"metrics: <lambda>: got values of shape \(3,\), needs 50, one for"),
        (lambda y, p: "good", False, TypeError, "metrics: <lambda>: got str, needs an array of real numbers"),
        (worst, True, ValueError, r"metrics: worst: got values of shape \(\), needs 50, one for each row$"),
    ],
)
def test_functions_that_return_something_else(own, weighted, error, message):
    model = make([] if weighted else [own], weighted=[own] if weighted else [])
    with pytest.raises(error, match=message):
        model.evaluate(X, Y, verbose=0, sample_weight=np.ones(50))


def test_a_result_that_is_no_number():
    class Words(Largest):
        def result(self):
            return {"good": 1.0}

    with pytest.raises(TypeError, match="metrics: largest: result: got dict, needs an array of real numbers"):
        make([Words()]).evaluate(X, Y, verbose=0)


def test_a_class_that_takes_no_weights():
    class Plain(Largest):
        def update_state(self, y_true, y_pred):
            super().update_state(y_true, y_pred)

    model = make([Plain()])
    model.fit(X, Y, verbose=0, sample_weight=np.ones(50))
    assert model.evaluate(X, Y, verbose=0)[1] == model.predict(X, verbose=0).max()


def test_results_that_are_arrays(tmp_path, capsys):
    """History has them, the line of an epoch has their means, and a file lists, as in Keras."""
    plain = [metrics.F1Score(), metrics.Recall([0.1, 0.5]), metrics.R2Score(None)]
    model = make(plain, weighted=[metrics.FBetaScore(beta=2.0)])
    log, weights = CSVLogger(tmp_path / "log.csv"), np.ones(50)
    history = model.fit(X, Y, 8, 2, verbose=2, callbacks=[log], sample_weight=weights, validation_data=(X, Y)).history
    p = model.predict(X, verbose=0)
    for metric in (metrics.F1Score(), metrics.Recall([0.1, 0.5]), metrics.R2Score(None)):
        assert len(history[metric.name]) == 2
        assert history["val_" + metric.name][-1] == pytest.approx(metric(Y, p), rel=1e-12)
    results = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert results["f1_score"].shape == results["fbeta_score"].shape == (3,) and results["recall"].shape == (2,)
    assert f" - f1_score: {history['f1_score'][0].mean():.4f} - " in capsys.readouterr().out
    first = next(csv.DictReader((tmp_path / "log.csv").read_text().splitlines()))
    assert json.loads(first["f1_score"].strip('"')) == history["f1_score"][0].tolist()
    with pytest.raises(ValueError, match=r"monitor: got 'f1_score', an array of shape \(3,\), needs one number"):
        model.fit(X, Y, verbose=0, callbacks=[EarlyStopping("f1_score")])


def test_two_functions_of_one_name_are_not_taken_for_each_other(tmp_path):
    model = make([lambda y, p: p[:, 0], lambda y, p: p[:, 1]])
    assert model.metrics_names == ["loss", "<lambda>", "<lambda>_1"]
    with pytest.raises(ValueError, match="metrics: got two different objects called '<lambda>', needs a name"):
        model.save(tmp_path / "m.safetensors")
    assert copy.deepcopy(model).evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)


def test_own_metrics_come_back_with_custom_objects(tmp_path):
    model, path = make([confidence, Largest(2.0)], weighted=[worst]), tmp_path / "m.safetensors"
    model.fit(X, Y, verbose=0)
    model.save(path)
    with pytest.raises(
        ValueError, match=r"metrics: got 'confidence', which is not fastmlp's own, needs custom_objects="
    ):
        load_model(path)
    own = {"confidence": confidence, "Largest": Largest, "worst": worst}
    twin = load_model(path, custom_objects=own)
    assert twin.metrics_names == model.metrics_names and twin.metrics[1].factor == 2.0
    for other in (twin, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert other.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
        assert other.fit(X, Y, verbose=0, epochs=1).history == copy.deepcopy(model).fit(X, Y, verbose=0).history
    plain = load_model(path, compile=False)
    with pytest.raises(TypeError, match="custom_objects: got list, needs a dict"):
        load_model(path, custom_objects=[confidence])
    assert plain.optimizer is None and plain.metrics == [] and np.array_equal(plain(X), model(X))
    with pytest.raises(ValueError, match=r"custom_objects: got <function .* for 'Largest', needs a subclass of Metric"):
        load_model(path, custom_objects={**own, "Largest": worst})


def test_a_backup_of_a_model_with_own_metrics_goes_on(tmp_path):
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    straight, parts = make([confidence]), make([confidence])
    expected = straight.fit(X, Y, epochs=3, verbose=0).history["confidence"][-1]
    with pytest.raises(KeyboardInterrupt):
        parts.fit(X, Y, epochs=3, verbose=0, callbacks=[BackupAndRestore(tmp_path), Stop()])
    parts = make([confidence])
    assert (
        parts.fit(X, Y, epochs=3, verbose=0, callbacks=[BackupAndRestore(tmp_path)]).history["confidence"][-1]
        == expected
    )


class BinaryF1(metrics.Metric):
    """As such classes are written for Keras: counts in variables, and no reset_state."""

    def __init__(self, threshold=0.3, name="binary_f1", **kwargs):
        super().__init__(name=name, **kwargs)
        self.threshold = threshold
        self.hits = self.add_weight(name="hits", initializer="zeros")
        self.wrong = self.add_variable(shape=(2,), initializer="zeros", name="wrong")

    def update_state(self, y_true, y_pred, sample_weight=None):
        truth, predicted = y_true > 0.5, y_pred > self.threshold
        self.hits.assign_add((truth & predicted).sum())
        self.wrong.assign(self.wrong + np.array([(~truth & predicted).sum(), (truth & ~predicted).sum()]))

    def result(self):
        return 2 * self.hits / (2 * self.hits + self.wrong[0] + self.wrong[1])

    def get_config(self):
        return {**super().get_config(), "threshold": self.threshold}


def test_a_class_with_variables(tmp_path):
    model = make([BinaryF1(), metrics.F1Score("micro", 0.3)], rate=0.0)
    history = model.fit(X, Y, 8, epochs=3, verbose=0, validation_data=(X, Y)).history
    for name in ("binary_f1", "val_binary_f1"):
        assert history[name] == pytest.approx(history[name.replace("binary_f1", "f1_score")], rel=1e-6)
    model.save(tmp_path / "m.safetensors")
    twin = load_model(tmp_path / "m.safetensors", custom_objects={"BinaryF1": BinaryF1})
    for other in (twin, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    one, other = copy.deepcopy(model.metrics[0]), model.metrics[0]
    other.reset_state()
    assert one.hits.numpy() > 0 and other.hits.numpy() == 0 and [v.name for v in one.variables] == ["hits", "wrong"]


def test_variables():
    metric = metrics.Metric(dtype="float32")
    total, table = metric.add_weight(), metric.add_weight((2, 3), "ones", name="table")
    assert metric.variables == [total, table] and (total.name, total.shape, table.shape) == ("variable_0", (), (2, 3))
    assert total.assign(3).assign_add(2.5).assign_sub(1) is total and float(total) == 4.5 and total.value == 4.5
    assert float(total / 2) == 2.25 and float(2 - total) == -2.5 and total > 4 and np.sqrt(total) == 4.5**0.5
    assert np.array_equal(table * total, np.full((2, 3), 4.5)) and np.asarray(table).dtype == np.float64
    assert table[0].tolist() == [1, 1, 1] and len(table) == 2 and np.maximum(table, total).sum() == 27
    copied = table.numpy()
    copied[:] = 7
    table.assign(2)
    assert table.numpy().tolist() == [[2, 2, 2]] * 2
    for wrong, error, message in (
        ([1, 2], ValueError, r"table: got shape \(2,\), needs \(2, 3\)"),
        ("a", TypeError, "table: got str, needs an array of real numbers"),
    ):
        with pytest.raises(error, match=message):
            table.assign(wrong)
    assert table.numpy().tolist() == [[2, 2, 2]] * 2
    metric.reset_state()
    assert total == 0 and not table.numpy().any()
    with pytest.raises(TypeError, match="shape: got 'total', needs an integer"):
        metric.add_weight("total")
    with pytest.raises(ValueError, match="dtype: got 'int32', needs None or 'float32' or 'float64'"):
        metrics.Metric(dtype="int32")


def test_a_class_that_begins_nothing_anew():
    class Forgetful(metrics.Metric):
        total = 0.0

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.total += 1

        def result(self):
            return self.total

    with pytest.raises(TypeError, match="metrics: got Forgetful without reset_state, needs it, result and"):
        make([Forgetful()])


def test_a_function_alone_has_the_value_of_all_rows():
    metric = metrics.MeanMetricWrapper(lambda t, p: np.sqrt(np.square(t - p).mean()), name="root")
    assert metric.result() == 0.0
    y, p = [[1.0], [2.0], [4.0]], [[1.0], [4.0], [0.0]]
    for part in (slice(1), slice(1, 2), slice(2, 3)):
        metric.update_state(y[part], p[part])
    assert metric.result() == np.sqrt(20 / 3) == metric.result()
    metric.reset_state()
    assert metric(y[:1], p[:1]) == 0.0 and metric([[7]], [[3]]) == np.sqrt(8)
    errors = metrics.MeanMetricWrapper(lambda t, p: np.abs(t - p), name="error")
    errors.update_state(y[1:], p[1:])  # without weights each row counts once
    assert errors([[1.0]], [[10.0]], sample_weight=2) == (2 + 4 + 2 * 9) / 4


def test_the_code_of_the_document_runs(monkeypatch):
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    namespace = {}
    for block in blocks:
        exec(block, namespace)
    assert len(blocks) == 3 and np.isfinite(namespace["stop"].best)
