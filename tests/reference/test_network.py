"""The oracle's network: by hand in fractions, against finite differences, and what its epochs promise."""

import gzip
import math
import random
import re
from fractions import Fraction

import pytest

import reference
from reference.__main__ import load_digits, main, read_idx
from reference.network import Network
from reference.weights import rows_of

STEP = 1e-5  # of the finite differences
OPTIMIZERS = {
    "sgd": {"name": "sgd", "learning_rate": 0.1},
    "momentum": {"name": "momentum", "learning_rate": 0.05, "momentum": 0.9},
    "nesterov": {"name": "nesterov", "learning_rate": 0.05, "momentum": 0.9},
    "rmsprop": {"name": "rmsprop", "learning_rate": 0.01, "rho": 0.9, "epsilon": 1e-7},
    "adagrad": {"name": "adagrad", "learning_rate": 0.1, "epsilon": 1e-7, "initial_accumulator_value": 0.1},
    "adam": {"name": "adam", "learning_rate": 0.02, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    "rmsprop_momentum": {
        "name": "rmsprop_momentum",
        "learning_rate": 0.01,
        "rho": 0.9,
        "momentum": 0.5,
        "epsilon": 1e-7,
    },
    "rmsprop_centered": {
        "name": "rmsprop_centered",
        "learning_rate": 0.01,
        "rho": 0.9,
        "momentum": 0.5,
        "epsilon": 1e-3,
    },
    "adadelta": {"name": "adadelta", "learning_rate": 10.0, "rho": 0.95, "epsilon": 1e-5},
    "amsgrad": {"name": "amsgrad", "learning_rate": 0.02, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    "adamax": {"name": "adamax", "learning_rate": 0.02, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    "nadam": {"name": "nadam", "learning_rate": 0.02, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
    "lion": {"name": "lion", "learning_rate": 0.02, "beta_1": 0.9, "beta_2": 0.99},
    "ftrl": {
        "name": "ftrl",
        "learning_rate": 0.5,
        "learning_rate_power": -0.5,
        "l1": 1e-3,
        "l2": 1e-3,
        "l2_shrinkage": 1e-3,
        "beta": 0.1,
        "initial_accumulator_value": 0.1,
    },
}


def dense(units, activation="linear", use_bias=True, l2=0.0):
    settings = {"kind": "dense", "units": units, "activation": activation, "use_bias": use_bias}
    return settings | {"kernel": {"l2": l2}}


def activation(name):
    return {"kind": "activation", "activation": name}


def dropout(rate=0.5, seed=5):
    return {"kind": "dropout", "rate": rate, "seed": seed}


def rescaling(scale=0.5, offset=-0.25):
    return {"kind": "rescaling", "scale": scale, "offset": offset}


def random_rows(rows, columns, seed):
    generator = random.Random(seed)
    return [[generator.uniform(-1.0, 1.0) for _ in range(columns)] for _ in range(rows)]


def with_random_weights(network, seed=1):
    generator = random.Random(seed)
    weights = network.get_weights()
    for array in weights:
        for row in rows_of(array):
            row[:] = [generator.uniform(-1.0, 1.0) for _ in row]
    network.set_weights(weights)
    return network


def two_clusters():
    """Twenty points in the plane with labels, easy to tell apart."""
    generator = random.Random(3)
    labels = [i % 2 for i in range(20)]
    return [[generator.gauss(2.0 * label - 1.0, 0.3), generator.gauss(0.0, 1.0)] for label in labels], labels


def classifier(optimizer="sgd", rate=0.25):
    layers = [dense(6, "relu"), dropout(rate), dense(2, "softmax")]
    network = Network(2, layers, "sparse_categorical_crossentropy", OPTIMIZERS[optimizer])
    return with_random_weights(network)


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


# Forward


def test_forward_by_hand():
    network = Network(2, [rescaling(2.0, 1.0), dense(2, "relu"), dense(1, use_bias=False)])
    network.set_weights([[[1.0, -1.0], [0.5, 2.0]], [0.25, -8.0], [[2.0], [4.0]]])
    # (1, 2) -> (3, 5) -> (5.75, -1) -> (5.75, 0) -> 11.5; (-1, 3) -> (-1, 7) -> (2.75, 7) -> 33.5
    assert network.predict([[1.0, 2.0], [-1.0, 3.0]]) == [[11.5], [33.5]]


@pytest.mark.parametrize("name", ["linear", "relu", "sigmoid", "tanh", "softmax"])
def test_an_activation_layer_is_the_activation(name):
    x = random_rows(3, 4, 1)
    assert Network(4, [activation(name)]).predict(x) == getattr(reference, name)(x)


def test_forward_keys_dropout_by_step_and_place_among_the_layers():
    network = Network(8, [rescaling(1.0, 0.0), dense(8), dropout(0.5, 5), dropout(0.5, 5)])
    network.set_weights([[[1.0 if i == j else 0.0 for j in range(8)] for i in range(8)], [0.0] * 8])
    x = random_rows(4, 8, 1)
    first = reference.dropout(x, 0.5, 5, 9, 2)
    assert network.forward(x, step=9)[-1] == reference.dropout(first, 0.5, 5, 9, 3)
    assert network.predict(x) == x


def test_a_row_is_predicted_alone_as_in_a_batch():
    network = classifier()
    x, _ = two_clusters()
    assert [network.predict([row])[0] for row in x] == network.predict(x)


# Gradients

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


@pytest.mark.parametrize("case", ["fused categorical", "relu", "fused sigmoid"])
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


# Epochs


def test_an_epoch_by_hand():
    """One weight and one bias on three rows in batches of two and one, exactly, with l2 and momentum."""
    optimizer = {"name": "momentum", "learning_rate": 0.0625, "momentum": 0.5}
    network = Network(1, [dense(1, l2=0.125)], "mean_squared_error", optimizer)
    network.set_weights([[[2.0]], [1.0]])
    x, y, order = [[1.0], [2.0], [-1.0]], [[0.0], [1.0], [3.0]], [2, 0, 1]

    w, b, m_w, m_b = (Fraction(v) for v in (2, 1, 0, 0))
    rate, mu, l2 = Fraction(1, 16), Fraction(1, 2), Fraction(1, 8)
    total = Fraction(0)
    for batch in ([2, 0], [1]):
        errors = [(w * Fraction(x[i][0]) + b - Fraction(y[i][0]), Fraction(x[i][0])) for i in batch]
        total += sum(e * e for e, _ in errors) + l2 * w * w * len(batch)
        g_w = sum(2 * e * v for e, v in errors) / len(batch) + 2 * l2 * w
        g_b = sum(2 * e for e, _ in errors) / len(batch)
        m_w, m_b = mu * m_w - rate * g_w, mu * m_b - rate * g_b
        w, b = w + m_w, b + m_b

    loss, metric = network.train_epoch(x, y, order, 2)
    assert (loss, metric, network.step) == (float(total / 3), 0.0, 2)
    assert network.get_weights() == [[[float(w)]], [float(b)]]
    assert network.get_optimizer_state() == [[[float(m_w)]], [float(m_b)]]


def test_the_penalty_is_summed_column_by_column():
    network = Network(4, [dense(2, l2=1.0), dense(1, l2=0.5), dense(1)], "mean_squared_error")
    large = 2.0**27  # its square swallows a single 1, but not the 4 of the other column
    network.set_weights([[[large, 1.0]] + [[1.0, 1.0]] * 3, [0.0] * 2, [[4.0], [4.0]], [0.0], [[9.0]], [0.0]])
    assert network.penalty() == large * large + 4.0 + 16.0


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_epochs_lower_the_loss(optimizer):
    network = classifier(optimizer, rate=0.1)
    x, y = two_clusters()
    before, _ = network.evaluate(x, y)
    for _ in range(10):
        network.train_epoch(x, y, list(range(len(x))), 4)
    after, accuracy = network.evaluate(x, y, "sparse_categorical_accuracy")
    assert after < 0.5 * before
    assert accuracy >= 0.95
    assert network.step == 50


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


def test_the_last_batch_may_be_short():
    x, y = two_clusters()
    order = list(range(len(x)))
    whole, parts = classifier("adam"), classifier("adam")
    whole.train_epoch(x, y, order, 8)
    parts.train_epoch(x, y, order[:16], 8)
    parts.train_epoch(x, y, order[16:], 8)  # these four, alone
    assert whole.step == parts.step == 3
    assert whole.get_weights() == parts.get_weights()


def test_an_epoch_visits_the_rows_in_order():
    x, y = two_clusters()
    order = list(range(len(x)))
    random.Random(1).shuffle(order)
    shuffled, sorted_rows = classifier(), classifier()
    first = shuffled.train_epoch(x, y, order, 3, "sparse_categorical_accuracy")
    rows = [x[i] for i in order], [y[i] for i in order]
    second = sorted_rows.train_epoch(*rows, list(range(len(x))), 3, "sparse_categorical_accuracy")
    assert first == second
    assert shuffled.get_weights() == sorted_rows.get_weights()


def test_an_epoch_that_learns_nothing_has_the_loss_of_evaluate():
    x, y = two_clusters()
    layers = [dense(6, "relu", l2=0.01), dropout(0.0), dense(2, "softmax")]
    network = Network(2, layers, "sparse_categorical_crossentropy", {"name": "sgd", "learning_rate": 0.0})
    with_random_weights(network)
    loss, accuracy = network.train_epoch(x, y, list(range(20)), 6, "sparse_categorical_accuracy")
    expected, expected_accuracy = network.evaluate(x, y, "sparse_categorical_accuracy")
    assert math.isclose(loss, expected, rel_tol=1e-14)
    assert accuracy == expected_accuracy


def test_an_epoch_is_forward_backprop_and_update_with_the_masks_of_the_step():
    x, y = two_clusters()
    whole, parts = classifier("adam", rate=0.5), classifier("adam", rate=0.5)
    whole.step = parts.step = 7
    whole.train_epoch(x, y, list(range(20)), 12)
    for step, rows in ((7, slice(12)), (8, slice(12, 20))):
        values = parts.forward(x[rows], step)
        parts.update(parts.backprop(y[rows], values, step)[0])
    assert whole.step == 9
    assert whole.get_weights() == parts.get_weights()


def test_an_epoch_draws_other_masks_at_every_step():
    network = classifier(rate=0.5)
    network.set_learning_rate(0.0)
    x, y = two_clusters()
    losses = [network.train_epoch(x, y, list(range(20)), 20)[0] for _ in range(4)]
    assert len(set(losses)) == 4
    network.step = 1
    assert network.train_epoch(x, y, list(range(20)), 20)[0] == losses[1]


def test_evaluate_changes_nothing_and_has_no_dropout():
    network = classifier("adam", rate=0.9)
    x, y = two_clusters()
    weights, state = network.get_weights(), network.get_optimizer_state()
    first = network.evaluate(x, y, "sparse_categorical_accuracy")
    assert (network.step, network.get_weights(), network.get_optimizer_state()) == (0, weights, state)
    network.step = 123
    assert network.evaluate(x, y, "sparse_categorical_accuracy") == first
    trained, disturbed = classifier("adam"), classifier("adam")
    for _ in range(2):
        trained.train_epoch(x, y, list(range(20)), 6)
        disturbed.evaluate(x, y)
        disturbed.gradients(x, y)
        disturbed.train_epoch(x, y, list(range(20)), 6)
    assert trained.get_weights() == disturbed.get_weights()


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


# Metrics


@pytest.mark.parametrize(
    ("metric", "y", "expected"),
    [
        (None, [[1.0, 0.0, 0.0]] * 3, 0.0),
        ("binary_accuracy", [[1.0, 0.0, 0.0], [0.0, 0.5, 1.0], [0.0, 0.0, 0.0]], (1.0 + 1.0 / 3.0 + 1.0 / 3.0) / 3.0),
        ("categorical_accuracy", [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]], 2.0 / 3.0),
    ],
)
def test_metrics_by_hand(metric, y, expected):
    predictions = [[0.9, 0.1, 0.5], [0.2, 0.7, 0.1], [0.6, 0.6, 0.2]]
    network = Network(3, [activation("linear")], "mean_squared_error")
    assert network.evaluate(predictions, y, metric)[1] == pytest.approx(expected, rel=1e-15)


def test_sparse_categorical_accuracy_takes_the_first_maximum():
    network = Network(3, [activation("softmax")], "sparse_categorical_crossentropy")
    logits = [[1.0, 5.0, 5.0], [1.0, 5.0, 5.0], [2.0, 2.0, 2.0], [0.0, -1.0, 3.0]]
    assert network.evaluate(logits, [1, 2, 0, 2], "sparse_categorical_accuracy")[1] == 0.75


# python -m reference


def test_read_idx_refuses_a_file_that_does_not_hold_what_it_says(tmp_path):
    path = tmp_path / "values.gz"
    path.write_bytes(gzip.compress(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + bytes(range(6))))
    assert read_idx(path) == ((2, 3), bytes(range(6)))
    path.write_bytes(gzip.compress(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + bytes(range(5))))
    with pytest.raises(ValueError, match="needs 6 values of type 8, got 5"):
        read_idx(path)


def test_the_digits_have_64_pixels_and_ten_classes():
    images, labels = load_digits("test")
    assert len(images) == len(labels) > 300
    assert {len(image) for image in images} == {64}
    assert 0.0 <= min(map(min, images)) < max(map(max, images)) == 16.0
    assert set(labels) == set(range(10))


def test_main_trains(capsys):
    main(["--rows", "150", "--epochs", "5", "--hidden", "16", "--seed", "3"])
    lines = capsys.readouterr().out.splitlines()
    losses = [float(re.fullmatch(r"epoch \d/5: loss (\S+), accuracy \S+", line)[1]) for line in lines[:-1]]
    assert len(losses) == 5
    assert losses[-1] < 0.5 * losses[0]
    assert float(re.fullmatch(r"test: loss \S+, accuracy (\S+)", lines[-1])[1]) > 0.5  # chance is 0.1


def test_main_refuses_no_rows(capsys):
    with pytest.raises(SystemExit):
        main(["--rows", "0"])
    assert "argument --rows: needs to be at least 1, got 0" in capsys.readouterr().err
