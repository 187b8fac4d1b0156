"""scikit-learn's multilayer perceptrons on the engine, ensembles of networks, and estimators of tables.

MLPClassifier and MLPRegressor take the arguments of `sklearn.neural_network`, with its defaults, draw the same random
numbers in the same order, and follow its loss curves; what they take besides is in docs/sklearn.md. Needs scikit-learn
1.6 or newer; the estimators of tables are imported when they are asked for, and need polars.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

from sklearn.utils.validation import check_is_fitted  # noqa: E402

from fastmlp.data.files import Tensors, read, write  # noqa: E402
from fastmlp.settings import file_path  # noqa: E402
from fastmlp.sklearn import ensemble_saving, onnx, saving  # noqa: E402
from fastmlp.sklearn.classifier import MLPClassifier  # noqa: E402
from fastmlp.sklearn.ensemble import Ensemble, MLPEnsembleClassifier, MLPEnsembleRegressor  # noqa: E402
from fastmlp.sklearn.regressor import MLPRegressor  # noqa: E402
from fastmlp.tables import with_polars  # noqa: E402

if TYPE_CHECKING:
    from fastmlp.sklearn.tables import TableClassifier as TableClassifier
    from fastmlp.sklearn.tables import TableEstimator
    from fastmlp.sklearn.tables import TableRegressor as TableRegressor

__all__ = [
    "MLPClassifier",
    "MLPEnsembleClassifier",
    "MLPEnsembleRegressor",
    "MLPRegressor",
    "TableClassifier",
    "TableRegressor",
    "load",
    "save",
]

onnx.register_when_imported(MLPClassifier, MLPRegressor)

PERCEPTRONS = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}
ENSEMBLES = {"MLPEnsembleClassifier": MLPEnsembleClassifier, "MLPEnsembleRegressor": MLPEnsembleRegressor}
TABLES = ("TableClassifier", "TableRegressor")

Perceptron = MLPClassifier | MLPRegressor


if not TYPE_CHECKING:  # type checkers take the imports above, and report other names

    def __getattr__(name):
        if name in TABLES:
            return getattr(with_polars("fastmlp.sklearn.tables", f"sklearn.{name}"), name)
        raise AttributeError(f"module 'fastmlp.sklearn' has no attribute {name!r}")

    def __dir__():
        return sorted([*globals(), *TABLES])


def is_of_tables(estimator: Any) -> bool:
    """Whether it is an estimator of tables, of which there is none before their module is imported."""
    module = sys.modules.get("fastmlp.sklearn.tables")
    return module is not None and isinstance(estimator, module.TableEstimator)


def save(estimator: Perceptron | Ensemble | TableEstimator, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator, without its callbacks and requests of metadata, to a file, whole or not at all.

    A subclass is saved as the class of fastmlp that it is made from. Of an ensemble the members are in the file too.

    Raises
    ------
    TypeError
        For what is none of the estimators here, as a Pipeline around one; naming the argument or attribute that cannot
        be saved: a function, a RandomState, an attribute of your own.
    ValueError
        For an argument that was set after fit and does not fit the weights.
    """
    if isinstance(estimator, Perceptron):
        return saving.save(estimator, path)
    if isinstance(estimator, Ensemble):
        describe = ensemble_saving.describe
    elif is_of_tables(estimator):
        describe = with_polars("fastmlp.sklearn.table_saving", "save").describe
    else:
        needs = "an estimator of fastmlp: MLPClassifier, MLPRegressor, an ensemble of them, or one of tables"
        raise TypeError(f"estimator: got {type(estimator).__name__}, needs {needs}")
    check_is_fitted(estimator)
    write(Path(file_path("path", path)), saving.ESTIMATOR, *describe(estimator))


def load(path: str | os.PathLike[str]) -> Any:
    """Return the estimator that `save` wrote; ValueError when the file is none of `save`, or a damaged one.

    ImportError for one of tables where polars is not there.
    """

    def made(header: Mapping[str, Any], tensors: Tensors) -> Any:
        if header["class"] in ENSEMBLES:
            return ensemble_saving.restore(header, tensors, ENSEMBLES)
        if header["class"] in TABLES:
            classes = {name: getattr(with_polars("fastmlp.sklearn.tables", "load"), name) for name in TABLES}
            return with_polars("fastmlp.sklearn.table_saving", "load").restore(header, tensors, classes)
        return saving.restore(header, tensors, PERCEPTRONS)

    return read(file_path("path", path), saving.ESTIMATOR, made)
