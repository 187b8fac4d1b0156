"""Layers' settings and shapes."""

import numpy as np
import pytest

from fastmlp import activations, layers, load_model
from fastmlp.initializers import Ones
from fastmlp.layers import (
    LAYERS,
    Activation,
    ActivityRegularization,
    Dense,
    Dropout,
    Flatten,
    Input,
    InputLayer,
    Rescaling,
)
from fastmlp.models import Model, Sequential
from fastmlp.regularizers import L2

DESCRIPTION = {"kind": "dense", "units": 3, "activation": "relu", "use_bias": True, "kernel": {}, "bias": {}}


def test_dense_has_the_defaults_of_keras():
    config = Dense(3).get_config()
    assert config["activation"] == "linear" and config["use_bias"] is True and config["kernel_regularizer"] is None
    assert config["kernel_initializer"]["class_name"] == "GlorotUniform"
    assert config["bias_initializer"]["class_name"] == "Zeros"


def test_dense_shapes_and_description():
    layer = Dense(np.int64(3), activations.relu, kernel_regularizer=L2(0.25), bias_initializer=Ones)
    assert layer.compute_output_shape((5,)) == (3,)
    assert layer.weight_shapes((5,)) == {"kernel": (5, 3), "bias": (3,)}
    assert layer.count_params((5,)) == 18
    assert Dense(3, use_bias=False).count_params((5,)) == 15
    assert layer.specs(0) == [DESCRIPTION | {"kernel": {"l2": 0.25}}]
    assert Dense(3, kernel_regularizer="l2").specs(0)[0]["kernel"] == {"l2": 0.01}


@pytest.mark.parametrize("layer", [Dense(3), Activation("softmax")], ids=["dense", "softmax"])
def test_layers_along_the_last_axis_take_rows_apart(layer):
    (split, inner, join), (flat,) = layer.specs(0, (28, 4)), layer.specs(0, (4,))
    assert (split, inner, join) == ({"kind": "split", "groups": 28}, flat, {"kind": "join", "groups": 28})
    assert layer.compute_output_shape((28, 4)) == (28, 3 if isinstance(layer, Dense) else 4)


def test_elementwise_layers_take_any_shape():
    for layer in (Activation("relu"), Dropout(0.5), Rescaling(2)):
        assert layer.compute_output_shape((28, 28)) == (28, 28)
    assert Flatten().compute_output_shape((28, 28, 3)) == (2352,)


def test_dropout_takes_the_models_seed_unless_it_has_one():
    assert Dropout(0.5).specs(7) == [{"kind": "dropout", "rate": 0.5, "seed": 7}]
    assert Dropout(1, seed=2**64 - 1).specs(7) == [{"kind": "dropout", "rate": 1.0, "seed": 2**64 - 1}]


def test_input():
    assert Input((28, 28)).shape == Input([28, 28]).shape == (None, 28, 28)
    assert Input(784).shape == Input(batch_shape=(None, 784)).shape == (None, 784) and Input(784).row_shape == (784,)
    assert Input(3, name="left").name == "left" and Input(3, dtype="int32").dtype == "int32"
    assert Input(4, sparse=True).shape == (None, 4)
    assert Input(4, batch_size=32).shape == Input(batch_shape=(32, 4)).shape == (None, 4)  # of any size
    assert InputLayer(batch_shape=(None, 4)).symbol.shape == InputLayer(input_shape=(4,)).symbol.shape == (None, 4)
    for arguments in (
        {"shape": 4, "batch_size": 0},
        {"batch_shape": ()},
        {"batch_shape": (None, 4), "shape": 4},
        {"shape": 4, "dtype": "x"},
        {"shape": 4, "ragged": True},
        {},
    ):
        with pytest.raises(ValueError, match=r"(shape|batch_size|batch_shape|dtype|ragged): got .*, needs"):
            Input(**arguments)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Dense(0), ValueError, "units: got 0, needs an integer of at least 1"),
        (lambda: Dense(10**13), ValueError, "units: got 10000000000000, needs an integer of at least 1 and below 2147"),
        (lambda: Dense(2.5), TypeError, "units: got 2.5"),
        (lambda: Dense(True), TypeError, "units: got True"),
        (lambda: Dense(3, "relux"), ValueError, "activation: got unknown name 'relux', needs one of 'linear', 'relu'"),
        (lambda: Dense(3, use_bias=1), TypeError, "use_bias: got 1, needs True or False"),
        (lambda: Dense(3, kernel_initializer="he"), ValueError, "kernel_initializer: got unknown name 'he'"),
        (lambda: Dense(3, kernel_regularizer=0.1), TypeError, "kernel_regularizer: got 0.1"),
        (lambda: Dense(3, kernel_regularizer="l3"), ValueError, "kernel_regularizer: got unknown name 'l3'"),
        (lambda: Dense(3, name="a/b"), ValueError, "name: got 'a/b'"),
        (lambda: Dense(3, name=3), TypeError, "name: got 3"),
        (lambda: Dropout(-0.1), ValueError, r"rate: got -0.1, needs a finite number in \[0, 1\]"),
        (lambda: Dropout(0.5, seed=2**64), ValueError, "seed: got 18446744073709551616"),
        (lambda: Rescaling(float("nan")), ValueError, "scale: got nan"),
        (lambda: Rescaling("1/255"), TypeError, "scale: got '1/255'"),
        (lambda: Flatten(input_shape=()), ValueError, "input_shape: got"),
        (lambda: Input((None, 784)), TypeError, "shape: got None"),
        (lambda: Input((2**70,)), ValueError, "shape: got 1180591620717411303424, needs an integer of at least 1 and"),
        (
            lambda: Input((2**16, 2**15)),
            ValueError,
            r"shape: got \(65536, 32768\), 2147483648 values a row, needs below",
        ),
        (lambda: Flatten(input_shape=(2**31,)), ValueError, "input_shape: got 2147483648, needs"),
        (lambda: Flatten(input_shape=(28, 0)), ValueError, "input_shape: got 0"),
        (lambda: L2(-1.0), ValueError, "l2: got -1.0"),
    ],
)
def test_bad_settings_name_the_argument(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_the_largest_sizes():
    assert InputLayer((2**31 - 1,)).shape == (2**31 - 1,) and Dense(2**31 - 1).units == 2**31 - 1


def test_layers_refuse_arguments_of_keras_that_they_lack():
    with pytest.raises(TypeError, match="lora_rank"):
        Dense(3, lora_rank=2)
    with pytest.raises(ValueError, match=r"noise_shape: got \(3, 1\), needs None"):
        Dropout(0.5, (3, 1))


@pytest.mark.parametrize(
    "layer",
    [
        Dense(3, "tanh", False, "he_normal", Ones(), L2(0.5), name="out", input_shape=(4,)),
        Dropout(0.5, seed=3),
        ActivityRegularization(0.1, 0.2),
        Flatten(input_shape=(28, 28)),
        Rescaling(1 / 255, -0.5),
        Activation(activations.sigmoid),
        InputLayer((5,)),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_config_round_trip(layer):
    config = layer.get_config()
    again = LAYERS[type(layer).__name__].from_config(config)
    assert again.get_config() == config and repr(again) == repr(layer)


@pytest.mark.parametrize(
    ("layer", "activation"),
    [
        (lambda: layers.ReLU(), "relu"),
        (lambda: layers.ReLU(6), "relu6"),
        (lambda: layers.LeakyReLU(0.2), "leaky_relu"),
        (lambda: layers.ELU(), "elu"),
        (lambda: layers.Softmax(), "softmax"),
    ],
)
def test_an_activation_is_a_layer_under_its_own_name_too(layer, activation):
    x = np.random.default_rng(0).normal(size=(9, 4)) * 50  # beyond 6, where relu6 ends
    last = (layer(), Activation(activation), Activation("linear"))
    own, named, none = (Sequential([Input((4,)), Dense(5), one], seed=1) for one in last)
    again = Sequential.from_config(own.get_config())
    assert type(own.layers[1]) is type(again.layers[1]) is type(last[0])
    outputs = own.predict(x, verbose=0)
    assert np.array_equal(outputs, named.predict(x, verbose=0)) and np.array_equal(outputs, again.predict(x, verbose=0))
    assert not np.array_equal(outputs, none.predict(x, verbose=0))


def test_slopes_are_trained_as_those_of_keras():
    """Keras 3.15.1 with JAX in float64: outputs, and gradients of the sum of outputs times weights."""
    x = np.array([[0.5, -1.5, 2.0], [-0.25, -3.0, 0.75]])
    weights = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]])
    model = Sequential([Input((3,)), layers.PReLU()], dtype="float64")
    assert (model.get_weights()[0] == 0).all()
    model.set_weights([np.array([0.25, 0.5, -1.0])])
    assert np.array_equal(model.predict(x, verbose=0), [[0.5, -0.75, 2.0], [-0.0625, -1.5, 0.75]])
    by_weights, by_input = model.vjp(x, weights, wrt="both")
    assert by_weights[0].tolist() == [-0.75, 2.25, 0.0]
    assert by_input.tolist() == [[1.0, -1.0, 0.5], [0.75, 0.125, -1.0]]
    assert [weight.path for weight in model.weights] == ["p_re_lu/alpha"] == [model.layers[0].alpha.path]


def test_slopes_may_be_shared_between_calls_and_frozen():
    slopes, x = layers.PReLU("ones"), Input((3,))
    hidden = Dense(3, name="hidden")(x)
    model = Model(x, [slopes(x), slopes(hidden)])
    slopes.trainable = False
    rows = -np.abs(np.random.default_rng(0).normal(size=(8, 3))).astype(np.float32)
    first, second = model.predict(rows, verbose=0)
    assert np.array_equal(first, rows)
    assert np.array_equal(second, Model(x, hidden).predict(rows, verbose=0))
    model.compile("sgd", "mse")
    model.fit(rows, [rows + 1, rows], verbose=0)
    assert np.array_equal(slopes.alpha.numpy(), np.ones(3))


def test_slopes_along_the_last_axis_may_be_shared(tmp_path):
    shared = layers.PReLU("ones", "l2", "non_neg", shared_axes=[1])
    model = Sequential([Input((4, 3)), shared, Flatten(), Dense(2)], seed=1)
    assert model.layers[0].alpha.shape == (3,)
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(20, 4, 3))
    before = model.get_weights()[0]
    model.fit(x, x[:, 0, :2], epochs=2, verbose=0)
    assert not np.array_equal(model.get_weights()[0], before)
    model.save(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert np.array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    with pytest.raises(
        ValueError, match=r"got rows of shape \(4, 3\) with PReLU\(.*, needs shared_axes=\[1\], for one"
    ):
        Sequential([Input((4, 3)), layers.PReLU()]).get_weights()
    with pytest.raises(ValueError, match=r"got rows of shape \(3,\) with PReLU\(.*, needs shared_axes=None"):
        Sequential([Input((3,)), layers.PReLU(shared_axes=1)]).get_weights()


def test_other_dropouts_keep_mean_and_variance():
    x = np.random.default_rng(2).normal(size=(400, 50))
    for layer, deviation in ((layers.GaussianDropout(0.2, seed=3), 0.5), (layers.AlphaDropout(0.2, seed=3), None)):
        model = Sequential([Input((50,)), layer], dtype="float64")
        assert np.array_equal(model.predict(x, verbose=0), x)
        drawn = model(x, training=True)
        assert not np.array_equal(drawn, x) and abs(drawn.mean() - x.mean()) < 0.03
        if deviation is None:  # of what has a mean of 0 and a variance of 1
            assert abs(drawn.var() - 1) < 0.05 and len(np.unique(drawn.round(12))) < 0.85 * x.size
        else:
            assert abs((drawn / x - 1).std() - deviation) < 0.01
        again = LAYERS[type(layer).__name__].from_config(layer.get_config())
        assert repr(again) == repr(layer)
    with pytest.raises(ValueError, match="rate: got 1"):
        layers.AlphaDropout(1)
    with pytest.raises(ValueError, match="noise_shape: got"):
        layers.AlphaDropout(0.5, (1, 3))


def test_a_softmax_of_one_unit_is_always_one():
    with pytest.warns(UserWarning, match="units: got 1 with a softmax, which is always 1, needs a sigmoid"):
        Dense(1, "softmax")
