"""Models as C headers, compiled by the system's compiler: the bits of predict, row by row."""

import ctypes
import os
import platform
import re
import shutil
import subprocess

import numpy as np
import pytest

import fastmlp
from fastmlp import layers
from fastmlp.export.c_functions import ELEMENTWISE, functions
from fastmlp.export.c_source import IN_PLACE, OUT_OF_PLACE, REGROUPING, c_source, identifier, literal
from fastmlp.export.forward import forward_of
from fastmlp.export.onnx import STEPS
from fastmlp.kernels import isa
from fastmlp.kernels.engine.description import ACTIVATIONS as KERNELS
from tests.export.models import MODELS, drawn, predicted

COMPILER = next((one for one in (os.environ.get("CC"), "cc", "gcc", "clang") if one and shutil.which(one)), None)
OF_WINDOWS = ["-Dnear=", "-Dfar=", "-Dsmall=char", "-Dinterface=struct"]  # names that windows.h has as macros
STRICT = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-ffp-contract=off", *OF_WINDOWS]
NATIVE = ["-march=native"] if platform.machine() in ("x86_64", "AMD64") else []
needs_fma = pytest.mark.skipif(isa.name() == "base", reason="needs FMA: without it the engine rounds products too")
CPLUSPLUS = next((one for one in ("c++", "g++", "clang++") if shutil.which(one)), None)
needs_cplusplus = pytest.mark.skipif(CPLUSPLUS is None, reason="needs a C++ compiler")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")


def compiled(folder, header, *flags):
    """A function of lists of rows, inputs and outputs, that calls what a header's predicts with."""
    arguments = re.search(r"void (m_predict)\((.*)\)", header)[2].split(", ")
    kind = arguments[0].split()[1]
    counts = [sum(one.startswith("const") for one in arguments), sum(not one.startswith("const") for one in arguments)]
    given = [f"x[{i}]" for i in range(counts[0])] + [f"y[{i}]" for i in range(counts[1])]
    program = f'#include "m.h"\nvoid run(const {kind} **x, {kind} **y) {{ m_predict({", ".join(given)}); }}\n'
    (folder / "m.h").write_text(header)
    (folder / "run.c").write_text(program)
    command = [*COMPILER.split(), *STRICT, *(flags or ["-O2"]), "-fPIC", "-shared", "run.c", "-o", "run.so", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "run.so")).run


def run(function, xs, ys):
    """Fill ys row by row."""
    for row in range(len(xs[0])):
        pointers = [
            (ctypes.c_void_p * len(some))(*(np.ascontiguousarray(one)[row].ctypes.data for one in some))
            for some in (xs, ys)
        ]
        function(*pointers)


def require_same_bits(found, expected, name):
    bits = {4: np.uint32, 8: np.uint64}[found.itemsize]
    same = (found.view(bits) == expected.view(bits)) | (np.isnan(found) & np.isnan(expected))
    assert same.all(), f"{name}: {found[~same][:3]} in place of {expected[~same][:3]}"


@needs_compiler
@pytest.mark.parametrize("dtype", [pytest.param("float32", marks=needs_fma), "float64"])
@pytest.mark.parametrize("name", MODELS)
def test_the_bits_of_predict(tmp_path, name, dtype):
    model, xs = drawn(name, dtype)
    if name == "of_activations":
        xs[0][2, :8] = [1e30, -1e30, 1e-40, -1e-40, 100.0, -100.0, -87.5, 88.2]
    model.export(tmp_path / "m.h")
    expected = [np.ascontiguousarray(one) for one in predicted(model, xs)]
    ys = [np.full_like(one, 7.0) for one in expected]
    run(compiled(tmp_path, (tmp_path / "m.h").read_text()), xs, ys)
    for end, y, one in zip(model.output_names, ys, expected, strict=True):
        require_same_bits(y, one, end)


@needs_cplusplus
@pytest.mark.parametrize("name", MODELS)
def test_the_header_is_cplusplus_too(tmp_path, name):
    model, _ = drawn(name, "float32")
    model.export(tmp_path / "m.h")
    compile_as_cplusplus(tmp_path, "using type = decltype(m_predict);\n")


def compile_as_cplusplus(folder, text):
    """Compile a text beside the header m.h of a folder, with all warnings as errors."""
    (folder / "m.cpp").write_text(f'#include "m.h"\n{text}')
    flags = ["-std=c++17", "-Wall", "-Wextra", "-pedantic", "-Werror", "-Wno-missing-field-initializers"]
    subprocess.run([CPLUSPLUS, *flags, "-c", "m.cpp"], cwd=folder, check=True)


@needs_compiler
@needs_fma
def test_the_functions_of_float32_at_many_numbers(tmp_path):
    """One step that is not fused shows at few of them."""
    x = fastmlp.Input((2**18,))
    names = {"exponential": 5.0, "tanh": 0.7, "elu": 1.0, "softplus": 3.0, "gelu": 2.0}
    model = fastmlp.Model(x, [layers.Activation(name)(width * x) for name, width in names.items()])
    xs = [np.random.default_rng(0).uniform(-1.5, 1.5, (1, 2**18)).astype(np.float32)]
    expected = predicted(model, xs)
    ys = [np.zeros_like(one) for one in expected]
    run(compiled(tmp_path, c_source(forward_of(model), "m")), xs, ys)
    for y, one, name in zip(ys, expected, names, strict=True):
        require_same_bits(y, one, name)


@needs_compiler
@pytest.mark.parametrize("seed", range(6))
def test_arrays_are_used_again_only_after_their_last_reader(tmp_path, seed):
    """Graphs at random: layers that work in place beside merges of what is still needed."""
    rng = np.random.default_rng(seed)
    known = [fastmlp.Input((4,))]
    made = ["dense", "activation", "merge", "rows", "concatenate"]
    for kind in rng.choice(made, 25):
        a, b = (known[i] for i in rng.integers(max(0, len(known) - 6), len(known), 2))
        if kind == "dense":
            known.append(layers.Dense(int(rng.choice([4, 4, 7])))(a))
        elif kind == "activation":
            known.append(layers.Activation("tanh")(a))
        elif kind == "rows" and a.row_shape == (4,):
            known.append(layers.Flatten()(layers.Dense(2)(layers.Reshape((2, 2))(a))))
        elif kind == "concatenate":
            known.append(layers.Dense(4)(layers.Concatenate()([a, b])))
        elif a.row_shape == b.row_shape:
            known.append((layers.Multiply, layers.Subtract, layers.Average)[rng.integers(3)]()([a, b]))
    ends = list(dict.fromkeys([known[-1], *(known[i] for i in rng.integers(1, len(known), 3))]))
    model = fastmlp.Model(known[0], ends, dtype="float64", seed=seed)
    xs = [rng.normal(size=(10, 4))]
    header = c_source(forward_of(model), "m")
    expected = predicted(model, xs)
    ys = [np.zeros_like(one) for one in expected]
    run(compiled(tmp_path, header), xs, ys)
    for y, one in zip(ys, expected, strict=True):
        require_same_bits(y, np.ascontiguousarray(one), f"graph {seed}")
    arrays = len(re.findall(r"^    static double v\d+\[", header, re.MULTILINE))
    assert arrays < len(forward_of(model).steps)


def test_a_row_of_layers_has_two_arrays_by_turns():
    units = [layers.Dense(count, activation="elu") for count in (5, 6, 7, 8)]
    for shape in ((4,), (3, 4)):  # also along the last axis
        header = c_source(forward_of(fastmlp.Sequential([fastmlp.Input(shape), *units])), "m")
        assert len(re.findall(r"static float v\d+", header)) == 2


@needs_compiler
@needs_fma
@pytest.mark.parametrize("flags", [["-O0"], ["-O3"], ["-O3", *NATIVE]], ids=["none", "most", "native"])
def test_other_optimizations_have_the_same_bits(tmp_path, flags):
    model, xs = drawn("in_a_row", "float32")
    model.export(tmp_path / "m.h", format="c")
    (expected,) = predicted(model, xs)
    ys = [np.zeros_like(expected)]
    run(compiled(tmp_path, (tmp_path / "m.h").read_text(), *flags), xs, ys)
    require_same_bits(ys[0], expected, str(flags))


def test_every_kernel_and_every_kind_of_stage_is_there():
    assert {*IN_PLACE, *OUT_OF_PLACE, *REGROUPING} == STEPS.keys()
    assert KERNELS.keys() - ELEMENTWISE.keys() == {"linear", "softmax", "log_softmax", "sparsemax"}
    assert functions("float64").keys() >= {"softmax", "log_softmax", "sparsemax"}


def test_names_in_the_file(tmp_path):
    model, _ = drawn("of_merges", "float64")
    model.export(tmp_path / "my-model.h")
    text = (tmp_path / "my-model.h").read_text()
    found = re.search(r"void (\w+)\((.*)\)", text.partition("static inline")[2])
    assert found[1] == "my_model_predict"
    assert found[2].startswith(
        "const double *x_left, const double *x_right_2, const double *x_column, double *y_multiply"
    )
    assert "static const double my_model_dense_kernel[4 * 4] = {" in text
    assert " *   x_right_2: 4 numbers, input 'right 2' of shape (4,)" in text
    assert "expm1" not in text  # functions that nothing calls are not there
    assert (identifier("3d"), identifier("é")) == ("model_3d", "model__")


def test_constants():
    numbers = [0.0, -0.0, 1.0, 0.1, -2.5e-45, np.inf, -np.inf, np.nan]
    written = [literal(float(one), "f") for one in np.array(numbers, np.float32).tolist()]
    assert written[:4] == ["0x0p+0f", "-0x0p+0f", "0x1p+0f", "0x1.99999ap-4f"]
    assert written[5:] == ["INFINITY", "-INFINITY", "NAN"]
    assert float.fromhex(written[4].rstrip("f")) == np.float32(-2.5e-45)


def test_an_array_that_no_int_counts(tmp_path, monkeypatch):
    model, _ = drawn("in_a_row", "float32")
    monkeypatch.setattr("fastmlp.export.c_source.MOST_NUMBERS", 2000)
    with pytest.raises(ValueError, match="filepath: got 2800 numbers in dense/kernel, needs 2000 at most"):
        model.export(tmp_path / "m.h")


def test_a_model_that_is_not_built(tmp_path):
    with pytest.raises(ValueError, match=re.escape("model: got no input shape, needs Input(shape)")):
        fastmlp.Sequential([layers.Dense(1)]).export(tmp_path / "m.h")
    assert list(tmp_path.iterdir()) == []


@needs_compiler
@needs_fma
@pytest.mark.parametrize("last", ["softmax", "log_softmax", "sparsemax", "LayerNormalization", "UnitNormalization"])
def test_rows_of_several_pieces_have_the_same_bits(tmp_path, last):
    layer = getattr(layers, last)() if last[0].isupper() else layers.Activation(last)
    model = fastmlp.Sequential([fastmlp.Input((3,)), layers.Dense(2500), layer], seed=1)
    xs = [np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)]
    expected = predicted(model, xs)
    ys = [np.zeros_like(one) for one in expected]
    run(compiled(tmp_path, c_source(forward_of(model), "m")), xs, ys)
    require_same_bits(ys[0], np.ascontiguousarray(expected[0]), last)
