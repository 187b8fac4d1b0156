"""Callbacks: which hooks are called and when, and Keras' own callbacks by their documentation."""

import csv
import inspect

import numpy as np
import pytest

from fastmlp import callbacks
from fastmlp.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    SwapEMAWeights,
    TerminateOnNaN,
)
from fastmlp.layers import Dense, Dropout, Input
from fastmlp.models import Sequential
from fastmlp.optimizers import SGD
from tests import keras_values

X = np.random.default_rng(0).normal(size=(50, 4))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
ALL_HOOKS = sorted(name for name in dir(Callback) if name.startswith("on_"))


def make(seed=1, optimizer="adam", dtype="float64"):
    model = Sequential([Input((4,)), Dense(6, "relu"), Dropout(0.25), Dense(3, "softmax")], seed=seed, dtype=dtype)
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    return model


def fit(model, **settings):
    return model.fit(X, Y, **{"verbose": 0, "batch_size": 16, **settings})


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def recorder(*hooks):
    """A callback that notes the calls of these hooks, and the list of its notes."""
    calls = []

    def note(name):
        return lambda *arguments: calls.append((name.removeprefix("on_"), *arguments[:-1]))

    return LambdaCallback(**{name: note(name) for name in hooks}), calls


@pytest.mark.parametrize(
    ("name", "defaults"),
    [
        (
            "EarlyStopping",
            {
                "monitor": "val_loss",
                "min_delta": 0,
                "patience": 0,
                "verbose": 0,
                "mode": "auto",
                "baseline": None,
                "restore_best_weights": False,
                "start_from_epoch": 0,
            },
        ),
        (
            "ReduceLROnPlateau",
            {
                "monitor": "val_loss",
                "factor": 0.1,
                "patience": 10,
                "verbose": 0,
                "mode": "auto",
                "min_delta": 1e-4,
                "cooldown": 0,
                "min_lr": 0.0,
            },
        ),
        (
            "ModelCheckpoint",
            {
                "monitor": "val_loss",
                "verbose": 0,
                "save_best_only": False,
                "save_weights_only": False,
                "mode": "auto",
                "save_freq": "epoch",
                "initial_value_threshold": None,
            },
        ),
        ("CSVLogger", {"separator": ",", "append": False}),
        ("LearningRateScheduler", {"verbose": 0}),
        ("SwapEMAWeights", {"swap_on_epoch": False}),
        ("BackupAndRestore", {"save_freq": "epoch", "double_checkpoint": False, "delete_checkpoint": True}),
    ],
)
def test_arguments_have_the_order_and_defaults_of_keras(name, defaults):
    parameters = list(inspect.signature(getattr(callbacks, name)).parameters.values())
    found = {one.name: one.default for one in parameters if one.default is not one.empty}
    assert list(found.items()) == list(defaults.items())


def test_all_hooks_are_called_in_order():
    callback, calls = recorder(*ALL_HOOKS)
    model = make()
    fit(model, batch_size=25, validation_split=0.2, validation_batch_size=5, callbacks=[callback])
    batches = [(f"train_batch_{edge}", batch) for batch in (0, 1) for edge in ("begin", "end")]
    tests = [(f"test_batch_{edge}", batch) for batch in (0, 1) for edge in ("begin", "end")]
    assert calls == [
        ("train_begin",),
        ("epoch_begin", 0),
        *batches,
        ("test_begin",),
        *tests,
        ("test_end",),
        ("epoch_end", 0),
        ("train_end",),
    ]
    calls.clear()
    model.evaluate(X[:10], Y[:10], batch_size=5, verbose=0, callbacks=[callback])
    assert calls == [("test_begin",), *tests, ("test_end",)] and callback.params == {"verbose": 0, "steps": 2}
    calls.clear()
    model.predict(X[:10], batch_size=5, verbose=0, callbacks=callback)
    predicts = [(f"predict_batch_{edge}", batch) for batch in (0, 1) for edge in ("begin", "end")]
    assert calls == [("predict_begin",), *predicts, ("predict_end",)]


@pytest.mark.parametrize("hook", ["on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_batch_hooks_leave_the_bits_of_training(hook, dtype):
    plain, watched = make(dtype=dtype), make(dtype=dtype)
    first = fit(plain, epochs=3, validation_split=0.2).history
    callback, calls = recorder(hook)
    second = fit(watched, epochs=3, validation_split=0.2, callbacks=[callback]).history
    assert len(calls) == 9 and same(plain.get_weights(), watched.get_weights())
    assert first["val_loss"] == second["val_loss"] and second["loss"] == pytest.approx(first["loss"], rel=1e-12)


def test_without_batch_hooks_an_epoch_is_one_call_of_the_engine(monkeypatch):
    calls = []

    class Counting:
        def __init__(self, network):
            self.network = network

        def __getattr__(self, name):
            if name in ("train_epoch", "evaluate", "predict"):
                calls.append(name)
            return getattr(self.network, name)

    model = make()
    monkeypatch.setattr(Sequential, "network_for_rows", lambda self, rows, passes=1: Counting(self.network))
    callback, _ = recorder("on_epoch_end", "on_test_end")
    fit(model, epochs=2, validation_split=0.2, callbacks=[callback, EarlyStopping(), TerminateOnNaN()])
    assert calls == ["train_epoch", "evaluate"] * 2
    calls.clear()
    model.predict(X, verbose=0, batch_size=5)
    model.evaluate(X, Y, verbose=0, batch_size=5)
    assert calls == ["predict", "evaluate"]


def test_the_logs_of_batches_are_means_since_the_start():
    logs = {"train": [], "test": [], "predict": []}
    callback = LambdaCallback(
        on_train_batch_end=lambda batch, log: logs["train"].append(log),
        on_test_batch_end=lambda batch, log: logs["test"].append(log),
        on_predict_batch_end=lambda batch, log: logs["predict"].append(log["outputs"]),
    )
    model = make()
    history = fit(model, callbacks=[callback]).history
    assert len(logs["train"]) == 4 and logs["train"][-1] == {name: value[0] for name, value in history.items()}
    result = model.evaluate(X, Y, verbose=0, batch_size=16, callbacks=[callback], return_dict=True)
    assert logs["test"][-1] == result == pytest.approx(model.evaluate(X, Y, verbose=0, return_dict=True), rel=1e-12)
    assert logs["test"][0] == model.evaluate(X[:16], Y[:16], verbose=0, return_dict=True)
    outputs = model.predict(X, verbose=0, batch_size=16, callbacks=[callback])
    assert np.array_equal(np.concatenate(logs["predict"]), outputs) and np.array_equal(outputs, model(X))


def test_a_batch_hook_can_stop_and_set_the_learning_rate():
    def each(batch, logs):
        model.optimizer.learning_rate = 0.0
        model.stop_training = batch == 1

    model = make(optimizer="sgd")
    weights = []
    callback = LambdaCallback(
        on_train_batch_begin=lambda batch, logs: weights.append(model.get_weights()), on_train_batch_end=each
    )
    history = fit(model, epochs=3, callbacks=[callback])
    assert history.epoch == [0] and len(weights) == 2 and model.network.step == 2
    assert same(weights[1], model.get_weights()) and not same(weights[0], weights[1])


@pytest.mark.parametrize("hook", ["on_train_batch_begin", "on_train_batch_end", "on_test_batch_begin"])
def test_a_batch_hook_that_changes_the_network_ends_fit(hook):
    model = make()
    callback = LambdaCallback(**{hook: lambda batch, logs: model.compile("sgd", "mse")})
    with pytest.raises(RuntimeError, match="got a callback that called add, pop or compile"):
        fit(model, callbacks=[callback], validation_split=0.2)


def watch(values, callback, name="val_loss", epochs=None):
    """Run a callback on made-up values; return the model as it is then."""
    model = make()
    feed = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update({name: values[epoch]}))
    model.watched = fit(model, epochs=epochs or len(values), callbacks=[feed, callback])
    return model


@pytest.mark.parametrize(
    ("values", "settings", "epochs"),
    [
        ([3, 2, 2, 1], {}, 3),
        ([3, 2, 2, 2, 1], {"patience": 2}, 4),
        ([3, 2, 2, 1, 1, 1], {"patience": 2}, 6),
        ([3, 2.9, 2.8, 2.7], {"min_delta": 0.5, "patience": 2}, 3),
        ([3, 2.9, 2.8, 2.7], {"min_delta": -0.5, "patience": 2}, 3),
        ([1, 2, 3, 2, 9], {"mode": "max"}, 4),
        ([1, 2, 3, 2, 9], {"monitor": "val_accuracy"}, 4),
        ([1, 2, 1], {"monitor": "val_accuracy", "mode": "min"}, 2),
        ([5, 4, 3, 2, 1], {"baseline": 0.5, "patience": 2}, 5),
        ([5, 5, 3, 2, 1], {"baseline": 0.5, "patience": 2}, 2),
        ([9, 9, 9, 2, 1, 1], {"start_from_epoch": 3}, 6),
        ([float("nan")] * 4, {"patience": 2}, 2),
    ],
)
def test_early_stopping(values, settings, epochs):
    callback = EarlyStopping(**settings)
    model = watch(values, callback, settings.get("monitor", "val_loss"))
    assert len(model.watched.epoch) == epochs


def test_early_stopping_restores_the_best_weights(capsys):
    snapshots = []
    model = make()
    feed = LambdaCallback(
        on_epoch_end=lambda epoch, logs: (
            logs.update(val_loss=[3, 1, 2, 2, 0][epoch]),
            snapshots.append(model.get_weights()),
        )
    )
    stopping = EarlyStopping(patience=2, restore_best_weights=True, verbose=1)
    fit(model, epochs=5, callbacks=[feed, stopping])
    assert len(snapshots) == 4 and same(model.get_weights(), snapshots[1]) and stopping.best_epoch == 1
    assert capsys.readouterr().out == (
        "Epoch 4: early stopping\nRestoring model weights from the end of the best epoch: 2.\n"
    )


@pytest.mark.parametrize("callback", [EarlyStopping(), ReduceLROnPlateau()])
def test_a_value_that_is_not_there_is_warned_of(callback):
    with pytest.warns(UserWarning, match="got no 'val_loss' to monitor, needs one of: accuracy"):
        fit(make(), callbacks=[callback])


def test_reduce_lr_on_plateau(capsys):
    callback = ReduceLROnPlateau(factor=0.5, patience=2, cooldown=1, min_lr=0.15, verbose=1)
    model = make(optimizer=SGD(1.0))
    feed = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(val_loss=1.0 - 1e-6 * epoch))
    rates = fit(model, epochs=10, callbacks=[feed, callback]).history["learning_rate"]
    # Improvements below 1e-4 do not count; after a change one epoch is not counted.
    assert rates == [1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.15, 0.15, 0.15]
    assert model.optimizer.learning_rate == 0.15
    assert "\nEpoch 3: ReduceLROnPlateau reducing learning rate to 0.5.\n" in capsys.readouterr().out


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


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: EarlyStopping(mode="up"), ValueError, "mode: got 'up', needs one of 'auto', 'min', 'max'"),
        (lambda: EarlyStopping(patience=-1), ValueError, "patience: got -1"),
        (lambda: EarlyStopping(monitor=3), TypeError, "monitor: got 3"),
        (lambda: EarlyStopping(restore_best_weights=1), TypeError, "restore_best_weights: got 1"),
        (lambda: ReduceLROnPlateau(factor=1.0), ValueError, r"factor: got 1.0, needs a finite number in \[0, 1\)"),
        (lambda: ModelCheckpoint("model.keras"), ValueError, "filepath: got 'model.keras', needs a name ending in"),
        (lambda: ModelCheckpoint("m.safetensors", save_freq=0), ValueError, "save_freq: got 0"),
        (lambda: ModelCheckpoint("m.safetensors", save_freq="batch"), TypeError, "save_freq: got 'batch'"),
        (lambda: LearningRateScheduler(0.1), TypeError, "schedule: got 0.1, needs a function"),
        (lambda: CSVLogger("log", separator=""), ValueError, "separator: got ''"),
        (lambda: BackupAndRestore("folder", save_freq=3), ValueError, "save_freq: got 3, needs 'epoch'"),
        (lambda: BackupAndRestore("folder", double_checkpoint=True), ValueError, "double_checkpoint: got True"),
        (lambda: BackupAndRestore(""), ValueError, "backup_dir: got an empty path"),
    ],
)
def test_bad_settings(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_a_callback_without_a_model_says_so():
    with pytest.raises(RuntimeError, match="TerminateOnNaN: got no model"):
        TerminateOnNaN().on_epoch_end(0, {"loss": float("nan")})


# -------------------------------------------------------------------------------------------- averages of the weights

AVERAGED = {"use_ema": True, "ema_momentum": 0.875}


def size(model):
    return sum(np.abs(array).sum() for array in model.get_weights())


@pytest.mark.parametrize(
    ("swap_on_epoch", "sizes"),
    [
        (False, [8.369633001338553, 8.436340201176447, 8.496693930536102]),
        (True, [8.289013617261944, 8.341914295065706, 8.406442443298207]),
    ],
)
def test_an_evaluation_of_the_averages_has_the_values_of_keras(swap_on_epoch, sizes):
    """Keras 3.15.1 with JAX in float64; without the callback its first val_loss is 1.0999."""
    model = Sequential([Input((4,)), Dense(3, "relu"), Dense(3, "softmax")], dtype="float64")
    model.compile(SGD(0.5, **AVERAGED), "categorical_crossentropy")
    model.set_weights(keras_values.first_weights(3))
    x, y, found = keras_values.X, keras_values.Y["onehot"], []
    watch = [SwapEMAWeights(swap_on_epoch), LambdaCallback(on_epoch_end=lambda epoch, logs: found.append(size(model)))]
    settings = {"batch_size": 8, "shuffle": False, "validation_data": (x[:20], y[:20]), "verbose": 0}
    history = model.fit(x, y, epochs=3, callbacks=watch, **settings).history
    assert history["loss"] == pytest.approx([1.1033031597864698, 1.1022926907131698, 1.1013443231721018], rel=1e-12)
    assert history["val_loss"] == pytest.approx([1.0965796609690805, 1.0956357317628833, 1.093928498711668], rel=1e-12)
    assert found == pytest.approx(sizes, rel=1e-12) and size(model) == pytest.approx(8.406442443298207, rel=1e-12)


def test_a_fit_that_stops_early_ends_with_the_averages_too():
    stop, models = LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(stop.model, "stop_training", epoch == 1)), []
    for before in ([], [SwapEMAWeights(swap_on_epoch=True)]):
        models.append(make(optimizer=SGD(0.5, **AVERAGED)))
        assert fit(models[-1], epochs=5, callbacks=[*before, stop]).epoch == [0, 1]
    assert same(models[0].get_weights(), models[1].get_weights())


def test_evaluate_and_predict_use_the_averages_and_put_the_weights_back():
    model, twin = (make(optimizer=SGD(0.5, **AVERAGED)) for _ in range(2))
    for one in (model, twin):
        for rows in (slice(0, 25), slice(25, 50)):
            one.train_on_batch(X[rows], Y[rows])
    before = model.get_weights()
    twin.use_average()
    assert not same(before, twin.get_weights())
    swap = SwapEMAWeights()
    assert model.evaluate(X, Y, verbose=0, callbacks=[swap]) == twin.evaluate(X, Y, verbose=0)
    assert same(model.get_weights(), before)
    assert np.array_equal(model.predict(X, verbose=0, callbacks=[swap]), twin(X))
    assert same(model.get_weights(), before)


def test_averages_of_an_optimizer_that_keeps_none():
    model = make(optimizer=SGD(0.5))
    before, callbacks_ = model.get_weights(), [SwapEMAWeights()]
    for run in (lambda: fit(model, callbacks=callbacks_), lambda: model.predict(X, verbose=0, callbacks=callbacks_)):
        with pytest.raises(ValueError, match=r"SwapEMAWeights: got SGD\(.*\), needs an optimizer with use_ema=True"):
            run()
    assert same(model.get_weights(), before)
    with pytest.raises(ValueError, match="needs an optimizer with use_ema=True"):
        Sequential([Input((4,)), Dense(1)]).predict(X, verbose=0, callbacks=callbacks_)
