"""scikit-learn's multilayer perceptrons on the engine: MLPClassifier and MLPRegressor.

They take the arguments of `sklearn.neural_network`, with its defaults, draw the same random numbers in the same order,
and follow its loss curves; what they take besides is in docs/sklearn.md. Needs scikit-learn 1.6 or newer.
"""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from typing import Any

OLDEST = (1, 6)


def require_scikit_learn() -> None:
    """Raise ImportError unless scikit-learn is there and new enough."""
    needs = "scikit-learn 1.6 or newer: pip install 'fastmlp[sklearn]'"
    try:
        found = version("scikit-learn")
    except PackageNotFoundError:
        raise ImportError(f"fastmlp.sklearn: got no scikit-learn, needs {needs}") from None
    if tuple(int(part) for part in found.split(".")[:2]) < OLDEST:
        raise ImportError(f"fastmlp.sklearn: got scikit-learn {found}, needs {needs}")


require_scikit_learn()

from fastmlp.sklearn import onnx, saving  # noqa: E402
from fastmlp.sklearn.classifier import MLPClassifier  # noqa: E402
from fastmlp.sklearn.regressor import MLPRegressor  # noqa: E402

__all__ = ["MLPClassifier", "MLPRegressor", "load", "save"]

onnx.register_when_imported(MLPClassifier, MLPRegressor)

CLASSES = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}


def save(estimator: MLPClassifier | MLPRegressor, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator, without its callbacks and requests of metadata, to a file, whole or not at all.

    A subclass is saved as the class of fastmlp that it is made from.

    Raises
    ------
    TypeError
        For what is none of the estimators here, as a Pipeline around one; naming the argument or attribute that cannot
        be saved: a function, a RandomState, an attribute of your own.
    ValueError
        For an argument that was set after fit and does not fit the weights.
    """
    if not isinstance(estimator, tuple(CLASSES.values())):
        raise TypeError(f"estimator: got {type(estimator).__name__}, needs an MLPClassifier or MLPRegressor of fastmlp")
    saving.save(estimator, path)


def load(path: str | os.PathLike[str]) -> Any:
    """Return the estimator that `save` wrote; ValueError when the file is none of `save`, or a damaged one."""
    return saving.load(path, CLASSES)
