"""Weights of rows and of classes: in fit, evaluate, gradients and on one batch, as Keras has them."""

import functools

import numpy as np
import pytest

from fastmlp.callbacks import Callback
from fastmlp.data.sample_weights import class_weights
from fastmlp.layers import Dense, Dropout, Input
from fastmlp.metrics import AUC
from fastmlp.models import Sequential
from fastmlp.optimizers import SGD
from reference.network import Network as Oracle
from tests import keras_values as keras

RANDOM = np.random.default_rng(5)
X, LABELS, WEIGHTS = RANDOM.normal(size=(50, 4)), RANDOM.integers(0, 3, 50), RANDOM.uniform(0, 3, 50)
LOSSES = {"sparse": "sparse_categorical_crossentropy", "onehot": "categorical_crossentropy"}


def make(units=3, loss="sparse_categorical_crossentropy", metrics=("accuracy",), weighted=(), **settings):
    layers = [Input((4,)), Dense(5, "tanh"), Dropout(settings.pop("rate", 0.0)), Dense(units, "softmax")]
    model = Sequential(layers, seed=3, dtype=settings.pop("dtype", "float64"))
    model.compile("sgd", loss, list(metrics), weighted_metrics=list(weighted))
    return model


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("kind", "what", "history", "size"), keras.FITS, ids=[f"{row[0]}-{row[1]}" for row in keras.FITS]
)
def test_training_is_that_of_keras(kind, what, history, size):
    units = 1 if kind == "binary" else 3
    model = Sequential(
        [Input((4,)), Dense(3, "tanh"), Dense(units, "sigmoid" if kind == "binary" else "softmax")], dtype="float64"
    )
    more, weighted = ([], ["accuracy"]) if kind == "sparse" else (["mae", AUC(name="auc")], ["mae", "accuracy"])
    loss = LOSSES.get(kind, "binary_crossentropy")
    model.compile(SGD(0.5), loss, ["accuracy", *more], weighted_metrics=weighted)
    model.set_weights(keras.first_weights(units))
    y = keras.Y[kind]
    settings = {"sample_weight": keras.WEIGHTS, "validation_split": 0.3}
    if what == "class":
        validation_data = (keras.X[:20], y[:20], keras.WEIGHTS[20:40])
        settings = {"class_weight": keras.CLASS_WEIGHT, "validation_data": validation_data}
    found = model.fit(keras.X, y, batch_size=8, epochs=3, shuffle=False, verbose=0, **settings).history
    assert list(found) == list(history)
    for name, values in history.items():
        assert found[name] == pytest.approx(values, rel=1e-10), name
    assert sum(np.abs(array).sum() for array in model.get_weights()) == pytest.approx(size, rel=1e-12)


def test_a_run_with_weights_has_the_same_bits_as_the_oracle():
    model = make(rate=0.0)
    layers = [
        {"kind": "dense", "units": 5, "activation": "tanh", "use_bias": True, "l2": 0.0},
        {"kind": "dense", "units": 3, "activation": "softmax", "use_bias": True, "l2": 0.0},
    ]
    oracle = Oracle(4, layers, LOSSES["sparse"], {"name": "sgd", "learning_rate": 0.01})
    oracle.set_weights([array.tolist() for array in model.get_weights()])
    history = model.fit(X, LABELS, 8, sample_weight=WEIGHTS, shuffle=False, verbose=0).history
    arguments = X.tolist(), LABELS.tolist(), list(range(50)), 8, "sparse_categorical_accuracy", WEIGHTS.tolist()
    assert (history["loss"][0], history["accuracy"][0]) == oracle.train_epoch(*arguments)
    assert same(model.get_weights(), [np.array(array) for array in oracle.get_weights()])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_of_one_change_nothing(dtype):
    plain, ones, classes = (make(dtype=dtype, rate=0.25) for _ in range(3))
    histories = [
        plain.fit(X, LABELS, epochs=2, verbose=0),
        ones.fit(X, LABELS, epochs=2, verbose=0, sample_weight=np.ones((50, 1), int)),
        classes.fit(X, LABELS, epochs=2, verbose=0, class_weight={2: 1}),
    ]
    assert histories[0].history == histories[1].history == histories[2].history
    assert same(plain.get_weights(), ones.get_weights()) and same(plain.get_weights(), classes.get_weights())


def test_means_are_divided_by_the_rows_and_only_weighted_metrics_are_weighted():
    model = make(weighted=["accuracy"])
    p = model.predict(X, verbose=0)
    losses, hits = -np.log(p[np.arange(50), LABELS]), p.argmax(axis=1) == LABELS
    expected = [(losses * WEIGHTS).mean(), hits.mean(), (hits * WEIGHTS).sum() / WEIGHTS.sum()]
    for call in (functools.partial(model.evaluate, verbose=0), model.test_on_batch, model.train_on_batch):
        assert call(X, LABELS, sample_weight=WEIGHTS) == pytest.approx(expected, rel=1e-12)
    assert model.metrics_names == ["loss", "accuracy", "weighted_accuracy"]


def test_negative_weights_are_those_of_keras_too():
    model = make()
    loss = model.evaluate(X, LABELS, verbose=0)[0]
    assert model.evaluate(X, LABELS, verbose=0, sample_weight=-np.ones(50))[0] == -loss


def test_gradients_are_the_weighted_sum_of_those_of_the_rows():
    model = make()
    loss, gradients = model.gradients(X[:5], LABELS[:5], sample_weight=WEIGHTS[:5])
    alone = [model.gradients(X[i : i + 1], LABELS[i : i + 1]) for i in range(5)]
    assert loss == pytest.approx(sum(w * one[0] for w, one in zip(WEIGHTS, alone, strict=False)) / 5, rel=1e-14)
    for number, gradient in enumerate(gradients):
        expected = sum(w * one[1][number] for w, one in zip(WEIGHTS, alone, strict=False)) / 5
        np.testing.assert_allclose(gradient, expected, rtol=1e-13, atol=1e-15)


def batches(weights, size=8):
    return [(X[i : i + size], LABELS[i : i + size], weights[i : i + size]) for i in range(0, 50, size)]


@pytest.mark.parametrize("stream", [list, iter], ids=["numbered", "iterated"])
def test_batches_bring_their_weights(stream):
    class Numbered:
        __len__ = batches(WEIGHTS).__len__
        __getitem__ = batches(WEIGHTS).__getitem__

    source = (lambda: Numbered()) if stream is list else (lambda: iter(batches(WEIGHTS)))
    whole, parts = make(weighted=["accuracy"]), make(weighted=["accuracy"])
    first = whole.fit(
        X, LABELS, 8, shuffle=False, verbose=0, sample_weight=WEIGHTS, validation_data=(X, LABELS, WEIGHTS)
    )
    second = parts.fit(source(), shuffle=False, verbose=0, validation_data=source())
    assert same(whole.get_weights(), parts.get_weights())
    for name, values in first.history.items():
        assert second.history[name] == pytest.approx(values, rel=1e-13)
    values = whole.evaluate(X, LABELS, verbose=0, sample_weight=WEIGHTS)
    assert parts.evaluate(source(), verbose=0) == pytest.approx(values, rel=1e-13)


def test_class_weights_of_batches():
    whole, parts = make(), make()
    whole.fit(X, LABELS, 8, shuffle=False, verbose=0, class_weight={1: 5.0})
    parts.fit((batch[:2] for batch in batches(WEIGHTS)), verbose=0, class_weight={1: 5.0})
    assert same(whole.get_weights(), parts.get_weights())
    with pytest.raises(ValueError, match="class_weight: got one beside batch 0 sample_weight, needs one of the two"):
        parts.fit(iter(batches(WEIGHTS)), verbose=0, class_weight={1: 5.0})


def test_a_batch_without_weights_among_others_weighs_one():
    mixed = [(x, y) if i % 2 else (x, y, w) for i, (x, y, w) in enumerate(batches(WEIGHTS))]
    filled = [(*batch, np.ones(len(batch[0])))[:3] for batch in mixed]
    first, second = make(weighted=["accuracy"]), make(weighted=["accuracy"])
    assert first.fit(iter(mixed), verbose=0).history == second.fit(iter(filled), verbose=0).history


@pytest.mark.parametrize("wanted", [False, True], ids=["at once", "by batch"])
def test_weights_follow_their_rows_through_shuffles_and_splits(wanted):
    callback = Callback()
    if wanted:
        callback.on_train_batch_end = lambda batch, logs: None
    weighted, by_hand = make(weighted=["accuracy"]), make(weighted=["accuracy"])
    settings = {"epochs": 3, "batch_size": 8, "verbose": 0}
    first = weighted.fit(X, LABELS, sample_weight=WEIGHTS, validation_split=0.3, callbacks=[callback], **settings)
    data = (X[35:], LABELS[35:], WEIGHTS[35:])
    second = by_hand.fit(X[:35], LABELS[:35], sample_weight=WEIGHTS[:35], validation_data=data, **settings)
    assert same(weighted.get_weights(), by_hand.get_weights())
    for name, values in second.history.items():
        assert first.history[name] == pytest.approx(values, rel=1e-13)


def test_steps_of_an_epoch_weigh_the_rows_they_visit():
    first, second = make(weighted=["accuracy"]), make(weighted=["accuracy"])
    settings = {"batch_size": 10, "shuffle": False, "verbose": 0}
    partly = first.fit(X, LABELS, sample_weight=WEIGHTS, steps_per_epoch=3, **settings).history
    by_hand = second.fit(X[:30], LABELS[:30], sample_weight=WEIGHTS[:30], **settings).history
    assert partly == by_hand


@pytest.mark.parametrize(
    ("y", "units", "expected"),
    [
        ([0, 2, 1, 2], 3, [0.5, 4, 1, 4]),
        (np.eye(3)[[0, 2, 1, 2]], 3, [0.5, 4, 1, 4]),
        ([[0.2, 0.3, 0.5]], 3, [4]),
        ([[0.0], [1.0], [2.0]], 1, [0.5, 1, 4]),
        ([[0.4], [1.6]], 1, [0.5, 4]),
    ],
)
def test_class_weights(y, units, expected):
    weights = class_weights({0: 0.5, 2: 4}, np.array(y), units, "float32")
    assert weights.dtype == np.float32 and weights.tolist() == expected


def test_class_weights_are_not_for_validation():
    weighted, plain = make(), make()
    first = weighted.fit(X, LABELS, 100, validation_split=0.3, class_weight={1: 5.0}, shuffle=False, verbose=0).history
    plain.set_weights(weighted.get_weights())
    assert first["val_loss"][0] == plain.evaluate(X[35:], LABELS[35:], verbose=0)[0]


def test_class_weights_of_train_on_batch():
    model, other = make(), make()
    weights = np.where(LABELS == 1, 5.0, 1.0)
    assert model.train_on_batch(X, LABELS, class_weight={1: 5}) == other.train_on_batch(X, LABELS, weights)
    assert same(model.get_weights(), other.get_weights())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"sample_weight": WEIGHTS[:49]}, ValueError, r"sample_weight: got shape \(49,\), needs \(50,\), one for each"),
        ({"sample_weight": np.ones((50, 3))}, ValueError, r"sample_weight: got shape \(50, 3\), needs \(50,\)"),
        ({"sample_weight": 3}, ValueError, r"sample_weight: got shape \(\), needs \(50,\)"),
        ({"sample_weight": "a"}, TypeError, "sample_weight: got str, needs an array of real numbers"),
        ({"sample_weight": np.where(X[:, 0] > 1, np.nan, 1)}, ValueError, "sample_weight: got nan in row"),
        ({"sample_weight": np.full(50, 1e300)}, ValueError, "sample_weight: got 1e.300 in row 0, needs numbers within"),
        (
            {"sample_weight": WEIGHTS, "class_weight": {0: 1.0}},
            ValueError,
            "class_weight: got one beside sample_weight",
        ),
        ({"class_weight": [1.0, 2.0]}, TypeError, "class_weight: got list, needs a dict from class number to weight"),
        ({"class_weight": {"a": 1.0}}, TypeError, "class_weight: got the class 'a', needs integers"),
        ({"class_weight": {True: 1.0}}, TypeError, "class_weight: got the class True, needs integers"),
        ({"class_weight": {3: 1.0}}, ValueError, "class_weight: got the class 3, needs classes from 0 to 2"),
        ({"class_weight": {0: "b"}}, TypeError, r"class_weight\[0\]: got 'b', needs a finite number"),
        ({"class_weight": {0: np.nan}}, ValueError, r"class_weight\[0\]: got nan, needs a finite number"),
        (
            {"x": iter([(X, LABELS)]), "y": None, "sample_weight": WEIGHTS},
            ValueError,
            "sample_weight: got ndarray, needs None where x gives whole batches",
        ),
        ({"x": iter([(X, LABELS, X)]), "y": None}, ValueError, r"batch 0 sample_weight: got shape \(50, 4\), needs"),
        (
            {"validation_data": (X, LABELS, WEIGHTS[:3])},
            ValueError,
            r"validation_data sample_weight: got shape \(3,\), needs \(50,\)",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused_before_anything_changes(arguments, error, message):
    model = Sequential([Dense(3, "softmax")], dtype="float32")
    model.compile("sgd", LOSSES["sparse"])
    with pytest.raises(error, match=message):
        model.fit(**{"x": X, "y": LABELS, "verbose": 0, **arguments})
    assert not model.built and model.history is None and model.epochs_trained == 0
    if arguments.keys() == {"sample_weight"}:
        for call in (model.evaluate, model.train_on_batch, model.test_on_batch, model.gradients):
            with pytest.raises(error, match=message):
                call(X, LABELS, **arguments)
        assert not model.built
