"""Kinds of work that a program may do for hours, each with a model, data and errors of its own kind."""

import contextlib
import copy
import io
import os
import pickle
import signal
import threading
import warnings

import numpy as np

from fastmlp import callbacks, cli, fit_many, load_model, predict_many
from fastmlp.layers import BatchNormalization, Dense, Dropout, Input
from fastmlp.metrics import AUC
from fastmlp.models import Sequential
from fastmlp.optimizers import SGD, Adam, AdamW, Nadam
from fastmlp.optimizers.schedules import CosineDecayRestarts

QUIET = {"verbose": 0}
OPTIMIZERS = (
    lambda: SGD(0.05, momentum=0.9),
    lambda: Adam(CosineDecayRestarts(0.01, 7)),
    lambda: Nadam(0.003, gradient_accumulation_steps=2),
    lambda: AdamW(0.01, use_ema=True, clipnorm=1.0),
)
WORK = {}


def work(function):
    WORK[function.__name__] = function
    return function


def data(rng):
    """Rows of one of many shapes, and their classes."""
    rows, columns = int(rng.integers(40, 400)), int(rng.integers(2, 60))
    x = rng.normal(size=(rows, columns)).astype(rng.choice(["float32", "float64"]))
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > x[:, 0])
    return x, y


def network(rng, columns, seed=1):
    widths = rng.integers(1, 90, int(rng.integers(0, 4)))
    layers = [Input((columns,))]
    for width in widths:
        layers += [Dense(int(width), str(rng.choice(["relu", "tanh", "gelu"])))]
        layers += [BatchNormalization()] * int(rng.integers(2)) + [Dropout(0.2)] * int(rng.integers(2))
    made = Sequential([*layers, Dense(3, "softmax")], seed=seed, dtype=str(rng.choice(["float32", "float64"])))
    metrics = ["accuracy", entropy] if rng.integers(2) else None
    made.compile(OPTIMIZERS[rng.integers(len(OPTIMIZERS))](), "sparse_categorical_crossentropy", metrics)
    return made


def entropy(y_true, y_pred):
    return -np.sum(y_pred * np.log(y_pred + 1e-7), axis=-1)


def trained(rng):
    x, y = data(rng)
    made = network(rng, x.shape[1])
    made.fit(x, y, epochs=2, **QUIET)
    return made, x, y


@work
def fits(rng, folder):
    x, y = data(rng)
    made = network(rng, x.shape[1])
    watching = [
        callbacks.EarlyStopping("val_loss", patience=1, restore_best_weights=True),
        callbacks.ReduceLROnPlateau("val_loss", patience=1),
        callbacks.ModelCheckpoint(folder / "best.safetensors", save_best_only=True),
        callbacks.CSVLogger(folder / "log.csv"),
        callbacks.BackupAndRestore(folder / "backup"),
        callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None),
    ]
    if isinstance(made.optimizer, Adam):
        del watching[1]  # its schedule leaves no rate to lower
    made.fit(x, y, epochs=3, validation_split=0.2, callbacks=watching, **QUIET)


@work
def fits_batches(rng, folder):
    x, y = data(rng)
    made = network(rng, x.shape[1])
    batches = ((x[begin : begin + 16], y[begin : begin + 16]) for begin in range(0, len(x), 16))
    made.fit(batches, **QUIET)
    made.train_on_batch(x, y)
    _, gradients = made.gradients(x, y)
    made.apply_gradients(gradients)


@work
def writes_to_tensorboard(rng, folder):
    x, y = data(rng)
    network(rng, x.shape[1]).fit(x, y, epochs=2, callbacks=[callbacks.TensorBoard(folder / "board")], **QUIET)


@work
def predicts(rng, folder):
    made, x, y = trained(rng)
    for rows in rng.integers(1, len(x), 5):
        made.predict(x[:rows], **QUIET)
        made(x[:1])
    made.evaluate(x, y, **QUIET)
    made.gradients(x, y, wrt="both")
    made.vjp(x, lambda outputs: np.ones_like(outputs))


@work
def saves_and_loads(rng, folder):
    made, x, _ = trained(rng)
    expected = made.predict(x, **QUIET)
    made.save(folder / "model.safetensors")
    made.save(folder / "model.keras")
    read = [load_model(folder / f"model.{kind}", {"entropy": entropy}) for kind in ("safetensors", "keras")]
    for other in (*read, copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert other.predict(x, **QUIET).tobytes() == expected.tobytes()
    made.export(folder / "model.h")


@work
def trains_many(rng, folder):
    x, y = data(rng)
    models = [network(rng, x.shape[1], seed) for seed in range(4)]
    stopping = [[callbacks.EarlyStopping("loss", patience=1)] for _ in models]
    fit_many(models, x, y, epochs=3, callbacks=stopping, **QUIET)
    predict_many([copy.deepcopy(made) for made in models], x, voting="soft")


@work
def searches(rng, folder):
    from sklearn.model_selection import GridSearchCV

    from fastmlp.sklearn import MLPClassifier, load, save

    x, y = data(rng)
    grid = {"alpha": [1e-4, 1e-2], "activation": ["relu", "tanh"]}
    found = GridSearchCV(MLPClassifier((8,), max_iter=3, random_state=0), grid, cv=2).fit(x, y)
    save(found.best_estimator_, folder / "estimator.safetensors")
    load(folder / "estimator.safetensors").predict(x)


@work
def learns_tables(rng, folder):
    import pandas

    from fastmlp.sklearn import TableClassifier, load, save

    x, y = data(rng)
    table = pandas.DataFrame(x[:, :2], columns=["a", "b"]).assign(word=rng.choice(["x", "y", None], len(x)))
    made = TableClassifier(hidden_layer_sizes=(16,), max_iter=2, random_state=0).fit(table, y)
    save(made, folder / "table.safetensors")
    load(folder / "table.safetensors").predict(table)


@work
def runs_commands(rng, folder):
    x, y = data(rng)
    np.savez(folder / "data.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    arguments = [str(folder / "data.npz"), "--hidden", "8", "--epochs", "2", "--quiet", "--json"]
    arguments += ["--checkpoint", str(folder / "run"), "--resume", str(folder / "run")]
    arguments += ["--output", str(folder / "model.safetensors")]
    with contextlib.redirect_stdout(io.StringIO()):
        cli.main(arguments)
        cli.main(arguments)


@work
def shares_a_model(rng, folder):
    made, x, y = trained(rng)
    threads = [threading.Thread(target=made.predict, args=(x,), kwargs=QUIET) for _ in range(3)]
    for thread in threads:
        thread.start()
    made.fit(x, y, epochs=3, **QUIET)
    for thread in threads:
        thread.join()


@work
def makes_mistakes(rng, folder):
    made, x, y = trained(rng)
    (folder / "damaged.safetensors").write_bytes(rng.bytes(200))
    mistakes = [
        lambda: made.predict(x[:, 1:], **QUIET),
        lambda: made.fit(x, y[1:], **QUIET),
        lambda: made.fit(x, np.full(len(x), 7), **QUIET),
        lambda: made.fit(x, y, batch_size=-1),
        lambda: made.compile("adam", "no such loss"),
        lambda: load_model(folder / "damaged.safetensors"),
        lambda: made.set_weights([]),
        lambda: made.save(folder / "no folder" / "model.safetensors"),
        lambda: AUC(num_thresholds=1),
    ]
    for mistake in mistakes:
        try:
            mistake()
        except (ValueError, TypeError, OSError):
            continue
        raise AssertionError("a mistake without an error")


class Wrong(Exception):
    """What code of the user raises."""


@work
def breaks_off(rng, folder):
    made, x, y = trained(rng)

    def fail(batch, logs):
        raise Wrong

    def batches():
        yield x, y
        raise Wrong

    for given, hooks in ((x, [callbacks.LambdaCallback(on_train_batch_end=fail)]), (batches(), None)):
        with contextlib.suppress(Wrong):
            made.fit(given, None if hooks is None else y, callbacks=hooks, **QUIET)
    if threading.current_thread() is threading.main_thread():
        interrupt = callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: os.kill(os.getpid(), signal.SIGINT))
        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
        try:
            with contextlib.suppress(KeyboardInterrupt):
                made.fit(x, y, callbacks=[interrupt], **QUIET)
                raise AssertionError("an interrupt that is not heard")
        finally:
            signal.signal(signal.SIGINT, before)
    made.fit(x, y, **QUIET)


@work
def becomes_infinite(rng, folder):
    made, x, y = trained(rng)
    made.compile(SGD(1e30), "sparse_categorical_crossentropy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.fit(x, y, epochs=2, **QUIET)
    made.predict(x, **QUIET)
