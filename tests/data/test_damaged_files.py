"""Damaged files, of models and of estimators: a ValueError that names the file, or an object that works."""

import copy
import json
import math
import tracemalloc
import warnings

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from fastmlp.layers import BatchNormalization, Dense, Dropout, Input
from fastmlp.metrics import AUC
from fastmlp.models import Model, Sequential, load_model
from fastmlp.optimizers import SGD
from fastmlp.optimizers.schedules import ExponentialDecay

pytest.importorskip("sklearn", reason="needs scikit-learn")
from fastmlp import sklearn as estimators
from fastmlp.sklearn import MLPClassifier, MLPRegressor

X = np.random.default_rng(0).random((24, 3))
Y = np.arange(24) % 3
SMALL = {"hidden_layer_sizes": (4, 2), "max_iter": 2, "random_state": 0}


def model():
    layers = [Input(3), Dense(4, "tanh"), BatchNormalization(), Dropout(0.2), Dense(3, "softmax", name="out")]
    made = Sequential(layers, seed=1)
    optimizer = SGD(ExponentialDecay(0.1, 5, 0.9), momentum=0.9)
    made.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"])
    made.fit(X, Y, verbose=0)
    return made


def binary_model():
    made = Sequential([Input((3,)), Dense(1, "sigmoid", kernel_regularizer="l2")], seed=1, dtype="float64")
    made.compile("adam", "binary_crossentropy", metrics=[AUC(20)])
    made.fit(X, Y > 0, verbose=0)
    return made


def classifier():
    names = np.array(["ant", "bee", "cat"])
    settings = {"batch_norm": True, "dropout": [0.1, 0.2], "class_weight": {"ant": 2.0}, "dtype": "float32"}
    return MLPClassifier(early_stopping=True, validation_fraction=0.3, **settings, **SMALL).fit(X, names[Y])


def binary_classifier():
    return MLPClassifier(solver="sgd", learning_rate="adaptive", activation=["tanh", "gelu"], **SMALL).fit(X, Y > 1)


def many_classes():
    return MLPClassifier(solver="sgd", momentum=0, **SMALL).fit(X, np.stack([Y, Y + 5 == 6], axis=1))


def several_labels():
    return MLPClassifier(class_weight=[{0: 1.0, 1: 3.0}] * 2, **SMALL).fit(X, np.stack([Y > 0, Y == 1], axis=1) * 1)


def regressor():
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    return MLPRegressor(loss="poisson", solver="sgd", learning_rate="invscaling", **SMALL).fit(frame, Y)


def quasi_newton():
    return MLPRegressor(hidden_layer_sizes=np.array([3]), solver="lbfgs", max_iter=2, random_state=0).fit(
        X, np.stack([Y, Y], axis=1)
    )


def graph():
    """Models in a model, with a layer in both and a frozen one."""
    shared = Dense(3, "tanh", name="shared")
    first = Sequential([Input(3), shared, Dense(3, trainable=False)], name="first")
    inputs = Input(3)
    second = Model(inputs, Dense(3, "softmax")(shared(shared(inputs))), name="second")
    outer = Input(3, name="rows")
    made = Model(outer, second(first(outer, training=False)))
    made.compile("adam", "sparse_categorical_crossentropy")
    made.fit(X, Y, verbose=0)
    return made


MODELS = (model, binary_model, graph)
ALL = [*MODELS, classifier, binary_classifier, many_classes, several_labels, regressor, quasi_newton]
# What learning may say to settings that it could have been given, for these rows.
REFUSALS = (
    "non-finite",
    "does not support early_stopping",
    "got 'balanced' for partial_fit",
    "is not stochastic",
    "not in class_weight",
)


@pytest.fixture(scope="module", params=ALL, ids=lambda make: make.__name__)
def saved(request, tmp_path_factory):
    """A file, what loads it, and a function that tries what was loaded."""
    path = tmp_path_factory.mktemp("files") / "saved.safetensors"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = request.param()
    if request.param in MODELS:
        made.save(path)
        return path, load_model, try_model
    estimators.save(made, path)
    return path, estimators.load, try_estimator


def try_model(loaded, learn=True):
    rows = np.ones((2, *loaded.input_shape[1:]))
    assert loaded.predict(rows, verbose=0).shape[0] == 2
    if learn and loaded.optimizer is not None and loaded.loss is not None:
        loaded.train_on_batch(rows, np.zeros((2, 1)))


def try_estimator(loaded, learn=True):
    rows = np.ones((2, loaded.n_features_in_))
    labels = loaded.predict(rows)
    assert len(labels) == 2
    if isinstance(loaded, MLPClassifier):
        loaded.predict_proba(rows)
    if learn and loaded.solver != "lbfgs":
        loaded.partial_fit(rows, labels)


def loads_or_names_the_file(path, load, attempt, learn=True):
    """Whether a file is loaded; then what it has works, else it is a ValueError that names the file."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            loaded = load(path)
        except ValueError as error:
            assert type(error) is ValueError and f"path: got {str(path)!r}, needs a " in str(error)
            return False
        try:
            attempt(loaded, learn)
        except (ValueError, AttributeError) as error:
            assert learn and any(text in str(error) for text in REFUSALS), error
    return True


def taken_apart(path):
    with safe_open(path, framework="np") as file:
        header = json.loads(file.metadata()["fastmlp"])
    del header["checksum"]  # as older files have none: what is wrong besides is to be found
    return header, load_file(path)


def put_together(path, header, tensors):
    save_file(tensors, path, {"fastmlp": json.dumps(header)})


@pytest.mark.parametrize("saved", [binary_model, quasi_newton], indirect=True)
def test_a_truncated_file(saved, tmp_path):
    path, load, attempt = saved
    content, cut = path.read_bytes(), tmp_path / "cut.safetensors"
    end = 8 + int.from_bytes(content[:8], "little")
    assert loads_or_names_the_file(path, load, attempt)
    for length in [*range(end + 1), *range(end + 1, len(content), 7), len(content) - 1]:
        cut.write_bytes(content[:length])
        assert not loads_or_names_the_file(cut, load, attempt)


def test_flipped_bits(saved, tmp_path):
    path, load, attempt = saved
    content, other = path.read_bytes(), tmp_path / "other.safetensors"
    end = 8 + int.from_bytes(content[:8], "little")
    random = np.random.default_rng(1)
    loaded = 0
    for turn in range(600):
        damaged = bytearray(content)
        place = random.integers(end if turn % 3 else len(content))
        damaged[place] = damaged[place] ^ (1 << random.integers(8)) if turn % 2 else random.integers(256)
        other.write_bytes(damaged)
        loaded += loads_or_names_the_file(other, load, attempt, learn=False)
    assert loaded < 60  # of which nearly all are as they were


def test_flipped_bits_of_weights(saved, tmp_path):
    path, load, _ = saved
    content, other = path.read_bytes(), tmp_path / "other.safetensors"
    end = 8 + int.from_bytes(content[:8], "little")
    for place in np.random.default_rng(1).integers(end, len(content), 40):
        damaged = bytearray(content)
        damaged[place] ^= 1 << (place % 8)
        other.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"other\.safetensors', needs a "):
            load(other)


def places(value, keys=()):
    """The paths to everything in a header."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*keys, key)
        yield from places(item, (*keys, key))


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


MISSING = object()
HOSTILE = [
    *[MISSING, None, True, False, -1, 0, 1, 3, 10**9, 2**63, 10**400, 1e308, math.nan, math.inf, -math.inf],
    *["", "x", "\ud800", "predict", "MLPRegressor", "Lambda", [], [[1], [2, 3]], nested(200), [0.5] * 3, ["a", "b"]],
    *[{}, {"x": 1}, {"numbers": "coefs_.0"}, {"text": "coefs_.0"}, {"tuple": [1]}, {"objects": [[1], "a"]}],
    *[{"dict": [["a", 1]]}, {"dict": [[[], 1]]}, {"class_name": "Lambda", "config": {}}],
]


def put(header, keys, value):
    """A header with another value at one place, or without it."""
    edited = copy.deepcopy(header)
    inner = edited
    for key in keys[:-1]:
        inner = inner[key]
    if value is MISSING:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value
    return edited


def test_each_entry_of_the_header(saved, tmp_path):
    path, load, attempt = saved
    header, tensors = taken_apart(path)
    other = tmp_path / "other.safetensors"
    for turn, keys in enumerate(places(header)):
        for value in HOSTILE[turn % 3 :: 3]:  # a third of them here, the others at its neighbours
            put_together(other, put(header, keys, value), tensors)
            loads_or_names_the_file(other, load, attempt)


def test_a_header_asks_for_no_memory_that_the_file_has_not(saved, tmp_path):
    path, load, attempt = saved
    header, tensors = taken_apart(path)
    other = tmp_path / "other.safetensors"
    for keys in places(header):
        for value in (10**9,) if isinstance(keys[-1], int) else (10**9, [10**8, 10**8]):
            put_together(other, put(header, keys, value), tensors)
            tracemalloc.start()
            loads_or_names_the_file(other, load, attempt)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 2**23, (keys, value)


def test_each_tensor(saved, tmp_path):
    path, load, attempt = saved
    header, tensors = taken_apart(path)
    other = tmp_path / "other.safetensors"
    for name, array in tensors.items():
        flat = array.reshape(-1)
        others = [array[None], array[..., None], array[:0], array[:-1], np.concatenate([flat, flat]), array.sum()]
        others += [array.astype(dtype) for dtype in ("f2", "f4", "f8", "i4", "u1", "?") if array.dtype != dtype]
        others += [flat] if array.ndim > 1 else []
        others += [array.T.copy()] if array.shape != array.T.shape else []
        for each in others:
            put_together(other, header, {**tensors, name: np.asarray(each)})
            loads = loads_or_names_the_file(other, load, attempt)
            assert not loads or name.startswith(("classes_", "hidden_layer_sizes")), (name, each)
        rest = {key: value for key, value in tensors.items() if key != name}
        for edited in (rest, {**rest, f"{name}x": array}, {**tensors, f"{name}x": array}):
            put_together(other, header, edited)
            assert not loads_or_names_the_file(other, load, attempt), name


def test_a_file_of_the_other_kind(tmp_path):
    path = tmp_path / "saved.safetensors"
    model().save(path)
    with pytest.raises(
        ValueError, match=r"path: got .*, needs a file of fastmlp.sklearn.save: kind: got 'model', needs"
    ):
        estimators.load(path)
    estimators.save(quasi_newton(), path)
    for load in (load_model, model().load_weights):
        with pytest.raises(ValueError, match=r"filepath: got .*, needs a model file of fastmlp: kind: got 'estimator'"):
            load(path)


def test_an_estimators_file_of_the_older_form(tmp_path):
    path = tmp_path / "older.safetensors"
    described = {"format": "fastmlp.sklearn 1", "class": "MLPRegressor", "attributes": "{}"}
    save_file({"coefs_.0": np.zeros((2, 2))}, path, described)
    with pytest.raises(ValueError, match=r"path: got .*, needs a file of fastmlp.sklearn.save: .*of an older form"):
        estimators.load(path)


def test_weights_of_a_file_that_is_not_what_was_written_are_not_taken(tmp_path):
    path, made = tmp_path / "saved.safetensors", model()
    made.save_weights(path)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    made.set_weights([weights + 1 for weights in made.get_weights()])
    before = made.get_weights()
    with pytest.raises(ValueError, match="its content is not that of its checksum"):
        made.load_weights(path)
    assert all(map(np.array_equal, before, made.get_weights()))
