"""Labels in sparse matrices, as of multilabel data."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

import scipy.sparse as sp
from sklearn import datasets, neural_network
from sklearn.metrics import get_scorer

from fastmlp.sklearn import MLPClassifier, MLPRegressor, load, save
from tests.sklearn.small_fits import XR, YR, same

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning"),
]

X, LABELS = datasets.make_multilabel_classification(120, n_classes=4, random_state=0)
SMALL = {"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 5}
FORMATS = [
    getattr(sp, f"{name}_{kind}")
    for name in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")
    for kind in ("matrix", "array")
]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_that_of_dense_labels_and_predicts_sparse_ones(form, tmp_path):
    y = form(LABELS)
    dense, model = (MLPClassifier(**SMALL).fit(X, labels) for labels in (LABELS, y))
    theirs = neural_network.MLPClassifier(**SMALL).fit(X, y)
    predicted = model.predict(X)
    assert same(dense, model) and type(predicted) is type(theirs.predict(X))
    assert np.array_equal(predicted.toarray(), dense.predict(X))
    assert np.array_equal(model.predict_proba(X), dense.predict_proba(X))
    assert model.score(X, y) == model.score(X, LABELS) == dense.score(X, y) == theirs.score(X, y)
    for name in ("accuracy", "f1_micro", "f1_samples", "jaccard_macro"):
        assert get_scorer(name)(model, X, y) == pytest.approx(get_scorer(name)(theirs, X, y))
    save(model, tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    assert sp.issparse(again.predict(X)) and np.array_equal(again.predict(X).toarray(), predicted.toarray())


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "settings",
    [{"early_stopping": True}, {"early_stopping": True, "scoring": "f1_micro"}, {"solver": "lbfgs"}, {"batch_size": 7}],
)
def test_every_way_to_learn_takes_them(form, settings):
    y, whole = form(LABELS), {**SMALL, **settings, "max_iter": 3}
    if settings.get("solver") != "lbfgs":
        parts = [
            MLPClassifier(**{**whole, "early_stopping": False}).partial_fit(X, labels, classes=range(4))
            for labels in (LABELS, y)
        ]
        again = zip(parts, (LABELS[:9], form(LABELS[:9])), strict=True)
        assert same(*(part.partial_fit(X[:9], labels) for part, labels in again))
        one, other = (MLPClassifier(**whole).fit(X, labels, X_val=X, y_val=labels) for labels in (LABELS, y))
        assert same(one, other) and one.validation_scores_ == other.validation_scores_
    weights = [{0: 1, 1: 3}] * 4
    assert same(*(MLPClassifier(class_weight=weights, **whole).fit(X, labels) for labels in (LABELS, y)))


@pytest.mark.parametrize("form", FORMATS)
def test_one_column_and_numbers_may_be_sparse_too(form):
    column = (XR[:, :1] > 0).astype(int)
    with pytest.warns(UserWarning, match="column-vector"):
        model = MLPClassifier(**SMALL).fit(XR, form(column))
    assert same(model, MLPClassifier(**SMALL).fit(XR, column[:, 0])) and model.predict(XR).shape == (300,)
    assert same(*(MLPRegressor(**SMALL).fit(XR, y).partial_fit(XR, y) for y in (YR, form(YR))))


def test_what_is_no_label_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        MLPClassifier(**SMALL).fit(X, sp.csr_matrix(np.where(LABELS == 1, np.nan, LABELS)))
    with pytest.raises(ValueError, match="inconsistent"):
        MLPClassifier(**SMALL).fit(X, sp.csr_matrix(LABELS[:9]))
