"""MLPRegressor for quantiles: one and several."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

from sklearn.base import clone
from sklearn.metrics import mean_pinball_loss

from fastmlp.sklearn import MLPRegressor, load, save

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, (600, 2))
Y = X[:, 0] + RANDOM.exponential(0.5, 600)


def least(q):
    """The pinball loss of the true quantiles, for exponential noise of scale 1/2."""
    return 0.5 * (1 - q) * -np.log(1 - q)


SMALL = {"hidden_layer_sizes": (16,), "random_state": 1, "max_iter": 150, "learning_rate_init": 0.01}


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_one_quantile_is_what_is_below(q):
    model = MLPRegressor("quantile", quantile=q, **SMALL).fit(X, Y)
    predicted = model.predict(X)
    assert predicted.shape == (600,) and abs((predicted > Y).mean() - q) < 0.05
    assert mean_pinball_loss(Y, predicted, alpha=q) < 1.2 * least(q)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_the_loss_is_the_sum_of_the_pinball_losses(solver):
    levels = [0.2, 0.7]
    settings = {**SMALL, "solver": solver, "max_iter": 3, "alpha": 0.0, "learning_rate_init": 1e-9}
    model = MLPRegressor("quantile", quantile=levels, batch_size=600, n_iter_no_change=1, **settings)
    if solver == "lbfgs":
        model.set_params(tol=1e9)  # it stays where it begins
    model.fit(X, Y)
    predicted = model.predict(X)
    expected = sum(mean_pinball_loss(Y, predicted[:, j], alpha=q) for j, q in enumerate(levels))
    assert predicted.shape == (600, 2) and model.loss_ == pytest.approx(expected, rel=1e-6)


def test_several_quantiles_at_once(tmp_path):
    model = MLPRegressor("quantile", quantile=[0.1, 0.5, 0.9], early_stopping=True, **SMALL).fit(X, Y)
    below = (Y[:, None] < model.predict(X)).mean(axis=0)
    assert below == pytest.approx([0.1, 0.5, 0.9], abs=0.07) and -1 < model.score(X, Y) < 1
    found = [mean_pinball_loss(Y, model.predict(X)[:, j], alpha=q) for j, q in enumerate((0.1, 0.5, 0.9))]
    assert sum(found) < 1.2 * sum(map(least, (0.1, 0.5, 0.9))) and 0 < model.best_validation_score_ < 0.6
    model.set_params(early_stopping=False).partial_fit(X[:50], Y[:50])
    save(model, tmp_path / "model.safetensors")
    assert np.array_equal(load(tmp_path / "model.safetensors").predict(X), model.predict(X))
    assert clone(model).quantile == [0.1, 0.5, 0.9]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"quantile": 1.5}, "quantile"),
        ({"quantile": [0.5, 1.5]}, "quantiles: got 1.5"),
        ({"quantile": []}, "quantiles: got none"),
    ],
)
def test_quantiles_that_cannot_be(settings, message):
    with pytest.raises(ValueError, match=message):
        MLPRegressor("quantile", **settings).fit(X, Y)
    with pytest.raises(ValueError, match="y: got 2 columns for quantile="):
        MLPRegressor("quantile", quantile=[0.1, 0.9]).fit(X, np.stack([Y, Y], axis=1))
