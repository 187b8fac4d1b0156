"""The values of metrics in fit and evaluate, and what callbacks see of them."""

import copy

import numpy as np
import pytest

from fastmlp import metrics
from fastmlp.callbacks import Callback, CSVLogger, EarlyStopping
from fastmlp.layers import Dense, Input
from fastmlp.models import Sequential
from tests.metrics.models import LABELS, MANY, Largest, X, Y, confidence, make


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
