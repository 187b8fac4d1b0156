"""Data of several inputs and outputs, by place and by name, and what each output's loss and metrics give."""

import numpy as np
import pytest

from tests.programs import array, keras, layers

RANDOM = np.random.default_rng(4)
TITLE, BODY = RANDOM.normal(size=(2, 60, 4)).astype("float32")
PRIORITY, DEPARTMENT = (TITLE[:, :1] > 0).astype("float32"), RANDOM.integers(0, 3, 60)
NAMED = {"title": TITLE, "body": BODY}
TARGETS = {"priority": PRIORITY, "department": DEPARTMENT}


def tickets():
    """Priority and department of a ticket from its title and its body."""
    title_input, body_input = keras.Input(shape=(4,), name="title"), keras.Input(shape=(4,), name="body")
    x = layers.concatenate([layers.Dense(5, "tanh")(title_input), layers.Dense(5, "tanh")(body_input)])
    priority_pred = layers.Dense(1, name="priority")(x)
    department_pred = layers.Dense(3, name="department")(x)
    return keras.Model(inputs=[title_input, body_input], outputs=[priority_pred, department_pred])


def compiled(**settings):
    model = tickets()
    model.compile(
        optimizer=keras.optimizers.SGD(0.1),
        loss={
            "priority": keras.losses.BinaryCrossentropy(from_logits=True),
            "department": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        },
        loss_weights={"priority": 1.0, "department": 0.2},
        **settings,
    )
    return model


def losses_of(model, weights=(1, 1)):
    """Means over the rows of both losses, by hand."""
    logits, scores = (array(output) for output in model([TITLE, BODY]))
    scores = scores - scores.max(axis=1, keepdims=True)
    entropy = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(60), DEPARTMENT]
    binary = np.maximum(logits, 0) - logits * PRIORITY + np.log1p(np.exp(-np.abs(logits)))
    return np.mean(binary[:, 0] * weights[0]), np.mean(entropy * weights[1])


def test_dicts_by_name_and_the_names_of_the_history():
    model = compiled(metrics={"department": ["accuracy"], "priority": keras.metrics.BinaryAccuracy(threshold=0.0)})
    validation = ({"body": BODY[:20], "title": TITLE[:20]}, {name: y[:20] for name, y in TARGETS.items()})
    history = model.fit(NAMED, TARGETS, epochs=3, batch_size=16, validation_data=validation, verbose=0).history
    names = ["department_accuracy", "department_loss", "loss", "priority_binary_accuracy", "priority_loss"]
    assert list(history) == names + [f"val_{name}" for name in names]
    for name in ("", "val_"):
        total, first, second = (history[f"{name}{one}"] for one in ("loss", "priority_loss", "department_loss"))
        np.testing.assert_allclose(total, np.array(first) + 0.2 * np.array(second), rtol=1e-5)
    results = model.evaluate(NAMED, TARGETS, verbose=0, return_dict=True)
    binary, entropy = losses_of(model)
    assert results["priority_loss"] == pytest.approx(binary, rel=1e-4)
    assert results["department_loss"] == pytest.approx(entropy, rel=1e-4)
    logits, scores = model.predict(NAMED, verbose=0)
    assert results["department_accuracy"] == pytest.approx(np.mean(np.argmax(scores, axis=1) == DEPARTMENT))
    assert results["priority_binary_accuracy"] == pytest.approx(np.mean((logits > 0) == PRIORITY))
    as_list = [results[name] for name in ("loss", "priority_loss", "department_loss", names[0], names[3])]
    assert model.evaluate([TITLE, BODY], [PRIORITY, DEPARTMENT], verbose=0) == pytest.approx(as_list, rel=1e-6)


def test_the_same_rows_in_other_containers():
    settings = [(NAMED, TARGETS), ([TITLE, BODY], [PRIORITY, DEPARTMENT]), ((TITLE, BODY), (PRIORITY, DEPARTMENT))]
    weights = tickets().get_weights()
    found = []
    for x, y in settings:
        model = compiled()
        model.set_weights(weights)
        model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
        found.append(model.get_weights())
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-6)
    assert any((a != b).any() for a, b in zip(weights, found[0], strict=True))


def test_sample_weights_of_each_output():
    model = compiled()
    weights = RANDOM.uniform(0, 2, (2, 60)).astype("float32")
    results = model.evaluate([TITLE, BODY], [PRIORITY, DEPARTMENT], sample_weight=list(weights), verbose=0)
    binary, entropy = losses_of(model, weights)
    assert results == pytest.approx([binary + 0.2 * entropy, binary, entropy], rel=1e-4)
    one = model.evaluate([TITLE, BODY], [PRIORITY, DEPARTMENT], sample_weight=weights[0], verbose=0)
    assert one[1:] == pytest.approx(losses_of(model, (weights[0], weights[0])), rel=1e-4)
    frozen = [np.array(weight) for weight in model.get_layer("department").get_weights()]
    model.fit([TITLE, BODY], [PRIORITY, DEPARTMENT], sample_weight=[np.ones(60), np.zeros(60)], verbose=0)
    for old, new in zip(frozen, model.get_layer("department").get_weights(), strict=True):
        assert np.array_equal(old, new)


def test_weighted_metrics():
    model = tickets()
    metrics = {"priority": ["mae"], "department": []}
    model.compile("sgd", ["mse", None], metrics=[["mae"], None], weighted_metrics=metrics)
    weights = np.repeat([0.0, 1.0], 30)
    results = model.evaluate(
        [TITLE, BODY], [PRIORITY, DEPARTMENT], sample_weight=[weights, weights], verbose=0, return_dict=True
    )
    apart = np.abs(array(model([TITLE, BODY])[0]) - PRIORITY)
    assert sorted(results) == ["loss", "priority_mae", "priority_weighted_mae"]
    assert results["priority_mae"] == pytest.approx(apart.mean(), rel=1e-5)
    assert results["priority_weighted_mae"] == pytest.approx(apart[30:].mean(), rel=1e-5)
    assert results["loss"] == pytest.approx(np.sum(apart[30:] ** 2) / 60, rel=1e-5)


def test_a_generator_of_dicts():
    def generate():
        for start in range(0, 60, 20):
            rows = slice(start, start + 20)
            yield {"title": TITLE[rows], "body": BODY[rows]}, {name: y[rows] for name, y in TARGETS.items()}

    model, other = compiled(), compiled()
    other.set_weights(model.get_weights())
    history = model.fit(generate(), verbose=0).history
    expected = other.fit(NAMED, TARGETS, batch_size=20, shuffle=False, verbose=0).history
    assert {name: values[0] for name, values in history.items()} == pytest.approx(
        {name: values[0] for name, values in expected.items()}, rel=1e-5
    )
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


def test_a_dataset_of_ones_own():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            rows = slice(20 * index, 20 * index + 20)
            return (TITLE[rows], BODY[rows]), (PRIORITY[rows], DEPARTMENT[rows])

    model, other = compiled(), compiled()
    other.set_weights(model.get_weights())
    model.fit(Batches(), epochs=2, shuffle=False, verbose=0)
    other.fit(NAMED, TARGETS, batch_size=20, epochs=2, shuffle=False, verbose=0)
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


def test_an_output_without_a_loss():
    model = tickets()
    model.compile("sgd", loss={"priority": "mse", "department": None})
    before = [np.array(weight) for weight in model.get_layer("department").get_weights()]
    history = model.fit(NAMED, TARGETS, epochs=2, verbose=0).history
    assert list(history) == ["loss"]
    for old, new in zip(before, model.get_layer("department").get_weights(), strict=True):
        assert np.array_equal(old, new)


def test_steps_of_ones_own():
    model = compiled(metrics={"department": "accuracy"})
    binary, entropy = losses_of(model)
    results = model.test_on_batch([TITLE, BODY], [PRIORITY, DEPARTMENT], return_dict=True)
    assert sorted(results) == ["department_accuracy", "department_loss", "loss", "priority_loss"]
    assert float(results["loss"]) == pytest.approx(binary + 0.2 * entropy, rel=1e-4)
    for _ in range(5):
        model.train_on_batch([TITLE, BODY], [PRIORITY, DEPARTMENT])
    assert losses_of(model)[0] < binary
    outputs = model.predict_on_batch([TITLE, BODY])
    for found, expected in zip(outputs, model.predict(NAMED, verbose=0), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_early_stopping_by_an_outputs_loss():
    model = compiled()
    stopping = keras.callbacks.EarlyStopping(monitor="val_priority_loss", mode="min", min_delta=10.0)
    history = model.fit(NAMED, TARGETS, epochs=9, validation_split=0.25, callbacks=[stopping], verbose=0).history
    assert len(history["val_priority_loss"]) == 2


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": {"priority": "mse", "other": "mse"}},
        {"loss": ["mse", "mse"], "loss_weights": [1.0]},
        {"loss": ["mse", "mse"], "metrics": ["mae"]},
        {"loss": ["mse", "mse"], "metrics": {"other": "mae"}},
        {"loss": "mse", "metrics": "mae"},
    ],
)
def test_what_does_not_fit_the_outputs(settings):
    model = tickets()
    with pytest.raises((TypeError, ValueError), match=r"loss|metrics"):
        model.compile("sgd", **settings)
        model.fit(NAMED, {"priority": PRIORITY, "department": TITLE[:, :3]}, verbose=0)


def test_class_weights_are_for_one_output():
    with pytest.raises(ValueError, match="class_weight"):
        compiled().fit(NAMED, TARGETS, class_weight={0: 1.0, 1: 2.0}, verbose=0)


def test_a_missing_input():
    with pytest.raises(ValueError, match="body"):
        compiled().predict({"title": TITLE}, verbose=0)
