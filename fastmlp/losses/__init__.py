"""Keras' losses: as objects, and as functions of arrays with one value a row."""

from fastmlp.losses.classes import *  # noqa: F403
from fastmlp.losses.functions import *  # noqa: F403
