"""The gradients of the oracle's network against finite differences, and losses that are fused with an activation."""

import math

import pytest

import reference
from reference.network import Network
from reference.weights import rows_of
from tests.reference.small_networks import activation, dense, dropout, random_rows, rescaling, with_random_weights

STEP = 1e-5  # of the finite differences


def slopes(network, loss):
    """Central finite differences of loss() with respect to every weight, shaped like the weights."""
    result = []
    for array in network.trained_weights():
        rows = []
        for row in rows_of(array):
            rows.append([])
            for j, value in enumerate(row):
                row[j] = value + STEP
                above = loss()
                row[j] = value - STEP
                rows[-1].append((above - loss()) / (2.0 * STEP))
                row[j] = value
        result.append(rows)
    return result


def assert_close(arrays, expected, tolerance=1e-8):
    assert len(arrays) == len(expected)
    for array, other in zip(arrays, expected, strict=True):
        for row, expected_row in zip(rows_of(array), rows_of(other), strict=True):
            for a, b in zip(row, expected_row, strict=True):
                assert abs(a - b) <= tolerance * max(1.0, abs(b)), (array, other)


LABELS = [0, 2, 1, 2]
SHARES = reference.softmax(random_rows(4, 3, 8))
GRADIENT_CASES = {
    "linear": ([dense(3)], "mean_squared_error", SHARES),
    "no bias": ([dense(4, "tanh", use_bias=False), dense(3, use_bias=False)], "mean_squared_error", SHARES),
    "relu": ([dense(5, "relu"), dense(3, "softmax")], "sparse_categorical_crossentropy", LABELS),
    "fused categorical": ([dense(5, "tanh"), dense(3, "softmax")], "categorical_crossentropy", SHARES),
    "fused sigmoid": ([dense(5, "sigmoid"), dense(3, "sigmoid")], "binary_crossentropy", SHARES),
    "logits": ([dense(5, "tanh"), dense(3)], "categorical_crossentropy_from_logits", SHARES),
    "sparse logits": ([dense(3)], "sparse_categorical_crossentropy_from_logits", LABELS),
    "binary logits": ([dense(3)], "binary_crossentropy_from_logits", SHARES),
    "fused divergence": ([dense(5, "tanh"), dense(3, "softmax")], "kl_divergence", SHARES),
    "fused focal": ([dense(5, "tanh"), dense(3, "softmax")], "categorical_focal_crossentropy", SHARES),
    "fused counts": ([dense(5, "tanh"), dense(3, "exponential")], "poisson", SHARES),
    "softmax and squares": ([dense(3, "softmax")], "mean_squared_error", SHARES),
    "unfused": ([dense(3, "softmax"), activation("linear")], "sparse_categorical_crossentropy", LABELS),
    "crossentropy of sigmoid": ([dense(3, "sigmoid")], "categorical_crossentropy", SHARES),
    "l2": (
        [dense(4, "tanh", l2=0.1), dense(4, "relu"), dense(3, "softmax", l2=0.03)],
        "sparse_categorical_crossentropy",
        LABELS,
    ),
    "every layer": (
        [rescaling(), dense(4), activation("tanh"), rescaling(3.0, 1.0), dropout(), dense(3, "softmax")],
        "categorical_crossentropy",
        SHARES,
    ),
}


@pytest.mark.parametrize("case", GRADIENT_CASES)
def test_gradients_are_the_slopes_of_the_loss(case):
    layers, loss, y = GRADIENT_CASES[case]
    network = with_random_weights(Network(2, layers, loss))
    x = random_rows(4, 2, 2)
    value, gradients = network.gradients(x, y)
    assert value == network.evaluate(x, y)[0]
    numeric = slopes(network, lambda: network.evaluate(x, y)[0])
    assert any(abs(v) > 1e-3 for v in numeric[0][0])
    assert_close(gradients, numeric)


def test_gradients_of_a_training_step_go_through_its_masks():
    layers = [dropout(0.25), dense(8, "tanh"), dropout(0.5, 6), dense(3, "softmax")]
    network = with_random_weights(Network(2, layers, "sparse_categorical_crossentropy"))
    x, step = random_rows(4, 2, 2), 17

    def loss():
        return math.fsum(network.row_losses(LABELS, network.forward(x, step))) / len(x)

    gradients, _ = network.backprop(LABELS, network.forward(x, step), step)
    assert_close(gradients, slopes(network, loss))
    assert gradients != network.gradients(x, LABELS)[1]


@pytest.mark.parametrize("case", ["fused categorical", "relu", "fused sigmoid", "fused divergence", "fused focal"])
def test_fused_and_unfused_losses_agree(case):
    layers, loss, y = GRADIENT_CASES[case]
    x = random_rows(4, 2, 2)
    fused = with_random_weights(Network(2, layers, loss))
    unfused = with_random_weights(Network(2, [*layers, activation("linear")], loss))
    assert fused.loss == loss + "_from_logits"
    assert unfused.loss == loss
    assert fused.predict(x) == unfused.predict(x)
    (fused_loss, fused_gradients), (unfused_loss, unfused_gradients) = fused.gradients(x, y), unfused.gradients(x, y)
    assert math.isclose(fused_loss, unfused_loss, rel_tol=1e-13)
    assert_close(fused_gradients, unfused_gradients, 1e-13)


def test_only_the_matching_last_activation_is_fused():
    assert Network(2, [dense(2), activation("softmax")], "categorical_crossentropy").loss_input == 2
    for layers, loss in [
        ([dense(2, "sigmoid")], "categorical_crossentropy"),
        ([dense(2, "softmax")], "binary_crossentropy"),
        ([dense(2, "softmax")], "categorical_crossentropy_from_logits"),
        ([dense(2, "softmax"), dropout()], "categorical_crossentropy"),
    ]:
        network = Network(2, layers, loss)
        assert network.loss == loss
        assert network.loss_input == len(network.stages)


def test_a_fused_loss_is_not_clipped():
    logits, labels = [[0.0, 1000.0]], [0]
    assert Network(2, [activation("softmax")], "sparse_categorical_crossentropy").evaluate(logits, labels)[0] == 1000.0
    unfused = Network(2, [activation("softmax"), activation("linear")], "sparse_categorical_crossentropy")
    assert unfused.evaluate(logits, labels)[0] == -math.log(1e-7)
