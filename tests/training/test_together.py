"""Epochs that nobody looks at share a call of the engine: the bits, and all that a model keeps, are the same."""

import signal

import numpy as np
import pytest

from fastmlp.callbacks import Callback, EarlyStopping
from fastmlp.layers import BatchNormalization, Dense, Dropout, Input
from fastmlp.models import Sequential
from fastmlp.optimizers import SGD, Adam
from fastmlp.optimizers.schedules import ExponentialDecay
from fastmlp.training import loops

X = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


class Looks(Callback):
    """A callback that looks at each epoch, so that each has a call of its own."""

    def on_epoch_begin(self, epoch, logs=None):
        pass


def make(optimizer="adam", metrics=("accuracy",), loss="sparse_categorical_crossentropy"):
    layers = [Input((4,)), Dense(6, "relu", kernel_regularizer="l2"), BatchNormalization(), Dropout(0.25)]
    model = Sequential([*layers, Dense(3, "softmax")], seed=1)
    model.compile(optimizer, loss, list(metrics))
    return model


@pytest.fixture
def calls(monkeypatch):
    """How many epochs each call of the engine had, from the second on as many as there are."""
    found, original = [], loops.run_epochs

    def run_epochs(model, run, epoch, count, *others):
        found.append(count)
        return original(model, run, epoch, count, *others)

    monkeypatch.setattr(loops, "run_epochs", run_epochs)
    monkeypatch.setattr(loops, "SECONDS_TOGETHER", 1e6)
    return found


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"batch_size": 7, "shuffle": False},
        {"initial_epoch": 2},
        {"class_weight": {0: 2.0, 1: 0.5}},
        {"sample_weight": np.linspace(0, 2, 50)},
        {"callbacks": []},
    ],
    ids=lambda settings: next(iter(settings), "plain"),
)
@pytest.mark.parametrize(
    "optimizer",
    [
        Adam,
        lambda: SGD(ExponentialDecay(0.1, 3, 0.9), momentum=0.9),
        lambda: Adam(use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=3, clipnorm=0.5),
    ],
    ids=["adam", "schedule", "average"],
)
def test_the_bits_are_those_of_one_epoch_a_call(calls, settings, optimizer):
    together, one_by_one = make(optimizer()), make(optimizer())
    for _ in range(2):
        histories = [together.fit(X, Y, epochs=5, verbose=0, **settings)]
        histories.append(one_by_one.fit(X, Y, epochs=5, verbose=0, **{**settings, "callbacks": [Looks()]}))
        assert histories[0].history == histories[1].history and histories[0].epoch == histories[1].epoch
    epochs = 5 - settings.get("initial_epoch", 0)
    assert calls == [1, epochs - 1] * 2
    assert together.epochs_trained == one_by_one.epochs_trained == 2 * epochs
    assert together.optimizer.iterations == one_by_one.optimizer.iterations
    for one, other in zip(together.get_weights(), one_by_one.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(
    "settings",
    [
        {"verbose": 2},
        {"validation_split": 0.2},
        {"steps_per_epoch": 3},
        {"callbacks": [EarlyStopping("loss")]},
        {"callbacks": [Looks()]},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_where_somebody_looks_each_epoch_has_its_call(calls, settings):
    make().fit(X, Y, epochs=3, **{"verbose": 0, **settings})
    assert not calls


def test_metrics_of_predictions_and_custom_losses_look_at_each_epoch(calls):
    make(metrics=["sparse_top_k_categorical_accuracy"]).fit(X, Y, epochs=2, verbose=0)
    loss = lambda y, p: (((p - y) ** 2).mean(axis=1), 2 * (p - y) / p.size)  # noqa: E731
    make(metrics=[], loss=loss).fit(X, np.eye(3)[Y], epochs=2, verbose=0)
    assert not calls


def test_other_callbacks_do_not_look(calls):
    class Frames(Callback):
        seen = ()

        def on_train_begin(self, logs=None):
            self.seen = ["begin"]

        def on_train_end(self, logs=None):
            self.seen.append(logs)

    frames = Frames()
    history = make().fit(X, Y, epochs=4, verbose=0, callbacks=[frames]).history
    assert calls == [1, 3] and frames.seen == ["begin", {name: values[-1] for name, values in history.items()}]


def test_calls_are_short(calls, monkeypatch):
    monkeypatch.setattr(loops, "SECONDS_TOGETHER", 0.0)
    make().fit(X, Y, epochs=3, verbose=0)
    assert calls == [1, 1, 1]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that sends a signal")
def test_an_interrupt_keeps_the_finished_epochs(calls, monkeypatch):
    model, again = make(), make()
    x, y = np.tile(X, (40, 1)), np.tile(Y, 40)
    settings = {"batch_size": 1, "shuffle": False, "verbose": 0}

    def handle(number, frame):
        raise KeyboardInterrupt

    def run_epochs(*arguments):
        if calls:  # the second time
            signal.setitimer(signal.ITIMER_REAL, 0.3)
        return original(*arguments)

    original = loops.run_epochs
    monkeypatch.setattr(loops, "run_epochs", run_epochs)
    before = signal.signal(signal.SIGALRM, handle)
    try:
        with pytest.raises(KeyboardInterrupt):
            model.fit(x, y, epochs=3000, **settings)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    done = model.epochs_trained
    monkeypatch.setattr(loops, "run_epochs", original)
    assert calls == [1, 2999] and 1 <= done < 3000
    assert model.history.epoch == list(range(done)) and len(model.history.history["loss"]) == done
    assert done <= model.optimizer.iterations / 2000 <= done + 1  # the updates of the last one stay
    assert again.fit(x, y, epochs=done, **settings).history == model.history.history


def test_learning_rates_may_change_between_two_calls_of_fit(calls):
    model, other = make(), make()
    model.fit(X, Y, epochs=2, verbose=0)
    model.optimizer.learning_rate = 0.05
    model.fit(X, Y, epochs=2, verbose=0)
    other.fit(X, Y, epochs=2, verbose=0, callbacks=[Looks()])
    other.optimizer.learning_rate = 0.05
    assert other.fit(X, Y, epochs=2, verbose=0, callbacks=[Looks()]).history == model.history.history
