"""Arrays whose numbers do not lie at multiples of their size, as those that come from another process may."""

import numpy as np
import pytest

import fastmlp

RANDOM = np.random.default_rng(0)
X, WEIGHT = RANDOM.normal(size=(40, 5)), RANDOM.uniform(size=40)
LABELS = RANDOM.integers(0, 3, 40)


def unaligned(array):
    moved = np.frombuffer(bytearray(array.nbytes + 1), array.dtype, array.size, 1).reshape(array.shape)
    moved[...] = array
    assert not moved.flags.aligned
    return moved


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("loss", "y"),
    [("mse", np.eye(3)[LABELS]), ("sparse_categorical_crossentropy", LABELS.astype(np.intc))],
    ids=["numbers", "labels"],
)
def test_they_train_to_the_same_bits(loss, y, dtype):
    models = []
    given = X.astype(dtype), y.astype(dtype) if y.ndim == 2 else y, WEIGHT.astype(dtype)
    for x, targets, weight in (given, map(unaligned, given)):
        layers = [fastmlp.Input((5,)), fastmlp.layers.Dense(3, "softmax")]
        models.append(fastmlp.Sequential(layers, seed=1, dtype=dtype))
        models[-1].compile("adam", loss)
        models[-1].fit(x, targets, sample_weight=weight, epochs=2, verbose=0)
        models[-1].train_on_batch(x, targets, sample_weight=weight)
    one, other = models
    assert one.evaluate(*given[:2], verbose=0) == other.evaluate(*map(unaligned, given[:2]), verbose=0)
    for a, b in zip(
        [*one.get_weights(), one.predict(X)], [*other.get_weights(), other.predict(unaligned(X))], strict=True
    ):
        assert a.tobytes() == b.tobytes()
