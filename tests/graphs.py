"""The case table of networks that are graphs, with weights and data for them."""

from typing import Any, NamedTuple

import numpy as np

import reference
from tests.networks import (
    ACTIVITY_PENALTY,
    RESCALING,
    activation,
    batch_normalization,
    dense,
    dropout,
    layer_normalization,
    noise,
    targets,
)


class Graph(NamedTuple):
    """The inputs' widths, the layers, the numbers of the outputs, and what belongs to each output.

    Inputs and then layers are numbered from 0 on; a layer that names no inputs reads the one before it.
    """

    inputs: list[int]
    layers: list[dict[str, Any]]
    outputs: list[int]
    losses: list[Any]
    loss_weights: list[float | None] | None = None
    metrics: list[str | None] | None = None


class GraphData(NamedTuple):
    """What a graph is trained with, in float64: a list with an array, or None, for each input or output."""

    x: list[np.ndarray]
    y: list[np.ndarray | None]
    sample_weight: list[np.ndarray]


def of(layer, *numbers):
    """The layer, reading those."""
    return layer | {"inputs": list(numbers)}


def merge(kind, *numbers):
    return {"kind": kind, "inputs": list(numbers)}


def shared(layer, owner, *numbers):
    """A layer of the same settings, with the weights of the layer of that number."""
    return of(layer, *numbers) | {"weights_of": owner}


def frozen(layer):
    return layer | {"trainable": False}


def embedding(input_dim, output_dim, **weights):
    return {"kind": "embedding", "input_dim": input_dim, "output_dim": output_dim} | weights


def split(groups):
    return {"kind": "split", "groups": groups}


def join(groups):
    return {"kind": "join", "groups": groups}


TOWER = dense(33, "tanh")
PENALIZED = dense(
    6, "tanh", kernel={"l1": 0.01, "l2": 0.02, "max_norm": 0.6}, bias={"l1": 0.03, "l2": 0.01, "max_norm": 0.5}
)
TABLE = embedding(5, 4, embeddings={"l1": 0.01, "l2": 0.02, "max_norm": 0.7})
SPARSE, ACCURACY = "sparse_categorical_crossentropy", "sparse_categorical_accuracy"
ONE_HOT, BINARY, SQUARES = "categorical_crossentropy", "binary_crossentropy", "mean_squared_error"
GRAPHS = {
    "row": Graph([5], [dense(9, "relu"), dropout(0.3), dense(4, "softmax")], [3], [SPARSE], None, [ACCURACY]),
    "two_inputs": Graph(
        [5, 3],
        [of(dense(9, "relu"), 0), of(dense(6, "tanh"), 1), merge("concatenate", 2, 3), dense(4, "softmax")],
        [5],
        [SPARSE],
        None,
        [ACCURACY],
    ),
    "two_heads": Graph(
        [13],
        [dense(33, "relu"), dropout(0.3), dense(5, "softmax"), of(dense(1, kernel={"l2": 0.01}), 2)],
        [3, 4],
        [SPARSE, {"name": "huber", "delta": 0.6}],
        [0.7, 2.5],
        [ACCURACY, None],
    ),
    "residual": Graph(
        [7],
        [dense(9, "relu"), dense(9, "relu"), dense(9), merge("add", 1, 3), activation("relu"), dense(3)],
        [6],
        [SQUARES],
    ),
    "twins": Graph(
        [6, 6],
        [of(TOWER, 0), shared(TOWER, 2, 1), merge("subtract", 2, 3), dense(1, "sigmoid")],
        [5],
        [{"name": BINARY, "label_smoothing": 0.2}],
        None,
        ["binary_accuracy"],
    ),
    "twins_with_statistics": Graph(
        [5, 5],
        [
            of(batch_normalization(), 0),
            shared(batch_normalization(), 2, 1),
            of(dense(8, "gelu"), 2),
            of(layer_normalization(), 4),
            shared(dense(8, "gelu"), 4, 3),
            shared(layer_normalization(), 5, 6),
            merge("concatenate", 7, 5),
            dense(3, "softmax"),
        ],
        [9],
        [ONE_HOT],
        [1.5],
        ["categorical_accuracy"],
    ),
    "shared_penalties": Graph(
        [6],
        [PENALIZED, shared(PENALIZED, 1, 1), dense(6), shared(PENALIZED, 1, 3), merge("add", 4, 2), dense(2)],
        [6],
        ["log_cosh"],
    ),
    "frozen_trunk": Graph(
        [9],
        [
            frozen(dense(17, "relu", kernel={"l2": 0.02, "max_norm": 0.1})),
            frozen(batch_normalization(gamma={"l2": 0.1})),
            dense(5),
            batch_normalization(),
            dense(3, "softmax"),
        ],
        [5],
        [SPARSE],
        None,
        [ACCURACY],
    ),
    "statistics_kept": Graph(
        [6],
        [
            dense(9, "tanh"),
            batch_normalization(gamma={"l2": 0.01}) | {"inference": True},
            dense(2),
        ],
        [3],
        [SQUARES],
    ),
    "frozen_between": Graph(
        [9],
        [
            dense(6, "tanh"),
            frozen(batch_normalization(False)),
            frozen(PENALIZED),
            frozen(layer_normalization()),
            dropout(0.2),
            shared(PENALIZED, 3, 5),
            dense(2),
        ],
        [7],
        [SQUARES],
    ),
    "numbers_of_rows": Graph(
        [2, 4],
        [of(embedding(7, 3), 0), merge("concatenate", 2, 1), dense(9, "relu"), dense(3, "softmax")],
        [5],
        [SPARSE],
        None,
        [ACCURACY],
    ),
    "shared_embedding": Graph(
        [3, 3],
        [
            of(TABLE, 0),
            shared(TABLE, 2, 1),
            merge("multiply", 2, 3),
            dense(1),
            of(frozen(embedding(4, 1)), 0),
            dense(1),
        ],
        [5, 7],
        [SQUARES, "mean_absolute_error"],
        [None, 0.5],
    ),
    "hidden_output": Graph(
        [6],
        [dense(8, "tanh"), dense(9, "relu"), dense(4, "softmax")],
        [1, 3],
        [SQUARES, ONE_HOT],
        [0.3, None],
        [None, "categorical_accuracy"],
    ),
    "outputs_without_losses": Graph(
        [6],
        [
            dense(8, "tanh"),
            dense(3, "sigmoid"),
            of(dense(5, "relu", kernel={"l2": 0.01}), 1),
            batch_normalization(),
            of(ACTIVITY_PENALTY, 1),
            RESCALING,
        ],
        [1, 2, 4, 6],
        [None, BINARY, None, None],
        None,
        [None, "binary_accuracy", None, None],
    ),
    "output_twice": Graph(
        [5],
        [dense(9, "relu"), dense(4, "softmax")],
        [2, 2],
        [ONE_HOT, SQUARES],
        [0.25, 3.0],
        ["categorical_accuracy", None],
    ),
    "input_as_output": Graph(
        [3, 4], [merge("concatenate", 1, 0), dense(4, "tanh")], [0, 3, 1], [SQUARES, "cosine_similarity", None]
    ),
    "softmax_read_on": Graph(
        [5],
        [dense(4, "softmax"), dense(6, "tanh"), dense(2, "sigmoid")],
        [1, 3],
        [ONE_HOT, BINARY],
        [2.0, 0.5],
        ["categorical_accuracy", "binary_accuracy"],
    ),
    "logits_read_on": Graph(
        [5],
        [dense(3), activation("sigmoid"), of(activation("softmax"), 1), of(dense(2), 1)],
        [2, 4, 3],
        [BINARY, SQUARES, SPARSE],
        [1.0, None, 0.5],
    ),
    "merges": Graph(
        [4],
        [
            dense(5, "tanh"),
            of(dense(5, "gelu"), 0),
            of(dense(5), 0),
            merge("multiply", 1, 2, 3),
            merge("average", 1, 2, 3),
            merge("maximum", 1, 2, 3),
            merge("minimum", 3, 2, 1),
            merge("subtract", 6, 7),
            merge("add", 4, 5, 8),
            dense(3),
        ],
        [10],
        [SQUARES],
    ),
    "read_twice_by_one": Graph(
        [5],
        [
            dense(34, "tanh"),
            merge("multiply", 1, 1),
            merge("average", 1, 2, 1),
            merge("subtract", 3, 3),
            merge("add", 4, 1, 1, 3),
            merge("concatenate", 5, 2, 5),
        ],
        [5, 6],
        ["log_cosh", SQUARES],
    ),
    "gate": Graph(
        [6],
        [dense(9, "sigmoid"), of(dense(9, "tanh"), 0), merge("multiply", 1, 2), dense(3, "softmax")],
        [4],
        [SPARSE],
        None,
        [ACCURACY],
    ),
    "groups": Graph(
        [12],
        [
            dense(12, "tanh"),
            split(4),
            dense(5, "gelu"),
            dropout(0.2),
            layer_normalization(),
            activation("softmax"),
            join(4),
            dense(3),
        ],
        [8],
        [SQUARES],
    ),
    "groups_with_branches": Graph(
        [8],
        [
            split(4),
            dense(3, "tanh"),
            of(dense(3, "sigmoid"), 1),
            merge("multiply", 2, 3),
            batch_normalization(),
            shared(dense(3, "tanh"), 2, 1),
            merge("concatenate", 5, 6),
            join(4),
            merge("concatenate", 0, 8),
            dense(2),
        ],
        [10, 8],
        [SQUARES, None],
    ),
    "wide_and_deep": Graph(
        [9, 4],
        [of(dense(33, "relu"), 0), dense(17, "relu"), merge("concatenate", 1, 3), dense(1), of(dense(1), 3)],
        [5, 6],
        [SQUARES, "mean_absolute_error"],
        [0.9, 0.2],
    ),
    "noise_in_branches": Graph(
        [8],
        [
            dropout(0.3),
            dense(6, "relu"),
            of(dropout(0.3), 0),
            dense(6, "elu"),
            noise(0.2),
            of(dropout(0.5, 7), 2),
            merge("average", 5, 6),
            ACTIVITY_PENALTY,
            dense(2),
        ],
        [9],
        [SQUARES],
    ),
    "normalized_for_several": Graph(
        [7],
        [
            batch_normalization(),
            dense(5, "relu"),
            of(layer_normalization(), 1),
            of(dense(5, "tanh"), 1),
            of(dense(5), 3),
            merge("add", 2, 4, 5),
            batch_normalization(True, False),
            merge("multiply", 7, 6),
            of(dense(3, "softmax"), 8),
            of(dense(2), 7),
        ],
        [9, 10],
        [{"name": "categorical_focal_crossentropy", "label_smoothing": 0.1}, SQUARES],
        [1.0, 0.4],
        ["categorical_accuracy", None],
    ),
}


def oracle_of(graph, optimizer=None):
    """The oracle's network of a graph, with weights of 0."""
    return reference.Network(graph.inputs, graph.layers, graph.losses, optimizer, graph.outputs, graph.loss_weights)


def graph_weights(graph, rng):
    """Weights of either sign, in the order of get_weights; variances are positive."""
    found = []
    for weights in oracle_of(graph).owned:
        _, name = weights["key"]
        low, high = (0.5, 2.0) if name == "variance" else (-0.4, 0.4)
        found.append(rng.uniform(low, high, np.shape(weights["array"])))
    return found


def graph_data(graph, rows, rng):
    """Rows for every input, targets for every output that has a loss, and weights of rows, some of them 0.

    What an embedding reads are numbers in fourths, from below 0 to above its last row.
    """
    x = [rng.normal(size=(rows, width)) for width in graph.inputs]
    for number, layer in enumerate(graph.layers, len(graph.inputs)):
        (read, *_) = layer.get("inputs", [number - 1])
        if layer["kind"] == "embedding" and read < len(x):
            x[read] = rng.integers(-4, 4 * layer["input_dim"] + 4, x[read].shape) / 4
    outputs = oracle_of(graph).predict([array.tolist() for array in x])
    y = [
        None if loss is None else targets(loss, rows, len(output[0]), rng)
        for loss, output in zip(graph.losses, outputs, strict=True)
    ]
    weights = [rng.uniform(0, 3, rows) * (rng.random(rows) > 0.2) for _ in graph.outputs]
    return GraphData(x, y, weights)
