"""Code of the user that waits for another thread which uses the same model: everywhere, it gets its answer."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from fastmlp import fit_many
from fastmlp.callbacks import Callback
from fastmlp.layers import Dense, Input
from fastmlp.models import Sequential
from tests.hostile.hooks import PLACES, QUIET, SECONDS, USES, Asking, X, Y, callback_of, compiled, metric_of


@pytest.mark.parametrize("place", PLACES)
def test_a_thread_that_predicts_answers(place):
    asking = Asking()
    PLACES[place](asking)
    assert asking.answers and not asking.problems


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("place", ["on_train_batch_end", "generator", "metric", "loss", "vjp"])
def test_any_use_of_the_model_is_answered(place, use):
    asking = Asking(USES[use])
    PLACES[place](asking)
    assert asking.answers and not asking.problems


@pytest.mark.parametrize("place", ["loss", "metric", "on_train_batch_end"])
def test_training_ends_with_the_bits_that_it_has_alone(place):
    """Whatever other threads compute meanwhile."""
    weights = []
    for use in (USES["evaluate"], USES["vjp"], lambda model: None):
        asking = Asking(use)
        PLACES[place](asking)
        assert not asking.problems
        weights.append([array.tobytes() for array in asking.model.get_weights()])
    assert weights[0] == weights[1] == weights[2]


def test_results_are_those_of_a_run_alone():
    """The metrics of a model count for one call at a time, those of others are copies."""
    histories = []
    for use in (USES["evaluate"], lambda model: None):
        asking = Asking(use)
        model = compiled(asking, metrics=["mae", metric_of(asking)])
        history = model.fit(X, Y, epochs=2, callbacks=[callback_of(asking, "on_train_batch_end")], **QUIET)
        assert not asking.problems
        histories.append(history.history)
    assert histories[0] == histories[1]


def test_two_fits_at_once_are_refused():
    begun, refused = threading.Event(), threading.Event()

    class Waits(Callback):
        def on_train_begin(self, logs=None):
            begun.set()
            assert refused.wait(SECONDS)

    model = compiled(Asking())
    training = threading.Thread(target=model.fit, args=(X, Y), kwargs={"callbacks": [Waits()], "verbose": 0})
    training.start()
    assert begun.wait(SECONDS)
    before = model.get_weights()
    try:
        with pytest.raises(RuntimeError, match="fit: got a model that another thread trains"):
            model.fit(X, Y, verbose=0)
        with pytest.raises(RuntimeError, match="fit_many: got a model that another thread trains"):
            fit_many([compiled(Asking()), model], X, Y, verbose=0)
        assert all(a.tobytes() == b.tobytes() for a, b in zip(before, model.get_weights(), strict=True))
    finally:
        refused.set()
        training.join()
    model.fit(X, Y, verbose=0)


def test_an_update_within_a_step_is_refused():
    found = []

    def loss(y_true, y_pred):
        with pytest.raises(RuntimeError, match="running already"):
            model.train_on_batch(X, Y)
        found.append(1)
        return np.zeros(len(y_pred)), np.zeros_like(y_pred)

    model = compiled(Asking(), loss)
    model.fit(X, Y, **QUIET)
    assert found == [1, 1, 1]


def slow(seconds):
    """A model and rows whose epoch, one call of the engine, takes at least so long."""
    model = Sequential([Input((256,)), Dense(256, "relu"), Dense(2)], seed=1)
    model.compile("sgd", "mse")
    x, y = np.ones((2000, 256), np.float32), np.zeros((2000, 2), np.float32)
    begun = time.perf_counter()
    model.fit(x, y, batch_size=20, verbose=0)
    times = 1 + int(seconds / (time.perf_counter() - begun))
    return model, np.tile(x, (times, 1)), np.tile(y, (times, 1))


def test_a_prediction_does_not_wait_for_an_epoch():
    model, x, y = slow(3.0)
    ended, row, counts = threading.Event(), np.ones((1, 256), np.float32), []

    def train():
        model.fit(x, y, batch_size=20, verbose=0)
        ended.set()

    thread = threading.Thread(target=train)
    thread.start()
    while not ended.is_set():
        model(row)
        counts.append(model.network.steps_done)
    thread.join()
    assert len(set(counts)) > 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_the_child_of_a_fork_predicts_while_its_parent_trains():
    model, x, y = slow(2.0)
    model.predict(x[:40], verbose=0)
    thread = threading.Thread(target=model.fit, args=(x, y), kwargs={"batch_size": 20, "verbose": 0})
    thread.start()
    statuses = []
    while thread.is_alive() and len(statuses) < 20:
        child = os.fork()
        if not child:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(SECONDS)
            fine = np.isfinite(model.predict(x[:40], verbose=0)).all() and model(x[:2]).shape == (2, 2)
            model.fit(x[:40], y[:40], verbose=0)
            os._exit(0 if fine else 1)
        statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    thread.join()
    assert statuses and not any(statuses)
