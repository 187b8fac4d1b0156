"""Columns of numbers as what a network learns from easily: the twins of reference/tables.py, on whole columns.

Piecewise-linear codes: Y. Gorishniy, I. Rubachev and A. Babenko, On embeddings for numerical features in tabular deep
learning, 2022. Quartiles and the soft clip: D. Holzmüller, L. Grinsztajn and I. Steinwart, Better by default: strong
pre-tuned MLPs and boosted trees on tabular data, 2024.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LOWEST, HIGHEST = -3.0, 4.0  # how far the codes of the outer bins go on beyond the edges
CLIP = 3.0  # what no standardised number exceeds
FARTHEST = 1e150  # from there on they are the same, as squares beyond it would be infinite
LARGEST = 1.7976931348623157e308  # scale, of numbers whose differences are tiny
AT_ONCE = 1_024  # rows whose codes stay in a cache

Floats = NDArray[np.float64]


def quantiles(values: Floats, count: int) -> Floats:
    """Return count + 1 numbers from the least of the values to the greatest, between neighbours in a straight line."""
    ordered = np.sort(values)
    places = np.arange(count + 1) * (len(ordered) - 1) / count
    low = np.floor(places).astype(np.intp)
    high = np.minimum(low + 1, len(ordered) - 1)
    return np.asarray(ordered[low] + (ordered[high] - ordered[low]) * (places - low) + 0.0)  # -0 is 0


def edges(values: Floats, bins: int) -> Floats:
    """Return the different quantiles, in order: the edges of at most so many bins."""
    return np.unique(quantiles(values, bins))


def piecewise_linear(x: Floats, edges: Floats, out: NDArray[np.floating] | None = None) -> NDArray[np.floating]:
    """Return a number for each bin, [rows, bins]: 0 below it, 1 above it, linear within; the outer two go on.

    Parameters
    ----------
    x : float64 array [rows]
        NaN where a number is missing, whose code is 0 in every bin.
    edges : float64 array [bins + 1]
        Rising.
    out : array [rows, bins], optional
        Filled and returned; default new, float64.
    """
    bins = len(edges) - 1
    if out is None:
        out = np.empty((len(x), bins))
    number, widths = np.arange(bins), edges[1:] - edges[:-1]
    for start in range(0, len(x), AT_ONCE):
        rows, codes = x[start : start + AT_ONCE], out[start : start + AT_ONCE]
        within = np.clip(np.searchsorted(edges, rows, side="right") - 1, 0, bins - 1)
        np.greater(within[:, None], number, out=codes)
        with np.errstate(over="ignore"):
            share = (rows - edges[within]) / widths[within]
        share = np.clip(share, np.where(within == 0, LOWEST, 0.0), np.where(within == bins - 1, HIGHEST, 1.0))
        codes[np.arange(len(rows)), within] = share + 0.0  # -0 is 0
        codes[np.isnan(rows)] = 0.0
    return out


def center_and_scale(values: Floats) -> tuple[float, float]:
    """Return the median, and what the distance between the quartiles becomes 1 by; where that is 0, the range 2."""
    least, lower, center, upper, greatest = quantiles(values, 4).tolist()
    if upper > lower:
        return center, min(1.0 / (upper - lower), LARGEST)
    return center, min(2.0 / (greatest - least), LARGEST) if greatest > least else 0.0


def softly_clipped(x: Floats, center: float, scale: float) -> Floats:
    """Return z / sqrt(1 + (z / CLIP)^2) with z = (x - center) * scale within FARTHEST, [rows]; 0 where x is missing."""
    with np.errstate(over="ignore"):
        z = np.minimum(np.maximum((x - center) * scale, -FARTHEST), FARTHEST)
    part = z / CLIP
    return np.where(np.isnan(x), 0.0, z / np.sqrt(1.0 + part * part))
