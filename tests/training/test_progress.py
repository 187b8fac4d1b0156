"""What is printed while a model is trained: Keras' progress line, on a terminal and elsewhere."""

import io
import os
import re
import time

import numpy as np
import pytest

from fastmlp.layers import Dense, Input
from fastmlp.models import Sequential
from fastmlp.training import progress

X = np.random.default_rng(0).normal(size=(50, 4))
Y = (X > 0).astype(int)[:, 0]


@pytest.fixture
def model():
    model = Sequential([Input((4,)), Dense(6, "relu"), Dense(2, "softmax")], seed=1)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


BAR = "━" * 20
TIME = r"\d+s \d+(s|ms|us)/step"
VALUE = r"\d\.\d{4}(e-\d\d)?"


def test_the_line_of_each_epoch(model, capsys):
    model.fit(X, Y, epochs=2, validation_split=0.2, batch_size=8)
    lines = capsys.readouterr().out.splitlines()
    names = "".join(f" - {name}: {VALUE}" for name in ("accuracy", "loss", "val_accuracy", "val_loss"))
    assert lines[0] == "Epoch 1/2" and lines[2] == "Epoch 2/2" and len(lines) == 4
    for line in (lines[1], lines[3]):
        assert re.fullmatch(f"5/5 {BAR} {TIME}{names}", line)


def test_one_epoch_has_no_header_and_verbose_2_no_bar(model, capsys):
    model.fit(X, Y, verbose=2)
    expected = rf"2/2 - \d+s - \d+(s|ms|us)/step - accuracy: {VALUE} - loss: {VALUE}\n"
    assert re.fullmatch(expected, capsys.readouterr().out)


def test_evaluate_and_predict_print_their_steps(model, capsys):
    model.evaluate(X, Y)
    model.predict(X, batch_size=5)
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(f"2/2 {BAR} {TIME} - accuracy: {VALUE} - loss: {VALUE}", first)
    assert re.fullmatch(f"10/10 {BAR} {TIME}", second)


def test_verbose_0_prints_nothing(model, capsys):
    model.fit(X, Y, epochs=2, verbose=0, validation_split=0.2)
    model.evaluate(X, Y, verbose=0)
    model.predict(X, verbose=0)
    model(X)
    assert capsys.readouterr() == ("", "")


def test_an_output_without_unicode_gets_a_plain_bar(model, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    model.fit(X, Y)
    stream.flush()
    assert stream.buffer.getvalue().startswith(b"2/2 " + b"=" * 20 + b" ")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def test_on_a_terminal_the_bar_moves(monkeypatch):
    class Engine:
        steps_done = 0

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "90")
    stream = Terminal()
    monkeypatch.setattr("sys.stdout", stream)
    shown, engine = progress.Progress(40, verbose=1), Engine()
    shown.begin(lambda: engine.steps_done)
    for engine.steps_done in range(1, 41):
        while f"{engine.steps_done:2}/40" not in stream.getvalue() and shown.bar.moving:
            time.sleep(0.001)
    shown.end()
    shown.finish({"loss": 0.5})
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    counts = {int(count) for count in re.findall(r"(\d+)/40", text)}
    assert counts == {*range(41)} or counts == {*range(1, 41)}
    assert text.rstrip().endswith("- loss: 0.5000")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0s/step"), (1.6, "2s/step"), (0.0042, "4ms/step"), (0.001, "1ms/step"), (0.0000123, "12us/step")],
)
def test_time_of_a_step(seconds, text):
    assert progress.step_time(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(5.9, "5s"), (65, "1:05"), (3605, "1:00:05"), (0, "0s")])
def test_remaining_time(seconds, text):
    assert progress.remaining_time(seconds) == text


def test_values_are_scientific_when_small():
    logs = {"a": 0.25, "b": 0.001, "c": -0.5, "d": 0.0, "e": float("nan")}
    assert progress.values(logs) == " - a: 0.2500 - b: 1.0000e-03 - c: -0.5000 - d: 0.0000e+00 - e: nan"


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX pipes")
@pytest.mark.parametrize("verbose", [1, 2])
def test_a_pipe_that_nobody_reads_is_an_error_like_any_other(verbose, model, monkeypatch):
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as pipe, monkeypatch.context() as patch:
        patch.setattr("sys.stdout", pipe)
        with pytest.raises(BrokenPipeError):
            model.fit(X, Y, verbose=verbose)
        os.dup2(os.open(os.devnull, os.O_WRONLY), write)  # for what the pipe still holds
