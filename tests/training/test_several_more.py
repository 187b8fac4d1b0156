"""Several inputs and outputs in the methods besides fit, in validation and batches, and in files."""

import numpy as np
import pytest

import fastmlp as keras
from fastmlp import layers
from tests.training.test_several import EXPECTED, KIND, PRICE, WEIGHTS, X, Z, make


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_gradient_is_the_weighted_sum_of_those_of_the_outputs():
    weights = [WEIGHTS, None]
    whole = make(loss_weights=[0.5, 2.0]).gradients(*EXPECTED, weights, wrt="both")
    price = make(loss={"price": "mse"}).gradients([X, Z], [PRICE, None], weights, wrt="both")
    kind = make(loss={"kind": "sparse_categorical_crossentropy"}).gradients(*EXPECTED, weights, wrt="both")
    assert whole[0] == pytest.approx(0.5 * price[0] + 2 * kind[0], rel=1e-14)
    for total, first, second in zip(whole[1], price[1], kind[1], strict=True):  # by the weights, by the inputs
        for one, a, b in zip(total, first, second, strict=True):
            np.testing.assert_allclose(one, 0.5 * a + 2 * b, rtol=1e-12, atol=1e-15)
    assert [one.shape for one in whole[1][1]] == [X.shape, Z.shape]


def test_methods_on_a_batch_are_steps_of_fit_and_evaluate():
    settings = {"metrics": {"price": ["mae"], "kind": ["accuracy"]}, "weighted_metrics": {"price": ["mae"]}}
    model, other = make(**settings), make(**settings)
    arguments = {"sample_weight": {"kind": None, "price": WEIGHTS}}
    history = model.fit(*EXPECTED, 30, verbose=0, shuffle=False, **arguments).history
    step = other.train_on_batch(*EXPECTED, **arguments, return_dict=True)
    assert {name: [value] for name, value in step.items()} == history
    assert same(model.get_weights(), other.get_weights())
    assert model.test_on_batch(*EXPECTED, **arguments) == model.evaluate(*EXPECTED, verbose=0, **arguments)
    assert same(model.predict_on_batch({"z": Z, "x": X}), model.predict([X, Z], verbose=0))


def test_columns_that_no_input_has_the_name_of_are_not_looked_at():
    model = make()
    assert same(model.predict({"x": X, "text": ["a"], "z": Z}, verbose=0), model.predict([X, Z], verbose=0))


def test_a_tuple_of_outputs_gives_tuples_and_a_dict_sorted_ones():
    x = keras.Input((4,), name="x")
    second, first = layers.Dense(2, name="second")(x), layers.Dense(1, name="first")(x)
    model = keras.Model(x, (second, first))
    assert type(model.predict(X, verbose=0)) is type(model(X)) is type(model.output) is tuple
    model = keras.Model(x, {"z": second, "b": first})
    assert list(model.predict(X, verbose=0)) == list(model(X)) == list(model.output) == model.output_names == ["b", "z"]
    assert model.output["z"] is second and model.output_shape == [(None, 1), (None, 2)]
    assert [weight.path for weight in model.weights][::2] == ["first/kernel", "second/kernel"]


def test_losses_of_a_dict_of_outputs_are_in_the_order_of_the_dict_of_losses(tmp_path):
    x = keras.Input((4,), name="x")
    outputs = {name: layers.Dense(1, name=name)(x) for name in "abc"}
    y = dict.fromkeys("abc", PRICE)
    model = keras.Model(x, outputs)
    model.compile("sgd", {"b": "mse", "c": "mae", "a": "mse"}, loss_weights={"c": 2.0})
    model.save(tmp_path / "model.safetensors")
    for one in (model, keras.models.load_model(tmp_path / "model.safetensors")):
        assert one.metrics_names == ["loss", "b_loss", "c_loss", "a_loss"]
        found = one.evaluate(X, y, verbose=0)
        assert found == list(map(one.evaluate(X, y, verbose=0, return_dict=True).get, one.metrics_names))
        assert found == model.evaluate(X, y, verbose=0)


def test_one_loss_weight_for_one_output():
    x = keras.Input((4,), name="x")
    for given in (0.5, [0.5], {"y": 0.5}):
        model, other = (keras.Model(x, layers.Dense(1, name="y")(x), dtype="float64", seed=1) for _ in range(2))
        model.compile("sgd", "mse", loss_weights=given)
        other.compile("sgd", "mse")
        assert model.evaluate(X, PRICE, verbose=0) == 0.5 * other.evaluate(X, PRICE, verbose=0)
        assert same([2 * one for one in model.gradients(X, PRICE)[1]], other.gradients(X, PRICE)[1])


def test_an_output_without_a_loss_is_measured():
    metrics = {"price": ["mae"], "kind": ["accuracy"]}
    model, other = make(loss={"price": "mse"}, metrics=metrics), make(metrics=metrics)
    names = ["loss", "kind_accuracy", "price_mae"]
    assert model.metrics_names == names
    expected = other.evaluate(*EXPECTED, verbose=0, return_dict=True)
    found = model.evaluate(*EXPECTED, verbose=0, return_dict=True)
    assert found == {**{name: expected[name] for name in names}, "loss": expected["price_loss"]}
    for y, message in [
        ([PRICE, None], r"y\['kind'\]: got NoneType"),
        ([PRICE, KIND + 1], r"y\['kind'\]: got labels from 1 to 3"),
        ([PRICE, KIND[:9]], r"y\['kind'\]: got 9 rows"),
        ([PRICE, np.ones((30, 2))], r"y\['kind'\]: got shape \(30, 2\)"),
    ]:
        before = model.get_weights()
        with pytest.raises((TypeError, ValueError), match=message):
            model.fit([X, Z], y, verbose=0)
        assert same(before, model.get_weights())
    with pytest.raises(ValueError, match="metrics: got 'sparse_categorical_accuracy' beside 'AUC'"):
        make(loss={"price": "mse"}, metrics={"kind": ["sparse_categorical_accuracy", "AUC"]})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"validation_data": (X, [PRICE, KIND])}, "validation_data x: got ndarray"),
        ({"validation_data": ([X, Z], PRICE)}, "validation_data y: got ndarray"),
        ({"validation_data": ([X, Z[:3]], [PRICE, KIND])}, r"validation_data x\['z'\]: got 3 rows beside 30"),
        ({"validation_data": ([X, X], [PRICE, KIND])}, r"validation_data x\['z'\]: got shape"),
        (
            {"validation_data": (*EXPECTED, [WEIGHTS, WEIGHTS[:2]])},
            r"validation_data sample_weight\['kind'\]: got shape \(2,\)",
        ),
        ({"validation_data": iter([([X, Z], PRICE)])}, "validation_data y: got ndarray"),
        ({"sample_weight": [WEIGHTS, WEIGHTS * np.inf]}, r"sample_weight\['kind'\]: got inf in row 0"),
        ({"sample_weight": [1.0, None]}, r"sample_weight\['price'\]: got shape \(\)"),
        ({"sample_weight": 1.0}, r"sample_weight\['price'\]: got shape \(\)"),
    ],
)
def test_what_stands_beside_the_rows_is_checked_before_anything_is_changed(arguments, message):
    model = make()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        model.fit(*EXPECTED, verbose=0, **arguments)
    assert same(before, model.get_weights()) and model.optimizer.iterations == 0


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ((X, [PRICE, KIND]), "batch 0 x: got ndarray, needs a list or dict"),
        (([X, Z], PRICE), "batch 0 y: got ndarray, needs a list or dict"),
        ((X, Z, [PRICE, KIND]), "batch 0 x: got ndarray"),
        ((*EXPECTED, [WEIGHTS]), "batch 0 sample_weight: got 1 items"),
        (([X, Z],), "batch 0: got 1 items"),
    ],
)
def test_batches_of_other_containers(batch, message):
    model = make()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        model.fit(iter([batch]), verbose=0)
    assert same(before, model.get_weights())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: model.predict([X, Z[:3]], verbose=0), r"x\['z'\]: got 3 rows beside 30"),
        (lambda model: model.predict(X, verbose=0), "x: got ndarray"),
        (lambda model: model.predict(iter([X]), verbose=0), "batch 0 x: got ndarray"),
        (lambda model: model(X), "x: got ndarray"),
        (lambda model: model([X, Z], out=np.empty((30, 1))), "out: got memory for a model of 2 inputs and 2 outputs"),
        (lambda model: model.evaluate([X, Z], PRICE, verbose=0), "y: got ndarray"),
        (lambda model: model.train_on_batch([X, Z]), "y: got NoneType"),
        (lambda model: model.test_on_batch([X, Z], [PRICE]), "y: got 1 items"),
        (lambda model: model.gradients([X, Z], [PRICE, KIND], [WEIGHTS, WEIGHTS[:3]]), r"sample_weight\['kind'\]"),
        (lambda model: model.vjp([X, Z], [PRICE]), "output_gradients: got 1 items"),
        (lambda model: model.vjp([X, Z], [PRICE, PRICE]), r"output_gradients\['kind'\]: got shape \(30, 1\)"),
        (lambda model: model.vjp([X, Z], [PRICE[:2], None]), r"output_gradients\['price'\]: got 2 rows, needs 30"),
    ],
)
def test_methods_say_which_item_does_not_fit(call, message):
    with pytest.raises(ValueError, match=message):
        call(make())


class Own(keras.Model):
    def __init__(self):
        super().__init__(dtype="float64", seed=2)
        self.hidden, self.last = layers.Dense(3, "tanh"), layers.Dense(1)

    def call(self, inputs):
        return self.last(layers.concatenate([self.hidden(inputs["x"]), inputs["z"]]))


def test_a_call_of_ones_own_takes_a_dict():
    given, model = {"z": Z, "x": X}, Own()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"x\['z'\]: got 3 rows beside 30"):
        model.fit({"x": X, "z": Z[:3]}, PRICE, verbose=0)
    with pytest.raises(ValueError, match=r"Own\.call: got .*Error"):
        model.predict(X, verbose=0)
    model.fit(given, PRICE, verbose=0, validation_data=({"x": X, "z": Z}, PRICE))
    assert np.array_equal(model.predict({"x": X, "z": Z}, verbose=0), model(given))
    symbols = {"x": keras.Input((4,)), "z": keras.Input((2,))}
    nested = keras.Model(symbols, Own()(symbols), dtype="float64", seed=2)
    assert nested.predict(given, verbose=0).shape == (30, 1)
