"""What all contenders train: data, the order of its rows, initial weights and settings, as files that all can read."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

ARRAYS, SETTINGS = "arrays.npz", "settings.json"


@dataclass(frozen=True)
class Settings:
    """Dense layers of these widths, relu between them, softmax and cross-entropy at the end, trained by SGD."""

    name: str = "mnist_sgd"
    widths: tuple[int, ...] = (784, 512, 10)
    batch_size: int = 128
    learning_rate: float = 0.1
    threads: int = 1

    def network(self):
        """Arguments of a Network, of the oracle's or of fastmlp's."""
        activations = ["relu"] * (len(self.widths) - 2) + ["softmax"]
        layers = [
            {"kind": "dense", "units": units, "activation": activation, "use_bias": True, "l2": 0.0}
            for units, activation in zip(self.widths[1:], activations, strict=True)
        ]
        return {
            "inputs": self.widths[0],
            "layers": layers,
            "loss": "sparse_categorical_crossentropy",
            "optimizer": {"name": "sgd", "learning_rate": self.learning_rate},
        }


@dataclass(frozen=True)
class Job:
    """Settings and arrays: x float32 [rows, inputs], y int32 labels [rows], order int64 [rows], weights float32."""

    settings: Settings
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    order: np.ndarray
    weights: list[np.ndarray]

    def save(self, folder):
        """Write the job to an empty folder."""
        (Path(folder) / SETTINGS).write_text(json.dumps(asdict(self.settings)))
        arrays = {name: given for name, given in vars(self).items() if isinstance(given, np.ndarray)}
        np.savez(Path(folder) / ARRAYS, *self.weights, **arrays)

    @classmethod
    def load(cls, folder):
        """Read what save wrote."""
        settings = json.loads((Path(folder) / SETTINGS).read_text())
        with np.load(Path(folder) / ARRAYS) as file:
            arrays = dict(file)
        weights = [arrays.pop(f"arr_{i}") for i in range(2 * len(settings["widths"]) - 2)]
        return cls(Settings(**settings), **arrays, weights=weights)


def make(settings, train, test, seed=0):
    """A job with a random order of the rows and random weights (Glorot uniform, biases 0)."""
    rng = np.random.default_rng(seed)
    weights = []
    for inputs, units in zip(settings.widths, settings.widths[1:], strict=False):
        limit = (6 / (inputs + units)) ** 0.5
        weights += [rng.uniform(-limit, limit, (inputs, units)).astype(np.float32), np.zeros(units, np.float32)]
    return Job(settings, *train, *test, order=rng.permutation(len(train[0])), weights=weights)
