"""Weights in blocks of their own, which networks and optimizers refer to."""

import re

import numpy as np
import pytest

from fastmlp.kernels.engine import Network
from fastmlp.kernels.engine.blocks import Block, blend
from fastmlp.kernels.engine.parameters import Parameters
from tests.networks import dense

both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])
SHAPES = [(1,), (3,), (70,), (2, 3), (33, 65), (5, 1)]


def values(shape, dtype="float64", seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def filled(shape, dtype="float64", seed=0):
    block = Block(shape, dtype)
    block.write(values(shape, dtype, seed))
    return block


@pytest.mark.parametrize("shape", SHAPES)
@both_dtypes
def test_a_block_gives_back_what_was_written(shape, dtype):
    assert np.array_equal(filled(shape, dtype).read(), values(shape, dtype))
    assert not Block(shape, dtype).read().any()


@pytest.mark.parametrize("shape", SHAPES)
@both_dtypes
def test_a_block_takes_arrays_of_any_layout_and_type(shape, dtype):
    array = values(shape, dtype)
    other_order = array.astype(np.dtype(dtype).newbyteorder())
    shifted = np.frombuffer(b"." + array.tobytes(), np.uint8)[1:].view(dtype).reshape(shape)
    for given in (np.asfortranarray(array), np.repeat(array, 2, -1)[..., ::2], other_order, shifted, array.tolist()):
        block = Block(shape, dtype)
        block.write(given)
        assert np.array_equal(block.read(), array)
    for wrong in (array[..., None], np.zeros((*shape[:-1], shape[-1] + 1), dtype), np.array(1.0, dtype)):
        with pytest.raises(ValueError, match=r"weights: got shape .*, needs"):
            Block(shape, dtype).write(wrong)


@pytest.mark.parametrize("arguments", [((), "float64"), ((2, 3, 4), "float64"), ((0, 3), "float64"), ((3,), "int32")])
def test_a_block_is_a_vector_or_a_matrix_of_floats(arguments):
    with pytest.raises(ValueError, match="needs a vector or a matrix of float32 or float64"):
        Block(*arguments)


@pytest.mark.parametrize("shape", SHAPES)
@both_dtypes
def test_blend_moves_towards_the_source(shape, dtype):
    target, source, tau = filled(shape, dtype), filled(shape, dtype, 1), np.dtype(dtype).type(0.125)
    before, goal = target.read(), source.read()
    blend([target], [source], 0.125)
    assert np.array_equal(target.read(), before + tau * (goal - before))
    assert np.array_equal(source.read(), goal)


@pytest.mark.parametrize("sources", [[], [Block((3, 2))], [Block((2, 3), "float64")]])
def test_blend_refuses_other_shapes(sources):
    with pytest.raises(ValueError, match=r"sources: got .*, needs "):
        blend([Block((2, 3))], sources, 0.5)


@both_dtypes
def test_networks_share_the_weights_of_a_block(dtype):
    blocks = [filled((3, 4), dtype), filled((4,), dtype)]
    networks = [Network(3, [dense(4)], "mean_squared_error", dtype=dtype, blocks=blocks) for _ in range(2)]
    x, y = values((6, 3), dtype, 2), values((6, 4), dtype, 3)
    before = networks[1].predict(x)
    networks[0].set_learning_rate(0.1)
    networks[0].train_epoch(x, y, np.arange(6), 3)
    after = networks[1].predict(x)
    assert not np.array_equal(before, after) and np.array_equal(after, networks[0].predict(x))
    assert all(np.array_equal(a, b.read()) for a, b in zip(networks[1].get_weights(), blocks, strict=True))


@pytest.mark.parametrize(
    "blocks",
    [[], [Block((3, 4))], [Block((4, 3)), Block((4,))], [Block((3, 4), "float64"), Block((4,))], [Block((3,))] * 3],
)
def test_blocks_that_do_not_fit_are_refused(blocks):
    with pytest.raises(ValueError, match=re.compile("blocks: got .*, needs ")):
        Network(3, [dense(4)], blocks=blocks)


@both_dtypes
def test_an_optimizer_changes_the_block_itself(dtype):
    block = filled((2, 3), dtype)
    before = block.read()
    parameters = Parameters([(2, 3)], {"name": "sgd", "learning_rate": 0.5}, dtype, [block])
    parameters.apply_gradients([np.ones((2, 3), dtype)])
    assert np.array_equal(block.read(), before - np.dtype(dtype).type(0.5))
