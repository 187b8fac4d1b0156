"""Pictures of models, parts of data, progress bars."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import fastmlp as keras
from fastmlp import utils
from fastmlp.layers import Dense


def model():
    inputs, twice = keras.Input((4,), name="<rows>"), Dense(4, "tanh", trainable=False)
    return keras.Model(inputs, Dense(2)(twice(twice(inputs))))


def test_a_picture_has_the_layers_and_what_they_read(tmp_path):
    path = tmp_path / "model.svg"
    utils.plot_model(model(), path, show_shapes=True, show_layer_names=True, show_layer_activations=True)
    root = ElementTree.fromstring(path.read_text())
    kinds = [element.tag.rpartition("}")[2] for element in root]
    texts = [element.text for element in root if element.tag.endswith("text")]
    assert kinds.count("rect") == 1 + 3 and kinds.count("line") == 3
    assert texts[0] == "<rows> (InputLayer)" and "output: (None, 2)" in texts and "activation: tanh" in texts
    utils.plot_model(keras.Sequential([Dense(2), Dense(1)]), path, show_trainable=True, show_dtype=True)
    assert path.read_text().count("<line") == 1 and ">dtype: float32<" in path.read_text()


def test_matplotlib_draws_other_files(tmp_path):
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    utils.plot_model(model(), tmp_path / "model.png", dpi=50)
    assert (tmp_path / "model.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"rankdir": "LR"}, ValueError, "rankdir: got 'LR', needs 'TB'"),
        ({"expand_nested": True}, ValueError, "expand_nested: got True"),
        ({"show_shapes": 1}, TypeError, "show_shapes: got 1"),
        ({"to_file": "model"}, ValueError, "to_file: got 'model', needs a name with an ending"),
        ({"model": keras.Sequential()}, ValueError, "model: got no layers"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        utils.plot_model(**{"model": model(), **arguments})


# -------------------------------------------------------------------------------------------------------- parts of data


@pytest.mark.parametrize(
    ("sizes", "left", "right"),
    [
        ({"left_size": 0.8}, [0, 1, 2, 3, 4, 5, 6, 7], [8, 9]),
        ({"right_size": 3}, [0, 1, 2, 3, 4, 5, 6], [7, 8, 9]),
        ({"left_size": 0.2, "right_size": 4}, [0, 1], [6, 7, 8, 9]),
    ],
)
def test_parts_keep_their_rows_together(sizes, left, right):
    x = np.arange(10)
    assert [part.tolist() for part in utils.split_dataset(x, **sizes)] == [left, right]
    first, second = utils.split_dataset((x, -x), **sizes)
    assert type(first) is tuple and first[1].tolist() == [-v for v in left] and second[0].tolist() == right
    assert utils.split_dataset({"a": x, "b": x + 1}, **sizes)[1]["b"].tolist() == [v + 1 for v in right]


def test_shuffled_parts_are_those_of_the_seed():
    x = np.arange(100)
    (a, b), (c, d) = (utils.split_dataset([x, x + 1], 0.5, shuffle=True, seed=seed) for seed in (3, 3))
    assert np.array_equal(a[0], c[0]) and np.array_equal(b[1], d[1]) and np.array_equal(a[0] + 1, a[1])
    assert sorted([*a[0], *b[0]]) == x.tolist() and sorted(a[0]) != x[:50].tolist()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "left_size: got None beside right_size=None, needs one of the two"),
        ({"left_size": 1.0}, ValueError, "left_size: got 4 rows beside 0, needs at most 4 and one at least in either"),
        ({"left_size": 3, "right_size": 2}, ValueError, "left_size: got 3 rows beside 2, needs at most 4"),
        ({"left_size": 5}, ValueError, "left_size: got 5, needs an integer of at least 0 and below 5"),
        ({"left_size": "half"}, TypeError, "left_size: got 'half', needs an integer"),
        ({"left_size": 2, "dataset": (np.ones(3), np.ones(4))}, ValueError, r"dataset: got arrays of \[3, 4\] rows"),
    ],
)
def test_parts_that_cannot_be(arguments, error, message):
    with pytest.raises(error, match=message):
        utils.split_dataset(**{"dataset": np.ones((4, 2)), **arguments})


# -------------------------------------------------------------------------------------------------------- progress bars


def test_a_bar_shows_running_means(capsys):
    bar = utils.Progbar(4, width=4, interval=0.0, stateful_metrics=["rate"])
    bar.update(1, [("loss", 4.0), ("rate", 0.5)])
    bar.add(2, [("loss", 1.0), ("rate", 0.25)])
    lines = capsys.readouterr().out.split("\r")
    assert lines[0].startswith("1/4 ━─── ") and lines[0].endswith("/step - loss: 4.0000 - rate: 0.5000")
    assert lines[1].startswith("3/4 ━━━─ ") and lines[1].rstrip().endswith("loss: 2.0000 - rate: 0.2500")  # (4 + 2) / 3
    bar.add(1, [("loss", 3e-4)])
    assert capsys.readouterr().out.rstrip(" \n").endswith("loss: 3.0000e-04 - rate: 0.2500")  # the last stands as it is


def test_other_bars(capsys):
    utils.Progbar(2, verbose=0).update(2)
    line = utils.Progbar(2, verbose=2, unit_name="sample")
    line.update(1)
    assert capsys.readouterr().out == ""
    line.update(2, [("loss", np.float32(0.5))])
    assert "2/2 " in (out := capsys.readouterr().out) and "/sample - loss: 0.5000\n" in out
    utils.Progbar(None, interval=0.0).update(5)
    assert capsys.readouterr().out.startswith("      5/Unknown ")
    with pytest.raises(ValueError, match="stateful_metrics: got names beside stateless_metrics"):
        utils.Progbar(2, stateful_metrics=[], stateless_metrics=[])
