"""Extremes: `python -m tests.hostile.extremes --count N --seed S`.

Every kernel gets arrays of extreme sizes (0, 1, primes, many columns) and numbers (denormal, the largest of its type,
zero, all alike, infinite, NaN), scalars at the ends of what their contracts allow, and the largest labels. In float64
it has the oracle's bits, in float32 those of any number of threads and of any other instruction set with FMA. NaN
equals NaN. What has no elements is refused by name. Models train on such rows: what is not finite is refused, all else
gives the oracle's loss in float64 where Python's floats have one.
"""

from __future__ import annotations

import math
import random
import sys

import numpy as np

import fastmlp
import reference
from fastmlp import kernels
from fastmlp.kernels.contract import Array
from tests import cases
from tests.hostile import attack
from tests.hostile.networks import NO_ANSWER, numbers

SIZES = (1, 1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 32, 33, 61)
MANY = (127, 257, 1021)  # columns, where the others are few
MOST = 3000  # multiply-adds that the oracle is asked for
POOLS = {
    "float32": [
        (0.0, -0.0),
        (1e-45, -1e-45, 1.1e-38),
        (3e38, -3e38, 1.0),
        (1e-45, 3e38, 0.0, 1.0, -1.0),
        (np.inf, 1.0),
        (np.nan, 1.0, 0.0),
        (0.5,),
        (1.0,),
        (1e-7, 1 - 1e-7, 0.5),
        (88.8, -88.8, 104.0, -104.0),
    ],
    "float64": [
        (0.0, -0.0),
        (5e-324, -5e-324, 2.2e-308),
        (1.7e308, -1.7e308, 1.0),
        (5e-324, 1.7e308, 0.0, 1.0, -1.0),
        (np.inf, 1.0),
        (np.nan, 1.0, 0.0),
        (0.5,),
        (1.0,),
        (1e-7, 1 - 1e-7, 0.5),
        (709.0, -709.0, 745.2, -745.2),
    ],
}


def sizes_for(name, chance):
    """A size for each dimension of a kernel, so that the oracle is not asked for long."""
    names = cases.dimensions(name)
    found = {one: chance.choice(SIZES) for one in names}
    if names and chance.random() < 0.3:
        found = dict.fromkeys(names, chance.choice((1, 2, 3))) | {names[-1]: chance.choice(MANY)}
    while math.prod(found.values()) > MOST:
        largest = max(found, key=found.get)
        found[largest] = max(1, found[largest] // 2)
    return found


def arguments_of(name, seed, dtype):
    """Extreme arguments that the kernel's contract allows."""
    chance, rng = random.Random(seed), np.random.default_rng(seed)
    found = sizes_for(name, chance)
    given = cases.arguments(name, found, dtype, rng)
    for argument, what in cases.inputs(name).items():
        if isinstance(what, Array):
            if what.dtype is None and chance.random() < 0.7:
                pool = np.array(chance.choice(POOLS[dtype]), dtype)
                given[argument] = rng.choice(pool, given[argument].shape).astype(dtype)
            elif what.below and chance.random() < 0.5:
                given[argument][...] = chance.choice((0, given["classes"] - 1)) if "classes" in given else 0
        elif argument not in found and argument not in ("rows", "columns", "classes") and chance.random() < 0.3:
            ends = [end for end in (what.low, what.high) if math.isfinite(end)]
            given[argument] = what.kind(chance.choice(ends)) if ends else given[argument]
    return given


def outcome(name, given, threads):
    """What a kernel returns and has changed, as numbers."""
    copies = {key: value.copy() if isinstance(value, np.ndarray) else value for key, value in given.items()}
    returned = getattr(kernels, name)(**copies, threads=threads)
    return numbers(results(name, copies, returned)).tobytes()


def oracle(name, given):
    """The same of the oracle, None where Python's floats have no answer."""
    lists = cases.to_lists(given)
    try:
        returned = getattr(reference, name)(*lists.values())
    except NO_ANSWER:
        return None
    return numbers([np.array(one, float) for one in results(name, lists, returned)]).tobytes()


def results(name, given, returned):
    """What a kernel has changed, or else what it returned."""
    changed = [given[argument] for argument, what in cases.inputs(name).items() if getattr(what, "updated", False)]
    return changed or [returned]


def check(name, seed):
    """Return what became of a kernel's call, and what was wrong with it, or None."""
    given = arguments_of(name, seed, "float64")
    try:
        found = outcome(name, given, 1 + seed % 3)
    except (ValueError, TypeError) as error:  # of conditions that several arguments make
        return "refused", None if f"{name}: " in str(error) and ": got" in str(error) else repr(error)
    expected = oracle(name, given)
    if expected is not None and found != expected:
        return "float64", f"other bits than the oracle for {shown(given)}"
    given = arguments_of(name, seed, "float32")
    seen, before = set(), kernels.isa.name()
    try:
        for isa in [one for one in kernels.isa.supported() if one != "base"]:
            kernels.isa.select(isa)
            seen |= {outcome(name, given, threads) for threads in (1, 2, 3)}
    finally:
        kernels.isa.select(before)
    wrong = f"{len(seen)} results in float32 for {shown(given)}" if len(seen) > 1 else None
    return "with the oracle's bits" if expected is not None else "where Python's floats have none", wrong


def shown(given):
    return {
        name: (value.shape, value.ravel()[:4].tolist()) if isinstance(value, np.ndarray) else value
        for name, value in given.items()
    }


def check_empty(name, seed):
    """Return what is wrong with a kernel's answer to arrays one of whose sizes is 0."""
    chance = random.Random(seed)
    names = cases.dimensions(name)
    if not names:
        return None
    empty = chance.choice(names)
    given = cases.arguments(name, dict.fromkeys(names, 2), "float64", np.random.default_rng(seed))
    contract = cases.inputs(name)
    for argument, what in contract.items():
        if isinstance(what, Array) and empty in what.dimensions.split():
            shape = [0 if one == empty else int(one) if one.isdigit() else 2 for one in what.dimensions.split()]
            given[argument] = np.empty(shape, given[argument].dtype)
    try:
        getattr(kernels, name)(**given)
    except ValueError as error:
        return None if f"{name}: " in str(error) and "needs" in str(error) else repr(error)
    return f"takes {empty}=0"


def check_model(seed):
    """Return what became of a model's rows, and what was wrong."""
    chance, rng = random.Random(seed), np.random.default_rng(seed)
    rows, columns = chance.choice((1, 2, 3, 7, 31)), chance.choice((1, 2, 5, 61, 1021))
    layers = [fastmlp.Input((columns,)), fastmlp.layers.Dense(3)]
    x = rng.choice(np.array(chance.choice(POOLS["float64"])), (rows, columns))
    y = rng.choice(np.array(chance.choice(POOLS["float64"])), (rows, 3))
    model = fastmlp.Sequential(layers, seed=seed, dtype="float64")
    model.compile("sgd", "mse")
    try:
        loss = model.evaluate(x, y, verbose=0)
    except ValueError as error:
        refused = not (np.isfinite(x).all() and np.isfinite(y).all())
        return "a model refuses what is not finite", None if refused and ": got" in str(error) else repr(error)
    kernel, bias = (array.tolist() for array in model.get_weights())
    try:
        outputs = reference.dense_forward(x.tolist(), kernel, bias)
        expected = sum(reference.mean_squared_error(y.tolist(), outputs), 0.0) / rows
    except NO_ANSWER:
        return "a model where Python's floats have no answer", None
    if numbers([loss]).tobytes() != numbers([expected]).tobytes():
        return "a model", f"loss {loss} and not {expected} of x {x.shape} {x.ravel()[:3]}, y {y.ravel()[:3]}"
    return "a model with the oracle's loss", None


def tried(seed):
    """Count what became of the call of a seed: of every kernel and of a model, by turns."""
    name = NAMES[seed % len(NAMES)]
    with np.errstate(all="ignore"):
        if name is None:
            kind, wrong = check_model(seed)
            kinds = [kind]
        else:
            kind, wrong = check(name, seed)
            wrong = wrong or check_empty(name, seed)
            kinds = [kind, "without elements"]
    assert not wrong, f"{name or 'a model'}: {wrong}"
    return dict.fromkeys(kinds, 1)


NAMES = [*cases.KERNELS, None]


def main(arguments=None):
    return attack.main("tests.hostile.extremes", __doc__, tried, 5000, "calls", arguments)


if __name__ == "__main__":
    sys.exit(main())
