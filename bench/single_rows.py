"""Calls of the perceptrons with a row or 32, side by side with scikit-learn's: `python -m bench.single_rows`.

Both learn and predict the same rows in one process and take turns; a ratio is of their medians. There is none where
their weights differ by more than rounding after the first calls.
"""

import time
import warnings
from statistics import median

import numpy as np
from sklearn import neural_network

import fastmlp.sklearn
from bench.table import aligned, processor, ratio_text, time_text

CALLS, ROUNDS, FIRST = 100, 9, 10
WIDTHS = ((100,), (64, 64), (256, 256))
CASES = (("partial_fit", 1), ("partial_fit", 32), ("predict", 1), ("predict", 32))


def both(kind, widths, x, y):
    """fastmlp's estimator and scikit-learn's after an epoch of the same rows."""
    given = {"classes": np.unique(y)} if kind == "MLPClassifier" else {}
    for module in (fastmlp.sklearn, neural_network):
        yield getattr(module, kind)(hidden_layer_sizes=widths, random_state=0).partial_fit(x, y, **given)


def seconds(model, what, x, y, calls=CALLS):
    """Of one call, as a mean of several in a row."""
    call = getattr(model, what)
    start = time.perf_counter()
    for _ in range(calls):
        if what == "predict":
            call(x)
        else:
            call(x, y)
    return (time.perf_counter() - start) / calls


def compare(kind, widths, what, count):
    """Medians of fastmlp and scikit-learn, and whether they have learned the same."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 10))
    y = x[:, 0] if kind == "MLPRegressor" else (x[:, 0] > 0).astype(int)
    models = list(both(kind, widths, x, y))
    rows = x[:count], y[:count]
    for model in models:
        seconds(model, what, *rows, calls=FIRST)
    alike = all(np.allclose(*pair, atol=1e-9) for pair in zip(*(model.coefs_ for model in models), strict=True))
    turns = [[seconds(model, what, *rows) for model in models] for _ in range(ROUNDS)]
    return *map(median, zip(*turns, strict=True)), alike


def main():
    warnings.simplefilter("ignore")
    lines = [("one call", "fastmlp", "scikit-learn", "ratio")]
    for kind in ("MLPRegressor", "MLPClassifier"):
        for widths in WIDTHS:
            for what, count in CASES:
                ours, theirs, alike = compare(kind, widths, what, count)
                ratio = ratio_text(theirs / ours) if alike else "-"
                lines.append((f"{kind} {widths} {what} of {count}", time_text(ours), time_text(theirs), ratio))
    print(processor())
    print("\n".join(aligned(lines)))


if __name__ == "__main__":
    main()
