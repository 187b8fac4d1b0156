"""The estimators as ONNX graphs, run by ONNX Runtime."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")
pytest.importorskip("skl2onnx", reason="needs skl2onnx")
pytest.importorskip("onnxruntime", reason="needs onnxruntime")

import onnxruntime as runtime
import skl2onnx
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastmlp.export.onnx_activations import ACTIVATIONS
from fastmlp.sklearn import MLPClassifier, MLPRegressor
from fastmlp.sklearn.parameters import HIDDEN, OUTPUT
from tests.sklearn.small_fits import XR, YR

pytestmark = pytest.mark.filterwarnings("ignore")

SMALL = {"hidden_layer_sizes": (6, 5), "random_state": 0, "max_iter": 5}
LABELS = {
    "binary": (XR[:, 0] > 0).astype(int),
    "multiclass": np.arange(300) % 4,
    "words": np.array(["no", "yes", "maybe"])[np.arange(300) % 3],
    "two_words": np.array(["no", "yes"])[np.arange(300) % 2],
    "multilabel": (XR[:, :3] > 0).astype(int),
    "one_class": np.full(300, 7),
    "bool": XR[:, 0] > 0,
}


SETTINGS = [{}, {"loss": "poisson"}, {"batch_norm": True, "dropout": 0.2}, {"dtype": "float32"}]


def run(model, x, **options):
    given = {id(model): {"zipmap": False}} if isinstance(model, MLPClassifier) else None
    graph = skl2onnx.to_onnx(model, x[:1], options=given, **options)
    session = runtime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})


def test_every_activation_has_a_converter():
    assert ACTIVATIONS.keys() >= {*HIDDEN.values(), *OUTPUT.values()}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", sorted(HIDDEN))
def test_hidden_layers_of_any_activation(activation, dtype):
    model = MLPRegressor(**{**SMALL, "activation": ["tanh", activation], "max_iter": 2}).fit(XR, YR)
    x = XR.astype(dtype)
    assert np.allclose(run(model, x)[0], model.predict(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("columns", [1, 2])
def test_regressors(settings, columns):
    y = abs(YR[:, :columns]) / 100
    model = MLPRegressor(**SMALL, **settings).fit(XR, y[:, 0] if columns == 1 else y)
    x = XR.astype(np.float32)
    outputs = run(model, x)[0]
    assert outputs.shape == (300, columns)
    assert np.allclose(outputs, model.predict(x).reshape(outputs.shape), rtol=1e-6, atol=1e-6)
    if not settings:
        assert np.allclose(run(model, XR)[0], model.predict(XR).reshape(outputs.shape), rtol=1e-12)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("kind", LABELS)
def test_classifiers(kind, batch_norm):
    model = MLPClassifier(batch_norm=batch_norm, **SMALL).fit(XR, LABELS[kind])
    x = XR.astype(np.float32)
    labels, probabilities = run(model, x)
    assert np.array_equal(labels, model.predict(x))
    assert np.allclose(probabilities, model.predict_proba(x), rtol=1e-6, atol=1e-6)


def test_a_pipeline_with_dictionaries_of_probabilities():
    model = make_pipeline(StandardScaler(), MLPClassifier(**SMALL)).fit(XR, LABELS["words"])
    x = XR.astype(np.float32)
    graph = skl2onnx.to_onnx(model, x[:1])
    labels, found = runtime.InferenceSession(graph.SerializeToString()).run(None, {"X": x})
    assert np.array_equal(labels, model.predict(x))
    assert np.allclose([list(each.values()) for each in found], model.predict_proba(x), rtol=1e-5, atol=1e-6)


def test_several_outputs_of_several_classes_are_refused():
    y = np.stack([LABELS["multiclass"], LABELS["binary"]], axis=1)
    with pytest.raises(ValueError, match="y: got several outputs of several classes"):
        run(MLPClassifier(**SMALL).fit(XR, y), XR)


@pytest.mark.parametrize("first, second", [("skl2onnx", "fastmlp.sklearn"), ("fastmlp.sklearn", "skl2onnx")])
def test_either_may_be_imported_first_and_only_one_is_imported(first, second):
    program = f"""
        import importlib, sys
        before = list(sys.meta_path)
        importlib.import_module({first!r})
        assert {first == "skl2onnx"} == ("skl2onnx" in sys.modules)
        importlib.import_module({second!r})
        from fastmlp.sklearn import MLPClassifier, MLPRegressor
        from skl2onnx._supported_operators import sklearn_operator_name_map as known
        assert MLPClassifier in known and MLPRegressor in known
        assert type(sys.modules["skl2onnx"].__loader__).__module__ != "fastmlp.sklearn.onnx"
        assert [type(each) for each in sys.meta_path if "fastmlp" in type(each).__module__] == []
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)
