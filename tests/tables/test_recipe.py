"""What the recipe leaves to the number of rows."""

import numpy as np
import pytest

from fastmlp.tables import recipe
from fastmlp.tables.recipe import Examples, Settings


@pytest.mark.parametrize(
    ("rows", "hidden", "batch_size"),
    [
        (4_999, (384,), 64),
        (5_000, (384,), 256),
        (29_999, (384,), 256),
        (30_000, (192, 128), 256),
        (100_000, (192, 128), 1024),
    ],
)
def test_layers_and_batches_by_the_number_of_rows(rows, hidden, batch_size):
    settings = Settings().for_rows(rows)
    assert (settings.hidden, settings.batch_size) == (hidden, batch_size)
    assert settings.for_rows(10) == settings


def test_what_is_told_stays():
    settings = Settings(hidden=(8,), batch_size=32)
    assert settings.for_rows(1_000_000) == settings


@pytest.mark.parametrize(("rows", "count"), [(2, 1), (1_000, 150), (120_000, 18_000), (400_000, 20_000)])
def test_how_many_rows_are_held_out(rows, count):
    examples = Examples([np.empty((rows, 0), np.float32)], [], np.zeros(rows, np.float32), 0)
    assert recipe.held_out(examples, 0.15, np.random.default_rng(0)).sum() == count
