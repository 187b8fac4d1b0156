"""Stages as the engine takes them: what a layer says of itself, with the numbers of what each stage reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Stage = dict[str, Any]

WEIGHTED = ("dense", "batch_normalization", "layer_normalization", "normalization", "embedding", "prelu")
RANDOM = ("dropout", "gaussian_noise")


def numbered(specs: Sequence[Stage], inputs: Sequence[int], first: int) -> list[Stage]:
    """Return the stages of one call with numbers in place of their own references.

    Parameters
    ----------
    specs : list of dict
        What `Layer.specs` returned. "inputs" of one are i for the call's i-th input, -k for the stage k before it;
        without that, the first takes all of the call's inputs, each next one the one before.
    inputs : list of int
        The numbers of the call's inputs.
    first : int
        The number that the first of the stages gets.
    """
    stages = []
    for place, spec in enumerate(specs):
        number = first + place
        given = spec.get("inputs", range(len(inputs)) if place == 0 else (-1,))
        reads = [inputs[one] if one >= 0 else number + one for one in given]
        stage = {name: value for name, value in spec.items() if name != "inputs"}
        if reads != [number - 1]:  # in a row it goes without saying
            stage["inputs"] = reads
        stages.append(stage)
    return stages


def in_predictions(specs: Sequence[Stage]) -> list[Stage]:
    """Return the stages of a layer that works as in predictions while the others train."""
    kept = [spec for spec in specs if spec["kind"] not in RANDOM]
    return [{**spec, "inference": True} if spec["kind"] == "batch_normalization" else spec for spec in kept]
