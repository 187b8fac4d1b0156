"""What the estimators have beyond scikit-learn's."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

import scipy.sparse as sp
from sklearn import datasets
from sklearn.metrics import balanced_accuracy_score, f1_score
from sklearn.model_selection import train_test_split

from fastmlp import callbacks
from fastmlp.kernels import Network
from fastmlp.sklearn import MLPClassifier, MLPRegressor, lbfgs, sparse

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X, Y = datasets.load_digits(return_X_y=True)
X, Y = X[:600] / 16, Y[:600]
XR, YR = datasets.make_regression(300, 7, n_targets=2, random_state=0)
SHORT = {"random_state": 0, "max_iter": 6}


def same(one, other):
    """Whether two estimators have the bits of each other's weights."""
    return all(np.array_equal(a, b) for a, b in zip(one.coefs_, other.coefs_, strict=True))


# -------------------------------------------------------------------------------------------------- the network


def test_dropout_needs_its_rate_and_follows_random_state():
    plain = MLPClassifier(**SHORT).fit(X, Y)
    dropped = [MLPClassifier(dropout=0.5, **SHORT).fit(X, Y) for _ in range(2)]
    assert same(*dropped) and not same(dropped[0], plain)
    assert dropped[0].loss_ > plain.loss_
    assert (dropped[0].predict_proba(X[:9]) == dropped[0].predict_proba(X)[:9]).all()  # none in predictions
    assert len({MLPRegressor(dropout=0.1, max_iter=1, random_state=i).fit(XR, YR)._dropout_seed for i in range(3)}) == 3
    one = MLPClassifier((20, 10), dropout=[0.0, 0.3], **SHORT).fit(X, Y)
    assert not same(one, MLPClassifier((20, 10), dropout=[0.3, 0.0], **SHORT).fit(X, Y))


def test_partial_fits_draw_other_masks_each_time():
    runs = [MLPRegressor(dropout=0.5, shuffle=False, learning_rate_init=1e-12, random_state=0) for _ in range(2)]
    for _ in range(2):
        runs[0].partial_fit(XR, YR)
    assert runs[0].loss_curve_[0] != pytest.approx(runs[0].loss_curve_[1], rel=1e-6)


def test_dropout_may_begin_after_a_fit():
    model = MLPClassifier(random_state=0, max_iter=2, warm_start=True).fit(X, Y)
    before = model.predict_proba(X)
    assert np.array_equal(model.set_params(dropout=0.5).predict_proba(X), before)
    seeds = {model.set_params(random_state=i).partial_fit(X, Y)._dropout_seed for i in range(2)}
    again = MLPClassifier(dropout=0.5, random_state=0, max_iter=1).fit(X, Y)
    assert len(seeds) == 1 and again._dropout_seed not in seeds  # drawn once, after any new weights


def test_each_layer_may_have_its_activation():
    model = MLPClassifier((20, 10), activation=["gelu", "logistic"], **SHORT).fit(X, Y)
    network = Network(
        64,
        [
            {"kind": "dense", "units": units, "activation": name, "use_bias": True, "l2": 0.0}
            for units, name in ((20, "gelu"), (10, "sigmoid"), (10, "softmax"))
        ],
        dtype="float64",
    )
    network.set_weights([array for layer in zip(model.coefs_, model.intercepts_, strict=True) for array in layer])
    assert np.array_equal(model.predict_proba(X), network.predict(X))
    # each drawn within the bound of its activation
    settings = {"random_state": 0, "max_iter": 1, "learning_rate_init": 1e-12}
    drawn = [MLPClassifier((500, 400), ["relu", last], **settings).fit(X[:50], Y[:50]) for last in ("relu", "logistic")]
    bounds = [abs(model.coefs_[1]).max() for model in drawn]
    assert bounds[1] / bounds[0] == pytest.approx(np.sqrt(2 / 6), rel=1e-3)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"activation": ["relu", "tanh"]}, "activation: got 2 values, needs one, or 1"),
        ({"activation": ["nothing"]}, "activation: got 'nothing', needs one of"),
        ({"dropout": [0.5, 0.5]}, "dropout: got 2 values, needs one, or 1"),
        ({"dropout": [1.0]}, "dropout: got 1.0, needs rates of at least 0 and below 1"),
        ({"dropout": 1.0}, "dropout"),
        ({"batch_norm": "yes"}, "batch_norm"),
        ({"dtype": "float16"}, "dtype"),
        ({"n_threads": 0}, "n_threads"),
        ({"n_threads": 257}, "n_threads"),
        ({"scoring": "nothing"}, "scoring"),
        ({"learning_rate": lambda step: -1.0}, "learning_rate: got .*, needs finite rates of at least 0"),
        ({"class_weight": "equal"}, "class_weight"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**settings).fit(X, Y)


def test_float32_is_there_for_float64_data():
    model = MLPClassifier(dtype="float32", **SHORT).fit(X, Y)
    assert model.coefs_[0].dtype == model.predict_proba(X).dtype == np.float32
    assert same(model, MLPClassifier(**SHORT).fit(X.astype(np.float32), Y))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_number_of_threads_gives_the_same_bits(dtype):
    one, two = (MLPClassifier(n_threads=count, dtype=dtype, **SHORT).fit(X, Y) for count in (1, 3))
    assert same(one, two) and np.array_equal(one.predict_proba(X), two.predict_proba(X))


# -------------------------------------------------------------------------------------------------- the rows


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
    monkeypatch.setattr(sparse, "DENSE_AT_ONCE", 2 * 50 * 64)
    made = []
    dense = sparse.dense
    monkeypatch.setattr(sparse, "dense", lambda x, numbers: made.append(dense(x, numbers)) or made[-1])
    settings = {"batch_size": 50, "solver": solver, **SHORT}
    full, thin = MLPClassifier(**settings).fit(X, Y), MLPClassifier(**settings).fit(layout(X), Y)
    assert np.allclose(full.coefs_[0], thin.coefs_[0], atol=1e-12)
    if solver == "adam":
        assert same(full, thin) and thin.loss_curve_ == pytest.approx(full.loss_curve_, rel=1e-13)
    assert np.allclose(full.predict_proba(X), thin.predict_proba(layout(X)), atol=1e-12)
    assert made and max(len(part) for part in made) <= 100
    regressor = MLPRegressor(**settings).fit(layout(XR), YR, sample_weight=np.arange(300) + 1)
    assert regressor.loss_ == pytest.approx(
        MLPRegressor(**settings).fit(XR, YR, sample_weight=np.arange(300) + 1).loss_
    )


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


# -------------------------------------------------------------------------------------------------- validation


def test_rows_to_validate_on_are_watched_and_change_nothing():
    train, test, y_train, y_test = train_test_split(X, Y, random_state=0)
    watched = MLPClassifier(**SHORT).fit(train, y_train, X_val=test, y_val=y_test)
    assert same(watched, MLPClassifier(**SHORT).fit(train, y_train))
    assert len(watched.validation_loss_curve_) == len(watched.validation_scores_) == 6
    assert watched.validation_scores_[-1] == watched.score(test, y_test)
    found = watched.predict_proba(test)[np.arange(len(test)), y_test]
    assert watched.validation_loss_curve_[-1] == pytest.approx(-np.log(found).mean())


def test_validation_rows_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="X_val, y_val: got one of them"):
        MLPClassifier().fit(X, Y, X_val=X)
    with pytest.raises(ValueError, match=r"X_val, y_val: got .* weights without them, needs both or none"):
        MLPClassifier().fit(X, Y, sample_weight_val=np.ones(600))
    with pytest.raises(ValueError, match=r"y: got shape \(300,\), needs 2 columns"):
        MLPRegressor(max_iter=1).fit(XR, YR, X_val=XR, y_val=YR[:, 0])
    with pytest.raises(ValueError, match="X_val: got rows for solver='lbfgs'"):
        MLPRegressor(solver="lbfgs").fit(X, Y, X_val=X, y_val=Y)
    with pytest.raises(ValueError, match="has classes not in"):
        MLPClassifier(max_iter=1).fit(X, Y, X_val=X, y_val=Y + 1)
    for labels in Y, Y % 2:
        with pytest.raises(ValueError, match=r"y: got shape \(600, 2\), needs \[rows\], as in the fit before"):
            MLPClassifier(max_iter=1).fit(X, labels, X_val=X, y_val=np.stack([Y % 2, Y % 2], axis=1))
    with pytest.raises(ValueError, match="X has 3 features"):
        MLPClassifier(max_iter=1).fit(X, Y, X_val=X[:, :3], y_val=Y)


def test_given_rows_stop_early_and_the_best_weights_come_back():
    train, test, y_train, y_test = train_test_split(X, Y, random_state=0)
    settings = {"random_state": 0, "early_stopping": True, "n_iter_no_change": 3, "max_iter": 100}
    model = MLPClassifier(**settings).fit(train, y_train, X_val=test, y_val=y_test)
    assert model.n_iter_ < 100
    assert model.score(test, y_test) == max(model.validation_scores_) == model.best_validation_score_
    last = MLPClassifier(restore_best=False, **settings).fit(train, y_train, X_val=test, y_val=y_test)
    assert last.validation_scores_ == model.validation_scores_
    assert last.score(test, y_test) == last.validation_scores_[-1]


@pytest.mark.parametrize("scoring", ["f1_macro", "neg_log_loss", "loss"])
def test_the_score_to_stop_by_is_chosen_by_name(scoring):
    x, y = datasets.load_digits(return_X_y=True, as_frame=True)
    model = MLPClassifier(random_state=0, max_iter=8, early_stopping=True, scoring=scoring).fit(x, y.astype(str))
    held = train_test_split(np.arange(len(y)), random_state=after_the_weights(model), test_size=0.1)[1]
    if scoring == "loss":
        assert model.validation_scores_ == [-loss for loss in model.validation_loss_curve_]
    elif scoring == "neg_log_loss":
        assert np.allclose(model.validation_scores_, [-loss for loss in model.validation_loss_curve_])
    else:
        truth, found = y.astype(str).iloc[held], model.predict(x.iloc[held])
        assert model.best_validation_score_ == f1_score(truth, found, average="macro")


def after_the_weights(model):
    """The random numbers as they are when rows are held out."""
    random = np.random.RandomState(0)
    for kernel in model.coefs_:
        random.uniform(size=kernel.size + kernel.shape[1])
    return random


def test_the_least_loss_can_be_kept_without_validation():
    settings = {"random_state": 0, "solver": "sgd", "learning_rate_init": 0.2, "max_iter": 12, "shuffle": False}
    model = MLPRegressor(restore_best=True, **settings).fit(XR[:20], YR[:20] / 100)
    best = int(np.argmin(model.loss_curve_))
    settings["max_iter"] = best + 1
    assert 0 < best < 11 and same(model, MLPRegressor(**settings).fit(XR[:20], YR[:20] / 100))


# -------------------------------------------------------------------------------------------------- over time


def test_a_function_is_the_schedule_of_any_solver():
    for solver in "adam", "sgd":
        settings = {"solver": solver, "batch_size": 100, **SHORT}
        constant = MLPClassifier(learning_rate=lambda step: 0.001, **settings).fit(X, Y)
        assert same(constant, MLPClassifier(**settings).fit(X, Y))
        seen = []

        def falling(step, seen=seen):
            seen.append(step)
            return 0.01 / (1 + step)

        MLPClassifier(learning_rate=falling, **settings).fit(X, Y)
        assert seen == list(range(36))


def test_a_warm_start_can_keep_the_optimizer():
    whole = MLPRegressor(random_state=0, max_iter=6, shuffle=False).fit(XR, YR)
    for keep in True, False:
        halves = MLPRegressor(random_state=0, max_iter=3, shuffle=False, warm_start=True, keep_optimizer=keep)
        halves.fit(XR, YR).fit(XR, YR)
        assert same(halves, whole) == keep


def test_callbacks_see_the_epochs_and_can_stop_them(tmp_path):
    seen = []
    told = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append((epoch, sorted(logs))))
    stop = callbacks.EarlyStopping(monitor="val_loss", patience=0, min_delta=10.0)
    log = callbacks.CSVLogger(str(tmp_path / "log.csv"))
    model = MLPClassifier(random_state=0, max_iter=9, early_stopping=True, callbacks=[told, stop, log]).fit(X, Y)
    assert model.n_iter_ == 2
    assert seen == [(0, ["loss", "val_loss", "val_score"]), (1, ["loss", "val_loss", "val_score"])]
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3
    slower = callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)
    model = MLPClassifier(callbacks=slower, **SHORT).fit(X, Y)
    assert model._optimizer.learning_rate == pytest.approx(0.001 / 2**6)
    each = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    with pytest.raises(ValueError, match="callbacks: got LambdaCallback with hooks of batches, needs hooks of epochs"):
        MLPClassifier(callbacks=each).fit(X, Y)
    backup = callbacks.BackupAndRestore(str(tmp_path / "backup.safetensors"))
    with pytest.raises(ValueError, match="callbacks: got BackupAndRestore, needs one that does not need a Sequential"):
        MLPClassifier(callbacks=backup).fit(X, Y)
    with pytest.raises(TypeError, match="callbacks: got 1"):
        MLPClassifier(callbacks=[1]).fit(X, Y)


def test_scikit_learns_callbacks_see_the_epochs():
    module = pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")
    monitor = module.ScoringMonitor(scoring="accuracy")
    model = MLPClassifier(**SHORT).set_callbacks(monitor)
    model.fit(X, Y)
    scores = [row["accuracy"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(scores) == 6 and scores[-1] == model.score(X, Y) > scores[0]

    class Stop:
        def setup(self, estimator, context): ...
        def teardown(self, estimator, context): ...
        def on_fit_task_begin(self, estimator, context): ...
        def on_fit_task_end(self, estimator, context):
            return context.task_name == "epoch" and context.task_id == 1

    assert MLPClassifier(**SHORT).set_callbacks(Stop()).fit(X, Y).n_iter_ == 2


def test_progress_is_a_bar(capsys):
    MLPClassifier(verbose="progress", **SHORT).fit(X, Y)
    printed = capsys.readouterr().out
    assert "MLPClassifier loss" in printed and "Iteration" not in printed and "100%" in printed
