"""`keras.models`: what makes models."""

from fastmlp.model import Sequential
from fastmlp.serialization import load_model, save_model

__all__ = ["Sequential", "load_model", "save_model"]
