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
from fastmlp.report.numbers import Importance


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


def test_the_confusion_matrix_has_the_counts_of_the_report():
    true, predicted = ["a", "a", "b", "c"], ["a", "b", "b", "a"]
    (axes,) = plots.confusion_matrix(true, predicted).axes
    assert np.array_equal(axes.images[0].get_array(), [[0.5, 0.5, 0], [0, 1, 0], [1, 0, 0]])
    assert {text.get_position(): text.get_text() for text in axes.texts} == {
        (0, 0): "1",
        (1, 0): "1",
        (1, 1): "1",
        (0, 2): "1",
    }
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "c"]
    many = np.repeat(np.arange(50), 2)
    (axes,) = plots.confusion_matrix(many, many, [f"c{i}" for i in range(50)]).axes
    assert axes.get_yticklabels()[-1].get_text() == "31 others" and axes.images[0].get_array().shape == (20, 20)


def test_residuals_and_calibration_have_the_numbers_of_the_report():
    true, predicted = np.array([1.0, 2.0, 3.0]), np.array([[1.5], [2.0], [2.0]])
    left, right = plots.residuals(true, predicted).axes
    assert list(drawn(left).values()) == [([1.0, 3.0], [1.0, 3.0]), ([1.0, 2.0, 3.0], [1.5, 2.0, 2.0])]
    assert sum(bar.get_height() for bar in right.patches) == 3
    for shares in ([0.1, 0.15, 0.9, 0.95], [[0.9, 0.1], [0.85, 0.15], [0.1, 0.9], [0.05, 0.95]]):
        (axes,) = plots.calibration([0, 1, 1, 1], shares).axes
        points = list(drawn(axes).values())[1]
        np.testing.assert_allclose(points, [[0.125, 0.925], [0.5, 1.0]])
        assert axes.get_title() == "mean distance 0.225"


def test_importance_is_drawn_from_the_greatest_on():
    found = Importance(["a", "b", "c"], np.array([0.1, 0.3, 0.2]), np.array([0.01, 0.02, 0.03]), "log loss", 9, 5, 0)
    (axes,) = plots.importance(found, most=2).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "c"]
    assert [bar.get_width() for bar in axes.patches] == [0.3, 0.2] and axes.get_xlabel() == "gain of the log loss"


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
        (lambda: plots.confusion_matrix([0, 1], [0]), ValueError, r"y_pred: got shape \(1,\) for y_true \(2,\)"),
        (lambda: plots.confusion_matrix([0, 3], [0, 1], ["a", "b"]), ValueError, "classes: got 2 names, needs one"),
        (lambda: plots.residuals([], []), ValueError, r"y_pred: got shape \(0,\)"),
        (lambda: plots.residuals(np.zeros(2), np.zeros((2, 2))), ValueError, r"y_pred: got shape \(2, 2\)"),
        (lambda: plots.calibration([0, 1], np.zeros((3, 2))), ValueError, r"probabilities: got shape \(3, 2\)"),
        (
            lambda: plots.importance({"a": 1}),
            TypeError,
            "found: got dict, needs what fastmlp.report.importance returns",
        ),
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
