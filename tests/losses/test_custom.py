"""A loss of the user's own: what it may return, what targets it takes, and models that train by it."""

import pickle

import numpy as np
import pytest

from fastmlp import load_model, losses, metrics
from fastmlp.layers import Dense, Input
from fastmlp.losses.custom import Custom
from fastmlp.models import Sequential
from fastmlp.training.inputs import checked_data
from fastmlp.training.results import Results

RANDOM = np.random.default_rng(8)
X, Y = RANDOM.normal(size=(40, 4)), RANDOM.normal(size=(40, 2))


def squares(y_true, y_pred):
    """The mean squared error, by row."""
    errors = y_pred - y_true
    return np.square(errors).mean(axis=1), 2.0 * errors / errors.size


def squares_at_once(y_true, y_pred):
    value, gradient = squares(y_true, y_pred)
    return value.mean(), gradient


def own(y_true, y_pred):
    """Targets of three columns: two numbers and how much they count."""
    value, gradient = squares(y_true[:, :2], y_pred)
    return value * y_true[:, 2], gradient * y_true[:, 2:]


def make(loss, plain=(), dtype="float64"):
    model = Sequential([Input((4,)), Dense(5, "tanh"), Dense(2)], seed=2, dtype=dtype)
    model.compile("sgd", loss, list(plain))
    return model


def test_a_function_is_a_loss():
    loss = losses.get(squares)
    assert isinstance(loss, Custom) and loss.engine_name == "squares" and losses.get(loss) is loss and not loss.sparse
    assert loss.get_config() == {"fn": "squares"} and repr(loss) == "Custom(fn='squares')"
    model = make(squares, ["mae", "accuracy"])
    assert model.loss.fn is squares and model.metrics_names == ["loss", "mae", "accuracy"]
    with pytest.raises(TypeError, match="loss: got 3, needs a function of y_true and y_pred"):
        Custom(3)
    with pytest.raises(TypeError, match="loss: got <class 'dict'>"):
        losses.get(dict)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_it_returns_is_handed_on_in_the_dtype_of_the_model(dtype):
    p = np.ones((3, 2), dtype)
    value, gradient = Custom(lambda t, p: ([1, 2, 3], np.asfortranarray(np.full((3, 2), 0.5)))).checked(None, p)
    assert value.dtype == gradient.dtype == dtype and value.tolist() == [1, 2, 3] and gradient.flags.c_contiguous
    value, _ = Custom(lambda t, p: [0.5, p]).checked(None, p)
    assert value == 0.5 and np.ndim(value) == 0


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (0.5, TypeError, r"loss 'wrong': got float, needs \(value, gradient\)"),
        ((0.5,), TypeError, r"loss 'wrong': got 1 items, needs \(value, gradient\)"),
        ((np.ones(2), np.ones((3, 2))), ValueError, r"loss 'wrong': got a value of shape \(2,\), needs \(3,\) or one"),
        ((np.ones((3, 1)), np.ones((3, 2))), ValueError, r"got a value of shape \(3, 1\), needs \(3,\) or one number"),
        ((0.5, np.ones(3)), ValueError, r"loss 'wrong': got a gradient of shape \(3,\), needs \(3, 2\) as y_pred"),
        ((0.5, None), TypeError, "loss 'wrong': got numbers of dtype object, needs real ones"),
        ((1j, np.ones((3, 2))), TypeError, "loss 'wrong': got numbers of dtype complex128, needs real ones"),
        (("a", np.ones((3, 2))), TypeError, "loss 'wrong': got numbers of dtype <U1, needs real ones"),
    ],
)
def test_what_it_may_not_return(returned, error, message):
    def wrong(y_true, y_pred):
        return returned

    with pytest.raises(error, match=message):
        Custom(wrong).checked(np.ones(3), np.ones((3, 2)))


def test_its_targets_are_any_numbers_a_row_for_each_of_x():
    model = make(own)
    for y in (np.ones((40, 3), np.int8), np.ones(40), np.ones((40, 2, 2)), np.full(40, np.nan)):
        checked = checked_data(model, X, y)[1].ys[0]
        assert checked is y
    with pytest.raises(ValueError, match="y: got 39 rows, needs 40"):
        checked_data(model, X, Y[:39])
    with pytest.raises(TypeError, match="y: got list, needs an array of real numbers"):
        checked_data(model, X, ["a"] * 40)


def test_numbers_for_one_output_are_a_column():
    """As predictions are: the difference of [rows] and [rows, 1] would be [rows, rows]."""
    seen = []

    def squares(y_true, y_pred):
        seen.append((y_true.shape, y_pred.shape))
        return np.mean((y_true - y_pred) ** 2), 2 * (y_pred - y_true) / len(y_pred)

    model = Sequential([Input((4,)), Dense(1)])
    model.compile("sgd", squares, metrics=[lambda y_true, y_pred: np.abs(y_true - y_pred).max()])
    model.fit(np.ones((10, 4)), np.ones(10), batch_size=5, verbose=0)
    assert set(seen) == {((5, 1), (5, 1))}


def test_class_weights_need_classes():
    model = make(own)
    assert checked_data(model, X, np.arange(40) % 2, class_weight={1: 3})[1].sample_weights[0].tolist() == [1, 3] * 20
    with pytest.raises(ValueError, match=r"class_weight: got it for a y of shape \(40, 2, 2\), needs class numbers"):
        checked_data(model, X, np.ones((40, 2, 2)), class_weight={1: 3})


def test_the_network_is_given_the_checked_function(monkeypatch):
    made = []

    class Network:
        def __init__(self, inputs, layers, loss, optimizer, dtype, blocks):
            made.append(loss)

    monkeypatch.setattr("fastmlp.training.model.Network", Network)
    assert make(squares).network
    value, gradient = made[0](Y, np.zeros((40, 2)))
    assert np.array_equal(gradient, squares(Y, np.zeros((40, 2)))[1]) and value.shape == (40,)


@pytest.mark.parametrize("loss", [squares, squares_at_once])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-12)])
def test_it_trains_as_the_same_loss_by_name(loss, dtype, tolerance):
    model, twin = make(loss, ["mae"], dtype), make("mse", ["mae"], dtype)
    first, second = (one.fit(X, Y, 8, epochs=3, verbose=0, validation_split=0.2).history for one in (model, twin))
    for name, values in second.items():
        assert first[name] == pytest.approx(values, rel=tolerance)
    for one, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(twin.evaluate(X, Y, verbose=0), rel=tolerance)
    np.testing.assert_allclose(model.gradients(X, Y)[1][0], twin.gradients(X, Y)[1][0], rtol=tolerance, atol=tolerance)


def test_it_trains_with_targets_of_its_own():
    model, twin = make(own), make("mse")
    weights = RANDOM.uniform(0, 2, 40)
    model.fit(X, np.column_stack([Y, weights]), 8, verbose=0)
    twin.fit(X, Y, 8, verbose=0, sample_weight=weights)
    for one, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_a_loss_that_returns_something_else_ends_training():
    with pytest.raises(ValueError, match="loss '<lambda>': got a gradient of shape"):
        make(lambda y_true, y_pred: (0.5, y_pred[:1])).fit(X, Y, verbose=0)


def test_it_comes_back_from_files(tmp_path):
    model, path = make(squares, ["mae"]), tmp_path / "m.safetensors"
    model.save(path)
    with pytest.raises(ValueError, match="loss: got 'squares', which is not fastmlp's own, needs custom_objects="):
        load_model(path)
    assert load_model(path, compile=False).loss is None
    for twin in (load_model(path, {"squares": squares}), pickle.loads(pickle.dumps(model))):
        assert twin.loss.fn is squares and twin.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)


def test_metrics_of_such_a_model_find_out_about_their_targets_when_they_see_them():
    model = make(own, ["auc"])
    assert type(model.metrics[0]) is metrics.AUC and Results(model).engine_metrics[0] is None
    with pytest.raises(ValueError, match=r"y_true: got shape \(40, 3\), needs \(40, 2\) as y_pred"):
        model.metrics[0].update_state(np.ones((40, 3)), np.ones((40, 2)))
