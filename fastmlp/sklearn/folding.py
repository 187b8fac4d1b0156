"""Batch normalization folded into the dense layer before it.

In predictions a normalized layer is a dense one: z = x K + b, and then (z - mean) s + beta, where s = gamma /
sqrt(variance + EPSILON), are x (K s) + (b - mean) s + beta. `coefs_` and `intercepts_` hold these kernels and biases.
Predictions are computed from them alone, so whoever reads them has the whole network; what training goes on from is in
`batch_norm_`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

EPSILON = 1e-3  # of Keras
OF_NORMALIZATION = ("gamma", "beta", "mean", "variance")
OF_LAYER = ("kernel", "bias", *OF_NORMALIZATION)  # in the engine's order

Layer = dict[str, NDArray[Any]]


def folded(layer: Mapping[str, NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the kernel and the bias of the dense layer that a normalized one is in predictions."""
    dtype = layer["kernel"].dtype
    kernel, bias, gamma, beta, mean, variance = (layer[name].astype(np.float64) for name in OF_LAYER)
    scale = gamma / np.sqrt(variance + EPSILON)
    return (kernel * scale).astype(dtype), ((bias - mean) * scale + beta).astype(dtype)


def layers_to_train(estimator: Any) -> list[Layer]:
    """Return the normalized layers to go on training from: where the folded weights were changed, such that these are.

    A layer whose kernel or bias was changed is normalized by the identity then, as far as predictions go.
    """
    found = []
    for kernel, bias, layer in zip(estimator.coefs_, estimator.intercepts_, normalized(estimator), strict=False):
        if not all(np.array_equal(a, b) for a, b in zip((kernel, bias), folded(layer), strict=True)):
            identity = {"gamma": np.sqrt(layer["variance"] + EPSILON), "beta": layer["mean"]}
            layer = {**layer, **identity, "kernel": kernel, "bias": bias}
        found.append(layer)
    return found


def normalized(estimator: Any) -> list[Layer]:
    """Return the normalized layers as they were trained: none where the weights were set by hand."""
    return getattr(estimator, "batch_norm_", [])
