"""Models as graphs of calls: functional, nested, shared, and by a `call` of one's own."""

import copy
import gc
import re
import weakref

import numpy as np
import pytest

import fastmlp as keras
from fastmlp import layers
from fastmlp.layers import BatchNormalization, Dense, Dropout, Flatten, Input, Normalization, Rescaling, Softmax
from fastmlp.layers.graph import Graph
from tests.models.small_graphs import MAKERS, X, Y, functional, nested, repeated, row, same, trained


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MAKERS)
def test_the_same_layers_have_the_same_bits_however_they_are_put_together(name, dtype):
    model, other = (trained(lambda make=make: make(dtype=dtype)) for make in (MAKERS[name], row))
    assert model.dtype == dtype and same(model.get_weights(), other.get_weights())
    assert np.array_equal(model(X), other(X)) and np.array_equal(model.predict(X, verbose=0), other(X))
    assert model.fit(X, Y, verbose=0, batch_size=7).history == other.fit(X, Y, verbose=0, batch_size=7).history
    assert model.count_params() == other.count_params() == 63


def test_parts_of_a_model_are_models_with_its_weights():
    model = trained(functional)
    hidden = keras.Model(model.input, model.layers[1].output)
    assert hidden.layers[1] is model.layers[1] and hidden.output_shape == (None, 5)
    before = hidden(X)
    assert before == pytest.approx(np.tanh(X @ model.get_weights()[0] + model.get_weights()[1]), abs=1e-6)
    model.train_on_batch(X, Y)
    assert not np.array_equal(hidden(X), before)
    rest = keras.Model(model.layers[2].output, model.output)  # from the middle on
    assert rest.input_shape == (None, 5) and rest.layers[-1] is model.layers[-1]
    normalized = keras.Model(model.inputs, model.get_layer("batch_normalization").output)
    assert np.array_equal(rest(normalized(X)), model(X))


def test_an_autoencoder_and_its_halves():
    encoder = keras.Sequential([Dense(3, "relu"), Dense(2)], name="encoder")
    decoder = keras.Sequential([Input((2,)), Dense(3, "relu"), Dense(4)])
    model = keras.Sequential([encoder, decoder], seed=1)
    model.compile("adam", "mse")
    assert not encoder.built and not model.built
    model.fit(X, X, epochs=2, verbose=0)
    assert encoder.built and np.array_equal(decoder(encoder(X)), model(X))
    assert list(model.weight_names)[::4] == ["encoder/dense/kernel", "sequential/dense/kernel"]
    probability = keras.Sequential([model, Softmax()])
    assert probability(X).sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert probability.input_shape == (None, 4) and len(probability.get_weights()) == 8


def test_what_layers_know_of_their_calls():
    layer = Dense(3)
    for name in ("input", "output", "input_shape", "output_shape"):
        with pytest.raises(AttributeError, match=f"{name}: got layer 'dense', which was not called"):
            getattr(layer, name)
    inputs = Input((4,), name="rows")
    outputs = layer(inputs)
    layer(Input((4,)))
    assert layer.input is inputs and layer.output is outputs and layer.built
    assert (layer.input_shape, layer.output_shape) == ((None, 4), (None, 3)) and layer.count_params() == 15
    assert outputs.shape == (None, 3) and outputs.dtype == "float32" and inputs.name == "rows"
    with pytest.raises(ValueError, match=r"layer 'dense': got rows of shape \(5,\), needs \(4,\), which its weights"):
        layer(Input((5,)))
    with pytest.raises(TypeError, match="inputs: got ndarray beside a symbol"):
        layer([inputs, X])
    built = Dense(3)
    built.build((None, 4))
    assert [variable.shape for variable in built.weights] == [(4, 3), (3,)] and built.kernel.path == "dense/kernel"


def test_symbols_have_operators_and_no_values():
    inputs = Input((4,))
    results = {
        "plus": (inputs + 1, X + 1),
        "swapped": (1 - inputs, 1 - X),
        "minus": (inputs - 2, X - 2),
        "times": (3 * inputs, 3 * X),
        "divided": (inputs / 4, X / 4),
        "negative": (-inputs, -X),
        "several": ((inputs - 0.5) * 2, (X - 0.5) * 2),
    }
    for symbol, expected in results.values():
        assert np.array_equal(keras.Model(inputs, symbol, dtype="float64")(X), expected)
    for wrong in (lambda: inputs + "a", lambda: inputs + True, lambda: np.exp(inputs), lambda: X + inputs):
        with pytest.raises(TypeError):
            wrong()
    for wrong in (lambda: bool(inputs), lambda: list(inputs), lambda: inputs[0], lambda: np.asarray(inputs)):
        with pytest.raises(TypeError, match="needs layers: a symbol has n"):
            wrong()


def test_layers_compute_arrays():
    layer = Dense(3, "tanh", dtype="float64")
    assert layer(X) == pytest.approx(np.tanh(X @ layer.kernel.numpy() + layer.bias.numpy()), rel=1e-12)
    layer.set_weights([np.zeros((4, 3)), np.ones(3)])
    assert np.array_equal(layer(X), np.full((30, 3), np.tanh(1)))
    assert np.array_equal(Flatten()(np.ones((2, 3, 4), np.uint8)), np.ones((2, 12)))
    assert Rescaling(0.5)(np.ones((2, 3, 4))).shape == (2, 3, 4)
    assert np.array_equal(Dropout(0.5, dtype="float64")(X), X)
    with pytest.raises(ValueError, match=r"got rows of shape \(3,\), needs \(4,\), which its weights are made for"):
        layer(X[:, :3])
    assert np.array_equal(functional().layers[1](X), functional().layers[1](X.tolist()))


def test_a_layer_called_twice_has_one_set_of_weights():
    model = repeated()
    assert [one.name for one in model.layers] == ["input_layer", "twice", "dense"] and len(model.get_weights()) == 4
    model.compile("sgd", "mse")
    (k, b, k2, b2), x = model.get_weights(), X
    assert model(x) == pytest.approx(np.tanh(np.tanh(x @ k + b) @ k + b) @ k2 + b2, abs=1e-5)
    before = model.evaluate(X, Y, verbose=0)
    model.fit(X, Y, epochs=5, verbose=0)
    assert model.evaluate(X, Y, verbose=0) < before


def test_gradients_of_shared_layers_are_those_of_central_differences():
    inputs, twice = Input((4,)), Dense(4, "tanh", kernel_regularizer="l2")
    model = keras.Model(inputs, Dense(3)(twice(twice(inputs))), dtype="float64", seed=2)
    model.compile("sgd", "mse")
    _, gradients = model.gradients(X, Y)
    for variable, gradient in zip(model.trainable_weights, gradients, strict=True):
        values = variable.numpy()
        index = tuple(size // 2 for size in values.shape)
        losses = []
        for sign in (1, -1):
            moved = values.copy()
            moved[index] += sign * 1e-6
            variable.assign(moved)
            losses.append(model.evaluate(X, Y, verbose=0))
        variable.assign(values)
        assert gradient[index] == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-6, abs=1e-9)


def test_names_are_chosen_within_each_model():
    shared = Dense(3)
    first = keras.Sequential([Input((4,)), shared])
    second = keras.Sequential([Input((4,)), Dense(4), shared])  # "dense" is taken there
    assert [one.name for one in second.layers] == ["dense", "dense_1"] and first.layers[0].name == "dense_1"
    inputs = Input((4,))
    late, early = Dense(4), Dense(4)
    model = keras.Model(inputs, late(early(inputs)))
    assert (late.name, early.name) == ("dense", "dense_1")  # in the order in which they were made
    assert [one.name for one in model.layers] == ["input_layer", "dense_1", "dense"]
    with pytest.raises(ValueError, match="layer: got the name 'a' a second time"):
        keras.Model(inputs, Dense(3, name="a")(Dense(3, name="a")(inputs)))
    assert keras.Model(inputs, early.output).name == "functional" and keras.Sequential().name == "sequential"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda x: keras.Model(x), ValueError, "outputs: got one of inputs and outputs"),
        (lambda x: keras.Model(x, 3), TypeError, "outputs: got int, needs symbols"),
        (lambda x: keras.Model([x, x], x), ValueError, "inputs: got .*needs each symbol once"),
        (lambda x: keras.Model([], x), ValueError, "inputs: got .*needs each symbol once"),
        (
            lambda x: keras.Model(Input((4,)), Dense(2)(x)),
            ValueError,
            "depends on an input of shape .*needs it",
        ),
        (
            lambda x: keras.Model(Dense(2)(x), x),
            ValueError,
            "depends on an input of shape .*needs it",
        ),
        (lambda x: keras.Model().predict(X), ValueError, "model: got no layers"),
        (lambda x: keras.Sequential([Dense(2)(x)]), TypeError, "layer: got <Symbol .*needs a layer"),
        (lambda x: (m := keras.Sequential([Dense(2)])).add(m), ValueError, "as a layer of itself"),
    ],
)
def test_what_is_no_graph_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make(Input((4,), name="rows"))


def test_a_model_of_layers_of_two_dtypes_is_refused():
    double = Dense(3, dtype="float64")
    assert keras.Sequential([Input((4,)), double]).dtype == "float64"
    with pytest.raises(ValueError, match="dtype: got 'float64' of layer 'dense' beside 'float32', needs one for all"):
        keras.Sequential([Input((4,)), double], dtype="float32")
    drawn = keras.Sequential([Input((4,)), Dense(3)])
    drawn.get_weights()
    with pytest.raises(ValueError, match="beside 'float64'"):
        keras.Sequential([drawn], dtype="float64")


def test_weights_follow_the_seed_that_was_given():
    def model(**settings):
        return keras.Sequential([keras.Sequential([Dense(3)]), Dense(2)], **settings)

    one, other = model(seed=4), model(seed=4)
    one.build((4,))
    other.build((4,))
    flat = keras.Sequential([Input((4,)), Dense(3), Dense(2)], seed=4)
    assert same(one.get_weights(), other.get_weights()) and same(one.get_weights(), flat.get_weights())
    layer = Dense(3)
    given, drawn = keras.Sequential([Input((4,)), layer], seed=9), keras.Sequential([Input((4,)), layer])
    assert same(drawn.get_weights(), keras.Sequential([Input((4,)), Dense(3)], seed=9).get_weights())
    assert given.weights[0] is drawn.weights[0]


def test_layers_end_with_their_models():
    model = trained(nested)
    inner, layer = weakref.ref(model.layers[1]), weakref.ref(model.layers[1].layers[0])
    del model
    gc.collect()
    assert inner() is None and layer() is None


# What Keras prints and computes has the names of Keras; the order of the layers too.


def test_layers_come_in_the_order_of_keras():
    """By the distance from the output, not in the order in which they were made."""
    inputs = Input((4,))
    short = Dense(2, name="short")(inputs)
    x = inputs
    for number in range(3):
        x = Dense(2, name=f"long_{number}")(x)
    both = Joined(name="joined")([x, short])
    model = keras.Model(inputs, Dense(1, name="out")(both))
    names = ["input_layer", "long_0", "long_1", "long_2", "short", "joined", "out"]
    assert [one.name for one in model.layers] == names


class Joined(layers.Layer):
    """The columns of its inputs side by side."""

    many_inputs = True

    def compute_output_shape(self, input_shape):
        return (sum(shape[0] for shape in input_shape),)

    def specs(self, seed, input_shape=None):
        return [{"kind": "concatenate"}]


def test_a_graph_has_its_engines_description():
    inputs = Input((4,))
    left, right = Dense(2, name="left"), Dense(3, name="right")
    left.trainable = False
    joined = Joined()([left(inputs), right(inputs), left(inputs)])
    found = Graph([inputs], [Dropout(0.5)(joined)]).describe(7, lambda layer: not layer.trainable)
    assert [(stage["kind"], stage.get("inputs")) for stage in found.stages] == [
        ("dense", None),
        ("dense", [0]),
        ("dense", [0]),
        ("concatenate", [1, 3, 2]),  # the calls of a layer one after the other
        ("dropout", None),
    ]
    shared = [stage.get("weights_of") for stage in found.stages]
    flags = [stage.get("trainable") for stage in found.stages]
    assert shared.count(1) == 1 and flags.count(False) == 2 and found.outputs == [5] and found.widths == [4]
    assert [variable.layer.name for variable in found.trained] == ["right", "right"]


def test_an_adapted_layer_before_a_model():
    layer = Normalization()
    layer.adapt(X)
    inputs = Input((4,))
    model = keras.Model(inputs, Dense(2)(layer(inputs)), dtype="float64")
    kernel = model.get_weights()[2]
    assert model(X) == pytest.approx((X - X.mean(0)) / X.std(0) @ kernel, rel=1e-9)
    assert layer(X) == pytest.approx((X - X.mean(0)) / X.std(0), rel=1e-9)
    assert BatchNormalization()(X.astype("f4")).shape == (30, 4)


def test_outputs_as_in_training():
    model = keras.Sequential([Input((4,)), Dropout(0.5)], dtype="float64", seed=1)
    first, second = (model(X, training=True) for _ in range(2))
    assert set(np.unique(first / X)) == {0.0, 2.0} and not np.array_equal(first, second)
    assert np.array_equal(model(X, training=False), X) and np.array_equal(model(X), X)
    model.compile("sgd", "mse")
    twin = keras.Sequential([Input((4,)), Dropout(0.5)], dtype="float64", seed=1)
    twin.compile("sgd", "mse")
    model(X, training=True)
    assert model.train_on_batch(X, X) == twin.train_on_batch(X, X)  # whose masks are not touched
    layer = Dropout(0.5, seed=4, dtype="float64")
    first, second = (layer(X, training=True) for _ in range(2))
    assert set(np.unique(first / X)) == {0.0, 2.0} and not np.array_equal(first, second)
    normalized = BatchNormalization(dtype="float64")
    assert normalized(X, training=True).mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert normalized.get_weights()[2] == pytest.approx(0.01 * X.mean(axis=0))
    with pytest.raises(TypeError, match="training: got 1"):
        model(X, training=1)


def several(**settings):
    """Two inputs and two outputs."""
    left, right = Input((4,), name="left"), Input((2,), name="right")
    joined = Joined()([Dense(3, "tanh")(left), Dense(3, "tanh")(right)])
    outputs = {"actor": Dense(2, "softmax")(joined), "critic": Dense(1)(joined)}
    return keras.Model([left, right], outputs, dtype="float64", seed=1, **settings)


def test_several_inputs_and_outputs():
    model, rows = several(), [X, X[:, :2]]
    found = model(rows)
    assert list(found) == model.output_names == ["actor", "critic"] and model.input_names == ["left", "right"]
    assert model.input_shape == [(None, 4), (None, 2)] and model.output_shape == [(None, 2), (None, 1)]
    for given in (tuple(rows), {"right": rows[1], "left": rows[0]}):
        assert np.array_equal(model(given)["critic"], found["critic"])
    for given, message in (
        (rows[:1], r"x: got 1 items, needs a list or dict of \['left', 'right'\]"),
        (X, "x: got ndarray, needs a list or dict"),
        ({"left": X}, r"x: got \['left'\], needs"),
        ([X, X[:5, :2]], r"x\['right'\]: got 5 rows beside 30, needs as many in each"),
        ([X, X], r"x\['right'\]: got shape \(30, 4\), needs \(rows, 2\)"),
    ):
        with pytest.raises(ValueError, match=message):
            model(given)
    outer = Input((4,), name="left"), Input((2,), name="right")
    half = keras.Model(outer, model({"left": outer[0], "right": outer[1]})["critic"])
    assert np.array_equal(half(rows), found["critic"]) and not half.is_single and half.output_names == ["functional"]
    both = keras.Model(outer, model(list(outer)))
    assert np.array_equal(both(rows)["actor"], found["actor"]) and same(both.get_weights(), model.get_weights())
    twice = keras.Model(outer, list(model(list(outer)).values()))
    assert twice.output_names == ["functional", "functional_1"] and isinstance(twice(rows), list)


def test_vjp_of_several_outputs_is_that_of_central_differences():
    model, rows = several(), [X, X[:, :2]]
    dy = {"critic": Y[:, :1], "actor": Y[:, :2]}
    weights, inputs = model.vjp(rows, dy, wrt="both")
    assert [one.shape for one in inputs] == [(30, 4), (30, 2)]

    def value():
        return sum((dy[name] * outputs).sum() for name, outputs in model(rows).items())

    for variable, gradient in zip(model.trainable_weights, weights, strict=True):
        values, index = variable.numpy(), tuple(size // 2 for size in variable.shape)
        found = []
        for sign in (1, -1):
            moved = values.copy()
            moved[index] += sign * 1e-6
            variable.assign(moved)
            found.append(value())
        variable.assign(values)
        assert gradient[index] == pytest.approx((found[0] - found[1]) / 2e-6, rel=1e-6, abs=1e-8)
    alone = model.vjp(rows, [None, dy["critic"]])
    assert not alone[4].any() and not alone[5].any() and alone[6].any()  # the actor's weights get nothing
    for wrong in (dy["critic"], [dy["critic"]], {"actor": dy["actor"]}):
        with pytest.raises(ValueError, match="output_gradients: got"):
            model.vjp(rows, wrong)


def test_the_output_need_not_be_the_last_that_is_computed():
    inputs = Input((4,))
    hidden = Dense(5, "tanh")(inputs)
    both = keras.Model(inputs, [Dense(2)(hidden), Dense(1)(hidden)])
    outer = Input((4,))
    first = keras.Model(outer, both(outer)[0])
    for model in (first, keras.Sequential([first])):
        assert model.output_shape == (None, 2) and np.array_equal(model(X), both(X)[0])
        assert len(model.vjp(X, Y[:, :2])) == len(model.trainable_weights) == 6


def test_how_many_inputs_a_layer_takes():
    inputs = Input((4,))
    for one in (Dense(3), Dropout(0.5), Flatten(), Rescaling(2.0)):
        with pytest.raises(ValueError, match=f"inputs: got 2 for layer '{one.name}', needs one"):
            one([inputs, inputs])
    assert Joined()([inputs]).shape == (None, 4) and Joined()([inputs, inputs]).shape == (None, 8)
    joined = Joined(dtype="float64")
    assert np.array_equal(joined([X, Y]), np.concatenate([X, Y], axis=1))
    assert np.array_equal(joined([X]), X)
    with pytest.raises(TypeError, match="inputs: got ndarray for layer 'joined', needs a list of arrays"):
        joined(X)
    with pytest.raises(ValueError, match=r"inputs: got arrays of \[30, 5\] rows, needs as many in each"):
        joined([X, Y[:5]])
    with pytest.raises(ValueError, match=r"x: got \[\], needs"):
        functional()({})


def test_paths_of_weights_have_all_levels():
    inner = keras.Sequential([Input((3,)), Dense(3), BatchNormalization()], name="inner")
    alone = [weight.path for weight in inner.weights][:2]
    outer = keras.Sequential([Input((3,)), inner, Dense(3)], name="outer")
    x = Input((3,))
    model = keras.Model(x, Dense(1)(outer(Dense(3)(x))))
    assert alone == ["dense/kernel", "dense/bias"]
    for one in (model, keras.models.clone_model(model), copy.deepcopy(model)):
        assert [weight.path for weight in one.weights] == list(one.weight_names)
    assert model.weights[2].path == "outer/inner/dense/kernel"
    with pytest.raises(ValueError, match=re.escape("outer/inner/dense/kernel")):
        model.weights[2].assign(np.zeros(2))
