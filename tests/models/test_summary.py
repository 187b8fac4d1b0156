"""The table of a summary, in the look of Keras'."""

import re

import pytest

from fastmlp.layers import Dense, Dropout, Input, Softmax
from fastmlp.models import Model, Sequential, summary


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


def cells_of(text):
    lines = text.splitlines()
    return [[cell.strip() for cell in re.split("[│┃]", line)[1:-1]] for line in lines if line[:1] in "│┃" and line]


def test_models_in_models_and_flags(capsys, monkeypatch):
    """As Keras 3.15 prints the same model."""
    monkeypatch.setenv("COLUMNS", "120")
    inner = Sequential([Dense(3)], name="enc")
    model = Sequential([inner, Softmax()], name="outer")
    model.build((None, 4))
    model.summary(expand_nested=True, show_trainable=True)
    printed = capsys.readouterr().out
    assert cells_of(printed) == [
        ["Layer (type)", "Output Shape", "Param #", "Trainable"],
        ["enc (Sequential)", "(None, 3)", "15", "Y"],
        ["└ dense (Dense)", "(None, 3)", "15", "Y"],
        ["softmax (Softmax)", "(None, 3)", "0", "-"],
    ]
    inner.trainable = False
    model.summary()
    printed = capsys.readouterr().out
    assert "dense" not in printed and " Trainable params: 0 (0.00 B)\n Non-trainable params: 15 (60.00 B)" in printed


def test_a_graph_has_a_column_of_connections():
    """As Keras 3.15 prints it, but for the numbers of the calls, which are counted in the model here."""
    inputs = Input((4,), name="left")
    twice = Dense(4)
    model = Model(inputs, Dense(2)(twice(twice(inputs))), name="graph")
    printed = []
    model.summary(line_length=100, positions=[0.3, 0.5, 0.7, 1.0], print_fn=printed.append)
    (text,) = printed
    assert text.startswith('Model: "graph"\n') and text.endswith(" Non-trainable params: 0 (0.00 B)\n")
    assert {len(line) for line in text.splitlines()[1:-3]} == {100}
    assert cells_of(text) == [
        ["Layer (type)", "Output Shape", "Param #", "Connected to"],
        ["left (InputLayer)", "(None, 4)", "0", "-"],
        ["dense (Dense)", "(None, 4)", "20", "left[0][0], dense[0][0]"],
        ["dense_1 (Dense)", "(None, 2)", "10", "dense[1][0]"],
    ]
    row = Model(inputs, Dense(2)(inputs))
    row.summary(print_fn=printed.append)
    assert "Connected to" not in printed[1]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"line_length": 5}, ValueError, "line_length: got 5"),
        ({"positions": [0.5, 1.0]}, ValueError, "positions: got .*needs 3 growing shares"),
        ({"print_fn": "print"}, TypeError, "print_fn: got 'print'"),
        ({"expand_nested": 1}, TypeError, "expand_nested: got 1"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        Sequential([Input((4,)), Dense(3)]).summary(**arguments)
