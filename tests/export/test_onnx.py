"""Models as ONNX files, run by ONNX Runtime."""

import re
import sys

import numpy as np
import pytest

import fastmlp
from fastmlp import layers
from fastmlp.export.forward import forward_of
from fastmlp.export.onnx import OPSET, STEPS
from fastmlp.export.onnx_activations import ACTIVATIONS
from fastmlp.kernels.engine.description import ACTIVATIONS as KERNELS
from fastmlp.kernels.engine.description import KINDS
from tests.export.models import MODELS, drawn, predicted

onnx = pytest.importorskip("onnx", reason="needs onnx")
runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")

TYPES = ("float32", "float64")


def session_of(path):
    onnx.checker.check_model(str(path), full_check=True)
    return runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", MODELS)
def test_predictions_for_any_number_of_rows(tmp_path, name, dtype):
    model, xs = drawn(name, dtype)
    model.export(tmp_path / "m.onnx")
    session = session_of(tmp_path / "m.onnx")
    assert [one.name for one in session.get_inputs()] == model.input_names
    for rows in (1, 50):
        given = {one.name: x[:rows] for one, x in zip(session.get_inputs(), xs, strict=True)}
        types = {one.name: "int32" if one.type == "tensor(int32)" else dtype for one in session.get_inputs()}
        found = session.run(None, {name: x.astype(types[name]) for name, x in given.items()})
        for end, one, expected in zip(session.get_outputs(), found, predicted(model, [*given.values()]), strict=True):
            assert one.dtype == dtype and one.shape == expected.shape
            np.testing.assert_allclose(one, expected, rtol=1e-5, atol=1e-5, err_msg=end.name)


def test_every_kernel_and_every_kind_of_stage_is_there():
    assert KERNELS.keys() - ACTIVATIONS.keys() == {"sparsemax"}  # which is made in onnx.py
    met = {step.kind for name in MODELS for step in forward_of(drawn(name, "float64")[0]).steps}
    assert met == STEPS.keys()
    of_training = {"dropout", "gaussian_noise", "gaussian_dropout", "alpha_dropout", "activity_penalty"}
    assert {*KINDS, "scale"} - {"input", "normalization", "batch_normalization"} - of_training == STEPS.keys()


def test_what_the_file_says_of_itself(tmp_path):
    model, _ = drawn("of_merges", "float32")
    model.export(tmp_path / "m.onnx", format="onnx")
    made = onnx.load(tmp_path / "m.onnx")
    assert made.producer_name == "fastmlp" and [one.version for one in made.opset_import] == [OPSET]
    assert [one.name for one in made.graph.input] == ["left", "right 2", "column"]
    assert [one.name for one in made.graph.output][-3:] == ["right 2_1", "rescaling_1", "as_it_is"]
    arrays = {one.name: onnx.numpy_helper.to_array(one) for one in made.graph.initializer}
    for path, values in zip(model.weight_names, model.get_weights(), strict=True):
        assert np.array_equal(arrays[path], values)


def test_shared_weights_are_there_once(tmp_path):
    model, _ = drawn("of_models", "float32")
    model.export(tmp_path / "m.onnx")
    names = [one.name for one in onnx.load(tmp_path / "m.onnx").graph.initializer]
    assert sum("kernel" in name for name in names) == 2 and sum("alpha" in name for name in names) == 1


def test_after_training(tmp_path):
    model, (x,) = drawn("in_a_row", "float32")
    model.compile("adam", "mse")
    model.fit(x, x[:, :1], epochs=2, verbose=0)
    model.export(tmp_path / "m.onnx")
    (found,) = session_of(tmp_path / "m.onnx").run(None, {model.input_names[0]: x})
    np.testing.assert_allclose(found, model.predict(x, verbose=0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("own", ["uint8", "int64", "float64"])
def test_an_input_of_another_type_which_is_an_output_too(tmp_path, own):
    x = fastmlp.Input((3,), dtype=own, name="x")
    model = fastmlp.Model(x, [layers.Dense(2, name="end")(x), x])
    model.export(tmp_path / "m.onnx")
    session = session_of(tmp_path / "m.onnx")
    rows = np.arange(12).reshape(4, 3).astype(own)
    for found, expected in zip(session.run(["end", "x_1"], {"x": rows}), predicted(model, [rows]), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert session.run(["end"], {"x": rows[:0]})[0].shape == (0, 2)


def test_what_is_printed(tmp_path, capsys):
    model, _ = drawn("in_a_row", "float32")
    model.export(tmp_path / "m.onnx")
    assert capsys.readouterr().out == ""
    model.export(tmp_path / "m.onnx", format="onnx", verbose=True)
    assert capsys.readouterr().out == f"sequential exported to {tmp_path / 'm.onnx'}\n"


def test_errors(tmp_path, monkeypatch):
    model = fastmlp.Sequential([layers.Dense(1)])
    with pytest.raises(ValueError, match=re.escape("model: got no input shape, needs Input(shape)")):
        model.export(tmp_path / "m.onnx")
    model.build((None, 2))
    with pytest.raises(ValueError, match=r"filepath: got '.*m.pb', needs a name ending in '.onnx' or '.h'"):
        model.export(tmp_path / "m.pb")
    with pytest.raises(ValueError, match=r"format: got 'tf_saved_model' for .*, needs 'onnx' for a name ending in"):
        model.export(tmp_path / "m.onnx", format="tf_saved_model")
    with monkeypatch.context() as patch:
        patch.setattr("fastmlp.export.onnx.MOST_BYTES", 11)
        with pytest.raises(ValueError, match="filepath: got weights of 12 bytes, needs 11 at most"):
            model.export(tmp_path / "m.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=re.escape("pip install 'fastmlp[onnx]'")):
        model.export(tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []
