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


def own_loss(y_true, y_pred):
    errors = y_pred - y_true
    time.sleep(0)  # so that other threads come in between
    return np.square(errors).mean(axis=1), 2.0 * errors / errors.size


@pytest.mark.parametrize("use", ["evaluate", "gradients", "test_on_batch"])
def test_training_does_not_fail_as_another_thread_waits_for_a_loss(use):
    model, ended, errors = compiled(Asking(), own_loss), threading.Event(), []

    def reads():
        while not ended.is_set() and not errors:
            try:
                USES[use](model)
            except Exception as error:
                errors.append(error)

    thread = threading.Thread(target=reads)
    thread.start()
    try:
        for _ in range(20):
            model.fit(X, Y, epochs=3, **QUIET)
    finally:
        ended.set()
        thread.join()
    assert not errors


@pytest.mark.parametrize("change", ["train_on_batch", "set_weights", "apply_gradients", "freeze"])
@pytest.mark.parametrize("way", ["gradients", "vjp"])
def test_a_pass_that_waits_for_the_user_has_weights_of_one_moment(way, change):
    """Whatever another thread does to the weights while the user's function runs."""
    changes = {
        "train_on_batch": lambda: model.train_on_batch(X, Y),
        "set_weights": lambda: model.set_weights([3.0 * array for array in model.get_weights()]),
        "apply_gradients": lambda: model.apply_gradients([np.ones(one.shape) for one in model.trainable_weights]),
        "freeze": lambda: [changes["set_weights"](), setattr(model.layers[0], "trainable", False)],
    }
    ways = {"gradients": lambda: model.gradients(X, Y)[1], "vjp": lambda: model.vjp(X, of_outputs)}
    meanwhile = []

    def run_changes():
        while meanwhile:
            thread = threading.Thread(target=changes[meanwhile.pop()])
            thread.start()
            thread.join()

    def of_outputs(outputs):
        run_changes()
        return np.cos(outputs)

    def loss(y_true, y_pred):
        if in_gradients:
            run_changes()
        errors = y_pred - y_true
        return np.square(errors).mean(axis=1), 2.0 * errors / errors.size

    in_gradients = []
    model = compiled(Asking(), loss if way == "gradients" else "mse")
    before = ways[way]()
    in_gradients.append(True)
    meanwhile.append(change)
    found = ways[way]()
    del in_gradients[:]
    model.trainable = True
    after = ways[way]()
    bits = [[array.tobytes() for array in some] for some in (before, found, after)]
    assert bits[0] != bits[2] and bits[1] in (bits[0], bits[2])


WHOLE = {
    "get_weights": lambda model, folder: model.get_weights(),
    "backup": lambda model, folder: model.get_backup(1),
    "copy": lambda model, folder: model.__deepcopy__({}),
    "save": lambda model, folder: model.save(folder / "model.safetensors"),
    "save_weights": lambda model, folder: model.save_weights(folder / "weights.safetensors"),
    "export": lambda model, folder: model.export(folder / "model.h"),
}


@pytest.mark.parametrize("use", WHOLE)
def test_what_reads_all_of_a_model_takes_a_turn(tmp_path, use):
    """So that it is of one moment."""
    model = compiled(Asking())
    model.fit(X, Y, **QUIET)
    thread = threading.Thread(target=WHOLE[use], args=(model, tmp_path))
    with model._lock:
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
    thread.join(SECONDS)
    assert not thread.is_alive()
