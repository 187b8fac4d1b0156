"""Pictures: what is one, how it lies, and as PNG."""

import base64
import io

import numpy as np
import pytest

from fastmlp.report import pictures


def test_shapes_that_are_pictures():
    assert pictures.shape_of((28, 20)) == (28, 20, 1)
    assert pictures.shape_of((8, 8, 1)) == (8, 8, 1) and pictures.shape_of((32, 32, 3)) == (32, 32, 3)
    for other in [(64,), (5, 3), (3, 32, 32), (8, 8, 2)]:
        assert pictures.shape_of(other) is None


def test_names_of_pixels():
    assert pictures.shape_of_names([f"pixel_{i}_{j}" for i in range(6) for j in range(9)]) == (6, 9, 1)
    assert pictures.shape_of_names([f"{i}x{j}" for i in range(1, 9) for j in range(1, 9)]) == (8, 8, 1)
    assert pictures.shape_of_names([f"pixel{i}" for i in range(1, 50)]) == (7, 7, 1)
    for others in [
        [f"pixel{i}" for i in range(50)],  # no square
        [f"pixel{i}" for i in reversed(range(49))],  # another order
        [f"pixel{i}" for i in range(16)],  # too small
        [f"sensor{i}" for i in range(64)],
        [f"question_{i}_{j}" for i in range(6) for j in range(6)],
        [f"pixel_{i}_{j}" for i in range(7) for j in range(7)][:-1],
        ["a", "b"] * 32,
        [f"pixel{10**30 + i}" for i in range(49)],
    ]:
        assert pictures.shape_of_names(others) is None
    assert pictures.pixels_among(["id", "p0", "p1", "label"]) == [1, 2]


@pytest.mark.parametrize("ink", [255.0, -1.0])
def test_placement_of_a_bar(ink):
    drawn = np.full((20, 28, 28), 3.0)
    for one, x in zip(drawn, np.arange(20) % 3 + 10, strict=True):  # the box moves
        one[5:23, x : x + 2] = ink
        one[20:23, x - 6 : x] = ink
    found = pictures.placement(drawn)
    assert (found.background, found.ink, found.box) == (3.0, ink, 18.0)
    assert found.center[1] == pytest.approx(16.5)  # of mass: 36 pixels around 14, 18 around 21.5
    bar = np.zeros((1, 28, 28))
    bar[0, 4:24, 12:15] = 1.0
    assert pictures.thickness(bar) == pytest.approx(3, rel=0.2)


def test_placement_tells_what_the_pictures_have_in_common():
    """A bracket whose foot is longer or shorter: in its box, or shifted until the centre of mass is in the middle."""
    random = np.random.default_rng(0)
    by_box, by_mass = np.zeros((2, 200, 28, 28))
    for boxed, weighed in zip(by_box, by_mass, strict=True):
        boxed[4:24, 9] = boxed[4:6, 9:19] = boxed[22:24, 9 : 9 + random.integers(1, 11)] = 1
        across = round(14 - (boxed.sum(axis=0) @ np.arange(28)) / boxed.sum())
        down = round(14 - (boxed.sum(axis=1) @ np.arange(28)) / boxed.sum())
        weighed[:] = np.roll(boxed, (down, across), axis=(0, 1))
    found = pictures.placement(by_box)
    assert not found.by_mass and found.center == (14, 14) and found.box == 20
    found = pictures.placement(by_mass)
    assert found.by_mass and found.center == pytest.approx((14.5, 14.5), abs=0.5) and found.box == 20


def test_empty_pictures_have_a_placement():
    assert pictures.placement(np.zeros((3, 8, 8))).box == 8.0


@pytest.mark.parametrize("channels", [1, 3])
def test_png(channels):
    image = pytest.importorskip("matplotlib.image")
    pixels = np.arange(6 * 7 * channels, dtype=float).reshape(6, 7, channels) - 20
    kind, _, text = pictures.png(pixels).partition(",")
    assert kind == "data:image/png;base64"
    read = image.imread(io.BytesIO(base64.b64decode(text)))
    expected = (pixels - pixels.min()) / (pixels.max() - pixels.min())
    np.testing.assert_allclose(read.reshape(6, 7, -1)[..., :channels], expected, atol=1 / 400)


def test_missing_pixels_are_as_the_least():
    pixels = np.arange(42.0).reshape(6, 7, 1)
    with_gap = np.where(pixels == 5, np.nan, pixels)
    assert pictures.png(with_gap) == pictures.png(np.where(pixels == 5, 0.0, pixels))


def test_patches_are_all_pixels_once():
    for shape, grid in [((28, 28, 1), (7, 7)), ((8, 12, 3), (8, 6)), ((23, 29, 1), (7, 7))]:
        groups, places = pictures.pixels_of_patches(shape), list(pictures.patches(shape).values())
        assert pictures.grid(shape) == grid and len(groups) == len(set(places)) == grid[0] * grid[1]
        assert sorted(np.concatenate(groups)) == list(range(np.prod(shape)))
    places = list(pictures.patches((28, 28, 1)).values())
    assert places[0] == (3, 3) and set(places[-4:]) == {(0, 0), (0, 6), (6, 0), (6, 6)}
    assert pictures.pixels_of_patches((28, 28, 1))[0].tolist()[:5] == [348, 349, 350, 351, 376]
