"""Batches in place of arrays, steps, and the methods on one batch."""

import numpy as np
import pytest

from fastmlp import utils
from fastmlp.callbacks import LambdaCallback
from fastmlp.layers import Dense, Dropout, Input, Normalization, add
from fastmlp.models import Model, Sequential
from fastmlp.regularizers import L2
from fastmlp.training.inputs import checked_data

X = np.random.default_rng(0).normal(size=(50, 4))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
STARTS = range(0, 50, 16)


def make(seed=1, dtype="float64", rate=0.25, built=True):
    layers = [Dense(6, "relu", kernel_regularizer=L2(0.01)), Dropout(rate), Dense(3, "softmax")]
    model = Sequential([Input((4,)), *layers] if built else layers, seed=seed, dtype=dtype)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def fit(model, *arguments, **settings):
    return model.fit(*arguments, **{"verbose": 0, "shuffle": False, **settings})


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def batches():
    for start in STARTS:
        yield X[start : start + 16], Y[start : start + 16]


def endless():
    while True:
        yield from batches()


class Again:
    """Can be iterated over again."""

    def __iter__(self):
        return batches()


class WithLength(Again):
    def __len__(self):
        return len(STARTS)


class Numbered:
    def __init__(self):
        self.asked = []

    def __len__(self):
        return len(STARTS)

    def __getitem__(self, number):
        self.asked.append(number)
        return X[16 * number : 16 * number + 16], Y[16 * number : 16 * number + 16]


class Derived(utils.PyDataset):
    """As Keras documents it."""

    def __len__(self):
        return len(STARTS)

    def __getitem__(self, number):
        return Numbered()[number]


SOURCES = {
    "generator": (endless, {"steps_per_epoch": 4}),
    "iterable": (Again, {}),
    "iterable in steps": (Again, {"steps_per_epoch": 4}),
    "iterable with a length": (WithLength, {}),
    "numbered": (Numbered, {}),
    "PyDataset": (Derived, {}),
}


@pytest.mark.parametrize("built", [True, False], ids=["built", "unbuilt"])
@pytest.mark.parametrize(("source", "settings"), SOURCES.values(), ids=SOURCES)
def test_batches_train_to_the_bits_of_arrays(source, settings, built):
    arrays, model = make(), make(built=built)
    first = fit(arrays, X, Y, batch_size=16, epochs=3, validation_data=(X, Y))
    steps = {"validation_steps": 4} if source is endless else {}
    second = fit(model, source(), epochs=3, validation_data=source(), **settings, **steps)
    assert same(arrays.get_weights(), model.get_weights())
    assert second.history.keys() == first.history.keys()
    for name, values in first.history.items():
        assert second.history[name] == pytest.approx(values, rel=1e-12)


@pytest.mark.parametrize("source", [batches, Again, WithLength, Numbered])
def test_evaluate_and_predict_take_batches(source):
    model = make()
    assert model.evaluate(source(), verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-12)
    assert np.array_equal(model.predict(source(), verbose=0), model.predict(X, verbose=0))
    assert np.array_equal(model.predict((x for x, _ in batches()), verbose=0), model.predict(X, verbose=0))


def test_steps_end_evaluate_and_predict_early():
    model = make()
    few = X[:32], Y[:32]
    for data, size in ((lambda: (X, Y), 16), (lambda: (endless(),), None)):
        found = model.evaluate(*data(), batch_size=size, steps=2, verbose=0)
        assert found == pytest.approx(model.evaluate(*few, verbose=0), rel=1e-12)
        assert np.array_equal(model.predict(data()[0], batch_size=size, steps=2, verbose=0), model(X[:32]))
    history = fit(model, X, Y, validation_data=(X, Y), validation_batch_size=10, validation_steps=2).history
    assert history["val_loss"] == [model.evaluate(X[:20], Y[:20], verbose=0)[0]]


def test_numbered_batches_come_in_a_new_order_each_epoch():
    data = Numbered()
    fit(make(), data, epochs=3, shuffle=True)
    orders = [data.asked[1 + 4 * epoch : 5 + 4 * epoch] for epoch in range(3)]
    assert data.asked[0] == 0 and all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_numbered_batches_are_told_of_epochs():
    told = []
    data = Derived()
    data.on_epoch_begin, data.on_epoch_end = (lambda: told.append("begin")), (lambda: told.append("end"))
    fit(make(), data, epochs=2)
    assert told == ["begin", "end"] * 2


@pytest.mark.parametrize("steps", [1, 3, 5, 9])
@pytest.mark.parametrize("shuffle", [True, False])
def test_with_steps_the_passes_go_on_through_the_epochs(steps, shuffle):
    whole, parts = make(), make()
    fit(whole, X, Y, batch_size=16, epochs=9, shuffle=shuffle)
    weights = []
    fit(
        parts,
        X,
        Y,
        batch_size=16,
        epochs=36 // steps,
        steps_per_epoch=steps,
        shuffle=shuffle,
        callbacks=[LambdaCallback(on_epoch_end=lambda epoch, logs: weights.append(parts.network.step))],
    )
    assert weights == [steps * (epoch + 1) for epoch in range(36 // steps)]
    if 36 % steps == 0:
        assert same(whole.get_weights(), parts.get_weights())


def test_initial_epoch_numbers_the_first_one():
    model, twin = make(), make()
    history = fit(model, X, Y, epochs=5, initial_epoch=3)
    assert history.epoch == [3, 4] and history.params["epochs"] == 5
    assert fit(twin, X, Y, epochs=2).history == history.history
    assert fit(model, X, Y, epochs=3, initial_epoch=3).epoch == []


@pytest.mark.parametrize(("frequency", "due"), [(2, [1, 3]), ([1, 4], [0, 3]), (5, [])])
def test_validation_frequency(frequency, due):
    found = []
    model = make()
    callback = LambdaCallback(on_epoch_end=lambda epoch, logs: found.append("val_loss" in logs))
    history = fit(model, X, Y, epochs=4, validation_split=0.2, validation_freq=frequency, callbacks=[callback])
    assert [epoch for epoch, is_there in enumerate(found) if is_there] == due
    assert len(history.history.get("val_loss", [])) == len(due)


def test_a_generator_that_ends_early_ends_training_with_a_warning():
    model = make()
    with pytest.warns(UserWarning, match="fit: got 1 batches in epoch 2, needs 3 batches; training ends"):
        history = fit(model, batches(), epochs=5, steps_per_epoch=3)
    assert history.epoch == [0, 1] and model.network.step == 4
    with pytest.warns(UserWarning, match="evaluate: got 4 batches, needs 9"):
        assert model.evaluate(batches(), steps=9, verbose=0) == model.evaluate(batches(), verbose=0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": endless(), "y": Y}, ValueError, "y: got ndarray, needs None where x gives whole batches"),
        ({"x": endless(), "batch_size": 3}, ValueError, "batch_size: got 3, needs None where x gives whole batches"),
        ({"x": endless(), "validation_split": 0.2}, ValueError, "validation_split: got 0.2, needs None where x gives"),
        ({"x": iter([])}, ValueError, "x: got list_iterator without a batch"),
        ({"x": iter([X])}, TypeError, r"batch 0: got ndarray, needs \(x, y\)"),
        ({"x": iter([(X, Y, Y, Y)])}, ValueError, "batch 0: got 4 items, needs two or three"),
        ({"x": iter([(X[:, :3], Y)])}, ValueError, r"batch 0 x: got shape \(50, 3\), needs \(rows, 4\)"),
        ({"x": iter([(X, Y + 1)])}, ValueError, "batch 0 y: got labels from 1 to 3"),
        ({"steps_per_epoch": 0}, ValueError, "steps_per_epoch: got 0, needs an integer of at least 1"),
        ({"initial_epoch": -1}, ValueError, "initial_epoch: got -1"),
        ({"validation_steps": 2}, ValueError, "validation_steps: got 2, needs validation_data or validation_split too"),
        ({"validation_batch_size": 2}, ValueError, "validation_batch_size: got 2, needs validation_data or"),
        ({"validation_freq": 2}, ValueError, "validation_freq: got 2, needs validation_data too"),
        ({"validation_freq": [0], "validation_split": 0.5}, ValueError, "validation_freq: got 0"),
        ({"validation_freq": "2", "validation_split": 0.5}, TypeError, "validation_freq: got '2'"),
        ({"validation_data": endless(), "validation_batch_size": 2}, ValueError, "validation_batch_size: got 2, needs"),
        ({"validation_data": batches(), "epochs": 2}, ValueError, "validation_data: got generator.*validation_steps"),
        ({"validation_data": iter([(X, Y + 1)])}, ValueError, "validation_data y: got labels from 1 to 3"),
        ({"x": {"a": X}}, ValueError, r"x: got \['a'\], needs \['input_layer'\]"),
        ({"x": None}, TypeError, "x: got NoneType"),
        ({"y": None}, TypeError, "y: got NoneType"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_changes(arguments, error, message):
    model = make()
    weights = model.get_weights()
    settings = {"x": X, **({} if "x" in arguments and arguments["x"] is not None else {"y": Y}), **arguments}
    if isinstance(settings["x"], dict):
        settings["y"] = Y
    with pytest.raises(error, match=message):
        fit(model, **settings)
    assert model.history is None and model.epochs_trained == 0 and same(weights, model.get_weights())


def test_no_epochs_train_nothing():
    model = make()
    weights = model.get_weights()
    for arguments in ((X, Y), (batches(),)):
        history = fit(model, *arguments, epochs=0, validation_data=(X, Y))
        assert history.epoch == [] and history.history == {} and history.params["epochs"] == 0
    assert same(weights, model.get_weights()) and model.epochs_trained == 0


def test_a_generator_of_one_pass_trains_one_epoch_and_ends_with_a_warning():
    model, twin = make(), make()
    with pytest.warns(UserWarning, match="fit: got 0 batches in epoch 2, needs at least one; training ends"):
        history = fit(model, batches(), epochs=3, validation_data=(X, Y))
    assert history.epoch == [0] and len(history.history["val_loss"]) == 1
    fit(twin, X, Y, batch_size=16)
    assert same(model.get_weights(), twin.get_weights())


class Tensor:
    """An array of another library: with `.numpy()` alone, or with `__array__`."""

    def __init__(self, array):
        self.array, self.shape = array, array.shape

    def numpy(self):
        return self.array


class ArrayTensor(Tensor):
    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.array, dtype)


class Loader:
    """As the loaders of other libraries: lists or tuples of tensors, a length that may be unknown."""

    def __init__(self, tensor, container, length=None):
        self.tensor, self.container, self.length = tensor, container, length

    def __iter__(self):
        return (self.container(map(self.tensor, pair)) for pair in batches())

    def __len__(self):
        if self.length is None:
            raise TypeError("the number of batches is not known")
        return self.length


@pytest.mark.parametrize("tensor", [Tensor, ArrayTensor, np.asarray])
@pytest.mark.parametrize("container", [list, tuple])
@pytest.mark.parametrize("length", [None, len(STARTS)])
def test_loaders_of_other_libraries(tensor, container, length):
    arrays, model = make(), make()
    loader = Loader(tensor, container, length)
    first = fit(arrays, X, Y, batch_size=16, epochs=2, validation_data=(X, Y))
    second = fit(model, loader, epochs=2, validation_data=loader)
    assert same(arrays.get_weights(), model.get_weights())
    for name, values in first.history.items():
        assert second.history[name] == pytest.approx(values, rel=1e-12)
    assert model.evaluate(loader, verbose=0) == pytest.approx(arrays.evaluate(X, Y, verbose=0), rel=1e-12)
    assert np.array_equal(model.predict(loader, verbose=0), model.predict(X, verbose=0))
    assert np.array_equal(model.predict((container([tensor(x)]) for x, _ in batches()), verbose=0), model(X))
    normalization = Normalization()
    normalization.adapt(loader)
    assert np.ravel(normalization.mean) == pytest.approx(X.mean(axis=0))


@pytest.mark.parametrize("tensor", [Tensor, ArrayTensor])
def test_tensors_in_place_of_arrays(tensor):
    model, twin = make(), make()
    fit(model, tensor(X), tensor(Y), sample_weight=tensor(np.ones(50)), validation_data=(tensor(X), tensor(Y)))
    fit(twin, X, Y)
    assert same(model.get_weights(), twin.get_weights())
    assert np.array_equal(model(tensor(X)), twin(X)) and np.array_equal(model.predict([tensor(X)], verbose=0), twin(X))
    assert model.train_on_batch(tensor(X), tensor(Y)) == twin.train_on_batch(X, Y)


def test_a_list_of_several_inputs_is_no_pair():
    a, b = Input((4,)), Input((4,))
    model = Model([a, b], Dense(2)(add([a, b])))
    model.compile("sgd", "mse")
    expected = model.predict([X, X], verbose=0)
    y = np.zeros((50, 2))
    for batch in ([X, X], ([X, X],), ([X, X], y), [[X, X], y], [(X, X), y]):
        assert np.array_equal(model.predict(iter([batch]), verbose=0), expected)
    fit(model, iter([[[X, X], y]]))


def test_a_later_batch_that_is_bad_is_named_by_its_number():
    with pytest.raises(ValueError, match="batch 1 x: got nan in row 0"):
        fit(make(), iter([(X, Y), (X * np.nan, Y)]))


def test_printing_of_batches_without_a_known_number(capsys):
    make().fit(Again(), epochs=1, verbose=2)
    make().evaluate(batches(), verbose=2)
    make().predict(batches(), verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and all(line.startswith("4/4 - ") for line in lines)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_mapped_files_are_read_where_they_are(tmp_path, dtype):
    values = (np.abs(X) * 10).astype(dtype)
    values.tofile(tmp_path / "x")
    mapped = np.memmap(tmp_path / "x", dtype, "r", shape=values.shape)
    model = make()
    _, checked = checked_data(model, mapped, Y)
    assert np.shares_memory(checked.xs[0], mapped)
    assert (
        fit(make(), mapped, Y, epochs=2, validation_split=0.2).history
        == fit(make(), values, Y, epochs=2, validation_split=0.2).history
    )
    assert np.array_equal(model.predict(mapped, verbose=0), model.predict(values, verbose=0))


def test_train_on_batch_is_a_step_of_fit():
    model, by_hand = make(), make()
    history = fit(model, X, Y, batch_size=50, epochs=3).history
    results = [by_hand.train_on_batch(X, Y) for _ in range(3)]
    assert results == [list(pair) for pair in zip(history["loss"], history["accuracy"], strict=True)]
    assert same(model.get_weights(), by_hand.get_weights())
    assert by_hand.train_on_batch(X, Y, return_dict=True).keys() == {"accuracy", "loss"}
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert type(model.train_on_batch(X, Y)) is float


def test_train_on_batch_builds_a_model_and_reads_the_learning_rate():
    model = make(built=False)
    model.train_on_batch(X, Y)
    model.optimizer.learning_rate = 0.0
    weights = model.get_weights()
    model.train_on_batch(X, Y)
    assert same(weights, model.get_weights())


def test_test_and_predict_on_batch_are_evaluate_and_predict():
    model = make()
    assert model.test_on_batch(X, Y) == model.evaluate(X, Y, verbose=0)
    assert model.test_on_batch(X, Y, return_dict=True) == model.evaluate(X, Y, verbose=0, return_dict=True)
    assert np.array_equal(model.predict_on_batch(X), model.predict(X, verbose=0))
    for method in (model.train_on_batch, model.test_on_batch):
        with pytest.raises(ValueError, match=r"sample_weight: got shape \(\), needs \(50,\)"):
            method(X, Y, sample_weight=3)
        with pytest.raises(ValueError, match="y: got labels from 1 to 3"):
            method(X, Y + 1)


def test_gradients_are_central_differences_of_the_loss():
    model = make()
    loss, gradients = model.gradients(X, Y)
    assert loss == model.evaluate(X, Y, verbose=0)[0]
    weights = model.get_weights()
    assert [gradient.shape for gradient in gradients] == [weight.shape for weight in weights]
    for number, gradient in enumerate(gradients):
        for place in list(np.ndindex(gradient.shape))[:6]:
            around = []
            for change in (1e-6, -1e-6):
                moved = [weight.copy() for weight in weights]
                moved[number][place] += change
                model.set_weights(moved)
                around.append(model.evaluate(X, Y, verbose=0)[0])
            assert gradient[place] == pytest.approx((around[0] - around[1]) / 2e-6, abs=1e-8)


def test_gradients_need_a_loss():
    with pytest.raises(ValueError, match="gradients: got a model without a loss"):
        Sequential([Input((4,)), Dense(3)]).gradients(X, Y)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps_per_execution": 0}, "steps_per_execution: got 0, needs an integer of at least 1"),
        ({"jit_compile": "xla"}, "jit_compile: got 'xla'"),
        ({"loss_weights": [1.0, 2.0]}, r"loss_weights: got 2 items, needs one for each output"),
        ({"auto_scale_loss": 0}, "auto_scale_loss: got 0, needs True or False"),
        ({"run_eagerly": "no"}, "run_eagerly: got 'no', needs True or False"),
    ],
)
def test_arguments_of_compile_that_change_nothing_are_checked(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make().compile("adam", "mse", **arguments)
    weights = []
    everything = {"jit_compile": True, "run_eagerly": True, "steps_per_execution": 10, "auto_scale_loss": False}
    for settings in ({}, everything):
        model = make()
        model.compile("adam", "sparse_categorical_crossentropy", **settings)
        model.fit(X, Y, epochs=2, verbose=0)
        weights.append(model.get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))
