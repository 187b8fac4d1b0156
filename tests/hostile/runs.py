"""Runs that are killed: `python -m tests.hostile.runs NAME FOLDER` trains, going on from what is in the folder.

All that a run leaves but its backups must have the same bytes, however often it was killed.
"""

import sys
from pathlib import Path

import numpy as np

from fastmlp import callbacks, fit_many
from fastmlp.layers import BatchNormalization, Dense, Dropout, Input
from fastmlp.models import Sequential
from fastmlp.optimizers import SGD, AdamW, Nadam

EPOCHS = 40
X = np.random.default_rng(0).normal(size=(600, 12))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > X[:, 2])


class Summing(callbacks.Callback):
    """Remembers the losses, as one of the user's own may, and lowers the rate by them."""

    def __init__(self):
        super().__init__()
        self.sums = np.zeros(3)

    def on_epoch_end(self, epoch, logs=None):
        self.sums = np.roll(self.sums, 1) + logs["loss"]
        if self.sums[0] > 20.0:
            self.model.optimizer.learning_rate *= 0.9
            self.sums[:] = 0.0

    def get_state(self):
        return {"sums": self.sums}

    def set_state(self, state):
        self.sums = state["sums"]


def model(optimizer, seed=1):
    layers = [
        Input((12,)),
        Dense(48, "relu"),
        BatchNormalization(),
        Dropout(0.2),
        Dense(32, "tanh"),
        Dense(3, "softmax"),
    ]
    made = Sequential(layers, seed=seed)
    made.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    return made


def watchers(folder):
    return [
        callbacks.ReduceLROnPlateau("val_loss", 0.7, patience=1, cooldown=1),
        callbacks.EarlyStopping("val_loss", patience=30, restore_best_weights=True),
        callbacks.ModelCheckpoint(folder / "best.safetensors", save_best_only=True),
        callbacks.CSVLogger(folder / "log.csv"),
        Summing(),
    ]


def fit(folder, optimizer):
    made = model(optimizer)
    chosen = [*watchers(folder), callbacks.BackupAndRestore(folder / "backup")]
    made.fit(X, Y, 16, EPOCHS, 0, chosen, 0.2)
    made.save(folder / "model.safetensors")


def averages(folder):
    """The averages are in the model when it is backed up."""
    made = model(AdamW(0.01, use_ema=True, ema_momentum=0.9))
    swap, best = callbacks.SwapEMAWeights(True), callbacks.ModelCheckpoint(folder / "best.safetensors", "loss")
    made.fit(X, Y, 16, EPOCHS, 0, [swap, best, callbacks.BackupAndRestore(folder / "backup")])
    made.save(folder / "model.safetensors")


def many(folder):
    models = [model(optimizer, seed) for seed, optimizer in enumerate([SGD(0.1), Nadam(0.003), AdamW(0.003)])]
    chosen = []
    for number in range(len(models)):
        own = folder / f"member-{number}"
        own.mkdir(exist_ok=True)
        chosen.append([*watchers(own), callbacks.BackupAndRestore(own / "backup")])
    fit_many(models, X, Y, 16, EPOCHS // 2, 0, chosen, 0.2)
    for number, made in enumerate(models):
        made.save(folder / f"model-{number}.safetensors")


RUNS = {
    "sgd": lambda folder: fit(folder, SGD(0.1, momentum=0.9)),
    "nadam": lambda folder: fit(folder, Nadam(0.003)),
    "accumulated": lambda folder: fit(folder, AdamW(0.003, gradient_accumulation_steps=4)),
    "averages": averages,
    "many": many,
}

if __name__ == "__main__":
    RUNS[sys.argv[1]](Path(sys.argv[2]))
