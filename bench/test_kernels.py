"""Every kernel: the oracle, NumPy by hand and fastmlp, on the same arguments."""

from functools import partial

import numpy as np
import pytest

from bench.cases import CASES, Case, check
from fastmlp import kernels
from tests.cases import KERNELS, to_lists

CONTENDERS = ("oracle", "NumPy", "fastmlp")


@pytest.mark.parametrize("contender", CONTENDERS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_kernel(case, contender, stopwatch):
    label = {"job": case.name, "size": case.size, "contender": contender, "threads": case.threads}
    function = case.contender(contender)
    if contender == "oracle" and case.loops is None:
        stopwatch.part(lambda rows: partial(function, **to_lists(case.arguments(rows))), case.rows, **label)
    else:
        check(case, function)
        stopwatch.whole(partial(function, **case.arguments()), **label)


@pytest.mark.parametrize("kernel", KERNELS)
def test_no_number_for_a_wrong_result(kernel):
    case = next(case for case in CASES if case.kernel == kernel)
    right = case.contender("NumPy")

    def wrong(**given):
        returned = right(**given)
        if returned is None:
            changed = next(
                name for name, what in getattr(kernels, kernel).contract.items() if getattr(what, "updated", False)
            )
            given[changed][...] *= 1.001  # of ftrl many weights are 0
            return None
        return returned * np.float32(1.001)

    check(case, right)
    with pytest.raises(AssertionError):
        check(Case(kernel, case.sizes), wrong)
