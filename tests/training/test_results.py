"""The values of metrics in fit and evaluate, and what callbacks see of them."""

import copy

import numpy as np
import pytest

from fastmlp import losses, metrics
from fastmlp.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from fastmlp.layers import Dense, Input
from fastmlp.models import Model, Sequential
from fastmlp.optimizers import SGD
from tests.metrics.models import LABELS, MANY, RANDOM, Largest, X, Y, confidence, make


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_evaluation_is_that_of_the_predictions(dtype):
    model = make(MANY, dtype=dtype)
    model.fit(X, Y, verbose=0)
    p = model.predict(X, verbose=0)
    results = model.evaluate(X, Y, verbose=0, return_dict=True)
    for name, measure in zip(model.metrics_names[1:], model.metrics, strict=True):
        twin = metrics.get("categorical_accuracy") if name == "accuracy" else copy.deepcopy(measure)
        twin.reset_state()
        assert results[name] == twin(Y, p), name
    assert model.test_on_batch(X, Y, return_dict=True) == results


def test_training_measures_each_batch_before_its_update():
    """As train_on_batch does, whose predictions are those of predict where there is no dropout."""
    model, by_hand = make(MANY, rate=0.0), make(rate=0.0)
    history = model.fit(X, Y, 8, shuffle=False, verbose=0).history
    p = []
    for start in range(0, 50, 8):
        p.append(by_hand.predict(X[start : start + 8], verbose=0))
        by_hand.train_on_batch(X[start : start + 8], Y[start : start + 8])
    for name, measure in zip(model.metrics_names[2:], MANY[1:], strict=True):
        twin = copy.deepcopy(metrics.get(measure))
        twin.reset_state()
        assert history[name] == [twin(Y, np.concatenate(p))], name


def test_batches_hooks_and_streams_give_the_values_of_whole_epochs():
    logs = []
    callback = Callback()
    callback.on_train_batch_end = lambda batch, values: logs.append(values)
    callback.on_test_batch_end = lambda batch, values: logs.append(values)
    whole, watched, streamed = make(MANY), make(MANY), make(MANY)
    settings = {"epochs": 2, "shuffle": False, "verbose": 0}
    first = whole.fit(X, Y, 8, validation_data=(X, Y), **settings).history
    second = watched.fit(X, Y, 8, validation_data=(X, Y), callbacks=[callback], **settings).history
    batches = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 50, 8)]
    third = streamed.fit(batches_of(batches), validation_data=batches_of(batches), **settings).history
    assert len(logs) == 2 * (7 + 7) and set(logs[0]) == set(whole.metrics_names)
    assert logs[-1]["auc"] == second["val_auc"][-1]
    for name, values in first.items():
        assert second[name] == pytest.approx(values, rel=1e-13) == third[name]
    assert all(np.array_equal(a, b) for a, b in zip(whole.get_weights(), watched.get_weights(), strict=True))


def batches_of(batches):
    class Batches:
        def __iter__(self):
            return iter(batches)

    return Batches()


def root(y_true, y_pred):
    return np.sqrt(np.square(y_true - y_pred).mean())


def share(y_true, y_pred):
    return np.square(y_true - y_pred).mean(axis=1) / np.square(y_true - y_true.mean(axis=0)).mean()


class MeanRoot(metrics.Metric):
    """The mean over the batches of a root, as many write it for Keras: it depends on what is a batch."""

    def __init__(self, name="mean_root", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        weight = 1.0 if sample_weight is None else np.mean(sample_weight)
        self.total.assign_add(weight * root(y_true, y_pred))
        self.count.assign_add(1)

    def result(self):
        return self.total / self.count


class Numbered:
    def __init__(self, batches):
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def unchanging(outputs=1):
    """A model whose weights stay, so that the values of an epoch are those of its predictions."""
    x = Input((4,))
    model = Model(x, [Dense(3, "softmax", name=f"d{n}")(x) for n in range(outputs)], seed=4, dtype="float64")
    measures = [[root, share, MeanRoot(), "mae"] for _ in range(outputs)]
    model.compile(SGD(0.0), "mse", measures, weighted_metrics=[[share, MeanRoot("other")] for _ in range(outputs)])
    return model


def all_ways(model, x, y, weights, size):
    """Return the results of fit, of its validation and of evaluate by each way that rows may come."""
    y_of = (lambda rows: [one[rows] for one in y]) if isinstance(y, list) else (lambda rows: y[rows])
    cuts = [slice(start, start + size) for start in range(0, len(x), size)]
    more = () if weights is None else (weights,)
    batches = [(x[rows], y_of(rows), *(one[rows] for one in more)) for rows in cuts]
    watching = LambdaCallback(on_train_batch_end=lambda batch, logs: 0, on_test_batch_end=lambda batch, logs: 0)
    results = []
    for callbacks in ([], [watching]):
        common = {"verbose": 0, "callbacks": callbacks}
        for given in (None, Numbered(batches), batches_of(batches)):
            trained = {"x": x, "y": y, "sample_weight": weights, "batch_size": size} if given is None else {"x": given}
            held = {"validation_data": (x, y, *more), "validation_batch_size": size}
            held = held if given is None else {"validation_data": given}
            history = {
                name: values[0]
                for name, values in model.fit(**trained, **held, **common, shuffle=False).history.items()
            }
            results.append({name: value for name, value in history.items() if not name.startswith("val_")})
            results.append({name[4:]: value for name, value in history.items() if name.startswith("val_")})
            results.append(model.evaluate(**trained, **common, return_dict=True))
    return results


@pytest.mark.parametrize("size", [8, 50])
def test_a_metric_has_one_value_however_the_rows_come(size):
    model, weights = unchanging(), RANDOM.uniform(0.0, 2.0, 50)
    p = model.predict(X, verbose=0)
    cuts = [slice(start, start + size) for start in range(0, 50, size)]
    expected = {
        "root": root(Y, p),
        "share": share(Y, p).mean(),
        "weighted_share": np.average(share(Y, p), weights=weights),
        "mean_root": np.mean([root(Y[rows], p[rows]) for rows in cuts]),
        "other": np.mean([root(Y[rows], p[rows]) * weights[rows].mean() for rows in cuts]),
        "mae": np.abs(Y - p).mean(),
    }
    results = all_ways(model, X, Y, weights, size)
    assert len(results) == 18
    for found in results:
        assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-12)
    for method in (model.train_on_batch, model.test_on_batch):
        assert method(X[:9], Y[:9], return_dict=True)["root"] == pytest.approx(root(Y[:9], p[:9]), rel=1e-12)


def test_metrics_of_several_outputs_have_one_value_however_the_rows_come():
    model, weights = unchanging(2), RANDOM.uniform(0.0, 2.0, 50)
    p = model.predict(X, verbose=0)
    results = all_ways(model, X, [Y, Y[::-1]], weights, 8)
    for found in results:
        assert found == pytest.approx(results[0], rel=1e-12)
        assert found["d1_root"] == pytest.approx(root(Y[::-1], p[1]), rel=1e-12)


def test_a_loss_that_is_one_number_has_one_value_however_the_rows_come():
    """The mean over the batches, in which training takes its gradient, too."""

    def of_root(y_true, y_pred):
        error = y_pred - y_true
        return root(y_true, y_pred), error / (root(y_true, y_pred) * error.size)

    model = Sequential([Input((4,)), Dense(3)], seed=4, dtype="float64")
    model.compile(SGD(0.0), of_root)
    p = model.predict(X, verbose=0)
    expected = sum(root(Y[i : i + 8], p[i : i + 8]) * len(Y[i : i + 8]) for i in range(0, 50, 8)) / 50
    for found in all_ways(model, X, Y, None, 8):
        assert found["loss"] == pytest.approx(expected, rel=1e-12)


def test_parts_of_an_epoch_count_the_rows_that_are_visited():
    """Also in another order, and where an epoch is no pass."""
    model, seen = unchanging(), []
    look = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["root"]))
    model.fit(X, Y, 8, steps_per_epoch=3, shuffle=False, callbacks=[look], verbose=0)
    p = model.predict(X, verbose=0)
    assert seen == pytest.approx([root(Y[:rows], p[:rows]) for rows in (8, 16, 24)], rel=1e-12)
    history = model.fit(X, Y, 8, epochs=3, verbose=0, shuffle=False, steps_per_epoch=3).history
    passed = [slice(0, 24), slice(24, 48), np.array([48, 49, *range(16)])]
    assert history["root"] == pytest.approx([root(Y[rows], p[rows]) for rows in passed], rel=1e-12)


def test_a_metric_keeps_no_rows_after_an_epoch():
    model = unchanging()
    model.fit(X, Y, verbose=0)
    value = model.evaluate(X, Y, verbose=0, return_dict=True)["root"]
    assert model.metrics[0].result() == value and model.metrics[0].y_pred.count == 0


def test_callbacks_see_all_metrics(tmp_path, capsys):
    model = make([metrics.AUC(), Largest()])
    stop = EarlyStopping(monitor="val_auc", patience=50, restore_best_weights=True)
    log = CSVLogger(tmp_path / "log.csv")
    history = model.fit(X, Y, epochs=4, verbose=2, validation_data=(X, Y), callbacks=[stop, log]).history
    assert stop.best == max(history["val_auc"])
    assert (tmp_path / "log.csv").read_text().startswith("epoch,auc,largest,loss,val_auc,val_largest,val_loss\n")
    assert " - auc: 0." in capsys.readouterr().out


class Grown(Largest):
    direction = "up"


class Marked(Largest):
    """As Keras' own classes tell."""

    def __init__(self):
        super().__init__()
        self._direction = "up"


@pytest.mark.parametrize(
    ("metric", "name", "grows"),
    [
        (metrics.AUC(name="area"), "val_area", True),
        (metrics.FalsePositives(name="false_acc"), "false_acc", False),
        (metrics.MeanMetricWrapper(losses.huber, name="my_accuracy"), "val_my_accuracy", False),
        (Grown(), "largest", True),
        (Marked(), "val_largest", True),
        ("accuracy", "val_loss", False),
        ("accuracy", "loss", False),
    ],
)
def test_callbacks_know_which_way_a_metric_is_better(metric, name, grows):
    stop = EarlyStopping(monitor=name)
    make([metric]).fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=[stop])
    assert stop.grows is grows
    assert EarlyStopping(monitor=name, mode="max").grows


@pytest.mark.parametrize("kind", ["stopping", "plateau", "checkpoint"])
@pytest.mark.parametrize(
    ("metric", "name"),
    [
        (confidence, "val_confidence"),
        (metrics.MeanMetricWrapper(confidence, name="my_accuracy"), "my_accuracy"),
        (Largest(), "largest"),
        ("accuracy", "val_f1"),
        ("accuracy", "learning_rate"),
    ],
)
def test_a_direction_that_nobody_knows_is_asked_for(metric, name, kind, tmp_path):
    """Keras says the same, after the first epoch."""
    path = tmp_path / "best.safetensors"
    made = {
        "stopping": lambda **more: EarlyStopping(name, **more),
        "plateau": lambda **more: ReduceLROnPlateau(name, **more),
        "checkpoint": lambda **more: ModelCheckpoint(path, name, save_best_only=True, **more),
    }[kind]
    model = make([metric])
    before = model.get_weights()
    feed = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(val_f1=0.5, learning_rate=0.1))
    settings = {"validation_data": (X, Y), "verbose": 0}
    with pytest.raises(ValueError, match=f"mode: got 'auto' for '{name}', which is no loss and no metric that tells, "):
        model.fit(X, Y, callbacks=[feed, made()], **settings)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)) and not path.exists()
    model.fit(X, Y, callbacks=[feed, made(mode="max"), ModelCheckpoint(tmp_path / "m.safetensors", name)], **settings)


def test_losses_of_several_outputs_have_a_direction():
    x = Input((4,))
    model = Model(x, [Dense(1, name="price")(x), Dense(1, name="weight")(x)])
    model.compile("sgd", "mse", [["mae"], [confidence]])
    assert [model.direction_of(f"val_{name}") for name in ("loss", "price_loss", "weight_loss")] == ["down"] * 3
    assert model.direction_of("price_mae") == "down" and model.direction_of("weight_confidence") is None


@pytest.mark.parametrize("how", ["arrays", "validation", "batches"])
def test_metrics_and_class_weights_take_the_bits_that_a_hinge_takes_for_signs(how):
    bits = (LABELS == 0).astype(float)[:, None]
    model = Sequential([Input((4,)), Dense(1, "tanh")], seed=4, dtype="float64")
    model.compile("sgd", "hinge", ["mae"])
    expected = model.loss(bits, model(X)), float(np.abs(model(X) - bits).mean())
    assert model.evaluate(X, bits, verbose=0) == pytest.approx(expected, rel=1e-12)
    weighted = model.loss(bits, model(X), np.where(bits[:, 0] == 1, 3.0, 1.0))
    if how == "arrays":
        values = model.train_on_batch(X, bits, class_weight={1: 3.0})
    elif how == "batches":
        history = model.fit(iter([(X, bits)]), class_weight={1: 3.0}, verbose=0).history
        values = [history["loss"][0], history["mae"][0]]
    else:
        history = model.fit(X, bits, 50, class_weight={1: 3.0}, validation_data=(X, bits), verbose=0).history
        values = [history["loss"][0], history["mae"][0]]
        assert history["val_mae"][0] == pytest.approx(np.abs(model(X) - bits).mean(), rel=1e-12)
    assert values == pytest.approx([weighted, expected[1]], rel=1e-12)
