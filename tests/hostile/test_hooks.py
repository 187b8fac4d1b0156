"""A short form of hostile code in hooks, and of extremes: the long ones are commands."""

import numpy as np
import pytest

from tests.hostile import extremes, hooks

SOME = (
    "on_train_begin",
    "on_train_batch_end",
    "on_epoch_end",
    "generator",
    "metric",
    "loss",
    "schedule",
    "vjp",
    "initializer",
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("place", SOME)
def test_hooks_may_do_anything(place):
    """Raise, change the model and the data, train again: each deed once."""
    with np.errstate(all="ignore"):
        for seed, deed in enumerate(hooks.DEEDS):
            assert hooks.attempt(place, deed, seed) is None, deed


@pytest.mark.parametrize("use", ["predict", "get_weights"])
def test_an_initializer_may_wait_for_another_thread(use):
    """It once waited for ever, as the model was locked while it was built."""
    assert hooks.attempt("initializer", use, 0) is None


def test_what_hooks_meet_is_judged(monkeypatch):
    monkeypatch.setitem(hooks.DEEDS, "stop", lambda model, rng: np.linalg.inv(np.zeros((2, 2))))
    assert "LinAlgError" in hooks.attempt("on_epoch_end", "stop", 4)


def test_the_command_of_hooks_counts(capsys):
    assert hooks.main(["--count", "2", "--seed", "7"]) == 0
    printed = capsys.readouterr().out
    assert "seeds 7 to 8: 2 calls" in printed and "0 findings" in printed


def test_extremes_have_the_oracles_numbers(capsys):
    assert extremes.main(["--count", "160", "--seed", "11"]) == 0
    assert "0 findings" in capsys.readouterr().out


def test_an_infinite_number_below_zero_to_a_fraction_is_infinite():
    """In C; the oracle once said NaN."""
    with np.errstate(all="ignore"):
        assert extremes.check("binary_focal_crossentropy_gradient", 3742)[1] is None


def test_another_result_is_found(monkeypatch):
    monkeypatch.setattr(extremes, "oracle", lambda name, given: b"another")
    with pytest.raises(AssertionError, match="other bits than the oracle"):
        extremes.tried(0)


def test_what_a_hook_does_wrong_is_found(monkeypatch):
    monkeypatch.setitem(hooks.DEEDS, hooks.CASES[0][1], lambda model, rng: np.linalg.inv(np.zeros((2, 2))))
    with pytest.raises(AssertionError, match="LinAlgError"):
        for seed in range(0, 10 * len(hooks.CASES), len(hooks.CASES)):
            hooks.tried(seed)
