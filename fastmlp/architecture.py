"""The architecture of a model: layers in a row, and the shapes of their weights."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

from fastmlp.config import float_type, floatx, seeds
from fastmlp.data.arrays import Shape
from fastmlp.layers import Layer, row_shape
from fastmlp.layers.stack import Stack
from fastmlp.settings import integer, optional_name, refuse_freezing, refuse_methods, to_plain
from fastmlp.training import progress

STEPS = ("call", "train_step", "test_step", "predict_step", "compute_loss")  # of Keras' models, to be overridden there

# Attributes that networks and files are made from, and what gives them another value.
FIXED = {
    **dict.fromkeys(("name", "dtype", "seed"), "new model"),
    **dict.fromkeys(("optimizer", "loss", "metrics", "weighted_metrics"), "call of compile"),
}


class Architecture:
    """Base of `Model`: its layers and what follows from them, without weights."""

    def __init__(self, name: str | None, dtype: Any, seed: int | None):
        self.name = optional_name(name) or "sequential"
        self.dtype = float_type(floatx() if dtype is None else dtype)
        self.seed = seeds.choose_seed(seed)
        self._stack = Stack()
        self._lock = threading.RLock()

    def __init_subclass__(cls) -> None:
        needs = "steps are the engine's; compile takes a loss of your own, gradients and apply_gradients make a loop"
        refuse_methods(cls, STEPS, needs)

    def __setattr__(self, name: str, value: Any) -> None:
        refuse_freezing(name, value)
        if name in FIXED and hasattr(self, name):
            raise AttributeError(f"{name}: got a new value, needs a {FIXED[name]}")
        super().__setattr__(name, value)

    @property
    def layers(self) -> list[Layer]:
        """The layers, without Input."""
        return list(self._stack.layers)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return the layer of that name, or of that place in `layers`; ValueError when there is none, or not one given.

        Parameters
        ----------
        name : str, optional
        index : int, optional
        """
        if (name is None) == (index is None):
            raise ValueError(f"name: got {name!r} with index {index!r}, needs one of the two")
        if index is not None:
            return self.layers[integer("index", index, at_least=0, below=len(self.layers))]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"name: got {name!r}, needs one of {', '.join(repr(layer.name) for layer in self.layers)}")

    def build(self, input_shape: Any = None) -> None:
        """Fix the shape of the input rows; a first None stands for the batch, as in Keras."""
        if isinstance(input_shape, (tuple, list)) and len(input_shape) > 1 and input_shape[0] is None:
            input_shape = input_shape[1:]
        with self._lock:
            self.fix_input_shape(None if input_shape is None else row_shape("input_shape", input_shape))

    @property
    def built(self) -> bool:
        """Whether the shapes of all weights are known."""
        return self._stack.input_shape is not None and bool(self._stack.layers)

    @property
    def input_shape(self) -> Shape | None:
        """Shape of one input row, or None when not known yet."""
        return self._stack.input_shape

    def summary(self) -> None:
        """Print a table of the layers, their output shapes and their numbers of weights."""
        progress.print_summary(self.name, self._stack, np.dtype(self.dtype).itemsize)

    def count_params(self) -> int:
        """Return the number of weights."""
        return sum(math.prod(shape) for shape in self.weight_names.values())

    def get_config(self) -> dict[str, Any]:
        """Return the architecture as JSON values."""
        return {
            "name": self.name,
            "dtype": self.dtype,
            "seed": self.seed,
            "input_shape": to_plain(self.input_shape),
            "layers": to_plain(self.layers),
        }

    # For model.py, training.py, testing.py and serialization.py

    @property
    def weight_names(self) -> dict[str, Shape]:
        """Shape of each weight by name ("dense/kernel"), in the order of get_weights."""
        return self._stack.weight_shapes()

    @property
    def units(self) -> int:
        """The number of outputs of a row."""
        return self._stack.shapes()[-1][0]

    def fix_input_shape(self, input_shape: Shape | None) -> None:
        """Build for input rows of that shape; ValueError when they have another one already."""
        shape = self._stack.shapes(input_shape)[0]
        if self.input_shape not in (None, shape):
            raise ValueError(f"input_shape: got {shape} for a model whose input rows have shape {self.input_shape}")
        self._stack.input_shape = shape
