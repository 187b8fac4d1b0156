"""scikit-learn's multilayer perceptrons on the engine: MLPClassifier and MLPRegressor.

They take the arguments of `sklearn.neural_network`, with its defaults, draw the same random numbers in the same order,
and follow its loss curves; what they take besides is in docs/sklearn.md. Needs scikit-learn 1.6 or newer.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

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

from fastmlp.sklearn.classifier import MLPClassifier  # noqa: E402
from fastmlp.sklearn.regressor import MLPRegressor  # noqa: E402
from fastmlp.sklearn.saving import load, save  # noqa: E402

__all__ = ["MLPClassifier", "MLPRegressor", "load", "save"]
