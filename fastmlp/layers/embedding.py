"""Embedding: categories, by their numbers, as vectors that are learned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastmlp import constraints, initializers, regularizers
from fastmlp.data.arrays import Shape, weight_arrays
from fastmlp.layers.base import Common, Layer, one_row, require_flat
from fastmlp.layers.core import weight_settings
from fastmlp.layers.variable import Variable
from fastmlp.settings import integer, only

if TYPE_CHECKING:
    from typing_extensions import Unpack

FLOAT32_LIMIT = 2**24  # numbers beyond are not all told apart
NOT_KEPT = ("weights", "input_length")  # arguments that others say


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
    weights : list with an array [input_dim, output_dim], optional
        The first values; the same as `embeddings_initializer=Constant(array)`.
    input_length : int, optional
        Not regarded, as in Keras 3: rows of any length are taken.

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
        weights: Any = None,
        input_length: int | None = None,
        **common: Unpack[Common],
    ):
        super().__init__(**common)
        only("mask_zero", mask_zero, (False,), "rows have a fixed length; give the missing a number of its own")
        self.input_dim = integer("input_dim", input_dim, at_least=1, below=FLOAT32_LIMIT)
        self.output_dim = integer("output_dim", output_dim, at_least=1, below=2**31)
        if input_length is not None:
            integer("input_length", input_length, at_least=1)
        if weights is not None:
            (table,) = weight_arrays("weights", weights, [(self.input_dim, self.output_dim)], "float64")
            embeddings_initializer = initializers.Constant(table)
        self.embeddings_initializer = initializers.get(embeddings_initializer, "embeddings_initializer")
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer, "embeddings_regularizer")
        self.embeddings_constraint = constraints.get(embeddings_constraint, "embeddings_constraint")
        self.mask_zero = False

    def arguments(self) -> dict[str, Any]:
        return {name: value for name, value in super().arguments().items() if name not in NOT_KEPT}

    def argument(self, name: str) -> Any:
        return None if name in NOT_KEPT else super().argument(name)

    @property
    def number_limit(self) -> int:  # type: ignore[override]
        return self.input_dim

    @property
    def embeddings(self) -> Variable:
        """The table; AttributeError before the layer is built."""
        return self._variable("embeddings")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        require_flat(self, one_row(input_shape))
        return (*input_shape, self.output_dim)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        return {"embeddings": (self.input_dim, self.output_dim)}

    def weight_initializer(self, weight: str) -> initializers.Initializer:
        return self.embeddings_initializer

    def specs(self, seed: int, input_shape: Any = None) -> list[dict[str, Any]]:
        settings = weight_settings(self.embeddings_regularizer, self.embeddings_constraint)
        sizes = {"input_dim": self.input_dim, "output_dim": self.output_dim}
        return [{"kind": "embedding", **sizes, "embeddings": settings}]
