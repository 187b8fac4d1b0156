"""Embedding: categories, by their numbers, as vectors that are learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastmlp import constraints, initializers, regularizers
from fastmlp.data.arrays import Shape
from fastmlp.layers.base import Common, Layer, require_flat
from fastmlp.layers.core import weight_settings
from fastmlp.layers.variable import Variable
from fastmlp.settings import integer, only

if TYPE_CHECKING:
    from typing_extensions import Unpack

FLOAT32_LIMIT = 2**24  # numbers beyond are not all told apart


class Embedding(Layer):
    """Rows of a table by their numbers: rows of n numbers become rows of shape (n, output_dim).

    Parameters
    ----------
    input_dim : int
        Rows of the table: the numbers are from 0 to input_dim - 1. Below 2**24.
    output_dim : int
        Columns of the table.
    embeddings_initializer : str, Initializer or callable
        Default "uniform", from -0.05 to 0.05.
    embeddings_regularizer, embeddings_constraint : optional
        As of Dense.
    mask_zero : bool
        Only False.
    weights : None
        `set_weights` sets them.

    Numbers that are not there are refused where they are the caller's, which layers may have given another shape; those
    that layers have computed count as the nearest there is. Fractions are cut off.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: None = None,
        **common: Unpack[Common],
    ):
        super().__init__(**common)
        only("mask_zero", mask_zero, (False,), "rows have a fixed length; give the missing a number of its own")
        only("weights", weights, (None,), "set_weights sets them once the layer is built")
        self.input_dim = integer("input_dim", input_dim, at_least=1, below=FLOAT32_LIMIT)
        self.output_dim = integer("output_dim", output_dim, at_least=1, below=2**31)
        self.embeddings_initializer = initializers.get(embeddings_initializer, "embeddings_initializer")
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer, "embeddings_regularizer")
        self.embeddings_constraint = constraints.get(embeddings_constraint, "embeddings_constraint")
        self.mask_zero = False

    def arguments(self) -> dict[str, Any]:
        return {name: value for name, value in super().arguments().items() if name != "weights"}

    def argument(self, name: str) -> Any:
        return None if name == "weights" else super().argument(name)

    @property
    def number_limit(self) -> int:  # type: ignore[override]
        return self.input_dim

    @property
    def embeddings(self) -> Variable:
        """The table; AttributeError before the layer is built."""
        return self._variable("embeddings")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        require_flat(self, input_shape)
        return (*input_shape, self.output_dim)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        return {"embeddings": (self.input_dim, self.output_dim)}

    def weight_initializer(self, weight: str) -> initializers.Initializer:
        return self.embeddings_initializer

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        settings = weight_settings(self.embeddings_regularizer, self.embeddings_constraint)
        sizes = {"input_dim": self.input_dim, "output_dim": self.output_dim}
        return [{"kind": "embedding", **sizes, "embeddings": settings}]
