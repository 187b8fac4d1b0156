"""The layers that normalize or disturb, regularizers and constraints, in models."""

import numpy as np
import pytest

import fastmlp as keras
from fastmlp import layers, losses, optimizers, regularizers

RNG = np.random.default_rng(51)
X, Y = RNG.normal(size=(12, 4)), RNG.normal(size=(12, 2))
W1, W2 = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 2))
GAMMA, BETA = RNG.uniform(0.5, 1.5, 3), RNG.normal(size=3)

# Computed with PyTorch 2.13 in float64: mean squared error, plain SGD at 0.1, three epochs of batches of 4 in order;
# the last batch's loss, gamma, and for a batch the moving averages by torch's formula with momentum 0.9.
GOLDEN = {
    "batch": (1.4328732866483793, [0.5537081765019598, 0.8148622807279639, 1.2880379280839276]),
    "layer": (1.8702489449406468, [0.5907770651854001, 0.6647572071063746, 1.1624995296048108]),
}
MOVING_MEAN = [-1.441527366718592, 0.19035708353149083, -0.4606822723456848]
MOVING_VARIANCE = [2.3319228725879824, 5.741951802579485, 4.803426274075539]


def fitted(kind):
    normalize = layers.BatchNormalization(momentum=0.9) if kind == "batch" else layers.LayerNormalization()
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(3, use_bias=False),
            normalize,
            layers.Activation("tanh"),
            layers.Dense(2, use_bias=False),
        ],
        dtype="float64",
    )
    model.compile(optimizers.SGD(0.1), "mse")
    weights = [W1, GAMMA, BETA, W2]
    if kind == "batch":
        weights[3:3] = [np.zeros(3), np.ones(3)]
    model.set_weights(weights)
    found = []
    for _ in range(3):
        for i in range(0, 12, 4):
            found.append(model.train_on_batch(X[i : i + 4], Y[i : i + 4]))
    return model, normalize, found


@pytest.mark.parametrize("kind", GOLDEN)
def test_normalizations_train_as_in_pytorch(kind):
    _, normalize, found = fitted(kind)
    loss, gamma = GOLDEN[kind]
    assert found[-1] == pytest.approx(loss, rel=1e-11)
    assert normalize.get_weights()[0] == pytest.approx(gamma, rel=1e-11)
    if kind == "batch":
        assert normalize.get_weights()[2] == pytest.approx(MOVING_MEAN, rel=1e-11)
        assert normalize.get_weights()[3] == pytest.approx(MOVING_VARIANCE, rel=1e-11)


def test_batch_normalization_predicts_with_its_moving_averages(capsys, tmp_path):
    model, _, _ = fitted("batch")
    weights = dict(zip([v.path for v in model.weights], model.get_weights(), strict=True))
    assert [v.name for v in model.non_trainable_weights] == ["moving_mean", "moving_variance"]
    hidden = X @ weights["dense/kernel"]
    scale = weights["batch_normalization/gamma"] / np.sqrt(weights["batch_normalization/moving_variance"] + 1e-3)
    hidden = (hidden - weights["batch_normalization/moving_mean"]) * scale + weights["batch_normalization/beta"]
    expected = np.tanh(hidden) @ weights["dense_1/kernel"]
    assert model.predict(X, verbose=0) == pytest.approx(expected, rel=1e-12)
    assert model(X) == pytest.approx(expected, rel=1e-12)
    model.summary()
    printed = capsys.readouterr().out
    assert "Total params: 30" in printed and "Trainable params: 24" in printed and "Non-trainable params: 6" in printed
    model.save(tmp_path / "m.safetensors")
    again = keras.load_model(tmp_path / "m.safetensors")
    assert np.array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    more = [m.train_on_batch(X, Y) for m in (model, again)]
    assert more[0] == more[1]


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_optimizers_remember_the_trained_weights_only(optimizer, tmp_path):
    model = keras.Sequential([keras.Input((4,)), layers.BatchNormalization(), layers.Dense(2)], seed=1)
    model.compile(optimizer, "mse")
    model.fit(X, Y, epochs=2, verbose=0)
    model.save(tmp_path / "m.safetensors")
    again = keras.load_model(tmp_path / "m.safetensors")
    for m in model, again:
        m.fit(X, Y, epochs=1, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))


def test_center_and_scale_decide_which_weights_there_are():
    for kind in layers.BatchNormalization, layers.LayerNormalization:
        names = {
            (center, scale): list(kind(center=center, scale=scale).weight_shapes((3,)))[: center + scale]
            for center in (False, True)
            for scale in (False, True)
        }
        assert names == {
            (False, False): [],
            (False, True): ["gamma"],
            (True, False): ["beta"],
            (True, True): ["gamma", "beta"],
        }


def test_normalization_adapts_to_data():
    x = 5 + 3 * RNG.normal(size=(50, 2, 3)) * np.array([1, 10, 100])
    layer = layers.Normalization()
    layer.adapt(x)
    model = keras.Sequential([layer, layers.Flatten()], dtype="float64")
    out = model.predict(x, verbose=0)
    columns = out.reshape(100, 3)
    assert columns.mean(axis=0) == pytest.approx(0, abs=1e-12) and columns.std(axis=0) == pytest.approx(1)
    given = layers.Normalization(mean=layer.mean, variance=layer.variance)
    assert given.get_config()["mean"] == layer.get_config()["mean"]
    assert np.array_equal(keras.Sequential([given, layers.Flatten()], dtype="float64").predict(x, verbose=0), out)
    layer.adapt(2 * x)  # in a model that has its weights
    assert model.predict(2 * x, verbose=0) == pytest.approx(out, rel=1e-9)
    alike = layers.Normalization(axis=None)
    alike.adapt(x)
    assert np.shape(alike.mean) == (1, 1, 1) and np.ravel(alike.variance) == pytest.approx(x.var())
    with pytest.raises(ValueError, match=r"got mean and variance of shape \(3,\) for rows of shape \(4,\)"):
        keras.Sequential([keras.Input((4,)), layers.Normalization(mean=[0, 0, 0], variance=[1, 1, 1])])
    for arguments, message in (
        ({"mean": 1.0}, "needs both or none"),
        ({"mean": 0.0, "variance": -1.0}, "below 0"),
        ({"mean": [0.0, 0.0], "variance": 1.0}, r"variance: got shape \(\), needs \(2,\), as mean has"),
        ({"axis": 0}, "axis: got 0"),
        ({"axis": (1, 0)}, r"axis: got \(1, 0\)"),
    ):
        with pytest.raises(ValueError, match=message):
            layers.Normalization(**arguments)


# Keras 3.15.1 with JAX in float32: shape, mean, variance, and of the value at [1, 2, 1] the normalized and the inverse.
ADAPTED_TO = ((np.arange(24.0) * 7) % 11).reshape(2, 3, 4)
OF_LAST = [[4.0, 5.5, 31 / 6, 29 / 6], [29 / 3, 83 / 12, 425 / 36, 425 / 36], -0.5703518390655518, 16.019821166992188]
OF_FIRST = [[5.75, 4.875, 4.0], [10.9375, 8.359375, 10.25], 0.0, 16.80624771118164]
MEAN_OF_BOTH = [3.5, 5.0, 6.5, 8.0, 4.0, 5.5, 7.0, 3.0, 4.5, 6.0, 2.0, 3.5]
VARIANCE_OF_BOTH = [12.25, 4.0, 12.25, 4.0, 4.0, 12.25, 4.0, 4.0, 12.25, 4.0, 4.0, 12.25]
OF_AXES = {
    None: [(1, 1, 1), [4.875], [10.359375], -0.27185747027397156, 17.749393463134766],
    -1: [(1, 1, 4), *OF_LAST],
    2: [(1, 1, 4), *OF_LAST],
    1: [(1, 3, 1), *OF_FIRST],
    (-2,): [(1, 3, 1), *OF_FIRST],
    (1, 2): [(1, 3, 4), MEAN_OF_BOTH, VARIANCE_OF_BOTH, -1.0, 14.0],
    (-1, 1): [(1, 3, 4), MEAN_OF_BOTH, VARIANCE_OF_BOTH, -1.0, 14.0],
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("axis", "expected"), OF_AXES.items(), ids=map(str, OF_AXES))
def test_statistics_along_any_axes_are_those_of_keras(axis, expected, dtype):
    shape, mean, variance, normalized, inverse = expected
    there, back = layers.Normalization(axis=axis), layers.Normalization(axis=axis, invert=True)
    for layer, value in ((there, normalized), (back, inverse)):
        layer.adapt(ADAPTED_TO)
        assert layer.mean.shape == layer.variance.shape == shape and type(layer.mean.numpy()) is np.ndarray
        assert np.ravel(layer.mean) == pytest.approx(mean) and np.ravel(layer.variance) == pytest.approx(variance)
        assert layer(ADAPTED_TO)[1, 2, 1] == pytest.approx(value, rel=1e-6)
        again = layers.Normalization.from_config(layer.get_config())
        assert np.array_equal(again(ADAPTED_TO), layer(ADAPTED_TO)) and again.mean.shape == shape
        in_parts = layers.Normalization(axis=axis)
        in_parts.adapt([ADAPTED_TO[:1], ADAPTED_TO[1:]])
        assert np.ravel(in_parts.variance) == pytest.approx(variance)
    there, back = (layers.Normalization.from_config(layer.get_config()) for layer in (there, back))
    model = keras.Sequential([keras.Input((3, 4)), there, back], dtype=dtype)
    assert model.predict(ADAPTED_TO, verbose=0) == pytest.approx(ADAPTED_TO, rel=1e-5)


def test_axes_that_the_data_have_not():
    for axis, data in ((2, X), ((1, 2), X), (-3, X), (1, X[:, 0])):
        with pytest.raises(ValueError, match=r"got .* for data of . axes|got shape \(12,\), needs \(rows, features\)"):
            layers.Normalization(axis=axis).adapt(data)


def test_statistics_of_fewer_axes_are_those_of_the_last():
    """Keras 3.15.1 with JAX: -1.4142135 and -3."""
    layer = layers.Normalization(axis=(1, 2), mean=[3.0, 4.0], variance=[2.0, 1.0])
    assert layer(np.ones((1, 3, 2))) == pytest.approx(np.broadcast_to([-(2**0.5), -3.0], (1, 3, 2)))
    rows = layers.Normalization(mean=np.array([[1.0, 2.0]]), variance=np.array([[4.0, 0.0]]))
    assert rows([[3.0, 2.0]]).tolist() == [[1.0, 0.0]]
    one = layers.Normalization(mean=3.0, variance=4.0)
    assert one([[5.0, 1.0]]).tolist() == [[1.0, -1.0]]


def test_rows_of_one_number_may_be_a_vector():
    numbers = np.arange(8.0)
    for layer in (layers.Normalization(axis=None), layers.Normalization(input_shape=[1])):
        layer.adapt(numbers)
        assert np.ravel(layer.mean) == 3.5 and np.ravel(layer.variance) == pytest.approx(5.25)
    assert not layers.Normalization(input_shape=[1], axis=None).built
    alike = layers.Normalization(axis=None)
    alike.adapt(numbers)
    normal = (numbers - 3.5) / 5.25**0.5
    assert alike(numbers) == pytest.approx(normal) and alike(numbers).shape == (8,)
    model = keras.Sequential([layer, layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(numbers, numbers, verbose=0)
    assert model.predict(numbers, verbose=0).shape == (8, 1) and model.input_shape == (None, 1)


def test_adapting_to_some_batches():
    whole, few = layers.Normalization(), layers.Normalization()
    whole.adapt(X, batch_size=5)
    assert np.array_equal(np.ravel(whole.mean), X.mean(axis=0))
    few.adapt(X, batch_size=4, steps=2)
    assert np.array_equal(np.ravel(few.mean), X[:8].mean(axis=0))
    few.adapt(iter([X[:3], X[3:5], X]), steps=2)
    assert np.ravel(few.mean) == pytest.approx(X[:5].mean(axis=0))
    few.adapt((X[:3], X[3:5]))
    assert np.ravel(few.mean) == pytest.approx(X[:5].mean(axis=0))
    for settings in ({"batch_size": 0}, {"steps": 0}):
        with pytest.raises(ValueError, match="needs an integer of at least 1"):
            few.adapt(X, **settings)
    assert np.ravel(few.mean) == pytest.approx(X[:5].mean(axis=0))


def test_a_normalization_without_statistics_is_an_error_where_it_is_used(capsys):
    layer = layers.Normalization()
    model = keras.Sequential([keras.Input((4,)), layer, layers.Dense(2)])
    model.compile("sgd", "mse")
    model.summary()
    assert "normalization (Normalization)" in capsys.readouterr().out and model.count_params() == 18
    assert [array.tolist() for array in model.get_weights()[:2]] == [[0.0] * 4, [1.0] * 4]
    twin = keras.models.clone_model(model)
    for use in (lambda: model.predict(X, verbose=0), lambda: model.fit(X, Y, verbose=0), lambda: model(X)):
        with pytest.raises(ValueError, match="layer 'normalization': got no mean and variance, needs a call of adapt"):
            use()
    with pytest.raises(ValueError, match="got no mean and variance"):
        layers.Normalization()(X)
    layer.adapt(X)
    model.fit(X, Y, verbose=0)
    assert model.get_weights()[0] == pytest.approx(X.mean(axis=0), rel=1e-6)
    twin.set_weights(model.get_weights())
    assert np.array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))


def test_the_inverse_is_exact_and_not_trained(tmp_path):
    settings = {"mean": [1.0, -2.0], "variance": [1e20, 1e-30]}
    layer = layers.Normalization(invert=True, **settings)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2), layer], dtype="float64", seed=1)
    model.compile("sgd", "mse")
    inside = X @ model.layers[0].get_weights()[0]
    assert np.allclose(model.predict(X, verbose=0), inside * [1e10, 1e-7] + [1, -2], rtol=1e-14)
    before = layer.get_weights()
    model.fit(X, Y, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))
    assert [one.path for one in model.trainable_weights] == ["dense/kernel", "dense/bias"]
    model.save(tmp_path / "model.safetensors")
    loaded = keras.load_model(tmp_path / "model.safetensors")
    assert np.array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    y = np.zeros((12, 2))
    model = keras.Sequential(
        [keras.Input((2,)), layers.Normalization(invert=True, mean=0.0, variance=9.0)], dtype="float64"
    )
    model.compile("sgd", "mse")
    _, gradient = model.gradients(X[:, :2], y, wrt="input")
    assert gradient == pytest.approx(9 * X[:, :2] / 12)


def test_noise_is_normal_and_only_there_in_training():
    layer = layers.GaussianNoise(0.5, seed=3)
    model = keras.Sequential([keras.Input((1000,)), layer, layers.Dense(1)], dtype="float64")
    x = np.zeros((100, 1000))
    assert np.array_equal(model.predict(x, verbose=0), np.zeros((100, 1)))
    drawn = keras.kernels.gaussian_noise(x, 0.5, 3, 0, 0)
    assert drawn.mean() == pytest.approx(0, abs=0.01) and drawn.std() == pytest.approx(0.5, rel=0.01)
    quantiles = np.quantile(drawn / 0.5, [0.1587, 0.8413, 0.0228, 0.9772])
    assert quantiles == pytest.approx([-1, 1, -2, 2], abs=0.03)
    assert abs(np.corrcoef(drawn[:, :-1].ravel(), drawn[:, 1:].ravel())[0, 1]) < 0.01
    with pytest.raises(ValueError, match="stddev: got -1"):
        layers.GaussianNoise(-1)


def penalty_of(regularizer, w):
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2, kernel_regularizer=regularizer)], dtype="float64")
    model.compile("sgd", "mse")
    model.set_weights([w, np.zeros(2)])
    return model.evaluate(np.zeros((3, 2)), np.zeros((3, 2)), verbose=0)


def test_penalties_of_kernels_are_those_of_keras():
    w = np.array([[1.0, -2.0], [0.5, 0.0]])
    assert penalty_of("l1", w) == pytest.approx(0.01 * 3.5)
    assert penalty_of("l2", w) == pytest.approx(0.01 * 5.25)
    assert penalty_of(regularizers.l1_l2(0.1, 0.2), w) == pytest.approx(0.1 * 3.5 + 0.2 * 5.25)
    assert penalty_of(regularizers.L1L2(), w) == 0


@pytest.mark.parametrize(
    "stack",
    [
        [layers.Dense(2, "relu", activity_regularizer=regularizers.L1L2(0.1, 0.2))],
        [layers.Dense(2, "relu"), layers.ActivityRegularization(0.1, 0.2)],
    ],
)
def test_a_penalty_of_outputs_is_divided_by_the_rows(stack):
    model = keras.Sequential([keras.Input((2,)), *stack], dtype="float64")
    model.compile("sgd", "mse")
    model.set_weights([np.eye(2), np.zeros(2)])
    x = np.array([[1.0, 2.0], [3.0, -1.0]])
    out = np.maximum(x, 0)
    expected = (0.1 * out.sum() + 0.2 * (out**2).sum()) / 2
    assert model.evaluate(x, out, verbose=0) == pytest.approx(expected, rel=1e-12)


def test_weights_keep_their_largest_norm_through_fit():
    dense = layers.Dense(3, kernel_constraint="max_norm", bias_constraint=keras.constraints.MaxNorm(0.01))
    model = keras.Sequential([keras.Input((4,)), dense, layers.Dense(2)], seed=1)
    model.compile(optimizers.SGD(0.5), losses.MeanSquaredError())
    model.set_weights([np.full((4, 3), 5.0), np.ones(3), *model.get_weights()[2:]])
    model.fit(X, Y, batch_size=4, verbose=0)
    assert np.linalg.norm(dense.kernel, axis=0).max() <= 2 + 1e-5
    assert np.linalg.norm(dense.bias) <= 0.01 + 1e-6
    again = keras.Sequential.from_config(model.get_config())
    assert again.layers[0].bias_constraint.max_value == 0.01
    with pytest.raises(
        ValueError, match="kernel_constraint: got unknown name 'norm', needs one of 'max_norm', 'non_neg'"
    ):
        layers.Dense(2, kernel_constraint="norm")
    with pytest.raises(ValueError, match=r"axis: got 2, needs 0, 1, -1 or \[0, 1\]"):
        keras.constraints.MaxNorm(2, axis=2)
    with pytest.raises(ValueError, match=r"min_value: got 2\.0 above max_value 1\.0, needs at most that"):
        keras.constraints.MinMaxNorm(2.0)


def test_penalties_of_ones_own_say_what_to_do():
    with pytest.raises(
        TypeError, match=r"kernel_regularizer: got a function, .*, needs one of 'l1', 'l2', 'l1_l2': a pen"
    ):
        layers.Dense(2, kernel_regularizer=lambda w: 0.1 * w.sum())
    with pytest.raises(
        TypeError, match=r"Mine: got a method '__call__', needs none: .*; a penalty of your own is added"
    ):

        class Mine(regularizers.Regularizer):
            def __call__(self, w):
                return 0.1 * w.sum()


def test_variables_are_the_weights_by_name():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(2, use_bias=False)], dtype="float64")
    assert [v.path for v in model.weights] == ["dense/kernel", "dense/bias", "dense_1/kernel"]
    kernel = model.layers[0].kernel
    assert (kernel.name, kernel.shape, kernel.dtype) == ("kernel", (4, 3), "float64")
    kernel.assign(np.ones((4, 3)))
    assert np.array_equal(model.get_weights()[0], np.ones((4, 3)))
    assert np.array_equal(np.asarray(kernel), kernel.numpy())
    assert model.layers[1].bias is None
    model.layers[0].set_weights([np.zeros((4, 3)), np.ones(3)])
    assert np.array_equal(model.layers[0].bias, np.ones(3))
    with pytest.raises(ValueError, match=r"dense/kernel\[0\]: got shape \(3, 4\), needs \(4, 3\)"):
        kernel.assign(np.ones((3, 4)))
    with pytest.raises(ValueError, match="needs a list of 2 arrays"):
        model.layers[0].set_weights([np.ones((4, 3))])
    with pytest.raises(ValueError, match=r"got shape \(2,\)"):
        model.layers[0].set_weights([np.zeros((4, 3)), np.ones(2)])
    assert np.array_equal(model.layers[0].bias, np.ones(3))
    with pytest.raises(AttributeError, match="kernel: got layer 'dense' without weights, needs a call, or build"):
        _ = layers.Dense(3).kernel


def test_rows_of_length_1_have_the_values_and_gradients_of_keras():
    """Keras 3.15.1 with JAX in float64; the second row is shorter than what a row is divided by at least."""
    x = np.array([[3.0, -4.0, 0.0], [1e-14, 0.0, -2e-14], [0.25, 0.5, -2.0]])
    model = keras.Sequential([keras.Input((3,)), layers.UnitNormalization()], dtype="float64")
    unit = [0.1203858530857692, 0.2407717061715384, -0.9630868246861536]
    assert model(x) == pytest.approx(np.array([[0.6, -0.8, 0.0], [0.01, 0.0, -0.02], unit]), rel=1e-14)
    dy = np.array([[1.0, 0.5, -0.25], [1.0, 0.5, 2.0], [0.5, -1.0, 0.125]])
    model.compile("sgd", lambda y_true, y_pred: ((y_true * y_pred).sum(axis=1), y_true))
    _, gradient = model.gradients(x, dy, wrt="input")
    last = [0.25821893125643247, -0.44664896217328864, -0.0793848741362681]
    assert gradient == pytest.approx(np.array([[0.176, 0.132, -0.05], [1e12, 5e11, 2e12], last]), rel=1e-13)


def test_rows_of_length_1_are_flat():
    with pytest.raises(ValueError, match="axis: got 0, needs -1: rows are flat"):
        layers.UnitNormalization(axis=0)
    model = keras.Sequential([keras.Input((2, 3)), layers.UnitNormalization(), layers.Flatten()])
    x = np.arange(1.0, 13.0).reshape(2, 2, 3)
    assert np.allclose(model.predict(x, verbose=0), (x / np.linalg.norm(x, axis=-1, keepdims=True)).reshape(2, 6))


class Numbered:
    """Batches by number, as a PyDataset has them: without an end of their own."""

    def __init__(self, batches):
        self.batches, self.asked = batches, []

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, number):
        self.asked.append(number)
        return self.batches[number % len(self)]


@pytest.mark.parametrize("axis", [-1, None])
def test_normalization_adapts_to_batches(axis):
    rows = RNG.normal(2.0, 3.0, size=(30, 4)) + 1e6
    whole = layers.Normalization(axis=axis)
    whole.adapt(rows)
    cuts = [rows[:7], rows[7:20], rows[20:]]

    class Dataset(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, number):
            return cuts[number % 3], None

    numbered = Numbered(cuts)
    for batches in (numbered, Dataset(), iter(cuts), ((cut, None) for cut in cuts)):
        parts = layers.Normalization(axis=axis)
        parts.adapt(batches)
        assert np.ravel(parts.mean) == pytest.approx(np.ravel(whole.mean), rel=1e-14)
        assert np.ravel(parts.variance) == pytest.approx(np.ravel(whole.variance), rel=1e-9)
    assert numbered.asked == [0, 1, 2]


def test_batches_that_do_not_fit_a_normalization():
    for batches, message in (
        (iter([]), "data: got list_iterator without a batch, needs at least one"),
        (iter([X, X[:, :3]]), r"data batch 1: got shape \(12, 3\), needs \(rows, 4\)"),
        (iter([X, X * np.nan]), "data batch 1: got nan in row 0"),
    ):
        layer = layers.Normalization()
        with pytest.raises(ValueError, match=message):
            layer.adapt(batches)
        assert layer.mean is None


def test_an_object_of_batches_by_number_has_an_end_wherever_it_is_given():
    """NumPy would ask it for one after another, for ever."""
    model, batches = keras.Sequential([keras.Input((4,)), layers.Dense(2)]), Numbered([X, X, X])
    model.compile("sgd", "mse")
    for call in (
        lambda: model(batches),
        lambda: model.train_on_batch(batches, Y),
        lambda: model.fit(X, batches, verbose=0),
        lambda: model.evaluate(X, Y, sample_weight=batches, verbose=0),
        lambda: losses.mean_squared_error(batches, X),
    ):
        with pytest.raises((ValueError, TypeError), match="got"):
            call()
    assert set(batches.asked) <= {0, 1, 2} and len(batches.asked) < 40
    assert keras.utils.to_categorical(Numbered([0, 2, 1])).tolist() == np.eye(3)[[0, 2, 1]].tolist()
