"""fit: History, validation, shuffling, seeds, callbacks, and the same bits as the oracle."""

import subprocess
import sys

import numpy as np
import pytest

from fastmlp.callbacks import Callback, History
from fastmlp.config import seeds
from fastmlp.layers import Dense, Dropout, Input
from fastmlp.models import Sequential
from fastmlp.optimizers import SGD
from fastmlp.regularizers import L2
from reference.network import Network as Oracle

X = np.random.default_rng(0).normal(size=(50, 4))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


def make(seed=1, optimizer="adam", metrics=("accuracy",), dtype="float64", rate=0.25):
    model = Sequential([Input((4,)), Dense(6, "relu"), Dropout(rate), Dense(3, "softmax")], seed=seed, dtype=dtype)
    model.compile(optimizer, "sparse_categorical_crossentropy", list(metrics))
    return model


def fit(model, *arguments, **settings):
    return model.fit(*(arguments or (X, Y)), verbose=0, **settings)


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_history_has_sorted_names_and_plain_floats():
    model = make()
    history = fit(model, epochs=3, batch_size=16, validation_split=0.2)
    assert isinstance(history, History) and model.history is history and history.model is model
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert all(len(values) == 3 and {type(v) for v in values} == {float} for values in history.history.values())
    assert history.epoch == [0, 1, 2] and history.params == {"verbose": 0, "epochs": 3, "steps": 3}
    assert list(fit(make(metrics=["acc"])).history) == ["acc", "loss"]
    assert list(fit(make(metrics=[])).history) == ["loss"]


def test_a_run_has_the_same_bits_as_the_oracle():
    model = Sequential(
        [Input((4,)), Dense(6, "tanh", kernel_regularizer=L2(0.01)), Dropout(0.25), Dense(3, "softmax")],
        seed=9,
        dtype="float64",
    )
    model.compile(SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy", ["accuracy"])
    layers = [
        {"kind": "dense", "units": 6, "activation": "tanh", "use_bias": True, "kernel": {"l2": 0.01}},
        {"kind": "dropout", "rate": 0.25, "seed": seeds.dropout_seed(9)},
        {"kind": "dense", "units": 3, "activation": "softmax", "use_bias": True},
    ]
    optimizer = {"name": "momentum", "learning_rate": 0.1, "momentum": 0.9}
    oracle = Oracle(4, layers, loss="sparse_categorical_crossentropy", optimizer=optimizer)
    oracle.set_weights([weight.tolist() for weight in model.get_weights()])
    history = fit(model, epochs=2, batch_size=8).history
    fit(model, epochs=1, batch_size=8)
    for epoch in range(3):
        order = seeds.row_order(9, epoch, 50).tolist()
        expected = oracle.train_epoch(X.tolist(), Y.tolist(), order, 8, "sparse_categorical_accuracy")
        if epoch < 2:
            assert (history["loss"][epoch], history["accuracy"][epoch]) == expected
    assert same(model.get_weights(), [np.array(weight) for weight in oracle.get_weights()])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_seed_gives_the_same_model(dtype):
    first, second, other = (make(seed, dtype=dtype) for seed in (1, 1, 2))
    assert fit(first, epochs=3).history == fit(second, epochs=3).history != fit(other, epochs=3).history
    assert same(first.get_weights(), second.get_weights())


def test_a_second_fit_goes_on_where_the_first_ended():
    whole, parts = make(), make()
    losses = fit(whole, epochs=4).history["loss"]
    parted = fit(parts, epochs=1).history["loss"] + fit(parts, epochs=3).history["loss"]
    assert losses == parted and same(whole.get_weights(), parts.get_weights())


def test_each_epoch_has_its_own_order_of_all_the_rows():
    orders = [seeds.row_order(5, epoch, 100) for epoch in range(3)]
    assert all(sorted(order) == list(range(100)) and order.dtype == np.int64 for order in orders)
    assert not np.array_equal(orders[0], orders[1]) and not np.array_equal(orders[1], orders[2])


def test_without_shuffle_the_rows_are_visited_in_order():
    model, sorted_by_hand = make(rate=0.0), make(rate=0.0)
    order = seeds.row_order(1, 0, 50)
    fit(model)
    fit(sorted_by_hand, X[order], Y[order], shuffle=False)
    assert same(model.get_weights(), sorted_by_hand.get_weights())


@pytest.mark.parametrize(("fraction", "at"), [(0.2, 40), (0.25, 37), (0.01, 49), (0.98, 1)])
def test_the_validation_split_is_the_last_rows_before_any_shuffle(fraction, at):
    split, by_hand = make(), make()
    first = fit(split, epochs=2, validation_split=fraction)
    second = fit(by_hand, X[:at], Y[:at], epochs=2, validation_data=(X[at:], Y[at:]))
    assert first.history == second.history
    loss, accuracy = split.evaluate(X[at:], Y[at:], verbose=0)
    assert (first.history["val_loss"][-1], first.history["val_accuracy"][-1]) == (loss, accuracy)


def test_validation_data_comes_before_a_split():
    data = (X[:5], Y[:5])
    both = fit(make(), validation_data=data, validation_split=0.5)
    assert both.history == fit(make(), validation_data=data).history


def test_validation_does_not_change_training():
    assert fit(make(), epochs=2, validation_data=(X, Y)).history["loss"] == fit(make(), epochs=2).history["loss"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size: got 0, needs an integer of at least 1"),
        ({"batch_size": 2.5}, TypeError, "batch_size: got 2.5"),
        ({"epochs": -1}, ValueError, "epochs: got -1, needs an integer of at least 0"),
        ({"epochs": True}, TypeError, "epochs: got True"),
        ({"validation_split": 1.0}, ValueError, r"validation_split: got 1.0, needs a finite number in \[0, 1\)"),
        ({"validation_split": -0.1}, ValueError, "validation_split: got -0.1"),
        ({"validation_split": "a"}, TypeError, "validation_split: got 'a'"),
        (
            {"validation_split": 0.99},
            ValueError,
            "validation_split: got 0.99 of 50 rows, 0 to train on and 50 to validate",
        ),
        ({"validation_data": X}, TypeError, "validation_data: got ndarray, needs"),
        ({"validation_data": (X,)}, ValueError, "validation_data: got 1 items, needs two or three"),
        ({"validation_data": (X[:, :3], Y)}, ValueError, r"validation_data x: got shape \(50, 3\), needs \(rows, 4\)"),
        ({"validation_data": (X, Y + 1)}, ValueError, "validation_data y: got labels from 1 to 3"),
        ({"shuffle": "batch"}, TypeError, "shuffle: got 'batch', needs True or False"),
        ({"callbacks": print}, TypeError, "callbacks: got <built-in function print>, needs a list"),
        ({"callbacks": [print]}, TypeError, "callbacks: got <built-in function print>, needs objects derived from"),
        ({"y": Y[:49]}, ValueError, "y: got 49 rows, needs 50"),
        ({"y": Y + 1}, ValueError, "y: got labels from 1 to 3, needs integers from 0 to 2"),
        ({"x": np.where(X > 1, np.nan, X)}, ValueError, "x: got nan in row"),
    ],
)
def test_bad_arguments_are_refused_before_anything_changes(arguments, error, message):
    model = Sequential([Dense(6, "relu"), Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(error, match=message):
        model.fit(**{"x": X, "y": Y, "verbose": 0, **arguments})
    assert not model.built and model.history is None and model.epochs_trained == 0


def test_a_bad_number_of_threads_shows_before_anything_is_printed_or_changed(monkeypatch, capsys):
    monkeypatch.setenv("FASTMLP_NUM_THREADS", "two")
    model = Sequential([Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="FASTMLP_NUM_THREADS: got 'two'"):
        model.fit(X, Y, epochs=2)
    assert capsys.readouterr().out == "" and not model.built


def test_arguments_of_keras_that_are_not_there_are_not_ignored():
    with pytest.raises(TypeError, match="workers"):
        make().fit(X, Y, workers=1)


def test_read_only_and_strided_arrays_train_like_plain_ones():
    strided = np.repeat(X, 2, axis=1)[:, ::2]
    strided.flags.writeable = False
    labels = Y.reshape(-1, 1).astype(">f4")
    labels.flags.writeable = False
    fortran = np.asfortranarray(X)
    assert fit(make(), strided, labels).history == fit(make(), fortran, Y).history == fit(make()).history


def test_a_batch_larger_than_the_data_is_one_step():
    model = make()
    assert fit(model, batch_size=10**18).params["steps"] == 1 and model.network.step == 1


class Recorder(Callback):
    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append(("train_begin", dict(logs)))

    def on_train_end(self, logs=None):
        self.calls.append(("train_end", list(logs)))

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(("epoch_begin", epoch))

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(("epoch_end", epoch, list(logs)))


def test_hooks_are_called_in_order_and_know_the_model():
    model, recorder = make(), Recorder()
    fit(model, epochs=2, callbacks=recorder)
    assert recorder.model is model and recorder.params == {"verbose": 0, "epochs": 2, "steps": 2}
    names = ["accuracy", "loss"]
    assert recorder.calls == [
        ("train_begin", {}),
        ("epoch_begin", 0),
        ("epoch_end", 0, names),
        ("epoch_begin", 1),
        ("epoch_end", 1, names),
        ("train_end", names),
    ]


def test_a_callback_can_stop_add_to_the_logs_and_set_the_learning_rate():
    class Schedule(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 0.0 if epoch else 0.1

        def on_epoch_end(self, epoch, logs=None):
            logs["rate"] = self.model.optimizer.learning_rate
            weights.append(self.model.get_weights())
            self.model.stop_training = epoch == 1

    weights = []
    model = make(optimizer="sgd")
    start = model.get_weights()
    history = fit(model, epochs=5, callbacks=[Schedule()])
    assert history.epoch == [0, 1] and history.history["rate"] == [0.1, 0.0]
    assert not same(start, weights[0]) and same(weights[0], weights[1])
    assert len(fit(model, epochs=3).epoch) == 3  # the next fit is not stopped


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_epoch_end"])
@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.compile("sgd", "mse"),
        lambda model: model.add(Dense(2)),
        lambda model: (model.pop(), model.add(Dense(2))),
    ],
    ids=["compile", "add", "pop"],
)
def test_a_callback_that_changes_the_network_ends_fit(hook, change):
    callback = Callback()
    setattr(callback, hook, lambda *arguments: change(callback.model))
    model = make()
    with pytest.raises(RuntimeError, match="fit: got a callback that called add, pop or compile, needs the same"):
        fit(model, epochs=2, callbacks=[callback])
    assert model(X).shape[0] == 50


def test_a_callback_may_compile_at_the_end():
    callback = Callback()
    callback.on_train_end = lambda logs: callback.model.compile("sgd", "sparse_categorical_crossentropy")
    model = make()
    fit(model, callbacks=[callback])
    assert fit(model).history.keys() == {"loss"}


def test_an_error_in_a_callback_leaves_a_model_that_trains_on():
    class Failing(Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError("stop here")

    model, twin = make(), make()
    with pytest.raises(RuntimeError, match="stop here"):
        fit(model, epochs=3, callbacks=[Failing()])
    fit(model)
    fit(twin, epochs=2)
    assert same(model.get_weights(), twin.get_weights())


def test_an_interrupt_ends_a_long_epoch():
    code = """
import os, signal, threading, time
import numpy as np
from fastmlp.layers import Dense
from fastmlp.models import Sequential
x, y = np.ones((100_000, 1000), np.uint8), np.zeros(100_000)
model = Sequential([Dense(1000), Dense(1)])
model.compile("sgd", "mse")
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell turns off for its background jobs
def interrupt():
    while model._network is None or not model._network.steps_done:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    model.fit(x, y, batch_size=1, verbose=0)
except KeyboardInterrupt:
    os._exit(17 + model.epochs_trained)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=300, stderr=subprocess.PIPE).returncode == 17
