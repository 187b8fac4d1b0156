"""Ctrl-C: wherever it comes, it ends the call that runs, and what the call used can be used again."""

import gc
import io
import os
import signal
import sys
import threading
import time
import warnings
from functools import partial

import numpy as np
import pytest

from fastmlp import callbacks
from fastmlp.kernels import Network
from fastmlp.layers import BatchNormalization, Dense, Dropout, Input
from fastmlp.models import Sequential
from fastmlp.sklearn import MLPRegressor, networks
from tests.networks import OPTIMIZERS, dense, initial

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that sends a signal")

TIMES = 250  # interrupts of each kind of call
RANDOM = np.random.default_rng(5)
X, Y = RANDOM.normal(size=(60, 4)), RANDOM.normal(size=(60, 2))


class Alarm:
    """Signals at random moments; their handler raises KeyboardInterrupt, as that of Ctrl-C does.

    Attributes
    ----------
    raised : KeyboardInterrupt, optional
        Of the last signal, once it was handled.
    late : int
        How often `callback` was called after that.
    """

    def __init__(self):
        self.raised, self.late = None, 0
        self.random = np.random.default_rng(1)

    def handle(self, number, frame):
        self.raised = KeyboardInterrupt()
        raise self.raised

    def callback(self):
        """To be called by whatever a call calls."""
        self.late += self.raised is not None

    def interrupts(self, call, delay):
        """Return whether the signal comes before the call ends; fail where its exception does not come out."""
        self.raised, ended = None, False
        try:
            signal.setitimer(signal.ITIMER_REAL, delay)
            call()
            ended = True
            while self.raised is None:
                time.sleep(1e-5)
        except KeyboardInterrupt as error:
            assert error is self.raised
            return not ended
        pytest.fail("an interrupt was lost")

    def interrupt(self, call, after=lambda: None):
        """Interrupt the call at random moments. They follow the time it takes, however busy the machine is."""
        call()
        after()
        span, count = 1e-3, 0
        while count < TIMES:
            if self.interrupts(call, self.random.uniform(1e-6, span)):
                count += 1
                span *= 1.02
            else:
                span *= 0.9
            after()
        assert not self.late
        self.raised = None
        call()


@pytest.fixture
def alarm(monkeypatch):
    """Nothing may be raised where Python can only print it, as in what others let the garbage collector call."""
    unraisable, alarm, collecting = [], Alarm(), gc.callbacks[:]
    gc.callbacks.clear()
    monkeypatch.setattr(sys, "unraisablehook", lambda what: unraisable.append((what.exc_value, what.object)))
    before = signal.signal(signal.SIGALRM, alarm.handle)
    yield alarm
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    gc.callbacks[:] = collecting
    gc.collect()
    assert not unraisable


class Watching(callbacks.Callback):
    def __init__(self, alarm):
        self.on_train_batch_end = self.on_test_batch_begin = self.on_predict_batch_end = self.on_epoch_end = (
            lambda number, logs=None: alarm.callback()
        )


class Numbered:
    def __init__(self, alarm):
        self.alarm = alarm

    def __len__(self):
        return 4

    def __getitem__(self, number):
        self.alarm.callback()
        return X[15 * number : 15 * number + 15], Y[15 * number : 15 * number + 15]


def generator(alarm):
    for number in range(4):
        yield Numbered(alarm)[number]


def loss_of(alarm):
    def squares(y_true, y_pred):
        alarm.callback()
        errors = y_pred - y_true
        return np.square(errors).mean(axis=1), 2.0 * errors / errors.size

    return squares


def metric_of(alarm):
    def error(y_true, y_pred):
        alarm.callback()
        return np.abs(y_true - y_pred).mean(axis=1)

    return error


def compiled(loss="mse", *metrics):
    model = Sequential([Input((4,)), Dense(6, "tanh"), BatchNormalization(), Dropout(0.2), Dense(2)], seed=2)
    model.compile("adam", loss, list(metrics))
    return model


QUIET = {"verbose": 0, "batch_size": 15}
CALLS = {
    "fit": lambda model, alarm: model.fit(X, Y, epochs=2, validation_split=0.2, **QUIET),
    "fit with hooks": lambda model, alarm: model.fit(X, Y, callbacks=[Watching(alarm)], **QUIET),
    "fit numbered": lambda model, alarm: model.fit(Numbered(alarm), epochs=2, verbose=0),
    "fit a generator": lambda model, alarm: model.fit(generator(alarm), verbose=0),
    "train_on_batch": lambda model, alarm: model.train_on_batch(X, Y),
    "evaluate": lambda model, alarm: model.evaluate(X, Y, **QUIET),
    "evaluate with hooks": lambda model, alarm: model.evaluate(X, Y, callbacks=[Watching(alarm)], **QUIET),
    "predict": lambda model, alarm: model.predict(X, **QUIET),
    "predict with hooks": lambda model, alarm: model.predict(X, callbacks=[Watching(alarm)], **QUIET),
    "call": lambda model, alarm: [model(X) for _ in range(5)],
    "gradients": lambda model, alarm: model.gradients(X, Y),
}


def check_use(model):
    """Another thread gets an answer: the lock is free."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(model.predict(X, verbose=0)), daemon=True)
    thread.start()
    thread.join(60)
    assert len(answers) == 1 and answers[0].shape == (60, 2) and np.isfinite(answers[0]).all()
    assert [array.shape for array in model.get_weights()] == list(model.weight_names.values())


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("own", [False, True], ids=["", "custom loss and metric"])
def test_a_method_of_a_model(name, own, alarm):
    model = compiled(loss_of(alarm), metric_of(alarm)) if own else compiled("mse", "mae")
    alarm.interrupt(lambda: CALLS[name](model, alarm))
    check_use(model)


def test_a_new_model(alarm):
    alarm.interrupt(lambda: check_shapes(compiled()))


def check_shapes(model):
    assert model.predict(X, verbose=0).shape == (60, 2)


@pytest.mark.parametrize("threads", [1, 3])
def test_an_epoch_of_the_engine(threads, alarm):
    """The weights are those after as many steps as are told."""
    layers = [dense(33, "tanh"), dense(2)]
    network, twin = (Network(4, layers, loss_of(one), OPTIMIZERS[0]) for one in (alarm, Alarm()))
    network.threads = threads
    start = initial(4, layers, np.random.default_rng(3))
    x, order = X.astype(np.float32), np.tile(np.arange(60), 2)
    network.set_weights(start)

    def check():
        twin.set_weights(start)
        if network.step:
            twin.train_epoch(x, Y, order[: 8 * network.step], 8)
        for ours, expected in zip(network.get_weights(), twin.get_weights(), strict=True):
            assert ours.tobytes() == expected.tobytes()
        network.set_weights(start)
        network.step = 0

    alarm.interrupt(lambda: network.train_epoch(x, Y, order, 8), check)


def test_a_file_is_written_whole_or_not_at_all(alarm, tmp_path):
    model, path = compiled(), tmp_path / "model.safetensors"
    model.save(path)

    def check():
        assert os.listdir(tmp_path) == [path.name]

    alarm.interrupt(lambda: model.save(path), check)
    check_use(model)


@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.filterwarnings("ignore:.*max:UserWarning", "ignore:.*:sklearn.exceptions.ConvergenceWarning")
def test_an_estimator(method, solver, alarm):
    """fit keeps what it has learnt until then, and says so by a warning."""
    model = MLPRegressor(hidden_layer_sizes=(6,), max_iter=5, solver=solver, random_state=0).fit(X, Y)

    def call():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.predict(X) if method == "predict" else getattr(model, method)(X, Y)
        if any(str(warning.message) == "Training interrupted by user." for warning in caught):
            assert len(model.loss_curve_) == model.n_iter_ or method == "partial_fit"
            raise alarm.raised

    if method == "partial_fit" and solver == "lbfgs":
        pytest.skip("is for stochastic solvers")
    alarm.interrupt(call)
    assert model.predict(X).shape == (60, 2)


@pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.ConvergenceWarning")
def test_no_python_code_runs_when_an_estimator_goes():
    """An interrupt there would be lost."""
    called = []
    model = MLPRegressor(hidden_layer_sizes=(6,), max_iter=2, solver="lbfgs").fit(X, Y)
    model.predict(X)
    kept = len(networks._idle)
    sys.setprofile(lambda frame, event, argument: called.append(event))
    del model
    sys.setprofile(None)
    assert "call" not in called
    assert len(networks._idle) == kept - 1


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def test_the_bar_of_a_terminal(alarm, monkeypatch):
    """It stands still, and the cursor is there again."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout", Terminal())
    model = compiled()

    def check():
        shown, hidden = (sys.stdout.getvalue().rfind(f"\x1b[?25{end}") for end in "hl")
        while shown < hidden:
            time.sleep(0.001)
            shown = sys.stdout.getvalue().rfind("\x1b[?25h")
        sys.stdout.seek(0)
        sys.stdout.truncate()

    alarm.interrupt(lambda: model.fit(X, Y, epochs=2), check)
    check_use(model)


ROWS = 100_000


def long_run():
    """A network and rows that it takes seconds for."""
    layers = [dense(1024, "sigmoid"), dense(1024, "sigmoid"), dense(4)]
    network = Network(64, layers, "mean_squared_error", OPTIMIZERS[0])
    network.set_weights(initial(64, layers, np.random.default_rng(6)))
    network.threads = 2
    return network, np.ones((ROWS, 64), np.uint8), np.zeros((ROWS, 4), np.float32)


def time_after_an_interrupt(call):
    """Return the seconds of the process's time from an interrupt to the end of what it interrupts."""
    before = signal.signal(signal.SIGPROF, signal.default_int_handler)
    try:
        start = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, 0.4)
        with pytest.raises(KeyboardInterrupt):
            call()
        return time.process_time() - start - 0.4
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@pytest.mark.parametrize("method", ["train_epoch", "evaluate", "predict"])
def test_long_work_ends_within_a_second(method, alarm):
    """A second of the time that the process gets, which has two threads, so that a busy machine makes no difference."""
    network, x, y = long_run()
    out = np.full((ROWS, 4), np.nan, np.float32)
    calls = {
        "train_epoch": lambda: network.train_epoch(x, y, np.arange(ROWS), 128, predictions=out),
        "evaluate": lambda: network.evaluate(x, y, predictions=out),
        "predict": lambda: network.predict(x, out=out),
    }
    assert time_after_an_interrupt(calls[method]) < 2.0
    assert 0 < np.isnan(out[:, 0]).sum() < ROWS
    assert network.predict(x[:3]).shape == (3, 4)


def work_on_tables(folder):
    """Calls that read, prepare, learn, predict and report a table of 200,000 rows."""
    polars = pytest.importorskip("polars")
    from fastmlp import report, tables
    from fastmlp.sklearn import TableRegressor

    rows, words = 200_000, np.array(["north", "east", "south", "west"])
    numbers = {f"number {i}": RANDOM.normal(size=rows) for i in range(6)}
    frame = polars.DataFrame({**numbers, "word": words[RANDOM.integers(0, 4, rows)], "id": np.arange(rows).astype(str)})
    y = RANDOM.normal(size=rows)
    frame.write_csv(folder / "table.csv")
    learnt = TableRegressor(random_state=0).fit(frame[:500], y[:500])
    return {
        "read": lambda: tables.read(folder / "table.csv"),
        "find columns": lambda: tables.find_columns(frame),
        "prepare": lambda: tables.Preparation().fit(frame),
        "learn a table": lambda: TableRegressor().fit(frame, y),
        "predict a table": lambda: learnt.predict(frame),
        "report": lambda: report.html(learnt, frame[:20_000], y[:20_000]),
    }


def work_on_files(folder):
    """Calls that write a network of 2 million weights."""
    pytest.importorskip("onnx")
    model = Sequential([Input((1000,)), Dense(1000, "relu"), Dense(1000, "relu"), Dense(2)], seed=1)
    model.compile("adam", "mse")
    return {
        "save": lambda: model.save(folder / "model.safetensors"),
        "onnx": lambda: model.export(folder / "model.onnx"),
        "c": lambda: model.export(folder / "model.h"),
    }


@pytest.mark.parametrize("work", [work_on_tables, work_on_files])
def test_tables_and_files_end_within_a_second(work, tmp_path):
    def again_and_again(call):
        while True:
            call()

    calls = work(tmp_path)
    late = {name: round(time_after_an_interrupt(partial(again_and_again, calls[name])), 2) for name in calls}
    assert max(late.values()) < 2.0, late
    assert not [path for path in os.listdir(tmp_path) if "part" in path]
