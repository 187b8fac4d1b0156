"""Every kind of file that the library reads: how a good one is made, damaged, read, and what must work then.

What reading may do, of whatever is in a file:

================================== =====================================================================
reading                            the object, or ValueError that names the file; it opens nothing else,
                                   executes nothing, and leaves a model that it fails to change as it was
a model or estimator that was read predicts rows of its shape; is written, and read again; learns on, or
                                   ValueError for settings or labels that do not go together
a table that was read              a DataFrame, of which columns are found or ValueError
arrays, pictures                   an array of numbers
values from memory                 the object, or ValueError (`Preparation.from_data`, `model_from_json`,
                                   `from_state_dict`, `from_weights`)
================================== =====================================================================

OSError is for files that are missing or may not be read, which none of these is.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tests.hostile import mutations

ROWS = 24
X = np.random.default_rng(0).normal(size=(ROWS, 3)).round(3)
Y = np.arange(ROWS) % 3
MOST_INPUTS = 1 << 20  # of a row: wider ones are not predicted here


class Kind(NamedTuple):
    """A kind of file.

    Attributes
    ----------
    ending : str
        Of its names.
    write : function
        Writes a good one to a path.
    read : function
        Returns what is read from a path.
    use : function
        Tries what was read; whatever it raises is a finding.
    within : function
        Damages what is in the format; None for bytes alone.
    is_within : bool
        Whether damages are within the format alone, as what reads it is not the library's.
    """

    ending: str
    write: Callable[[Path], object]
    read: Callable[[Path], Any]
    use: Callable[[Any], object] = lambda found: None
    within: Callable[[bytes, Any], bytes] | None = None
    is_within: bool = False


# models


def row(compiled=True):
    from fastmlp.layers import BatchNormalization, Dense, Dropout, Input
    from fastmlp.metrics import AUC
    from fastmlp.models import Sequential
    from fastmlp.optimizers import SGD
    from fastmlp.optimizers.schedules import ExponentialDecay

    layers = [Input(3), Dense(4, "tanh"), BatchNormalization(), Dropout(0.2), Dense(3, "softmax", name="out")]
    made = Sequential(layers, seed=1)
    if compiled:
        optimizer = SGD(ExponentialDecay(0.1, 5, 0.9), momentum=0.9)
        made.compile(optimizer, "categorical_crossentropy", metrics=["accuracy", AUC(20)])
        made.fit(X, np.eye(3)[Y], verbose=0)
    return made


def graph():
    from fastmlp import layers
    from fastmlp.models import Model

    words, numbers = layers.Input((2,), name="words"), layers.Input((3,), name="numbers")
    found = layers.Flatten()(layers.Embedding(5, 2)(words))
    joined = layers.Concatenate()([found, layers.Normalization(mean=0.5, variance=2.0)(numbers)])
    hidden = layers.Dense(4, "relu", kernel_regularizer="l2", kernel_constraint="max_norm")(joined)
    skipped = layers.Add()([hidden, layers.Dense(4)(joined)])
    made = Model([words, numbers], [layers.Dense(3, "softmax", name="a")(skipped), layers.Dense(1, name="b")(hidden)])
    made.compile("nadam", ["sparse_categorical_crossentropy", "huber"], metrics=[["accuracy"], ["mae"]])
    made.fit([Y[:, None] * [1, 1], X], [Y, X[:, 0]], verbose=0)
    return made


def nested():
    """Models in a model, with a layer in both and a frozen one."""
    from fastmlp.layers import Dense, Input, LayerNormalization, PReLU
    from fastmlp.models import Model, Sequential

    shared = Dense(3, "tanh", name="shared")
    first = Sequential([Input(3), shared, PReLU(), Dense(3, trainable=False)], name="first")
    inputs = Input(3)
    second = Model(inputs, Dense(3, "softmax")(LayerNormalization()(shared(shared(inputs)))), name="second")
    outer = Input(3, name="rows")
    made = Model(outer, second(first(outer, training=False)))
    made.compile("adamw", "sparse_categorical_crossentropy")
    made.fit(X, Y, verbose=0)
    return made


def saved(make):
    return lambda path: make().save(path)


def read_model(path):
    from fastmlp.models import load_model

    return load_model(path)


def inputs_of(model):
    """Two rows for a model, or None where they would be many numbers."""
    shapes = model.input_shape
    shapes = shapes if isinstance(shapes, list) else list(shapes.values()) if isinstance(shapes, dict) else [shapes]
    if any(None in shape[1:] or np.prod(shape[1:], dtype=float) > MOST_INPUTS for shape in shapes):
        return None
    rows = [np.zeros((2, *shape[1:])) for shape in shapes]
    return rows[0] if len(rows) == 1 else rows


def use_model(model):
    """Predict, write it, and learn on."""
    from fastmlp.models import load_model

    if not model.built:
        return
    rows = inputs_of(model)
    if rows is None or model.count_params() > MOST_INPUTS:  # which JSON alone asks for, that has no weights
        return
    found = model.predict(rows, verbose=0)
    found = list(found.values()) if isinstance(found, dict) else found if isinstance(found, list) else [found]
    assert all(len(one) == 2 for one in found)
    if not model.weights:
        return
    path = Path(SCRATCH, "again.safetensors")
    model.save(path)
    again = load_model(path).get_weights()
    assert all(a.tobytes() == b.tobytes() for a, b in zip(model.get_weights(), again, strict=True))
    if model.optimizer is not None and len(found) == 1 and not isinstance(model.output_shape, (list, dict)):
        try:
            model.train_on_batch(rows, np.zeros_like(found[0]))
        except ValueError as error:
            assert str(error), "ValueError without a word"


def read_into(make, read):
    """What reads weights into a model, or leaves it as it was."""

    def taken(path):
        model = GOOD.get(make) or GOOD.setdefault(make, make())
        before = model.get_weights()
        try:
            read(model, path)
        except Exception:
            assert_same(before, model.get_weights())
            raise
        return model

    return taken


GOOD: dict[Any, Any] = {}  # models that weights are read into
SCRATCH = "."  # folder for what is written


def assert_same(before, after):
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, after, strict=True)), "weights were changed"


def predicts(model):
    assert len(model.predict(inputs_of(model), verbose=0)) == 2


def write_weights(path):
    row().save_weights(path)


def load_weights(model, path):
    model.load_weights(path)


def load_fitting(model, path):
    model.load_weights(path, skip_mismatch=True)


def load_by_name(model, path):
    model.load_weights(path, by_name=True)


# runs that go on


def run(callback):
    """Fit a model for an epoch more than one that was killed, with a callback that goes on from its file."""
    from fastmlp import callbacks

    model = row()
    before = model.get_weights()
    logger = callbacks.CSVLogger(Path(SCRATCH, "log.csv"))
    watchers = [callbacks.ReduceLROnPlateau("loss"), callbacks.EarlyStopping("loss", restore_best_weights=True), logger]
    try:
        with np.errstate(all="ignore"):
            model.fit(X, np.eye(3)[Y], 16, 2, 0, [*watchers, callback])
    except Exception:
        logger.close()
        assert_same(before, model.get_weights())
        raise
    return model


def write_backup(path):
    from fastmlp import callbacks
    from fastmlp.data.files import MODEL, write

    class Backup(callbacks.BackupAndRestore):
        def on_epoch_end(self, epoch, logs=None):
            write(path, MODEL, *self.backup(1))

    run(Backup(path.parent / "none", delete_checkpoint=False))


def read_backup(path):
    from fastmlp import callbacks

    found = callbacks.BackupAndRestore(path.parent, delete_checkpoint=False)
    found.path = path
    found.on_epoch_end = lambda epoch, logs=None: None
    return run(found)


def checkpoints(path):
    """What reads one checkpoint and writes none."""
    from fastmlp.commands.checkpoints import CHECKPOINT, Checkpoints, content
    from fastmlp.data.files import read

    class Reading(Checkpoints):
        def on_train_begin(self, logs=None):
            self.take_over(*read(path, CHECKPOINT, content))

        def write_latest(self):
            pass

    return Reading(path.parent, None, 1, {"seed": 0})


def write_checkpoint(path):
    from fastmlp.commands.checkpoints import CHECKPOINT
    from fastmlp.data.files import write

    keeper = checkpoints(path)
    keeper.on_train_begin = lambda logs=None: None
    keeper.on_train_end = lambda logs=None: None
    run(keeper)
    _, header, tensors = keeper.latest
    write(path, CHECKPOINT, {**header, "epoch": 1}, tensors)


def read_checkpoint(path):
    """Go on from a folder with this checkpoint, as the command does."""
    from fastmlp.commands.checkpoints import Checkpoints

    folder = Path(SCRATCH, "checkpoints")
    folder.mkdir(exist_ok=True)
    named = folder / "checkpoint-000001.safetensors"
    named.write_bytes(path.read_bytes())
    keeper = Checkpoints(folder, folder, 10**6, {"seed": 0})
    keeper.write_latest = lambda: None
    try:
        return run(keeper)
    except ValueError as error:
        raise ValueError(str(error).replace(str(folder), str(path))) from error


def append_log(path):
    """Go on in a file of CSVLogger."""
    from fastmlp import callbacks

    logger = callbacks.CSVLogger(path, append=True)
    try:
        model = row()
        model.fit(X[:4], np.eye(3)[Y[:4]], verbose=0, callbacks=[logger])
    finally:
        logger.close()
    return model


# estimators


def classifier():
    from fastmlp.sklearn import MLPClassifier

    names = np.array(["ant", "bee", "cat"])
    settings = {"batch_norm": True, "dropout": [0.1, 0.2], "class_weight": {"ant": 2.0}, "dtype": "float32"}
    return MLPClassifier((4, 2), max_iter=2, random_state=0, early_stopping=True, validation_fraction=0.3,
                         **settings).fit(X, names[Y])  # fmt: skip


def several_classes():
    from fastmlp.sklearn import MLPClassifier

    return MLPClassifier((4,), solver="sgd", max_iter=2, random_state=0).fit(X, np.stack([Y, Y + 5 == 6], axis=1))


def regressor():
    from fastmlp.sklearn import MLPRegressor

    return MLPRegressor(
        hidden_layer_sizes=(3,), solver="sgd", learning_rate="invscaling", max_iter=2, random_state=0
    ).fit(X, Y)


def quasi_newton():
    from fastmlp.sklearn import MLPRegressor

    return MLPRegressor(hidden_layer_sizes=np.array([3]), solver="lbfgs", max_iter=2, random_state=0).fit(
        X, np.stack([Y, Y], axis=1)
    )


def ensemble_classifier():
    from fastmlp.sklearn import MLPEnsembleClassifier

    return MLPEnsembleClassifier(2, hidden_layer_sizes=(4,), max_iter=2, random_state=0).fit(X, Y)


def ensemble_regressor():
    from fastmlp.sklearn import MLPEnsembleRegressor

    return MLPEnsembleRegressor(2, hidden_layer_sizes=(4,), max_iter=2, random_state=0).fit(X, Y * 1.0)


def frame(rows=ROWS):
    import polars as pl

    days = [f"2024-01-{1 + number % 28:02d}" for number in range(rows)]
    columns = {"a": X[:rows, 0], "word": [["x", "y", "z", None][n % 4] for n in range(rows)], "yes": Y[:rows] > 0}
    return pl.DataFrame({**columns, "day": days}).with_columns(pl.col("day").str.to_date())


def table_classifier():
    from fastmlp.sklearn import TableClassifier

    return TableClassifier(hidden_layer_sizes=(4,), n_estimators=2, max_iter=2, random_state=0).fit(frame(), Y)


def table_regressor():
    from fastmlp.sklearn import TableRegressor

    return TableRegressor(hidden_layer_sizes=(4,), n_estimators=1, max_iter=2, random_state=0).fit(frame(), Y * 1.0)


def write_estimator(make):
    def write(path):
        from fastmlp.sklearn import save

        save(make(), path)

    return write


def read_estimator(path):
    from fastmlp.sklearn import load

    return load(path)


def use_estimator(estimator):
    """Predict, write it, and learn on."""
    from fastmlp import sklearn as ours

    if isinstance(estimator, (ours.TableClassifier, ours.TableRegressor)):
        rows = frame(2)
        assert set(estimator.preparation_.columns_) - set(rows.columns) or len(estimator.predict(rows)) == 2
    elif estimator.n_features_in_ <= MOST_INPUTS:
        rows = np.zeros((2, estimator.n_features_in_))
        labels = estimator.predict(rows)
        assert len(labels) == 2
        if hasattr(estimator, "predict_proba"):
            estimator.predict_proba(rows)
        if isinstance(estimator, (ours.MLPClassifier, ours.MLPRegressor)) and estimator.solver != "lbfgs":
            try:
                estimator.partial_fit(rows, labels)
            except ValueError as error:
                assert str(error), "ValueError without a word"
            except AttributeError as error:
                assert "early_stopping" in str(error) or "not stochastic" in str(error), error
            return
    path = Path(SCRATCH, "again.safetensors")
    ours.save(estimator, path)
    ours.load(path)


def write_preparation(path):
    from fastmlp.tables import Preparation

    path.write_text(json.dumps(Preparation().fit(frame()).to_data()))


def read_preparation(path):
    from fastmlp.tables import Preparation

    try:
        data = json.loads(path.read_bytes())
    except RecursionError as error:
        raise ValueError("no JSON for Python") from error
    return Preparation.from_data(data)


def use_preparation(preparation):
    if not set(preparation.columns_) - set(frame().columns):
        numbers, places = preparation.transform(frame())
        assert numbers.shape == (ROWS, preparation.width_) and places.shape == (ROWS, len(preparation.codes_))
    json.dumps(preparation.to_data())


# weights of other libraries


def write_state(path):
    from safetensors.numpy import save_file

    from fastmlp.export.pytorch import to_state_dict

    save_file(to_state_dict(row()), path)


def read_state(model, path):
    from safetensors.numpy import load_file

    from fastmlp.export.pytorch import from_state_dict

    from_state_dict(model, load_file(path))


def write_named(path):
    from safetensors.numpy import save_file

    from fastmlp.export.keras import to_weights

    save_file(to_weights(row()), path)


def read_named(model, path):
    from safetensors.numpy import load_file

    from fastmlp.export.keras import from_weights

    from_weights(model, load_file(path))


def of_arrays_alone(content, random):
    """Other arrays in a safetensors file that its own library can read."""
    length = int.from_bytes(content[:8], "little")
    arrays = mutations.arrays_of(json.loads(content[8 : 8 + length]), content[8 + length :])
    for _ in range(random.choice((1, 1, 2, 5))):
        arrays = mutations.of_arrays(arrays, random)
    described, data = mutations.described_arrays(arrays, {})
    text = json.dumps(described).encode()
    return len(text).to_bytes(8, "little") + text + data


def read_json(path):
    from fastmlp.models import model_from_json

    return model_from_json(path.read_bytes().decode())


# arrays


def write_idx(path):
    from fastmlp.datasets.idx import write_idx as write

    write(path, np.arange(120, dtype=np.int16).reshape(4, 5, 6))


def read_idx(path):
    from fastmlp.datasets.idx import other_kind
    from fastmlp.datasets.idx import read_idx as read

    other_kind(path)
    return read(path)


def write_npz(names):
    def write(path):
        arrays = {"x": X, "y": Y, "x_train": X, "y_train": Y, "x_test": X[:6], "y_test": Y[:6]}
        memory = io.BytesIO()
        np.savez(memory, **{name: arrays[name] for name in names})
        path.write_bytes(memory.getvalue())

    return write


def read_npz(path):
    from fastmlp.data.numpy_files import axes_of
    from fastmlp.datasets.npz import load_npz

    axes_of(path, "x_train")
    return load_npz(path)


def use_arrays(found):
    for x, y in found:
        assert len(x) == len(y) and x.dtype.kind in "biuf"


def read_rows(path):
    from fastmlp.commands.rows import read

    return read(path, str(path), (3,))


def write_picture(path):
    from PIL import Image

    Image.fromarray((np.arange(64) * 4).astype(np.uint8).reshape(8, 8)).save(path)


def read_picture(path):
    from PIL import Image

    Image.init()  # imports all formats
    from fastmlp.datasets.pictures import read_pictures

    return read_pictures([path], (8, 8))


# tables


def text(separator=",", encoding="utf-8"):
    def write(path):
        memory = io.StringIO()
        writer = csv.writer(memory, delimiter=separator, lineterminator="\n")
        writer.writerows([frame().columns, *frame().rows()])
        content = memory.getvalue().encode(encoding)
        path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)

    return write


def write_lines(path):
    lines = "".join(json.dumps(item, default=str) + "\n" for item in frame().to_dicts()).encode()
    path.write_bytes(gzip.compress(lines, mtime=0) if path.suffix == ".gz" else lines)


def write_parquet(path):
    frame().write_parquet(path, compression="zstd")


def write_npy(path):
    np.save(path, X)


def read_table(path):
    from fastmlp import tables

    return tables.read(path)


def read_some(path):
    """Read a table some rows at a time."""
    import polars as pl

    from fastmlp import tables

    return pl.concat([tables.read(path)[:0], *tables.read_batches(path, 5)])


def use_table(table):
    """Find its columns, and prepare them."""
    import polars as pl

    from fastmlp import tables

    assert isinstance(table, pl.DataFrame)
    if table.width > 50:
        return
    try:
        preparation = tables.Preparation().fit(table)
        preparation.transform(table)
    except (ValueError, TypeError) as error:
        assert str(error), "an error without a word"


HDF5, SAFE, ZIP = mutations.of_hdf5, mutations.of_safetensors, mutations.of_zip
CELLS, LINES = mutations.of_cells(), mutations.of_json_lines
COMMAS = mutations.of_cells

KINDS = {
    "model: layers in a row": Kind(".safetensors", saved(row), read_model, use_model, SAFE),
    "model: graph": Kind(".safetensors", saved(graph), read_model, use_model, SAFE),
    "model: models in a model": Kind(".safetensors", saved(nested), read_model, use_model, SAFE),
    "weights": Kind(".safetensors", write_weights, read_into(row, load_weights), predicts, SAFE),
    "weights that fit": Kind(".safetensors", saved(row), read_into(row, load_fitting), predicts, SAFE),
    "weights by name": Kind(".safetensors", saved(row), read_into(row, load_by_name), predicts, SAFE),
    "backup of fit": Kind(".safetensors", write_backup, read_backup, use_model, SAFE),
    "checkpoint of fastmlp-train": Kind(".safetensors", write_checkpoint, read_checkpoint, use_model, SAFE),
    "log of CSVLogger": Kind(".csv", lambda path: path.write_text("epoch,loss\n0,1.5\n"), append_log, within=CELLS),
    "MLPClassifier": Kind(".safetensors", write_estimator(classifier), read_estimator, use_estimator, SAFE),
    "MLPClassifier, many outputs": Kind(
        ".safetensors", write_estimator(several_classes), read_estimator, use_estimator, SAFE
    ),
    "MLPRegressor": Kind(".safetensors", write_estimator(regressor), read_estimator, use_estimator, SAFE),
    "MLPRegressor, lbfgs": Kind(".safetensors", write_estimator(quasi_newton), read_estimator, use_estimator, SAFE),
    "MLPEnsembleClassifier": Kind(
        ".safetensors", write_estimator(ensemble_classifier), read_estimator, use_estimator, SAFE
    ),
    "MLPEnsembleRegressor": Kind(
        ".safetensors", write_estimator(ensemble_regressor), read_estimator, use_estimator, SAFE
    ),
    "TableClassifier": Kind(".safetensors", write_estimator(table_classifier), read_estimator, use_estimator, SAFE),
    "TableRegressor": Kind(".safetensors", write_estimator(table_regressor), read_estimator, use_estimator, SAFE),
    "Preparation": Kind(".json", write_preparation, read_preparation, use_preparation, mutations.of_json_text, True),
    "Keras .keras": Kind(".keras", saved(nested), read_model, use_model, ZIP),
    "Keras .keras, layers in a row": Kind(".keras", saved(row), read_model, use_model, ZIP),
    "Keras .h5": Kind(".h5", saved(row), read_model, use_model, HDF5),
    "Keras .h5, graph": Kind(".h5", saved(graph), read_model, use_model, HDF5),
    "Keras .weights.h5": Kind(".weights.h5", write_weights, read_into(row, load_weights), predicts, HDF5),
    "Keras .h5 by name": Kind(".h5", saved(row), read_into(row, load_by_name), predicts, HDF5),
    "Keras .h5 that fits": Kind(".h5", saved(row), read_into(row, load_fitting), predicts, HDF5),
    "JSON of a model": Kind(
        ".json", lambda path: path.write_text(nested().to_json()), read_json, use_model, mutations.of_json_text, True
    ),
    "PyTorch's state dict": Kind(
        ".safetensors", write_state, read_into(row, read_state), predicts, of_arrays_alone, True
    ),
    "Keras' weights by name": Kind(
        ".safetensors", write_named, read_into(row, read_named), predicts, of_arrays_alone, True
    ),
    "IDX": Kind(".idx", write_idx, read_idx, within=mutations.of_idx),
    "IDX, gzip": Kind(".idx.gz", write_idx, read_idx, within=mutations.of_gzip(mutations.of_idx)),
    "NPZ of a dataset": Kind(".npz", write_npz(("x_train", "y_train", "x_test", "y_test")), read_npz, use_arrays, ZIP),
    "NPZ of x and y": Kind(".npz", write_npz(("x", "y")), read_npz, use_arrays, ZIP),
    "NPY of rows to predict": Kind(".npy", write_npy, read_rows, within=mutations.of_npy),
    "CSV of rows to predict": Kind(".csv", lambda path: np.savetxt(path, X, delimiter=","), read_rows, within=CELLS),
    "PNG": Kind(".png", write_picture, read_picture, within=mutations.of_png),
    "table: CSV": Kind(".csv", text(), read_table, use_table, CELLS),
    "table: CSV, some rows at a time": Kind(".csv", text(), read_some, use_table, CELLS),
    "table: TSV": Kind(".tsv", text("\t"), read_table, use_table, CELLS),
    "table: CSV, UTF-16": Kind(".csv", text(",", "utf-16"), read_table, use_table, COMMAS("utf-16")),
    "table: CSV, gzip": Kind(".csv.gz", text(), read_table, use_table, mutations.of_gzip(CELLS)),
    "table: JSON lines": Kind(".jsonl", write_lines, read_table, use_table, LINES),
    "table: JSON lines, gzip": Kind(".jsonl.gz", write_lines, read_table, use_table, mutations.of_gzip(LINES)),
    "table: Parquet": Kind(".parquet", write_parquet, read_table, use_table, mutations.of_parquet),
    "table: NPY": Kind(".npy", write_npy, read_table, use_table, mutations.of_npy),
    "table: NPZ": Kind(".npz", write_npz(("x", "y")), read_table, use_table, ZIP),
    **{
        kind: Kind(ending, write_picture, read_picture)
        for kind, ending in (("JPEG", ".jpg"), ("GIF", ".gif"), ("BMP", ".bmp"), ("WebP", ".webp"), ("TIFF", ".tif"))
    },
}


def quiet():
    """Say nothing of warnings, which damaged files may give any number of."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
