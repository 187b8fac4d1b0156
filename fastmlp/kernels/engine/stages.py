"""Layers taken apart into the stages of a plan: their shapes, what each reads, and the way of the gradients.

Inputs and layers are numbered, the inputs first; so are the stages, of which a layer may become two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastmlp.kernels.engine.description import ACTIVATION_SETTINGS, FUSED, is_no_epilogue

Layer = Mapping[str, Any]

ONE_SHAPE = ("add", "subtract", "multiply", "average", "maximum", "minimum")  # what their inputs have
TRAINED = ("kernel", "bias", "gamma", "beta", "embeddings", "alpha")  # the other weights are statistics of the data


@dataclass
class Edge:
    """What a stage reads, and how the gradient of that is gathered.

    Attributes
    ----------
    source : int
        The number of the stage that is read.
    adds : bool
        Whether its gradient is added to those of other readers, to which backward comes before.
    completes : bool
        Whether backward comes to it last.
    """

    source: int
    adds: bool = False
    completes: bool = True


@dataclass
class Stage:
    """One step of a forward pass, and of the backward pass if it is `reached` by the gradient of a loss.

    Attributes
    ----------
    layer : mapping
        Its settings, as in the description of the network.
    place : int
        The number of the layer, without the inputs; of an input -1.
    inputs : int
        Columns of what it reads first.
    columns, groups : int
        Of its output: columns, and rows for each row of the batch.
    owner : int
        The number of the stage whose weights it uses: its own, except where they are shared.
    trainable : bool
        Whether those may be trained, as their owner says.
    last_reader : int, optional
        The last stage that gives its output a gradient, None for outputs of the network alone.
    wants_for_weights, wants_for_inputs : bool
        Whether there is something to train, or an input, from here on downward.
    apart : bool
        Whether it is reached only as it penalizes its output itself.
    use : {"only", "first", "between", "last"}
        Which use of its weights it is, in the order of backward.
    """

    layer: Layer
    place: int
    edges: list[Edge]
    inputs: int
    columns: int
    groups: int
    owner: int
    trainable: bool = True
    reached: bool = False
    apart: bool = False
    last_reader: int | None = None
    wants_for_weights: bool = False
    wants_for_inputs: bool = False
    use: str = "only"

    @property
    def kind(self) -> str:
        return str(self.layer["kind"])

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        return weight_shapes(self.layer, self.inputs)


@dataclass
class Output:
    """An output of the network.

    Attributes
    ----------
    stage : int
    top : int
        The stage whose output the gradient of the loss is by: the one before `stage` where it is `fused`.
    adds, completes : bool
        As of Edge: outputs come first in backward.
    """

    stage: int
    top: int
    fused: bool
    adds: bool = False
    completes: bool = True


@dataclass
class Description:
    """A network as its plan will have it."""

    stages: list[Stage] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)


def describe(
    inputs: Sequence[int], layers: Sequence[Layer], outputs: Sequence[int], losses: Sequence[Any]
) -> Description:
    """Return the stages and outputs of a network.

    Parameters
    ----------
    inputs : list of int
        Columns of each.
    layers : list of dict
        As of Network.
    outputs : list of int
        Numbers of inputs and layers.
    losses : list
        A name, a callable or None for each output. Where all are None, gradients come from every output.

    Raises
    ------
    ValueError
        Where layers do not fit.
    """
    for output in outputs:
        if not 0 <= output < len(inputs) + len(layers):
            raise ValueError(f"outputs: got {list(outputs)}, needs numbers below {len(inputs) + len(layers)}")
    network = Description()
    read = [source for number, layer in enumerate(layers, len(inputs)) for source in sources_of(layer, number)]
    read += outputs
    activations = {number: layer.get("activation") for number, layer in enumerate(layers, len(inputs))}
    is_fused = [
        (activations.get(output), loss) in FUSED and read.count(output) == 1
        for output, loss in zip(outputs, losses, strict=True)
    ]
    heads = {output for output, fused in zip(outputs, is_fused, strict=True) if fused}
    ends = add_stages(network, inputs, layers, heads)
    for output, fused in zip(outputs, is_fused, strict=True):
        stage = ends[output]
        if network.stages[stage].groups != 1:
            raise ValueError(f"outputs: got number {output} of several rows for each row, needs a join before it")
        top = network.stages[stage].edges[0].source if fused else stage
        network.outputs.append(Output(stage, top, fused))
    with_loss = any(loss is not None for loss in losses)
    starts = [output for output, loss in zip(network.outputs, losses, strict=True) if loss is not None or not with_loss]
    gather(network, starts, with_loss)
    find_what_is_wanted(network.stages)
    number_uses(network.stages)
    return network


def sources_of(layer: Layer, number: int) -> list[int]:
    """Return the numbers of what a layer reads: without "inputs" of the one before."""
    sources = list(layer.get("inputs", [number - 1]))
    if not sources or not all(0 <= source < number for source in sources):
        raise ValueError(f"layers: got inputs {sources} of number {number}, needs numbers below its own")
    return sources


def add_stages(network: Description, inputs: Sequence[int], layers: Sequence[Layer], heads: set[int]) -> list[int]:
    """Append the stages of inputs and layers; return for each of those the number of its last stage.

    An activation that is no epilogue of a product, or is computed with a loss (`heads`), is a stage of its own.
    """
    stages = network.stages
    for columns in inputs:
        stages.append(Stage({"kind": "input"}, -1, [], columns, columns, 1, len(stages)))
    firsts, ends = list(range(len(inputs))), list(range(len(inputs)))
    for place, layer in enumerate(layers):
        number = place + len(inputs)
        edges = [Edge(ends[source]) for source in sources_of(layer, number)]
        read = [stages[edge.source] for edge in edges]
        columns, groups = shape_after(layer, read)
        owner = len(stages) if "weights_of" not in layer else owner_of(layer, number, firsts)
        firsts.append(len(stages))
        stages.append(Stage(layer, place, edges, read[0].columns, columns, groups, owner))
        stages[-1].trainable = bool(stages[owner].layer.get("trainable", True))
        if owner != firsts[-1]:
            check_owner(stages, stages[-1], number)
        activation = layer.get("activation", "linear")
        if layer["kind"] == "dense" and (is_no_epilogue(activation) or number in heads):
            stages[-1].layer = {**layer, "activation": "linear"}
            settings = {name: layer[name] for name in ACTIVATION_SETTINGS.get(activation, ())}
            then = {"kind": "activation", "activation": activation, **settings}
            stages.append(Stage(then, place, [Edge(len(stages) - 1)], columns, columns, groups, len(stages)))
        ends.append(len(stages) - 1)
    return ends


def owner_of(layer: Layer, number: int, firsts: Sequence[int]) -> int:
    """Return the number of the stage whose weights a layer uses."""
    owner = layer["weights_of"]
    if not 0 <= owner < number:
        raise ValueError(f"layers: got weights_of {owner} in number {number}, needs a number below its own")
    return firsts[owner]


def check_owner(stages: Sequence[Stage], stage: Stage, number: int) -> None:
    """Raise ValueError unless a stage can use the weights of its owner."""
    owner = stages[stage.owner]
    if owner.owner != stage.owner or owner.weight_shapes != stage.weight_shapes:
        needs = "a layer like it with weights of its own"
        raise ValueError(f"layers: got weights_of {stage.layer['weights_of']} in number {number}, needs {needs}")


def shape_after(layer: Layer, sources: Sequence[Stage]) -> tuple[int, int]:
    """Return the columns and the groups of a layer's output; ValueError where its inputs do not fit."""
    kind, columns, groups = layer["kind"], sources[0].columns, sources[0].groups
    check_count(kind, len(sources))
    for source in sources:
        if source.groups != groups or (kind in ONE_SHAPE and source.columns != columns):
            got = f"{source.columns} columns beside {columns}" if source.groups == groups else "inputs apart and joined"
            raise ValueError(f"layers: got {got} in {kind}, needs equal ones")
    if kind == "concatenate":
        return sum(source.columns for source in sources), groups
    if kind == "embedding":
        return columns * layer["output_dim"], groups
    if kind == "split":
        require_multiple(kind, columns, layer["groups"])
        return columns // layer["groups"], groups * layer["groups"]
    if kind == "join":
        require_multiple(kind, groups, layer["groups"])
        return columns * layer["groups"], groups // layer["groups"]
    if kind == "activity_penalty" and groups != 1:
        raise ValueError("layers: got an activity_penalty between split and join, needs it after the join")
    return layer.get("units", columns), groups


def check_count(kind: str, count: int) -> None:
    """Raise ValueError for a number of inputs that a layer does not take."""
    least = 2 if kind in ONE_SHAPE else 1
    most = 2 if kind == "subtract" else count if kind in (*ONE_SHAPE, "concatenate") else 1
    if not least <= count <= most:
        raise ValueError(f"layers: got {count} inputs of {kind}, needs {least}{' or more' if most > 2 else ''}")


def require_multiple(kind: str, number: int, groups: int) -> None:
    if groups < 1 or number % groups:
        raise ValueError(f"layers: got {groups} groups in {kind}, needs a divisor of {number}")


def weight_shapes(layer: Layer, inputs: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights by name, in the order of get_weights, for that many columns of the input."""
    kind = layer["kind"]
    shapes: dict[str, tuple[int, ...]] = {}
    if kind == "dense":
        shapes["kernel"] = (inputs, layer["units"])
        if layer["use_bias"]:
            shapes["bias"] = (layer["units"],)
    if kind == "prelu":
        shapes["alpha"] = (inputs,)
    if kind in ("batch_normalization", "layer_normalization"):
        names = [name for name, wanted in (("gamma", layer["use_gamma"]), ("beta", layer["use_beta"])) if wanted]
        shapes.update(dict.fromkeys(names, (inputs,)))
    if kind in ("batch_normalization", "normalization"):
        shapes.update(mean=(inputs,), variance=(inputs,))
    if kind == "embedding":
        shapes["embeddings"] = (layer["input_dim"], layer["output_dim"])
    return shapes


# --------------------------------------------------------------------------------------------------- way of gradients


def gather(network: Description, outputs: Sequence[Output], with_loss: bool) -> None:
    """Say of each edge and output how its gradient is gathered, in the order in which backward comes to them.

    The outputs that give one come first, in their order; then the stages from the last to the first. An embedding has
    no gradient of its input.
    """
    stages = network.stages
    given: list[list[Edge | Output]] = [[] for _ in stages]
    for output in outputs:
        given[output.top].append(output)
    for number in reversed(range(len(stages))):
        stage = stages[number]
        stage.apart = stage.kind == "activity_penalty" and with_loss and not given[number]
        stage.reached = bool(given[number]) or stage.apart
        for edge in stage.edges if stage.reached and stage.kind != "embedding" else []:
            given[edge.source].append(edge)
            stages[edge.source].last_reader = number
    for gradients in given:
        for place, gradient in enumerate(gradients):
            gradient.adds, gradient.completes = place > 0, place == len(gradients) - 1


def find_what_is_wanted(stages: Sequence[Stage]) -> None:
    """Say of each stage what its gradient is wanted for."""
    for stage in stages:
        before = [stages[edge.source] for edge in stage.edges if stage.kind != "embedding"]
        trains = stage.reached and stage.trainable and any(name in TRAINED for name in stage.weight_shapes)
        stage.wants_for_weights = trains or any(source.wants_for_weights for source in before)
        stage.wants_for_inputs = stage.kind == "input" or any(source.wants_for_inputs for source in before)


def number_uses(stages: Sequence[Stage]) -> None:
    """Set which use of its weights each stage is, in the order of backward."""
    uses: dict[int, list[Stage]] = {}
    for stage in reversed(stages):
        if stage.reached:
            uses.setdefault(stage.owner, []).append(stage)
    for shared in uses.values():
        for place, stage in enumerate(shared if len(shared) > 1 else []):
            stage.use = "first" if place == 0 else "last" if place == len(shared) - 1 else "between"
