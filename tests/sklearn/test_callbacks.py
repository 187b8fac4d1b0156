"""What watches and steers the epochs of an estimator: schedules, warm starts, callbacks, a bar."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

from sklearn import config_context
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastmlp import callbacks
from fastmlp.sklearn import MLPClassifier, MLPRegressor, load
from tests.sklearn.small_fits import SHORT, XR, YR, X, Y, same

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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


def test_callbacks_know_that_a_score_grows():
    stops = {name: callbacks.EarlyStopping(name, patience=9) for name in ("loss", "val_loss", "val_score")}
    MLPClassifier(random_state=0, max_iter=3, early_stopping=True, callbacks=list(stops.values())).fit(X, Y)
    assert {name: stop.grows for name, stop in stops.items()} == {"loss": False, "val_loss": False, "val_score": True}
    with pytest.raises(ValueError, match="mode: got 'auto' for 'val_f1', which is no loss and no metric that tells"):
        MLPClassifier(callbacks=callbacks.EarlyStopping("val_f1"), **SHORT).fit(X, Y)


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


def small(**settings):
    return MLPClassifier(hidden_layer_sizes=(4,), random_state=0, max_iter=2, **settings)


AROUND = {
    "pipeline": lambda model: make_pipeline(StandardScaler(), model),
    "grid": lambda model: GridSearchCV(model, {"alpha": [1, 2]}, cv=2, error_score="raise"),
    "random": lambda model: RandomizedSearchCV(model, {"alpha": [1, 2, 3]}, n_iter=2, cv=2, error_score="raise"),
    "both": lambda model: GridSearchCV(
        make_pipeline(StandardScaler(), model), {"mlpclassifier__alpha": [1, 2]}, cv=2, error_score="raise"
    ),
    "bagging": lambda model: BaggingClassifier(model, 2),
    "voting": lambda model: VotingClassifier([("one", model), ("two", model)]),
}


@pytest.mark.parametrize("around", AROUND)
def test_callbacks_work_inside_of_other_estimators(around, tmp_path):
    of_all = [
        callbacks.ModelCheckpoint(tmp_path / "{epoch}.safetensors"),
        callbacks.EarlyStopping("loss", patience=9),
        callbacks.ReduceLROnPlateau("loss"),
        callbacks.CSVLogger(tmp_path / "log.csv"),
        callbacks.LearningRateScheduler(lambda epoch, rate: rate),
        callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None),
        callbacks.TerminateOnNaN(),
    ]
    whole = AROUND[around](small(callbacks=of_all)).fit(X, Y)
    assert whole.predict(X[:3]).shape == (3,)
    assert load(tmp_path / "2.safetensors").predict(X[:3] * 1.0).shape == (3,)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.safetensors", "2.safetensors", "log.csv"]


def test_what_routes_metadata_is_not_in_a_file(tmp_path):
    with config_context(enable_metadata_routing=True):
        model = small(callbacks=callbacks.ModelCheckpoint(tmp_path / "it.safetensors"))
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        GridSearchCV(model, {"alpha": [1]}, cv=2, error_score="raise").fit(X, Y, sample_weight=np.ones(len(Y)))
    assert load(tmp_path / "it.safetensors").get_params()["alpha"] == 1


def test_a_checkpoint_of_keras_files_is_for_models(tmp_path):
    with pytest.raises(ValueError, match="callbacks: got ModelCheckpoint, needs one that does not need a Sequential"):
        MLPClassifier(callbacks=[callbacks.ModelCheckpoint(tmp_path / "model.keras")]).fit([[0.0], [1.0]], [0, 1])
    assert not list(tmp_path.iterdir())
