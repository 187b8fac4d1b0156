"""Values and slopes of Keras' activations with their settings, in float64; `python -m tests.golden.activations`.

Run where Keras and JAX are installed it writes activations.json beside this file, which the tests compare with. An
activation of rows is summed with weights that differ, so that its slope shows. sparsemax is not here: what Keras 3.15
gives for it does not add up to 1.
"""

import importlib
import json
import os
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_suffix(".json")
X = np.array([[-3.75, -1.25, -0.3, 0.2, 0.45, 0.8, 1.7, 6.5], [0.1, 0.3, -0.2, 0.05, 0.15, -0.1, 0.25, 0.4]])
WEIGHTS = np.array([[1.0, -2.0, 0.5, 3.0, -1.0, 0.25, 2.0, 1.5], [0.5, 1.0, -1.0, 2.0, 0.25, 4.0, -3.0, 1.0]])
BY_DEFAULT = "celu elu gelu hard_shrink hard_tanh leaky_relu log_sigmoid relu6 soft_shrink sparse_plus sparse_sigmoid "
BY_DEFAULT += "squareplus tanh_shrink hard_silu mish selu softsign log_softmax exponential"
CASES = {  # what it shows: function and settings
    **{name: (name, {}) for name in BY_DEFAULT.split()},
    "relu_below": ("relu", {"negative_slope": 0.15}),
    "relu_between": ("relu", {"max_value": 1.5, "threshold": 0.25}),
    "relu_everywhere": ("relu", {"negative_slope": 0.25, "max_value": 2.0, "threshold": 0.5}),
    "leaky_relu_of_a_slope": ("leaky_relu", {"negative_slope": 0.01}),
    "elu_of_a_size": ("elu", {"alpha": 0.3}),
    "celu_of_a_size": ("celu", {"alpha": 0.7}),
    "gelu_approximate": ("gelu", {"approximate": True}),
    "hard_shrink_of_a_threshold": ("hard_shrink", {"threshold": 0.25}),
    "soft_shrink_of_a_threshold": ("soft_shrink", {"threshold": 0.25}),
    "squareplus_of_a_bend": ("squareplus", {"b": 0.5}),
    "threshold": ("threshold", {"threshold": 0.25, "default_value": -0.75}),
}
LAYERS = {  # what it shows: layer and arguments
    "relu_between": ("ReLU", {"max_value": 1.5, "threshold": 0.25}),
    "relu_everywhere": ("ReLU", {"negative_slope": 0.25, "max_value": 2.0, "threshold": 0.5}),
    "leaky_relu_of_a_slope": ("LeakyReLU", {"negative_slope": 0.01}),
    "elu_of_a_size": ("ELU", {"alpha": 0.3}),
}


def main():
    os.environ.update(KERAS_BACKEND="jax", JAX_ENABLE_X64="1")
    jax, keras = importlib.import_module("jax"), importlib.import_module("keras")
    keras.config.set_floatx("float64")
    found = {}
    for case, (name, settings) in CASES.items():
        function = getattr(keras.activations, name)

        def weighted(x, function=function, settings=settings):
            return (function(x, **settings) * WEIGHTS).sum()

        x = jax.numpy.asarray(X)
        values, slopes = np.asarray(function(x, **settings)), np.asarray(jax.grad(weighted)(x))
        assert values.dtype == slopes.dtype == np.float64
        found[case] = {"values": values.tolist(), "slopes": slopes.tolist()}
    lines = (f'"{case}": {json.dumps(numbers)}' for case, numbers in found.items())
    PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
