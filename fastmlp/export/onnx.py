"""Models as ONNX files, which other programs run: the steps of predictions as nodes.

Operators are those of OPSET, https://onnx.ai/onnx/operators. Inside, every matrix has two axes: rows, and columns.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastmlp.data.whole_files import write_whole
from fastmlp.export.forward import End, Forward, Step, Weight, forward_of
from fastmlp.export.onnx_activations import ACTIVATIONS, DOUBLE, FLOAT, INT64
from fastmlp.layers.graph import free_name
from fastmlp.training.model import Model

OPSET, IR_VERSION = 17, 8  # of the same time, so that programs since 2022 read it
MOST_BYTES = 2**31 - 1  # of a file in the format of protocol buffers
LEAST_LENGTH = 1e-12  # what a row is divided by at least


def export_model(model: Model, path: Path) -> None:
    """Write a model to an .onnx file, whole or not at all."""
    require_size([model])
    content = onnx_model(forward_of(model), model.name).SerializeToString()
    write_whole(path, lambda file: file.write(content))


def require_size(models: Iterable[Model]) -> None:
    """Raise ValueError where the weights of models are more than a file holds."""
    size = sum(model.count_params() * np.dtype(model.dtype).itemsize for model in models)
    if size > MOST_BYTES:
        raise ValueError(f"filepath: got weights of {size} bytes, needs {MOST_BYTES} at most in an .onnx file")


def library() -> Any:
    """Return onnx, or raise ImportError with what to install."""
    try:
        import onnx
    except ImportError as error:
        raise ImportError("filepath: .onnx files need onnx: pip install 'fastmlp[onnx]'") from error
    return onnx


def onnx_model(forward: Forward, name: str) -> Any:
    """Return the onnx.ModelProto of a model's predictions."""
    graph = Graph(library(), forward.dtype, (end.name for end in (*forward.inputs, *forward.outputs)))
    values = graph.add(forward, [graph.flat(end) for end in forward.inputs])
    for end in forward.outputs:
        graph.give(end, values[end.number])
    return graph.model(name, *([graph.described(end) for end in some] for some in (forward.inputs, forward.outputs)))


class Graph:
    """Nodes and arrays of a graph that is being made; they are named after the layers.

    Parameters
    ----------
    onnx : module
    dtype : {"float32", "float64"}
    names : iterable of str
        Of inputs and outputs, which nothing else is called.
    """

    def __init__(self, onnx: Any, dtype: str, names: Iterable[str]) -> None:
        self.onnx, self.prefix, self.layer = onnx, "", "input"
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.taken = set(names)
        self.domains = {"": OPSET}
        self._set_type(dtype)

    def _set_type(self, dtype: str) -> None:
        self.dtype, self.is_double = dtype, dtype == "float64"
        self.type = DOUBLE if self.is_double else FLOAT
        self.known: dict[str, str] = {}  # arrays of weights, and numbers, that are there already

    def part(self, dtype: str, prefix: str = "") -> Graph:
        """Return a graph of a type of its own that adds to the same file; its names begin with the prefix."""
        made = copy.copy(self)
        made.prefix = prefix
        made._set_type(dtype)
        return made

    def add(self, forward: Forward, values: Sequence[str]) -> list[str]:
        """Add the steps of a model whose inputs are these matrices; return them and what each step makes."""
        found = list(values)
        for step in forward.steps:
            self.layer = step.layer
            found.append(STEPS[step.kind](self, step, [found[number] for number in step.reads]))
        return found

    def node(
        self,
        kind: str,
        *inputs: str,
        to: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        outputs: int = 1,
        domain: str = "",
    ) -> str:
        """Add a node; return the name of its output, or of the first of several."""
        names = [to or self.new_name(f"{self.layer}/{kind}") for _ in range(outputs)]
        make = self.onnx.helper.make_node
        self.nodes.append(make(kind, list(inputs), names, name=names[0], domain=domain, **(attributes or {})))
        return names[0]

    def constant(self, value: Any) -> str:
        """Return the name of a number or an array of the graph's type."""
        array = np.asarray(value, self.dtype)
        if array.ndim:
            return self.array(f"{self.layer}/constant", array)
        key = repr(array.item())
        if key not in self.known:
            self.known[key] = self.array(key, array)
        return self.known[key]

    def integers(self, *values: int) -> str:
        """Return the name of a list of integers."""
        return self.array(f"{self.layer}/sizes", np.array(values, np.int64))

    def weight(self, weight: Weight) -> str:
        """Return the name of an array of weights, which several steps may share."""
        if weight.name not in self.known:
            self.known[weight.name] = self.array(weight.name, weight.values)
        return self.known[weight.name]

    def array(self, name: str, array: np.ndarray) -> str:
        """Add an array; return its name."""
        free = self.new_name(name)
        self.initializers.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(array), free))
        return free

    def new_name(self, base: str) -> str:
        """Return a name that nothing has yet."""
        name = free_name(self.prefix + base, self.taken)
        self.taken.add(name)
        return name

    def flat(self, end: End) -> str:
        """Return the name of an input as a matrix of the graph's type."""
        self.layer = end.name
        value = end.name
        if end.dtype != self.dtype:
            value = self.node("Cast", value, attributes={"to": self.type})
        return value if len(end.row_shape) == 1 else self.node("Flatten", value, attributes={"axis": 1})

    def give(self, end: End, value: str) -> None:
        """Make a matrix an output, of its shape."""
        self.layer = end.name
        if len(end.row_shape) == 1:
            self.node("Identity", value, to=end.name)
        else:
            self.node("Reshape", value, self.integers(0, *end.row_shape), to=end.name)  # 0: as many rows as there are

    def described(self, end: End) -> Any:
        """Return what the file says of an input or an output."""
        kind = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(end.dtype))
        return self.onnx.helper.make_tensor_value_info(end.name, kind, ["batch", *end.row_shape])

    def model(self, name: str, inputs: Sequence[Any], outputs: Sequence[Any]) -> Any:
        """Return the onnx.ModelProto of the nodes between described inputs and outputs."""
        helper = self.onnx.helper
        made = helper.make_graph(self.nodes, name, inputs, outputs, self.initializers)
        opsets = [helper.make_opsetid(domain, version) for domain, version in self.domains.items()]
        return helper.make_model(made, producer_name="fastmlp", ir_version=IR_VERSION, opset_imports=opsets)


# ------------------------------------------------------------------------------------------------------------- steps


def dense(graph: Graph, step: Step, reads: Sequence[str]) -> str:
    """x . kernel + bias."""
    return graph.node("Gemm", *reads, *(graph.weight(step.weights[name]) for name in step.weights))


def activation(graph: Graph, step: Step, reads: Sequence[str]) -> str:
    settings = {name: value for name, value in step.settings.items() if name != "activation"}
    if step.settings["activation"] == "sparsemax":
        return sparsemax(graph, reads[0], step.columns)
    return ACTIVATIONS[step.settings["activation"]](graph, reads[0], **settings)


def sparsemax(graph: Graph, z: str, columns: int) -> str:
    """max(z - tau, 0), where tau follows from the sums of the largest; Martins and Astudillo, 2016."""
    z = graph.node("Sub", z, graph.node("ReduceMax", z, attributes={"axes": [1]}))
    falling = graph.node("TopK", z, graph.integers(columns), outputs=2)
    sums = graph.node("CumSum", falling, graph.array("axis", np.array(1, np.int64)))
    counts = graph.constant(np.arange(1, columns + 1))
    weighed = graph.node("Add", graph.node("Mul", falling, counts), graph.constant(1.0))
    inside = graph.node("Cast", graph.node("Greater", weighed, sums), attributes={"to": graph.type})
    count = graph.node("ReduceSum", inside, graph.integers(1))
    total = graph.node("ReduceSum", graph.node("Mul", falling, inside), graph.integers(1))
    tau = graph.node("Div", graph.node("Add", total, graph.constant(-1.0)), count)
    return graph.node("Relu", graph.node("Sub", z, tau))


def scale(graph: Graph, step: Step, reads: Sequence[str]) -> str:
    """(x - mean) * factor + offset."""
    mean, factor, offset = (graph.weight(step.weights[name]) for name in ("mean", "factor", "offset"))
    return graph.node("Add", graph.node("Mul", graph.node("Sub", *reads, mean), factor), offset)


def rescaling(graph: Graph, step: Step, reads: Sequence[str]) -> str:
    product = graph.node("Mul", *reads, graph.constant(step.settings["scale"]))
    return graph.node("Add", product, graph.constant(step.settings["offset"]))


def layer_normalization(graph: Graph, step: Step, reads: Sequence[str]) -> str:
    weights = step.weights
    gamma = graph.weight(weights["gamma"]) if "gamma" in weights else graph.constant(np.ones(step.columns))
    beta = [graph.weight(weights["beta"])] if "beta" in weights else []
    attributes = {"axis": 1, "epsilon": step.settings["epsilon"]}
    return graph.node("LayerNormalization", *reads, gamma, *beta, attributes=attributes)


def unit_normalization(graph: Graph, step: Step, reads: Sequence[str]) -> str:
    length = graph.node("ReduceL2", *reads, attributes={"axes": [1]})
    return graph.node("Div", *reads, graph.node("Max", length, graph.constant(LEAST_LENGTH)))


def prelu(graph: Graph, step: Step, reads: Sequence[str]) -> str:
    """x where x > 0, else alpha x; ONNX Runtime has no PRelu for doubles."""
    below = graph.node("Mul", graph.node("Min", *reads, graph.constant(0.0)), graph.weight(step.weights["alpha"]))
    return graph.node("Add", graph.node("Relu", *reads), below)


def embedding(graph: Graph, step: Step, reads: Sequence[str]) -> str:
    """Rows of the table by their numbers; what lies beyond its ends counts as its ends."""
    last = step.settings["input_dim"] - 1
    number = graph.node("Clip", *reads, graph.constant(0.0), graph.constant(last))
    number = graph.node("Cast", number, attributes={"to": INT64})
    rows = graph.node("Gather", graph.weight(step.weights["embeddings"]), number)
    return graph.node("Flatten", rows, attributes={"axis": 1})


def regroup(graph: Graph, step: Step, reads: Sequence[str]) -> str:
    """Rows taken apart into several, or joined."""
    return graph.node("Reshape", *reads, graph.integers(-1, step.columns))


def in_turn(kind: str) -> Callable[[Graph, Step, Sequence[str]], str]:
    """Return the function that adds an operator of two inputs for all of them, one after the other."""

    def merge(graph: Graph, step: Step, reads: Sequence[str]) -> str:
        value = reads[0]
        for other in reads[1:]:
            value = graph.node(kind, value, other)
        return value

    return merge


def average(graph: Graph, step: Step, reads: Sequence[str]) -> str:
    return graph.node("Div", graph.node("Sum", *reads), graph.constant(len(reads)))


STEPS: dict[str, Callable[[Graph, Step, Sequence[str]], str]] = {
    "dense": dense,
    "activation": activation,
    "scale": scale,
    "rescaling": rescaling,
    "layer_normalization": layer_normalization,
    "unit_normalization": unit_normalization,
    "prelu": prelu,
    "embedding": embedding,
    "split": regroup,
    "join": regroup,
    "add": in_turn("Add"),
    "subtract": in_turn("Sub"),
    "multiply": in_turn("Mul"),
    "average": average,
    "maximum": lambda graph, step, reads: graph.node("Max", *reads),
    "minimum": lambda graph, step, reads: graph.node("Min", *reads),
    "concatenate": lambda graph, step, reads: graph.node("Concat", *reads, attributes={"axis": 1}),
}
