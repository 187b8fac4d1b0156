"""Metrics of the user's own: functions and classes, in fit and in files."""

import copy
import pickle

import numpy as np
import pytest

from fastmlp import load_model
from fastmlp.callbacks import BackupAndRestore, Callback
from tests.metrics.models import LABELS, RANDOM, Largest, X, Y, confidence, make


def worst(y_true, y_pred):
    return np.abs(y_true - y_pred).max()


def test_functions_of_the_user():
    model = make([confidence, worst], weighted=[confidence])
    weights = RANDOM.uniform(0, 2, 50)
    p = model.predict(X, verbose=0)
    values = model.evaluate(X, Y, verbose=0, sample_weight=weights)
    expected = [p.max(axis=1).mean(), np.abs(Y - p).max(), np.average(p.max(axis=1), weights=weights)]
    assert values[1:] == pytest.approx(expected, rel=1e-13)
    assert model.metrics_names == ["loss", "confidence", "worst", "weighted_confidence"]
    assert list(model.fit(X, Y, verbose=0).history) == sorted(model.metrics_names)


def test_a_function_gets_what_the_model_compares():
    seen = []

    def look(y_true, y_pred):
        seen.append((y_true.dtype, y_true.shape, y_pred.dtype, y_pred.shape))
        return 0.0

    make([look], "sparse_categorical_crossentropy", dtype="float32").fit(X, LABELS, 8, epochs=2, verbose=0)
    assert seen == [(np.int32, (50,), np.float32, (50, 3))] * 2  # once an epoch


@pytest.mark.parametrize(
    ("own", "weighted", "error", "message"),
    [
        (lambda y, p: p[:3, 0], False, ValueError, r"metrics: <lambda>: got values of shape \(3,\), needs 50, one for"),
        (lambda y, p: "good", False, TypeError, "metrics: <lambda>: got str, needs an array of real numbers"),
        (worst, True, ValueError, r"metrics: worst: got values of shape \(\), needs 50, one for each row$"),
    ],
)
def test_functions_that_return_something_else(own, weighted, error, message):
    model = make([] if weighted else [own], weighted=[own] if weighted else [])
    with pytest.raises(error, match=message):
        model.evaluate(X, Y, verbose=0, sample_weight=np.ones(50))


def test_a_result_that_is_no_number():
    class Pair(Largest):
        def result(self):
            return [1.0, 2.0]

    with pytest.raises(ValueError, match=r"metrics: largest: got a result of shape \(2,\), needs one number"):
        make([Pair()]).evaluate(X, Y, verbose=0)


def test_two_functions_of_one_name_are_not_taken_for_each_other(tmp_path):
    model = make([lambda y, p: p[:, 0], lambda y, p: p[:, 1]])
    assert model.metrics_names == ["loss", "<lambda>", "<lambda>_1"]
    with pytest.raises(ValueError, match="metrics: got two different objects called '<lambda>', needs a name"):
        model.save(tmp_path / "m.safetensors")
    assert copy.deepcopy(model).evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)


def test_own_metrics_come_back_with_custom_objects(tmp_path):
    model, path = make([confidence, Largest(2.0)], weighted=[worst]), tmp_path / "m.safetensors"
    model.fit(X, Y, verbose=0)
    model.save(path)
    with pytest.raises(
        ValueError, match=r"metrics: got 'confidence', which is not fastmlp's own, needs custom_objects="
    ):
        load_model(path)
    own = {"confidence": confidence, "Largest": Largest, "worst": worst}
    twin = load_model(path, custom_objects=own)
    assert twin.metrics_names == model.metrics_names and twin.metrics[1].factor == 2.0
    for other in (twin, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert other.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
        assert other.fit(X, Y, verbose=0, epochs=1).history == copy.deepcopy(model).fit(X, Y, verbose=0).history
    plain = load_model(path, compile=False)
    with pytest.raises(TypeError, match="custom_objects: got list, needs a dict"):
        load_model(path, custom_objects=[confidence])
    assert plain.optimizer is None and plain.metrics == [] and np.array_equal(plain(X), model(X))
    with pytest.raises(ValueError, match=r"custom_objects: got <function .* for 'Largest', needs a subclass of Metric"):
        load_model(path, custom_objects={**own, "Largest": worst})


def test_a_backup_of_a_model_with_own_metrics_goes_on(tmp_path):
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    straight, parts = make([confidence]), make([confidence])
    expected = straight.fit(X, Y, epochs=3, verbose=0).history["confidence"][-1]
    with pytest.raises(KeyboardInterrupt):
        parts.fit(X, Y, epochs=3, verbose=0, callbacks=[BackupAndRestore(tmp_path), Stop()])
    parts = make([confidence])
    assert (
        parts.fit(X, Y, epochs=3, verbose=0, callbacks=[BackupAndRestore(tmp_path)]).history["confidence"][-1]
        == expected
    )
