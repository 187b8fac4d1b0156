"""Code of the user that waits for another thread which uses the same model: everywhere, it gets its answer."""

import inspect
import os
import signal
import threading
import time

import numpy as np
import pytest

from fastmlp import fit_many
from fastmlp.callbacks import Callback
from fastmlp.layers import Dense, Dropout, Input
from fastmlp.metrics import Metric
from fastmlp.models import Sequential
from fastmlp.optimizers import SGD

RANDOM = np.random.default_rng(4)
X, Y = RANDOM.normal(size=(24, 4)), RANDOM.normal(size=(24, 2))
SECONDS = 20  # until a thread that does not answer is one that never will
QUIET = {"verbose": 0, "batch_size": 8}

USES = {
    "call": lambda model: model(X),
    "one row": lambda model: model(X[:1].astype(np.float32)),
    "predict": lambda model: model.predict(X, verbose=0),
    "evaluate": lambda model: model.evaluate(X, Y, verbose=0),
    "gradients": lambda model: model.gradients(X, Y),
    "vjp": lambda model: model.vjp(X, lambda outputs: np.ones_like(outputs)),
    "get_weights": lambda model: model.get_weights(),
    "set_weights": lambda model: model.set_weights(model.get_weights()),
    "in training": lambda model: model(X, training=True),
    "test_on_batch": lambda model: model.test_on_batch(X, Y),
    "copy": lambda model: model.__deepcopy__({}),
}


class Asking:
    """What the user's code does: it lets another thread use the model, and waits for it."""

    def __init__(self, use=USES["predict"]):
        self.use, self.model, self.answers, self.problems = use, None, 0, []
        self.busy = threading.local()

    def ask(self):
        if self.model is None or getattr(self.busy, "is_asking", False) or self.problems:
            return
        thread = threading.Thread(target=self.answer, daemon=True)
        thread.start()
        thread.join(SECONDS)
        if thread.is_alive():
            self.problems.append("no answer")
            raise RuntimeError("no answer")

    def answer(self):
        self.busy.is_asking = True  # the user's code in this thread does not ask again
        try:
            self.use(self.model)
            self.answers += 1
        except BaseException as error:
            self.problems.append(error)


class Mean(Metric):
    def __init__(self, asking):
        super().__init__(name="mean")
        self.asking, self.total = asking, 0.0

    def __deepcopy__(self, memo):
        return Mean(self.asking)

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.asking.ask()
        self.total = float(np.mean(y_pred))

    def result(self):
        self.asking.ask()
        return self.total

    def reset_state(self):
        self.asking.ask()
        self.total = 0.0


def batches(asking):
    while True:
        asking.ask()
        yield X[:8], Y[:8]


class Numbered:
    def __init__(self, asking):
        self.asking = asking

    def __len__(self):
        self.asking.ask()
        return 3

    def __getitem__(self, number):
        self.asking.ask()
        return X[8 * number : 8 * number + 8], Y[8 * number : 8 * number + 8]


def loss_of(asking):
    def squares(y_true, y_pred):
        asking.ask()
        errors = y_pred - y_true
        return np.square(errors).mean(axis=1), 2.0 * errors / errors.size

    return squares


def metric_of(asking):
    def error(y_true, y_pred):
        asking.ask()
        return np.abs(y_true - y_pred).mean(axis=1)

    return error


def schedule_of(asking):
    def rate(step):
        asking.ask()
        return 0.01

    return rate


def compiled(asking, loss="mse", metrics=(), rate=0.01):
    model = Sequential([Input((4,)), Dense(6, "tanh"), Dropout(0.2), Dense(2)], seed=2)
    model.compile(SGD(rate), loss, list(metrics))
    asking.model = model
    return model


HOOKS = sorted(name for name, _ in inspect.getmembers(Callback, inspect.isfunction) if name.startswith("on_"))


def callback_of(asking, hook):
    return type("Asks", (Callback,), {hook: lambda self, *arguments: asking.ask()})()


def use_hook(asking, hook):
    model, hooks = compiled(asking), {"callbacks": [callback_of(asking, hook)], **QUIET}
    model.fit(X, Y, epochs=2, validation_data=(X, Y), **hooks)
    model.evaluate(X, Y, **hooks)
    model.predict(X, **hooks)


def use_many(asking):
    model = compiled(asking)
    fit_many([model, compiled(Asking())], X, Y, verbose=0, callbacks=[[callback_of(asking, "on_epoch_end")], None])


def vjp(asking):
    def ones(outputs):
        asking.ask()
        return np.ones_like(outputs)

    compiled(asking).vjp(X, ones)


PLACES = {
    **{hook: lambda asking, hook=hook: use_hook(asking, hook) for hook in HOOKS},
    "many": use_many,
    "generator": lambda asking: compiled(asking).fit(batches(asking), steps_per_epoch=2, epochs=2, verbose=0),
    "numbered": lambda asking: compiled(asking).fit(Numbered(asking), validation_data=Numbered(asking), verbose=0),
    "to evaluate": lambda asking: compiled(asking).evaluate(batches(asking), steps=2, verbose=0),
    "to predict": lambda asking: compiled(asking).predict(batches(asking), steps=2, verbose=0),
    "schedule": lambda asking: compiled(asking, rate=schedule_of(asking)).fit(X, Y, **QUIET),
    "schedule by batch": lambda asking: compiled(asking, rate=schedule_of(asking)).train_on_batch(X, Y),
    "schedule of gradients": lambda asking: apply(compiled(asking, rate=schedule_of(asking))),
    "metric": lambda asking: compiled(asking, metrics=[Mean(asking)]).fit(X, Y, validation_data=(X, Y), **QUIET),
    "metric function": lambda asking: compiled(asking, metrics=[metric_of(asking)]).fit(X, Y, **QUIET),
    "metric of evaluate": lambda asking: compiled(asking, metrics=[Mean(asking)]).evaluate(X, Y, **QUIET),
    "metric by batch": lambda asking: compiled(asking, metrics=[Mean(asking)]).train_on_batch(X, Y),
    "loss": lambda asking: compiled(asking, loss_of(asking)).fit(X, Y, epochs=2, **QUIET),
    "loss of evaluate": lambda asking: compiled(asking, loss_of(asking)).evaluate(X, Y, **QUIET),
    "loss by batch": lambda asking: compiled(asking, loss_of(asking)).train_on_batch(X, Y),
    "loss of gradients": lambda asking: compiled(asking, loss_of(asking)).gradients(X, Y),
    "vjp": vjp,
}


def apply(model):
    _, gradients = model.gradients(X, Y)
    model.apply_gradients(gradients)


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


@pytest.mark.parametrize("change", ["train_on_batch", "set_weights", "apply_gradients"])
@pytest.mark.parametrize("way", ["gradients", "vjp"])
def test_a_pass_that_waits_for_the_user_has_weights_of_one_moment(way, change):
    """Whatever another thread does to the weights while the user's function runs."""
    changes = {
        "train_on_batch": lambda: model.train_on_batch(X, Y),
        "set_weights": lambda: model.set_weights([3.0 * array for array in model.get_weights()]),
        "apply_gradients": lambda: model.apply_gradients([np.ones(one.shape) for one in model.trainable_weights]),
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
    after = ways[way]()
    bits = [[array.tobytes() for array in some] for some in (before, found, after)]
    assert bits[0] != bits[2] and bits[1] in (bits[0], bits[2])
