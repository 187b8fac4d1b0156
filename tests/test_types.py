"""What a type checker tells a user: the kernels' stub against their contracts, and mypy on right and wrong programs."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

import fastmlp
from fastmlp import kernels
from fastmlp.kernels.contract import Array
from tests.cases import KERNELS, inputs

STUB = {
    node.name: node
    for node in ast.parse(Path(kernels.__file__).with_suffix(".pyi").read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef)
}
TYPES = {"Floats": "FLOATS", "Integers": "INTEGERS", "float": "0.5", "int": "1"}  # a right value of each annotation


def annotation(what):
    """How the stub writes what a contract says of an argument."""
    if not isinstance(what, Array):
        return what.kind.__name__
    return "Floats" if what.dtype is None else "Integers"


def result(name):
    """How the stub writes what a kernel returns."""
    if name == "vector_dot":
        return "float"
    out = getattr(kernels, name).contract.get("out")
    return "None" if out is None else "Floats" if out.dtype is None else "Words"


def test_the_stub_has_every_kernel_and_no_other():
    assert STUB.keys() == set(KERNELS)


@pytest.mark.parametrize("name", KERNELS)
def test_the_stub_has_the_signature_of_the_contract(name):
    arguments = [f"{argument}: {annotation(what)}" for argument, what in inputs(name).items()]
    if "out" in getattr(kernels, name).contract:
        arguments.append(f"out: {result(name)} | None=None")
    assert ast.unparse(STUB[name].args) == ", ".join([*arguments, "threads: int=1"])
    assert ast.unparse(STUB[name].returns) == result(name)
    assert list(inspect.signature(getattr(kernels, name)).parameters) == [one.arg for one in STUB[name].args.args]


PREAMBLE = """
import fastmlp
import numpy as np
from fastmlp import callbacks, constraints, datasets, initializers, kernels, layers, losses, metrics, optimizers
from fastmlp import regularizers, sklearn
from fastmlp.optimizers import schedules

WRONG = object()
FLOATS, SINGLES, INTEGERS = np.zeros((2, 2)), np.zeros((2, 2), np.float32), np.zeros(2, np.intp)
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A function: those of the lines of a program in which `mypy --strict` finds errors, with the errors' codes."""
    api = pytest.importorskip("mypy.api")
    program = tmp_path_factory.mktemp("types") / "program.py"
    options = ["--strict", "--ignore-missing-imports", "--follow-imports=silent", "--no-error-summary"]

    def run(lines):
        program.write_text(PREAMBLE + "\n".join(lines), encoding="utf-8")
        output, errors, _ = api.run([*options, f"--cache-dir={program.parent}", str(program)])
        assert not errors
        found = {}
        for number, code in re.findall(r"program\.py:(\d+): error: .*\[([\w-]+)\]$", output, re.MULTILINE):
            found.setdefault(lines[int(number) - PREAMBLE.count("\n") - 1], set()).add(code)
        return found

    return run


def call(name, **changed):
    """A call of a kernel with right arguments but for those given, as source."""
    arguments = {argument: TYPES[annotation(what)] for argument, what in inputs(name).items()} | changed
    return f"kernels.{name}({', '.join(f'{argument}={value}' for argument, value in arguments.items())})"


def classes():
    """The public classes by their names in a program."""
    found = {"fastmlp.Sequential": fastmlp.Sequential}
    modules = ("callbacks", "constraints", "initializers", "layers", "losses", "metrics", "optimizers", "regularizers")
    for module in (*modules, "optimizers.schedules", "sklearn"):
        home = importlib.import_module(f"fastmlp.{module}")
        for name in getattr(home, "__all__", vars(home)):
            value = getattr(home, name)
            own = inspect.isclass(value) and value.__module__.startswith(f"fastmlp.{module}")
            if own and not issubclass(value, dict):
                found[f"{module.removeprefix('optimizers.')}.{name}"] = value
    return found


def typed(kind):
    """The names of the constructor's arguments that have a type."""
    parameters = inspect.signature(kind).parameters.values()
    named = [one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    return [one.name for one in named if one.annotation not in ("Any", one.empty)]


@pytest.mark.slow
def test_a_right_program_has_no_error(report):
    lines = [call(name) for name in KERNELS]
    lines += [call(name).replace("FLOATS", "SINGLES") for name in KERNELS]
    lines += [
        "double: float = kernels.vector_dot(FLOATS[0], FLOATS[1])",
        "single: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = kernels.relu(SINGLES, out=SINGLES, threads=2)",
        "stack = [fastmlp.Input((4,)), layers.Dense(8, activation='relu'), layers.Dropout(0.5), layers.Dense(1)]",
        "model = fastmlp.Sequential(stack, dtype='float64', seed=0)",
        "model.compile(optimizers.Adam(schedules.ExponentialDecay(0.1, 10, 0.9)), losses.Huber(), metrics=['mae'])",
        "stop = callbacks.EarlyStopping('loss', patience=2)",
        "history: callbacks.History = model.fit(FLOATS, FLOATS, epochs=2, callbacks=[stop])",
        "text: str = fastmlp.__version__",
        "fastmlp.set_num_threads(1)",
        "fastmlp.MLPClassifier(max_iter=3).fit(FLOATS, INTEGERS)",
        "fastmlp.datasets.digits.load_data()",
    ]
    assert report(lines) == {}


@pytest.mark.slow
def test_every_wrong_type_is_reported(report):
    lines = [call(name, **{argument: "WRONG"}) for name in KERNELS for argument in [*inputs(name), "threads"]]
    lines += [call(name, out="INTEGERS") for name in KERNELS if result(name) == "Floats"]
    lines += [  # two float types in one call
        call(name, **{argument: "SINGLES"})
        for name in KERNELS
        for argument in [argument for argument, what in inputs(name).items() if annotation(what) == "Floats"][1:]
    ]
    for name, kind in classes().items():
        lines += [f"{name}({argument}=WRONG)" for argument in typed(kind)]
    found = report(lines)
    silent = [line for line in lines if not found.get(line, set()) & {"arg-type", "type-var"}]
    assert not silent


@pytest.mark.slow
def test_what_is_not_there_is_reported(report):
    lines = [
        f"{name}.misspelt"
        for name in ("fastmlp", "callbacks", "layers", "optimizers", "kernels", "metrics", "losses", "initializers")
    ]
    lines += ["layers.Conv2D(8, 3)", "fastmlp.Sequentail()", "kernels.relu(FLOATS, outt=FLOATS)"]
    lines += [f"{name}(misspelt=1)" for name in classes()]
    found = report(lines)
    assert [line for line in lines if not found.get(line)] == []
