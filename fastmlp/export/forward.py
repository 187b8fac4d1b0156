"""A model as the steps of its predictions, with their weights: what exports of models that predict are written from.

The steps are the engine's stages as its own plan has them, less what only training needs: dropout and noise vanish, and
normalizations of columns become the scaling that the engine makes of them, with the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fastmlp.data.arrays import Shape
from fastmlp.kernels.engine.description import ACTIVATION_SETTINGS
from fastmlp.kernels.engine.stages import Stage, describe
from fastmlp.layers.graph import free_name
from fastmlp.training.model import Model

ONLY_IN_TRAINING = ("dropout", "gaussian_noise", "gaussian_dropout", "alpha_dropout", "activity_penalty")
LEAST_DEVIATION = 1e-7  # what a given mean and variance divide by at least


class Weight(NamedTuple):
    """An array with its name by levels, such as "encoder/dense/kernel"; steps that share it have it under one name."""

    name: str
    values: np.ndarray


class End(NamedTuple):
    """An input or an output: its name, the shape of its rows, the type in which it is given, and its number."""

    name: str
    row_shape: Shape
    dtype: str
    number: int


@dataclass(frozen=True)
class Step:
    """One step, which makes one matrix from others.

    Attributes
    ----------
    kind : str
        "dense" (without activation), "activation", "scale" ((x - mean) * factor + offset), or a kind of stage.
    layer : str
        The name of the layer that it belongs to.
    settings : mapping
        Those of the stage.
    reads : tuple of int
        The numbers of what it reads: the inputs come first, then the steps.
    inputs, columns : int
        Columns of what it reads first, and of what it makes.
    groups : int
        Rows that it makes for each row of the batch: more than one between "split" and "join".
    weights : dict of Weight
        By the names of the stage's weights.
    """

    kind: str
    layer: str
    settings: Mapping[str, Any]
    reads: tuple[int, ...]
    inputs: int
    columns: int
    groups: int
    weights: Mapping[str, Weight]


@dataclass(frozen=True)
class Forward:
    """All steps in their order, between the inputs and the outputs."""

    dtype: str
    inputs: list[End]
    steps: list[Step]
    outputs: list[End]


def forward_of(model: Model) -> Forward:
    """Return the steps of a model; ValueError where its input's shape is not known."""
    graph = model.graph
    described = graph.describe(model.seed)
    plan = describe(described.widths, described.stages, described.outputs, [None] * len(described.outputs))
    weights = weights_of(model, plan.stages, described.variables)
    names = [*(layer.name for layer in described.layers), "input"]  # the last is that of inputs, whose place is -1
    steps: list[Step] = []
    numbers: list[int] = []  # of each stage: of the input or step whose result is the stage's
    for stage, arrays in zip(plan.stages, weights, strict=True):
        reads = tuple(numbers[edge.source] for edge in stage.edges)
        for step in steps_of(stage, reads, arrays, names[stage.place], len(graph.inputs) + len(steps)):
            steps.append(step)
            reads = (len(graph.inputs) + len(steps) - 1,)
        numbers.append(len(numbers) if stage.kind == "input" else reads[0])
    inputs = [
        End(name, symbol.row_shape, symbol.own_dtype or model.dtype, number)
        for number, (name, symbol) in enumerate(zip(model.input_names, graph.inputs, strict=True))
    ]
    outputs: list[End] = []
    for name, shape, output in zip(model.output_names, graph.output_row_shapes, plan.outputs, strict=True):
        taken = {end.name for end in (*inputs, *outputs)}
        outputs.append(End(free_name(name, taken), shape, model.dtype, numbers[output.stage]))
    return Forward(model.dtype, inputs, steps, outputs)


def weights_of(model: Model, stages: list[Stage], variables: list[Any]) -> list[dict[str, Weight]]:
    """Return the weights of each stage by name; those of its owner where they are shared."""
    names = {variable: name for name, variable in model.named_variables().items()}
    left = iter(variables)
    found: list[dict[str, Weight]] = []
    for number, stage in enumerate(stages):
        if stage.owner == number:
            own = {name: next(left) for name in stage.weight_shapes}
            found.append({name: Weight(names[one], one.numpy()) for name, one in own.items()})
        else:
            found.append(found[stage.owner])
    return found


def steps_of(
    stage: Stage, reads: tuple[int, ...], weights: Mapping[str, Weight], layer: str, number: int
) -> list[Step]:
    """Return what a stage is in predictions: nothing, a step, or two, of which the first has that number."""
    kind, settings = stage.kind, stage.layer
    place = {"inputs": stage.inputs, "columns": stage.columns, "groups": stage.groups}
    steps = []
    if kind in ("batch_normalization", "normalization"):
        steps.append(Step("scale", layer, settings, reads, weights=scaling(stage, weights), **place))
    elif kind not in ("input", "activation", *ONLY_IN_TRAINING):
        steps.append(Step(kind, layer, settings, reads, weights=weights, **place))
    activation = settings.get("activation", "linear")
    if activation != "linear":
        taken = {name: settings[name] for name in ACTIVATION_SETTINGS.get(activation, ())}
        reads = (number,) if steps else reads
        place["inputs"] = stage.columns
        steps.append(Step("activation", layer, {"activation": activation, **taken}, reads, weights={}, **place))
    return steps


def scaling(stage: Stage, weights: Mapping[str, Weight]) -> dict[str, Weight]:
    """Return the mean, the factor and the offset of a normalization of columns, rounded where the engine rounds."""
    mean, variance = weights["mean"].values, weights["variance"].values
    dtype = mean.dtype.type
    if stage.kind == "batch_normalization":
        deviation = np.sqrt(variance + dtype(stage.layer["epsilon"]))
    else:
        deviation = np.maximum(np.sqrt(variance.astype(np.float64)), LEAST_DEVIATION).astype(dtype)
    with np.errstate(divide="ignore"):
        factor = dtype(1) / deviation
    if "gamma" in weights:
        factor = weights["gamma"].values * factor
    offset = weights["beta"].values if "beta" in weights else np.zeros_like(mean)
    home = weights["mean"].name.rpartition("/")[0]
    arrays = {"mean": mean, "factor": factor, "offset": offset}
    return {name: Weight(f"{home}/{name}", array) for name, array in arrays.items()}
