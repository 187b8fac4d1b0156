"""Work grows with the number of layers, not with its square: counted in calls of Python, as times would vary."""

import functools
import sys

import pytest

import fastmlp
from fastmlp import Input, Sequential, layers

FEW, MANY = 100, 400


def calls_of(action):
    """How many functions of Python are called meanwhile."""
    count = 0

    def profile(frame, event, argument):
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(before)
    return count


def row(count, begins=True):
    return Sequential([Input((2,))] * begins + [layers.Dense(2) for _ in range(count)])


def functional(count):
    end = begin = Input((2,))
    for _ in range(count):
        end = layers.Dense(2)(end)
    return fastmlp.Model(begin, end)


def one_by_one(count):
    model = Sequential([Input((2,))])
    for _ in range(count):
        model.add(layers.Dense(2))


ACTIONS = {
    "Sequential": lambda count: lambda: row(count),
    "add": lambda count: lambda: one_by_one(count),
    "Sequential without Input": lambda count: lambda: row(count, False).build((None, 2)),
    "Model": lambda count: lambda: functional(count),
    "compile": lambda count: functools.partial(row(count).compile, "sgd", "mse"),
    "summary": lambda count: functools.partial(row(count).summary, print_fn=lambda line: None),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_four_times_the_layers_are_four_times_the_work(name):
    few, many = (calls_of(ACTIONS[name](count)) for count in (FEW, MANY))
    assert many < 1.2 * MANY / FEW * few + 2000


def test_files_of_many_layers_are_read_and_written_in_as_much_more_time(tmp_path):
    written, read = [], []
    for count in (FEW, MANY):
        path, model = tmp_path / f"{count}.safetensors", row(count)
        model.compile("adam", "mse")
        written.append(calls_of(lambda model=model, path=path: model.save(path)))
        read.append(calls_of(lambda path=path: fastmlp.load_model(path)))
    for few, many in (written, read):
        assert many < 1.2 * MANY / FEW * few + 2000


def test_names_seeds_and_graphs_are_those_of_layers_added_one_by_one():
    shared, kept = layers.Dense(2), layers.Dense(2, name="dense_3")
    made = [layers.Dense(2), layers.Dropout(0.5), shared, layers.Dense(2), shared, kept, layers.Dense(2)]
    other = Sequential([layers.Dense(2), made[3]])
    together = Sequential([Input((2,)), *made], seed=3)
    names = [layer.name for layer in together.layers]
    weights = [array.tolist() for array in together.get_weights()]
    calls = [call.layer.name for call in together.graph.calls]
    while together.layers:
        together.pop()
    alone = Sequential(seed=3)
    alone.add(Input((2,)))
    for layer in made:
        alone.add(layer)
    assert [layer.name for layer in alone.layers] == names
    assert len(set(names)) == len(set(made)) and [call.layer.name for call in alone.graph.calls] == calls
    assert [array.tolist() for array in alone.get_weights()] == weights
    assert other.layers[1] is made[3]


def test_a_layer_that_is_renamed_in_another_model_takes_its_name_from_the_next_here():
    model, other = Sequential([Input((2,))], seed=0), Sequential([layers.Dense(2, name="dense")])
    shared = layers.Dense(2)
    model.add(shared)
    assert shared.name == "dense"
    other.add(shared)
    assert shared.name == "dense_1"
    for _ in range(2):
        model.add(layers.Dense(2))
    assert [layer.name for layer in model.layers] == ["dense_1", "dense", "dense_2"]


def test_a_layer_of_another_dtype_is_refused_after_weights_have_fixed_it():
    model = Sequential([Input((2,)), layers.Dense(2)], dtype=None)
    model.add(layers.Dense(2))
    model.get_weights()
    with pytest.raises(ValueError, match="dtype: got 'float64'"):
        model.add(layers.Dense(2, dtype="float64"))
    model.add(layers.Dense(2))
    assert len({layer.name for layer in model.layers}) == 3
