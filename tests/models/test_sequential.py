"""Sequential: building, weights, compiling, evaluating and predicting."""

import copy
import pickle
import threading

import numpy as np
import pytest

import fastmlp
from fastmlp.layers import Activation, Dense, Dropout, Flatten, Input, Rescaling
from fastmlp.losses import BinaryCrossentropy
from fastmlp.models import Sequential
from fastmlp.optimizers import SGD
from fastmlp.training.results import Results

X = np.random.default_rng(0).normal(size=(40, 4))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


def small(seed=1, **settings):
    return Sequential([Input((4,)), Dense(5, "relu"), Dropout(0.25), Dense(3, "softmax")], seed=seed, **settings)


def compiled(**settings):
    model = small(**settings)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def same(first, second):
    return len(first) == len(second) and all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_shapes_names_and_numbers_of_weights():
    model = Sequential([Input((28, 28)), Flatten(), Rescaling(1 / 255), Dense(512, "relu"), Dense(10, "softmax")])
    assert model.count_params() == 407_050
    assert [weight.shape for weight in model.get_weights()] == [(784, 512), (512,), (512, 10), (10,)]
    assert [layer.name for layer in model.layers] == ["flatten", "rescaling", "dense", "dense_1"]
    assert {weight.dtype.name for weight in model.get_weights()} == {"float32"}


def test_names_are_unique_in_a_model():
    model = Sequential([Dense(2, name="dense_1"), Dense(2), Dense(2)])
    assert [layer.name for layer in model.layers] == ["dense_1", "dense", "dense_2"]
    with pytest.raises(ValueError, match="layer: got the name 'dense' a second time"):
        model.add(Dense(2, name="dense"))
    assert len(model.layers) == 3


def test_a_layer_stands_in_any_number_of_models():
    layer = Dense(3)
    model = Sequential([Input((4,)), layer])
    other = Sequential([Input((4,)), layer, Dense(2)])
    assert other.weights[0] is model.weights[0] and same(other.get_weights()[:2], model.get_weights())
    with pytest.raises(ValueError, match=r"layer 'dense': got rows of shape \(5,\), needs \(4,\), which its weights"):
        Sequential([Input((5,)), layer])
    assert model.pop() is layer and other.layers[0] is layer


def test_a_layer_may_stand_in_a_row_twice(tmp_path):
    layer = Dense(4, "tanh")
    model = Sequential([Input((4,)), layer, layer], dtype="float64")
    kernel, bias = model.get_weights()
    assert model.predict(X) == pytest.approx(np.tanh(np.tanh(X @ kernel + bias) @ kernel + bias))
    model.save(tmp_path / "twice.safetensors")
    loaded = fastmlp.load_model(tmp_path / "twice.safetensors")
    assert loaded.layers[0] is loaded.layers[1] and np.array_equal(loaded.predict(X), model.predict(X))
    assert model.pop() is layer and model.layers == [layer] and layer.homes == [model]


def test_a_model_that_others_are_made_from_stays_as_it_is():
    inner = Sequential([Input((4,)), Dense(3), Dense(2)])
    outer = Sequential([inner, Dense(2)])
    for change in (lambda: inner.add(Dense(7)), inner.pop):
        with pytest.raises(ValueError, match="got model 'sequential', which was called as a layer, needs one"):
            change()
    assert len(outer.get_weights()) == 6 and outer.pop() and outer.pop() is inner
    inner.pop()
    other = Sequential([inner, Dense(2)])
    del other
    inner.add(Dense(5))
    assert inner.output_shape == (None, 5)


def test_models_are_nested_to_a_depth_that_files_take(tmp_path):
    model = Sequential([Input((1,)), Dense(1)])
    for _ in range(49):
        model = Sequential([model])
    model.save(tmp_path / "deep.safetensors")
    assert np.array_equal(fastmlp.load_model(tmp_path / "deep.safetensors").predict([[1.0]]), model.predict([[1.0]]))
    with pytest.raises(ValueError, match="layer: got models in models to a depth of 51, needs 50 at most"):
        Sequential([model])


def test_a_model_that_could_not_be_made_leaves_its_layers_free():
    layer = Dense(3)
    with pytest.raises(TypeError, match=r"layer: got 'relu', needs a layer"):
        Sequential([layer, "relu"])
    Sequential([layer])


def test_the_input_shape_can_come_in_four_ways():
    by_data = Sequential([Dense(3)], seed=2)
    by_data.predict(X, verbose=0)
    by_build = Sequential([Dense(3)], seed=2)
    by_build.build((None, 4))
    by_layer = Sequential([Dense(3, input_shape=(4,))], seed=2)
    by_input = Sequential([Input(4), Dense(3)], seed=2)
    for model in (by_data, by_build, by_layer, by_input):
        assert model.built and model.input_shape == (None, 4) and model.output_shape == (None, 3)
        assert same(model.get_weights(), by_input.get_weights())


def test_what_does_not_fit_is_said_when_added_and_changes_nothing():
    model = Sequential([Input((28, 28)), Rescaling(2.0)])
    with pytest.raises(ValueError, match=r"input_shape: got \(5,\) in Flatten\(.*, needs \(28, 28\)"):
        model.add(Flatten(input_shape=(5,)))
    with pytest.raises(ValueError, match="got an Input after other layers"):
        model.add(Input(3))
    assert len(model.layers) == 1
    assert model.predict(np.ones((2, 28, 28)), verbose=0).tolist() == [[[2.0] * 28] * 28] * 2
    model.add(Flatten())
    assert model(np.ones((2, 28, 28))).tolist() == [[2.0] * 784] * 2


def test_without_layers_or_shape_there_is_no_network():
    with pytest.raises(ValueError, match="model: got no layers"):
        Sequential().predict(X)
    with pytest.raises(ValueError, match="model: got no input shape"):
        Sequential([Dense(3)]).get_weights()
    with pytest.raises(ValueError, match="pop: got a model without layers"):
        Sequential().pop()


def test_built_models_refuse_other_shapes():
    with pytest.raises(ValueError, match=r"input_shape: got \(5,\) for a model whose input rows have shape \(4,\)"):
        small().build((5,))
    with pytest.raises(ValueError, match=r"x: got shape \(40, 3\), needs \(rows, 4\)"):
        small().predict(X[:, :3])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"dtype": "float16"}, ValueError, "dtype: got 'float16', needs 'float32' or 'float64'"),
        ({"seed": -1}, ValueError, "seed: got -1"),
        ({"seed": "a"}, TypeError, "seed: got 'a'"),
        ({"name": 3}, TypeError, "name: got 3"),
    ],
)
def test_bad_settings(arguments, error, message):
    with pytest.raises(error, match=message):
        Sequential(**arguments)


@pytest.mark.parametrize("name", ["name", "dtype", "seed", "optimizer", "loss", "metrics"])
def test_what_the_network_was_made_from_cannot_be_assigned(name):
    model = compiled()
    before = getattr(model, name)
    with pytest.raises(AttributeError, match=f"{name}: got a new value, needs a (new model|call of compile)"):
        setattr(model, name, getattr(compiled(dtype="float64"), name))
    assert getattr(model, name) is before


def test_a_layer_that_does_not_fit_into_memory_is_named():
    model = Sequential([Input((2**20,)), Dense(2**30, name="wide")])
    with pytest.raises(MemoryError, match=r"layer 'wide': cannot make its kernel of shape \(1048576, 1073741824\)"):
        model.get_weights()
    model = Sequential([Input((2**30,)), Dense(2**31 - 1)])  # bytes: 2**64, beyond the reach of NumPy
    with pytest.raises(ValueError, match="layer 'dense': cannot make its kernel"):
        model.get_weights()


def test_weights_come_from_the_seed_and_are_alike_in_both_types():
    assert same(small(3).get_weights(), small(3).get_weights())
    assert not same(small(3).get_weights(), small(4).get_weights())
    double = small(3, dtype="float64").get_weights()
    assert same(small(3, dtype=np.float32).get_weights(), [weight.astype(np.float32) for weight in double])
    chosen = small(None)
    assert same(chosen.get_weights(), small(chosen.seed).get_weights()) and chosen.seed != small(None).seed


def test_weights_can_be_set_and_are_copies():
    model, other = small(1), small(2)
    weights = other.get_weights()
    expected = other.predict(X, verbose=0)
    model.set_weights(weights)
    weights[0][:] = 0
    model.get_weights()[2][:] = 0
    assert np.array_equal(model(X), expected)
    model.set_weights(weights)
    assert not model.get_weights()[0].any()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda w: w[:3], ValueError, "weights: got 3 arrays, needs 4"),
        (lambda w: [w[0].T, *w[1:]], ValueError, r"weights\[0\]: got shape \(5, 4\), needs \(4, 5\)"),
        (lambda w: [*w[:3], ["a", "b", "c"]], TypeError, r"weights\[3\]: got list, needs an array of real numbers"),
        (lambda w: w[0], TypeError, "weights: got ndarray, needs a list"),
        (lambda w: [*w[:3], w[3] + 1j], TypeError, r"weights\[3\]: got an array of dtype complex"),
    ],
)
def test_weights_that_do_not_fit_change_nothing(change, error, message):
    model = small()
    before = model.get_weights()
    with pytest.raises(error, match=message):
        model.set_weights(change(model.get_weights()))
    assert same(model.get_weights(), before)


def test_adding_popping_and_compiling_keep_trained_weights():
    model = compiled()
    model.fit(X, Y, epochs=2, verbose=0)
    trained = model.get_weights()
    model.compile(SGD(0.1), "categorical_crossentropy")
    assert same(model.get_weights(), trained)
    model.pop()
    model.add(Dense(2))
    weights = model.get_weights()
    assert same(weights[:2], trained[:2]) and weights[2].shape == (5, 2)
    model.add(Activation("softmax"))
    assert same(model.get_weights(), weights)


def test_a_popped_layer_takes_its_weights_with_it():
    model = small()
    first = model.get_weights()
    model.set_weights([weight + 1 for weight in first])
    model.pop()
    model.add(Dense(3))  # of the same shape: starts anew all the same
    assert same(model.get_weights(), [first[0] + 1, first[1] + 1, first[2], first[3]])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"optimizer": "adamm"}, ValueError, "optimizer: got unknown name 'adamm', needs one of 'sgd', 'rmsprop'"),
        ({"loss": "focal"}, ValueError, "loss: got unknown name 'focal', needs one of 'mean_squared_error'"),
        ({"metrics": ["hits"]}, ValueError, "metrics: got unknown name 'hits', needs one of 'accuracy'"),
        ({"metrics": "accuracy"}, TypeError, "metrics: got 'accuracy', needs a list"),
        ({"metrics": ["acc", "auc"]}, ValueError, "metrics: got 'auc', needs one for the y of"),
        (
            {"metrics": ["categorical_accuracy"]},
            ValueError,
            "metrics: got 'categorical_accuracy', needs one for the y of",
        ),
        (
            {"loss": "mse", "metrics": ["sparse_categorical_accuracy"]},
            ValueError,
            "needs one for the y of 'mean_squared",
        ),
        ({"optimizer": None}, TypeError, "optimizer: got None"),
    ],
)
def test_a_bad_compile_changes_nothing(arguments, error, message):
    model = compiled()
    before = model.optimizer, model.loss, model.metrics
    with pytest.raises(error, match=message):
        model.compile(**{"loss": "sparse_categorical_crossentropy", **arguments})
    assert (model.optimizer, model.loss, model.metrics) == before


def test_compile_defaults_to_rmsprop_and_no_loss():
    model = small()
    model.compile()
    assert repr(model.optimizer) == "RMSprop(learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-07, centered=False)"
    for call in (model.fit, model.evaluate, small().fit):
        with pytest.raises(
            ValueError, match=r"got a model without a loss, needs compile\(optimizer=..., loss=...\) first"
        ):
            call(X, Y)


@pytest.mark.parametrize(
    ("loss", "units", "name", "engine"),
    [
        ("mse", 1, "accuracy", "binary_accuracy"),
        ("binary_crossentropy", 1, "acc", "binary_accuracy"),
        ("binary_crossentropy", 2, "accuracy", "categorical_accuracy"),
        ("categorical_crossentropy", 3, "acc", "categorical_accuracy"),
        ("sparse_categorical_crossentropy", 3, "accuracy", "sparse_categorical_accuracy"),
        (BinaryCrossentropy(from_logits=True), 3, "binary_accuracy", "binary_accuracy"),
    ],
)
def test_accuracy_is_the_one_that_fits_and_keeps_its_name(loss, units, name, engine):
    model = Sequential([Input((4,)), Dense(units, "sigmoid")])
    model.compile("sgd", loss, [name])
    assert model.metrics_names == ["loss", name] and Results(model).engine_metrics[0] == engine


def test_evaluate_agrees_with_predict():
    model = compiled(dtype="float64")
    outputs = model.predict(X, verbose=0)
    loss, accuracy = model.evaluate(X, Y, verbose=0)
    assert loss == pytest.approx(-np.log(outputs[np.arange(40), Y]).mean(), rel=1e-12)
    assert accuracy == (outputs.argmax(1) == Y).mean()
    assert model.evaluate(X, Y, verbose=0, return_dict=True) == {"accuracy": accuracy, "loss": loss}
    model.compile("sgd", "categorical_crossentropy")
    assert model.evaluate(X, np.eye(3)[Y], batch_size=7, verbose=0) == pytest.approx(loss, rel=1e-12)


def test_predict_needs_no_compile_and_rows_stand_for_themselves():
    model = small()
    outputs = model.predict(X, verbose=0)
    assert outputs.shape == (40, 3) and outputs.dtype == np.float32
    assert np.array_equal(model(X[7:8]), outputs[7:8])
    assert np.array_equal(model(X[::-1].tolist()), outputs[::-1])
    assert np.array_equal(model(np.asfortranarray(X)), outputs)


def test_models_without_weights():
    assert np.array_equal(Sequential([Input((4,)), Flatten()], dtype="float64")(X), X)
    assert np.array_equal(Sequential([Input((2, 2)), Flatten()])(X.reshape(-1, 2, 2)), X.astype(np.float32))
    for layer in (Flatten(), Rescaling(2.0), Activation("softmax")):
        model = Sequential([Input((4,)), layer])
        model.compile("adam", "mse")
        history = model.fit(X, X, epochs=2, verbose=0).history
        assert history["loss"] == pytest.approx([model.evaluate(X, X, verbose=0)] * 2, rel=1e-5)
        assert model.get_weights() == [] and model.count_params() == 0


def test_images_of_bytes_are_read_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (6, 3, 3), dtype=np.uint8)
    model = Sequential([Flatten(input_shape=(3, 3)), Rescaling(1 / 255), Dense(2)], seed=1, dtype="float64")
    kernel, _ = model.get_weights()
    expected = (images.reshape(6, 9) * (1 / 255)) @ kernel
    assert model(images) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("verbose", [3, -1, "loud", None, 1.5])
def test_bad_verbose(verbose):
    for call in (lambda: compiled().fit(X, Y, verbose=verbose), lambda: small().predict(X, verbose=verbose)):
        with pytest.raises(ValueError, match=r"verbose: got .*, needs 0"):
            call()


def test_bad_return_dict_and_batch_size():
    with pytest.raises(TypeError, match="return_dict: got 1"):
        compiled().evaluate(X, Y, return_dict=1)
    for method in (compiled().evaluate, compiled().fit):
        with pytest.raises(ValueError, match="batch_size: got 0, needs an integer of at least 1"):
            method(X, Y, batch_size=0)


@pytest.mark.parametrize(
    "remake", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))], ids=["copy", "pickle"]
)
def test_copies_go_on_with_the_same_bits(remake):
    model = compiled()
    model.fit(X, Y, epochs=2, verbose=0)
    twin = remake(model)
    assert twin.fit(X, Y, verbose=0).history == model.fit(X, Y, verbose=0).history
    assert same(twin.get_weights(), model.get_weights())
    assert not remake(Sequential([Dense(3)])).built


def test_config_round_trip():
    model = small(5, name="mine", dtype="float64")
    twin = Sequential.from_config(model.get_config())
    assert twin.get_config() == model.get_config() and same(twin.get_weights(), model.get_weights())


def test_two_threads_share_a_model_without_mixing():
    """Of steps that two threads do, each is one of all."""
    model, alone = compiled(), compiled()

    def train():
        for _ in range(20):
            model.train_on_batch(X, Y)

    threads = [threading.Thread(target=train) for _ in range(2)]
    for thread in threads:
        thread.start()
    outputs = [model(X) for _ in range(5)]
    for thread in threads:
        thread.join()
    for _ in range(40):
        alone.train_on_batch(X, Y)
    assert same(model.get_weights(), alone.get_weights()) and np.isfinite(outputs).all()


def test_a_single_layer_is_no_list_of_layers():
    with pytest.raises(TypeError, match="layers: got Dense, needs a list of layers"):
        Sequential(Dense(3))
