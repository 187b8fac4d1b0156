"""What the oracle's tests compare with: numbers that are about equal, slopes by finite differences, random matrices."""

import random

import reference.network

ACTIVATIONS = reference.stages.ACTIVATIONS
STEP = 1e-5  # of the finite differences: their error is about STEP^2 f''' / 6 + eps f / STEP, below the tolerance


def close(got, expected, tolerance=1e-14):
    """Assert that two numbers, vectors or matrices have the same shape and about the same values."""
    if isinstance(expected, (list, tuple)):
        assert len(got) == len(expected)
        for a, b in zip(got, expected, strict=True):
            close(a, b, tolerance)
    else:
        assert abs(got - expected) <= tolerance * max(1.0, abs(expected)), (got, expected)


def random_matrix(rows, columns, low=-2.0, high=2.0, seed=0):
    generator = random.Random(seed)
    return [[generator.uniform(low, high) for _ in range(columns)] for _ in range(rows)]


def numeric_gradient(function, x):
    """Central finite differences of a number with respect to the elements of a matrix."""
    gradient = []
    for row in x:
        slopes = []
        for j, value in enumerate(row):
            row[j] = value + STEP
            above = function(x)
            row[j] = value - STEP
            slopes.append((above - function(x)) / (2.0 * STEP))
            row[j] = value
        gradient.append(slopes)
    return gradient
