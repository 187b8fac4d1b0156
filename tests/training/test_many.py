"""Many models at once: each has the bits that it has alone, and its own callbacks, rows, errors and end."""

import re
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import fastmlp
from fastmlp import fit_many, predict_many
from fastmlp.callbacks import Callback, EarlyStopping, ReduceLROnPlateau, TerminateOnNaN
from fastmlp.config import threads as threading_settings
from fastmlp.layers import BatchNormalization, Dense, Dropout, Input
from fastmlp.models import Model, Sequential
from fastmlp.optimizers import SGD, Adam
from fastmlp.optimizers.schedules import ExponentialDecay
from fastmlp.training import pool

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
HELD_OUT = X[:20] + 0.1, Y[:20]
FOLD, BAG = np.arange(60)[20:], RANDOM.integers(0, 60, 50)


def make(units=(6,), optimizer="adam", rate=0.0, seed=1, dtype="float32", metrics=("accuracy",), inside=()):
    hidden = [Dense(count, "relu") for count in units]
    layers = [Input((4,)), *hidden, *inside, Dropout(rate), Dense(3, "softmax")]
    model = Sequential(layers, seed=seed, dtype=dtype)
    model.compile(optimizer, "sparse_categorical_crossentropy", list(metrics))
    return model


def stopping():
    return [EarlyStopping("loss", patience=1, min_delta=0.02, restore_best_weights=True)]


def plateau():
    return [ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_delta=0.1)]


# how a model is made, and what `fit` is given besides x and y; callbacks by a function that makes them
MEMBERS = {
    "plain": (lambda: make(), {}),
    "deep": (lambda: make((8, 7, 6), SGD(0.1, momentum=0.9), 0.2, seed=2), {"batch_size": 7}),
    "float64": (lambda: make((5,), "rmsprop", dtype="float64"), {"epochs": 2}),
    "none_hidden": (lambda: make(()), {"epochs": 9, "shuffle": False}),
    "schedule": (lambda: make(optimizer=SGD(ExponentialDecay(0.1, 5, 0.9))), {"initial_epoch": 2}),
    "average": (lambda: make(optimizer=Adam(use_ema=True, ema_momentum=0.5)), {}),
    "normalized": (lambda: make(inside=[BatchNormalization()], rate=0.5), {"class_weight": {0: 2.0, 2: 0.5}}),
    "weights": (lambda: make(), {"sample_weight": np.linspace(0, 2, 60)}),
    "fold": (lambda: make(rate=0.1), {"rows": FOLD}),
    "bag": (lambda: make(), {"rows": BAG, "validation_split": 0.2, "sample_weight": np.linspace(0, 2, 60)}),
    "mask": (lambda: make(), {"rows": Y > 0}),
    "bag_with_metric": (lambda: make(metrics=["sparse_categorical_crossentropy", "acc"]), {"rows": BAG}),
    "validated": (lambda: make(metrics=["accuracy"]), {"validation_data": HELD_OUT}),
    "split": (lambda: make(), {"validation_split": 0.3}),
    "stops": (lambda: make(optimizer=SGD(1e-4)), {"callbacks": stopping, "epochs": 20}),
    "plateau": (lambda: make(), {"callbacks": plateau, "validation_data": HELD_OUT}),
}
DEFAULTS = {
    "batch_size": None,
    "epochs": 5,
    "validation_split": 0.0,
    "validation_data": None,
    "shuffle": True,
    "class_weight": None,
    "sample_weight": None,
    "initial_epoch": 0,
    "rows": None,
    "callbacks": None,
}


def settings_of(name):
    settings = {**DEFAULTS, **MEMBERS[name][1]}
    return {**settings, "callbacks": settings["callbacks"] and settings["callbacks"]()}


def columns(names):
    """The arguments of fit_many for these members."""
    return {key: [settings[key] for settings in map(settings_of, names)] for key in DEFAULTS}


def alone(name):
    """The model after `fit` alone."""
    model, settings = MEMBERS[name][0](), settings_of(name)
    rows = settings.pop("rows")
    rows = np.arange(60) if rows is None else np.flatnonzero(rows) if rows.dtype == bool else rows
    if settings["sample_weight"] is not None:
        settings["sample_weight"] = settings["sample_weight"][rows]
    model.fit(X[rows], Y[rows], verbose=0, **settings)
    return model


def require_same(one, other):
    assert one.history.history == other.history.history and one.history.epoch == other.history.epoch
    assert one.epochs_trained == other.epochs_trained
    assert one.optimizer.iterations == other.optimizer.iterations
    assert float(one.optimizer.learning_rate) == float(other.optimizer.learning_rate)
    arrays = [*one.get_weights(), *one.network.get_optimizer_state()]
    for a, b in zip(arrays, [*other.get_weights(), *other.network.get_optimizer_state()], strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.fixture(params=[1, 2, 3, 40])
def threads(request):
    before = threading_settings._explicit
    fastmlp.set_num_threads(request.param)
    yield request.param
    fastmlp.set_num_threads(before)


@pytest.fixture(scope="module")
def trained_alone():
    return {name: alone(name) for name in MEMBERS}


def test_each_model_has_the_bits_that_it_has_alone(threads, trained_alone):
    models = [build() for build, _ in MEMBERS.values()]
    histories = fit_many(models, X, Y, verbose=0, **columns(MEMBERS))
    for model, history, name in zip(models, histories, MEMBERS, strict=True):
        assert model.history is history
        require_same(model, trained_alone[name])
    assert len(models[list(MEMBERS).index("stops")].history.epoch) < 20
    rates = models[list(MEMBERS).index("plateau")].history.history["learning_rate"]
    assert rates[0] > rates[-1]


def test_arguments_for_all_and_a_second_call_that_goes_on(threads):
    many, one_by_one = ([make((units,), seed=units) for units in (3, 9)] for _ in range(2))
    for epochs in (2, 3):
        fit_many(many, X, Y, 16, epochs, verbose=0, validation_data=HELD_OUT, sample_weight=[1.0] * 60)
        for model in one_by_one:
            model.fit(X, Y, 16, epochs, verbose=0, validation_data=HELD_OUT, sample_weight=[1.0] * 60)
    for one, other in zip(many, one_by_one, strict=True):
        require_same(one, other)


def test_sparse_rows():
    scipy_sparse = pytest.importorskip("scipy.sparse")
    x = scipy_sparse.csr_array(np.where(X > 0.5, X, 0))
    models, one_by_one = ([make(seed=seed) for seed in range(3)] for _ in range(2))
    fit_many(models, x, Y, epochs=2, verbose=0, rows=[None, FOLD, BAG], validation_split=[0.0, 0.2, 0.2])
    for model, rows, part in zip(one_by_one, (np.arange(60), FOLD, BAG), (0.0, 0.2, 0.2), strict=True):
        model.fit(x[rows], Y[rows], epochs=2, verbose=0, validation_split=part)
    for one, other in zip(models, one_by_one, strict=True):
        require_same(one, other)
    assert np.array_equal(predict_many(models, x)[0], models[0].predict(x, verbose=0))


def test_no_epochs(capsys):
    models = [make(), make()]
    assert [history.epoch for history in fit_many(models, X, Y, epochs=[0, 2])] == [[], [0, 1]]
    assert capsys.readouterr().out.startswith("2/2")
    assert fit_many([make()], X, Y, epochs=0)[0].history == {} and not capsys.readouterr().out


def test_models_that_are_fewer_share_the_threads_out():
    """Of three threads two models have two and one; the last one has all."""
    fastmlp.set_num_threads(3)
    seen, both = {}, threading.Barrier(2)

    class Sees(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                both.wait(60)
            threads = fastmlp.get_num_threads()
            seen.setdefault(id(self.model), []).append(threads)
            self.model.stop_training = threads == 3
            if epoch == 0:
                both.wait(60)

    try:
        models = [make(seed=seed) for seed in (1, 2)]
        fit_many(models, X, Y, epochs=[2, 100_000], verbose=0, callbacks=[[Sees()], [Sees()]])
        first, second = (seen[id(model)] for model in models)
        assert {first[0], second[0]} == {1, 2} and second[-1] == 3
        assert fastmlp.get_num_threads() == 3
    finally:
        fastmlp.set_num_threads(None)


def test_networks_of_several_threads_have_the_same_bits():
    """A step of these is worth two threads."""
    x, y = RANDOM.normal(size=(600, 100)).astype(np.float32), RANDOM.normal(size=(600, 400)).astype(np.float32)

    def wide(seed):
        model = Sequential([Input((100,)), Dense(200, "relu"), Dense(400)], seed=seed)
        model.compile("adam", "mse")
        return model

    fastmlp.set_num_threads(4)
    try:
        many, one_by_one = ([wide(seed) for seed in range(3)] for _ in range(2))
        fit_many(many, x, y, 200, 2, verbose=0)
    finally:
        fastmlp.set_num_threads(None)
    for one, other in zip(many, one_by_one, strict=True):
        other.fit(x, y, 200, 2, verbose=0)
        require_same(one, other)


def test_all_models_read_the_same_arrays(monkeypatch):
    original, arrays = pool.Member.advance, []

    def advance(member):
        data = member.epochs.gi_frame.f_locals["run"].train.data
        arrays.append((id(data.xs[0]), id(data.ys[0])))
        return original(member)

    monkeypatch.setattr(pool.Member, "advance", advance)
    models = [make(seed=seed) for seed in range(3)]
    fit_many(models, np.asarray(X, np.int16), Y.astype(float), verbose=0, rows=[None, FOLD, BAG])
    assert len(arrays) >= 3 and len(set(arrays)) == 1


class Raises(Callback):
    def __init__(self, error, epoch=1):
        super().__init__()
        self.error, self.epoch = error, epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise self.error


def test_a_model_that_raises_ends_alone(threads):
    models = [make(seed=seed) for seed in range(4)]
    errors = ValueError("mine"), ZeroDivisionError()
    with pytest.raises(ExceptionGroup, match="fit_many: 2 of 4 models have failed, the others are trained") as caught:
        fit_many(models, X, Y, epochs=4, verbose=0, callbacks=[None, [Raises(errors[0])], None, [Raises(errors[1])]])
    assert caught.value.exceptions == errors
    assert errors[0].__notes__ == ["fit_many: of models[1]"] and errors[1].__notes__ == ["fit_many: of models[3]"]
    assert [model.epochs_trained for model in models] == [4, 2, 4, 2]
    for seed in (0, 2):
        other = make(seed=seed)
        other.fit(X, Y, epochs=4, verbose=0)
        require_same(models[seed], other)


def test_a_model_that_diverges_stops_alone():
    models = [make(optimizer=SGD(rate)) for rate in (1e30, 0.01)]
    fit_many(models, X, Y, epochs=5, verbose=0, callbacks=[[TerminateOnNaN()], [TerminateOnNaN()]])
    assert models[0].epochs_trained < 5 == models[1].epochs_trained


@pytest.mark.parametrize("rows", [60, 900_000], ids=["many_epochs", "a_long_epoch"])
def test_seconds_end_all_and_keep_what_each_has_learnt(rows, threads):
    models = [make(seed=seed) for seed in range(3)]
    x, y = np.tile(X, (rows // 60, 1)), np.tile(Y, rows // 60)
    histories = fit_many(models, x, y, 1, epochs=100_000, verbose=0, seconds=0.2)
    steps = [model.optimizer.iterations for model in models]
    assert sum(steps) > 0 and max(steps) < 100_000 * 60
    assert [len(history.epoch) for history in histories] == [model.epochs_trained for model in models]
    time.sleep(0.01)
    assert steps == [model.optimizer.iterations for model in models]


def test_seconds_that_are_long_change_nothing():
    models = [make(seed=seed) for seed in range(2)]
    fit_many(models, X, Y, epochs=3, verbose=0, seconds=1e6)
    for seed, model in enumerate(models):
        other = make(seed=seed)
        other.fit(X, Y, epochs=3, verbose=0)
        require_same(model, other)
    with pytest.raises(ValueError, match="seconds: got -1, needs a finite number of at least 0"):
        fit_many(models, X, Y, seconds=-1)


def test_votes_are_weighed():
    models = [make(seed=seed) for seed in range(3)]
    outputs = predict_many(models, X)
    found = predict_many(models, X, voting="soft", weights=[0.5, 0.0, 1.5])
    assert np.allclose(found, 0.25 * outputs[0] + 0.75 * outputs[2], atol=1e-6) and found.dtype == outputs[0].dtype
    for weights in ([1.0], [1, 1, -1], [0, 0, 0], [1, 1, np.nan]):
        with pytest.raises(ValueError, match=r"weights: got .*, needs 3 numbers of at least 0, one above it"):
            predict_many(models, X, voting="soft", weights=weights)
    with pytest.raises(ValueError, match="weights: got some with voting 'hard', needs 'soft'"):
        predict_many(models, X, voting="hard", weights=[1, 1, 1])


def test_what_ends_the_program_ends_all():
    models = [make(seed=seed) for seed in range(3)]
    with pytest.raises(SystemExit):
        fit_many(models, X, Y, epochs=10_000, verbose=0, callbacks=[None, [Raises(SystemExit(3))], None])
    assert max(model.epochs_trained for model in models) < 10_000


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that sends a signal")
class TestInterrupts:
    @pytest.fixture(autouse=True)
    def alarm(self):
        def handle(number, frame):
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, handle)
        yield
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    @pytest.mark.parametrize("rows", [60, 900_000], ids=["many_epochs", "a_long_epoch"])
    def test_an_interrupt_stops_all_and_keeps_what_each_has_learnt(self, rows, threads):
        models = [make(seed=seed) for seed in range(3)]
        x, y = np.tile(X, (rows // 60, 1)), np.tile(Y, rows // 60)

        class Starts(Callback):
            def on_train_begin(self, logs=None):
                signal.setitimer(signal.ITIMER_REAL, 0.1)

        with pytest.raises(KeyboardInterrupt):
            fit_many(models, x, y, 1, epochs=100_000, verbose=0, callbacks=[[Starts()], None, None])
        steps = [model.optimizer.iterations for model in models]
        assert sum(steps) > 0 and max(steps) < 900_000  # which take a second or two
        time.sleep(0.01)
        assert steps == [model.optimizer.iterations for model in models]  # nobody trains them any more
        for model in models:
            assert len(model.history.epoch) == model.epochs_trained
            assert model.epochs_trained <= model.optimizer.iterations / rows <= model.epochs_trained + 1
        fit_many(models, X, Y, verbose=0)

    def test_interrupts_at_any_moment(self):
        random, came = np.random.default_rng(0), 0
        for _ in range(60):
            models = [make(seed=seed) for seed in range(3)]
            try:
                signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-4, 0.02))
                fit_many(models, X, Y, epochs=20, verbose=0)
            except KeyboardInterrupt:
                came += 1
            finally:
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0)
                except KeyboardInterrupt:
                    came += 1
            steps = [model.optimizer.iterations for model in models]
            fit_many(models, X, Y, verbose=0)
            assert [model.optimizer.iterations for model in models] == [count + 2 for count in steps]
        assert came > 5


def test_callbacks_may_use_their_model(threads):
    found = []

    class Uses(Callback):
        def on_epoch_end(self, epoch, logs=None):
            assert self.model.evaluate(X, Y, verbose=0, return_dict=True)["loss"] > 0
            found.append((self.model.predict(X, verbose=0).shape, len(self.model.get_weights())))

    fit_many([make(seed=seed) for seed in range(3)], X, Y, epochs=2, verbose=0, callbacks=[[Uses()] for _ in range(3)])
    assert found == [((60, 3), 4)] * 6


def test_one_line_is_printed_for_all(capsys):
    models = [make(seed=seed) for seed in range(3)]
    fit_many(models, X, Y, epochs=[1, 2, 3], verbose=2)
    line = capsys.readouterr().out
    last = np.mean([model.history.history["loss"][-1] for model in models])
    assert line.startswith("6/6 - ") and f"loss: {last:.4f}" in line and line.count("\n") == 1
    fit_many(models, X, Y, verbose="auto", validation_data=[HELD_OUT, None, None])
    assert capsys.readouterr().out.startswith("3/3 ━")
    fit_many(models, X, Y, verbose=0)
    assert capsys.readouterr().out == ""


LAYER, OPTIMIZER, CALLBACK = Dense(3, "softmax"), Adam(), EarlyStopping("loss")
METRIC = fastmlp.metrics.AUC()


def of_layer():
    model = Sequential([LAYER])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize(
    ("models", "settings", "error", "message"),
    [
        ([], {}, TypeError, r"models: got \[\], needs a list of at least one model"),
        (make(), {}, TypeError, r"models: got Sequential, needs a list"),
        ([make(), 3], {}, TypeError, r"models: got \['Sequential', 'int'\], needs a list of at least one model"),
        ([make()] * 2, {}, ValueError, "models: got one twice"),
        ([of_layer(), of_layer()], {}, ValueError, "models: got two with the layer 'dense.*', needs models that share"),
        ([make(optimizer=OPTIMIZER), make(optimizer=OPTIMIZER)], {}, ValueError, "models: got two with the optimizer"),
        ([make(), make()], {"callbacks": [CALLBACK]}, ValueError, "callbacks: got some for all models, needs a list"),
        ([make(), make()], {"callbacks": [[CALLBACK]] * 2}, ValueError, "two with the callback 'EarlyStopping'"),
        ([make(), make()], {"callbacks": [[print], None]}, TypeError, "callbacks: got <built-in function print>"),
        ([make(), make()], {"epochs": [1, 2, 3]}, ValueError, "epochs: got a list of 3, needs 2 items, one for each"),
        ([make(), make()], {"epochs": [1, -1]}, ValueError, "epochs: got -1, needs an integer of at least 0"),
        ([make(), make()], {"rows": [None, [60]]}, ValueError, "rows: got numbers from 60 to 60, needs 0 to 59"),
        ([make(), make()], {"rows": [None, [0.5]]}, ValueError, "rows: got an array of dtype float64 and shape"),
        ([make(), make()], {"rows": [None, []]}, ValueError, "rows: got an array of dtype float64 and shape"),
        ([make(), make()], {"rows": [np.ones(9, bool), None]}, ValueError, "rows: got .* or a bool for each of 60"),
        ([make(), make()], {"verbose": 3}, ValueError, "verbose: got 3"),
        ([make(), Sequential([Dense(3)])], {}, ValueError, "fit_many: got a model without a loss"),
        ([make(), make()], {"x": iter([])}, TypeError, "x: got list_iterator, which gives batches"),
        ([make(), make()], {"y": Y + 1}, ValueError, "y: got labels from 1 to 3"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_trained(models, settings, error, message):
    with pytest.raises(error, match=message):
        fit_many(models, **{"x": X, "y": Y, "verbose": 0, **settings})
    for model in models if isinstance(models, list) else []:
        assert not isinstance(model, Model) or model.epochs_trained == 0


def test_metrics_that_two_models_share_are_refused():
    models = [Sequential([Input((4,)), Dense(1, "sigmoid")]) for _ in range(2)]
    for model in models:
        model.compile("sgd", "binary_crossentropy", [METRIC])
    with pytest.raises(ValueError, match="models: got two with the metric 'auc', needs models that share none"):
        fit_many(models, X, Y > 0, verbose=0)


def test_an_error_in_the_arguments_tells_whose_they_are():
    with pytest.raises(ValueError, match="batch_size") as caught:
        fit_many([make(), make()], X, Y, batch_size=[3, 0], verbose=0)
    assert caught.value.__notes__ == ["fit_many: of models[1]"]


class TestPredictMany:
    models = tuple(
        make((units,), seed=units, dtype=dtype) for units, dtype in ((3, "float32"), (5, "float64"), (2, "float32"))
    )

    def test_each_predicts_what_it_predicts_alone(self, threads):
        for model, output in zip(self.models, predict_many(self.models, X), strict=True):
            expected = model.predict(X, verbose=0)
            assert output.dtype == expected.dtype and output.tobytes() == expected.tobytes()

    def test_soft_voting_of_one_row_has_the_bits_of_many(self):
        models = [Sequential([Input((4,)), Dense(1)], seed=seed) for seed in range(20)]
        together = predict_many(models, X, voting="soft")
        alone = [predict_many(models, X[row : row + 1], voting="soft") for row in range(len(X))]
        assert np.array_equal(together, np.concatenate(alone))

    def test_soft_voting_is_the_mean(self):
        expected = np.mean([model.predict(X, verbose=0) for model in self.models], axis=0)
        found = predict_many(self.models, X, voting="soft")
        assert found.shape == (60, 3) and np.allclose(found, expected, rtol=1e-6)

    def test_hard_voting_is_the_class_of_most(self):
        chosen = np.array([model.predict(X, verbose=0).argmax(axis=1) for model in self.models])
        expected = [np.bincount(column).argmax() for column in chosen.T]
        assert predict_many(self.models, X, voting="hard").tolist() == expected

    def test_of_one_output_above_a_half(self):
        models = [Sequential([Input((4,)), Dense(1, "sigmoid")], seed=seed) for seed in range(3)]
        votes = sum(model.predict(X, verbose=0)[:, 0] > 0.5 for model in models)
        assert predict_many(models, X, voting="hard").tolist() == (votes >= 2).astype(int).tolist()
        assert set(votes) > {1, 2}

    def test_several_outputs(self):
        def two(seed):
            inputs = Input((4,))
            return Model(inputs, [Dense(2)(inputs), Dense(1)(inputs)], seed=seed)

        models = [two(1), two(2)]
        found, expected = predict_many(models, X, voting="soft"), [model.predict(X, verbose=0) for model in models]
        for output, one, other in zip(found, *expected, strict=True):
            assert np.array_equal(output, np.mean([one, other], axis=0))
        with pytest.raises(ValueError, match=r"voting: got models .*, needs one output"):
            predict_many(models, X, voting="hard")

    def test_bad_arguments_are_refused(self):
        with pytest.raises(ValueError, match="voting: got 'mean', needs None, 'soft' or 'hard'"):
            predict_many(self.models, X, voting="mean")
        with pytest.raises(ValueError, match=r"x: got shape \(60, 3\), needs \(rows, 4\)") as caught:
            predict_many(self.models, X[:, :3])
        assert caught.value.__notes__ == ["predict_many: of models[0]"]
        with pytest.raises(ValueError, match=r"voting: got models .*, needs the same of all"):
            predict_many([*self.models, Sequential([Input((4,)), Dense(2)])], X, voting="soft")


def test_the_examples_of_the_documentation_run():
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    text = (Path(__file__).parents[2] / "docs" / "many.md").read_text(encoding="utf-8")
    names = {}
    for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(code, names)
    assert min(names["scores"]) > 0.8 and max(names["epochs"]) <= 30
    assert names["ensemble_score"] > 0.85
    assert names["accuracy"] >= np.mean(names["alone"]) > 0.8 and names["hard"].shape == names["y_test"].shape
