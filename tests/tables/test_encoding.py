"""The codes of numbers: float64 has the bits of the twins in reference/tables.py."""

import inspect
import math

import numpy as np
import pytest

import reference.tables as oracle
from fastmlp.tables import encoding

RANDOM = np.random.default_rng(0)
COLUMNS = {
    "normal": RANDOM.normal(size=101),
    "long tail": np.exp(3 * RANDOM.normal(size=64)),
    "few values": RANDOM.integers(0, 3, 50).astype(float),
    "mostly zero": np.where(np.arange(40) < 35, 0.0, RANDOM.normal(size=40)),
    "constant": np.full(7, 2.5),
    "one": np.array([4.0]),
    "tiny": 5e-324 * RANDOM.integers(0, 50, 40),
    "large": 1e200 * RANDOM.normal(size=30),
}
OTHERS = np.array([-1e300, -1e9, -1.0, -0.0, 0.0, 0.3, 2.5, 7.0, 1e9, 1e300, math.nan])


def same(one, other):
    """Whether two arrays have the same bits."""
    return np.asarray(one, np.float64).tobytes() == np.asarray(other, np.float64).tobytes()


@pytest.mark.parametrize("name", ["quantiles", "edges", "piecewise_linear", "center_and_scale", "softly_clipped"])
def test_twins_have_the_same_arguments(name):
    twin, own = (list(inspect.signature(getattr(module, name)).parameters) for module in (oracle, encoding))
    assert [each for each in own if each != "out"] == twin


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_codes_have_the_bits_of_the_oracle(column):
    values = column.tolist()
    for count in (1, 4, 24, 200):
        assert same(encoding.quantiles(column, count), oracle.quantiles(values, count))
        edges = encoding.edges(column, count)
        assert same(edges, oracle.edges(values, count))
        if len(edges) > 1:
            x = np.concatenate([column, OTHERS])
            assert same(
                encoding.piecewise_linear(x, edges), [oracle.piecewise_linear(v, edges.tolist()) for v in x.tolist()]
            )
    center, scale = encoding.center_and_scale(column)
    assert (center, scale) == oracle.center_and_scale(values)
    x = np.concatenate([column, OTHERS])
    clipped = [oracle.softly_clipped(v, center, scale) for v in x.tolist()]
    assert same(encoding.softly_clipped(x, center, scale), clipped) and np.isfinite(clipped).all()


def test_what_codes_are():
    edges = np.array([0.0, 1.0, 3.0])
    codes = encoding.piecewise_linear(np.array([-9.0, -1.0, 0.5, 2.0, 5.0, 90.0, math.nan]), edges)
    assert codes.tolist() == [[-3, 0], [-1, 0], [0.5, 0], [1, 0.5], [1, 2], [1, 4], [0, 0]]
    assert encoding.softly_clipped(np.array([1e9, -1e9, 1e300, -1e300]), 0.0, 1e9).tolist() == [3, -3, 3, -3]
