"""Training by hand: gradients of weights and inputs, and updates by gradients that are given."""

import numpy as np
import pytest

import fastmlp as keras
from fastmlp import kernels, layers, optimizers

RNG = np.random.default_rng(61)
X, Y = RNG.normal(size=(24, 5)), RNG.normal(size=(24, 2))


def make(optimizer, dtype="float64", hidden=()):
    model = keras.Sequential(
        [keras.Input((5,)), layers.Dense(4, "tanh"), *hidden, layers.Dense(2)], dtype=dtype, seed=3
    )
    model.compile(optimizer, "mse")
    return model


ALL = {
    "sgd": {},
    "momentum": {"momentum": 0.9},
    "rmsprop": {},
    "adagrad": {},
    "adadelta": {},
    "adam": {},
    "amsgrad": {"amsgrad": True},
    "adamw": {},
    "adamax": {},
    "nadam": {},
    "lion": {},
    "ftrl": {"beta": 0.5},
    "clipped": {"global_clipnorm": 0.1},
    "averaged": {"use_ema": True, "ema_overwrite_frequency": 2},
}
CLASSES = {"momentum": "sgd", "amsgrad": "adam", "clipped": "adam", "averaged": "sgd"}


def optimizer_of(name, rate=0.01):
    return optimizers.OPTIMIZERS[CLASSES.get(name, name)](rate, **ALL[name])


def test_a_loop_by_hand_in_training_is_training():
    """Dropout's masks and the statistics of batches, too; and not where `training` is False."""

    def stack():
        return [layers.BatchNormalization(), layers.Dropout(0.3), layers.GaussianNoise(0.1)]

    trained, by_hand = make("adam", hidden=stack()), make("adam", hidden=stack())
    for step in range(5):
        rows = slice(4 * step, 4 * step + 4)
        before = by_hand.get_weights()
        by_hand.gradients(X[rows], Y[rows])
        assert all(np.array_equal(a, b) for a, b in zip(before, by_hand.get_weights(), strict=True))
        loss, gradients = by_hand.gradients(X[rows], Y[rows], training=True)
        by_hand.optimizer.apply_gradients(zip(gradients, by_hand.trainable_weights, strict=True))
        assert loss == trained.train_on_batch(X[rows], Y[rows])
    assert all(np.array_equal(a, b) for a, b in zip(trained.get_weights(), by_hand.get_weights(), strict=True))
    with pytest.raises(TypeError, match="training: got 1"):
        by_hand.gradients(X, Y, training=1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ALL)
def test_a_loop_by_hand_is_training(name, dtype):
    """The same bits by train_on_batch, by a model's gradients, and by arrays outside of a model."""
    trained, by_hand = make(optimizer_of(name), dtype), make(optimizer_of(name), dtype)
    arrays, outside = make("sgd", dtype).get_weights(), optimizer_of(name)
    for step in range(5):
        rows = slice(4 * step, 4 * step + 4)
        trained.train_on_batch(X[rows], Y[rows])
        _, gradients = by_hand.gradients(X[rows], Y[rows])
        assert by_hand.optimizer.apply_gradients(zip(gradients, by_hand.trainable_weights, strict=True)) == step + 1
        assert outside.apply_gradients(zip(gradients, arrays, strict=True)) == step + 1
    for one, other, array in zip(trained.get_weights(), by_hand.get_weights(), arrays, strict=True):
        assert np.array_equal(one, other) and np.array_equal(one, array)
    assert trained.optimizer.iterations == by_hand.optimizer.iterations == outside.iterations == 5


def test_updates_and_training_share_what_the_optimizer_remembers():
    whole, mixed = make(optimizers.Adam(0.01)), make(optimizers.Adam(0.01))
    for _ in range(2):
        whole.train_on_batch(X, Y)
    mixed.train_on_batch(X, Y)
    mixed.optimizer.apply_gradients(zip(mixed.gradients(X, Y)[1], mixed.trainable_variables, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(whole.get_weights(), mixed.get_weights(), strict=True))


def test_a_schedule_goes_on_from_update_to_update():
    w, optimizer = np.zeros(3), optimizers.SGD(lambda step: [0.5, 0.25, 0.125][step])
    for expected in -0.5, -0.75, -0.875:
        optimizer.apply_gradients([(np.ones(3), w)])
        assert np.array_equal(w, np.full(3, expected))


def test_another_models_weights_are_set_through_their_variables():
    model = make("sgd")
    optimizer = optimizers.SGD(0.5)
    before = model.get_weights()
    gradients = [np.ones_like(array) for array in before]
    optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
    for old, new in zip(before, model.get_weights(), strict=True):
        assert np.array_equal(new, old - 0.5)


def test_batch_statistics_are_not_updated_by_gradients():
    model = make("adam", hidden=[layers.BatchNormalization()])
    _, gradients = model.gradients(X, Y)
    assert [g.shape for g in gradients] == [tuple(v.shape) for v in model.trainable_weights]
    fixed = [v.numpy() for v in model.non_trainable_weights]
    model.optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
    assert all(np.array_equal(a, v.numpy()) for a, v in zip(fixed, model.non_trainable_weights, strict=True))


def test_input_gradients_are_those_of_central_differences():
    model = keras.Sequential(
        [keras.Input((2, 3)), layers.Rescaling(0.5), layers.Flatten(), layers.Dense(4, "gelu"), layers.Dense(2)],
        dtype="float64",
        seed=4,
    )
    model.compile("sgd", "mse")
    x, y = RNG.normal(size=(6, 2, 3)), RNG.normal(size=(6, 2))
    loss, dx = model.gradients(x, y, wrt="input")
    assert dx.shape == x.shape and dx.dtype == np.float64
    assert loss == model.evaluate(x, y, verbose=0)
    for index in list(np.ndindex(x.shape))[::5]:
        values = []
        for sign in 1, -1:
            moved = x.copy()
            moved[index] += sign * 1e-6
            values.append(model.evaluate(moved, y, verbose=0))
        assert dx[index] == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-6, abs=1e-9)
    bytes_too = model.gradients(np.full((6, 2, 3), 7, np.uint8), y, wrt="input")[1]
    assert np.array_equal(bytes_too, model.gradients(np.full((6, 2, 3), 7.0), y, wrt="input")[1])


def test_what_does_not_fit_is_refused_and_changes_nothing():
    model = make("adam")
    gradients = model.gradients(X, Y)[1]
    pairs = list(zip(gradients, model.trainable_weights, strict=True))
    before = model.get_weights()
    w = np.zeros((2, 2))
    cases = [
        (model.optimizer, [], ValueError, "got no pairs"),
        (model.optimizer, pairs[1:], ValueError, "needs all trainable_weights of the model in their order"),
        (model.optimizer, [(g[:1], v) for g, v in pairs], ValueError, r"gradients\[0\]: got shape"),
        (model.optimizer, [*pairs[:-1], (pairs[-1][0], np.zeros(2))], ValueError, "'an array'"),
        (optimizers.SGD(), [(w, w.tolist())], TypeError, "got list as a weight"),
        (optimizers.SGD(), [(w, np.zeros((2, 2), int))], ValueError, "dtype"),
        (optimizers.SGD(), [(w, w), (w, w.astype(np.float32))], ValueError, "needs one dtype"),
        (optimizers.SGD(), [(w[0, 0], np.zeros(()))], ValueError, "needs a writable vector or matrix"),
    ]
    for optimizer, given, error, message in cases:
        with pytest.raises(error, match=message):
            optimizer.apply_gradients(given)
    used = optimizers.SGD()
    used.apply_gradients([(w, w)])
    with pytest.raises(ValueError, match="got other weights than at first"):
        used.apply_gradients([(w, w.copy())])
    with pytest.raises(ValueError, match="wrt: got 'x', needs 'weights', 'input' or 'both'"):
        model.gradients(X, Y, wrt="x")
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert model.optimizer.iterations == 0


def test_a_network_from_scratch_learns_by_kernels_and_an_optimizer():
    """Two classes on either side of a line: forward, backward and update, each by a function of `kernels`."""
    x = RNG.normal(size=(200, 2))
    y = (x[:, :1] > x[:, 1:]).astype(float)
    kernel, bias, optimizer = np.zeros((2, 1)), np.zeros(1), optimizers.Adam(0.1)
    for _ in range(100):
        p = kernels.sigmoid(kernels.dense_forward(x, kernel, bias))
        dz = kernels.sigmoid_gradient(p, kernels.binary_crossentropy_gradient(y, p))
        optimizer.apply_gradients(
            [(kernels.dense_kernel_gradient(x, dz), kernel), (kernels.dense_bias_gradient(dz), bias)]
        )
    assert ((p > 0.5) == y).mean() > 0.97


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_vjp_is_the_gradient_of_a_loss_without_its_mean(dtype):
    model = make("sgd", dtype, hidden=[layers.Dense(3, "tanh", kernel_regularizer="l2")])
    model.compile("sgd", lambda y_true, y_pred: ((y_true * y_pred).sum(axis=1), y_true / len(y_true)))
    plain = model.vjp(X, Y)
    assert [one.shape for one in plain] == [tuple(v.shape) for v in model.trainable_weights]
    assert all(one.dtype == dtype for one in plain)
    weights, by_input = model.vjp(X, Y / 24, wrt="both")
    _, (gradients, expected) = model.gradients(X, Y, wrt="both")
    tolerance = {"rel": 1e-4, "abs": 1e-6} if dtype == "float32" else {"rel": 1e-9, "abs": 1e-12}
    gradients[2] -= 0.02 * model.weights[2].numpy()  # the penalty, which vjp has not
    for one, other in zip(weights, gradients, strict=True):
        assert one == pytest.approx(other, **tolerance)
    assert by_input == pytest.approx(expected, **tolerance) and by_input.shape == X.shape
    assert np.array_equal(model.vjp(X, Y / 24, wrt="input"), by_input)


def test_vjp_and_apply_gradients_need_no_loss():
    model, twin = make("adam"), make("adam")
    model.compile("adam")
    _, gradients = twin.gradients(X, Y)
    ours = model.vjp(X, 2 * (model(X) - Y) / Y.size)
    for one, other in zip(ours, gradients, strict=True):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-12)
    assert model.apply_gradients(ours) == 1 and twin.apply_gradients(gradients) == 1
    for message, call in {
        "output_gradients: got shape": lambda: model.vjp(X, Y[:, :1]),
        "output_gradients: got 3 rows, needs 24": lambda: model.vjp(X, Y[:3]),
        "wrt: got 'y', needs": lambda: model.vjp(X, Y, wrt="y"),
        r"gradients\[0\]: got shape": lambda: model.apply_gradients([g[:1] for g in gradients]),
        "gradients: got 1 arrays, needs 4": lambda: model.apply_gradients(gradients[:1]),
        "apply_gradients: got a model without an optimizer": lambda: keras.Sequential(
            [keras.Input((5,)), layers.Dense(2)]
        ).apply_gradients([]),
    }.items():
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_blend_towards_those_of_another_model(dtype):
    model, target = (
        make("sgd", dtype, hidden=[layers.BatchNormalization()]),
        make("sgd", dtype, [layers.BatchNormalization()]),
    )
    model.train_on_batch(X, Y)
    before, towards = target.get_weights(), model.get_weights()
    target.blend_weights(model, 0.25)
    tau = np.dtype(dtype).type(0.25)
    for new, old, other in zip(target.get_weights(), before, towards, strict=True):
        assert np.array_equal(new, old + tau * (other - old))
    target.layers[0].kernel.assign(target.layers[0].kernel.numpy() + 1e8)  # so that a sum would be rounded
    target.blend_weights(model, 1.0)
    assert all(np.allclose(a, b) for a, b in zip(target.get_weights(), towards, strict=True))
    unchanged = target.get_weights()
    other_dtype = make("sgd", {"float32": "float64", "float64": "float32"}[dtype], [layers.BatchNormalization()])
    for wrong, tau, error, message in [
        (make("sgd", dtype), 0.5, ValueError, "other: got weights of"),
        (other_dtype, 0.5, ValueError, "other: got weights of"),
        (model, 1.5, ValueError, "tau: got 1.5"),
        (towards, 0.5, TypeError, "other: got list, needs a model"),
    ]:
        with pytest.raises(error, match=message):
            target.blend_weights(wrong, tau)
    assert all(np.array_equal(a, b) for a, b in zip(target.get_weights(), unchanged, strict=True))


def test_one_optimizer_updates_the_weights_of_several_models():
    """Those of two models together, none of which was compiled with it; they are not copied on the way."""
    first, second, optimizer = make("sgd"), make("sgd"), optimizers.Adam(0.01)
    variables = [*first.trainable_weights, *second.trainable_weights]
    alone, single = make("sgd"), optimizers.Adam(0.01)
    for _ in range(3):
        gradients = alone.gradients(X, Y)[1]
        optimizer.apply_gradients(zip([*gradients, *gradients], variables, strict=True))
        single.apply_gradients(zip(gradients, alone.trainable_weights, strict=True))
    for model in first, second:
        assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), alone.get_weights(), strict=True))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_gradients_that_would_spoil_the_weights_are_refused(value):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    model.compile("adam", "mse")
    gradients, before = [np.full((2, 1), value), np.zeros(1)], model.get_weights()
    for update in (
        lambda: model.apply_gradients(gradients),
        lambda: optimizers.SGD().apply_gradients([(gradients[0], np.zeros((2, 1), np.float32))]),
    ):
        with pytest.raises(ValueError, match=r"gradients\[0\]: got (nan|inf|1e\+300)"):
            update()
    with pytest.raises(ValueError, match=r"weights\[0\]: got 1e\+300, needs numbers within the range of float32"):
        model.set_weights([np.full((2, 1), 1e300), np.zeros(1)])
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))
