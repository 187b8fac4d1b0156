"""Models that come back: by copy, pickle, clone, from files and from backups."""

import copy
import pickle

import numpy as np
import pytest

import fastmlp as keras
from fastmlp.layers import Concatenate, Dense, Input
from fastmlp.models import clone_model
from tests.models.small_graphs import MAKERS, Own, X, Y, functional, nested, repeated, same, trained

WAYS = {"pickle": lambda model: pickle.loads(pickle.dumps(model)), "deepcopy": copy.deepcopy, "copy": copy.copy}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", [*MAKERS.values(), repeated], ids=lambda make: make.__name__)
def test_a_copy_goes_on_with_the_same_bits_and_layers_of_its_own(make, way):
    model = trained(make)
    twin = WAYS[way](model)
    before = model.get_weights()
    results = [twin.train_on_batch(X, Y) for _ in range(2)]
    assert same(model.get_weights(), before) and not same(twin.get_weights(), before)
    assert results == [model.train_on_batch(X, Y) for _ in range(2)] and same(twin.get_weights(), model.get_weights())
    assert twin.layers[-1].output.shape == (None, 3) and twin.layers[-1] is not model.layers[-1]
    if make is Own and way != "copy":
        assert twin.hidden == twin.layers[:2] and twin.head is twin.layers[-1]


@pytest.mark.parametrize("make", [*MAKERS.values(), repeated], ids=lambda make: make.__name__)
def test_a_file_goes_on_with_the_same_bits(make, tmp_path):
    model, path = trained(make), tmp_path / "model.safetensors"
    model.save(path)
    twin = keras.load_model(path)
    assert twin.get_config() == model.get_config() and type(twin).__name__ in ("Model", "Sequential")
    assert twin.train_on_batch(X, Y) == model.train_on_batch(X, Y) and same(twin.get_weights(), model.get_weights())
    assert same(clone_model(model).layers[-1].get_weights()[1:], [np.zeros(3)])
    fresh = type(model).from_config(model.get_config())
    fresh.load_weights(path)
    assert fresh.optimizer is None and len(fresh.get_weights()) == len(model.get_weights())


def test_a_subclass_with_a_call_comes_back_with_its_layers(tmp_path):
    model, path = trained(Own), tmp_path / "model.safetensors"
    model.save(path)
    twin = keras.load_model(path, custom_objects={"Own": Own})
    assert type(twin) is Own and twin.hidden == twin.layers[:2] and twin.dropout is twin.layers[2]
    assert twin.train_on_batch(X, Y) == model.train_on_batch(X, Y)
    with pytest.raises(ValueError, match=r"custom_objects: got .*, needs a subclass of Model"):
        keras.load_model(path, custom_objects={"Own": keras.Sequential})


def test_a_layer_in_two_models_of_a_model_is_one_after_loading_too(tmp_path):
    shared = Dense(4, "tanh", name="shared")
    first = keras.Sequential([Input((4,)), shared], name="first")
    second = keras.Sequential([Input((4,)), shared, Dense(3)], name="second")
    model = keras.Sequential([first, second], seed=1)
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    path = tmp_path / "model.safetensors"
    model.save(path)
    for twin in (keras.load_model(path), clone_model(model), pickle.loads(pickle.dumps(model))):
        assert twin.layers[0].layers[0] is twin.layers[1].layers[0] and len(twin.get_weights()) == 4
    twin = keras.load_model(path)
    assert twin.train_on_batch(X, Y) == model.train_on_batch(X, Y)


def test_a_small_file_cannot_describe_a_model_without_end():
    x = Input((4,))
    model = keras.Model(x, Dense(4)(x))
    for _ in range(20):
        x = Input((4,))
        model = keras.Model(x, model(model(x)))
    with pytest.raises(ValueError, match="model: got more than 65536 stages"):
        model(X)
    x = Input((4,))
    row = Dense(4)(x)
    for _ in range(23):
        row = Concatenate()([row, row])
    with pytest.raises(ValueError, match=r"model: got more than 33554432 values a row .* layer 'concatenate.*', needs"):
        keras.Model(x, row)(X)


def test_clones_have_other_weights_unless_a_seed_was_given():
    drawn = keras.Sequential([keras.Sequential([Dense(3)]), Dense(2)])
    drawn.build((4,))
    twin = clone_model(drawn)
    assert not np.array_equal(twin.get_weights()[0], drawn.get_weights()[0]) and twin.optimizer is None
    assert [one.name for one in twin.layers] == [one.name for one in drawn.layers]
    assert same(clone_model(functional()).get_weights(), functional().get_weights())

    def wider(layer):
        return (
            Dense(7) if isinstance(layer, Dense) and layer.units == 5 else type(layer).from_config(layer.get_config())
        )

    assert clone_model(functional(), clone_function=wider).layers[1].units == 7
    other = Input((4,), name="other")
    assert clone_model(functional(), input_tensors=other).input is other
    outer = keras.Sequential([keras.Sequential([Input((4,)), Dense(3)], name="inner"), Dense(2)])
    asked = []

    def same_again(layer):
        asked.append(layer.name)
        return type(layer).from_config(layer.get_config())

    clone_model(outer, clone_function=same_again)
    clone_model(outer, clone_function=same_again, recursive=True)
    assert asked == ["inner", "dense", "dense", "dense"]
    with pytest.raises(TypeError, match="clone_function: got int for 'dense', needs a layer"):
        clone_model(functional(), clone_function=lambda layer: 3)
    with pytest.raises(TypeError, match="model: got int, needs a model"):
        clone_model(3)


@pytest.mark.parametrize("make", [*MAKERS.values(), repeated], ids=lambda make: make.__name__)
def test_a_run_goes_on_from_its_backup_to_the_same_bits(make, tmp_path):
    class Killed(Exception):
        pass

    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise Killed

    def run(*more, epochs=4):
        model = make()
        model.compile("adam", "mse")
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        history = model.fit(X, Y, 7, epochs=epochs, verbose=0, callbacks=[backup, *more]).history
        return model.get_weights(), history["loss"]

    whole, losses = run()
    with pytest.raises(Killed):
        run(Kill())
    rest, more = run()
    assert same(rest, whole) and more == losses[2:]
    with pytest.raises(Killed):
        run(Kill())
    other = keras.Sequential([Input((4,)), Dense(3)])
    other.compile("adam", "mse")
    with pytest.raises(ValueError, match="of another model"):
        other.fit(X, Y, verbose=0, callbacks=[keras.callbacks.BackupAndRestore(tmp_path / "backup")])


def test_weights_alone_go_into_files_by_their_levels(tmp_path):
    path = tmp_path / "weights.safetensors"
    model = trained(nested)
    model.save_weights(path)
    twin = nested()
    twin.load_weights(path)
    assert same(twin.get_weights(), model.get_weights())
    assert list(model.weight_names)[:2] == ["first/dense/kernel", "first/dense/bias"]
    with pytest.raises(ValueError, match="weights: got none for 'batch_normalization/beta'"):
        functional().load_weights(path)
