"""The table of a summary, in the look of Keras'."""

import re

import pytest

from fastmlp.layers import Dense, Dropout, Input
from fastmlp.models import Sequential, summary


def test_summary_in_the_look_of_keras(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    hidden = [Dense(512, "relu"), Dropout(0.2), Dense(512, "relu"), Dropout(0.2)]
    Sequential([Input((784,)), *hidden, Dense(10, "softmax")], name="[mnist]").summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == 'Model: "[mnist]"'
    assert {len(line) for line in lines[1:-3]} == {88}
    cells = [[cell.strip() for cell in re.split("[│┃]", line)[1:-1]] for line in lines if line[0] in "│┃"]
    assert cells == [
        ["Layer (type)", "Output Shape", "Param #"],
        ["dense (Dense)", "(None, 512)", "401,920"],
        ["dropout (Dropout)", "(None, 512)", "0"],
        ["dense_1 (Dense)", "(None, 512)", "262,656"],
        ["dropout_1 (Dropout)", "(None, 512)", "0"],
        ["dense_2 (Dense)", "(None, 10)", "5,130"],
    ]
    assert lines[-3:] == [
        " Total params: 669,706 (2.55 MB)",
        " Trainable params: 669,706 (2.55 MB)",
        " Non-trainable params: 0 (0.00 B)",
    ]


def test_summary_of_float64_and_of_an_unbuilt_model(capsys):
    Sequential([Input((784,)), Dense(512), Dense(10)], dtype="float64").summary()
    assert "Total params: 407,050 (3.11 MB)" in capsys.readouterr().out
    Sequential([Dense(3)]).summary()
    assert "0 (unbuilt)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0.00 B"), (1023, "1023.00 B"), (1024, "1.00 KB"), (2**30, "1.00 GB"), (5 * 2**50, "5120.00 TB")],
)
def test_memory_size(size, text):
    assert summary.memory_size(size) == text
