"""The solver "lbfgs": SciPy's L-BFGS-B on the engine's loss and gradients of all rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray
from sklearn.utils.optimize import _check_optimize_result

from fastmlp.sklearn import losses, networks
from fastmlp.sklearn.sparse import for_network

TOGETHER = 1 << 16  # numbers that stay in a cache


class Objective:
    """Loss and gradient of the weights as one vector: all kernels, then all biases, in float64.

    The loss is the one that the gradient belongs to: for several outputs the squared error is a sum over them.
    """

    def __init__(self, estimator: Any, x: Any, y: NDArray[Any], sample_weight: NDArray[Any] | None) -> None:
        self.x, self.y, self.loss = for_network(x, np.float64), y, estimator._engine_loss
        self.shapes = [array.shape for array in [*estimator.coefs_, *estimator.intercepts_]]
        self.borders = np.cumsum([0, *[int(np.prod(shape)) for shape in self.shapes]])
        self.kernels = self.borders[len(estimator.coefs_)]
        self.network = networks.build(estimator, np.float64, losses.ENGINE[self.loss])
        self.network.threads = networks.threads_of_steps(estimator, len(y))
        columns = y.shape[1] if y.ndim == 2 else 1
        total = float(len(y)) if sample_weight is None else float(sample_weight.sum())
        self.penalty = estimator.alpha / total
        weight = np.ones(len(y)) if sample_weight is None else sample_weight.astype(np.float64)
        self.weight = weight * (losses.factor(self.loss, columns) * len(y) / total)
        left_out = losses.left_out(self.loss, y)
        self.constant = 0.0 if left_out is None else float(np.average(left_out, weights=sample_weight))

    def __call__(self, packed: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        coefs, intercepts = self.unpack(packed)
        self.network.set_weights(networks.interleaved(coefs, intercepts))
        gradient = np.empty_like(packed)
        out = networks.interleaved(*self.unpack(gradient))
        loss, _ = self.network.gradients(self.x, self.y, self.weight, out=out)
        kernel_part = packed[: self.kernels]
        for start in range(0, self.kernels, TOGETHER):  # so that no memory of the size of all is needed
            part = slice(start, min(start + TOGETHER, self.kernels))
            gradient[part] += self.penalty * packed[part]
        return self.constant + loss + 0.5 * self.penalty * float(kernel_part @ kernel_part), gradient

    def unpack(self, packed: NDArray[np.float64]) -> tuple[networks.Weights, networks.Weights]:
        """Kernels and biases of the vector."""
        parts = [packed[a:b] for a, b in zip(self.borders, self.borders[1:], strict=False)]
        arrays = [part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True)]
        count = len(arrays) // 2
        return arrays[:count], arrays[count:]


def fit(estimator: Any, x: Any, y: NDArray[Any], sample_weight: NDArray[Any] | None) -> None:
    """Minimise from the estimator's weights on."""
    objective = Objective(estimator, x, y.astype(np.float64) if y.ndim == 2 else y, sample_weight)
    packed = np.concatenate([array.ravel() for array in [*estimator.coefs_, *estimator.intercepts_]])
    iteration = 0

    def report(intermediate_result: Any) -> None:
        nonlocal iteration
        iteration += 1
        print(f"Iteration {iteration}, loss = {intermediate_result.fun:.8f}")

    verbose = estimator.verbose and estimator.verbose != "progress"
    result = scipy.optimize.minimize(
        objective,
        packed.astype(np.float64, copy=False),
        method="L-BFGS-B",
        jac=True,
        callback=report if verbose else None,
        options={"maxfun": estimator.max_fun, "maxiter": estimator.max_iter, "gtol": estimator.tol},
    )
    estimator.n_iter_ = _check_optimize_result("lbfgs", result, estimator.max_iter)
    estimator.loss_ = float(result.fun)
    estimator.coefs_, estimator.intercepts_ = objective.unpack(result.x)
