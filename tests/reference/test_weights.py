"""The weights and the optimizer's state of the oracle's network: penalties, updates, and copies in and out."""

import pytest

import reference
from reference.network import Network
from reference.weights import rows_of
from tests.reference.small_networks import OPTIMIZERS, classifier, dense, two_clusters


def test_the_penalty_is_summed_column_by_column():
    network = Network(4, [dense(2, l2=1.0), dense(1, l2=0.5), dense(1)], "mean_squared_error")
    large = 2.0**27  # its square swallows a single 1, but not the 4 of the other column
    network.set_weights([[[large, 1.0]] + [[1.0, 1.0]] * 3, [0.0] * 2, [[4.0], [4.0]], [0.0], [[9.0]], [0.0]])
    assert network.penalty() == large * large + 4.0 + 16.0


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_update_is_the_rule_on_every_array(optimizer):
    network = classifier(optimizer)
    x, y = two_clusters()
    settings = {k: v for k, v in OPTIMIZERS[optimizer].items() if k not in ("name", "initial_accumulator_value")}
    weights, state = network.get_weights(), network.get_optimizer_state()
    for step in (1, 2):
        _, gradients = network.gradients(x, y)
        network.update(gradients)
        extra = {"step": step} if optimizer in ("adam", "amsgrad", "adamax", "nadam") else {}
        for k, (w, g) in enumerate(zip(weights, gradients, strict=True)):
            slots = state[k :: len(weights)]
            for rows in zip(rows_of(w), rows_of(g), *[rows_of(slot) for slot in slots], strict=True):
                getattr(reference, optimizer)(*rows, **settings, **extra)
    assert network.get_weights() == weights
    assert network.get_optimizer_state() == state
    slots = {"sgd": 0, "momentum": 1, "nesterov": 1, "rmsprop": 1, "adagrad": 1, "lion": 1}
    slots |= {"rmsprop_centered": 3, "amsgrad": 3}
    assert len(state) == 4 * slots.get(optimizer, 2)


def test_adagrad_starts_from_its_initial_accumulator():
    assert classifier("adagrad").get_optimizer_state()[1] == [0.1] * 6
    assert classifier("rmsprop").get_optimizer_state()[1] == [0.0] * 6


def test_evaluate_adds_the_penalty_once():
    network = Network(1, [dense(1, l2=0.25)], "mean_squared_error")
    network.set_weights([[[2.0]], [0.0]])
    assert network.evaluate([[1.0], [3.0]], [[1.0], [5.0]]) == (2.0, 0.0)  # (1 + 1) / 2 + 0.25 * 4


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_resumes_from_weights_state_and_step(optimizer):
    x, y = two_clusters()
    order = list(range(len(x)))
    whole, resumed = classifier(optimizer), classifier(optimizer)
    whole.train_epoch(x, y, order, 6)
    resumed.set_weights(whole.get_weights())
    resumed.set_optimizer_state(whole.get_optimizer_state())
    resumed.step = whole.step
    assert whole.train_epoch(x, y, order, 6) == resumed.train_epoch(x, y, order, 6)
    assert whole.get_weights() == resumed.get_weights()


def test_weights_and_state_are_copied_in_and_out():
    network = classifier("momentum")
    weights, state = network.get_weights(), network.get_optimizer_state()
    weights[0][0][0] = weights[1][0] = state[0][0][0] = state[1][0] = 99.0
    assert network.get_weights()[0][0][0] != 99.0
    assert network.get_weights()[1][0] != 99.0
    network.set_weights(weights)
    network.set_optimizer_state(state)
    weights[0][0][0] = weights[1][0] = state[0][0][0] = state[1][0] = 77.0
    assert network.get_weights()[0][0][0] == network.get_weights()[1][0] == 99.0
    assert network.get_optimizer_state()[0][0][0] == network.get_optimizer_state()[1][0] == 99.0


def test_set_learning_rate():
    x, y = two_clusters()
    network, other = classifier(), classifier()
    other.settings["learning_rate"] = 0.7
    network.set_learning_rate(0.7)
    network.train_epoch(x, y, list(range(20)), 5)
    other.train_epoch(x, y, list(range(20)), 5)
    assert network.get_weights() == other.get_weights() != classifier().get_weights()
    assert OPTIMIZERS["sgd"]["learning_rate"] == 0.1
