"""Layers by their names in Keras."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fastmlp.elsewhere import missing
from fastmlp.layers.activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from fastmlp.layers.base import Input, InputLayer, Layer, require_flat, row_shape
from fastmlp.layers.core import Dense, Flatten, Identity, Rescaling, Reshape
from fastmlp.layers.embedding import Embedding
from fastmlp.layers.merging import (
    Add,
    Average,
    Concatenate,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    maximum,
    minimum,
    multiply,
    subtract,
)
from fastmlp.layers.normalization import BatchNormalization, LayerNormalization, Normalization, UnitNormalization
from fastmlp.layers.regularization import ActivityRegularization, AlphaDropout, Dropout, GaussianDropout, GaussianNoise
from fastmlp.layers.symbol import Symbol
from fastmlp.settings import subclasses

__all__ = [  # noqa: RUF022, in the order in which errors list them
    "Dense",
    "Dropout",
    "Flatten",
    "Rescaling",
    "Activation",
    "BatchNormalization",
    "LayerNormalization",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
    "ActivityRegularization",
    "Normalization",
    "UnitNormalization",
    "ReLU",
    "LeakyReLU",
    "ELU",
    "PReLU",
    "Softmax",
    "Add",
    "Subtract",
    "Multiply",
    "Average",
    "Maximum",
    "Minimum",
    "Concatenate",
    "Embedding",
    "Reshape",
    "Identity",
    "InputLayer",
    "LAYERS",
    "Input",
    "Layer",
    "add",
    "average",
    "concatenate",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
    "Symbol",
    "require_flat",
    "row_shape",
]

Symbol.operations.update(add=Add, subtract=Subtract, multiply=Multiply, rescaling=Rescaling, activation=Activation)
LAYERS = subclasses(globals(), Layer)

# Layers of Keras that are not dense, by what their names hold, and what to do without them.
ELSEWHERE = {
    "Conv|Pool|Padding|Cropping|UpSampling": "images are taken flat, by Flatten() and Dense",
    "RNN|LSTM|GRU|Bidirectional|TimeDistributed": "it has no recurrence; give a window of steps as one row, to Dense",
    "Attention": "it has no attention; rows stand for themselves",
    "Lambda": "there are Activation, Rescaling, the merging layers, and +, - and * of symbols",
    "Permute|RepeatVector|Masking": "rows keep their order; arrange the arrays before",
    "Dot": "sums of products are Dense(1, use_bias=False, kernel_initializer='ones', trainable=False)(a * b)",
    "Random|Mix|Contrast|Equalization|Solarization|Resizing|CenterCrop|BoundingBox|Spectrogram": (
        "pictures and sounds are made arrays of numbers before"
    ),
    "Lookup|Hash|CategoryEncoding|Discretization|TextVectorization": (
        "number the categories before, as numpy.unique(..., return_inverse=True) does, for Embedding"
    ),
    "SpatialDropout": "there are Dropout, AlphaDropout and GaussianDropout",
    "Normalization": "it has BatchNormalization, LayerNormalization, Normalization and UnitNormalization",
}


if not TYPE_CHECKING:  # type checkers report other names by themselves

    def __getattr__(name):
        """Say what there is for the layers of Keras that are not here."""
        if not name[:1].isupper():
            raise missing("layers", name)
        reason = next(
            (text for kinds, text in ELSEWHERE.items() if re.search(kinds, name)), "a graph is made of those layers"
        )
        have = ", ".join(layer for layer in LAYERS if layer != "InputLayer")
        raise AttributeError(f"layers: got {name!r}: fastmlp trains dense networks; {reason}; needs one of {have}")
