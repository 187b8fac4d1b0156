"""Columns of numbers as what a network learns from easily; a missing number is NaN.

Piecewise-linear codes: Y. Gorishniy, I. Rubachev and A. Babenko, On embeddings for numerical features in tabular deep
learning, 2022. Quartiles and the soft clip: D. Holzmüller, L. Grinsztajn and I. Steinwart, Better by default: strong
pre-tuned MLPs and boosted trees on tabular data, 2024. fastmlp/tables/encoding.py has their namesakes.
"""

import math

LOWEST, HIGHEST = -3.0, 4.0  # how far the codes of the outer bins go on beyond the edges
CLIP = 3.0  # what no standardised number exceeds
FARTHEST = 1e150  # from there on they are the same, as squares beyond it would be infinite
LARGEST = 1.7976931348623157e308  # scale, of numbers whose differences are tiny


def quantiles(values, count):
    """count + 1 numbers from the least of the values to the greatest, between neighbours in a straight line."""
    ordered = sorted(values)
    found = []
    for i in range(count + 1):
        place = i * (len(ordered) - 1) / count
        low = math.floor(place)
        high = min(low + 1, len(ordered) - 1)
        found.append(ordered[low] + (ordered[high] - ordered[low]) * (place - low) + 0.0)  # -0 is 0
    return found


def edges(values, bins):
    """The different quantiles, in order: the edges of at most so many bins."""
    return sorted(set(quantiles(values, bins)))


def piecewise_linear(x, edges):
    """A number for each bin: 0 below it, 1 above it, linear within; the outer two go on. All 0 where x is missing."""
    if math.isnan(x):
        return [0.0] * (len(edges) - 1)
    last = len(edges) - 2
    code = []
    for i in range(last + 1):
        share = (x - edges[i]) / (edges[i + 1] - edges[i])
        low, high = LOWEST if i == 0 else 0.0, HIGHEST if i == last else 1.0
        code.append(min(max(share, low), high) + 0.0)
    return code


def center_and_scale(values):
    """The median, and what the distance between the quartiles becomes 1 by; where that is 0, the whole range 2."""
    least, lower, center, upper, greatest = quantiles(values, 4)
    if upper > lower:
        return center, min(1.0 / (upper - lower), LARGEST)
    return center, min(2.0 / (greatest - least), LARGEST) if greatest > least else 0.0


def softly_clipped(x, center, scale):
    """z / sqrt(1 + (z / CLIP)^2) with z = (x - center) * scale, within FARTHEST; 0 where x is missing."""
    if math.isnan(x):
        return 0.0
    z = min(max((x - center) * scale, -FARTHEST), FARTHEST)
    part = z / CLIP
    return z / math.sqrt(1.0 + part * part)
