"""Metrics alone: the oracle's values, Keras' values, and those of hand-made cases."""

import inspect
import json
import math

import numpy as np
import pytest

import reference.metrics as oracle
from fastmlp import losses, metrics
from fastmlp.layers import Dense, Input
from fastmlp.metrics.base import LossMetric
from fastmlp.models import Sequential
from fastmlp.settings import to_plain
from tests import keras_values as keras

ALL = set(metrics.METRICS.values()) - {metrics.AnyAccuracy}
OF_RATES = [
    (metrics.SensitivityAtSpecificity, "specificity"),
    (metrics.SpecificityAtSensitivity, "sensitivity"),
    (metrics.PrecisionAtRecall, "recall"),
    (metrics.RecallAtPrecision, "precision"),
]
WITH_DEFAULTS = ALL - {kind for kind, _ in OF_RATES}
CLASSES = sorted((kind for kind in WITH_DEFAULTS if kind().single), key=lambda kind: kind.__name__)
RANDOM = np.random.default_rng(7)
ROWS, COLUMNS = 300, 6
P = RANDOM.dirichlet(np.ones(COLUMNS), ROWS)
P[:20] = np.round(P[:20] * 4) / 4  # with ties, and values that are thresholds
P[:20] += (P[:20].sum(axis=1, keepdims=True) == 0) / COLUMNS
LABELS = RANDOM.integers(0, COLUMNS, ROWS)
WEIGHTS = RANDOM.uniform(0, 3, ROWS).round(2)
# truths of distances are numbers of their own, those of classes one-hot
NUMBERS = RANDOM.uniform(0.1, 1, (ROWS, COLUMNS))
DISTANCES = {kind for kind in CLASSES if kind.__module__.endswith("regression")}


def truth_for(kind):
    if kind.targets == "labels":
        return LABELS
    return NUMBERS if kind in DISTANCES else np.eye(COLUMNS)[LABELS]


def plain(values):
    return None if values is None else values.tolist()


def bound(expected):
    """Each of two sums over all elements is off by at most their number times eps times what is added up.

    The ratios and R2's differences of such sums multiply that by at most 8 for these data.
    """
    return 16 * ROWS * COLUMNS * np.finfo(float).eps * max(1.0, abs(expected))


CASES = [
    *((kind, {}, {}) for kind in CLASSES),
    (metrics.TopKCategoricalAccuracy, {"k": 1}, {"k": 1}),
    (metrics.SparseTopKCategoricalAccuracy, {"k": 2}, {"k": 2}),
    (metrics.TopKCategoricalAccuracy, {"k": 9}, {"k": 9}),
    *(
        (kind, {"thresholds": given.get("threshold"), **rest}, {**given, **rest})
        for kind in (metrics.Precision, metrics.Recall)
        for given in ({}, {"threshold": 0.25})
        for rest in ({"top_k": 1}, {"top_k": 3}, {"top_k": 6}, {"class_id": 2}, {"top_k": 2, "class_id": 5})
    ),
    (metrics.TruePositives, {"thresholds": 0.25}, {"threshold": 0.25}),
    (metrics.FalseNegatives, {"thresholds": 0.0}, {"threshold": 0.0}),
    *(
        (metrics.AUC, settings, settings)
        for shape in ({"num_thresholds": 5}, {"num_thresholds": 2}, {"thresholds": [0.5, 0.1, 0.25]})
        for curve in ("ROC", "PR")
        for method in ("interpolation", "minoring", "majoring")
        for settings in [{**shape, "curve": curve, "summation_method": method}]
    ),
    *(
        (metrics.AUC, *[{"multi_label": True, "num_thresholds": 9, **settings}] * 2)
        for settings in ({}, {"curve": "PR"}, {"label_weights": [0.5, 1, 2, 0, 3, 1]})
    ),
    *(
        (metrics.F1Score, *[{"average": average, **given}] * 2)
        for average in ("micro", "macro", "weighted")
        for given in ({}, {"threshold": 0.25})
    ),
    *(
        (metrics.FBetaScore, *[{"average": average, "beta": beta, **given}] * 2)
        for average, beta in (("micro", 0.5), ("macro", 2.0), ("weighted", 2.0))
        for given in ({}, {"threshold": 0.25})
    ),
    *(
        (kind, *[{rate: least, **more}] * 2)
        for kind, rate in OF_RATES
        for least, more in ((0.3, {"num_thresholds": 20}), (0.6, {"num_thresholds": 5, "class_id": 3}))
    ),
    (metrics.R2Score, *[{"class_aggregation": "variance_weighted_average", "num_regressors": 4}] * 2),
]


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("kind", "settings", "arguments"), CASES)
def test_values_are_the_oracles(kind, settings, arguments, dtype, weights, monkeypatch):
    monkeypatch.setattr("fastmlp.metrics.base.PART", 100)  # several parts
    metric, y, p = kind(**settings), truth_for(kind), P.astype(dtype)
    metric.update_state(y[:90], p[:90], None if weights is None else weights[:90])
    metric.update_state(y[90:], p[90:], None if weights is None else weights[90:])
    expected = getattr(oracle, metric.name)(y.tolist(), p.astype(float).tolist(), plain(weights), **arguments)
    if dtype is np.float32 and isinstance(metric, LossMetric):  # in the arithmetic of the loss
        expected = float(np.average(losses.functions.FUNCTIONS[metric.loss](y, p).astype(float), weights=weights))
    assert metric.result() == pytest.approx(expected, rel=0, abs=bound(expected))
    assert isinstance(metric.result(), float) and math.isfinite(expected)


def test_every_metric_has_an_oracle_and_every_oracle_a_metric():
    helpers = {"mean", "ratio", "weights_of", "sparse_top_hits", "over_columns", "clip", "confusion", "place"}
    helpers |= {"point_of", "piece_of_precision", "is_predicted", "harmonic_mean", "best_where", "signs"}
    helpers |= {"part_of_positives", "part_of_negatives", "part_of_predictions"}
    own = {name for name, value in vars(oracle).items() if getattr(value, "__module__", "") == oracle.__name__}
    names = {kind().name for kind in WITH_DEFAULTS} | {kind(0.5).name for kind, _ in OF_RATES}
    assert own - helpers == names and len(names) == len(ALL)


def test_counts_are_exact():
    y = np.eye(COLUMNS)[LABELS]
    for kind in (metrics.TruePositives, metrics.FalsePositives, metrics.TrueNegatives, metrics.FalseNegatives):
        for limit in (0.0, 0.25, 0.5, 1.0):
            expected = getattr(oracle, kind().name)(y.tolist(), P.tolist(), None, limit)
            assert kind(limit)(y, P) == expected
    assert metrics.AUC(num_thresholds=9)(y, P) == pytest.approx(
        oracle.auc(y.tolist(), P.tolist(), None, 9), rel=4 * np.finfo(float).eps
    )


@pytest.mark.parametrize(("text", "result", "weighted"), keras.METRICS, ids=[row[0] for row in keras.METRICS])
def test_values_are_those_of_keras(text, result, weighted):
    metric = eval(f"metrics.{text}")
    y = keras.LABELS if metric.targets == "labels" else keras.ONE_HOT
    tolerance = 1e-6 if any(part in text for part in keras.IN_FLOAT32) else 1e-12
    for weights, expected in ((None, result), (keras.WEIGHTS, weighted)):
        metric.reset_state()
        for part in (slice(25), slice(25, None)):
            metric.update_state(y[part], keras.P[part], None if weights is None else weights[part])
        assert metric.result() == pytest.approx(expected, rel=tolerance, abs=1e-15)


def test_area_by_hand():
    """Keras' example: at a threshold of 0.5 half of the positives and none of the negatives."""
    assert metrics.AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]) == pytest.approx(0.75)
    weighted = metrics.AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9], sample_weight=[1, 0, 0, 1])
    assert weighted == pytest.approx(1.0)


def test_area_with_fine_thresholds_is_the_share_of_pairs_in_order():
    """With distinct predictions between them, thresholds give the Mann-Whitney statistic."""
    p = np.random.default_rng(3).permutation(500) / 500 + 0.0005
    y = (np.random.default_rng(4).random(500) < p).astype(int)
    pairs = (p[y == 1][:, None] > p[y == 0][None]).mean()
    assert metrics.AUC(num_thresholds=501)(y, p) == pytest.approx(pairs, rel=1e-12)


def test_several_thresholds_give_an_array_in_their_order():
    metric = metrics.Precision(thresholds=[0.4, 0.1, 0.25])
    metric.update_state(keras.ONE_HOT, keras.P)
    singles = [metrics.Precision(thresholds=limit)(keras.ONE_HOT, keras.P) for limit in (0.4, 0.1, 0.25)]
    assert metric.result().tolist() == singles == pytest.approx([6 / 29, 7 / 29, 1 / 4])


@pytest.mark.parametrize(
    ("threshold", "expected", "weighted"),
    [
        (
            None,
            [0.21621616537619837, 0.1538461053254583, 0.1935483400624457, 0.20689650511297059],
            [0.23958328243273597, 0.19999995563556475, 0.2264150476642628, 0.285714235887304],
        ),
        (
            0.3,
            [0.29999994850000833, 0.25806447075963274, 0.29268287543129945, 0.12121207823692921],
            [0.3181817668843054, 0.3157894319756556, 0.3199999484800078, 0.1401273462128403],
        ),
    ],
)
def test_scores_of_the_columns_are_those_of_keras_and_of_the_oracle(threshold, expected, weighted):
    for weights, values in ((None, expected), (keras.WEIGHTS, weighted)):
        found = metrics.F1Score(None, threshold)(keras.ONE_HOT, keras.P, weights)
        oracles = oracle.f1_score(keras.ONE_HOT.tolist(), keras.P.tolist(), plain(weights), None, threshold)
        assert found == pytest.approx(values, rel=1e-12) and oracles == pytest.approx(values, rel=1e-12)


def test_equal_largest_outputs_are_all_predictions_and_zeros_are_none():
    """Keras' values."""
    scores = metrics.F1Score()(np.eye(3)[:2], [[0.4, 0.4, 0.2], [0.0, 0.0, 0.0]])
    assert scores == pytest.approx([0.99999985, 0.0, 0.0], abs=1e-9)
    assert metrics.F1Score("macro").result() == 0.0


def test_a_constant_column_has_no_score():
    y, p = np.array([[1.0, 1.0], [1.0, 3.0]]), np.array([[1.5, 1.0], [1.0, 3.0]])
    assert metrics.R2Score(None)(y, p).tolist() == [0.0, 1.0] and metrics.R2Score()(y, p) == 0.5
    assert np.isnan(metrics.R2Score().result())


def test_equal_outputs():
    """In the top k when fewer than k are larger; of equal ones Precision and Recall take the first."""
    p = [[0.4, 0.2, 0.2, 0.2]]
    for label, hit in enumerate((1.0, 1.0, 1.0, 1.0)):
        assert metrics.SparseTopKCategoricalAccuracy(k=2)([label], p) == hit
    assert metrics.SparseTopKCategoricalAccuracy(k=1)([1], p) == 0.0
    assert [metrics.Recall(top_k=2)(np.eye(4)[[label]], p) for label in range(4)] == [1.0, 1.0, 0.0, 0.0]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", CLASSES)
def test_predictions_of_a_model_that_diverged(kind):
    for value in (np.nan, np.inf, -np.inf):
        metric, p = kind(), np.full((8, 3), value, np.float32)
        y = np.arange(8) % 3 if kind.targets == "labels" else np.eye(3)[np.arange(8) % 3]
        with np.errstate(all="ignore"):
            metric.update_state(y, p)
        assert isinstance(metric.result(), float)
    nan = np.full((4, 3), np.nan)
    assert metrics.SparseTopKCategoricalAccuracy(3)([0, 1, 2, 0], nan) == 0.0
    assert metrics.TruePositives(0.0)(np.ones((4, 3)), nan) == 0.0
    assert metrics.TruePositives([0.0, 0.5])(np.ones((4, 3)), nan).tolist() == [0.0, 0.0]


def test_mean_and_sum_of_values():
    mean = metrics.Mean(name="m")
    assert mean.result() == 0.0
    assert mean([1, 3, 5, 7]) == 4.0
    assert mean([9.0], sample_weight=4) == 6.5 and mean.name == "m"
    mean.reset_state()
    assert mean([1, 3], sample_weight=[0.25, 0.75]) == 2.5
    assert metrics.Mean()(3.0) == 3.0 and metrics.Mean()([[1.0, 2.0], [3.0, 6.0]]) == 3.0
    assert metrics.Sum()([1, 2], sample_weight=[1, 0.5]) == 2.0


def test_a_vector_is_one_column():
    assert metrics.BinaryAccuracy()([1, 1, 0, 0], [0.98, 1, 0, 0.6]) == 0.75
    assert metrics.BinaryAccuracy()([1, 1, 0, 0], [0.98, 1, 0, 0.6], sample_weight=[1, 0, 0, 1]) == 0.5
    assert metrics.MeanAbsoluteError()([0, 4], [[1.0], [1.0]]) == 2.0
    assert metrics.SparseCategoricalAccuracy()([[2], [1]], [[0.1, 0.6, 0.3], [0.05, 0.95, 0]]) == 0.5


Y2 = [[0, 1], [1, 0]]
VECTOR = [0, 1, 1, 0, 0], [0.2, 0.1, 0.5, 0.0, 0.2]


@pytest.mark.parametrize(
    ("metric", "y_true", "value"),
    [
        (metrics.Precision(top_k=3), VECTOR[0], 1 / 3),
        (metrics.Recall(top_k=3), VECTOR[0], 0.5),
        (metrics.CategoricalAccuracy(), VECTOR[0], 0.0),
        (metrics.CategoricalAccuracy(), [0, 0, 1, 0, 0], 1.0),
        (metrics.TopKCategoricalAccuracy(2), VECTOR[0], 0.0),
        (metrics.SparseCategoricalAccuracy(), 2, 1.0),
        (metrics.SparseCategoricalAccuracy(), [2], 1.0),
        (metrics.SparseTopKCategoricalAccuracy(2), 2, 1.0),
        (metrics.CategoricalCrossentropy(), VECTOR[0], 2.9957323),
        (metrics.SparseCategoricalCrossentropy(), [2], 0.6931472),
        (metrics.CosineSimilarity(), VECTOR[0], 0.72760683),
        (metrics.KLDivergence(), VECTOR[0], 2.9957294),
        (metrics.CategoricalHinge(), VECTOR[0], 0.6),
        (metrics.Poisson(), VECTOR[0], 0.79914623),
        (metrics.BinaryCrossentropy(), VECTOR[0], 0.6884039),
        (metrics.MeanSquaredError(), VECTOR[0], 0.228),
        (metrics.BinaryAccuracy(), VECTOR[0], 0.6),
        (metrics.Accuracy(), VECTOR[0], 0.2),
        (metrics.Hinge(), VECTOR[0], 0.96),
        (metrics.LogCoshError(), VECTOR[0], 0.10393622),
    ],
)
def test_a_vector_is_one_row_where_its_numbers_belong_together(metric, y_true, value):
    """Keras' values."""
    assert metric(y_true, VECTOR[1]) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if issubclass(kind, LossMetric)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_loss_has_the_same_value_as_a_metric(kind, dtype):
    """Saturated outputs too, where what is left of 1 - 1e-7 depends on the type."""
    hits, classes = np.eye(4)[RANDOM.integers(0, 4, 50)].astype(dtype), RANDOM.integers(0, 4, 50)
    y = classes if kind.targets == "labels" else np.eye(4)[classes]
    for p in (hits, (0.9 * hits + 0.025).astype(dtype)):
        values = losses.functions.FUNCTIONS[kind.loss](y, p)
        assert values.dtype == dtype and kind()(y, p) == float(values.sum(dtype=float)) / 50
        found = losses.get(kind.loss)(y, p)
        assert kind()(y, p) == pytest.approx(found, rel=1e-15)
    assert metrics.BinaryCrossentropy()(np.zeros((1, 2)), np.array([[1, 0]], np.float32)) == pytest.approx(7.9711924)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: metrics.AUC()([0, 1], [0.5]), ValueError, r"y_true: got shape \(2, 1\), needs \(1, 1\) as y_pred"),
        (lambda: metrics.AUC()([0, 1], ["a", "b"]), TypeError, "y_pred: got list, needs an array of real numbers"),
        (lambda: metrics.AUC()([0], np.zeros((1, 1, 1))), ValueError, r"y_pred: got shape \(1, 1, 1\), needs"),
        (lambda: metrics.Mean()([1, 2], [1.0]), ValueError, r"sample_weight: got shape \(1,\), needs \(2,\)"),
        (lambda: metrics.SparseCategoricalAccuracy()([3], [[0.5, 0.5]]), ValueError, "y_true: got labels from 3 to 3"),
        (lambda: metrics.SparseCategoricalAccuracy()([[1, 0]], [[0.5, 0.5]]), ValueError, "a class number for each"),
        (lambda: metrics.Precision(class_id=2)([[1, 0]], [[0.5, 0.5]]), ValueError, "class_id: got 2, needs one of"),
        (lambda: metrics.Precision(thresholds=1.5), ValueError, "thresholds: got 1.5, needs a finite number in"),
        (lambda: metrics.Precision(thresholds=[]), ValueError, "thresholds: got none, needs at least one"),
        (lambda: metrics.Recall(thresholds="a"), TypeError, "thresholds: got 'a'"),
        (lambda: metrics.TrueNegatives(np.zeros(2**30, "?")), ValueError, "thresholds: got 1073741824, needs fewer"),
        (lambda: metrics.AUC(thresholds=[0.5] * 2**20), ValueError, "thresholds: got 1048576, needs fewer"),
        (lambda: metrics.Recall(top_k=0), ValueError, "top_k: got 0"),
        (lambda: metrics.AUC(num_thresholds=1), ValueError, "num_thresholds: got 1, needs an integer of at least 2"),
        (lambda: metrics.AUC(curve="PRGAIN"), ValueError, "curve: got 'PRGAIN', needs one of 'ROC', 'PR'"),
        (lambda: metrics.AUC(multi_label=1), TypeError, "multi_label: got 1, needs True or False"),
        (lambda: metrics.AUC(num_labels=3), ValueError, "num_labels: got 3, needs None: without multi_label all"),
        (lambda: metrics.AUC(multi_label=True, num_labels=3)(Y2, Y2), ValueError, "num_labels: got 3 labels for 2 col"),
        (lambda: metrics.AUC(multi_label=True, label_weights=[1])(Y2, Y2), ValueError, "label_weights: got 1 labels"),
        (lambda: metrics.TopKCategoricalAccuracy(k=1.5), TypeError, "k: got 1.5"),
        (lambda: metrics.F1Score("mean"), ValueError, "average: got 'mean', needs one of 'micro', 'macro', 'weighted'"),
        (lambda: metrics.F1Score(threshold=1.5), ValueError, "threshold: got 1.5, needs"),
        (
            lambda: metrics.F1Score()([0, 1], [0.2, 0.8]),
            ValueError,
            r"y_pred: got shape \(2,\), needs \(rows, columns\)",
        ),
        (lambda: metrics.FBetaScore(beta=0.0), ValueError, "beta: got 0.0, needs a number above 0"),
        (lambda: metrics.FBetaScore(beta=-1.0), ValueError, "beta: got -1.0"),
        (lambda: metrics.PrecisionAtRecall(1.5), ValueError, "recall: got 1.5, needs a finite number in"),
        (lambda: metrics.RecallAtPrecision(0.5, 1), ValueError, "num_thresholds: got 1"),
        (
            lambda: metrics.SparseCategoricalAccuracy()([0, 1], [0.1, 0.9]),
            ValueError,
            r"y_true: got shape \(2,\), needs",
        ),
        (lambda: metrics.R2Score("mean"), ValueError, "class_aggregation: got 'mean', needs one of 'uniform_average'"),
        (lambda: metrics.MeanMetricWrapper(3), TypeError, "fn: got 3, needs a function"),
        (lambda: metrics.BinaryAccuracy(name="a/b"), ValueError, "name: got 'a/b'"),
    ],
)
def test_what_does_not_fit(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_getting_a_metric():
    assert metrics.get("MSE").name == "MSE" and type(metrics.get("MSE")) is metrics.MeanSquaredError
    assert type(metrics.get("TopKCategoricalAccuracy")) is metrics.TopKCategoricalAccuracy
    assert metrics.get(metrics.AUC).name == "auc" and metrics.get(metrics.Precision(name="p")).name == "p"
    assert metrics.get(len).name == "len"
    for kind in set(CLASSES) - {metrics.Accuracy}:
        assert kind().name in metrics.METRICS and type(metrics.get(kind().name)) is kind
    assert type(metrics.get("accuracy")) is metrics.AnyAccuracy is type(metrics.get("Accuracy"))


def test_metrics_as_functions():
    """Keras' values of a vector; a function in a model has its name."""
    for name, y_true, value in (
        ("binary_accuracy", VECTOR[0], 0.6),
        ("categorical_accuracy", VECTOR[0], 0.0),
        ("sparse_categorical_accuracy", 2, 1.0),
        ("top_k_categorical_accuracy", VECTOR[0], 1.0),
        ("sparse_top_k_categorical_accuracy", 1, 1.0),
        ("mean_squared_error", VECTOR[0], 0.228),
    ):
        assert getattr(metrics, name)(y_true, VECTOR[1]) == pytest.approx(value)
    y, p = keras.ONE_HOT, keras.P
    assert metrics.top_k_categorical_accuracy(y, p, k=2).mean() == metrics.TopKCategoricalAccuracy(2)(y, p)
    assert metrics.binary_accuracy(y, p, 0.3).shape == (60,) and metrics.mean_squared_error(y, p).shape == (60,)
    assert metrics.mean_absolute_error is losses.mean_absolute_error
    for function in (
        metrics.categorical_accuracy,
        metrics.mean_squared_error,
        "huber",
        "LogCosh",
        "mean_absolute_error",
    ):
        metric = metrics.get(function)
        assert metric.name == (function if isinstance(function, str) else function.__name__)
        twin = metrics.get(json.loads(json.dumps(to_plain(metric))))
        assert twin.name == metric.name and twin(y, p) == metric(y, p)
    assert metrics.get("huber").direction == "down" and metrics.get(metrics.binary_accuracy).direction == "up"


@pytest.mark.parametrize(
    ("identifier", "error", "message"),
    [
        ("f2", ValueError, "metrics: got unknown name 'f2', needs one of 'accuracy'"),
        (3, TypeError, "metrics: got 3, needs one of"),
        (metrics.Mean(), TypeError, "needs a metric of y_true and y_pred"),
        (metrics.Metric(), TypeError, "metrics: got Metric without update_state"),
        (dict, TypeError, "metrics: got <class 'dict'>"),
    ],
)
def test_what_is_no_metric_of_a_model(identifier, error, message):
    with pytest.raises(error, match=message):
        metrics.get(identifier)


@pytest.mark.parametrize(
    "metric",
    [
        metrics.AUC(50, "pr", name="area", thresholds=[0.3, 0.2]),
        metrics.AUC(multi_label=True, num_labels=2, label_weights=(0.5, 1)),
        metrics.Precision(top_k=2, class_id=1),
        metrics.Recall(thresholds=(0.25,)),
        metrics.BinaryAccuracy(threshold=0.3),
        metrics.CategoricalCrossentropy(label_smoothing=0.1),
        metrics.F1Score("macro", 0.25),
        metrics.FBetaScore("macro", 2.0, 0.25),
        metrics.PrecisionAtRecall(0.25, 50, 2),
        metrics.SpecificityAtSensitivity(0.25),
        metrics.Accuracy(),
        metrics.R2Score(num_regressors=2),
        metrics.get("acc"),
    ],
    ids=lambda metric: metric.name,
)
def test_configs_make_the_same_metric(metric):
    config = json.loads(json.dumps(to_plain(metric)))
    twin = metrics.get(config)
    assert type(twin) is type(metric) and to_plain(twin) == config and repr(twin) == repr(metric)
    assert set(config["config"]) == set(inspect.signature(type(metric)).parameters)


@pytest.mark.parametrize(
    ("loss", "activation", "units", "far"),
    [
        ("binary_crossentropy", "sigmoid", 1, 35),
        ("categorical_crossentropy", "softmax", 3, 300),
        ("sparse_categorical_crossentropy", "softmax", 3, 300),
        ("kl_divergence", "softmax", 3, 300),
        ("poisson", "exponential", 1, 50),
    ],
)
def test_the_loss_of_a_model_has_the_same_value_as_a_metric(loss, activation, units, far):
    """Where outputs are rounded to 0 and 1, the loss goes on, as it is computed from what comes before them."""
    x = np.linspace(-1, 1, 40).reshape(20, 2).astype("float32") * far
    labels = np.arange(20) % max(units, 2)
    y = labels if loss.startswith("sparse") else labels[:, None] if units == 1 else np.eye(3)[labels]
    model = Sequential([Input((2,)), Dense(units, activation, kernel_initializer="glorot_normal")], seed=3)
    model.compile("sgd", loss, metrics=["mse" if units == 1 else "accuracy", loss])
    model.layers[0].set_weights([np.eye(2, 3)[:, :units], np.zeros(units)])
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    assert found["loss"] == found[loss] > 4
    weighted = model.evaluate(x, y, sample_weight=np.arange(20) / 4, verbose=0, return_dict=True)
    assert weighted[loss] == found[loss] != weighted["loss"]
    generated = model.evaluate(((x[i : i + 7], y[i : i + 7]) for i in range(0, 20, 7)), verbose=0, return_dict=True)
    assert generated[loss] == pytest.approx(found[loss], rel=1e-12)


def test_many_thresholds_are_there_once_for_all_metrics():
    """A file of a few kilobytes may ask for a hundred metrics with a million of them each."""
    many = [metrics.AUC(num_thresholds=2**20 - 1) for _ in range(100)]
    limits = many[0].limits
    assert all(one.limits is limits for one in many) and not limits.flags.writeable
    assert limits[[0, 1, -2, -1]].tolist() == [-1e-7, 1 / (2**20 - 2), (2**20 - 3) / (2**20 - 2), 1 + 1e-7]
