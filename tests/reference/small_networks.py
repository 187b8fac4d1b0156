"""Layers, optimizers and small networks of the oracle, with data for them."""

import random

from reference.network import Network
from reference.weights import rows_of

OPTIMIZERS = {
    "sgd": {"name": "sgd", "learning_rate": 0.1},
    "momentum": {"name": "momentum", "learning_rate": 0.05, "momentum": 0.9},
    "nesterov": {"name": "nesterov", "learning_rate": 0.05, "momentum": 0.9},
    "rmsprop": {"name": "rmsprop", "learning_rate": 0.01, "rho": 0.9, "epsilon": 1e-7},
    "adagrad": {"name": "adagrad", "learning_rate": 0.1, "epsilon": 1e-7, "initial_accumulator_value": 0.1},
    "adam": {"name": "adam", "learning_rate": 0.02, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    "rmsprop_momentum": {
        "name": "rmsprop_momentum",
        "learning_rate": 0.01,
        "rho": 0.9,
        "momentum": 0.5,
        "epsilon": 1e-7,
    },
    "rmsprop_centered": {
        "name": "rmsprop_centered",
        "learning_rate": 0.01,
        "rho": 0.9,
        "momentum": 0.5,
        "epsilon": 1e-3,
    },
    "adadelta": {"name": "adadelta", "learning_rate": 10.0, "rho": 0.95, "epsilon": 1e-5},
    "amsgrad": {"name": "amsgrad", "learning_rate": 0.02, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    "adamax": {"name": "adamax", "learning_rate": 0.02, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    "nadam": {"name": "nadam", "learning_rate": 0.02, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    "lion": {"name": "lion", "learning_rate": 0.02, "beta_1": 0.9, "beta_2": 0.99},
    "ftrl": {
        "name": "ftrl",
        "learning_rate": 0.5,
        "learning_rate_power": -0.5,
        "l1": 1e-3,
        "l2": 1e-3,
        "l2_shrinkage": 1e-3,
        "beta": 0.1,
        "initial_accumulator_value": 0.1,
    },
}


def dense(units, activation="linear", use_bias=True, l2=0.0):
    settings = {"kind": "dense", "units": units, "activation": activation, "use_bias": use_bias}
    return settings | {"kernel": {"l2": l2}}


def activation(name):
    return {"kind": "activation", "activation": name}


def dropout(rate=0.5, seed=5):
    return {"kind": "dropout", "rate": rate, "seed": seed}


def rescaling(scale=0.5, offset=-0.25):
    return {"kind": "rescaling", "scale": scale, "offset": offset}


def random_rows(rows, columns, seed):
    generator = random.Random(seed)
    return [[generator.uniform(-1.0, 1.0) for _ in range(columns)] for _ in range(rows)]


def with_random_weights(network, seed=1):
    generator = random.Random(seed)
    weights = network.get_weights()
    for array in weights:
        for row in rows_of(array):
            row[:] = [generator.uniform(-1.0, 1.0) for _ in row]
    network.set_weights(weights)
    return network


def two_clusters():
    """Twenty points in the plane with labels, easy to tell apart."""
    generator = random.Random(3)
    labels = [i % 2 for i in range(20)]
    return [[generator.gauss(2.0 * label - 1.0, 0.3), generator.gauss(0.0, 1.0)] for label in labels], labels


def classifier(optimizer="sgd", rate=0.25):
    layers = [dense(6, "relu"), dropout(rate), dense(2, "softmax")]
    network = Network(2, layers, "sparse_categorical_crossentropy", OPTIMIZERS[optimizer])
    return with_random_weights(network)
