"""Several outputs of several classes each, as one row of zeros and ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets


class ManyClasses:
    """Labels [rows, outputs] to columns, one for each class of each output, and back.

    Each class has a logistic output of its own; the largest one of an output's classes is predicted.

    Attributes
    ----------
    classes_ : list of arrays
        The classes of each output.
    """

    y_type_ = "multiclass-multioutput"

    def fit(self, y: NDArray[Any]) -> ManyClasses:
        """Find the classes of each column."""
        check_classification_targets(y)
        return self.fit_classes(list(y.T))

    def fit_classes(self, classes: list[Any]) -> ManyClasses:
        """Take the classes of each output from a list of labels."""
        self.classes_ = [np.unique(column) for column in classes]
        return self

    def transform(self, y: NDArray[Any]) -> NDArray[Any]:
        """Columns of 0 and 1; ValueError for a label that is none of the classes."""
        if np.ndim(y) != 2 or y.shape[1] != len(self.classes_):
            raise ValueError(f"y: got shape {np.shape(y)}, needs {len(self.classes_)} columns, one for each output")
        for number, (column, classes) in enumerate(zip(y.T, self.classes_, strict=True)):
            unknown = np.setdiff1d(column, classes)
            if len(unknown):
                raise ValueError(f"y: got {unknown[0]} in column {number}, needs one of its classes {classes}")
        return np.hstack([column[:, None] == classes for column, classes in zip(y.T, self.classes_, strict=True)])

    def inverse_transform(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return the class of the largest output, [rows, outputs]."""
        parts = zip(self.parts(outputs), self.classes_, strict=True)
        return np.stack([classes[part.argmax(axis=1)] for part, classes in parts], axis=1)

    def probabilities(self, outputs: NDArray[Any]) -> list[NDArray[Any]]:
        """For each output the probabilities of its classes, which add up to 1."""
        found = []
        for part in self.parts(outputs):
            total = part.sum(axis=1, keepdims=True)
            found.append(np.where(total > 0, part / np.where(total > 0, total, 1), 1 / part.shape[1]))
        return found

    def parts(self, outputs: NDArray[Any]) -> list[NDArray[Any]]:
        return np.split(outputs, np.cumsum([len(classes) for classes in self.classes_])[:-1], axis=1)
