"""Metrics of models: their names, their values in fit and evaluate, a user's own, and models in files."""

import copy
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from fastmlp import load_model, metrics
from fastmlp.callbacks import BackupAndRestore, Callback, CSVLogger, EarlyStopping
from fastmlp.layers import Dense, Dropout, Input
from fastmlp.models import Sequential
from fastmlp.training.model import Model

RANDOM = np.random.default_rng(6)
X, LABELS = RANDOM.normal(size=(50, 4)), RANDOM.integers(0, 3, 50)
Y = np.eye(3)[LABELS]
MANY = ["accuracy", "auc", "mae", metrics.TopKCategoricalAccuracy(2), metrics.Precision(top_k=1), metrics.R2Score()]


def make(measures=(), loss="categorical_crossentropy", weighted=(), rate=0.25, dtype="float64"):
    model = Sequential([Input((4,)), Dense(6, "relu"), Dropout(rate), Dense(3, "softmax")], seed=4, dtype=dtype)
    model.compile("adam", loss, list(measures), weighted_metrics=list(weighted))
    return model


def confidence(y_true, y_pred):
    return y_pred.max(axis=1)


def worst(y_true, y_pred):
    return np.abs(y_true - y_pred).max()


class Largest(metrics.Metric):
    """The largest output so far, times a factor."""

    def __init__(self, factor=1.0, name="largest", **kwargs):
        super().__init__(name=name, **kwargs)
        self.factor = factor
        self.reset_state()

    def reset_state(self):
        self.value = 0.0

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.value = max(self.value, float(y_pred.max()) * self.factor)

    def result(self):
        return self.value


@pytest.mark.parametrize(
    ("plain", "weighted", "names"),
    [
        (["acc", "MSE", metrics.AUC()], [], ["acc", "MSE", "auc"]),
        ([metrics.AUC(), metrics.AUC(curve="PR"), "auc"], [], ["auc", "auc_1", "auc_2"]),
        (["mae"], ["mae", "accuracy", "mae"], ["mae", "weighted_mae", "accuracy", "weighted_mae_1"]),
        ([confidence, Largest, Largest(2.0, "more")], [], ["confidence", "largest", "more"]),
        ([metrics.KLDivergence, metrics.TopKCategoricalAccuracy], [], ["kl_divergence", "top_k_categorical_accuracy"]),
    ],
)
def test_names(plain, weighted, names):
    model = make(plain, weighted=weighted)
    assert model.metrics_names == ["loss", *names]
    assert list(model.fit(X, Y, verbose=0).history) == sorted(["loss", *names])
    values = model.evaluate(X, Y, verbose=0)
    assert dict(zip(model.metrics_names, values, strict=True)) == model.evaluate(X, Y, verbose=0, return_dict=True)


@pytest.mark.parametrize(
    ("plain", "error", "message"),
    [
        (["accuracy", metrics.AUC(name="loss")], ValueError, "metrics: got one called 'loss', needs another name"),
        (["auc", metrics.AUC(name="auc_1"), "auc"], ValueError, "metrics: got the names .* needs different ones"),
        ([MANY[-1]] * 2, ValueError, "metrics: got the same object twice"),
        (["sparse_top_k_categorical_accuracy"], ValueError, "metrics: got 'sparse_top_k_.*needs one for the y of"),
        ({"accuracy"}, TypeError, "metrics: got {'accuracy'}, needs a list"),
    ],
)
def test_what_cannot_be_compiled(plain, error, message):
    model = make()
    with pytest.raises(error, match=message):
        model.compile("adam", "categorical_crossentropy", plain)
    assert model.metrics == []
    with pytest.raises(ValueError, match="got an object of metrics, needs another one"):
        model.compile("adam", "categorical_crossentropy", MANY[-1:], weighted_metrics=MANY[-1:])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_evaluation_is_that_of_the_predictions(dtype):
    model = make(MANY, dtype=dtype)
    model.fit(X, Y, verbose=0)
    p = model.predict(X, verbose=0)
    results = model.evaluate(X, Y, verbose=0, return_dict=True)
    for name, measure in zip(model.metrics_names[1:], model.metrics, strict=True):
        twin = metrics.get("categorical_accuracy") if name == "accuracy" else copy.deepcopy(measure)
        twin.reset_state()
        assert results[name] == twin(Y, p), name
    assert model.test_on_batch(X, Y, return_dict=True) == results


def test_training_measures_each_batch_before_its_update():
    """As train_on_batch does, whose predictions are those of predict where there is no dropout."""
    model, by_hand = make(MANY, rate=0.0), make(rate=0.0)
    history = model.fit(X, Y, 8, shuffle=False, verbose=0).history
    p = []
    for start in range(0, 50, 8):
        p.append(by_hand.predict(X[start : start + 8], verbose=0))
        by_hand.train_on_batch(X[start : start + 8], Y[start : start + 8])
    for name, measure in zip(model.metrics_names[2:], MANY[1:], strict=True):
        twin = copy.deepcopy(metrics.get(measure))
        twin.reset_state()
        assert history[name] == [twin(Y, np.concatenate(p))], name


def test_batches_hooks_and_streams_give_the_values_of_whole_epochs():
    logs = []
    callback = Callback()
    callback.on_train_batch_end = lambda batch, values: logs.append(values)
    callback.on_test_batch_end = lambda batch, values: logs.append(values)
    whole, watched, streamed = make(MANY), make(MANY), make(MANY)
    settings = {"epochs": 2, "shuffle": False, "verbose": 0}
    first = whole.fit(X, Y, 8, validation_data=(X, Y), **settings).history
    second = watched.fit(X, Y, 8, validation_data=(X, Y), callbacks=[callback], **settings).history
    batches = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 50, 8)]
    third = streamed.fit(batches_of(batches), validation_data=batches_of(batches), **settings).history
    assert len(logs) == 2 * (7 + 7) and set(logs[0]) == set(whole.metrics_names)
    assert logs[-1]["auc"] == second["val_auc"][-1]
    for name, values in first.items():
        assert second[name] == pytest.approx(values, rel=1e-13) == third[name]
    assert all(np.array_equal(a, b) for a, b in zip(whole.get_weights(), watched.get_weights(), strict=True))


def batches_of(batches):
    class Batches:
        def __iter__(self):
            return iter(batches)

    return Batches()


def test_a_second_accuracy_is_the_engines_too():
    for loss, y, name in (
        ("categorical_crossentropy", Y, "categorical_accuracy"),
        ("sparse_categorical_crossentropy", LABELS, "sparse_categorical_accuracy"),
        ("mse", Y, "binary_accuracy"),
    ):
        model = make([name, metrics.get(name), "accuracy"], loss)
        history = model.fit(X, y, 8, epochs=2, verbose=0).history
        assert model.engine_metric == name and history[name] == pytest.approx(history[f"{name}_1"], rel=1e-14)
    model = make([metrics.BinaryAccuracy(threshold=0.3), "accuracy"], "mse")
    assert model.engine_metric == "categorical_accuracy"
    p = model.predict(X, verbose=0)
    assert model.evaluate(X, Y, verbose=0)[1] == pytest.approx(((p > 0.3) == (Y > 0.5)).mean(), rel=1e-14)


class Recorded:
    """A network that notes how it is called."""

    def __init__(self, network, calls):
        self.network, self.calls = network, calls

    def train_epoch(self, *arguments, **named):
        self.calls.append((arguments, named))
        return self.network.train_epoch(*arguments, **named)


def calls_of(model, monkeypatch, **settings):
    calls, original = [], Model.network_for_training
    monkeypatch.setattr(Model, "network_for_training", lambda self, rows: Recorded(original(self, rows), calls))
    model.fit(X, Y, 8, epochs=3, verbose=0, **settings)
    return calls


def test_one_accuracy_without_weights_asks_the_engine_for_nothing_more(monkeypatch):
    calls = calls_of(make(["accuracy"]), monkeypatch)
    assert len(calls) == 3
    for (_, _, order, size, metric), named in calls:
        assert (len(order), size, metric) == (50, 8, "categorical_accuracy")
        assert set(named.values()) == {None}


def test_predictions_have_one_memory_in_a_fit(monkeypatch):
    calls = calls_of(make(["accuracy", "auc"]), monkeypatch)
    memories = [named["predictions"] for _, named in calls]
    assert len(memories) == 3 and memories[0].shape == (50, 3) and len({memory.ctypes.data for memory in memories}) == 1


def test_the_examples_of_the_documentation_run():
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    names = {}
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(code, names)
    assert {"val_area", "val_confidence", "mae"} < set(names["history"])
    p = names["model"](names["x"][:6]).astype(float)
    value, gradient = names["huber"](names["y"][:6], p)
    step = 1e-6 * np.eye(3)[1] * np.eye(6)[:, 2:3]
    change = names["huber"](names["y"][:6], p + step)[0].mean() - names["huber"](names["y"][:6], p - step)[0].mean()
    assert value.shape == (6,) and gradient[2, 1] == pytest.approx(change / 2e-6, rel=1e-6)


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
    class Pair(Largest):
        def result(self):
            return [1.0, 2.0]

    with pytest.raises(ValueError, match=r"metrics: largest: got a result of shape \(2,\), needs one number"):
        make([Pair()]).evaluate(X, Y, verbose=0)


def test_callbacks_see_all_metrics(tmp_path, capsys):
    model = make([metrics.AUC(), Largest()])
    stop = EarlyStopping(monitor="val_auc", patience=50, restore_best_weights=True)
    log = CSVLogger(tmp_path / "log.csv")
    history = model.fit(X, Y, epochs=4, verbose=2, validation_data=(X, Y), callbacks=[stop, log]).history
    assert stop.best == max(history["val_auc"])
    assert (tmp_path / "log.csv").read_text().startswith("epoch,auc,largest,loss,val_auc,val_largest,val_loss\n")
    assert " - auc: 0." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("metric", "name", "grows"),
    [
        (metrics.AUC(name="area"), "val_area", True),
        (metrics.FalsePositives(name="false_acc"), "false_acc", False),
        (confidence, "confidence", False),
        (metrics.MeanMetricWrapper(confidence, name="my_accuracy"), "val_my_accuracy", True),
        ("accuracy", "val_loss", False),
    ],
)
def test_callbacks_know_which_way_a_metric_is_better(metric, name, grows):
    stop = EarlyStopping(monitor=name)
    make([metric]).fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=[stop])
    assert stop.grows is grows
    assert EarlyStopping(monitor=name, mode="max").grows


def test_two_functions_of_one_name_are_not_taken_for_each_other(tmp_path):
    model = make([lambda y, p: p[:, 0], lambda y, p: p[:, 1]])
    assert model.metrics_names == ["loss", "<lambda>", "<lambda>_1"]
    for call in (lambda: model.save(tmp_path / "m.safetensors"), lambda: copy.deepcopy(model)):
        with pytest.raises(ValueError, match="metrics: got two different objects called '<lambda>', needs a name"):
            call()


def test_models_with_metrics_come_back_from_files(tmp_path):
    model = make(MANY, weighted=["mse", metrics.AUC(20, "PR", name="area")])
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m.safetensors")
    twin = load_model(tmp_path / "m.safetensors")
    assert twin.metrics_names == model.metrics_names and twin.weighted_metrics[1].curve == "PR"
    assert twin.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    assert pickle.loads(pickle.dumps(model)).metrics_names == model.metrics_names


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


@pytest.mark.parametrize("how", ["arrays", "validation", "batches"])
def test_metrics_and_class_weights_take_the_bits_that_a_hinge_takes_for_signs(how):
    bits = (LABELS == 0).astype(float)[:, None]
    model = Sequential([Input((4,)), Dense(1, "tanh")], seed=4, dtype="float64")
    model.compile("sgd", "hinge", ["mae"])
    expected = model.loss(bits, model(X)), float(np.abs(model(X) - bits).mean())
    assert model.evaluate(X, bits, verbose=0) == pytest.approx(expected, rel=1e-12)
    weighted = model.loss(bits, model(X), np.where(bits[:, 0] == 1, 3.0, 1.0))
    if how == "arrays":
        values = model.train_on_batch(X, bits, class_weight={1: 3.0})
    elif how == "batches":
        history = model.fit(iter([(X, bits)]), class_weight={1: 3.0}, verbose=0).history
        values = [history["loss"][0], history["mae"][0]]
    else:
        history = model.fit(X, bits, 50, class_weight={1: 3.0}, validation_data=(X, bits), verbose=0).history
        values = [history["loss"][0], history["mae"][0]]
        assert history["val_mae"][0] == pytest.approx(np.abs(model(X) - bits).mean(), rel=1e-12)
    assert values == pytest.approx([weighted, expected[1]], rel=1e-12)


def test_an_accuracy_of_the_users_own_is_not_the_engines():
    class Always(metrics.CategoricalAccuracy):
        def values(self, y_true, y_pred):
            return np.ones(len(y_pred))

    model = make([Always(name="always")])
    assert model.engine_metric is None and model.evaluate(X, Y, verbose=0)[1] == 1.0
