"""Targets: standardised, and back within the range that was seen."""

import numpy as np
import pytest

from fastmlp.tables.targets import Numbers

Y = np.exp(np.random.default_rng(2).normal(size=200))


@pytest.mark.parametrize("log", [False, True])
def test_targets_come_back(log):
    target = Numbers.fitted(Y, log)
    encoded = target.encode(Y)
    assert encoded.dtype == np.float32 and abs(encoded.mean()) < 1e-5 and abs(encoded.std() - 1) < 1e-5
    assert np.allclose(target.decode(encoded), Y, rtol=1e-5)
    assert target.decode(np.array([-1e9, 1e9], np.float32)).tolist() == [Y.min(), Y.max()]
    assert vars(Numbers.from_data(target.to_data())) == vars(target)


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"log: got targets from -"):
        Numbers.fitted(Y - 9, log=True)
    for change in ({"log": 1}, {"mean": float("nan")}, {"scale": "a"}):
        with pytest.raises(ValueError, match="data: got"):
            Numbers.from_data({**Numbers.fitted(Y).to_data(), **change})
