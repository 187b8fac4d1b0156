"""Sums over long rows in float32 are as good as those over short ones, and the same bits for all."""

import numpy as np
import pytest

from fastmlp import kernels
from tests.networks import UNIT_NORMALIZATION, batch_normalization, layer_normalization

COLUMNS = 300_001
PIECE = 1024 * 2.0**-24  # the most that rounding does to a sum of one sign over a piece, which is in float32
LOGITS = np.random.default_rng(0).normal(size=(2, COLUMNS)).astype(np.float32)
SHARES = np.exp(LOGITS, dtype=np.float64)
SHARES /= SHARES.sum(axis=1, keepdims=True)
LABELS = np.array([5, COLUMNS - 1], np.intc)
POSITIVE = np.abs(LOGITS) + np.float32(0.1)
ONE_SIDED = np.full((2, COLUMNS), 0.1, np.float32)  # whose sum in index order is off by a percent


def test_a_softmax_of_many_classes_sums_to_1(isa, threads):
    for x in (LOGITS, ONE_SIDED):
        shares = kernels.softmax(x, threads=threads)
        assert abs(shares.astype(np.float64).sum(axis=1) - 1.0).max() < 2e-6
    assert abs(kernels.softmax(LOGITS, threads=threads) / SHARES - 1.0).max() < 3e-6


LOSSES = {
    **{name: (POSITIVE, ONE_SIDED) for name in kernels.__all__ if name in ("poisson", "hinge", "log_cosh", "huber")},
    **dict.fromkeys(("mean_squared_error", "mean_absolute_error", "squared_hinge"), (POSITIVE, ONE_SIDED)),
    **dict.fromkeys(("mean_absolute_percentage_error", "kl_divergence"), (POSITIVE, ONE_SIDED)),
    **dict.fromkeys(("mean_squared_logarithmic_error", "cosine_similarity"), (POSITIVE, ONE_SIDED)),
    **dict.fromkeys(("categorical_crossentropy", "binary_crossentropy"), (ONE_SIDED, ONE_SIDED)),
    **dict.fromkeys(("categorical_crossentropy_from_logits", "binary_crossentropy_from_logits"), (ONE_SIDED, LOGITS)),
    **dict.fromkeys(("kl_divergence_from_logits", "poisson_from_logits"), (ONE_SIDED, LOGITS)),
    **dict.fromkeys(("sparse_categorical_crossentropy",), (LABELS, ONE_SIDED)),
    **dict.fromkeys(("sparse_categorical_crossentropy_from_logits",), (LABELS, LOGITS)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_many_columns_are_as_good_as_their_terms(name):
    arguments = [array if array.dtype == np.intc else array.astype(np.float64) for array in LOSSES[name]]
    more = (1.0,) if name == "huber" else ()
    exact = getattr(kernels, name)(*arguments, *more)
    assert np.allclose(getattr(kernels, name)(*LOSSES[name], *more), exact, rtol=3e-6, atol=1e-12)


@pytest.mark.parametrize("name", ["softmax_gradient", "log_softmax_gradient", "sparsemax_gradient"])
def test_gradients_of_long_rows_are_as_good(name):
    y = kernels.sparsemax(LOGITS) if name.startswith("sparse") else ONE_SIDED / COLUMNS
    exact = getattr(kernels, name)(y.astype(np.float64), ONE_SIDED.astype(np.float64))
    got = getattr(kernels, name)(y, ONE_SIDED)
    assert np.allclose(got, exact, rtol=PIECE, atol=1e-6 * float(abs(exact).max()) + 1e-9)


def normalized(layer, x):
    """The output of a normalization in training, and the gradients of a sum over it, in the type of x."""
    network = kernels.Network(x.shape[1], [layer], dtype=str(x.dtype))
    network.set_weights([np.ones_like(array) for array in network.get_weights()])
    along = np.random.default_rng(6).uniform(0.5, 1.5, x.shape).astype(np.float32).astype(x.dtype)
    by_input = np.empty_like(x)
    gradients = network.vjp(x, along, by_input, training=True)
    return network.predict(x, training=True), by_input, *gradients


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(layer_normalization(), (2, COLUMNS)), (UNIT_NORMALIZATION, (2, COLUMNS)), (batch_normalization(), (COLUMNS, 2))],
    ids=["layer", "unit", "batch"],
)
def test_normalizations_of_long_rows_and_columns_are_as_good_as_of_short_ones(layer, shape, isa):
    x = np.random.default_rng(5).uniform(1.0, 1.5, shape).astype(np.float32)
    got, exact = normalized(layer, x), normalized(layer, x.astype(np.float64))
    for number, (a, b) in enumerate(zip(got, exact, strict=True)):
        terms = 0 if number < 2 else len(x)  # of a sum over the rows, which may be of both signs
        assert abs(a - b).max() < PIECE / 16 * max(terms, abs(b).max())
