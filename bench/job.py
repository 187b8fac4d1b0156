"""What all contenders compute: data, the order of its rows, initial weights, settings; as files that all can read."""

import json
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

ARRAYS, SETTINGS = "arrays.npz", "settings.json"


@dataclass(frozen=True)
class Settings:
    """A job: dense layers of these widths, relu between them, at the end what the loss wants.

    Attributes
    ----------
    name, title : str
        The title says what is peculiar to it, in words.
    kind : str
        What is timed. "train": training on all rows; "predict": one call with all test rows; "rows": calls with one
        test row each.
    data : str
        "mnist" or "gaussian".
    loss : str
        "sparse_categorical_crossentropy": of labels, with softmax at the end. "mean_squared_error": of Gaussian data's
        targets, with nothing at the end.
    rows, test_rows : int
    epochs : float
        How often training visits each row; a fraction stops there.
    optimizer : dict
        As for a Network of fastmlp, with the greatest learning rate.
    warmup : float
        0: the rate is constant. Else the share of the steps in which it climbs, before it falls to nothing.
    held : int
        How many steps a rate of such a cycle holds.
    unit : str
        What the table and the JSON give the time of: "epoch", "step" or "call".
    threads : int
        0 stands for as many as there are.
    """

    name: str = "mnist_sgd"
    title: str = ""
    kind: str = "train"
    widths: tuple[int, ...] = (784, 512, 10)
    data: str = "mnist"
    loss: str = "sparse_categorical_crossentropy"
    rows: int = 60_000
    test_rows: int = 10_000
    epochs: float = 1
    batch_size: int = 128
    optimizer: dict = field(default_factory=lambda: {"name": "sgd", "learning_rate": 0.1})
    warmup: float = 0
    held: int = 20
    unit: str = "epoch"
    threads: int = 0

    @property
    def shape(self):
        return "-".join(map(str, self.widths))

    @property
    def is_regression(self):
        return self.loss == "mean_squared_error"

    @property
    def steps(self):
        """Updates in all; the last one may have fewer rows, but only in whole epochs."""
        batches = self.rows * self.epochs / self.batch_size
        return -int(-batches // 1) if self.epochs == 1 else int(batches)

    @property
    def units(self):
        """How many of its units one timed run is."""
        if self.kind == "train":
            return self.steps if self.unit == "step" else self.epochs
        return self.test_rows if self.kind == "rows" else 1

    def operations(self):
        """Floating-point operations that dense arithmetic needs for one timed run: two for each multiply-add.

        Training has three products a layer, of which the first layer lacks the gradient of its input.
        """
        sizes = [a * b for a, b in pairwise(self.widths)]
        if self.kind == "train":
            return 2 * self.rows * self.epochs * (3 * sum(sizes) - sizes[0])
        return 2 * self.test_rows * sum(sizes)

    def rates(self):
        """The learning rate of every step, float32."""
        greatest = self.optimizer["learning_rate"]
        if not self.warmup:
            return np.full(self.steps, greatest, np.float32)
        start = np.arange(self.steps) // self.held * self.held
        middle = (start + np.minimum(start + self.held, self.steps)) / (2 * self.steps)
        rising, falling = middle / self.warmup, (1 - middle) / (1 - self.warmup)
        return (greatest * np.minimum(rising, falling)).astype(np.float32)

    def network(self):
        """Arguments of a Network, of the oracle's or of fastmlp's."""
        activations = ["relu"] * (len(self.widths) - 2) + ["linear" if self.is_regression else "softmax"]
        layers = [
            {"kind": "dense", "units": units, "activation": activation, "use_bias": True}
            for units, activation in zip(self.widths[1:], activations, strict=True)
        ]
        return {
            "inputs": self.widths[0],
            "layers": layers,
            "loss": self.loss,
            "optimizer": dict(self.optimizer),
        }


@dataclass(frozen=True)
class Job:
    """Settings and arrays.

    x float32 [rows, inputs]; y int32 labels [rows], or targets float32 [rows, outputs] of a regression; order int64
    [rows visited]; rates float32 [steps]; weights a list of kernels float32 [inputs, units] and biases [units];
    expected float32 [test rows, classes], the probabilities that the initial weights give.
    """

    settings: Settings
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    order: np.ndarray
    rates: np.ndarray
    expected: np.ndarray
    weights: list[np.ndarray]

    def stretches(self):
        """Pairs of a learning rate and the row numbers, in order, that are visited with it."""
        batch_size = self.settings.batch_size
        borders = [0, *(np.flatnonzero(np.diff(self.rates)) + 1).tolist(), len(self.rates)]
        for start, end in pairwise(borders):
            yield float(self.rates[start]), self.order[start * batch_size : end * batch_size]

    def batches(self):
        """Pairs of a learning rate and the row numbers of one step."""
        batch_size = self.settings.batch_size
        for step, rate in enumerate(self.rates.tolist()):
            yield rate, self.order[step * batch_size : (step + 1) * batch_size]

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
    for inputs, units in pairwise(settings.widths):
        limit = (6 / (inputs + units)) ** 0.5
        weights += [rng.uniform(-limit, limit, (inputs, units)).astype(np.float32), np.zeros(units, np.float32)]
    passes = [rng.permutation(len(train[0])) for _ in range(-int(-settings.epochs // 1))]
    order = np.concatenate(passes)[: settings.steps * settings.batch_size]
    expected = probabilities(weights, test[0])
    return Job(settings, *train, *test, order, settings.rates(), expected, weights)


def probabilities(weights, x):
    """What a network predicts, computed in float64."""
    x = x.astype(np.float64)
    for i in range(0, len(weights), 2):
        x = x @ weights[i] + weights[i + 1]
        if i + 2 < len(weights):
            x = np.maximum(x, 0)
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
