"""The callbacks that write models: ModelCheckpoint, and BackupAndRestore of a run that ends before its time."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from fastmlp import load_model
from fastmlp.callbacks import (
    BackupAndRestore,
    LambdaCallback,
    ModelCheckpoint,
)
from fastmlp.layers import Dense, Input
from fastmlp.models import Sequential
from tests.callbacks.models import fit, make, same


def test_model_checkpoint_saves_each_epoch_under_its_name(tmp_path):
    model = make()
    path = tmp_path / "deep" / "at-{epoch:02d}-{loss:.3f}.safetensors"
    history = fit(model, epochs=2, callbacks=[ModelCheckpoint(path)]).history
    names = [f"at-{epoch + 1:02d}-{loss:.3f}.safetensors" for epoch, loss in enumerate(history["loss"])]
    assert sorted(file.name for file in path.parent.iterdir()) == names
    twin = load_model(path.parent / names[1])
    assert same(twin.get_weights(), model.get_weights()) and fit(twin).history == fit(model).history


def test_model_checkpoint_saves_the_best_only(tmp_path, capsys):
    path = tmp_path / "best.safetensors"
    snapshots = []
    model = make()
    values = [3.5, 3, 4, 2, 5]
    feed = LambdaCallback(
        on_epoch_end=lambda epoch, logs: (logs.update(val_loss=values[epoch]), snapshots.append(model.get_weights()))
    )
    checkpoint = ModelCheckpoint(path, save_best_only=True, verbose=1, initial_value_threshold=3.2)
    fit(model, epochs=5, callbacks=[feed, checkpoint])
    assert same(load_model(path).get_weights(), snapshots[3]) and checkpoint.best == 2
    assert [line for line in capsys.readouterr().out.splitlines() if line] == [
        "Epoch 1: val_loss did not improve from 3.20000",
        f"Epoch 2: val_loss improved from 3.20000 to 3.00000, saving model to {path}",
        "Epoch 3: val_loss did not improve from 3.00000",
        f"Epoch 4: val_loss improved from 3.00000 to 2.00000, saving model to {path}",
        "Epoch 5: val_loss did not improve from 2.00000",
    ]


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_value_that_is_not_there_is_warned_of_and_the_model_saved(tmp_path, mode):
    model, path = make(), tmp_path / "best.safetensors"
    with pytest.warns(UserWarning, match="ModelCheckpoint: got no 'val_f1' to monitor"):
        fit(model, epochs=2, callbacks=[ModelCheckpoint(path, "val_f1", save_best_only=True, mode=mode)])
    assert same(load_model(path).get_weights(), model.get_weights())


def test_model_checkpoint_saves_weights_after_batches(tmp_path):
    plain, model = make(), make()
    path = tmp_path / "{epoch}-{batch}.safetensors"
    fit(plain, epochs=2)
    fit(model, epochs=2, callbacks=[ModelCheckpoint(path, save_weights_only=True, save_freq=3)])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["1-3.safetensors", "2-2.safetensors"]
    assert same(plain.get_weights(), model.get_weights())
    other = make(seed=7)
    other.load_weights(tmp_path / "2-2.safetensors")
    assert not same(other.get_weights(), make(seed=7).get_weights())
    with pytest.raises(ValueError, match="needs a model file of fastmlp: entry 'model' is missing"):
        load_model(tmp_path / "2-2.safetensors")


def test_weights_are_loaded_from_either_kind_of_file_where_they_fit(tmp_path):
    model, other = make(), make(seed=2)
    fit(model)
    for save in (model.save, model.save_weights):
        save(tmp_path / "file.safetensors")
        other = make(seed=2)
        other.load_weights(tmp_path / "file.safetensors")
        assert same(other.get_weights(), model.get_weights())
    wrong = Sequential([Input((4,)), Dense(5), Dense(3)], seed=1, dtype="float64")
    before = wrong.get_weights()
    with pytest.raises(ValueError, match=r"weights: got \(\(6,\), 'float64'\) for 'dense/bias'"):
        wrong.load_weights(tmp_path / "file.safetensors")
    assert same(before, wrong.get_weights())


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    model = make()
    fit(model, callbacks=[ModelCheckpoint(path)])
    content = path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda number: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        fit(model, callbacks=[ModelCheckpoint(path)])
    assert path.read_bytes() == content and list(tmp_path.iterdir()) == [path]


def test_a_field_that_is_not_known_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"filepath: got .*needs fields of epoch, accuracy, loss"):
        fit(make(), callbacks=[ModelCheckpoint(tmp_path / "{val_loss}.safetensors")])


RUN = """
import os, signal, sys
import numpy as np
from fastmlp.callbacks import BackupAndRestore, LambdaCallback
from fastmlp.layers import Dense, Dropout, Input
from fastmlp.models import Sequential

folder, result, deadly, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), eval(sys.argv[4])
x = np.random.default_rng(0).normal(size=(50, 4))
y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
model = Sequential([Input((4,)), Dense(6, "relu"), Dropout(0.25), Dense(3, "softmax")], seed=seed)
model.compile("adam", "sparse_categorical_crossentropy")
def batch(batch, logs):
    if model.epochs_trained == deadly and batch == 2:
        os.kill(os.getpid(), signal.SIGKILL)
def halve(epoch, logs):
    model.optimizer.learning_rate /= 2
hooks = [LambdaCallback(on_train_batch_end=batch, on_epoch_end=halve), BackupAndRestore(folder)]
epochs = model.fit(x, y, epochs=5, batch_size=16, verbose=0, steps_per_epoch=3, callbacks=hooks).epoch
np.savez(result, *model.get_weights(), epochs=epochs)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a signal that cannot be caught")
def test_a_killed_run_goes_on_to_the_same_bits(tmp_path):
    def run(name, deadly, seed=3):
        paths = str(tmp_path / name), str(tmp_path / f"{name}.npz")
        return subprocess.run([sys.executable, "-c", RUN, *paths, str(deadly), str(seed)]).returncode

    assert run("whole", -1) == 0
    assert run("killed", 2) == -signal.SIGKILL
    assert run("killed", 4, seed=None) == -signal.SIGKILL  # the seed comes with the backup
    assert run("killed", -1, seed=5) == 0
    whole, killed = np.load(tmp_path / "whole.npz"), np.load(tmp_path / "killed.npz")
    assert list(whole["epochs"]) == [0, 1, 2, 3, 4] and list(killed["epochs"]) == [4]
    assert all(np.array_equal(whole[f"arr_{i}"], killed[f"arr_{i}"]) for i in range(4))
    assert not list((tmp_path / "killed").iterdir())  # removed, as the run has ended


def test_a_backup_of_another_model_is_refused(tmp_path):
    class Killed(Exception):
        pass

    def end(epoch, logs):
        if epoch == 1:
            raise Killed

    backup = BackupAndRestore(tmp_path)
    with pytest.raises(Killed):
        fit(make(), epochs=2, callbacks=[backup, LambdaCallback(on_epoch_begin=end)])
    other = Sequential([Input((4,)), Dense(3, "softmax")], dtype="float64")
    other.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    for model, part in ((other, "layers"), (make(optimizer="sgd"), "optimizer")):
        before = model.get_weights()
        with pytest.raises(ValueError, match=f"{part} of another model"):
            fit(model, callbacks=[backup])
        assert same(before, model.get_weights())
    assert fit(make(), epochs=2, callbacks=[BackupAndRestore(tmp_path, delete_checkpoint=False)]).epoch == [1]
    assert fit(make(), epochs=2, callbacks=[BackupAndRestore(tmp_path)]).epoch == []
