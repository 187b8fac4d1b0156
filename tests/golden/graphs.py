"""What Keras' training gives for models that are graphs, in float64; `python -m tests.golden.graphs`.

Run where Keras and JAX are installed it writes graphs.json beside this file, which the tests compare with: for each
case what 200 calls of `train_on_batch` give, the final weights and the predictions. Settings are sums of few powers of
2, as Keras rounds them to float32. `keras` is Keras or fastmlp wherever it is an argument.
"""

import json
import os
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_suffix(".json")
ROWS, STEPS = 24, 200

RANDOM = np.random.default_rng(21)
X, OTHER = RANDOM.normal(size=(ROWS, 5)), RANDOM.normal(size=(ROWS, 3))
CODES = RANDOM.integers(0, 6, (ROWS, 2))
NUMBERS, LABELS = RANDOM.normal(size=(ROWS, 2)), RANDOM.integers(0, 3, ROWS)
BETAS = {"beta_1": 0.875, "beta_2": 1 - 2**-9, "epsilon": 2**-20}


def two_inputs(keras):
    layers = keras.layers
    a, b = keras.Input((5,), name="a"), keras.Input((3,), name="b")
    joined = layers.Concatenate()([layers.Dense(6, "tanh")(a), b])
    model = keras.Model([a, b], layers.Dense(2)(layers.Dense(7, "relu")(joined)))
    model.compile(keras.optimizers.Adam(2**-6, **BETAS), "mse")
    return model, [X, OTHER], NUMBERS


def two_heads(keras):
    layers = keras.layers
    x = keras.Input((5,), name="x")
    h = layers.Dense(8, "tanh", kernel_regularizer=keras.regularizers.L2(2**-8))(x)
    number, label = layers.Dense(2, name="number")(h), layers.Dense(3, "softmax", name="label")(h)
    model = keras.Model(x, [number, label])
    losses = {"number": "mse", "label": "sparse_categorical_crossentropy"}
    weights = {"number": 0.25, "label": 1.5}
    metrics = {"number": ["mae"], "label": ["accuracy"]}
    model.compile(keras.optimizers.SGD(2**-4, momentum=0.5), losses, loss_weights=weights, metrics=metrics)
    return model, X, [NUMBERS, LABELS]


def residual(keras):
    layers = keras.layers
    x = keras.Input((5,), name="x")
    h = layers.Dense(6, "relu")(x)
    for _ in range(2):
        h = layers.Add()([h, layers.Dense(6, "tanh")(layers.LayerNormalization(epsilon=2**-10)(h))])
    model = keras.Model(x, layers.Dense(2)(h))
    model.compile(keras.optimizers.SGD(2**-5), "mse")
    return model, X, NUMBERS


def siamese(keras):
    layers = keras.layers
    a, b, tower = keras.Input((5,), name="a"), keras.Input((5,), name="b"), layers.Dense(6, "tanh", name="tower")
    apart = layers.Subtract()([tower(a), tower(b)])
    model = keras.Model([a, b], layers.Dense(2)(layers.Multiply()([apart, apart])))
    model.compile(keras.optimizers.Adam(2**-6, **BETAS), "mse")
    return model, [X, X[::-1].copy()], NUMBERS


def frozen(keras):
    layers = keras.layers
    x = keras.Input((5,), name="x")
    trunk = layers.Dense(6, "tanh", name="trunk")
    norm = layers.BatchNormalization(momentum=0.75, epsilon=2**-10, name="norm")
    h = norm(trunk(x))
    trunk.trainable = norm.trainable = False
    moving = layers.BatchNormalization(momentum=0.75, epsilon=2**-10)(layers.Dense(4)(h))
    model = keras.Model(x, layers.Dense(2)(moving))
    model.compile(keras.optimizers.SGD(2**-4), "mse")
    return model, X, NUMBERS


def embedded(keras):
    layers = keras.layers
    x, codes = keras.Input((5,), name="x"), keras.Input((2,), name="codes", dtype="int32")
    vectors = layers.Flatten()(layers.Embedding(6, 3)(codes))
    h = layers.Dense(7, "tanh")(layers.concatenate([x, vectors]))
    model = keras.Model([x, codes], layers.Dense(2)(h))
    model.compile(keras.optimizers.Adam(2**-6, **BETAS), "mse")
    return model, [X, CODES], NUMBERS


def nested(keras):
    layers = keras.layers
    encoder = keras.Sequential([keras.Input((5,)), layers.Dense(4, "tanh"), layers.Dense(2)], name="encoder")
    decoder = keras.Sequential([keras.Input((2,)), layers.Dense(4, "relu"), layers.Dense(5)], name="decoder")
    x = keras.Input((5,), name="x")
    model = keras.Model(x, decoder(encoder(x)))
    model.compile(keras.optimizers.SGD(2**-4, momentum=0.75, nesterov=True), "mse")
    return model, X, X


CASES = (two_inputs, two_heads, residual, siamese, frozen, embedded, nested)


def results(keras, case):
    """What 200 steps on all rows give, the final weights and predictions; the first weights are drawn here."""
    model, x, y = case(keras)
    random = np.random.default_rng(5)
    model.set_weights([random.uniform(0.25, 0.75, w.shape) - 0.25 * (w.ndim > 1) for w in model.get_weights()])
    steps = []
    for _ in range(STEPS):
        if keras.__name__ == "keras":  # whose results are means over the calls
            model.reset_metrics()
        steps.append({name: float(value) for name, value in model.train_on_batch(x, y, return_dict=True).items()})
    predictions = model.predict(x, verbose=0)
    outputs = predictions if isinstance(predictions, list) else [predictions]
    return {
        "steps": {name: [step[name] for step in steps] for name in steps[0]},
        "weights": [np.asarray(w).tolist() for w in model.get_weights()],
        "predictions": [np.asarray(output).tolist() for output in outputs],
    }


def main():
    os.environ.update(KERAS_BACKEND="jax", JAX_ENABLE_X64="1")
    import keras
    from keras.src.backend.common import dtypes

    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"  # else its means pass through float32
    keras.config.set_floatx("float64")
    found = {case.__name__: results(keras, case) for case in CASES}
    PATH.write_text(json.dumps({"keras": keras.__version__, "cases": found}) + "\n")


if __name__ == "__main__":
    main()
