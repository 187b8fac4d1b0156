"""What a layer after each hidden one costs in training: `python -m bench.between`.

A step of each network, on one thread in float32, over a step of the same network without the layer. All take turns in
this process, and their least times are compared, since noise only adds.
"""

import time

import numpy as np

from bench.table import aligned, processor
from fastmlp.kernels import Network

NETWORKS = (((64, 128, 128, 10), 128), ((20, 64, 64, 3), 32))  # widths, and rows of a batch
LAYERS = {
    "none": None,
    "Dropout": {"kind": "dropout", "rate": 0.2, "seed": 1},
    "AlphaDropout": {"kind": "alpha_dropout", "rate": 0.2, "seed": 1},
    "GaussianNoise": {"kind": "gaussian_noise", "stddev": 0.1, "seed": 1},
    "GaussianDropout": {"kind": "gaussian_dropout", "stddev": 0.1, "seed": 1},
    "BatchNormalization": {"kind": "batch_normalization", "epsilon": 1e-3, "momentum": 0.99},
    "LayerNormalization": {"kind": "layer_normalization", "epsilon": 1e-3},
    "UnitNormalization": {"kind": "unit_normalization"},
}
NORMALIZED = {"use_gamma": True, "use_beta": True}
STEPS = 10  # in one turn
TURNS = 200


def main():
    """Print the table."""
    columns = [["layer", *LAYERS]]
    for widths, rows in NETWORKS:
        times = least_times([network(widths, layer) for layer in LAYERS.values()], widths, rows)
        columns.append([f"{'-'.join(map(str, widths))}, {rows} rows", *[f"{1e6 * one:.1f} us" for one in times]])
        columns.append(["over none", *[f"{one / times[0]:.2f}" for one in times]])
    print("a step of training with a layer after each hidden one\n")
    print("\n".join(aligned(list(zip(*columns, strict=True)))))
    print(f"\n{processor()}")


def network(widths, layer):
    """A classifier with the layer after each hidden one."""
    dense = {"kind": "dense", "use_bias": True}
    between = [NORMALIZED | layer if "epsilon" in layer else layer] if layer else []
    layers = []
    for units in widths[1:-1]:
        layers += [dense | {"units": units, "activation": "relu"}, *between]
    layers.append(dense | {"units": widths[-1], "activation": "softmax"})
    optimizer = {"name": "sgd", "learning_rate": 1e-4}
    made = Network(widths[0], layers, "sparse_categorical_crossentropy", optimizer)
    made.threads = 1
    random = np.random.default_rng(0)
    made.set_weights([random.normal(0, 0.1, w.shape) if w.ndim == 2 else np.ones_like(w) for w in made.get_weights()])
    return made


def least_times(networks, widths, rows):
    """Seconds of a step of each."""
    random = np.random.default_rng(1)
    x = random.normal(size=(STEPS * rows, widths[0])).astype(np.float32)
    y = random.integers(0, widths[-1], len(x)).astype(np.intc)
    order = np.arange(len(x))
    turns = [[elapsed(each, x, y, order, rows) for each in networks] for _ in range(TURNS)]
    return [min(times) / STEPS for times in zip(*turns, strict=True)]


def elapsed(network, x, y, order, rows):
    start = time.perf_counter()
    network.train_epoch(x, y, order, rows)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
