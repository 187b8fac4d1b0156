"""Kernels with few outputs, which are stored transposed."""

import numpy as np
import pytest

import reference
from fastmlp import kernels
from fastmlp.kernels import Network
from fastmlp.kernels.engine.arena import FEWEST_INPUTS, MOST_INPUTS, NARROW, is_transposed
from fastmlp.kernels.engine.blocks import Block, blend
from tests.kernels.engine.comparing import assert_same, epochs, lists
from tests.networks import OPTIMIZERS, dense, initial

INPUTS = 16, 17, 31, 32, 33, 48, 70, 129  # at and beside vectors, panels and rounds
ROWS = 1, 2, 3, 4, 15, 16, 17, 45


def test_a_kernel_with_few_outputs_is_stored_transposed():
    for inputs, outputs, expected in (
        (FEWEST_INPUTS, 1, True),
        (FEWEST_INPUTS - 1, 1, False),
        (MOST_INPUTS, NARROW, True),
        (MOST_INPUTS + 1, 1, False),
        (100, NARROW + 1, False),
    ):
        assert is_transposed("kernel", (inputs, outputs)) == expected
    assert not is_transposed("embeddings", (100, 3))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_block_reads_what_was_written(dtype, isa):
    for shape in (16, 1), (70, 3), (129, 10):
        block, array = Block(shape, dtype, True), np.random.default_rng(0).normal(size=shape).astype(dtype)
        block.write(array)
        assert block.read().tobytes() == array.tobytes()
    with pytest.raises(ValueError, match=r"weights: got shape \(10, 129\), needs \(129, 10\)"):
        block.write(array.T)
    for wrong in (70, NARROW + 1), (FEWEST_INPUTS - 1, 1), (70,):
        with pytest.raises(ValueError, match="transposed: got True for shape"):
            Block(wrong, dtype, True)
    with pytest.raises(ValueError, match="sources: got float"):
        blend([block], [Block(shape, dtype)], 0.5)


@pytest.mark.parametrize("outputs", [1, 2, 5, 9, 10])
@pytest.mark.parametrize("threads_", [1, 3])
def test_float64_has_the_oracles_bits(outputs, threads_, isa):
    rng = np.random.default_rng(1)
    for inputs in INPUTS:
        layers = [dense(outputs, "tanh", kernel={"l1": 0.01, "l2": 0.02}), dense(2)]
        x, y = rng.normal(size=(19, inputs)), rng.normal(size=(19, 2))
        oracle = reference.Network(inputs, layers, "mean_squared_error", OPTIMIZERS[5])
        network = Network(inputs, layers, "mean_squared_error", OPTIMIZERS[5], dtype="float64")
        network.threads = threads_
        weights = initial(inputs, layers, rng)
        network.set_weights(weights)
        oracle.set_weights(lists(weights))
        assert epochs(network, x, y, 1, 8, None) == epochs(oracle, x.tolist(), y.tolist(), 1, 8, None, list)
        assert_same(network.get_weights(), oracle.get_weights())
        assert_same(network.get_optimizer_state(), oracle.get_optimizer_state())


@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize("clipping", [{}, {"clipnorm": 0.05}, {"global_clipnorm": 0.05, "accumulation_steps": 2}])
def test_norms_have_the_oracles_bits(axis, clipping, isa, threads):
    layers = [dense(3, kernel={"max_norm": 0.3, "min_norm": 0.2, "norm_axis": axis, "non_negative": axis == 1})]
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(12, 37)), rng.normal(size=(12, 3))
    optimizer = OPTIMIZERS[0] | clipping
    oracle = reference.Network(37, layers, "mean_squared_error", optimizer)
    network = Network(37, layers, "mean_squared_error", optimizer, dtype="float64")
    network.threads = threads
    weights = initial(37, layers, rng)
    network.set_weights(weights)
    oracle.set_weights(lists(weights))
    assert epochs(network, x, y, 2, 3, None) == epochs(oracle, x.tolist(), y.tolist(), 2, 3, None, list)
    assert_same(network.get_weights(), oracle.get_weights())


def interleaved(x, kernel):
    """The sums of float32 as c/narrow.h has them, in float64: of every sixteenth term, added by halves."""
    sums = [(x[:, lane::16, np.newaxis] * kernel[np.newaxis, lane::16]).sum(axis=1) for lane in range(16)]
    while len(sums) > 1:
        sums = [low + high for low, high in zip(sums[: len(sums) // 2], sums[len(sums) // 2 :], strict=True)]
    return sums[0]


def test_float32_sums_are_interleaved_whatever_the_vector(isa):
    """Powers of two which are lost in a sum of their lane, and not in another."""
    x = np.zeros((2, 64), np.float32)
    x[0, [0, 16, 32]] = 2.0**24, 1, -(2.0**24)  # one lane: the 1 is lost
    x[1, [0, 24, 1]] = 2.0**24, 1, -(2.0**24)  # lanes 0 and 8 are added first
    network = Network(64, [dense(1, use_bias=False)])
    network.set_weights([np.ones((64, 1))])
    assert network.predict(x)[:, 0].tolist() == [0, 0]
    x[1, 24], x[1, 17] = 0, 1  # the lane of -2^24, of which 1 is left
    assert network.predict(x)[1, 0] == 1


def test_float32_is_within_its_bound_and_the_same_for_every_row_thread_and_vector():
    before = kernels.isa.name()
    for inputs in INPUTS:
        for outputs in 1, 3, 10:
            rng = np.random.default_rng(inputs)
            x = rng.normal(size=(max(ROWS), inputs)).astype(np.float32)
            weights = [rng.normal(size=(inputs, outputs)).astype(np.float32), rng.normal(size=outputs)]
            wide = x.astype(np.float64)
            expected = interleaved(wide, weights[0].astype(np.float64)) + weights[1]
            size = np.abs(wide) @ np.abs(weights[0].astype(np.float64)) + np.abs(weights[1])
            seen = {}
            for name in kernels.isa.supported():
                kernels.isa.select(name)
                network = Network(inputs, [dense(outputs)])
                network.set_weights(weights)
                together = network.predict(x)
                # a sum of a sixteenth of the terms, four halvings and the bias; and the bias itself is rounded
                steps = -(-inputs // 16) + 7
                assert (np.abs(together - expected) <= steps * 2.0**-24 * 1.001 * size).all()
                for rows in ROWS:
                    network.threads = 1 + rows % 2
                    assert network.predict(x[:rows]).tobytes() == together[:rows].tobytes()
                fma = "base" if name == "base" else "fma"
                assert seen.setdefault(fma, together.tobytes()) == together.tobytes()
    kernels.isa.select(before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_lies_beside_the_last_column_is_not_read(dtype, isa):
    """Infinite numbers make NaN of the columns that a layer has not, as their weights are 0; relu makes 0 of others."""
    network = Network(1, [dense(1), dense(20, "relu"), dense(1)], dtype=dtype)
    weights = np.full((1, 1), np.finfo(dtype).max), [0.0], np.full((1, 20), -1.0), np.zeros(20), np.ones((20, 1)), [1.0]
    network.set_weights(weights)
    assert network.predict(np.full((3, 1), 2.0, dtype)).tolist() == 3 * [[1.0]]
