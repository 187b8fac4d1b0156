"""How far float32 may be from the oracle: the oracle itself, run on numbers that know the error they may carry.

Every operation follows the standard model of floating-point arithmetic (N. Higham, Accuracy and Stability of Numerical
Algorithms, section 2.2): its result is off by at most U times its size, on top of what its operands bring along. For
sums the size is that of the terms without their signs, so that the bound holds for any order of summation, and with or
without fused multiply-adds. Nothing in it was fitted to what the kernels do.
"""

import math
from types import SimpleNamespace

import reference
import reference.activations
import reference.crossentropies
import reference.curves
import reference.losses
import reference.ops
import reference.optimizers
import reference.pieces
import reference.rectifiers
import reference.similarities

U = 2.0**-24  # half the distance from 1 to the next float32
TINY = 2.0**-125  # below 2^-126 float32 loses relative accuracy, and what is kept there is 0 (kernels/c/flush.h)
FUNCTION = 4 * U  # exp, log, tanh and their like are good to 2 units in the last place


class Bounded:
    """A value, the error it may carry, and its size when every term of its sums has the same sign."""

    def __init__(self, value, error=0.0, size=None):
        self.value = value
        self.error = error
        self.size = abs(value) if size is None else size

    def __add__(self, other):
        other = bounded(other)
        size = self.size + other.size
        return Bounded(self.value + other.value, self.error + other.error + U * size, size)

    def __sub__(self, other):
        return self + -bounded(other)

    def __neg__(self):
        return Bounded(-self.value, self.error, self.size)

    def __mul__(self, other):
        other = bounded(other)
        size = self.size * other.size
        error = self.error * other.size + other.error * self.size + self.error * other.error
        return Bounded(self.value * other.value, error + U * size + TINY, size)

    def __truediv__(self, other):
        other = bounded(other)
        least = abs(other.value) - other.error
        size = self.size / least
        return Bounded(self.value / other.value, (self.error + size * other.error) / least + U * size + TINY, size)

    def __radd__(self, other):
        return bounded(other) + self

    def __rsub__(self, other):
        return bounded(other) - self

    def __rmul__(self, other):
        return bounded(other) * self

    def __rtruediv__(self, other):
        return bounded(other) / self

    def __abs__(self):
        return Bounded(abs(self.value), self.error, self.size)

    def __lt__(self, other):
        return self.value < bounded(other).value

    def __le__(self, other):
        return self.value <= bounded(other).value

    def __gt__(self, other):
        return self.value > bounded(other).value

    def __ge__(self, other):
        return self.value >= bounded(other).value

    def __eq__(self, other):
        return self.value == bounded(other).value

    __hash__ = None


def bounded(x):
    """A plain number of the formulas, which float32 rounds; small integers are exact."""
    if isinstance(x, Bounded):
        return x
    return Bounded(float(x), 0.0 if isinstance(x, int) else U * abs(x))


def exp(x):
    x = bounded(x)
    value = math.exp(x.value)
    return Bounded(value, value * math.expm1(x.error) + FUNCTION * value + TINY)


def log(x):
    x = bounded(x)
    value = math.log(x.value)
    return Bounded(value, -math.log1p(-x.error / x.value) + FUNCTION * abs(value) + TINY)


def log1p(x):
    x = bounded(x)
    value = math.log1p(x.value)
    return Bounded(value, x.error + FUNCTION * value + TINY)


def expm1(x):
    x = bounded(x)
    value = math.expm1(x.value)
    return Bounded(value, math.exp(x.value) * math.expm1(x.error) + FUNCTION * abs(value) + TINY)


def erf(x):
    x = bounded(x)
    value = math.erf(x.value)
    return Bounded(value, 2 / math.sqrt(math.pi) * x.error + FUNCTION * abs(value) + TINY)  # its steepest slope, at 0


def tanh(x):
    x = bounded(x)
    value = math.tanh(x.value)
    return Bounded(value, x.error + FUNCTION * abs(value) + TINY)


def sqrt(x):
    if not isinstance(x, Bounded):
        return math.sqrt(x)
    value = math.sqrt(x.value)
    return Bounded(value, x.error / (2 * value) + U * value if value else 0.0)


def power(x, y):
    """x^y is monotonic in each of the two, so that it is farthest off at one of the corners."""
    x, y = bounded(x), bounded(y)
    value = math.pow(x.value, y.value)
    bases, exponents = ([max(z.value - z.error, 0.0), z.value + z.error] for z in (x, y))
    error = max(abs(math.pow(base, exponent) - value) for base in bases for exponent in exponents)
    return Bounded(value, error + FUNCTION * value + TINY)


FUNCTIONS = SimpleNamespace(
    **{"exp": exp, "expm1": expm1, "log": log, "log1p": log1p, "tanh": tanh, "erf": erf, "sqrt": sqrt, "pow": power},
    **{"inf": math.inf, "pi": math.pi, "copysign": math.copysign, "nan": math.nan, "floor": math.floor},
)
MODULES = ("activations", "rectifiers", "curves", "losses", "crossentropies", "similarities", "ops", "optimizers")


def run(monkeypatch, name, arguments):
    """Call the oracle's function of that name on numbers with bounds; floats inside lists become exact ones."""
    with monkeypatch.context() as patch:
        for module in MODULES:
            patch.setattr(getattr(reference, module), "math", FUNCTIONS)
        exact = [each(Bounded, a) if isinstance(a, list) else a for a in arguments]
        result = getattr(reference, name)(*exact)
    return exact, result


def each(function, x):
    """The function of every float in nested lists; integers stay."""
    if isinstance(x, list):
        return [each(function, y) for y in x]
    return x if isinstance(x, int) else function(x)
