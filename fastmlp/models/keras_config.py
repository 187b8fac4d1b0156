"""Descriptions of models by Keras, made into those of `config`: names alone choose classes, and only fastmlp's own."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

from fastmlp import metrics
from fastmlp.constraints import CONSTRAINTS
from fastmlp.errors import told
from fastmlp.export.keras_config import SHARED
from fastmlp.initializers import INITIALIZERS
from fastmlp.layers import LAYERS
from fastmlp.layers.base import Common
from fastmlp.losses import LOSSES
from fastmlp.losses.custom import Custom
from fastmlp.optimizers import OPTIMIZERS, Optimizer
from fastmlp.optimizers.schedules import SCHEDULES
from fastmlp.regularizers import REGULARIZERS
from fastmlp.settings import find, fold, integer
from fastmlp.training.architecture import DEPTH_LIMIT

Json = Mapping[str, Any]
# Settings of Keras that change nothing here, whatever they are. Others that are not here may be None, 0 or False.
WITHOUT_EFFECT = ("data_format", "renorm_momentum", "jit_compile", "is_legacy_optimizer", "batch_input_shape", "dtype")


class Node(NamedTuple):
    """One call of a layer: by the layer's name, and how many calls of it were before."""

    layer: str
    number: int


class Translator:
    """Translates one file's description.

    Parameters
    ----------
    custom_objects : mapping, optional
        As of `load_model`.
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None = None):
        self.custom_objects = dict(custom_objects or {})
        self.dtypes: set[str] = set()
        self.shared: set[int] = set()
        self.lost: set[int] = set()  # numbers of layers that stand elsewhere too, where Keras has lost their number
        self.unnumbered: dict[tuple[Any, Any], dict[str, Any]] = {}  # layers by class and name
        self.depth = 0

    # Layers

    def whole(self, item: Json, seed: int | None = None) -> dict[str, Any]:
        """Return the description of a model; KeyError, TypeError or ValueError where it is none."""
        self.lost = {number for number, count in Counter(numbers_in(item)).items() if count == 1}
        found = self.layer(item)["config"]
        if "layers" not in found:
            raise ValueError(f"model: got {item['class_name']!r}, needs a Sequential or Functional")
        if len(self.dtypes) > 1:
            raise ValueError(f"dtype: got layers of {', '.join(sorted(self.dtypes))}, needs one for all")
        return with_values(found, {"dtype": next(iter(self.dtypes), None), "seed": None}) | {"seed": seed}

    def layer(self, item: Json) -> dict[str, Any]:
        """Return the description of a layer, or of a model as one."""
        name, number, config = item["class_name"], number_of(item), item["config"]
        made: dict[str, Any] = {"class_name": name}
        if number is not None:
            made["shared_object_id"] = integer("shared_object_id", number, at_least=0)
            twin = self.unnumbered.get((name, config.get("name"))) if number in self.lost else None
            if twin is not None:
                twin.setdefault("shared_object_id", number)
            if twin is not None or number in self.shared:
                return {**made, "shared_object_id": number if twin is None else twin["shared_object_id"]}
            self.shared.add(number)
        if "layers" in config:
            return {**made, "config": self.model(config)}
        require_own(item)
        if name == "InputLayer":
            shape = config.get("batch_shape") or config.get("batch_input_shape")
            return {**made, "config": {"shape": shape[1:], "name": config["name"]}}
        cls = find("layers", name, LAYERS)
        if "dtype" in config:  # an operator in older files has none
            self.dtypes.add(dtype_of(config["dtype"]))
        first = config.get("batch_input_shape")  # of older files
        given = {} if first is None or None in first[1:] else {"input_shape": first[1:]}
        found = settings(f"layer {config.get('name')!r}", cls, {**config, "dtype": None, **given})
        made = {**made, "class_name": cls.__name__, "config": found}
        if number is None:
            self.unnumbered[name, config.get("name")] = made
        return made

    def model(self, config: Json) -> dict[str, Any]:
        """Return the description of a model's own settings and layers."""
        self.depth += 1
        if self.depth > DEPTH_LIMIT:
            raise ValueError(f"model: got models in models to a depth of {self.depth}, needs {DEPTH_LIMIT} at most")
        common = {"name": config["name"], "trainable": config.get("trainable", True), "dtype": None, "seed": None}
        found = {**common, **(self.graph(config) if "input_layers" in config else self.row(config))}
        self.depth -= 1
        return found

    def row(self, config: Json) -> dict[str, Any]:
        """Return the layers of a Sequential, and the shape of its input where it is known."""
        items, shape = [self.layer(item) for item in config["layers"]], config.get("build_input_shape")
        if items and items[0]["class_name"] == "InputLayer":
            shape = items.pop(0)["config"]["shape"]
        elif shape is not None:
            shape = shape[1:]
        return {"input_shape": shape, "layers": items}

    def graph(self, config: Json) -> dict[str, Any]:
        """Return the layers and calls of a graph."""
        names = [str(item.get("name", item["config"]["name"])) for item in config["layers"]]
        items = dict(zip(names, config["layers"], strict=True))
        if len(items) < len(names):
            raise ValueError("layers: got a name twice, needs one for each")
        layers = [operation(item) or self.layer(item) for item in items.values()]
        is_old = any(isinstance(node, list) for item in items.values() for node in item["inbound_nodes"])
        # among the outputs, what a graph gives by itself counts as its first call; in older files, of any model, always
        counted = {name for name, item in items.items() if ("layers" if is_old else "input_layers") in item["config"]}
        calls = calls_of(items, counted)
        begins = [Node(name, 0) for name in names if items[name]["class_name"] == "InputLayer"]
        numbers: dict[tuple[Node, int], int] = {}
        inputs = ends_of(config["input_layers"], set())
        for end in flat(inputs):
            numbers.setdefault(end, len(numbers))
        places = {name: place for place, name in enumerate(names)}
        described = []
        for node in in_order(calls, begins):
            reads, training = calls[node]
            call = {"layer": places[node.layer], "inputs": [numbers[one] for one in reads]}
            described.append(call if training is None else {**call, "training": training})
            for tensor in range(outputs_of(items[node.layer])):
                numbers[node, tensor] = len(numbers)
        outputs = ends_of(config["output_layers"], counted)
        return {
            "layers": layers,
            "calls": described,
            "inputs": structured(inputs, lambda end: places[end[0].layer]),
            "outputs": structured(outputs, lambda end: numbers[end]),
        }

    # What a model was compiled with

    def compiled(self, config: Json) -> dict[str, Any]:
        """Return the arguments of `compile`."""
        return {
            "optimizer": self.optimizer(config["optimizer"]),
            "loss": self.each(config.get("loss"), self.loss),
            "metrics": self.metrics(config.get("metrics")),
            "weighted_metrics": self.metrics(config.get("weighted_metrics")),
            "loss_weights": config.get("loss_weights"),
        }

    def metrics(self, given: Any) -> Any:
        """Return metrics; older files have a list in a list for one output too."""
        is_nested = isinstance(given, list) and len(given) == 1 and isinstance(given[0], list)
        return self.each(given[0] if is_nested else given, self.metric)

    def each(self, given: Any, made: Any) -> Any:
        """Return what is made of an object, or of those in lists and dicts; None stays."""
        if isinstance(given, list):
            return [self.each(one, made) for one in given]
        if isinstance(given, Mapping) and "class_name" not in given:
            return {name: self.each(one, made) for name, one in given.items()}
        return None if given is None else made(given)

    def custom(self, argument: str, item: Any, name: str) -> Any:
        """Return the caller's function of a name, or the name, which stands for what is here."""
        is_known = item is name or fold(name) in {fold(one) for one in (*metrics.METRICS, *LOSSES)}
        if is_known and name not in self.custom_objects:
            return name
        return metrics.custom_object(argument, name, self.custom_objects)

    def optimizer(self, item: Any) -> Any:
        """Return an optimizer, or its name."""
        if isinstance(item, str):
            return item
        require_own(item)
        cls = find("optimizer", str(item["class_name"]).removeprefix("Custom>"), OPTIMIZERS)
        return cls.from_config(settings("optimizer", cls, item["config"]))

    def loss(self, item: Any) -> Any:
        """Return a loss, or its name."""
        name = function_name(item)
        if name is not None:
            found = self.custom("loss", item, name)
            return found if isinstance(found, str) else Custom(found)
        require_own(item)
        cls = find("loss", item["class_name"], LOSSES)
        config = {key: value for key, value in item["config"].items() if (key, value) != ("reduction", "auto")}
        return cls(**settings("loss", cls, config))

    def metric(self, item: Any) -> Any:
        """Return a metric, or its name."""
        name = function_name(item)
        if name is not None:
            return metrics.get(self.custom("metrics", item, name))
        kind, config = item["class_name"], dict(item["config"])
        if kind == metrics.MeanMetricWrapper.__name__:  # of older files
            fn = function_name(config["fn"])
            if fn not in self.custom_objects:
                known = find("metrics", fn, metrics.METRICS)
                return known(name=config["name"])
            return metrics.MeanMetricWrapper(self.custom_objects[fn], config["name"])
        cls: Any = self.custom_objects.get(kind, self.custom_objects.get(item.get("registered_name")))
        if cls is None:
            classes = {fold(one.__name__): one for one in metrics.METRICS.values()}
            if fold(str(kind)) not in classes:
                metrics.custom_object("metrics", kind, {})  # for its error
            require_own(item)
            cls = classes[fold(str(kind))]
        is_custom = cls not in metrics.METRICS.values()
        found = config if is_custom else settings("metrics", cls, config)
        return metrics.get({"class_name": cls.__name__, "config": found}, "metrics", {cls.__name__: cls})


PARTS: dict[str, Any] = {
    fold(cls.__name__): cls for table in (INITIALIZERS, REGULARIZERS, CONSTRAINTS, SCHEDULES) for cls in table.values()
}


def number_of(item: Json) -> int | None:
    """Return the number of a layer that stands in several models."""
    found: int | None = item.get(SHARED, item.get("shared_object_id"))
    return found


def numbers_in(item: Json) -> Iterator[int]:
    """Yield such numbers of all layers in a model."""
    waiting = [item]
    while waiting:
        one = waiting.pop()
        number = number_of(one)
        if number is not None:
            yield number
        waiting += one.get("config", {}).get("layers", [])


def require_own(item: Json) -> None:
    """Raise ValueError for a class that a user has registered: nothing here stands for it."""
    module, registered = item.get("module"), item.get("registered_name")
    first = str(module or "keras").split(".")[0]
    if first not in ("keras", "fastmlp") or registered not in (None, item["class_name"]):
        got = f"{registered or item['class_name']!r} of module {module!r}"
        raise ValueError(f"class_name: got {got}, needs classes of Keras; custom_objects has metrics, losses, models")


def settings(what: str, cls: Any, config: Json) -> dict[str, Any]:
    """Return the arguments of a class from Keras' settings of it; ValueError for one that would change something."""
    known = set(cls.settings) if issubclass(cls, Optimizer) else set(inspect.signature(cls).parameters)
    if cls in LAYERS.values():
        known |= set(Common.__annotations__)
    found = {}
    for name, given in config.items():
        if name in known:
            found[name] = value(name, given)
        elif name not in WITHOUT_EFFECT and (name, given) != ("axis", -1) and given not in (None, False, 0, "", [], {}):
            raise ValueError(f"{what}: got {name}={given!r:.100}, needs settings that {cls.__name__} has here")
    return found


def value(name: str, given: Any) -> Any:
    """Return the value of a setting."""
    if name == "axis" and isinstance(given, list):
        return given[0] if len(given) == 1 else given or None
    if isinstance(given, list):
        return [value("", one) for one in given]
    if not isinstance(given, Mapping) or "class_name" not in given:
        return given
    kind, config = given["class_name"], given.get("config")
    if kind == "function":
        is_own = name.endswith("_initializer") and config not in INITIALIZERS
        return {"class_name": "Called", "config": {"function": str(config)}} if is_own else config
    if kind in ("__numpy__", "__tensor__"):
        return config["value"]  # type: ignore[index]
    require_own(given)
    if name == "activation" and kind in LAYERS:
        return LAYERS[kind](**settings(name, LAYERS[kind], {**(config or {}), "dtype": None}))
    cls = PARTS.get(fold(str(kind)))
    return {"class_name": kind, "config": config if cls is None else settings(name, cls, config or {})}


def function_name(item: Any) -> str | None:
    """Return the name of a function, or of what a name stands for; None for an object with settings."""
    if isinstance(item, str):
        return item
    return str(item["config"]) if item["class_name"] == "function" else None


def dtype_of(policy: Any) -> str:
    """Return the type that a layer computes in."""
    if isinstance(policy, Mapping):
        require_own(policy)
        policy = policy["config"]["name"]
    if policy not in ("float32", "float64"):
        raise ValueError(f"dtype: got {told(policy)}, needs 'float32' or 'float64'")
    return str(policy)


def with_values(description: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return a model's description with these values in it and in the models in it."""
    layers = []
    for item in description["layers"]:
        is_model = "layers" in item.get("config", {})
        layers.append({**item, "config": with_values(item["config"], values)} if is_model else item)
    return {**description, **values, "layers": layers}


# Graphs


def operation(item: Json) -> dict[str, Any] | None:
    """Return the layer for an operator between symbols, as in `a + b`; None for what is a layer."""
    if not str(item.get("module")).startswith("keras.src.ops"):
        return None
    if item["class_name"] not in ("Add", "Subtract", "Multiply", "Maximum", "Minimum"):
        raise ValueError(f"layers: got operation {item['class_name']!r}, needs layers, or +, - and * of two symbols")
    return {"class_name": item["class_name"], "config": {"name": item["name"]}}


def calls_of(items: Mapping[str, Json], counted: set[str]) -> dict[Node, tuple[list[tuple[Node, int]], bool | None]]:
    """Return what each call reads, and its `training`."""
    found = {}
    for name, item in items.items():
        for number, node in enumerate(item["inbound_nodes"]):
            if isinstance(node, Mapping):
                reads, kwargs = list(tensors_in(node["args"])), node.get("kwargs") or {}
            else:  # of older files
                reads = [(Node(one[0], one[1] - (one[0] in counted)), one[2]) for one in node]
                kwargs = node[0][3] if node and len(node[0]) > 3 else {}
            for key, given in kwargs.items():
                if key != "training" and any(
                    one is not None for one in (given if isinstance(given, list) else [given])
                ):
                    raise ValueError(f"layer {name!r}: got {key}={given!r:.100} in a call, needs inputs alone")
            found[Node(name, number)] = (reads, kwargs.get("training"))
    return found


def tensors_in(args: Any) -> Iterator[tuple[Node, int]]:
    """Yield what is read among the arguments of a call, in order; that of a dict in the order of its names."""
    if isinstance(args, list):
        for one in args:
            yield from tensors_in(one)
    elif isinstance(args, Mapping) and args.get("class_name") == "__keras_tensor__":
        name, number, tensor = args["config"]["keras_history"]
        yield Node(name, integer("node", number, at_least=0)), integer("tensor", tensor, at_least=0)
    elif isinstance(args, Mapping):
        for key in sorted(args):
            yield from tensors_in(args[key])
    else:
        raise ValueError(f"args: got {told(args)}, needs symbols")


def in_order(calls: Mapping[Node, tuple[list[tuple[Node, int]], Any]], begins: list[Node]) -> list[Node]:
    """Return the calls, each after those that it reads; ValueError where there is no such order."""
    known = {*calls, *begins}
    before: dict[Node, list[Node]] = {}
    for node, (reads, _) in calls.items():
        for read, _ in reads:
            if read not in known:
                raise ValueError(f"layer {node.layer!r}: got call {read.number} of {read.layer!r}, which is not there")
        of_layer = [Node(node.layer, node.number - 1)] if node.number else []  # its calls were made in that order
        before[node] = [*of_layer, *(read for read, _ in reads)]
    try:
        order = list(TopologicalSorter(before).static_order())
    except CycleError:
        raise ValueError("calls: got layers that wait for each other, needs a graph") from None
    return [node for node in order if node in calls]


def outputs_of(item: Json) -> int:
    """Return how many outputs a call of a layer gives."""
    return len(flat(ends_of(item["config"]["output_layers"], set()))) if "input_layers" in item["config"] else 1


def ends_of(described: Any, counted: set[str]) -> Any:
    """Return (node, number of its tensor) for each end of a graph, in a container as it is described."""
    if isinstance(described, Mapping):
        return {name: ends_of(one, counted) for name, one in sorted(described.items())}
    if len(described) == 3 and isinstance(described[0], str):
        name, number, tensor = described
        return Node(name, integer("node", number - (name in counted), at_least=0)), integer("tensor", tensor, 0)
    return [ends_of(one, counted) for one in described]


def flat(ends: Any) -> list[Any]:
    """Return the ends in a container, or the only one, as a list."""
    if isinstance(ends, dict):
        return list(ends.values())
    return ends if isinstance(ends, list) else [ends]


def structured(ends: Any, made: Any) -> Any:
    """Return what is made of each end, in the same container."""
    if isinstance(ends, dict):
        return {name: made(end) for name, end in ends.items()}
    return [made(end) for end in ends] if isinstance(ends, list) else made(ends)
