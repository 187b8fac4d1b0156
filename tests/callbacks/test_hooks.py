"""Which hooks of callbacks are called, when and with what."""

import numpy as np
import pytest

from fastmlp.callbacks import Callback, EarlyStopping, LambdaCallback, TerminateOnNaN
from fastmlp.models import Sequential
from fastmlp.optimizers import SGD
from tests.callbacks.models import X, Y, fit, make, same

ALL_HOOKS = sorted(name for name in dir(Callback) if name.startswith("on_"))


def recorder(*hooks):
    """A callback that notes the calls of these hooks, and the list of its notes."""
    calls = []

    def note(name):
        return lambda *arguments: calls.append((name.removeprefix("on_"), *arguments[:-1]))

    return LambdaCallback(**{name: note(name) for name in hooks}), calls


def test_all_hooks_are_called_in_order():
    callback, calls = recorder(*ALL_HOOKS)
    model = make()
    fit(model, batch_size=25, validation_split=0.2, validation_batch_size=5, callbacks=[callback])
    batches = [(f"train_batch_{edge}", batch) for batch in (0, 1) for edge in ("begin", "end")]
    tests = [(f"test_batch_{edge}", batch) for batch in (0, 1) for edge in ("begin", "end")]
    assert calls == [
        ("train_begin",),
        ("epoch_begin", 0),
        *batches,
        ("test_begin",),
        *tests,
        ("test_end",),
        ("epoch_end", 0),
        ("train_end",),
    ]
    calls.clear()
    model.evaluate(X[:10], Y[:10], batch_size=5, verbose=0, callbacks=[callback])
    assert calls == [("test_begin",), *tests, ("test_end",)] and callback.params == {"verbose": 0, "steps": 2}
    calls.clear()
    model.predict(X[:10], batch_size=5, verbose=0, callbacks=callback)
    predicts = [(f"predict_batch_{edge}", batch) for batch in (0, 1) for edge in ("begin", "end")]
    assert calls == [("predict_begin",), *predicts, ("predict_end",)]


@pytest.mark.parametrize("hook", ["on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_batch_hooks_leave_the_bits_of_training(hook, dtype):
    plain, watched = make(dtype=dtype), make(dtype=dtype)
    first = fit(plain, epochs=3, validation_split=0.2).history
    callback, calls = recorder(hook)
    second = fit(watched, epochs=3, validation_split=0.2, callbacks=[callback]).history
    assert len(calls) == 9 and same(plain.get_weights(), watched.get_weights())
    assert first["val_loss"] == second["val_loss"] and second["loss"] == pytest.approx(first["loss"], rel=1e-12)


def test_without_batch_hooks_an_epoch_is_one_call_of_the_engine(monkeypatch):
    calls = []

    class Counting:
        def __init__(self, network):
            self.network = network

        def __getattr__(self, name):
            if name in ("train_epoch", "evaluate", "predict"):
                calls.append(name)
            return getattr(self.network, name)

    model = make()
    for method in ("network_for_rows", "network_for_training"):
        monkeypatch.setattr(Sequential, method, lambda self, *asked: Counting(self.network))
    callback, _ = recorder("on_epoch_end", "on_test_end")
    fit(model, epochs=2, validation_split=0.2, callbacks=[callback, EarlyStopping(), TerminateOnNaN()])
    assert calls == ["train_epoch", "evaluate"] * 2
    calls.clear()
    model.predict(X, verbose=0, batch_size=5)
    model.evaluate(X, Y, verbose=0, batch_size=5)
    assert calls == ["predict", "evaluate"]


def test_the_logs_of_batches_are_means_since_the_start():
    logs = {"train": [], "test": [], "predict": []}
    callback = LambdaCallback(
        on_train_batch_end=lambda batch, log: logs["train"].append(log),
        on_test_batch_end=lambda batch, log: logs["test"].append(log),
        on_predict_batch_end=lambda batch, log: logs["predict"].append(log["outputs"]),
    )
    model = make()
    history = fit(model, callbacks=[callback]).history
    assert len(logs["train"]) == 4 and logs["train"][-1] == {name: value[0] for name, value in history.items()}
    result = model.evaluate(X, Y, verbose=0, batch_size=16, callbacks=[callback], return_dict=True)
    assert logs["test"][-1] == result == pytest.approx(model.evaluate(X, Y, verbose=0, return_dict=True), rel=1e-12)
    assert logs["test"][0] == model.evaluate(X[:16], Y[:16], verbose=0, return_dict=True)
    outputs = model.predict(X, verbose=0, batch_size=16, callbacks=[callback])
    assert np.array_equal(np.concatenate(logs["predict"]), outputs) and np.array_equal(outputs, model(X))


def test_a_batch_hook_can_stop_and_set_the_learning_rate():
    def each(batch, logs):
        model.optimizer.learning_rate = 0.0
        model.stop_training = batch == 1

    model = make(optimizer="sgd")
    weights = []
    callback = LambdaCallback(
        on_train_batch_begin=lambda batch, logs: weights.append(model.get_weights()), on_train_batch_end=each
    )
    history = fit(model, epochs=3, callbacks=[callback])
    assert history.epoch == [0] and len(weights) == 2 and model.network.step == 2
    assert same(weights[1], model.get_weights()) and not same(weights[0], weights[1])


@pytest.mark.parametrize("hook", ["on_train_batch_begin", "on_train_batch_end", "on_test_batch_begin"])
def test_a_batch_hook_that_changes_the_network_ends_fit(hook):
    model = make()
    callback = LambdaCallback(**{hook: lambda batch, logs: model.compile("sgd", "mse")})
    with pytest.raises(RuntimeError, match="got a callback that called add, pop or compile"):
        fit(model, callbacks=[callback], validation_split=0.2)


def endless():
    while True:
        yield X[:8], Y[:8]


class Counted:
    """Batches without an end or a number that may be iterated over again."""

    def __iter__(self):
        return endless()


@pytest.mark.parametrize("batches", [endless, Counted])
def test_evaluate_and_predict_stop_where_a_callback_wants_it(batches):
    model = make()

    class Stop(Callback):
        def on_test_batch_end(self, batch, logs=None):
            self.model.stop_evaluating = batch == 2

        def on_predict_batch_end(self, batch, logs=None):
            self.model.stop_predicting = batch == 1

    for _ in range(2):  # each call begins anew
        found = model.evaluate(batches(), verbose=0, callbacks=[Stop()])
        assert found == pytest.approx(model.evaluate(X[:8], Y[:8], verbose=0), rel=1e-12)
        assert model.predict(batches(), verbose=0, callbacks=[Stop()]).shape == (16, 3)
    assert model.predict(X, 8, verbose=0, callbacks=[Stop()]).shape == (16, 3)
    history = fit(model, epochs=2, validation_data=batches(), callbacks=[Stop()]) if batches is Counted else None
    assert history is None or len(history.history["val_loss"]) == 2


def test_a_generator_stops_the_evaluation_that_asks_it():
    model = make()

    def ending():
        for number, batch in enumerate(endless()):
            model.stop_evaluating = number == 3
            yield batch

    assert model.evaluate(ending(), verbose=0) == pytest.approx(model.evaluate(X[:8], Y[:8], verbose=0), rel=1e-12)


def test_an_evaluation_that_was_stopped_begins_at_the_first_batch_again():
    model, stop = make(), LambdaCallback(on_test_batch_end=lambda batch, logs: setattr(model, "stop_evaluating", True))

    class Batches:
        def __iter__(self):
            return iter([(X[:8], Y[:8]), (X[8:16], Y[8:16])])

    before = model.evaluate(X[:8], Y[:8], verbose=0)
    model.compile(SGD(0.0), "sparse_categorical_crossentropy", ["accuracy"])
    found = fit(model, epochs=3, validation_data=Batches(), callbacks=[stop]).history
    assert found["val_loss"] == pytest.approx([before[0]] * 3, rel=1e-12)
