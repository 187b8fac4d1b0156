"""Metrics that a network adds up while it trains, one value for each row."""

from reference import ops


def no_metric(y_true, y_pred):
    """Nothing to add up, so that the metric value is 0.0."""
    return []


def binary_accuracy(y_true, y_pred):
    """Fraction of the columns where truth and prediction, [rows, columns], lie on the same side of 0.5."""
    fractions = []
    for row_t, row_p in ops.pairs(y_true, y_pred):
        hits = [1.0 if (p > 0.5) == (t > 0.5) else 0.0 for t, p in ops.pairs(row_t, row_p)]
        fractions.append(ops.vector_sum(hits) / len(hits))
    return fractions


def categorical_accuracy(y_true, y_pred):
    """1.0 where truth and prediction, [rows, columns], have their first maximum in the same column, else 0.0."""
    return sparse_categorical_accuracy([argmax(t) for t in y_true], y_pred)


def sparse_categorical_accuracy(y_true, y_pred):
    """1.0 where the first maximum of y_pred, [rows, columns], is in the column that y_true, [rows], names, else 0.0."""
    return [1.0 if argmax(p) == label else 0.0 for label, p in ops.pairs(y_true, y_pred)]


def argmax(row):
    """Index of the first maximum of a row."""
    best = 0
    for j in range(len(row)):
        if row[j] > row[best]:
            best = j
    return best


OWN_LOSS = "own_loss"  # of the output, without the weights of rows; it takes the network, which computes it
METRICS = {
    None: no_metric,
    OWN_LOSS: no_metric,
    "binary_accuracy": binary_accuracy,
    "categorical_accuracy": categorical_accuracy,
    "sparse_categorical_accuracy": sparse_categorical_accuracy,
}
