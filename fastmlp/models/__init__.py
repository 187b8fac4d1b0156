"""`keras.models`: what makes models."""

from fastmlp.models.saving import load_model, save_model
from fastmlp.models.sequential import Sequential

__all__ = ["Sequential", "load_model", "save_model"]
