"""Reports in Chromium: what they compute, what is drawn, and how they are read, with a phone and by keyboard."""

import json
from itertools import pairwise

import numpy as np
import pytest

import fastmlp
from fastmlp import layers, report
from fastmlp.datasets import digits
from fastmlp.report import page as pages
from tests.browser import needs_browser
from tests.report.models import Adder, of_digits

pytestmark = needs_browser

QUICK = {"importance_seconds": 0}
PHONE, DESK = 375, 1100
STROKES = {  # digits as one writes them, within a square
    0: [
        [
            [0.5, 0.2],
            [0.38, 0.32],
            [0.35, 0.5],
            [0.4, 0.7],
            [0.5, 0.8],
            [0.62, 0.7],
            [0.66, 0.5],
            [0.6, 0.3],
            [0.5, 0.2],
        ]
    ],
    2: [[[0.3, 0.35], [0.35, 0.25], [0.5, 0.2], [0.65, 0.27], [0.67, 0.4], [0.5, 0.6], [0.3, 0.8], [0.72, 0.8]]],
    3: [
        [[0.35, 0.25], [0.5, 0.2], [0.65, 0.3], [0.6, 0.43], [0.47, 0.48]],
        [[0.47, 0.48], [0.62, 0.53], [0.68, 0.67], [0.55, 0.8], [0.35, 0.77]],
    ],
    7: [[[0.3, 0.25], [0.7, 0.25], [0.45, 0.8]]],
}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The report on the digits."""
    model, x, y = of_digits()
    path = tmp_path_factory.mktemp("report") / "r.html"
    report.write(path, model, x, y, y_train=y, target="digit", **QUICK)
    return path


def opened(page, path, width=DESK, **device):
    page.problems.clear()
    page.requests.clear()
    page.become(width, **device)
    page.open(path)
    return page


def of_the_page(page, pictures):
    """The probabilities that the page computes."""
    rows = np.asarray(pictures, np.float64).reshape(len(pictures), -1).tolist()
    return np.array(json.loads(page.ask(f"JSON.stringify({json.dumps(rows)}.map(predictPixels))")))


def shown(page):
    """The percentages beside the bars, by class, and the sentence."""
    items = page.ask("[...document.querySelectorAll('#drawing-bars li')].map((li) => li.innerText.split('\\n'))")
    shares = {item[0]: float(item[-1].removesuffix(" %")) for item in items}
    return shares, page.ask("document.getElementById('drawing-status').textContent")


@pytest.mark.parametrize(("dtype", "logits"), [("float32", False), ("float64", True)])
def test_the_page_predicts_what_the_model_does(tmp_path, page, dtype, logits):
    model, x, y = of_digits(dtype, logits)
    report.write(tmp_path / "r.html", model, x, y, **QUICK)
    expected = model.predict(x[:60], verbose=0).astype(float)
    if logits:
        expected = np.exp(expected) / np.exp(expected).sum(axis=1, keepdims=True)
    found = of_the_page(opened(page, tmp_path / "r.html"), x[:60])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.max(axis=1).std() > 0  # not all the same
    assert page.problems == []


@pytest.mark.parametrize("stretched", [0.0, 0.1], ids=["one scale", "scales of their own"])
def test_a_table_of_pixels_is_prepared_in_the_page(tmp_path, page, stretched):
    pl = pytest.importorskip("polars")
    sklearn = pytest.importorskip("fastmlp.sklearn")
    (x, y), (x_test, y_test) = digits.load_data()
    stretch = 1 + stretched * np.arange(64).reshape(8, 8)
    x, x_test = x * stretch, x_test * stretch
    names = [f"pixel_{i}_{j}" for i in range(8) for j in range(8)]
    frames = [pl.DataFrame(dict(zip(names, each.reshape(len(each), 64).T, strict=True))) for each in (x, x_test)]
    types = dict.fromkeys(names, "number")
    frames[0][0, "pixel_3_3"] = None  # a missing one is flagged
    model = sklearn.TableClassifier(2, types=types, hidden_layer_sizes=(16,), dropout=0.0, max_iter=25, random_state=0)
    model.fit(frames[0], y)
    assert type(model.preparation_.columns_["pixel_3_4"]).__name__ == ("Numbers" if stretched else "Scaled")
    report.write(tmp_path / "r.html", model, frames[1].with_columns(row=1), y_test, **QUICK)
    opened(page, tmp_path / "r.html")
    found = of_the_page(page, x_test[:40])
    np.testing.assert_allclose(found, model.predict_proba(frames[1][:40]), atol=1e-5)
    beyond = 1.7 * x_test[:40] - 6  # and values that training has not seen
    frame = pl.DataFrame(dict(zip(names, beyond.reshape(40, 64).T, strict=True)))
    np.testing.assert_allclose(of_the_page(page, beyond), model.predict_proba(frame), atol=1e-5)
    assert (found.argmax(axis=1) == y_test[:40]).mean() > 0.8
    assert page.problems == []


def test_networks_count_by_their_weights(tmp_path, page):
    pl = pytest.importorskip("polars")
    sklearn = pytest.importorskip("fastmlp.sklearn")

    class Weighed(sklearn.TableClassifier):
        def predict_proba(self, X):
            first, second = (one.predict(self.preparation_.inputs(X)[0], verbose=0) for one in self.estimators_)
            return 0.9 * first + 0.1 * second

    random = np.random.default_rng(0)
    frame = pl.DataFrame({f"pixel{i}": random.random(80) for i in range(36)})
    model = Weighed(2, hidden_layer_sizes=(8,), dropout=0.0, max_iter=3, random_state=0)
    model.fit(frame, np.arange(80) % 2)
    model.weights_ = [0.9, 0.1]
    report.write(tmp_path / "r.html", model, frame, np.arange(80) % 2, **QUICK)
    found = of_the_page(opened(page, tmp_path / "r.html"), frame.to_numpy())
    np.testing.assert_allclose(found, model.predict_proba(frame), atol=1e-5)


def test_pictures_in_colours_are_not_drawn_but_shown(tmp_path, page):
    random = np.random.default_rng(0)
    x, y = random.random((30, 6, 7, 3)), np.arange(30) % 2
    model = fastmlp.Sequential([fastmlp.Input((6, 7, 3)), layers.Flatten(), layers.Dense(1, "sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy")
    model.classes = ["cat", "dog"]
    report.write(tmp_path / "r.html", model, x, y, **QUICK)
    opened(page, tmp_path / "r.html")
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(of_the_page(page, x), np.concatenate([1 - expected, expected], axis=1), atol=1e-5)
    assert page.ask("document.getElementById('drawing-pad')") is None
    page.ask("document.getElementById('drawing-example').click()")
    shares, said = shown(page)
    assert list(shares) == ["cat", "dog"] and said.startswith("A test picture of cat: the model says ")
    colours = page.ask("[...document.getElementById('drawing-seen').getContext('2d').getImageData(0, 0, 1, 1).data]")
    assert len(set(colours[:3])) > 1 and page.problems == []


@pytest.mark.parametrize(("scale", "x", "y"), [(1.0, 0.0, 0.0), (0.35, 0.6, 0.1)], ids=["large", "small"])
def test_drawn_digits_are_placed_as_those_of_training(page, file, scale, x, y):
    opened(page, file)
    for digit, strokes in STROKES.items():
        moved = [[[a * scale + x, b * scale + y] for a, b in stroke] for stroke in strokes]
        pixels = np.array(page.ask(f"[...pixelsOf({json.dumps(moved)})]")).reshape(8, 8)
        rows, columns = np.nonzero(pixels > 1)
        assert max(np.ptp(rows), np.ptp(columns)) >= 6 and 8 < pixels.max() <= 16
        assert of_the_page(page, [pixels])[0].argmax() == digit


def test_drawing_with_the_mouse_the_finger_and_clearing(page, file):
    for touch in (False, True):
        opened(page, file, PHONE if touch else DESK, touch=touch)
        page.ask("document.getElementById('drawing-pad').scrollIntoView({block: 'center', behavior: 'instant'})")
        box = "document.getElementById('drawing-pad').getBoundingClientRect()"
        scrolled = page.ask("scrollY")
        left, top, side = (page.ask(f"{box}.{one}") for one in ("left", "top", "width"))
        for stroke in STROKES[7]:
            corners = np.array(stroke) * side + [left, top]
            points = [a + (b - a) * t for a, b in pairwise(corners) for t in np.linspace(0, 1, 6)]
            drag(page, points, touch)
        assert page.ask("scrollY") == scrolled
        shares, said = shown(page)
        assert max(shares, key=shares.get) == "7" and said == f"The drawing is 7, with {shares['7']:.1f} %."
        assert sum(shares.values()) == pytest.approx(100, abs=1) and list(shares) == [str(i) for i in range(10)]
        page.ask("document.getElementById('drawing-clear').click()")
        assert shown(page) == ({}, "")
        assert page.problems == []


def drag(page, points, touch):
    """Move the mouse, pressed, or a finger along points."""
    for place, (x, y) in enumerate(points):
        if touch:
            kind = "touchStart" if place == 0 else "touchMove"
            page.call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])
        else:
            kind = "mousePressed" if place == 0 else "mouseMoved"
            page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)
    if touch:
        page.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    else:
        page.call("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, button="left", clickCount=1)


def test_drawing_by_keyboard(page, file):
    opened(page, file)
    page.ask("document.getElementById('drawing-pad').focus()")
    page.press(" ", "Space")
    for _ in range(8):
        page.press("ArrowDown")
    page.press(" ", "Space")
    _, said = shown(page)
    assert said.startswith("The drawing is 1, with ")
    page.press("Escape")
    assert shown(page) == ({}, "")


def test_test_pictures_by_turns(page, file):
    model, x, y = of_digits()
    opened(page, file)
    for digit in range(3):
        page.ask("document.getElementById('drawing-example').click()")
        shares, said = shown(page)
        row = np.flatnonzero(y == digit)[0]
        expected = 100 * model.predict(x[row : row + 1], verbose=0)[0]
        np.testing.assert_allclose(list(shares.values()), expected, atol=0.051)
        assert said.startswith(f"A test picture of {digit}: the model says {expected.argmax()}, with ")


def test_every_control_is_reached_by_tab_and_has_a_name(page, file):
    opened(page, file)
    focused = "document.activeElement"
    name = f"{focused}.getAttribute('aria-label') || {focused}.innerText"
    reached = []
    for _ in range(60):
        page.press("Tab")
        if page.ask(f"{focused} === document.body"):
            break
        reached.append([page.ask(f"{focused}.{one}") for one in ("tagName", "id")] + [page.ask(name)])
    assert reached[0] == ["A", "", "Skip to the content"]
    ids = [one for _, one, _ in reached]
    assert {"drawing-pad", "drawing-clear", "drawing-example"} <= set(ids)
    expected = page.ask("document.querySelectorAll('a, button, canvas[tabindex], summary').length")
    assert sum(tag in ("A", "BUTTON", "CANVAS", "SUMMARY") for tag, _, _ in reached) == expected
    assert all(words.strip() for _, _, words in reached)


def test_the_tree_for_readers_has_names_for_all(page, file):
    opened(page, file)
    page.call("Accessibility.enable")
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    told = [(one["role"]["value"], one.get("name", {}).get("value", "")) for one in nodes if not one["ignored"]]
    asked = {"image", "img", "button", "link", "region", "application", "table", "navigation"}
    unnamed = [one for one in told if one[0] in asked and not one[1]]
    assert unnamed == []
    assert {"application", "button", "main", "status", "table"} <= {role for role, _ in told}
    assert ("application", "Drawing area") in told


@pytest.mark.parametrize("kind", ["pictures", "numbers"])
def test_a_phone_scrolls_down_alone(tmp_path, page, file, kind):
    path = file
    if kind == "numbers":
        columns = pytest.importorskip("fastmlp.tables.columns")
        random = np.random.default_rng(0)
        names = ["a_very_long_name_of_a_column_" * 3, "b", "c"]
        x = {name: random.normal(size=300) * 1e6 for name in names}
        made = [columns.Column(name, "number", 0, 300, "a long note " * 10) for name in names]
        path = tmp_path / "r.html"
        report.write(path, Adder(), x, random.normal(size=300), columns=made, target="x" * 200)
    for device in ({"touch": True}, {"dark": True}):
        opened(page, path, PHONE, **device)
        page.ask("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.ask("document.documentElement.scrollWidth <= window.innerWidth")
        beyond = "one.getBoundingClientRect().right > innerWidth + 1 && !one.closest('.scroll, pre')"
        wide = page.ask(
            f"[...document.querySelectorAll('main *')].filter((one) => {beyond}).map((one) => one.outerHTML)"
        )
        assert wide == [] and page.problems == [] and page.requests == [path.as_uri()]


def test_light_and_dark_differ_and_words_stand_out(page, file):
    def luminance(colour):
        parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    papers = []
    for dark in (False, True):
        opened(page, file, dark=dark)
        paper = luminance(page.ask("getComputedStyle(document.body).backgroundColor"))
        papers.append(paper)
        for what, of in [
            ("body", "color"),
            (".note, figcaption", "color"),
            ("a[href]", "color"),
            ("svg .label", "fill"),
        ]:
            ink = luminance(page.ask(f"getComputedStyle(document.querySelector('{what}')).{of}"))
            assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 4.5, (what, dark)
    assert papers[0] > 0.9 and papers[1] < 0.05


def test_a_script_that_is_not_of_the_page_does_not_run(tmp_path, page):
    text = pages.assembled("t", "<p>a</p>", [pages.Section("s", "S", "<script>var ran = 1</script>")], ["var own = 1"])
    (tmp_path / "r.html").write_text(text)
    opened(page, tmp_path / "r.html")
    assert page.ask("typeof own") == "number" and page.ask("typeof ran") == "undefined"


def test_drawings_are_centred_by_mass_where_pictures_are(tmp_path, page):
    """As MNIST: within a box, then shifted until the centre of mass is in the middle."""
    pictures = np.zeros((40, 28, 28), np.uint8)
    for place, one in enumerate(pictures):  # a bracket whose foot is longer or shorter
        one[4:24, 9] = one[4:6, 9:19] = one[22:24, 9 : 10 + place % 10] = 255
        shift = [round(14 - np.average(np.arange(28) + 0.5, weights=one.sum(axis=axis))) for axis in (1, 0)]
        one[:] = np.roll(one, shift, axis=(0, 1))
    made = [fastmlp.Input((28, 28)), layers.Flatten(), layers.Dense(2, "softmax")]
    model = fastmlp.Sequential(made, seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    report.write(tmp_path / "r.html", model, pictures, np.arange(40) % 2, **QUICK)
    opened(page, tmp_path / "r.html")
    assert page.ask("drawingData.placement.byMass") is True
    for strokes in ([[[0.1, 0.1], [0.1, 0.3], [0.2, 0.3]]], [[[0.5, 0.2], [0.6, 0.9]], [[0.55, 0.9], [0.9, 0.9]]]):
        pixels = np.array(page.ask(f"[...pixelsOf({json.dumps(strokes)})]")).reshape(28, 28)
        center = [np.average(np.arange(28) + 0.5, weights=pixels.sum(axis=axis)) for axis in (0, 1)]
        np.testing.assert_allclose(center, page.ask("drawingData.placement.center"), atol=0.05)
        box = [np.ptp(np.flatnonzero(pixels.max(axis=axis) > 64)) + 1 for axis in (0, 1)]
        assert 19 <= max(box) <= 21


@pytest.mark.usefixtures("mnist_available")
def test_digits_that_are_drawn_are_read_by_a_network_of_mnist(tmp_path, page):
    from fastmlp.datasets import mnist

    (x, y), (x_test, y_test) = mnist.load_data()
    made = [fastmlp.Input((28, 28)), layers.Flatten(), layers.Rescaling(1 / 255), layers.Dense(128, "relu")]
    model = fastmlp.Sequential([*made, layers.Dense(10, "softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=128, epochs=1, verbose=0)
    report.write(tmp_path / "r.html", model, x_test, y_test, **QUICK)
    opened(page, tmp_path / "r.html")
    np.testing.assert_allclose(of_the_page(page, x_test[:20]), model.predict(x_test[:20], verbose=0), atol=1e-5)
    for scale, right, down in ((1.0, 0.0, 0.0), (0.3, 0.05, 0.6)):
        for digit, strokes in STROKES.items():
            moved = [[[a * scale + right, b * scale + down] for a, b in stroke] for stroke in strokes]
            assert np.argmax(page.ask(f"predictPixels(pixelsOf({json.dumps(moved)}))")) == digit
