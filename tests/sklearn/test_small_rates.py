"""Poisson losses of rates that are all but 0, and runs that diverge."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

from sklearn import neural_network

import fastmlp as keras
from fastmlp.sklearn import MLPClassifier, MLPRegressor
from tests.sklearn.small_fits import XR, YR, X, Y

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

STEP = {"solver": "sgd", "momentum": 0, "learning_rate_init": 1.0, "alpha": 0, "max_iter": 1, "shuffle": False}


def of_bias(kind, bias, dtype):
    """An estimator of one number whose weights are set."""
    model = kind(loss="poisson", hidden_layer_sizes=(), **STEP)
    model.coefs_, model.intercepts_ = [np.zeros((1, 1), dtype)], [np.array([bias], dtype)]
    model.n_layers_, model.n_outputs_, model.out_activation_ = 2, 1, "exp"
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bias", [-1.0, -16.0, -20.0, -30.0, -90.0, 2.0])
def test_a_step_is_right_however_small_the_rate_is(bias, dtype):
    model = of_bias(MLPRegressor, bias, dtype)
    model.partial_fit(np.zeros((1, 1), dtype), np.ones(1))
    precision = 4 * np.finfo(dtype).eps * max(1, abs(bias))
    assert model.intercepts_[0][0] - bias == pytest.approx(1 - np.exp(bias), abs=float(precision))
    assert model.loss_ == pytest.approx(np.exp(bias) - bias - 1, rel=1e-6 if dtype == "float32" else 1e-14)
    # the same by Keras' names
    net = keras.Sequential([keras.layers.Dense(1, "exponential", dtype=None)])
    net.compile(keras.optimizers.SGD(1.0), "poisson")
    net.build((None, 1))
    net.set_weights([np.zeros((1, 1)), np.array([bias])])
    assert net.evaluate(np.zeros((1, 1)), np.ones(1), verbose=0) == pytest.approx(np.exp(bias) - bias, rel=1e-6)
    net.fit(np.zeros((1, 1)), np.ones(1), verbose=0)
    assert net.get_weights()[1][0] - bias == pytest.approx(1 - np.exp(bias), abs=1e-6 * max(1, abs(bias)))


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_curves_are_those_of_scikit_learn_to_rounding(solver):
    y = abs(YR) // 50
    settings = {"hidden_layer_sizes": (5,), "activation": "tanh", "random_state": 0, "max_iter": 8, "solver": solver}
    ours, theirs = (kind(loss="poisson", **settings).fit(XR, y) for kind in (MLPRegressor, neural_network.MLPRegressor))
    if solver == "lbfgs":
        assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-6)
    else:
        assert ours.loss_curve_ == pytest.approx(theirs.loss_curve_, rel=1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "model, data",
    [
        (MLPRegressor(solver="sgd", learning_rate_init=1e6, max_iter=50), (XR * 1e3, YR)),
        (MLPRegressor("poisson", solver="sgd", learning_rate_init=10, max_iter=50), (XR * 1e3, abs(YR))),
        (MLPRegressor("poisson", solver="adam", learning_rate_init=1e3, max_iter=50), (XR, abs(YR))),
        (MLPRegressor("poisson", solver="sgd", learning_rate_init=10, early_stopping=True, max_iter=9), (XR, abs(YR))),
        (MLPClassifier(activation="identity", solver="sgd", learning_rate_init=1e250, max_iter=9), (X, Y)),
        (MLPRegressor(activation="identity", dtype="float32", learning_rate_init=1e38, max_iter=9), (XR, YR)),
    ],
)
def test_a_run_that_diverged_ends_with_an_error(model, data):
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        model.set_params(random_state=0).fit(*data)
