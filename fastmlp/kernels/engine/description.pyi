from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

ACTIVATIONS: dict[str, int]
LOSSES: dict[str | None, int]
METRICS: dict[str | None, int]
ACTIVATION_SETTINGS: dict[str, tuple[str, ...]]
FUSED: set[tuple[str, str]]
KINDS: dict[str, int]
SOURCES: dict[np.dtype[Any], int]

def settings_of_loss(loss: str | Mapping[str, Any] | Callable[..., Any] | None) -> dict[str, Any]: ...
def is_no_epilogue(activation: str) -> bool: ...
