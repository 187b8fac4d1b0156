"""Programs as their authors would write them with Keras 3, each with a test of what comes out.

With FASTMLP_PROGRAMS_ON=keras in the environment they run on Keras itself, which is what they assert.
"""

import os

import numpy as np

ON_KERAS = os.environ.get("FASTMLP_PROGRAMS_ON") == "keras"
if ON_KERAS:
    import keras
    from keras import layers

    MODEL_FILE, WEIGHTS_FILE = "model.keras", "model.weights.h5"
else:
    import fastmlp as keras
    from fastmlp import layers

    MODEL_FILE, WEIGHTS_FILE = "model.safetensors", "weights.safetensors"

__all__ = ["MODEL_FILE", "ON_KERAS", "WEIGHTS_FILE", "array", "keras", "layers", "moved"]


def array(values):
    """Values of a layer, a model or a variable as an array."""
    return np.asarray(values.numpy() if hasattr(values, "numpy") else values)


def moved(model, step):
    """Whether each of a model's arrays of weights is another one after a step."""
    before = [np.array(weight) for weight in model.get_weights()]
    step()
    return [bool((old != new).any()) for old, new in zip(before, model.get_weights(), strict=True)]
