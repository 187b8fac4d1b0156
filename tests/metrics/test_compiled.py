"""Metrics of models: their names, what the engine computes of them, and models in files."""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from fastmlp import load_model, metrics
from fastmlp.training.model import Model
from fastmlp.training.results import Results
from tests.metrics.models import LABELS, MANY, Largest, X, Y, confidence, make


@pytest.mark.parametrize(
    ("plain", "weighted", "names"),
    [
        (["acc", "MSE", metrics.AUC()], [], ["acc", "MSE", "auc"]),
        ([metrics.AUC(), metrics.AUC(curve="PR"), "auc"], [], ["auc", "auc_1", "auc_2"]),
        (["mae"], ["mae", "accuracy", "mae"], ["mae", "weighted_mae", "accuracy", "weighted_mae_1"]),
        ([confidence, Largest, Largest(2.0, "more")], [], ["confidence", "largest", "more"]),
        ([metrics.KLDivergence, metrics.TopKCategoricalAccuracy], [], ["kl_divergence", "top_k_categorical_accuracy"]),
    ],
)
def test_names(plain, weighted, names):
    model = make(plain, weighted=weighted)
    assert model.metrics_names == ["loss", *names]
    assert list(model.fit(X, Y, verbose=0).history) == sorted(["loss", *names])
    values = model.evaluate(X, Y, verbose=0)
    assert dict(zip(model.metrics_names, values, strict=True)) == model.evaluate(X, Y, verbose=0, return_dict=True)


@pytest.mark.parametrize(
    ("plain", "error", "message"),
    [
        (["accuracy", metrics.AUC(name="loss")], ValueError, "metrics: got one called 'loss', needs another name"),
        (["auc", metrics.AUC(name="auc_1"), "auc"], ValueError, "metrics: got the names .* needs different ones"),
        ([MANY[-1]] * 2, ValueError, "metrics: got the same object twice"),
        (["sparse_top_k_categorical_accuracy"], ValueError, "metrics: got 'sparse_top_k_.*needs one for the y of"),
        ({"accuracy"}, TypeError, "metrics: got {'accuracy'}, needs a list"),
    ],
)
def test_what_cannot_be_compiled(plain, error, message):
    model = make()
    with pytest.raises(error, match=message):
        model.compile("adam", "categorical_crossentropy", plain)
    assert model.metrics == []
    with pytest.raises(ValueError, match="got an object of metrics, needs another one"):
        model.compile("adam", "categorical_crossentropy", MANY[-1:], weighted_metrics=MANY[-1:])


def test_a_second_accuracy_is_the_engines_too():
    for loss, y, name in (
        ("categorical_crossentropy", Y, "categorical_accuracy"),
        ("sparse_categorical_crossentropy", LABELS, "sparse_categorical_accuracy"),
        ("mse", Y, "binary_accuracy"),
    ):
        model = make([name, metrics.get(name), "accuracy"], loss)
        history = model.fit(X, y, 8, epochs=2, verbose=0).history
        assert Results(model).engine_metrics[0] == name and history[name] == pytest.approx(
            history[f"{name}_1"], rel=1e-14
        )
    model = make([metrics.BinaryAccuracy(threshold=0.3), "accuracy"], "mse")
    assert Results(model).engine_metrics[0] == "categorical_accuracy"
    p = model.predict(X, verbose=0)
    assert model.evaluate(X, Y, verbose=0)[1] == pytest.approx(((p > 0.3) == (Y > 0.5)).mean(), rel=1e-14)


class Recorded:
    """A network that notes how it is called."""

    def __init__(self, network, calls):
        self.network, self.calls = network, calls

    def train_epoch(self, *arguments, **named):
        self.calls.append((arguments, named))
        return self.network.train_epoch(*arguments, **named)

    def train_epochs(self, *arguments, **named):
        self.calls.append((arguments, named))
        self.network.train_epochs(*arguments, **named)


def calls_of(model, monkeypatch, **settings):
    calls, original = [], Model.network_for_training
    monkeypatch.setattr(Model, "network_for_training", lambda self, *asked: Recorded(original(self, *asked), calls))
    model.fit(X, Y, 8, epochs=3, verbose=0, **settings)
    return calls


def test_one_accuracy_without_weights_asks_the_engine_for_nothing_more(monkeypatch):
    calls = calls_of(make(["accuracy"]), monkeypatch)
    assert [len(orders) for (_, _, orders, *_), _ in calls] == [1, 2]  # epochs
    for (_, _, orders, size, _, metric, *others), _ in calls:
        assert (orders.shape[1], size, metric) == (50, 8, "categorical_accuracy")
        assert set(others) == {None}


def test_predictions_have_one_memory_in_a_fit(monkeypatch):
    calls = calls_of(make(["accuracy", "auc"]), monkeypatch)
    memories = [named["predictions"] for _, named in calls]
    assert len(memories) == 3 and memories[0].shape == (50, 3) and len({memory.ctypes.data for memory in memories}) == 1


def test_the_examples_of_the_documentation_run():
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    names = {}
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(code, names)
    assert {"val_area", "val_confidence", "mae"} < set(names["history"])
    p = names["model"](names["x"][:6]).astype(float)
    value, gradient = names["huber"](names["y"][:6], p)
    step = 1e-6 * np.eye(3)[1] * np.eye(6)[:, 2:3]
    change = names["huber"](names["y"][:6], p + step)[0].mean() - names["huber"](names["y"][:6], p - step)[0].mean()
    assert value.shape == (6,) and gradient[2, 1] == pytest.approx(change / 2e-6, rel=1e-6)


def test_models_with_metrics_come_back_from_files(tmp_path):
    model = make(MANY, weighted=["mse", metrics.AUC(20, "PR", name="area")])
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m.safetensors")
    twin = load_model(tmp_path / "m.safetensors")
    assert twin.metrics_names == model.metrics_names and twin.weighted_metrics[1].curve == "PR"
    assert twin.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    assert pickle.loads(pickle.dumps(model)).metrics_names == model.metrics_names


def test_an_accuracy_of_the_users_own_is_not_the_engines():
    class Always(metrics.CategoricalAccuracy):
        def values(self, y_true, y_pred):
            return np.ones(len(y_pred))

    model = make([Always(name="always")])
    assert Results(model).engine_metrics[0] is None and model.evaluate(X, Y, verbose=0)[1] == 1.0
