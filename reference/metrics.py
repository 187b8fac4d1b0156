"""Metrics as loops over rows: the specification of fastmlp.metrics, whose classes have the same names in CamelCase.

Each function takes the truth t and the prediction p of all rows, [rows, columns], or labels [rows] for the sparse ones,
and a weight w for each row, and returns the metric's value. A ratio whose denominator is 0 is 0.
"""

import itertools
import math

from reference import crossentropies, losses, similarities
from reference.accuracies import argmax
from reference.accuracies import binary_accuracy as binary_hits
from reference.losses import EPSILON

LOWEST = -1e10  # the threshold where the largest outputs of each row are the positive ones


def mean(values, sample_weight=None):
    """sum_i w_i v_i / sum_i w_i for the values v of the rows."""
    total = weight_sum = 0.0
    for value, weight in zip(values, weights_of(values, sample_weight), strict=True):
        total += weight * value
        weight_sum += weight
    return ratio(total, weight_sum)


def weights_of(rows, sample_weight):
    """The weights, 1.0 for each row when there are none."""
    return [1.0] * len(rows) if sample_weight is None else sample_weight


def ratio(a, b):
    """a / b, 0 for b = 0."""
    return a / b if b != 0.0 else 0.0


# ----------------------------------------------------------------------------------------------------------- accuracies


def accuracy(y_true, y_pred, sample_weight=None):
    """How often truth and prediction are the same number."""
    return mean(over_columns(y_true, y_pred, lambda t, p: 1.0 if t == p else 0.0), sample_weight)


def binary_accuracy(y_true, y_pred, sample_weight=None):
    """How often truth and prediction lie on the same side of 0.5."""
    return mean(binary_hits(y_true, y_pred), sample_weight)


def categorical_accuracy(y_true, y_pred, sample_weight=None):
    """How often truth and prediction have their first maximum in the same column."""
    return sparse_categorical_accuracy([argmax(t) for t in y_true], y_pred, sample_weight)


def sparse_categorical_accuracy(y_true, y_pred, sample_weight=None):
    """How often the first maximum of the prediction is in the column of the label."""
    return sparse_top_hits([argmax(p) == label for label, p in zip(y_true, y_pred, strict=True)], sample_weight)


def top_k_categorical_accuracy(y_true, y_pred, sample_weight=None, k=5):
    """How often fewer than k outputs are larger than that in the column of the truth's first maximum."""
    return sparse_top_k_categorical_accuracy([argmax(t) for t in y_true], y_pred, sample_weight, k)


def sparse_top_k_categorical_accuracy(y_true, y_pred, sample_weight=None, k=5):
    """How often fewer than k outputs are larger than that of the label."""
    hits = []
    for label, p in zip(y_true, y_pred, strict=True):
        hits.append(not math.isnan(p[label]) and sum(1 for output in p if output > p[label]) < k)
    return sparse_top_hits(hits, sample_weight)


def sparse_top_hits(hits, sample_weight):
    """The weighted fraction of the rows that are hits."""
    return mean([1.0 if hit else 0.0 for hit in hits], sample_weight)


# ------------------------------------------------------------------------------------------------------------ distances


def over_columns(y_true, y_pred, distance):
    """The mean of distance(t, p) over the columns of each row."""
    return [
        sum(distance(t, p) for t, p in zip(row_t, row_p, strict=True)) / len(row_p)
        for row_t, row_p in zip(y_true, y_pred, strict=True)
    ]


def mean_squared_error(y_true, y_pred, sample_weight=None):
    """(p - t)^2."""
    return mean(over_columns(y_true, y_pred, lambda t, p: (p - t) ** 2), sample_weight)


def root_mean_squared_error(y_true, y_pred, sample_weight=None):
    """The square root of the mean squared error."""
    return math.sqrt(mean_squared_error(y_true, y_pred, sample_weight))


def mean_absolute_error(y_true, y_pred, sample_weight=None):
    """|p - t|."""
    return mean(over_columns(y_true, y_pred, lambda t, p: abs(p - t)), sample_weight)


def mean_absolute_percentage_error(y_true, y_pred, sample_weight=None):
    """100 |t - p| / max(|t|, EPSILON)."""
    return 100.0 * mean(over_columns(y_true, y_pred, lambda t, p: abs(t - p) / max(abs(t), EPSILON)), sample_weight)


def mean_squared_logarithmic_error(y_true, y_pred, sample_weight=None):
    """(log(p + 1) - log(t + 1))^2, with p and t of at least EPSILON."""

    def distance(t, p):
        return (math.log(max(p, EPSILON) + 1.0) - math.log(max(t, EPSILON) + 1.0)) ** 2

    return mean(over_columns(y_true, y_pred, distance), sample_weight)


def logcosh(y_true, y_pred, sample_weight=None):
    """The loss log_cosh."""
    return mean(losses.log_cosh(y_true, y_pred), sample_weight)


def cosine_similarity(y_true, y_pred, sample_weight=None):
    """sum_j t_j p_j / (|t| |p|)."""
    values = []
    for row_t, row_p in zip(y_true, y_pred, strict=True):
        product = sum(t * p for t, p in zip(row_t, row_p, strict=True))
        values.append(ratio(product, math.sqrt(sum(t * t for t in row_t)) * math.sqrt(sum(p * p for p in row_p))))
    return mean(values, sample_weight)


def r2_score(y_true, y_pred, sample_weight=None, class_aggregation="uniform_average", num_regressors=0):
    """1 - sum w (t - p)^2 / sum w (t - m)^2 for each column, m the mean of t; then their mean, or a weighted one."""
    weights, scores, spreads = weights_of(y_pred, sample_weight), [], []
    for truth, predicted in zip(zip(*y_true, strict=True), zip(*y_pred, strict=True), strict=True):
        middle = mean(truth, weights)
        spread = sum(w * (t - middle) ** 2 for w, t in zip(weights, truth, strict=True))
        residual = sum(w * (t - p) ** 2 for w, t, p in zip(weights, truth, predicted, strict=True))
        scores.append(1.0 - residual / spread)
        spreads.append(spread)
    score = sum(scores) / len(scores)
    if class_aggregation == "variance_weighted_average":
        score = mean(scores, spreads)
    size = len(y_true) * len(y_true[0])
    if num_regressors:
        score = 1.0 - (1.0 - score) * (size - 1.0) / (size - num_regressors - 1.0)
    return score


# -------------------------------------------------------------------------------------------------------- distributions


def binary_crossentropy(y_true, y_pred, sample_weight=None):
    """The loss of this name."""
    return mean(crossentropies.binary_crossentropy(y_true, y_pred), sample_weight)


def categorical_crossentropy(y_true, y_pred, sample_weight=None):
    """The loss of this name."""
    return mean(crossentropies.categorical_crossentropy(y_true, y_pred), sample_weight)


def sparse_categorical_crossentropy(y_true, y_pred, sample_weight=None):
    """The loss of this name."""
    return mean(crossentropies.sparse_categorical_crossentropy(y_true, y_pred), sample_weight)


def hinge(y_true, y_pred, sample_weight=None):
    """The loss of this name, of truths -1 and 1."""
    return mean(similarities.hinge(signs(y_true), y_pred), sample_weight)


def squared_hinge(y_true, y_pred, sample_weight=None):
    """The loss of this name, of truths -1 and 1."""
    return mean(similarities.squared_hinge(signs(y_true), y_pred), sample_weight)


def signs(y_true):
    """Truths 0 and 1 as -1 and 1."""
    is_bits = all(t in (0.0, 1.0) for row in y_true for t in row)
    return [[2.0 * t - 1.0 if is_bits else t for t in row] for row in y_true]


def categorical_hinge(y_true, y_pred, sample_weight=None):
    """The loss of this name."""
    return mean(similarities.categorical_hinge(y_true, y_pred), sample_weight)


def kl_divergence(y_true, y_pred, sample_weight=None):
    """sum_j t_j log(t_j / p_j), both clipped to [EPSILON, 1]."""
    values = []
    for row_t, row_p in zip(y_true, y_pred, strict=True):
        pairs = [(clip(t, EPSILON, 1.0), clip(p, EPSILON, 1.0)) for t, p in zip(row_t, row_p, strict=True)]
        values.append(sum(t * math.log(t / p) for t, p in pairs))
    return mean(values, sample_weight)


def poisson(y_true, y_pred, sample_weight=None):
    """p - t log(p + EPSILON)."""
    return mean(over_columns(y_true, y_pred, lambda t, p: p - t * math.log(p + EPSILON)), sample_weight)


def clip(x, low, high):
    """x, or the end of the interval that it lies beyond."""
    return min(max(x, low), high)


# --------------------------------------------------------------------------------------------------- above a threshold


def confusion(y_true, y_pred, sample_weight, threshold, top_k=None, class_id=None):
    """Weights of true positives, false positives, true negatives and false negatives among the elements."""
    true = {True: 0.0, False: 0.0}
    false = {True: 0.0, False: 0.0}
    for row_t, row_p, weight in zip(y_true, y_pred, weights_of(y_pred, sample_weight), strict=True):
        for j in range(len(row_p)):
            if class_id in (None, j):
                positive = row_p[j] > threshold and (top_k is None or place(row_p, j) < top_k)
                (true if positive == (row_t[j] != 0.0) else false)[positive] += weight
    return true[True], false[True], true[False], false[False]


def place(row, j):
    """How many outputs come before output j when the largest is first, and of equal ones the first."""
    return sum(1 for i in range(len(row)) if row[i] > row[j] or (row[i] == row[j] and i < j))


def true_positives(y_true, y_pred, sample_weight=None, threshold=0.5):
    """Weight of the positives above the threshold."""
    return confusion(y_true, y_pred, sample_weight, threshold)[0]


def false_positives(y_true, y_pred, sample_weight=None, threshold=0.5):
    """Weight of the negatives above it."""
    return confusion(y_true, y_pred, sample_weight, threshold)[1]


def true_negatives(y_true, y_pred, sample_weight=None, threshold=0.5):
    """Weight of the negatives not above it."""
    return confusion(y_true, y_pred, sample_weight, threshold)[2]


def false_negatives(y_true, y_pred, sample_weight=None, threshold=0.5):
    """Weight of the positives not above it."""
    return confusion(y_true, y_pred, sample_weight, threshold)[3]


def precision(y_true, y_pred, sample_weight=None, threshold=None, top_k=None, class_id=None):
    """Of the elements above the threshold, and among the top_k of their row, the part that is positive."""
    if threshold is None:
        threshold = 0.5 if top_k is None else LOWEST
    tp, fp, _, _ = confusion(y_true, y_pred, sample_weight, threshold, top_k, class_id)
    return ratio(tp, tp + fp)


def recall(y_true, y_pred, sample_weight=None, threshold=None, top_k=None, class_id=None):
    """Of the positive elements the part that is above the threshold, and among the top_k of its row."""
    if threshold is None:
        threshold = 0.5 if top_k is None else LOWEST
    tp, _, _, fn = confusion(y_true, y_pred, sample_weight, threshold, top_k, class_id)
    return ratio(tp, tp + fn)


def f1_score(y_true, y_pred, sample_weight=None, average=None, threshold=None):
    """2 P R / (P + R + EPSILON) for each column, with its precision P and recall R; then their mean."""
    return fbeta_score(y_true, y_pred, sample_weight, average, 1.0, threshold)


def fbeta_score(y_true, y_pred, sample_weight=None, average=None, beta=1.0, threshold=None):
    """(1 + b^2) P R / (b^2 P + R + EPSILON) for each column, with its precision P and recall R; then their mean."""
    weights, table = weights_of(y_pred, sample_weight), []
    rows_of_hits = [[is_predicted(p, row, threshold) for p in row] for row in y_pred]
    for truth, predicted in zip(zip(*y_true, strict=True), zip(*rows_of_hits, strict=True), strict=True):
        hits = sum(w * t for w, t, p in zip(weights, truth, predicted, strict=True) if p)
        predictions = sum(w for w, p in zip(weights, predicted, strict=True) if p)
        table.append((hits, predictions, sum(w * t for w, t in zip(weights, truth, strict=True))))
    if average == "micro":
        table = [tuple(sum(sums) for sums in zip(*table, strict=True))]
    scores, truths = [harmonic_mean(*sums, beta) for sums in table], [sums[2] for sums in table]
    if average is None:
        return scores
    if average == "weighted":
        return sum(s * t for s, t in zip(scores, truths, strict=True)) / (sum(truths) + EPSILON)
    return sum(scores) / len(scores)


def is_predicted(p, row, threshold):
    """Whether an output is above the threshold, or by default a largest one of its row and not 0."""
    return p > threshold if threshold is not None else p == max(row) and abs(p) > 1e-9


def harmonic_mean(hits, predictions, truths, beta):
    """(1 + b^2) P R / (b^2 P + R + EPSILON) of P = hits / (predictions + EPSILON), R = hits / (truths + EPSILON)."""
    precision, recall = hits / (predictions + EPSILON), hits / (truths + EPSILON)
    return (1.0 + beta * beta) * precision * recall / (beta * beta * precision + recall + EPSILON)


def best_where(y_true, y_pred, sample_weight, num_thresholds, class_id, asked, given, least):
    """The largest asked(tp, fp, tn, fn) among the thresholds of `auc` where given(tp, fp, tn, fn) >= least, else 0."""
    scale = num_thresholds - 1.0
    scaled = [[clip(p, 0.0, 1.0) * scale for p in row] for row in y_pred]
    limits = (-1.0, *range(1, num_thresholds - 1), scale)
    points = [confusion(y_true, scaled, sample_weight, limit, class_id=class_id) for limit in limits]
    return max([0.0, *(asked(*point) for point in points if given(*point) >= least)])


def part_of_positives(tp, fp, tn, fn):
    """Sensitivity, or recall."""
    return ratio(tp, tp + fn)


def part_of_negatives(tp, fp, tn, fn):
    """Specificity."""
    return ratio(tn, tn + fp)


def part_of_predictions(tp, fp, tn, fn):
    """Precision."""
    return ratio(tp, tp + fp)


def sensitivity_at_specificity(y_true, y_pred, sample_weight=None, specificity=0.5, num_thresholds=200, class_id=None):
    """The largest sensitivity where the specificity is at least so large."""
    rates = part_of_positives, part_of_negatives, specificity
    return best_where(y_true, y_pred, sample_weight, num_thresholds, class_id, *rates)


def specificity_at_sensitivity(y_true, y_pred, sample_weight=None, sensitivity=0.5, num_thresholds=200, class_id=None):
    """The largest specificity where the sensitivity is at least so large."""
    rates = part_of_negatives, part_of_positives, sensitivity
    return best_where(y_true, y_pred, sample_weight, num_thresholds, class_id, *rates)


def precision_at_recall(y_true, y_pred, sample_weight=None, recall=0.5, num_thresholds=200, class_id=None):
    """The largest precision where the recall is at least so large."""
    rates = part_of_predictions, part_of_positives, recall
    return best_where(y_true, y_pred, sample_weight, num_thresholds, class_id, *rates)


def recall_at_precision(y_true, y_pred, sample_weight=None, precision=0.5, num_thresholds=200, class_id=None):
    """The largest recall where the precision is at least so large."""
    rates = part_of_positives, part_of_predictions, precision
    return best_where(y_true, y_pred, sample_weight, num_thresholds, class_id, *rates)


def auc(
    y_true,
    y_pred,
    sample_weight=None,
    num_thresholds=200,
    curve="ROC",
    summation_method="interpolation",
    thresholds=None,
    multi_label=False,
    label_weights=None,
):
    """Area under the curve through the points of the thresholds, the first below and the last above all predictions.

    Without `thresholds` they are i / (num_thresholds - 1), where p is above number i if i < p (num_thresholds - 1).
    """
    if multi_label:  # the mean of the areas of the columns
        settings = sample_weight, num_thresholds, curve, summation_method, thresholds
        pairs = zip(zip(*y_true, strict=True), zip(*y_pred, strict=True), strict=True)
        return mean([auc([[t] for t in ts], [[p] for p in ps], *settings) for ts, ps in pairs], label_weights)
    scale, inner = 1.0, thresholds
    if thresholds is None:
        scale, inner = num_thresholds - 1.0, range(1, num_thresholds - 1)
    scaled = [[clip(p, 0.0, 1.0) * scale for p in row] for row in y_pred]
    points = [confusion(y_true, scaled, sample_weight, limit) for limit in (-1.0, *sorted(inner), scale)]
    area = 0.0
    for left, right in itertools.pairwise(points):
        if curve == "PR" and summation_method == "interpolation":
            area += piece_of_precision(left, right)
            continue
        (x, y), (next_x, next_y) = (point_of(curve, *point) for point in (left, right))
        heights = {"interpolation": (y + next_y) / 2.0, "minoring": min(y, next_y), "majoring": max(y, next_y)}
        area += (x - next_x) * heights[summation_method]
    return area


def point_of(curve, tp, fp, tn, fn):
    """(false positives' rate, recall) for ROC, (recall, precision) for PR."""
    hits = ratio(tp, tp + fn)
    return (ratio(fp, fp + tn), hits) if curve == "ROC" else (hits, ratio(tp, tp + fp))


def piece_of_precision(left, right):
    """Integral of TP / (TP + FP) over recall between two points, where TP is linear in P = TP + FP: TP = a + s P.

    d TP = s dP, so that it is the integral of (a + s P) / P s dP = s (a log(P / P') + s (P - P')), over the positives.
    """
    (tp, fp, _, fn), (next_tp, next_fp, _, _) = left, right
    predicted, next_predicted = tp + fp, next_tp + next_fp
    slope = ratio(tp - next_tp, predicted - next_predicted)
    start = next_tp - slope * next_predicted
    logarithm = math.log(predicted / next_predicted) if predicted > 0.0 and next_predicted > 0.0 else 0.0
    return ratio(slope * (start * logarithm + slope * (predicted - next_predicted)), tp + fn)
