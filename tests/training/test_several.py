"""Several inputs and outputs: containers, names, weights of rows, losses and metrics of each output."""

import numpy as np
import pytest

import fastmlp as keras
from fastmlp import layers

RANDOM = np.random.default_rng(8)
X, Z = RANDOM.normal(size=(30, 4)), RANDOM.normal(size=(30, 2))
PRICE, KIND = RANDOM.normal(size=(30, 1)), RANDOM.integers(0, 3, 30)
WEIGHTS = RANDOM.uniform(0.5, 2, 30)
LOSSES = {"price": "mse", "kind": "sparse_categorical_crossentropy"}


def make(**settings):
    x, z = keras.Input((4,), name="x"), keras.Input((2,), name="z")
    h = layers.Dense(6, "tanh")(layers.concatenate([x, z]))
    outputs = [layers.Dense(1, name="price")(h), layers.Dense(3, "softmax", name="kind")(h)]
    model = keras.Model([x, z], outputs, dtype="float64", seed=4)
    model.compile(**{"optimizer": "sgd", "loss": LOSSES, **settings})
    return model


def fitted(x, y, **arguments):
    model = make()
    history = model.fit(x, y, 8, epochs=2, verbose=0, **arguments).history
    return history, model.get_weights()


EXPECTED = [[X, Z], [PRICE, KIND]]


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ((X, Z), (PRICE, KIND)),
        ({"z": Z, "x": X}, {"kind": KIND, "price": PRICE}),
        ([X, Z], {"price": PRICE[:, 0], "kind": KIND[:, None]}),
    ],
)
def test_lists_tuples_and_dicts_are_the_same(x, y):
    history, weights = fitted(x, y)
    expected, expected_weights = fitted(*EXPECTED)
    assert history == expected
    assert all(np.array_equal(a, b) for a, b in zip(weights, expected_weights, strict=True))
    assert list(history) == ["kind_loss", "loss", "price_loss"]


def test_the_loss_is_the_weighted_sum():
    model = make(loss_weights={"price": 0.5, "kind": 2.0})
    loss, price, kind = model.evaluate(*EXPECTED, verbose=0)
    assert loss == pytest.approx(0.5 * price + 2 * kind, rel=1e-14)
    first, second = model.predict(EXPECTED[0], verbose=0)
    assert price == pytest.approx(np.mean((first - PRICE) ** 2))
    assert kind == pytest.approx(-np.log(second[np.arange(30), KIND]).mean())


def test_metrics_of_each_output_have_its_name():
    model = make(metrics={"kind": ["accuracy"], "price": ["mse", "mae"]}, weighted_metrics=["mae", None])
    names = ["loss", "price_loss", "kind_loss", "kind_accuracy", "price_mae", "price_mse", "price_weighted_mae"]
    assert model.metrics_names == names
    found = dict(zip(names, model.evaluate(*EXPECTED, verbose=0, sample_weight=[WEIGHTS, None]), strict=True))
    first, second = model.predict(EXPECTED[0], verbose=0)
    errors = np.abs(first - PRICE)[:, 0]
    assert found["price_mae"] == pytest.approx(errors.mean())
    assert found["price_weighted_mae"] == pytest.approx(np.average(errors, weights=WEIGHTS))
    assert found["price_loss"] == pytest.approx((WEIGHTS * errors**2).mean())
    assert found["kind_accuracy"] == (second.argmax(1) == KIND).mean()
    history = model.fit(*EXPECTED, verbose=0, validation_split=0.5).history
    assert list(history) == sorted(names) + [f"val_{name}" for name in sorted(names)]
    assert model.direction_of("val_kind_accuracy") == "up"


def test_batches_give_containers_too():
    def batches():
        for start in range(0, 30, 8):
            part = slice(start, start + 8)
            yield {"x": X[part], "z": Z[part]}, {"price": PRICE[part], "kind": KIND[part]}

    model, other = make(), make()
    history = model.fit(batches(), epochs=1, verbose=0, validation_data=({"x": X, "z": Z}, [PRICE, KIND])).history
    expected = other.fit(*EXPECTED, 8, verbose=0, shuffle=False, validation_data=EXPECTED).history
    assert {k: pytest.approx(v, rel=1e-12) for k, v in history.items()} == expected
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))
    assert np.array_equal(model.predict(iter([((X, Z),)]), verbose=0)[1], model.predict([X, Z], verbose=0)[1])


def test_an_output_without_a_loss_is_not_trained():
    model = make(loss={"price": "mse", "kind": None})
    before = model.get_layer("kind").get_weights()
    history = model.fit([X, Z], [PRICE, None], verbose=0).history
    assert list(history) == ["loss"]
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_layer("kind").get_weights(), strict=True))


def test_a_loss_of_ones_own_for_each_output():
    def squares(y_true, y_pred):
        return ((y_pred - y_true) ** 2).mean(axis=1), 2 * (y_pred - y_true) / y_pred.size

    model, other = make(loss=[squares, LOSSES["kind"]]), make()
    for one in (model, other):
        one.train_on_batch(*EXPECTED)
    assert all(np.allclose(a, b, rtol=1e-14) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("x", "y", "arguments", "message"),
    [
        (X, [PRICE, KIND], {}, r"x: got ndarray, needs a list or dict of \['x', 'z'\]"),
        ([X], [PRICE, KIND], {}, "x: got 1 items"),
        ({"x": X}, [PRICE, KIND], {}, r"x: got \['x'\], needs \['x', 'z'\]"),
        ([X, Z[:9]], [PRICE, KIND], {}, r"x\['z'\]: got 9 rows beside 30"),
        ([X, X], [PRICE, KIND], {}, r"x\['z'\]: got shape \(30, 4\)"),
        ([X, Z], PRICE, {}, "y: got ndarray, needs a list or dict"),
        ([X, Z], [KIND, PRICE], {}, r"y\['kind'\]: got label"),
        ([X, Z], [PRICE[:9], KIND], {}, r"y\['price'\]: got 9 rows, needs 30"),
        ([X, Z], {"price": PRICE, "sort": KIND}, {}, r"y: got \['price', 'sort'\], needs \['price', 'kind'\]"),
        ([X, Z], [PRICE, KIND], {"sample_weight": [WEIGHTS]}, "sample_weight: got 1 items"),
        ([X, Z], [PRICE, KIND], {"sample_weight": {"kind": WEIGHTS}}, "sample_weight: got"),
        ([X, Z], [PRICE, KIND], {"class_weight": {0: 2.0}}, "class_weight: got one for 2 outputs"),
    ],
)
def test_what_does_not_fit_is_said_and_changes_nothing(x, y, arguments, message):
    model = make()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        model.fit(x, y, verbose=0, **arguments)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": ["mse"]}, "loss: got 1 items, needs one for each output"),
        ({"loss": {"cost": "mse"}}, r"loss: got \['cost'\] among its names"),
        ({"loss": [None, None]}, "needs a loss for one output at least"),
        ({"loss": {"price": "nonsense"}}, r"loss\['price'\]: got unknown name"),
        ({"loss_weights": [1.0]}, "loss_weights: got 1 items"),
        ({"loss_weights": {"cost": 1.0}}, r"loss_weights: got \['cost'\] among its names"),
        ({"metrics": ["mae"]}, "metrics: got 1 items, needs one for each output"),
        ({"metrics": {"cost": "mae"}}, r"metrics: got \['cost'\] among its names"),
    ],
)
def test_arguments_of_compile_that_do_not_fit_the_outputs(settings, message):
    with pytest.raises(ValueError, match=message):
        make(**settings)


def test_gradients_of_outputs_by_a_function_of_them():
    model = make()
    price, kind = model.predict(EXPECTED[0], verbose=0)
    given = model.vjp(EXPECTED[0], {"price": 2 * price, "kind": None})
    asked = model.vjp(EXPECTED[0], lambda outputs: [2 * outputs[0], None])
    assert all(np.array_equal(a, b) for a, b in zip(given, asked, strict=True))
    with pytest.raises(ValueError, match="output_gradients: got 1 items"):
        model.vjp(EXPECTED[0], lambda outputs: [kind])
    assert np.array_equal(model.predict(EXPECTED[0], verbose=0)[0], price)
