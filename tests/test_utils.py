"""Pictures of models."""

import xml.etree.ElementTree as ElementTree

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
