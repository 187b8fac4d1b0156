"""Embedding: numbers become the rows of a table that they name, side by side. It has no gradient by the numbers."""

from reference import ops


def embedding_forward(x, embeddings):
    """The vectors of the numbers of each row of x : [rows, columns]; embeddings : [n, d], result : [rows, columns * d].

    Columns j * d to j * d + d - 1 are the vector of number j.
    """
    return [[v for number in row for v in embeddings[row_number(number, embeddings)]] for row in x]


def embeddings_gradient(x, dy, embeddings):
    """Gradient of the table, [n, d]: from 0.0 on, each vector's part of dy is added, row by row and place by place."""
    width = len(embeddings[0])
    gradient = [[0.0] * width for _ in embeddings]
    for row, row_dy in ops.pairs(x, dy):
        for j, number in enumerate(row):
            i = row_number(number, embeddings)
            gradient[i] = ops.add_vectors(gradient[i], row_dy[j * width : (j + 1) * width])
    return gradient


def row_number(number, embeddings):
    """A float as the number of a row: cut to 0 .. n - 1, NaN to 0, and what is behind the point cut off."""
    return int(min(max(0.0, number), len(embeddings) - 1.0))
