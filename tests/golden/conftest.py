"""What whole trainings that are compared with Keras' need."""

import pytest

from fastmlp import config


@pytest.fixture
def float64():
    """Models of float64, as Keras' were."""
    config.set_floatx("float64")
    yield
    config.set_floatx("float32")
