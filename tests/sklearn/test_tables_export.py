"""Estimators of tables as ONNX files and as C headers: they predict the same from the columns themselves."""

import ctypes
import datetime
import re
import subprocess

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

import polars as pl

import fastmlp.sklearn
from fastmlp.sklearn import TableClassifier, TableRegressor
from fastmlp.tables import frames
from fastmlp.tables.c_source import fields
from fastmlp.tables.predictor import Columns, columns_of
from fastmlp.tables.targets import Numbers
from tests.export.test_c_source import (
    COMPILER,
    compile_as_cplusplus,
    needs_compiler,
    needs_cplusplus,
    needs_fma,
    require_same_bits,
)

ROWS = 400
RANDOM = np.random.default_rng(0)
FIRST = datetime.datetime(1966, 1, 1)
HOURS = RANDOM.integers(0, 24 * 365 * 60, ROWS).tolist()


def seldom(value, often):
    return [None if i % often == 0 else one for i, one in enumerate(value)]


TABLE = {
    "age": seldom(RANDOM.normal(40.0, 10.0, ROWS).tolist(), 7),
    "class": [(None, "red", 'a "b" \\ */ \n ä?', "??/")[i % 4] for i in range(ROWS)],
    "only": ["often" if i % 3 else f"once {i}" for i in range(ROWS)],
    "flag": seldom([i % 4 == 0 for i in range(ROWS)], 13),
    "the day": seldom([FIRST + datetime.timedelta(hours=one, microseconds=one) for one in HOURS], 17),
    "same": [3.0] * ROWS,
    "word": ["x"] * ROWS,
    "three or none": seldom([3.0] * ROWS, 5),
    "shop": seldom(RANDOM.integers(100, 130, ROWS).astype(float).tolist(), 11),
    "int": [f"name {i % 40}" for i in range(ROWS)],
    "*/ 2 {": RANDOM.integers(0, 3, ROWS).tolist(),
}
PIXELS = {f"pixel {i}": seldom(RANDOM.permuted(np.linspace(-1, 3, ROWS)).tolist(), 50 + i) for i in range(49)}
SCHEMA = {"class": pl.String, "flag": pl.Boolean, "the day": pl.Datetime("us")}
FRAME = pl.DataFrame(TABLE | PIXELS, schema_overrides=SCHEMA)
# what the training rows had not: other words, missing values, numbers with decimals and far away
OTHERS = pl.DataFrame(
    {
        "age": [None, 1e6, -1e300, 40.0],
        "class": ["green", "blue", None, "red"],
        "only": ["often", None, "once 0", ""],
        "flag": [None, True, False, True],
        "the day": [
            datetime.datetime(*day) for day in ((1600, 2, 29), (2100, 3, 1, 23), (1969, 12, 31), (2024, 2, 29))
        ],
        "same": [None, 4.0, 3.0, 1.0],
        "word": [None, "y", "x", ""],
        "three or none": [None, 4.0, 3.0, 1.0],
        "shop": [110.5, 1e150, -0.0, 131.0],
        "int": [None, "name 1", "name 99", "x"],
        "*/ 2 {": [7, -1, 2, 0],
        **{name: [None, 1e6, -1e6, 1.0] for name in PIXELS},
    },
    schema_overrides=SCHEMA,
)
NUMBERS = np.nan_to_num(FRAME["shop"].to_numpy()) / 10 + RANDOM.normal(size=ROWS)
SMALL = {"hidden_layer_sizes": (24,), "dropout": 0.0, "max_iter": 2, "learning_rate": 0.01, "random_state": 0}
SMALL |= {"indicators": 8, "embed_from": 1}


def classifier(classes, frame=FRAME, **settings):
    y = np.array(classes)[np.digitize(NUMBERS, np.quantile(NUMBERS, np.arange(1, len(classes)) / len(classes)))]
    return TableClassifier(**{**SMALL, **settings}).fit(frame, y)


def clipped():
    """A regressor whose predictions are at both ends of its range now and then."""
    model = TableRegressor(**SMALL).fit(FRAME, NUMBERS)
    model.target_.least, model.target_.greatest = np.quantile(model.predict(FRAME), [0.3, 0.7]).tolist()
    return model


MODELS = {
    "clipped": clipped,
    "regressor": lambda: TableRegressor(**SMALL).fit(FRAME, NUMBERS),
    "means": lambda: TableRegressor(9, **SMALL).fit(FRAME, NUMBERS),
    "words": lambda: classifier(["high", "low", 'so "so"']),
    "integers": lambda: classifier([-5, 7], n_estimators=2),
    "decimals": lambda: classifier([1.0, 2.0, 3.0]),
    "booleans": lambda: classifier([False, True]),
    "one class": lambda: classifier(["all"]),
    "names are numbers": lambda: classifier(["a", "b"], types={"shop": "category", "*/ 2 {": "category"}),
    "places alone": lambda: classifier(["a", "b"], FRAME.select("int", "shop"), types={"shop": "category"}),
    "numbers alone": lambda: classifier(["a", "b"], FRAME.select("age", "same")),
    "numbers on one scale": lambda: classifier(["a", "b"], FRAME.select(*PIXELS)),
    "dates alone": lambda: classifier(["a", "b"], FRAME.select("the day")),
    "constants": lambda: classifier(["a", "b"], FRAME.select("same", "word")),
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param]()


def columns(model, frame):
    """The values of each column as the preparation reads them."""
    for name, encoder in model.preparation_.columns_.items():
        yield encoder.kind, frames.as_kind(name, frame[name], encoder.kind)[1]


def tensors(model, frame):
    """What an ONNX file is given for each column."""
    types = {"number": "float64", "boolean": "float64", "date": "int64", "category": object}
    for kind, values in columns(model, frame):
        given = np.array(["" if one is None else one for one in values], object) if kind == "category" else values
        yield given.astype(types[kind])[:, None]


# -------------------------------------------------------------------------------------------------------------- ONNX


def session_of(model, path):
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    model.export(path)
    onnx.checker.check_model(str(path), full_check=True)
    return runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def test_onnx_runtime_predicts_the_same(tmp_path, model):
    session = session_of(model, tmp_path / "m.onnx")
    assert [one.name for one in session.get_inputs()] == list(model.preparation_.columns_)
    for frame in (FRAME, OTHERS, FRAME[:1]):
        given = dict(zip(model.preparation_.columns_, tensors(model, frame), strict=True))
        found = dict(zip([one.name for one in session.get_outputs()], session.run(None, given), strict=True))
        expected = model.predict(frame)
        if isinstance(model, TableRegressor):
            assert found["prediction"].dtype == np.float64
            np.testing.assert_allclose(found["prediction"], expected, rtol=1e-5, atol=1e-5)
        else:
            assert found["label"].tolist() == expected.tolist()
            np.testing.assert_allclose(found["probabilities"], model.predict_proba(frame), rtol=1e-5, atol=1e-5)


def test_the_parts_of_all_dates(tmp_path):
    """The preparation itself, as results of small networks are near each other."""
    frame = pl.DataFrame(
        {"day": [datetime.datetime(1583, 1, 1) + datetime.timedelta(hours=36.5 * i) for i in range(4000)]}
    )
    other = pl.DataFrame(
        {"day": [datetime.datetime(2200, 1, 1) - datetime.timedelta(hours=37.5 * i) for i in range(9000)]}
    )
    model = TableRegressor(**{**SMALL, "max_iter": 1}).fit(frame, np.arange(4000.0))
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    session_of(model, tmp_path / "m.onnx")
    made = onnx.load(tmp_path / "m.onnx")
    name = next(node.input[0] for node in made.graph.node if node.op_type == "Gemm")
    made.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = pytest.importorskip("onnxruntime").InferenceSession(made.SerializeToString())
    (given,) = tensors(model, other)
    (found,) = session.run([name], {"day": given})
    assert np.array_equal(found, model.preparation_.inputs(other)[0])


def test_columns_that_are_called_as_results_are(tmp_path):
    frame = pl.DataFrame({"label": NUMBERS, "probabilities": NUMBERS})
    session = session_of(classifier(["a", "b"], frame), tmp_path / "m.onnx")
    assert [one.name for one in session.get_outputs()] == ["label_1", "probabilities_1"]
    session = session_of(classifier(["a", "b"], frame.to_numpy()), tmp_path / "m.onnx")
    assert [one.name for one in session.get_inputs()] == ["column_0", "column_1"]


def test_what_onnx_does_not_hold(tmp_path):
    pytest.importorskip("onnx", reason="needs onnx")
    frame = FRAME.select(pl.col("class").replace({"red": ""}))
    with pytest.raises(ValueError, match=r"filepath: got empty and missing words in column 'class', needs one kind"):
        classifier(["a", "b"], frame).export(tmp_path / "m.onnx")
    rows = FRAME.select(pl.col("shop") * 1e20).to_numpy()
    with pytest.raises(ValueError, match=re.escape("got whole numbers above 2**62 as names in column 'column_0'")):
        classifier(["a", "b"], rows).export(tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


# ----------------------------------------------------------------------------------------------------------------- C

STRICT = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-ffp-contract=off", "-O1"]


def library_of(model, folder):
    """The header of a model, compiled with a function for many rows, and the type of a row."""
    model.export(folder / "m.h")
    text = (folder / "m.h").read_text()
    fields = re.findall(r"^    (double|int|int64_t) (\w+); /\*", text, re.MULTILINE)
    classes = re.search(r"m_classes\[(\d+)\]", text)
    kind, width = ("float", int(classes[1])) if classes else ("double", 1)
    program = [
        '#include "m.h"',
        f"void run(int n, const m_row *rows, int *labels, {kind} *y)",
        "{",
        f"    for (; n > 0; n--, rows++, labels++, y += {width})",
        f"        {'*labels = m_predict(rows, y)' if classes else '*y = m_predict(rows)'};",
        "}",
    ]
    for name in re.findall(r"inline int m_place_of_(\w+)\(", text):
        program.append(f"int place_of_{name}(const char *word) {{ return m_place_of_{name}(word); }}")
    (folder / "run.c").write_text("\n".join(program) + "\n")
    command = [
        *COMPILER.split(),
        *STRICT,
        "-fPIC",
        "-shared",
        "run.c",
        "-o",
        "run.so",
        "-lm",
    ]
    subprocess.run(command, cwd=folder, check=True)
    types = {"double": ctypes.c_double, "int": ctypes.c_int, "int64_t": ctypes.c_int64}
    row = type("Row", (ctypes.Structure,), {"_fields_": [(field, types[kind]) for kind, field in fields]})
    return ctypes.CDLL(str(folder / "run.so")), row, width


def rows_of(library, row, model, frame):
    """Rows of a frame in C."""
    made = (row * len(frame))()
    for (field, kind), (_, values) in zip(row._fields_, columns(model, frame), strict=True):
        for one, value in zip(made, values.tolist() if values.dtype.kind != "M" else values.astype(int), strict=True):
            if kind is ctypes.c_int and hasattr(library, f"place_of_{field}"):
                value = getattr(library, f"place_of_{field}")(None if value is None else value.encode())
            setattr(one, field, 0 if isinstance(value, str) or value is None else value)
    return made


@needs_compiler
@needs_fma
def test_the_c_file_has_the_bits_of_predict(tmp_path, model):
    library, row, width = library_of(model, tmp_path)
    for frame in (FRAME, OTHERS):
        rows, labels = rows_of(library, row, model, frame), np.full(len(frame), -1, np.int32)
        y = np.full((len(frame), width), 7.0, np.float64 if isinstance(model, TableRegressor) else np.float32)
        library.run(len(frame), rows, labels.ctypes.data_as(ctypes.c_void_p), y.ctypes.data_as(ctypes.c_void_p))
        if isinstance(model, TableRegressor):
            require_same_bits(y[:, 0], model.predict(frame), "prediction")
        else:
            require_same_bits(y, model.predict_proba(frame), "probabilities")
            assert model.classes_[labels].tolist() == model.predict(frame).tolist()


def test_fields_are_called_otherwise_than_macros_are():
    names = ["INT64_MIN", "M_PI_2", "UINT8_C", "SIZE_MAX", "TEMP_MAX", "INTEREST_MAX", "class"]
    found = ["INT64_MIN_1", "M_PI_2_1", "UINT8_C_1", "SIZE_MAX_1", "TEMP_MAX", "INTEREST_MAX", "class_1"]
    assert fields(Columns(names=names)) == found


@needs_compiler
def test_places_that_are_none_count_as_unknown(tmp_path):
    model = MODELS["words"]()
    library, row, width = library_of(model, tmp_path)
    rows = rows_of(library, row, model, OTHERS[[2, 2, 2]])
    assert rows[0].int_1 == rows[0].only == 0
    rows[1].int_1 = rows[1].only = -1
    rows[2].int_1 = rows[2].only = 2**30
    labels, y = np.zeros(3, np.int32), np.zeros((3, width), np.float32)
    library.run(3, rows, labels.ctypes.data_as(ctypes.c_void_p), y.ctypes.data_as(ctypes.c_void_p))
    assert np.array_equal(y[1], y[0]) and np.array_equal(y[2], y[0])


@needs_cplusplus
def test_the_header_is_cplusplus_too(tmp_path):
    MODELS["words"]().export(tmp_path / "m.h")
    compile_as_cplusplus(tmp_path, "int main() { m_row row = {}; float y[3]; return m_predict(&row, y); }\n")


def test_words_with_a_nul_are_not_found_in_c(tmp_path):
    frame = FRAME.select(pl.col("class").replace({"red": "re\0d"}))
    classifier(["a", "b"], frame).export(tmp_path / "m.h")
    assert '"re' not in (tmp_path / "m.h").read_text()


# -------------------------------------------------------------------------------------------------------------- both


@needs_compiler
def test_targets_by_their_logarithms(tmp_path):
    model = TableRegressor(**SMALL).fit(FRAME, NUMBERS)
    model.target_ = Numbers.fitted(NUMBERS - NUMBERS.min(), log=True)
    expected = model.predict(FRAME)
    library, row, _ = library_of(model, tmp_path)
    y = np.zeros(ROWS)
    library.run(ROWS, rows_of(library, row, model, FRAME), None, y.ctypes.data_as(ctypes.c_void_p))
    np.testing.assert_allclose(y, expected, rtol=1e-14)
    session = session_of(model, tmp_path / "m.onnx")
    (found,) = session.run(None, dict(zip(model.preparation_.columns_, tensors(model, FRAME), strict=True)))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_from_a_file(tmp_path):
    model = MODELS["words"]()
    fastmlp.sklearn.save(model, tmp_path / "m.safetensors")
    fastmlp.sklearn.load(tmp_path / "m.safetensors").export(tmp_path / "again.h", format="c")
    model.export(tmp_path / "m.h")
    again = (tmp_path / "again.h").read_text()
    assert again.replace("again_", "m_").replace("AGAIN_", "M_") == (tmp_path / "m.h").read_text()


def test_errors(tmp_path):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        TableRegressor().export(tmp_path / "m.onnx")
    model = MODELS["constants"]()
    with pytest.raises(ValueError, match=r"filepath: got '.*m.txt', needs a name ending in '.onnx' or '.h'"):
        model.export(tmp_path / "m.txt")
    with pytest.raises(ValueError, match=r"format: got 'onnx' for .*, needs 'onnx' for a name ending in .onnx, 'c'"):
        model.export(tmp_path / "m.h", format="onnx")
    model.preparation_.columns_.clear()
    with pytest.raises(ValueError, match="filepath: got a preparation without columns, needs at least one"):
        columns_of(model.preparation_)
    assert list(tmp_path.iterdir()) == []
