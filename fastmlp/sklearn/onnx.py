"""The estimators as ONNX graphs: converters for skl2onnx, which registers them as soon as a program imports it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from typing import Any

import numpy as np

from fastmlp.export.onnx_activations import ACTIVATIONS
from fastmlp.sklearn.many_outputs import ManyClasses
from fastmlp.sklearn.parameters import HIDDEN, OUTPUT, activations

KERNELS = HIDDEN | OUTPUT  # of activations, by their names here
OPTIONS = {"zipmap": [True, False, "columns"], "output_class_labels": [False, True], "nocl": [True, False]}


def register_when_imported(classifier: type[Any], regressor: type[Any]) -> None:
    """Register the converters of both classes with skl2onnx: now if it is imported already, else when it is."""

    def register() -> None:
        from skl2onnx import update_registered_converter

        name = "FastmlpMLPClassifier"
        update_registered_converter(classifier, name, label_shapes, convert_classifier, options=OPTIONS)
        update_registered_converter(regressor, "FastmlpMLPRegressor", number_shapes, convert_regressor)

    if "skl2onnx" in sys.modules:
        register()
    else:
        sys.meta_path.insert(0, Watcher("skl2onnx", register))


class Watcher(MetaPathFinder):
    """Calls a function once after a module was imported for the first time; finds nothing itself."""

    def __init__(self, name: str, then: Callable[[], None]) -> None:
        self.name, self.then, self.looking = name, then, False

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """Return what the other finders find, with a loader that calls the function."""
        if fullname != self.name or self.looking:
            return None
        self.looking = True
        try:
            spec = find_spec(fullname)
        finally:
            self.looking = False
        if spec is None or spec.loader is None:
            return None
        spec.loader = Loader(spec.loader, self)  # type: ignore[assignment]
        return spec


class Loader:
    """A module's loader, and what is to be done after it."""

    def __init__(self, loader: Any, watcher: Watcher) -> None:
        self.loader, self.watcher = loader, watcher

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def create_module(self, spec: Any) -> Any:
        return self.loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        if self.watcher in sys.meta_path:
            sys.meta_path.remove(self.watcher)
        self.watcher.then()


# ------------------------------------------------------------------------------------------------- converters


def label_shapes(operator: Any) -> None:
    """Say what a classifier gives: labels, and the probability of each class."""
    from skl2onnx.common.data_types import Int64TensorType
    from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

    model, rows = operator.raw_operator, operator.inputs[0].get_first_dimension()
    if isinstance(getattr(model, "_label_binarizer", None), ManyClasses):
        raise ValueError(
            "y: got several outputs of several classes, which have no form here, needs one classifier each"
        )
    calculate_linear_classifier_output_shapes(operator)
    labels, probabilities = operator.outputs
    probabilities.type.shape = [rows, max(2, outputs_of(model))]
    if is_multilabel(model):
        labels.set_type(Int64TensorType([rows, outputs_of(model)]))


def number_shapes(operator: Any) -> None:
    """Say what a regressor gives: [rows, outputs], also of one output."""
    rows = operator.inputs[0].get_first_dimension()
    operator.outputs[0].type.shape = [rows, outputs_of(operator.raw_operator)]


def convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    """Make the nodes of an MLPRegressor."""
    graph = Graph(scope, operator, container)
    graph.node("Identity", graph.outputs(), to=operator.outputs[0].full_name)


def convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    """Make the nodes of an MLPClassifier."""
    graph = Graph(scope, operator, container)
    model, (labels, probabilities) = operator.raw_operator, [each.full_name for each in operator.outputs]
    found = graph.outputs()
    if is_multilabel(model):
        graph.node("Identity", found, to=probabilities)
        chosen = graph.node("Greater", found, graph.constant(0.5))
        graph.node("Cast", chosen, to=labels, attributes={"to": graph.INT64})
        return
    if outputs_of(model) == 1:
        found = graph.node("Concat", graph.node("Sub", graph.constant(1.0), found), found, attributes={"axis": 1})
    graph.node("Identity", found, to=probabilities)
    # of one class there are two columns, and of two equal ones the first is taken, as in predict
    classes = model.classes_ if len(model.classes_) > 1 else np.repeat(model.classes_, 2)
    place = graph.node("ArgMax", found, attributes={"axis": 1, "keepdims": 0})
    graph.node("Gather", graph.labels(classes), place, to=labels)


def outputs_of(model: Any) -> int:
    """Return how many numbers the network gives for a row."""
    return len(model.intercepts_[-1])


def is_multilabel(model: Any) -> bool:
    """Whether each output is a label of its own, there or not."""
    return bool(model.out_activation_ == "logistic" and outputs_of(model) > 1)


class Graph:
    """The nodes of one network, added to a container of skl2onnx.

    They compute in float64 where the input is of doubles, else in float32.
    """

    def __init__(self, scope: Any, operator: Any, container: Any) -> None:
        from onnx import TensorProto
        from skl2onnx.common.data_types import guess_proto_type

        self.scope, self.container, self.model = scope, container, operator.raw_operator
        self.input = operator.inputs[0].full_name
        self.is_double = guess_proto_type(operator.inputs[0].type) == TensorProto.DOUBLE
        self.type = TensorProto.DOUBLE if self.is_double else TensorProto.FLOAT
        self.INT64, self.STRING = TensorProto.INT64, TensorProto.STRING

    def node(self, kind: str, *inputs: str, to: str | None = None, attributes: Mapping[str, Any] | None = None) -> str:
        """Add a node, and return the name of its output."""
        output = to or self.scope.get_unique_variable_name(kind.lower())
        name = self.scope.get_unique_operator_name(kind)
        self.container.add_node(kind, list(inputs), output, name=name, **(attributes or {}))
        return output

    def constant(self, value: Any) -> str:
        """Return the name of an array or number of the graph's type."""
        array = np.asarray(value)
        name = self.scope.get_unique_variable_name("constant")
        self.container.add_initializer(name, self.type, list(array.shape), array.ravel())
        return str(name)

    def labels(self, classes: Any) -> str:
        """Return the name of the classes, as integers where they are numbers."""
        name = self.scope.get_unique_variable_name("classes")
        if classes.dtype.kind in "biuf":
            self.container.add_initializer(name, self.INT64, [len(classes)], classes.astype(np.int64))
        else:
            self.container.add_initializer(name, self.STRING, [len(classes)], [str(each).encode() for each in classes])
        return str(name)

    def outputs(self) -> str:
        """Add the network; return the name of its outputs."""
        model, x = self.model, self.node("Cast", self.input, attributes={"to": self.type})
        names = [*activations(model.activation, len(model.coefs_) - 1), model.out_activation_]
        for kernel, bias, name in zip(model.coefs_, model.intercepts_, names, strict=True):
            z = self.node("Add", self.node("MatMul", x, self.constant(kernel)), self.constant(bias))
            x = ACTIVATIONS[KERNELS[name]](self, z)
        return x
