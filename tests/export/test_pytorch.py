"""Weights under PyTorch's names; with PyTorch installed, its modules predict the same."""

import re

import numpy as np
import pytest

import fastmlp
from fastmlp import layers
from fastmlp.export.pytorch import from_state_dict, to_state_dict


def a_model(dtype="float32"):
    made = [fastmlp.Input((6,)), layers.Dense(9, name="first"), layers.BatchNormalization(epsilon=1e-5)]
    made += [layers.Activation("relu"), layers.Dense(4, use_bias=False), layers.LayerNormalization(epsilon=1e-5)]
    made += [layers.PReLU(), layers.Dense(2, activation="tanh")]
    model = fastmlp.Sequential(made, dtype=dtype)
    rng = np.random.default_rng(0)
    model.set_weights([abs(rng.normal(size=shape)) for shape in model.weight_names.values()])
    return model


def test_names_and_transposes():
    model = a_model()
    state = to_state_dict(model)
    assert list(state)[:3] == ["first.weight", "first.bias", "batch_normalization.weight"]
    assert state["first.weight"].shape == (9, 6) and state["first.weight"].flags.c_contiguous
    assert np.array_equal(state["first.weight"].T, model.layers[0].kernel.numpy())
    assert np.array_equal(state["batch_normalization.running_var"], model.get_weights()[5])
    assert state["batch_normalization.num_batches_tracked"] == 0


def test_there_and_back_by_other_names():
    model, other = a_model("float64"), fastmlp.models.clone_model(a_model("float64"))
    prefixes = {"first": "net.0", "batch_normalization": "net.1", "dense": "net.3", "layer_normalization": "net.4"}
    prefixes |= {"p_re_lu": "net.5", "dense_1": "net.6"}
    like = {f"{prefix}.weight": None for prefix in prefixes.values()}
    state = to_state_dict(model, like)
    assert [key.rpartition(".")[0] for key in state if key.endswith(".weight")] == list(prefixes.values())
    from_state_dict(other, state)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))


def test_models_in_models_and_tables():
    inner = fastmlp.Sequential([fastmlp.Input((3,)), layers.Embedding(7, 2), layers.Flatten()], name="inner")
    model = fastmlp.Sequential([fastmlp.Input((3,)), inner, layers.Dense(1, name="last")])
    assert list(to_state_dict(model)) == ["inner.embedding.weight", "last.weight", "last.bias"]


def test_the_same_names_may_come_in_any_order():
    """As in a file that sorts them, where layers.10 is before layers.2."""
    model, other = a_model(), fastmlp.models.clone_model(a_model())
    state = to_state_dict(model)
    from_state_dict(other, dict(sorted(state.items(), reverse=True)))
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))
    assert list(to_state_dict(model, dict(reversed(state.items())))) == list(state)


def test_one_slope_is_that_of_all_columns():
    model = fastmlp.Sequential([fastmlp.Input((3,)), layers.PReLU()])
    from_state_dict(model, {"0.weight": np.array([0.25], np.float32)})
    assert model.get_weights()[0].tolist() == [0.25] * 3


def test_what_does_not_fit_changes_nothing():
    model = a_model()
    before, state = model.get_weights(), to_state_dict(model)
    with pytest.raises(ValueError, match=re.escape("state: got 1 modules, 'first', needs 6, for 'first', 'batch_")):
        from_state_dict(model, {"first.weight": state["first.weight"]})
    with pytest.raises(
        ValueError, match=re.escape("state: got ['bias'] in 'first' for layer 'first', needs ['bias', 'w")
    ):
        from_state_dict(model, {name: one for name, one in state.items() if name != "first.weight"})
    wrong = {**state, "dense_1.weight": state["dense_1.weight"].T}
    with pytest.raises(ValueError, match=re.escape("state['dense_1.weight'][0]: got shape (4, 2), needs (2, 4)")):
        from_state_dict(model, wrong)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    given = fastmlp.Sequential([fastmlp.Input((3,)), layers.Normalization(mean=0.0, variance=1.0, name="given")])
    with pytest.raises(
        ValueError, match=re.escape("model: got layer 'given', a Normalization, needs weights of Dense")
    ):
        to_state_dict(given)


def test_pytorch_predicts_the_same():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    nn = torch.nn
    modules = [nn.Linear(6, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Linear(9, 4, bias=False), nn.LayerNorm(4), nn.PReLU(4)]
    theirs, model = nn.Sequential(*modules, nn.Linear(4, 2), nn.Tanh()).eval(), a_model()
    state = to_state_dict(model, like=theirs.state_dict())
    theirs.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    x = np.random.default_rng(1).normal(size=(20, 6)).astype(np.float32)
    with torch.no_grad():
        expected = theirs(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-5)
    other = fastmlp.models.clone_model(model)
    from_state_dict(other, theirs.state_dict())
    assert np.array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))


def test_pytorch_loads_tables_and_numbers_of_modules():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    nn = torch.nn
    theirs = nn.Sequential(nn.Embedding(7, 4), nn.Flatten(), nn.Linear(12, 3), nn.PReLU())
    made = [fastmlp.Input((3,)), layers.Embedding(7, 4), layers.Flatten(), layers.Dense(3), layers.PReLU()]
    model, x = fastmlp.Sequential(made), np.random.default_rng(0).integers(0, 7, (20, 3))
    from_state_dict(model, theirs.state_dict())
    with torch.no_grad():
        expected = theirs(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-5)
