from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

ACTIVATIONS: dict[str, int]
LOSSES: dict[str | None, int]
METRICS: dict[str | None, int]
FUSED: set[tuple[str, str]]
KINDS: dict[str, int]
SOURCES: dict[np.dtype[Any], int]

def take_apart(layers: Sequence[Mapping[str, Any]], fused: bool) -> list[dict[str, Any]]: ...
def is_no_epilogue(activation: str) -> bool: ...
