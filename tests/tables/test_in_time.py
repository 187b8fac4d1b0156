"""A training that ends in time: how many epochs it has, and how its rate falls."""

import numpy as np
import pytest

import fastmlp
from fastmlp.layers import Dense, Input
from fastmlp.optimizers import AdamW
from fastmlp.optimizers.schedules import CosineDecay
from fastmlp.tables import in_time
from fastmlp.tables.in_time import InTime

X = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
EPOCHS, STEPS = 16, 4


class Clock:
    """Seconds that pass by one from an epoch's beginning to its end, and not between epochs."""

    def __init__(self):
        self.looks = 0

    def perf_counter(self):
        self.looks += 1
        return float(self.looks // 2)


class Rates(fastmlp.callbacks.Callback):
    """What the rate is after each epoch."""

    def __init__(self):
        super().__init__()
        self.found = []

    def on_epoch_end(self, epoch, logs=None):
        self.found.append(float(self.model.optimizer.learning_rate))


def trained(end, monkeypatch):
    monkeypatch.setattr(in_time, "time", Clock())
    model = fastmlp.Sequential([Input((3,)), Dense(1)], seed=0)
    model.compile(AdamW(CosineDecay(0.01, EPOCHS * STEPS)), "mean_squared_error")
    rates = Rates()
    model.fit(X, X[:, :1], 16, EPOCHS, verbose=0, callbacks=[InTime(end), rates])
    return rates.found


def test_where_there_is_time_nothing_changes(monkeypatch):
    rates = trained(1e6, monkeypatch)
    assert rates == pytest.approx([0.005 * (1 + np.cos(np.pi * epoch / EPOCHS)) for epoch in range(1, EPOCHS + 1)])


def test_else_epochs_are_as_many_as_fit_and_the_rate_falls_to_0_in_them(monkeypatch):
    rates = trained(6.5, monkeypatch)  # each epoch takes 1
    assert len(rates) == 6
    first = 0.005 * (1 + np.cos(np.pi / EPOCHS))
    assert rates == pytest.approx([first / 2 * (1 + np.cos(np.pi * epoch / 5)) for epoch in range(6)], abs=1e-9)
    assert rates[-1] == pytest.approx(0.0, abs=1e-9)


def test_a_late_first_epoch_is_the_last(monkeypatch):
    rates = trained(1.5, monkeypatch)
    assert len(rates) == 1


def test_a_schedule_that_was_shortened_can_be_saved(monkeypatch, tmp_path):
    monkeypatch.setattr(in_time, "time", Clock())
    model = fastmlp.Sequential([Input((3,)), Dense(1)], seed=0)
    model.compile(AdamW(CosineDecay(0.01, EPOCHS * STEPS)), "mean_squared_error")
    model.fit(X, X[:, :1], 16, EPOCHS, verbose=0, callbacks=[InTime(7.5)])
    model.save(tmp_path / "model.safetensors")
    again = fastmlp.load_model(tmp_path / "model.safetensors")
    assert again.predict(X, verbose=0).tobytes() == model.predict(X, verbose=0).tobytes()
