"""The simple callbacks by Keras' documentation: rates, logs, functions, and an end at NaN."""

import csv

import numpy as np
import pytest

from fastmlp.callbacks import CSVLogger, LambdaCallback, LearningRateScheduler, TerminateOnNaN
from fastmlp.layers import Dense, Input
from fastmlp.models import Sequential
from fastmlp.optimizers import SGD
from tests.callbacks.models import X, Y, fit, make


def test_learning_rate_scheduler(capsys):
    rates = fit(
        make(optimizer=SGD(0.5)), epochs=3, callbacks=[LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1)]
    ).history["learning_rate"]
    assert rates == [0.25, 0.125, 0.0625]
    assert "\nEpoch 2: LearningRateScheduler setting learning rate to 0.125.\n" in capsys.readouterr().out
    rates = fit(make(), epochs=2, callbacks=[LearningRateScheduler(lambda epoch: 0.1 * epoch)]).history
    assert rates["learning_rate"] == [0.0, 0.1]
    with pytest.raises(TypeError, match="learning_rate: got 'fast'"):
        fit(make(), callbacks=[LearningRateScheduler(lambda epoch: "fast")])


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    history = fit(make(), epochs=2, validation_split=0.2, callbacks=[CSVLogger(path)]).history
    rows = list(csv.DictReader(path.open()))
    assert [row["epoch"] for row in rows] == ["0", "1"] and list(rows[0]) == ["epoch", *sorted(history)]
    assert [float(row["val_loss"]) for row in rows] == history["val_loss"]
    fit(make(), epochs=3, initial_epoch=2, callbacks=[CSVLogger(path, append=True)])
    rows = list(csv.DictReader(path.open()))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"] and rows[2]["val_loss"] == "NA"
    fit(make(), callbacks=[CSVLogger(path, separator=";")])
    assert path.read_text().splitlines()[0] == "epoch;accuracy;loss;val_accuracy;val_loss"


def test_each_line_of_csv_logger_is_in_the_file_when_its_epoch_ends(tmp_path):
    lines = []
    path = tmp_path / "log.csv"
    after = LambdaCallback(on_epoch_end=lambda epoch, logs: lines.append(len(path.read_text().splitlines())))
    fit(make(), epochs=2, callbacks=[CSVLogger(path), after])
    assert lines == [2, 3]


def test_lambda_callback_takes_functions_alone():
    with pytest.raises(TypeError, match="LambdaCallback: got 'on_epoch', needs names of hooks: on_train_begin"):
        LambdaCallback(on_epoch=print)
    with pytest.raises(TypeError, match="on_epoch_end: got 3, needs a function"):
        LambdaCallback(on_epoch_end=3)
    fit(make(), callbacks=[LambdaCallback(on_epoch_end=None)])


def test_terminate_on_nan(capsys):
    model = Sequential([Input((4,)), Dense(3)], seed=1)
    model.compile(SGD(1e30), "mse")
    history = model.fit(X, np.eye(3)[Y], epochs=10, verbose=0, callbacks=[TerminateOnNaN()])
    assert len(history.epoch) < 10 and not np.isfinite(history.history["loss"][-1])
    assert f"Epoch {len(history.epoch)}: Invalid loss, terminating training" in capsys.readouterr().out


def test_terminate_on_nan_by_an_error():
    model, ended = Sequential([Input((4,)), Dense(3)], seed=1), []
    model.compile(SGD(1e30), "mse")
    end = LambdaCallback(on_train_end=ended.append)
    with pytest.raises(RuntimeError, match=r"TerminateOnNaN: got a loss of (inf|nan) in epoch \d, needs a finite one"):
        model.fit(X, np.eye(3)[Y], epochs=10, verbose=0, callbacks=[TerminateOnNaN(raise_error=True), end])
    assert not ended
    with pytest.raises(TypeError, match="raise_error: got 1, needs True or False"):
        TerminateOnNaN(1)


def test_a_callback_without_a_model_says_so():
    with pytest.raises(RuntimeError, match="TerminateOnNaN: got no model"):
        TerminateOnNaN().on_epoch_end(0, {"loss": float("nan")})
