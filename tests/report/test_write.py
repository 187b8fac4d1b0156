"""Reports as files: what is in them, what they cost, and what they refuse."""

import json
import re
import sys

import numpy as np
import pytest

import fastmlp
from fastmlp import layers, report
from tests.report.models import Adder, Guesser, of_digits
from tests.report.parsed import Parsed

EVIL = "<script>alert(1)</script>"
QUICK, PATIENT = {"importance_seconds": 0}, {"importance_seconds": 600}


def test_a_report_on_pictures(tmp_path):
    pytest.importorskip("sklearn")
    model, x, y = of_digits()
    report.write(tmp_path / "r.html", model, x, y, y_train=y, target="digit", data="digits", seconds=2.0)
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]
    page = Parsed((tmp_path / "r.html").read_text("utf-8"))
    assert page.titles == [
        "Draw",
        "Learning curves",
        "Confusion matrix",
        "Scores by class",
        "Calibration",
        "Rows predicted worst",
        "Importance of the patches",
        "Speed and size",
        "Use the model",
    ]
    accuracy = model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"]
    assert f"{accuracy:.2%}" in page.words and "one of 10 classes, from 8 x 8 pixels" in page.words
    assert "fastmlp-predict model.safetensors IMAGES.idx" in page.words and "is not in a file yet" in page.words
    assert len(page.all("img")) == 12


def test_figures_have_a_title_a_description_and_their_numbers():
    model, x, y = of_digits()
    page = Parsed(report.html(model, x, y, **QUICK))
    drawings = page.all("svg")
    assert len(drawings) >= 4
    known = {one["id"] for _, one in page.elements if "id" in one}
    assert len(known) == sum("id" in one for _, one in page.elements)
    for one in drawings:
        assert one["role"] == "img" and set(one["aria-labelledby"].split()) <= known
    assert all(one["role"] == "region" and one["tabindex"] == "0" and one["aria-label"] for one in scrolling(page))
    assert all(one["href"].removeprefix("#") in known for one in page.all("a"))
    assert page.all("html") == [{"lang": "en"}] and len(page.all("h1")) == len(page.all("main")) == 1


def scrolling(page):
    return [one for one in page.all("div") if one.get("class") == "scroll"]


def test_a_report_on_numbers():
    random = np.random.default_rng(0)
    x = random.normal(size=(2000, 3))
    y = x[:, 0] + 0.5 * x[:, 1] + random.normal(size=2000)
    page = Parsed(report.html(Adder(), x, y, y_train=y + 1, target="price", **QUICK))
    assert {"Residuals", "Rows predicted worst"} <= set(page.titles)
    assert not {"Draw", "Calibration", "Confusion matrix"} & set(page.titles)
    differences = x[:, 0] + 0.5 * x[:, 1] - y
    always = (((y + 1).mean() - y) ** 2).mean() ** 0.5
    assert f"{(differences**2).mean() ** 0.5:.4g}{always:.4g} without a look at the rows" in page.words
    assert len(page.all("circle")) == 1000 and "1,000 of 2,000 rows, drawn at random" in page.words
    assert f"Row {abs(differences).argmax() + 1:,}" in page.words
    assert not any("function" in script or "=>" in script for script in page.scripts)


def test_the_speed_is_that_of_all_rows():
    x = np.random.default_rng(0).normal(size=(20, 2))
    page = Parsed(report.html(Adder(), x, x[:, 0], y_train=x[:, 1], train_rows=1_000_000, seconds=4.0, **QUICK))
    assert "all epochs included250,000" in page.words and "trained on 1,000,000" in page.words
    assert "all epochs included" not in report.html(Adder(), x, x[:, 0], y_train=x[:, 1], seconds=0.0, **QUICK)


def test_columns_may_be_lists():
    x = {"a": [1, 2, 3, 4], "b": [0.5, 0.25, 1.0, 2.0], "word": ["x", None, "y", "z"]}
    page = Parsed(report.html(Adder(), x, [1.0, 2.0, 3.0, 4.0], **QUICK))
    assert "from 3 columns" in page.words and "wordmissing" in page.words


def test_pictures_that_lack_pixels_are_not_shown_to_try():
    pl = pytest.importorskip("polars")
    sklearn = pytest.importorskip("fastmlp.sklearn")
    random = np.random.default_rng(0)
    frame, y = pl.DataFrame({f"pixel{i}": random.random(80) for i in range(36)}), np.arange(80) % 2
    frame[0, "pixel3"] = frame[7, "pixel9"] = None
    model = sklearn.TableClassifier(hidden_layer_sizes=(8,), max_iter=2, random_state=0).fit(frame, y)
    page = Parsed(report.html(model, frame, y, **QUICK))
    assert len(json.loads(page.scripts[0])["examples"]) == 24 and page.titles[0] == "Draw"
    page = Parsed(report.html(model, frame[:1], y[:1], **QUICK))
    assert page.scripts == [] and "each of its test pictures lacks pixels" in page.words


def test_words_of_tables_are_words():
    pl = pytest.importorskip("polars")
    pytest.importorskip("sklearn")
    columns = pytest.importorskip("fastmlp.tables.columns")
    names = [EVIL, '"><img src=x onerror=alert(1)>', "b & c"]
    x = pl.DataFrame({names[0]: [0, 1, 2, 0], names[1]: ["</td>" + EVIL] * 4, names[2]: ["x\u2028y"] * 4})
    classes = [EVIL, "]]>&amp;", "'\"><svg onload=alert(1)>"]
    y = np.array(classes)[[1, 2, 0, 0]]
    made = [columns.Column(name, "category", 0, 1, EVIL) for name in names]
    text = report.html(Guesser(classes), x, y, columns=made, target=EVIL, data=EVIL, file=EVIL + "'")
    page = Parsed(text)
    assert "alert(1)>" not in re.sub(r"&[a-z#0-9]+;", "", text).replace("alert(1)&gt;", "")
    assert page.all("script") == [] and {one["src"].partition(":")[0] for one in page.all("img")} <= {"data"}
    assert all(not name.startswith("on") for _, one in page.elements for name in one)
    assert page.words.count(EVIL[:10]) > 10
    assert "script-src 'none'" in text


def test_words_in_the_data_of_the_drawing_are_words():
    model, x, y = of_digits()
    model.classes = [EVIL + str(i) for i in range(10)]
    try:
        page = Parsed(report.html(model, x, y, **QUICK))
    finally:
        model.classes = list(range(10))
    assert [one.get("type") for one in page.all("script")] == ["application/json", None]
    assert json.loads(page.scripts[0])["classes"][3] == EVIL + "3"


def test_large_tables_make_no_large_page():
    pytest.importorskip("sklearn")
    columns = pytest.importorskip("fastmlp.tables.columns")
    rows, wide, many = 400, 10_000, 1_000
    random = np.random.default_rng(0)
    letters = np.array(list("abcdefghij"))
    names = ["".join(letters[list(map(int, f"{i:04}"))]) * 30 for i in range(wide)]
    x = dict(zip(names, random.integers(0, many, (wide, rows)), strict=True))
    made = [columns.Column(name, "number", 0, many) for name in names]
    classes = [f"class {i} " + "long " * 100 for i in range(many)]
    y = np.array(classes)[random.integers(0, many, rows)]
    text = report.html(Guesser(classes), x, y, columns=made, importance_seconds=1.0)
    assert len(text) < 400_000
    words = " ".join(Parsed(text).words.split())
    assert "The 10,000 columns; 9,900 lines more are left out" in words
    assert "Of 1,000 classes, those with most mistakes are drawn" in words and "981 others" in words
    assert re.search(r"The 50 classes of the least F1, of 1,000, of which \d+ are tested", words)
    assert "Of 10,000 columns, 40 are shown." in words
    assert re.search(r"Of 10,000 columns, \d+ were tried one by one", words) or "did not suffice" in words


def test_models_too_large_for_a_page_are_left_out(monkeypatch):
    model, x, y = of_digits()
    monkeypatch.setattr("fastmlp.report.drawing.MOST_WEIGHTS", 3_000)
    page = Parsed(report.html(model, x, y, **QUICK))
    assert page.titles[0] == "Try it" and page.all("canvas") == page.all("script") == []
    assert f"its {model.count_params():,} weights are more than 3,000" in page.words


def test_the_curves_of_the_estimators():
    sklearn = pytest.importorskip("fastmlp.sklearn")
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 3))
    y = np.where(x[:, 0] > 0, "yes", "no")
    model = sklearn.MLPClassifier((5,), max_iter=30, random_state=0, validation_fraction=0.2, early_stopping=True)
    page = Parsed(report.html(model.fit(x, y), x, y))
    assert "Learning curves" in page.titles and f"loss by epoch: training {model.loss_curve_[0]:.4g} to" in page.words
    assert "column 0" in page.words and "probability of yes" in page.words
    table = sklearn.TableRegressor(2, hidden_layer_sizes=(4,), dropout=0.0, max_iter=3, random_state=0).fit(x, x[:, 0])
    page = Parsed(report.html(table, x, x[:, 0], file="it's.safetensors", **QUICK))
    assert "Of the first of 2 networks." in page.words
    assert "fastmlp-predict 'it'\"'\"'s.safetensors' TABLE.csv" in page.words


def test_without_scikit_learn_there_is_no_importance(monkeypatch):
    model, x, y = of_digits()
    monkeypatch.setitem(sys.modules, "sklearn.inspection", None)
    page = Parsed(report.html(model, x, y))
    assert "It takes scikit-learn: pip install 'fastmlp[sklearn]'." in page.words and "Importance" in page.titles


def test_the_same_model_has_the_same_page():
    model, x, y = of_digits()
    pages = [
        re.sub(r"(predicting, rows a second</th><td[^>]*>)[\d,]+", r"\1", report.html(model, x, y, **PATIENT))
        for _ in "ab"
    ]
    assert pages[0] == pages[1]


def test_outputs_of_all_kinds_are_probabilities():
    model, x, y = of_digits()
    logits, _, _ = of_digits("float64", True)
    for one in (model, logits):
        accuracy = one.evaluate(x, y, verbose=0, return_dict=True)
        words = Parsed(report.html(one, x, y, **QUICK)).words
        assert f"{accuracy['accuracy']:.2%}" in words and f"log loss{accuracy['loss']:.4g}"[:12] in words
    assert scores(report.html(model, x, np.eye(10)[y], **QUICK)) == scores(report.html(model, x, y, **QUICK))
    random = np.random.default_rng(0)
    z = random.normal(size=(100, 2))
    for activation in ("sigmoid", None):
        two = fastmlp.Sequential([fastmlp.Input((2,)), layers.Dense(1, activation)], seed=0)
        two.compile("sgd", fastmlp.losses.BinaryCrossentropy(from_logits=activation is None), ["accuracy"])
        expected = two.evaluate(z, (z[:, 0] > 0).astype(float), verbose=0)
        words = Parsed(report.html(two, z, z[:, 0] > 0, **QUICK)).words
        assert f"log loss{expected if isinstance(expected, float) else expected[0]:.4g}"[:11] in words


def scores(page):
    """What stands above the sections."""
    return Parsed(page).words.partition("Without a look at the rows:")[0]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"path": "r.txt"}, ValueError, "path: got '.*r.txt', needs a name ending in .html or .htm"),
        ({"path": "no/r.html"}, FileNotFoundError, "no such folder"),
        ({"model": object()}, TypeError, "model: got object, needs a Model or an estimator"),
        ({"y": np.zeros(3)}, ValueError, "y: got 3 values, needs one for each of the 360 rows of x"),
        ({"y": np.full(360, 10)}, ValueError, "y: got 10, needs one of the classes of the model"),
        ({"y_train": np.full(9, -1)}, ValueError, "y_train: got -1, needs one of the classes"),
        ({"x": np.zeros(3)}, ValueError, r"x: got shape \(3,\), needs rows"),
        ({"picture_shape": (4, 4)}, ValueError, r"picture_shape: got \(4, 4\) for 64 columns, needs as many pixels"),
    ],
)
def test_what_is_refused(tmp_path, change, error, message):
    model, x, y = of_digits()
    given = {"path": "r.html", "model": model, "x": x, "y": y, **change}
    given["path"] = tmp_path / given["path"]
    with pytest.raises(error, match=message):
        report.write(**given, **QUICK)
    assert list(tmp_path.iterdir()) == []


def test_models_that_are_refused():
    x = fastmlp.Input((2,))
    several = fastmlp.Model(x, [layers.Dense(1)(x), layers.Dense(1)(x)])
    bare = fastmlp.Sequential([fastmlp.Input((2,)), layers.Dense(1)])
    wide = fastmlp.Sequential([fastmlp.Input((2,)), layers.Dense(3)])
    wide.compile("sgd", "mse")
    broken = fastmlp.Sequential([fastmlp.Input((2,)), layers.Dense(1)])
    broken.compile("sgd", "mse")
    broken.set_weights([np.full((2, 1), np.nan), np.zeros(1)])
    for model, message in [
        (several, "model: got output shape"),
        (bare, "model: got one that is not compiled"),
        (broken, "model: got predictions that are not finite"),
        (wide, r"model: got predictions of shape \(4, 3\), needs one number for each row"),
    ]:
        with pytest.raises(ValueError, match=message):
            report.html(model, np.zeros((4, 2)), np.zeros(4))


def test_a_file_that_is_there_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    model, x, y = of_digits()
    path = tmp_path / "r.html"
    path.write_text("before")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        report.write(path, model, x, y, **QUICK)
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]
