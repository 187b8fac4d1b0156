"""What a compiled network refuses."""

import numpy as np
import pytest

from fastmlp.kernels import Network
from tests.networks import OPTIMIZERS, WHOLE_RUN_LOSS, dense


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.ones((6, 4))}, r"x: got float64 \(6, 4\), needs a C-contiguous array of .* with shape \(rows, 3\)"),
        ({"x": np.ones((6, 3), int)}, "x: got .*, needs a C-contiguous array of uint8 or float32 or float64"),
        ({"x": np.ones((3, 6)).T}, "x: got .*, needs a C-contiguous array"),
        ({"x": [[1.0, 2.0, 3.0]]}, "x: got list, needs"),
        ({"y": np.zeros(5, np.intc)}, r"y: got int32 \(5,\), needs a C-contiguous array of int32 with shape \(6\)"),
        ({"y": np.zeros((6, 2), np.float32)}, "y: got .*, needs a C-contiguous array of int32"),
        ({"y": np.full(6, 2, np.intc)}, "y: got numbers from 2 to 2, needs 0 to 1"),
        ({"y": None}, "y: got None, needs the targets"),
        ({"order": np.array([0, 6])}, "order: got numbers from 0 to 6, needs 0 to 5"),
        ({"order": np.array([0.0])}, "order: got .*, needs a C-contiguous array of int64"),
        ({"order": np.arange(0)}, "order: got .*, needs a C-contiguous array of int64"),
        ({"batch_size": 0}, "batch_size: got 0, needs at least 1"),
        ({"metric": "categorical_accuracy"}, "metric: got 'categorical_accuracy', which does not fit the loss 'sparse"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_before_anything_changes(change, message):
    network = Network(3, [dense(2, "softmax")], WHOLE_RUN_LOSS, OPTIMIZERS[0])
    good = {"x": np.ones((6, 3)), "y": np.zeros(6, np.intc), "order": np.arange(6), "batch_size": 2}
    with pytest.raises(ValueError, match=message):
        network.train_epoch(**(good | change))
    assert network.step == 0
    assert not any(array.any() for array in network.get_weights())
    network.train_epoch(**good)


def test_a_network_without_a_loss_predicts_only():
    network = Network(3, [dense(2)])
    assert network.predict(np.ones((1, 3))).tolist() == [[0, 0]]
    with pytest.raises(ValueError, match="the network was made without a loss"):
        network.evaluate(np.ones((1, 3)), np.ones((1, 2), np.float32))


def test_no_layers_give_what_they_get():
    assert Network(3, []).predict(np.ones((2, 3))).tolist() == [[1, 1, 1]] * 2


@pytest.mark.parametrize(("inputs", "units"), [(0, 2), (3, 0), (3, -1), (2**31, 2), (3, 2**62), (10**400, 2)])
def test_impossible_widths(inputs, units):
    with pytest.raises(ValueError, match="needs at least one input and one unit in every layer"):
        Network(inputs, [dense(units)])


@pytest.mark.parametrize("threads", [0, -1, 257])
def test_impossible_numbers_of_threads(threads):
    with pytest.raises(ValueError, match=f"threads: got {threads}, needs 1 to 256"):
        Network(3, [dense(2)]).threads = threads
