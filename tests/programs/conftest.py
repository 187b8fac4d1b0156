"""What each program begins with."""

import pytest

from tests.programs import ON_KERAS, keras


@pytest.fixture(autouse=True)
def begin():
    """The same numbers in each run, and names that Keras counts from the beginning."""
    keras.utils.set_random_seed(1)
    if ON_KERAS:
        keras.utils.clear_session()
