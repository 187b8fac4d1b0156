"""MLPClassifier: classes and labels around the perceptron."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

from fastmlp.data.tables import refuse_columns
from fastmlp.sklearn import plain
from fastmlp.sklearn.alone import alone
from fastmlp.sklearn.callbacks import with_callbacks
from fastmlp.sklearn.many_outputs import ManyClasses
from fastmlp.sklearn.parameters import CONSTRAINTS, keep, validated
from fastmlp.sklearn.perceptron import Perceptron
from fastmlp.sklearn.sparse import as_dense


class MLPClassifier(ClassifierMixin, Perceptron):
    """Multilayer perceptron for classes, in place of `sklearn.neural_network.MLPClassifier`.

    The arguments up to `max_fun`, the attributes and the methods are scikit-learn's, with its defaults and meanings.

    Parameters
    ----------
    activation : str or list of str
        Also one for each hidden layer, and any of the engine's: "elu", "gelu", "leaky_relu", "mish", "silu", ...
    learning_rate : {"constant", "invscaling", "adaptive"} or callable
        A function gives the rate of update number `step`, counted from 0, with any stochastic solver.
    verbose : bool, int or "progress"
        "progress" draws a bar.
    dropout : float or list of float
        Fraction of each hidden layer's units left out in training, in [0, 1); default 0.
    batch_norm : bool
        Whether each hidden layer's products are normalized by batches before their activation, as Ioffe and Szegedy
        (2015) describe it; not with solver="lbfgs".
    class_weight : dict, "balanced" or None
        What the rows of a class weigh, in `fit` besides their sample_weight.
    scoring : str, callable or None
        What is computed on rows held out: a name or function of a scorer, "loss", or None for the accuracy.
    restore_best : bool or "auto"
        Whether fit ends with the weights of the best epoch; "auto" does when `early_stopping` is on.
    keep_optimizer : bool
        Whether a warm start goes on with the optimizer's state, as partial_fit does.
    callbacks : Callback or list of Callback, optional
        fastmlp's; they are told "loss", and of rows held out "val_loss" and "val_score".
    dtype : {"float32", "float64"}, optional
        What to compute in; None stands for the type of X.
    n_threads : int, optional
        None stands for what the work is worth, and 1 in workers of joblib.

    Attributes
    ----------
    validation_loss_curve_ : list of float or None
        The loss of the rows held out, after each epoch, without the penalty.
    coefs_, intercepts_ : list of arrays
        Kernels and biases, as in scikit-learn: all that predictions take. With `batch_norm` its inference is folded in.
    batch_norm_ : list of dict
        What training goes on from: each hidden layer's "kernel" and "bias" before its normalization, and the "gamma",
        "beta", "mean" and "variance", [units], of this; empty without `batch_norm`.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }
    loss = "log_loss"

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        batch_norm: bool = False,
        class_weight: Any = None,
        scoring: Any = None,
        restore_best: Any = "auto",
        keep_optimizer: bool = False,
        callbacks: Any = None,
        dtype: str | None = None,
        n_threads: int | None = None,
    ) -> None:
        keep(self, locals())

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    @alone
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> MLPClassifier:
        """Train on X [rows, features], an array, a data frame or a sparse matrix, and y.

        Parameters
        ----------
        y : [rows] of labels, [rows, labels] of 0 and 1 for several labels a row, or [rows, outputs] of labels
            Those of 0 and 1 may be a sparse matrix of any format.
        sample_weight : [rows], optional
        X_val, y_val, sample_weight_val : optional
            Rows to validate on after each epoch, and to stop early by, in place of a part of X.

        Returns
        -------
        self
        """
        given = (X_val, y_val, sample_weight_val)
        validation = None if all(each is None for each in given) else given
        return self._run_fit(X, y, sample_weight, validation)  # type: ignore[no-any-return]

    @available_if(lambda estimator: estimator._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    @alone
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> MLPClassifier:
        """Train one epoch more; the first call needs all `classes`, for several outputs a list of their classes."""
        if isinstance(self.class_weight, str):
            raise ValueError("class_weight: got 'balanced' for partial_fit, needs a dict: other rows are not known yet")
        if isinstance(classes, list) and classes and np.ndim(classes[0]) == 1:
            if not hasattr(self, "classes_"):
                self._label_binarizer = ManyClasses().fit_classes(classes)
                self.classes_ = self._label_binarizer.classes_
        elif _check_partial_fit_first_call(self, classes) or not hasattr(self, "_label_binarizer"):
            several = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if several else self.classes_)
        return self._partial_fit(X, y, sample_weight)  # type: ignore[no-any-return]

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of each row, [rows], its labels as 0 and 1, [rows, labels], or a class for each output.

        Labels are a CSR matrix after a fit to a sparse one, as in scikit-learn.
        """
        self._check_is_fitted()
        return self._decode(self._outputs(X))

    def predict_proba(self, X: Any) -> Any:
        """Probabilities [rows, classes], the classes in the order of classes_; for several outputs a list of such."""
        self._check_is_fitted()
        outputs = self._outputs(X)
        binarizer = getattr(self, "_label_binarizer", None)  # none where the weights were set by hand
        if isinstance(binarizer, ManyClasses):
            return binarizer.probabilities(outputs)
        return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of predict_proba."""
        found = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return [np.log(part) for part in found] if isinstance(found, list) else np.log(found, out=found)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy: the fraction of the rows of which all labels are right."""
        if not isinstance(getattr(self, "_label_binarizer", None), ManyClasses):
            return float(super().score(X, y, sample_weight))
        return float(np.average((self.predict(X) == np.asarray(y)).all(axis=1), weights=sample_weight))

    # For the base class

    def _validate(self, X: Any, y: Any, purpose: str, reset: bool) -> tuple[Any, NDArray[Any]]:
        if purpose != "fit" and not reset and plain.are_rows(self, X) and plain.are_among(y, len(X), self.classes_):
            return X, y
        refuse_columns("X", X)
        X, y = validated(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, dtype=(np.float64, np.float32), reset=reset
        )
        given, y = y, as_dense(y)  # the binarizer keeps whether it was sparse
        if y.ndim == 2 and y.shape[1] == 1:
            given = y = column_or_1d(y, warn=True)
        known = hasattr(self, "_label_binarizer") and hasattr(self, "classes_")
        if purpose == "fit" and not (self.warm_start and known):
            several = type_of_target(y) == "multiclass-multioutput"
            self._label_binarizer = (ManyClasses() if several else LabelBinarizer()).fit(given)
            self.classes_ = self._label_binarizer.classes_
        elif not isinstance(self._label_binarizer, ManyClasses) and (
            purpose == "fit" or not plain.are_among(y, len(y), self.classes_)
        ):
            self._check_classes(unique_labels(y), purpose)
        return X, y

    def _check_classes(self, classes: NDArray[Any], purpose: str) -> None:
        """Refuse classes that are not those of the fit before."""
        if purpose == "fit" and set(classes) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. Previously"
                f" got {self.classes_}, `y` has {classes}"
            )
        if len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _encode(self, y: Any, dtype: Any) -> NDArray[Any]:
        if y.ndim == 2 and self._label_binarizer.y_type_ in ("binary", "multiclass"):
            raise ValueError(f"y: got shape {y.shape}, needs [rows], as in the fit before")
        if self._output() == "softmax":
            self.n_outputs_ = len(self.classes_)
            return np.asarray(np.searchsorted(self.classes_, y), np.intc)
        if self._label_binarizer.y_type_ == "binary":
            self.n_outputs_ = 1
            second = y == self.classes_[1] if len(self.classes_) > 1 else np.zeros(len(y))
            return np.ascontiguousarray(second.reshape(-1, 1), dtype)
        columns = self._label_binarizer.transform(y)
        columns = as_dense(columns)
        self.n_outputs_ = columns.shape[1]
        return np.ascontiguousarray(columns, dtype)

    def _decode(self, outputs: NDArray[Any]) -> NDArray[Any]:
        if self.out_activation_ == "softmax":
            return np.asarray(self._labels()[outputs.argmax(axis=1)])
        binarizer = getattr(self, "_label_binarizer", None)
        if getattr(binarizer, "y_type_", "binary") == "binary" and outputs.shape[1] == 1:  # of one class or two
            classes = self._labels()
            return np.asarray(classes[(outputs.ravel() > 0.5) * (len(classes) - 1)])
        if binarizer is None:
            return (outputs > 0.5).astype(int)
        return binarizer.inverse_transform(outputs)  # type: ignore[no-any-return]

    def _labels(self) -> NDArray[Any]:
        """Return the classes; where the weights were set by hand, these may be so too."""
        if hasattr(self, "classes_"):
            return np.asarray(self.classes_)
        if hasattr(self, "_label_binarizer"):
            return np.asarray(self._label_binarizer.classes_)
        raise AttributeError("classes_: got weights without classes, needs them to predict labels")

    def _score_outputs(self, y: NDArray[Any], outputs: NDArray[Any], sample_weight: Any) -> float:
        if y.ndim == 1:
            right = outputs.argmax(axis=1) == y
        elif isinstance(self._label_binarizer, ManyClasses):
            right = (self._decode(outputs) == self._decode(y)).all(axis=1)
        else:
            right = ((outputs > 0.5) == (y > 0.5)).all(axis=1)
        return float(np.average(right, weights=sample_weight))

    def _strata(self, y: NDArray[Any]) -> NDArray[Any] | None:
        return y[:, 0].astype(bool) if self.n_outputs_ == 1 else None

    def _output(self) -> str:
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    @property
    def _engine_loss(self) -> str:
        return "log_loss" if self.out_activation_ == "softmax" else "binary_log_loss"

    def _training_weight(self, sample_weight: NDArray[Any] | None, y: Any) -> NDArray[Any] | None:
        if self.class_weight is None:
            return sample_weight
        if isinstance(self._label_binarizer, ManyClasses) or self._label_binarizer.y_type_.startswith("multilabel"):
            weights = compute_sample_weight(self.class_weight, y)
        else:
            places = np.searchsorted(self.classes_, y)
            weights = self._weights_of_classes(places, sample_weight)[places]
        return np.asarray(weights if sample_weight is None else weights * sample_weight)

    def _weights_of_classes(self, places: NDArray[Any], sample_weight: NDArray[Any] | None) -> NDArray[Any]:
        """Return what each class weighs; "balanced" gives all classes the same part of the weight."""
        if not isinstance(self.class_weight, str):
            return np.asarray(compute_class_weight(self.class_weight, classes=self.classes_, y=self.classes_))
        found = np.bincount(places, sample_weight, len(self.classes_)).astype(np.float64)
        return np.asarray(np.divide(found.sum() / len(found), found, out=np.zeros_like(found), where=found > 0))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
