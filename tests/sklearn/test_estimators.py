"""The estimators against scikit-learn's own: the same random numbers, curves, weights, attributes and errors."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", "1.9", reason="compares with scikit-learn 1.9")

from sklearn import datasets, neural_network
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import fastmlp
from fastmlp.sklearn import MLPClassifier, MLPRegressor

EPOCHS = 20
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def counts(rows):
    """Features and counts that depend on them."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 6))
    return x, rng.poisson(np.exp(x[:, 0] / 2)).astype(float)


def regression(targets):
    x, y = datasets.make_regression(430, 9, n_targets=targets, random_state=0)
    return x, y / 100


DATA = {
    "digits": datasets.load_digits(return_X_y=True),  # not scaled: first losses are clipped
    "cancer": datasets.load_breast_cancer(return_X_y=True),
    "several": datasets.make_multilabel_classification(310, random_state=0),
    "one": regression(1),
    "three": regression(3),
    "counts": counts(430),
}
CASES = {
    "adam": ("digits", {}),
    "weighted": ("digits", {"weighted": True}),
    "early": ("digits", {"early_stopping": True, "weighted": True, "validation_fraction": 0.2}),
    "no_shuffle": ("digits", {"shuffle": False, "hidden_layer_sizes": (20, 30), "activation": "logistic"}),
    "binary": ("cancer", {}),
    "binary_early": ("cancer", {"early_stopping": True, "batch_size": 50, "weighted": True}),
    "adaptive": (
        "cancer",
        {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.5, "tol": 1, "n_iter_no_change": 2},
    ),
    "invscaling": ("digits", {"solver": "sgd", "learning_rate": "invscaling", "nesterovs_momentum": False}),
    "plain_sgd": ("digits", {"solver": "sgd", "momentum": 0.0, "activation": "tanh", "learning_rate_init": 1e-3}),
    "nesterov": ("several", {"solver": "sgd", "activation": "identity"}),
    "several": ("several", {"weighted": True}),
    "several_early": ("several", {"early_stopping": True}),
    "linear": ("several", {"hidden_layer_sizes": ()}),
    "one": ("one", {"alpha": 0.1}),
    "no_penalty": ("one", {"alpha": 0, "weighted": True}),
    "three": ("three", {}),
    "three_early": ("three", {"early_stopping": True, "weighted": True}),
    "counts": ("counts", {"loss": "poisson", "weighted": True}),
    "lbfgs": ("cancer", {"solver": "lbfgs", "scaled": True}),
    "lbfgs_classes": ("digits", {"solver": "lbfgs", "scaled": True, "weighted": True}),
    "lbfgs_one": ("one", {"solver": "lbfgs", "alpha": 1}),
    "lbfgs_counts": ("counts", {"solver": "lbfgs", "loss": "poisson", "weighted": True}),
}


def pair(name, **more):
    """The two estimators of a case, fitted to its data."""
    data, settings = CASES[name]
    x, y = DATA[data]
    settings = {"random_state": 3, "max_iter": EPOCHS, **settings, **more}
    rng = np.random.default_rng(1)
    weights = rng.uniform(0, 2, len(x)) * (rng.random(len(x)) > 0.1)
    given = {"sample_weight": weights} if settings.pop("weighted", False) else {}
    if settings.pop("scaled", False):
        x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-9)
    kind = "MLPRegressor" if data in ("one", "three", "counts") else "MLPClassifier"
    own, theirs = getattr(fastmlp.sklearn, kind)(**settings), getattr(neural_network, kind)(**settings)
    return own.fit(x, y, **given), theirs.fit(x, y, **given), x


@pytest.mark.parametrize("name", CASES)
def test_a_fit_follows_scikit_learns(name):
    own, theirs, x = pair(name)
    # the engine's Poisson loss keeps its logarithm from 0 by 1e-7
    tolerance = 1e-6 if "counts" in name else 1e-9
    if "lbfgs" not in name:
        assert np.allclose(own.loss_curve_, theirs.loss_curve_, rtol=tolerance, atol=0)
        assert len(own.loss_curve_) == len(theirs.loss_curve_) == own.n_iter_ == theirs.n_iter_ > 1
        assert own._no_improvement_count == theirs._no_improvement_count
        if theirs.validation_scores_ is not None:
            assert np.allclose(own.validation_scores_, theirs.validation_scores_, rtol=1e-9, atol=0)
            assert own.best_validation_score_ == pytest.approx(theirs.best_validation_score_, rel=1e-9)
            assert len(own.validation_loss_curve_) == own.n_iter_
    for name in ("coefs_", "intercepts_"):
        for found, expected in zip(getattr(own, name), getattr(theirs, name), strict=True):
            assert found.dtype == expected.dtype and found.shape == expected.shape
            assert np.allclose(found, expected, rtol=0, atol=100 * tolerance)
    for name in ("n_layers_", "n_outputs_", "out_activation_", "t_", "n_iter_", "n_features_in_"):
        assert getattr(own, name) == getattr(theirs, name)
    assert own.loss_ == pytest.approx(theirs.loss_, rel=tolerance)
    assert (own.predict(x) == theirs.predict(x)).all() or np.allclose(own.predict(x), theirs.predict(x), rtol=1e-4)
    if hasattr(theirs, "predict_proba"):
        assert np.allclose(own.predict_proba(x), theirs.predict_proba(x), atol=1e-8)
        assert np.array_equal(own.classes_, theirs.classes_)


def test_float32_stays_float32_and_near():
    x, y = DATA["digits"]
    x = (x / 16).astype(np.float32)
    own = MLPClassifier(random_state=0, max_iter=EPOCHS).fit(x, y)
    theirs = neural_network.MLPClassifier(random_state=0, max_iter=EPOCHS).fit(x, y)
    assert {array.dtype for array in own.coefs_ + own.intercepts_} == {np.dtype(np.float32)}
    assert own.predict_proba(x).dtype == np.float32
    assert np.allclose(own.loss_curve_, theirs.loss_curve_, rtol=1e-4)


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_arguments_and_defaults_are_scikit_learns(kind):
    own, theirs = (getattr(module, kind)().get_params() for module in (fastmlp.sklearn, neural_network))
    assert list(own)  # what is there besides comes in addition
    assert {name: own[name] for name in theirs} == theirs
    assert getattr(fastmlp, kind) is getattr(fastmlp.sklearn, kind)


@pytest.mark.parametrize("name", ["adam", "adaptive", "invscaling", "several"])
def test_partial_fits_follow_scikit_learns(name):
    data, settings = CASES[name]
    settings = {key: value for key, value in settings.items() if key != "weighted"}
    x, y = DATA[data]
    own, theirs = (module.MLPClassifier(random_state=0, **settings) for module in (fastmlp.sklearn, neural_network))
    classes = np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y)
    for start in range(0, 250, 50):
        rows = slice(start, start + 50)
        for estimator in own, theirs:
            estimator.partial_fit(x[rows], y[rows], classes=classes)
    assert np.allclose(own.loss_curve_, theirs.loss_curve_, rtol=1e-9)
    assert own.t_ == theirs.t_ == 250
    assert np.allclose(own.coefs_[0], theirs.coefs_[0], atol=1e-9)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_warm_starts_follow_scikit_learns(solver):
    x, y = DATA["one"]
    settings = {"solver": solver, "random_state": 0, "max_iter": 6, "warm_start": True}
    own, theirs = (module.MLPRegressor(**settings) for module in (fastmlp.sklearn, neural_network))
    for estimator in own, theirs:
        for _ in range(3):
            estimator.fit(x, y)
    assert np.allclose(own.coefs_[1], theirs.coefs_[1], atol=1e-9)
    if solver != "lbfgs":
        assert np.allclose(own.loss_curve_, theirs.loss_curve_, rtol=1e-9) and len(own.loss_curve_) == 18


def test_what_is_printed_and_warned_of_is_scikit_learns(capsys):
    x, y = DATA["cancer"]
    printed, warned = [], []
    for module in fastmlp.sklearn, neural_network:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            module.MLPClassifier(random_state=0, max_iter=5, verbose=True, batch_size=1000).fit(x, y)
            module.MLPClassifier(random_state=0, max_iter=9, verbose=True, tol=9, n_iter_no_change=3).fit(x, y)
            module.MLPClassifier(random_state=0, max_iter=4, verbose=True, early_stopping=True).fit(x, y)
        printed.append(capsys.readouterr().out)
        warned.append([(warning.category, str(warning.message)) for warning in caught])
    assert printed[0] == printed[1] and "did not improve" in printed[0]
    assert warned[0] == warned[1] and ConvergenceWarning in {category for category, _ in warned[0]}


X, Y = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.5, 0.2]], [0, 1, 1, 0]
WRONG = {
    "hidden": lambda m: m.MLPClassifier(hidden_layer_sizes=(5, -1)).fit(X, Y),
    "parts of units": lambda m: m.MLPClassifier(hidden_layer_sizes=(2.5,)).fit(X, Y),
    "columns": lambda m: m.MLPRegressor(max_iter=1).fit(X, Y).partial_fit(X, np.array([Y, Y]).T),
    "labels": lambda m: m.MLPClassifier(max_iter=1).fit(X, [0, 1, 2, 0]).partial_fit(X, np.eye(4, dtype=int)[:, :3]),
    "activation": lambda m: m.MLPClassifier(activation="nothing").fit(X, Y),
    "solver": lambda m: m.MLPRegressor(solver="newton").fit(X, Y),
    "tol": lambda m: m.MLPRegressor(tol=-1).fit(X, Y),
    "verbose": lambda m: m.MLPRegressor(verbose="loud").fit(X, Y),
    "rows": lambda m: m.MLPClassifier().fit(X, Y[:3]),
    "nan": lambda m: m.MLPClassifier().fit([[np.nan, 1.0]] * 4, Y),
    "complex": lambda m: m.MLPClassifier().fit(np.array(X) * 1j, Y),
    "continuous": lambda m: m.MLPClassifier().fit(X, [0.1, 0.2, 0.3, 0.7]),
    "unfitted": lambda m: m.MLPClassifier().predict(X),
    "features": lambda m: m.MLPRegressor(max_iter=1).fit(X, Y).predict([[1.0]]),
    "classes": lambda m: m.MLPClassifier().partial_fit(X, Y),
    "unseen": lambda m: m.MLPClassifier().partial_fit(X, Y, classes=[0, 2]),
    "lbfgs": lambda m: m.MLPClassifier(solver="lbfgs").partial_fit(X, Y, classes=[0, 1]),
    "early": lambda m: m.MLPRegressor(early_stopping=True).partial_fit(X, Y),
    "small": lambda m: m.MLPRegressor(early_stopping=True, validation_fraction=0.1).fit(X, Y),
    "zero": lambda m: m.MLPClassifier().fit(X, Y, sample_weight=[0, 0, 0, 0]),
    "weights": lambda m: m.MLPClassifier().fit(X, Y, sample_weight=[1, 2]),
    "warm": lambda m: m.MLPClassifier(warm_start=True, max_iter=1).fit(X, Y).fit(X, [0, 1, 2, 0]),
}


@pytest.mark.parametrize("name", WRONG)
def test_bad_input_raises_what_scikit_learn_raises(name):
    with pytest.raises(Exception) as theirs:
        WRONG[name](neural_network)
    with pytest.raises(Exception) as own:
        WRONG[name](fastmlp.sklearn)
    assert issubclass(own.type, theirs.type) and own.type.__name__ == theirs.type.__name__


def test_not_fitted_is_told():
    with pytest.raises(NotFittedError):
        MLPRegressor().predict(X)


def test_divergence_is_told():
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="non-finite parameter weights"):
        MLPRegressor().fit(np.array(X) * 1e308, Y)


def test_without_scikit_learn_the_error_says_what_to_install():
    program = (
        "import sys, importlib.metadata as m\n"
        "def version(name): raise m.PackageNotFoundError(name)\n"
        "m.version = version\n"
        "import fastmlp\n"
        "assert 'sklearn' not in sys.modules and 'scipy' not in sys.modules\n"
        "try: fastmlp.MLPClassifier\n"
        "except ImportError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == (
        "fastmlp.sklearn: got no scikit-learn, needs scikit-learn 1.6 or newer: pip install 'fastmlp[sklearn]'\n"
    ), run.stderr
