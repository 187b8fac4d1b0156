"""Boosted trees of other libraries with their defaults, on a table: those that are installed, for `bench.tables`."""

import importlib.util
import time

import numpy as np


def installed():
    """The names of the libraries here."""
    return [name for name in LIBRARIES if importlib.util.find_spec(name)]


def run(name, x, y, x_test, is_classes):
    """Preparation, training and predicting; the probabilities or numbers of the test rows, and seconds."""
    start = time.perf_counter()
    found = LIBRARIES[name](x, y, x_test, is_classes)
    return found, time.perf_counter() - start


def lightgbm(x, y, x_test, is_classes):
    import lightgbm

    x, x_test = numbers_and_categories(x, x_test)
    model = (lightgbm.LGBMClassifier if is_classes else lightgbm.LGBMRegressor)(verbose=-1).fit(x, y)
    return model.predict_proba(x_test) if is_classes else model.predict(x_test)


def catboost(x, y, x_test, is_classes):
    import catboost

    x, x_test = numbers_and_categories(x, x_test)
    words = [name for name in x if x[name].dtype == "category"]
    for frame in (x, x_test):
        frame[words] = frame[words].astype(object).where(frame[words].notna(), "missing").astype(str)
    kind = catboost.CatBoostClassifier if is_classes else catboost.CatBoostRegressor
    model = kind(verbose=False, allow_writing_files=False, cat_features=words).fit(x, y)
    return model.predict_proba(x_test) if is_classes else model.predict(x_test)


def numbers_and_categories(x, x_test):
    """Frames of pandas: dates as days, words as categories of the training rows, everything else as it is."""
    import pandas
    from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

    x, x_test = x.to_pandas(), x_test.to_pandas()
    for name in x:
        if is_datetime64_any_dtype(x[name]):
            for frame in (x, x_test):
                frame[name] = frame[name].to_numpy("datetime64[D]").astype(np.int64)
        elif not is_numeric_dtype(x[name]):
            words = pandas.CategoricalDtype(sorted(x[name].dropna().astype(str).unique()))
            for frame in (x, x_test):
                frame[name] = frame[name].astype(str).where(frame[name].notna()).astype(words)
    return x, x_test


LIBRARIES = {"lightgbm": lightgbm, "catboost": catboost}
