"""Rows of scipy.sparse: the bits of dense ones, and never dense as a whole."""

import numpy as np
import pytest

import fastmlp as keras
from fastmlp import layers
from fastmlp.data import sparse

sp = pytest.importorskip("scipy.sparse", reason="needs SciPy")

RANDOM = np.random.default_rng(5)
DENSE = np.where(RANDOM.random((70, 30)) < 0.1, RANDOM.normal(size=(70, 30)), 0.0)
Y = RANDOM.integers(0, 3, 70)
FORMATS = ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"]
KINDS = [f"{name}_{kind}" for kind in ("matrix", "array") for name in FORMATS]


def make(dtype="float32", metrics=("accuracy",), before=()):
    """A model whose first layer reads sparse rows as they are, or layers `before` that do not."""
    model = keras.Sequential(
        [keras.Input((30,)), *before, layers.Dense(5, "tanh"), layers.Dropout(0.2), layers.Dense(3, "softmax")],
        seed=1,
        dtype=dtype,
    )
    model.compile("adam", "sparse_categorical_crossentropy", list(metrics))
    return model


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.fixture(autouse=True)
def little_at_once(monkeypatch):
    """Rows made dense are counted, and are few at a time."""
    monkeypatch.setattr(sparse, "DENSE_AT_ONCE", 16 * 30)
    made = []
    dense = sparse.dense
    monkeypatch.setattr(sparse, "dense", lambda x, *rows: made.append(dense(x, *rows)) or made[-1])
    return made


@pytest.mark.parametrize("before", [(), (layers.Rescaling(2.0),)], ids=["as_they_are", "made_dense"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_format_has_the_bits_of_dense_rows(kind, before, little_at_once):
    x = getattr(sp, kind)(DENSE)
    first, second = make(before=before), make(before=before)
    settings = {"epochs": 2, "batch_size": 8, "verbose": 0, "validation_split": 0.2}
    expected = first.fit(DENSE, Y, **settings).history
    found = second.fit(x, Y, **settings).history
    assert same(first.get_weights(), second.get_weights())
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, rel=1e-6)
    found = second.evaluate(x, Y, batch_size=8, verbose=0)
    assert found == pytest.approx(first.evaluate(DENSE, Y, verbose=0), rel=1e-6)
    assert np.array_equal(second.predict(x, batch_size=8, verbose=0), first.predict(DENSE, verbose=0))
    assert np.array_equal(second(x), first(DENSE)) and np.array_equal(second.layers[0](x), first.layers[0](DENSE))
    if before:
        assert len(little_at_once) > 10 and max(map(len, little_at_once)) <= 16
    else:
        assert not little_at_once
    assert np.array_equal(x.toarray(), DENSE)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("of", ["bool", "int8", "uint8", "int64", "float32", "float64"])
def test_every_type_has_the_bits_of_dense_rows(dtype, of):
    dense = (10 * DENSE).astype(of)
    first, second = make(dtype), make(dtype)
    first.fit(dense, Y, verbose=0)
    second.fit(sp.csr_array(dense), Y, verbose=0)
    assert same(first.get_weights(), second.get_weights())


def test_all_that_takes_rows_takes_sparse_ones(little_at_once):
    x = sp.csr_matrix(DENSE)
    first, second = make(), make()
    weights = RANDOM.random(70)
    given = {"validation_data": (DENSE, Y), "sample_weight": weights}
    first.fit(DENSE, Y, verbose=0, steps_per_epoch=5, epochs=3, batch_size=10, **given)
    seen = []
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: seen.append(step))
    given["validation_data"] = (x, Y)
    second.fit(x, Y, verbose=0, steps_per_epoch=5, epochs=3, batch_size=10, callbacks=[callback], **given)
    assert same(first.get_weights(), second.get_weights()) and seen == [0, 1, 2, 3, 4] * 3
    assert not little_at_once
    cuts = [slice(start, start + 20) for start in range(0, 70, 20)]
    first.fit(((DENSE[cut], Y[cut]) for cut in cuts), verbose=0)
    second.fit(((x[cut], Y[cut]) for cut in cuts), verbose=0)
    assert same(first.get_weights(), second.get_weights())
    assert np.array_equal(second.predict((x[cut] for cut in cuts), verbose=0), first.predict(DENSE, verbose=0))
    assert second.train_on_batch(x, Y) == first.train_on_batch(DENSE, Y)
    assert second.test_on_batch(x, Y) == first.test_on_batch(DENSE, Y)
    assert np.array_equal(second.predict_on_batch(x), first.predict_on_batch(DENSE))
    assert np.array_equal(second(x), first(DENSE)) and np.array_equal(second([x]), first(DENSE))
    assert same(second.gradients(x, Y)[1], first.gradients(DENSE, Y)[1])
    assert np.array_equal(second.layers[0](x), first.layers[0](DENSE))
    normalization = layers.Normalization()
    normalization.adapt(x)
    assert np.ravel(normalization.mean) == pytest.approx(DENSE.mean(axis=0))
    assert np.ravel(normalization.variance) == pytest.approx(DENSE.var(axis=0))
    normalization.adapt(sp.coo_array(DENSE), batch_size=10, steps=2)
    assert np.ravel(normalization.mean) == pytest.approx(DENSE[:20].mean(axis=0))


def test_sparse_numbers_of_an_embedding():
    numbers = RANDOM.integers(0, 9, (20, 4)) * (RANDOM.random((20, 4)) < 0.3)
    model = keras.Sequential([keras.Input((4,)), layers.Embedding(9, 3), layers.Flatten()])
    assert np.array_equal(model.predict(sp.lil_matrix(numbers), verbose=0), model.predict(numbers, verbose=0))
    for wrong in (9, -1):
        numbers[3, 2] = wrong
        with pytest.raises(ValueError, match=r"x: got numbers from .*, needs 0 to 8"):
            model.predict(sp.csr_matrix(numbers), verbose=0)


def test_sparse_rows_beside_dense_ones_and_a_sparse_y():
    a, b = keras.Input((30,), name="a"), keras.Input((2,), name="b")
    model = keras.Model([a, b], layers.Dense(4, "sigmoid")(layers.concatenate([a, b])), seed=1)
    model.compile("sgd", "binary_crossentropy")
    twin = keras.models.clone_model(model)
    twin.compile("sgd", "binary_crossentropy")
    twin.set_weights(model.get_weights())
    y = RANDOM.integers(0, 2, (70, 4))
    model.fit({"a": DENSE, "b": DENSE[:, :2]}, y, verbose=0)
    twin.fit({"a": sp.coo_array(DENSE), "b": DENSE[:, :2]}, sp.csr_matrix(y), verbose=0)
    assert same(model.get_weights(), twin.get_weights())


def test_a_model_that_is_not_built_takes_its_shape():
    model = keras.Sequential([layers.Dense(3, "softmax")], seed=1)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(sp.csr_matrix(DENSE), Y, verbose=0)
    assert model.input_shape == (None, 30)


def test_what_stands_twice_is_added_up_and_the_matrix_stays_as_it_is():
    twice = sp.csr_matrix((np.ones(4), [2, 2, 0, 1], [0, 2, 3, 4]), shape=(3, 30))
    assert np.array_equal(make().predict(twice, verbose=0), make().predict(twice.toarray(), verbose=0))
    assert twice.nnz == 4


@pytest.mark.parametrize("kind", ["coo", "csc", "csr", "bsr"])
def test_numbers_that_lead_beyond_a_matrix_are_found_before_they_are_used(kind):
    damaged = getattr(sp, f"{kind}_matrix")(DENSE)
    if kind == "coo":
        damaged.col = damaged.col + 10**6
    else:
        damaged.indices = damaged.indices + 10**6
    for call in (make().predict, lambda x: make().fit(x, Y), lambda x: make().fit(DENSE, x), make()):
        with pytest.raises(ValueError, match=f"got a {kind}_matrix that is damaged"):
            call(damaged)


def test_sparse_rows_that_do_not_fit():
    x, model = sp.csr_matrix(DENSE), make()
    bad = x.copy()
    bad.data[bad.indptr[40]] = np.nan
    damaged = x.copy()
    damaged.indices = damaged.indices + 1000
    for rows, error, message in (
        (x[:, :7], ValueError, r"x: got shape \(70, 7\), needs \(rows, 30\)"),
        (x[:0], ValueError, "x: got an empty array"),
        (x[:9], ValueError, "y: got 70 rows, needs 9"),
        (bad, ValueError, "x: got nan in row 40, needs finite numbers"),
        (x * 1e300, ValueError, r"x: got .*e\+\d+ in row \d+, needs numbers within the range of float32"),
        (x.astype(complex), TypeError, "x: got a csr_matrix of dtype complex128, needs real numbers"),
        (damaged, ValueError, "x: got a csr_matrix that is damaged"),
    ):
        with pytest.raises(error, match=message):
            model.fit(rows, Y, verbose=0)
    assert model.epochs_trained == 0
    for call in (model, model.layers[0], layers.Normalization().adapt, lambda x: model.predict(x, verbose=0)):
        with pytest.raises(ValueError, match="that is damaged"):
            call(damaged)
    with pytest.raises(ValueError, match="y: got a csr_matrix that is damaged"):
        model.fit(x, damaged, verbose=0)
