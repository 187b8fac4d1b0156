"""A run that is cut off and goes on has the bits of one that is not, with every callback that remembers something."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from fastmlp import callbacks, fit_many, load_model
from fastmlp.callbacks import BackupAndRestore, Callback, LambdaCallback
from fastmlp.callbacks.states import packed, unpacked
from fastmlp.layers import BatchNormalization, Dense, Dropout, Input
from fastmlp.models import Sequential
from fastmlp.optimizers import SGD, Adam, AdamW, Nadam, RMSprop, schedules
from tests.callbacks.models import X, Y, fit, make, same

EPOCHS = 8


class Cut(Exception):
    """In place of a kill."""


def cut_at(epoch):
    """Return a callback that ends the process's part of a run at the start of an epoch."""

    def end(now, logs):
        if now == epoch:
            raise Cut

    return LambdaCallback(on_epoch_begin=end)


class Halving(Callback):
    """One of the user's own: halves the rate each time that losses have summed up to a number."""

    def __init__(self, patience=3):
        super().__init__()
        self.sum, self.recent, self.patience = 0.0, np.zeros(2, np.float32), patience

    def on_epoch_end(self, epoch, logs=None):
        self.sum += logs["loss"]
        self.recent = np.roll(self.recent, 1) + np.float32(0.1)
        if self.sum > 2.0:
            self.sum, self.model.optimizer.learning_rate = 0.0, self.model.optimizer.learning_rate * 0.7

    def get_state(self):
        return {"sum": np.float64(self.sum), "recent": self.recent, "more": (1, [None, True])}

    def set_state(self, state):
        assert state["more"] == (1, [None, True]) and isinstance(state["sum"], np.float64)
        self.sum, self.recent = state["sum"], state["recent"]


def counting():
    """Return functions that remember, as a LambdaCallback."""
    kept = {"seen": 0.0}

    def end(epoch, logs):
        kept["seen"] += logs["loss"]
        logs["seen"] = kept["seen"]
        if kept["seen"] > 2.5:
            owner.model.stop_training = True

    owner = LambdaCallback(on_epoch_end=end, get_state=lambda: dict(kept), set_state=kept.update)
    return owner


OPTIMIZERS = {
    "sgd": lambda: SGD(0.5, momentum=0.9),
    "adam": lambda: Adam(0.05, gradient_accumulation_steps=3),
    "adamw": lambda: AdamW(0.05, weight_decay=0.01, use_ema=True, ema_overwrite_frequency=5),
    "nadam": lambda: Nadam(0.05),
    "rmsprop": lambda: RMSprop(0.02, clipnorm=1.0),
    "schedule": lambda: Adam(schedules.CosineDecay(0.05, 30)),
}
STATEFUL = {
    "none": lambda folder: [],
    "plateau": lambda folder: [callbacks.ReduceLROnPlateau("loss", 0.5, patience=1, min_delta=0.05, cooldown=1)],
    "plateaus": lambda folder: [callbacks.ReduceLROnPlateau("val_loss", 0.5, patience=n) for n in (1, 2)],
    "stopping": lambda folder: [
        callbacks.EarlyStopping("val_loss", patience=2, min_delta=0.02, restore_best_weights=True)
    ],
    "checkpoint": lambda folder: [
        callbacks.ModelCheckpoint(folder / "best.safetensors", "val_loss", save_best_only=True),
        callbacks.ModelCheckpoint(folder / "{epoch}-{batch}.safetensors", save_freq=7),
    ],
    "csv": lambda folder: [callbacks.CSVLogger(folder / "log.csv")],
    "csv appended": lambda folder: [callbacks.CSVLogger(folder / "log.csv", append=True)],
    "scheduler": lambda folder: [callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9)],
    "functions": lambda folder: [counting()],
    "own": lambda folder: [Halving()],
}
KEEP_A_RATE = ("plateau", "plateaus", "scheduler", "own")  # and so do not go with a schedule


def network(optimizer, dtype="float32"):
    layers = [Input((4,)), Dense(6, "relu"), BatchNormalization(), Dropout(0.25), Dense(3, "softmax")]
    model = Sequential(layers, seed=1, dtype=dtype)
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    return model


def trained(folder, made, others, cuts, first=False, **settings):
    """Train in as many parts as there are cuts, each like a new process; return model, files and the last history."""
    folder.mkdir()
    for cut in (*cuts, None):
        model = made()
        backup = [BackupAndRestore(folder / "backup")]
        chosen = [*backup, *others(folder)] if first else [*others(folder), *backup]
        chosen += [] if cut is None else [cut_at(cut)]
        try:
            history = fit(model, epochs=EPOCHS, validation_split=0.3, callbacks=chosen, **settings)
        except Cut:
            continue
        break
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    return model, files, history


def check(tmp_path, made, others, cuts, **settings):
    whole, files, history = trained(tmp_path / "whole", made, others, [])
    again, others_files, rest = trained(tmp_path / "cut", made, others, cuts, **settings)
    assert same(whole.get_weights(), again.get_weights())
    assert same(whole.network.get_optimizer_state(), again.network.get_optimizer_state())
    assert whole.optimizer.learning_rate == again.optimizer.learning_rate and whole.network.step == again.network.step
    assert files == others_files
    assert not list((tmp_path / "cut" / "backup").iterdir())
    count = len(rest.epoch)
    assert rest.epoch == history.epoch[len(history.epoch) - count :]
    for name, values in rest.history.items():
        assert values == history.history[name][len(history.epoch) - count :]
    return history


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", STATEFUL)
def test_a_run_that_is_cut_off_ends_as_one_that_is_not(tmp_path, name, optimizer):
    if optimizer == "schedule" and name in KEEP_A_RATE:
        pytest.skip("a schedule sets the rate")
    check(tmp_path, lambda: network(OPTIMIZERS[optimizer]()), STATEFUL[name], [2, 3, 5])


@pytest.mark.parametrize("name", STATEFUL)
def test_wherever_in_the_list_the_backup_is(tmp_path, name):
    check(tmp_path, lambda: make(optimizer=SGD(0.5, momentum=0.9)), STATEFUL[name], [1, 4], first=True)


@pytest.mark.parametrize("on_epoch", [False, True])
def test_averages_in_the_model(tmp_path, on_epoch):
    def others(folder):
        return [callbacks.SwapEMAWeights(on_epoch), callbacks.ModelCheckpoint(folder / "{epoch}.safetensors")]

    made = lambda: network(Adam(0.05, use_ema=True, ema_momentum=0.8))  # noqa: E731
    check(tmp_path, made, others, [2, 3, 5], first=on_epoch)


def test_the_callbacks_of_these_tests_do_something(tmp_path):
    made = lambda: network(SGD(0.5, momentum=0.9))  # noqa: E731
    found = {}
    for name in ("plateau", "plateaus", "own", "stopping", "functions"):
        model, _, history = trained(tmp_path / name, made, STATEFUL[name], [])
        found[name] = len(history.epoch), model.optimizer.learning_rate
    assert all(rate < 0.5 for name, (_, rate) in found.items() if name in KEEP_A_RATE)
    assert found["stopping"][0] < EPOCHS and found["functions"][0] < EPOCHS


def test_a_run_that_was_stopped_goes_on_to_its_end_alone(tmp_path):
    """The kill comes after the last backup, before fit has ended."""

    class Killed(Callback):
        comes_last = True

        def on_train_end(self, logs=None):
            raise Cut

    stopping = lambda: callbacks.EarlyStopping("loss", patience=0, min_delta=10.0, restore_best_weights=True)  # noqa: E731
    whole, again = make(), make()
    fit(whole, epochs=EPOCHS, callbacks=[stopping()])
    with pytest.raises(Cut):
        fit(make(), epochs=EPOCHS, callbacks=[stopping(), Killed(), BackupAndRestore(tmp_path)])
    history = fit(again, epochs=EPOCHS, callbacks=[stopping(), BackupAndRestore(tmp_path)])
    assert history.epoch == [] and same(whole.get_weights(), again.get_weights())


def test_a_log_holds_each_epoch_once(tmp_path):
    """The epoch whose backup is not there is trained, and written, again."""
    path = tmp_path / "log.csv"

    class Killed(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 3:
                raise Cut

    with pytest.raises(Cut):
        backup = BackupAndRestore(tmp_path / "backup")
        fit(make(), epochs=EPOCHS, callbacks=[callbacks.CSVLogger(path), Killed(), backup])
    assert len(path.read_text().splitlines()) == 5
    fit(make(), epochs=EPOCHS, callbacks=[callbacks.CSVLogger(path), BackupAndRestore(tmp_path / "backup")])
    assert [row["epoch"] for row in csv.DictReader(path.open())] == [str(epoch) for epoch in range(EPOCHS)]


def test_many_models_that_are_cut_off_end_as_those_that_are_not(tmp_path):
    def run(name, cut):
        models = [network(make_optimizer()) for make_optimizer in OPTIMIZERS.values()]
        chosen = [
            [
                callbacks.EarlyStopping("loss", patience=1, restore_best_weights=True),
                BackupAndRestore(tmp_path / f"{name}{number}"),
                *([] if cut is None else [cut_at(cut + number % 3)]),
            ]
            for number in range(len(models))
        ]
        fit_many(models, X, Y, epochs=EPOCHS, batch_size=16, verbose=0, callbacks=chosen)
        return models

    whole = run("whole", None)
    for cut in (2, 4):
        with pytest.raises(ExceptionGroup):
            run("cut", cut)
    for model, twin in zip(run("cut", None), whole, strict=True):
        assert same(model.get_weights(), twin.get_weights())
        assert same(model.network.get_optimizer_state(), twin.network.get_optimizer_state())


def backed_up(folder, others):
    with pytest.raises(Cut):
        fit(make(), epochs=EPOCHS, callbacks=[*others, BackupAndRestore(folder), cut_at(2)])
    return folder / "backup.safetensors"


def test_a_state_without_its_callback_is_refused(tmp_path):
    backed_up(tmp_path, [callbacks.EarlyStopping("loss", patience=9)])
    for others, message in (
        ([], "callbacks: got no EarlyStopping, needs one, as in the run that goes on"),
        ([callbacks.EarlyStopping("accuracy")], "monitor: got 'accuracy', needs 'loss', as in the run"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(make(), epochs=EPOCHS, callbacks=[*others, BackupAndRestore(tmp_path)])


def test_a_callback_that_is_new_begins_anew(tmp_path):
    backed_up(tmp_path, [])
    assert fit(make(), epochs=4, callbacks=[Halving(), BackupAndRestore(tmp_path)]).epoch == [2, 3]


def test_a_backup_is_also_a_model_file(tmp_path):
    path = backed_up(tmp_path, [callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True)])
    model, other = load_model(path), make(seed=5)
    other.load_weights(path)
    assert same(model.get_weights(), other.get_weights())
    assert same(model.get_weights(), load_model(path, compile=False).get_weights())


def test_the_program_of_the_documentation(tmp_path, monkeypatch):
    text = (Path(__file__).parents[2] / "docs" / "resuming.md").read_text()
    monkeypatch.chdir(tmp_path)
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], {})
    assert len((tmp_path / "log.csv").read_text().splitlines()) > 5 and not list((tmp_path / "backup").iterdir())


class Odd(Callback):
    def __init__(self, state):
        super().__init__()
        self.state = state

    def get_state(self):
        return self.state

    def set_state(self, state):
        pass


@pytest.mark.parametrize("state", [{1, 2}, object(), {1: 2}, [b"x"], np.array(["a"]), {"a": np.array([None])}, 1j])
def test_a_state_that_cannot_be_kept_names_its_callback(tmp_path, state):
    with pytest.raises(TypeError, match=r"Odd: get_state: got .*, needs"):
        fit(make(), callbacks=[Odd(state), BackupAndRestore(tmp_path)])


def test_a_state_that_nothing_takes_back_is_refused_at_once(tmp_path):
    class Half(Callback):
        def get_state(self):
            return 1

    with pytest.raises(TypeError, match=r"Half: got a method get_state alone, needs set_state\(state\) too"):
        fit(make(), callbacks=[Half(), BackupAndRestore(tmp_path)])


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        10**30,
        0.1,
        "text",
        [],
        {},
        {"array": 1, "dict": [2], "tuple": None},
        (1, (2,), [3]),
        np.float32(0.1),
        np.bool_(True),
        np.array(2.5),
        np.zeros((0, 3)),
        np.arange(6, dtype=">i2").reshape(2, 3).T,
    ],
    ids=repr,
)
def test_what_is_packed_comes_back(value):
    tensors = {}
    found = unpacked(packed(value, tensors), tensors)
    assert type(found) is type(value)
    if isinstance(value, np.ndarray):
        assert found.shape == value.shape and np.array_equal(found, value)
    else:
        assert found == value


PLATEAU = {"monitor": "loss", "best": 1.0, "wait": 0, "cooldown_counter": 0}
DAMAGED_STATES = [
    ["ReduceLROnPlateau"],
    [{"name": ["ReduceLROnPlateau"]}],
    [{"name": "ReduceLROnPlateau", "state": {"dict": []}}],
    [{"name": "ReduceLROnPlateau", "state": {"dict": {**PLATEAU, "best": "x"}}}],
    [{"name": "ReduceLROnPlateau", "state": {"dict": {**PLATEAU, "wait": -1}}}],
    [{"name": "ReduceLROnPlateau", "state": {"array": "callbacks//9"}}],
    [{"name": "EarlyStopping", "state": {"dict": {"monitor": "loss", "best": 1.0, "wait": 0, "stopped_epoch": 0,
                                                  "best_epoch": 0, "best_weights": [3]}}}],
    [{"name": "CSVLogger", "state": {"dict": {"keys": [3], "size": 0}}}],
    [{"name": "CSVLogger", "state": {"dict": {"keys": [], "size": "x"}}}],
]  # fmt: skip


@pytest.mark.parametrize("states", DAMAGED_STATES)
def test_a_state_of_another_kind_is_refused_before_the_model_changes(tmp_path, states):
    from fastmlp.data.files import MODEL, write

    def others():
        return [
            callbacks.ReduceLROnPlateau("loss"),
            callbacks.EarlyStopping("loss", restore_best_weights=True),
            callbacks.CSVLogger(tmp_path / "log.csv"),
        ]

    first = make()
    fit(first, callbacks=[*others(), BackupAndRestore(tmp_path, delete_checkpoint=False)])
    header, tensors = first.get_backup(1)
    write(tmp_path / "backup.safetensors", MODEL, {**header, "callbacks": states}, tensors)
    model = make()
    model.set_weights([weights + 1 for weights in model.get_weights()])
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"backup\.safetensors") as caught:
        fit(model, callbacks=[*others(), BackupAndRestore(tmp_path)])
    assert type(caught.value) is ValueError
    assert all(map(np.array_equal, before, model.get_weights()))


def test_a_log_of_no_text_is_not_appended_to(tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes(b"epoch,loss\xff\n")
    with pytest.raises(ValueError, match=r"filename: got '.*log\.csv', needs a log to append to"):
        fit(make(), callbacks=[callbacks.CSVLogger(path, append=True)])
    assert path.read_bytes() == b"epoch,loss\xff\n"
