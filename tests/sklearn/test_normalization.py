"""Batch normalization inside of the estimators' hidden layers."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

from scipy.special import log_softmax
from sklearn import datasets, neural_network

from fastmlp.kernels import Network
from fastmlp.sklearn import MLPClassifier, MLPRegressor, load, networks

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = datasets.load_digits(return_X_y=True)
X, Y = X[:600] / 16, Y[:600]
XR, YR = datasets.make_regression(300, 7, n_targets=2, random_state=0)
SHORT = {"random_state": 0, "max_iter": 6}


def forward(model, x, activation=lambda z: np.maximum(z, 0)):
    """What a reader of coefs_ and intercepts_ computes, up to the last activation."""
    for kernel, bias in zip(model.coefs_[:-1], model.intercepts_[:-1], strict=True):
        x = activation(x @ kernel + bias)
    return x @ model.coefs_[-1] + model.intercepts_[-1]


def test_hidden_layers_may_be_normalized_by_batches():
    """Predictions against the formula."""
    model = MLPClassifier((20, 10), batch_norm=True, dropout=[0.2, 0.0], **SHORT).fit(X, Y)
    assert [kernel.shape for kernel in model.coefs_] == [(64, 20), (20, 10), (10, 10)]
    assert [{name: array.shape for name, array in each.items()} for each in model.batch_norm_] == [
        {"kernel": shape, **dict.fromkeys(("bias", "gamma", "beta", "mean", "variance"), shape[1:])}
        for shape in ((64, 20), (20, 10))
    ]
    values = X
    for each in model.batch_norm_:
        scale = each["gamma"] / np.sqrt(each["variance"] + 1e-3)
        values = np.maximum((values @ each["kernel"] + each["bias"] - each["mean"]) * scale + each["beta"], 0)
    logits = values @ model.coefs_[-1] + model.intercepts_[-1]
    assert np.allclose(np.log(model.predict_proba(X)), log_softmax(logits, axis=1))
    assert np.allclose(forward(model, X), logits, rtol=1e-12)
    assert MLPClassifier(**SHORT).fit(X, Y).batch_norm_ == []


def test_normalization_trains_as_in_a_network_of_the_engine():
    whole = {"solver": "sgd", "momentum": 0, "shuffle": False, "alpha": 0, "batch_size": 100, "learning_rate_init": 0.1}
    model = MLPClassifier((20,), "tanh", batch_norm=True, random_state=0, **whole)
    model.partial_fit(X, Y, classes=range(10))
    first = MLPClassifier((20,), "tanh", random_state=0, **{**whole, "learning_rate_init": 1e-300})
    first.partial_fit(X, Y, classes=range(10))
    layers = [
        {"kind": "dense", "units": 20, "use_bias": True},
        {"kind": "batch_normalization", "epsilon": 1e-3, "momentum": 0.99, "use_gamma": True, "use_beta": True},
        {"kind": "activation", "activation": "tanh"},
        {"kind": "dense", "units": 10, "use_bias": True},
    ]
    loss, rule = "sparse_categorical_crossentropy_from_logits", {"name": "sgd", "learning_rate": 0.1}
    network = Network(64, layers, loss, rule, dtype="float64")
    start = [np.ones(20), np.zeros(20), np.zeros(20), np.ones(20)]
    parts = zip(first.coefs_, first.intercepts_, strict=True)
    network.set_weights([*next(parts), *start, *next(parts)])
    network.train_epoch(X, Y.astype(np.intc), np.arange(len(Y)), 100)
    normalization = [model.batch_norm_[0][name] for name in ("gamma", "beta", "mean", "variance")]
    layer = model.batch_norm_[0]
    found = [layer["kernel"], layer["bias"], *normalization, model.coefs_[1], model.intercepts_[1]]
    assert all(np.array_equal(a, b) for a, b in zip(found, network.get_weights(), strict=True))


def test_normalization_goes_on_in_warm_starts_and_is_restored_with_the_best():
    whole = MLPRegressor(batch_norm=True, random_state=0, max_iter=6, shuffle=False).fit(XR, YR)
    halves = MLPRegressor(
        batch_norm=True, random_state=0, max_iter=3, shuffle=False, warm_start=True, keep_optimizer=True
    )
    halves.fit(XR, YR).fit(XR, YR)
    assert alike(halves, whole)
    settings = {"batch_norm": True, "random_state": 0, "solver": "sgd", "learning_rate_init": 1.0, "max_iter": 30}
    best = MLPClassifier(restore_best=True, early_stopping=True, **settings).fit(X, Y)
    count = int(np.argmax(best.validation_scores_)) + 1
    assert count < len(best.validation_scores_)
    early = MLPClassifier(**{**settings, "max_iter": count}, early_stopping=True, restore_best=False).fit(X, Y)
    assert alike(best, early)


def alike(one, other):
    """Whether two estimators have the bits of each other's kernels and normalizations."""
    pairs = zip(one.batch_norm_, other.batch_norm_, strict=True)
    kernels = zip(one.coefs_, other.coefs_, strict=True)
    return all(np.array_equal(a[name], b[name]) for a, b in pairs for name in a) and all(
        np.array_equal(a, b) for a, b in kernels
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_whoever_reads_the_weights_has_the_whole_network(dtype):
    """By plain loops over coefs_ and intercepts_, after each way to train."""
    settings = {"hidden_layer_sizes": (9, 5), "activation": "tanh", "batch_norm": True, "dtype": dtype}
    model = MLPRegressor(**settings, **SHORT).fit(XR, YR)
    precise = 1e-12 if dtype == "float64" else 1e-5
    for learn in (
        lambda: model.partial_fit(XR, YR).partial_fit(XR[:7], YR[:7]),
        lambda: model.set_params(warm_start=True).fit(XR, YR),
        lambda: model.set_params(warm_start=False, early_stopping=True).fit(XR, YR),
        lambda: model.fit(XR, YR, X_val=XR, y_val=YR),
    ):
        learn()
        expected = forward(model, XR, np.tanh)
        assert model.batch_norm_[0]["mean"].any()
        assert abs(model.predict(XR) - expected).max() <= precise * abs(expected).max()
    classifier = MLPClassifier((9, 5), "tanh", batch_norm=True, dtype=dtype, **SHORT).fit(X, Y)
    logits = forward(classifier, X, np.tanh)
    assert np.array_equal(classifier.predict(X), logits.argmax(axis=1))
    theirs = neural_network.MLPRegressor(activation="tanh")
    for name in ("coefs_", "intercepts_", "n_layers_", "n_outputs_", "out_activation_"):
        setattr(theirs, name, getattr(model, name))
    assert abs(model.predict(XR) - theirs.predict(XR)).max() <= precise * abs(expected).max()


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
def test_folded_weights_that_are_changed_are_what_training_goes_on_from(name, number):
    model = MLPRegressor(hidden_layer_sizes=(9, 5), batch_norm=True, **SHORT).fit(XR, YR)
    before, layers = model.predict(XR), model.batch_norm_
    getattr(model, name)[number][...] += 0.25
    changed = model.predict(XR)
    assert abs(changed - before).max() > 1e-3
    network = networks.build(model, np.float64, "mean_squared_error")
    assert np.allclose(network.predict(XR), changed, rtol=1e-12)
    del model._optimizer
    model.set_params(solver="sgd", momentum=0, learning_rate_init=1e-300).partial_fit(XR, YR)  # which moves no weight
    for i, (old, new) in enumerate(zip(layers, model.batch_norm_, strict=True)):
        assert np.array_equal(old["kernel"], new["kernel"]) == (i != number)


def test_normalization_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="batch_norm: got True for solver='lbfgs', which has no batches, needs"):
        MLPClassifier(batch_norm=True, solver="lbfgs").fit(X, Y)
    model = MLPClassifier(warm_start=True, **SHORT).fit(X, Y)
    with pytest.raises(ValueError, match="batch_norm: got True for weights of another fit"):
        model.set_params(batch_norm=True).fit(X, Y)
    with pytest.raises(ValueError, match="batch_norm: got True for weights of another fit"):
        model.partial_fit(X, Y)
    assert MLPClassifier((), batch_norm=True, **SHORT).fit(X, Y).batch_norm_ == []


PREDICTED_BEFORE = [1.2634678956930825, 1.327593591822572, 1.3831450540206727, 1.4307371491689485]


def test_a_file_from_before_kernels_were_folded_loads():
    x = np.linspace(-1, 1, 90).reshape(30, 3) ** 3
    estimator = load(Path(__file__).parent / "data" / "batch_norm_1.safetensors")
    assert estimator.predict(x[:4]) == pytest.approx(PREDICTED_BEFORE, rel=1e-9)
    assert {name: array.shape for name, array in estimator.batch_norm_[0].items()}["kernel"] == (3, 4)
    estimator.set_params(warm_start=True).fit(x, x.sum(1))
