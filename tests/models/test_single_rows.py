"""model(x): the answers of predict, at once, whatever else happens to the model meanwhile."""

import threading

import numpy as np
import pytest

from fastmlp import Input, Sequential, layers
from fastmlp.kernels import Network
from tests.networks import dense


@pytest.fixture
def model():
    made = Sequential([Input((4,)), layers.Dense(40, activation="relu"), layers.Dense(4)], seed=1)
    made.compile("sgd", "mean_squared_error")
    made.build()
    return made


@pytest.fixture
def rows():
    return np.random.default_rng(0).standard_normal((50, 4), dtype=np.float32)


def test_answers_are_predictions(model, rows):
    expected = model.predict(rows, verbose=0)
    out = np.empty((50, 4), np.float32)
    assert model(rows).tobytes() == expected.tobytes()
    assert model(rows, out=out) is out
    assert out.tobytes() == expected.tobytes()
    assert model(rows.astype(float)).tobytes() == expected.tobytes()
    assert model(rows[::-1], out=out)[::-1].tobytes() == expected.tobytes()
    assert model(rows.tolist()).tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "out",
    [np.empty((50, 3), np.float32), np.empty((50, 4)), np.empty((4, 50), np.float32).T, [[0.0] * 4] * 50, b"bytes"],
    ids=["shape", "dtype", "order", "list", "bytes"],
)
def test_out_that_does_not_fit_is_refused(model, rows, out):
    with pytest.raises(ValueError, match=r"out: got .*needs a writable C-contiguous float32 array of shape \(50, 4\)"):
        model(rows, out=out)


def test_out_must_be_writable_and_its_own(model):
    memory = np.zeros((51, 4), np.float32)
    with pytest.raises(ValueError, match="out: got memory that x uses too"):
        model(memory[:50], out=memory[1:])
    with pytest.raises(ValueError, match="out: got memory that x uses too"):
        model(memory, out=memory)
    memory.flags.writeable = False
    with pytest.raises(ValueError, match="out: got"):
        model(np.ones((51, 4), np.float32), out=memory)
    assert not memory.any()


def test_what_is_not_finite_or_masked_is_refused(model, rows):
    for bad in np.nan, np.inf, -np.inf:
        rows[7, 2] = bad
        with pytest.raises(ValueError, match="in row 7, needs finite numbers"):
            model(rows)
    with pytest.raises(ValueError, match="masked"):
        model(np.ma.masked_invalid(rows))


def test_the_engine_checks_out_itself():
    network = Network(4, [dense(1000)])
    x = np.ones((2000, 4), np.float32)
    for out in np.zeros((1, 1), np.float32), np.zeros((2000, 1000)), None:
        if out is not None:
            with pytest.raises(ValueError, match="out: got"):
                network.predict(x, out=out)
    wide = Network(4, [dense(4)])
    with pytest.raises(ValueError, match="out: got memory that is read-only or of x"):
        wide.predict(x, out=x)


def test_others_may_use_the_model_meanwhile(model, rows):
    """Nobody is refused, and no answer mixes weights of before and after a change."""
    constant = [[np.full_like(weight, value) for weight in model.get_weights()] for value in (0.0, 1.0)]
    x = np.ones((400, 4), np.float32)
    answers = []
    for weights in constant:
        model.set_weights(weights)
        answers.append(model(x).tobytes())
    problems, done = [], threading.Event()

    def ask():
        out = np.empty((400, 4), np.float32)
        try:
            while not done.is_set():
                if model(x, out=out).tobytes() not in answers:
                    problems.append("a mixture")
        except Exception as error:
            problems.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for turn in range(300):
            model.set_weights(constant[turn % 2])
            model.predict(x, verbose=0)
            model.evaluate(rows, rows, verbose=0)
    finally:
        done.set()
        asking.join()
    assert not problems
