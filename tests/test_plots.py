"""Pictures: what is drawn, where, and that nothing else is touched."""

import builtins
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.image import imread

from fastmlp import plots
from fastmlp.layers import Dense
from fastmlp.models import Sequential


def drawn(axes):
    """The lines of a panel: label, and points."""
    return {line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist()) for line in axes.get_lines()}


def test_curves_of_a_training():
    x = np.random.default_rng(0).normal(size=(40, 3))
    model = Sequential([Dense(4, "relu"), Dense(1, "sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy", ["accuracy"])
    history = model.fit(x, x[:, 0] > 0, epochs=3, validation_split=0.25, verbose=0)
    loss, accuracy = plots.curves(history).axes
    assert (loss.get_title(), accuracy.get_title(), loss.get_xlabel()) == ("loss", "accuracy", "epoch")
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        assert drawn(axes) == {
            "training": ([1, 2, 3], history.history[name]),
            "validation": ([1, 2, 3], history.history[f"val_{name}"]),
        }
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["training", "validation"]
    (alone,) = plots.curves({"loss": [2.0, 1.0]}).axes
    assert drawn(alone) == {"training": ([1, 2], [2.0, 1.0])} and alone.get_legend() is None


def test_lines():
    left, right = plots.lines(
        {"one": {"a": [3.0]}, "two": {"a": [1.0, 2.0], "b": [4.0]}}, "step", logarithmic=True
    ).axes
    assert drawn(right) == {"a": ([1, 2], [1.0, 2.0]), "b": ([1], [4.0])}
    assert left.get_yscale() == "log" and left.get_xlabel() == "step"


def test_images_keep_their_order_and_their_pixels():
    pictures = np.arange(3 * 6.0).reshape(3, 2, 3)
    axes = plots.images(pictures, titles=["a", "b", 3], columns=2).axes
    assert len(axes) == 4 and [one.get_title() for one in axes] == ["a", "b", "3", ""]
    for one, picture in zip(axes, pictures, strict=False):
        assert np.array_equal(one.images[0].get_array(), picture)
        assert one.images[0].get_clim() == (picture.min(), picture.max())
    assert not axes[3].images


def test_images_of_rows_are_squares_and_signed_ones_have_0_in_the_middle():
    (axes,) = plots.images([[1.0, -4.0, 0.0, 2.0]], signed=True).axes
    assert np.array_equal(axes.images[0].get_array(), [[1, -4], [0, 2]]) and axes.images[0].get_clim() == (-4.0, 4.0)
    (nothing,) = plots.images(np.zeros((1, 2, 2)), signed=True).axes
    assert nothing.images[0].get_clim() == (-1.0, 1.0)


def test_a_file_shows_what_was_drawn(tmp_path):
    plots.images([np.zeros((4, 4)), np.eye(4)], titles=["0", "1"]).savefig(tmp_path / "images.png")
    pixels = imread(tmp_path / "images.png")[..., :3]
    assert pixels.shape[1] > pixels.shape[0] and {0.0, 1.0} <= set(np.unique(pixels))
    assert (pixels[:, pixels.shape[1] // 2 :] == 0).mean() > 0.2  # the black squares of the second


def test_pyplot_and_its_windows_are_left_alone():
    draw = "from fastmlp import plots; plots.lines({'a': {'b': [1]}})"
    code = f"import sys; {draw}; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda: plots.curves([1.0]), TypeError, "history: got list, needs what fit returned"),
        (lambda: plots.curves({}), ValueError, "panels: got {}, needs at least one"),
        (lambda: plots.lines({"a": {}}), ValueError, "panels: got .* at least one line"),
        (lambda: plots.images([]), ValueError, "pictures: got 0 pictures, needs at least one"),
        (lambda: plots.images(np.zeros((2, 3, 3)), ["a"]), ValueError, "pictures: got 2 pictures and 1 titles"),
        (lambda: plots.images([np.zeros(5)]), ValueError, r"pictures\[0\]: got shape \(5,\), needs \(height, width\)"),
        (lambda: plots.images(np.zeros((1, 2, 2)), columns=0), ValueError, "columns: got 0"),
    ],
)
def test_what_cannot_be_drawn(draw, error, message):
    with pytest.raises(error, match=message):
        draw()


def test_without_the_extra_the_error_says_how_to_get_it(monkeypatch):
    true_import = builtins.__import__

    def without(name, *arguments):
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError(name)
        return true_import(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"needs matplotlib: pip install 'fastmlp\[plots\]'"):
        plots.lines({"a": {"b": [1.0]}})
