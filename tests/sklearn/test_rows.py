"""The rows and labels that scikit-learn's do not take: class weights, sparse ones, several outputs."""

import copy
import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

import scipy.sparse as sp
from sklearn import datasets
from sklearn.metrics import balanced_accuracy_score, f1_score

from fastmlp.sklearn import MLPClassifier, MLPRegressor, epochs, lbfgs, networks
from tests.sklearn.small_fits import SHORT, XR, YR, X, Y, same

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_class_weights_are_sample_weights():
    rare = np.where(Y == 3, 5.0, 1.0)
    weighted = MLPClassifier(class_weight={3: 5.0}, **SHORT).fit(X, Y)
    assert same(weighted, MLPClassifier(**SHORT).fit(X, Y, sample_weight=rare))
    balanced = MLPClassifier(class_weight="balanced", **SHORT).fit(X, Y, sample_weight=rare)
    counts = rare.sum() / (10 * np.bincount(Y, rare))
    expected = MLPClassifier(**SHORT).fit(X, Y, sample_weight=rare * counts[Y])
    assert np.allclose(balanced.coefs_[0], expected.coefs_[0], atol=1e-12)
    with pytest.raises(ValueError, match="class_weight: got 'balanced' for partial_fit"):
        MLPClassifier(class_weight="balanced").partial_fit(X, Y, classes=range(10))
    for weights, message in (
        ({99: 2.0}, "not in class_weight"),
        ([{3: 5.0}], "class_weight"),
        (dict.fromkeys(range(10), 0), "class_weight: got .* leaves no row a weight"),
    ):
        with pytest.raises(ValueError, match=message):
            MLPClassifier(class_weight=weights).fit(X, Y)
    first = MLPClassifier(class_weight={3: 5.0}, random_state=0).partial_fit(X, Y, classes=range(10))
    assert same(first, MLPClassifier(random_state=0).partial_fit(X, Y, rare, classes=range(10)))


def test_balanced_weights_find_rare_classes():
    x, y = datasets.make_classification(1500, 10, weights=[0.95], flip_y=0.02, random_state=1)
    settings = {"hidden_layer_sizes": (10,), "max_iter": 30, "random_state": 0}
    models = [MLPClassifier(class_weight=weight, **settings).fit(x, y) for weight in (None, "balanced")]
    scores = [balanced_accuracy_score(y, model.predict(x)) for model in models]
    assert scores[1] > scores[0] + 0.05


@pytest.mark.parametrize("layout", [sp.csr_matrix, sp.csc_matrix, sp.csr_array])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse_rows_give_the_bits_of_dense_ones_and_are_never_dense_as_a_whole(layout, solver, monkeypatch):
    settings = {"batch_size": 50, "solver": solver, **SHORT}
    full = MLPClassifier(**settings).fit(X, Y)
    for name in "toarray", "todense":
        monkeypatch.setattr(layout, name, lambda *_, **__: pytest.fail("rows were made dense"))
    thin = MLPClassifier(**settings).fit(layout(X), Y)
    assert same(full, thin) and thin.loss_ == full.loss_
    assert full.predict_proba(X).tobytes() == thin.predict_proba(layout(X)).tobytes()
    regressor = MLPRegressor(**settings).fit(layout(XR), YR, sample_weight=np.arange(300) + 1)
    assert regressor.loss_ == MLPRegressor(**settings).fit(XR, YR, sample_weight=np.arange(300) + 1).loss_


@pytest.mark.parametrize("units", [(), (5,), (40,), (130, 7)])
@pytest.mark.parametrize("activation", ["relu", "tanh", "identity"])
@pytest.mark.parametrize("normalized", [False, True])
def test_predictions_of_sparse_rows_have_the_bits_of_dense_ones(units, activation, normalized):
    settings = {"hidden_layer_sizes": units, "activation": activation, "batch_norm": normalized, **SHORT}
    for dtype in np.float32, np.float64:
        x, part = X.astype(dtype), X[:7].astype(dtype)
        model = MLPClassifier(**settings).fit(x, Y)
        for rows in part, X[:7], X[:7].astype(np.float32):  # also of other types than the weights
            expected = model.predict_proba(rows)
            for layout in sp.csr_matrix, sp.csc_matrix:
                found = model.predict_proba(layout(rows))
                assert (found.dtype, found.tobytes()) == (expected.dtype, expected.tobytes())
        regressor = MLPRegressor(**settings).fit(sp.csr_matrix(x), Y)
        assert regressor.predict(x).tobytes() == regressor.predict(sp.csr_array(x)).tobytes()
    model.coefs_[0] *= 2  # weights are those of the moment, in any layout
    model.coefs_[0] = np.asfortranarray(model.coefs_[0])
    assert model.predict_proba(X).tobytes() == model.predict_proba(sp.csr_matrix(X)).tobytes()


def test_many_sparse_rows_are_predicted_a_part_at_a_time(monkeypatch):
    model = MLPClassifier(**SHORT).fit(X, Y)
    expected = model.predict_proba(sp.csr_matrix(X))
    monkeypatch.setattr(networks, "ROWS_TOGETHER", 7)
    assert model.predict_proba(sp.csr_matrix(X)).tobytes() == expected.tobytes()


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_large_state_stays_where_it_is_with_the_same_bits(solver, monkeypatch):
    def steps(copied):
        model = MLPClassifier(solver=solver, random_state=0)
        for part in range(6):
            rows = slice(100 * part, 100 * part + 100)
            if part == 3:
                model.coefs_[0][5] += 0.25  # by hand
                model.alpha = 0.1  # so that another network goes on
            model.partial_fit(sp.csr_matrix(X[rows]), Y[rows], classes=range(10) if part == 0 else None)
            if copied and part % 2:
                model = pickle.loads(pickle.dumps(copy.deepcopy(model)))
        return model

    small = steps(False)
    monkeypatch.setattr(epochs, "LARGE", 1)
    for copied in False, True:
        large = steps(copied)
        assert same(small, large)
        for one, other in zip(small._optimizer.state, large._optimizer.state, strict=True):
            assert one.tobytes() == other.tobytes()
    before = pickle.dumps(large)
    with pytest.raises(ValueError, match="features"):
        large.partial_fit(X[:5, :3], Y[:5])
    assert pickle.dumps(large) == before


def test_several_outputs_of_several_classes():
    y = np.stack([Y % 3, Y // 4 + 5], axis=1)
    model = MLPClassifier(random_state=0, max_iter=60).fit(X, y)
    assert [list(classes) for classes in model.classes_] == [[0, 1, 2], [5, 6, 7]]
    assert model.predict(X).shape == y.shape and model.score(X, y) > 0.8
    for part, column in zip(model.predict_proba(X), y.T, strict=True):
        assert part.shape == (600, 3) and np.allclose(part.sum(axis=1), 1)
        assert (part.argmax(axis=1) == np.unique(column, return_inverse=True)[1]).mean() > 0.9
    words = np.array(["a", "b", "c"])[y % 3]
    assert set(MLPClassifier(**SHORT).fit(X, words).predict(X)[:, 1]) <= {"a", "b", "c"}
    part = MLPClassifier(random_state=0).partial_fit(X, y, classes=[[0, 1, 2], [5, 6, 7]]).partial_fit(X[:5], y[:5])
    assert part.predict(X).shape == y.shape
    with pytest.raises(ValueError, match="y: got 9 in column 1, needs one of its classes"):
        part.partial_fit(X[:1], np.array([[0, 9]]))


def test_partial_fit_learns_several_labels():
    x, y = datasets.make_multilabel_classification(400, n_classes=3, random_state=0)
    model = MLPClassifier(random_state=0, learning_rate_init=0.01)
    for _ in range(60):
        model.partial_fit(x, y, classes=[0, 1, 2])
    assert f1_score(y, model.predict(x), average="micro") > 0.85


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "log_loss", "binary_log_loss"])
def test_the_objective_of_lbfgs_has_the_gradient_of_its_loss(loss):
    x, rng = XR[:40], np.random.default_rng(0)
    y = {"squared_error": YR[:40] / 100, "poisson": abs(YR[:40]) // 50, "log_loss": np.arange(40) % 3}.get(
        loss, rng.integers(0, 2, (40, 3))
    )
    kind = (lambda **given: MLPRegressor(loss, **given)) if loss in ("squared_error", "poisson") else MLPClassifier
    model = kind(hidden_layer_sizes=(5,), activation="tanh", alpha=3, max_iter=1, random_state=0).fit(x, y)
    targets = model._encode(y, np.dtype("float64"))
    objective = lbfgs.Objective(model, x, targets, rng.uniform(0, 2, 40))
    packed = np.concatenate([array.ravel() for array in [*model.coefs_, *model.intercepts_]])
    _, gradient = objective(packed)
    for i in range(0, len(packed), 3):
        step = np.zeros(len(packed))
        step[i] = 1e-6
        slope = (objective(packed + step)[0] - objective(packed - step)[0]) / 2e-6
        assert gradient[i] == pytest.approx(slope, rel=1e-5, abs=1e-7)
    assert gradient.any()
