"""Files that Keras writes, and what it predicts by them.

`python -m tests.golden.keras_files`, run where Keras and JAX are installed, writes the folder `keras_files` and
keras_files.json beside this file. Each case makes a model; `keras` is Keras or fastmlp.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_suffix(".json")
FOLDER = PATH.with_suffix("")
RANDOM = np.random.default_rng(77)
ROWS = 12
PICTURES = RANDOM.integers(0, 256, (ROWS, 2, 3)).astype("float32")
NUMBERS, CODES = RANDOM.normal(size=(ROWS, 4)).astype("float32"), RANDOM.integers(0, 7, (ROWS, 3)).astype("float32")
PRICE, KIND = RANDOM.normal(size=(ROWS, 1)).astype("float32"), RANDOM.integers(0, 3, ROWS)
NAMED = {"numbers": NUMBERS, "codes": CODES}
FIT = {"batch_size": 6, "epochs": 2, "shuffle": False, "verbose": 0}


def row(keras):
    """Layers in a row, with settings of every kind."""
    layers, initializers = keras.layers, keras.initializers
    normalization = layers.Normalization()
    normalization.adapt(PICTURES.reshape(ROWS, -1) / 255)
    model = keras.Sequential(
        [
            keras.Input((2, 3)),
            layers.Rescaling(1 / 255, 0.0),
            layers.Flatten(),
            normalization,
            layers.Dense(
                5,
                "tanh",
                kernel_initializer=initializers.VarianceScaling(0.5, "fan_out", "uniform", seed=3),
                bias_initializer=initializers.Constant(0.25),
                kernel_regularizer=keras.regularizers.L1L2(0.001, 0.002),
                bias_regularizer="l2",
                kernel_constraint=keras.constraints.MaxNorm(3.0),
                activity_regularizer=keras.regularizers.L2(0.001),
            ),
            layers.BatchNormalization(momentum=0.9, epsilon=0.002),
            layers.Dropout(0.0),
            layers.GaussianNoise(0.0),
            layers.Dense(6, use_bias=False, kernel_initializer="orthogonal", trainable=False, name="frozen"),
            layers.LayerNormalization(scale=False),
            layers.Activation("gelu"),
            layers.Reshape((2, 3)),
            layers.Dense(4, "elu"),
            layers.Flatten(),
            layers.UnitNormalization(),
            layers.Dense(3),
            layers.Softmax(),
        ],
        name="row",
    )
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.05, 10, 0.9), amsgrad=True)
    metrics = ["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2, name="top")]
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(), metrics=metrics)
    return model, PICTURES, KIND


def graph(keras):
    """Two inputs and two outputs by name; models in a model, called twice; a layer in two models; operators."""
    layers = keras.layers
    numbers, codes = keras.Input((4,), name="numbers"), keras.Input((3,), name="codes")
    shared = layers.Dense(5, "tanh", name="shared")
    begin = keras.Input((5,))
    encoder = keras.Model(begin, layers.BatchNormalization()(shared(layers.Dense(5, "relu")(begin))), name="encoder")
    tower = keras.Sequential([keras.Input((5,)), layers.Dense(5, "sigmoid"), layers.BatchNormalization()], name="tower")
    h = layers.Concatenate()([layers.Dense(4)(numbers), layers.Flatten()(layers.Embedding(7, 2)(codes))])
    h = layers.Dense(5)(h)
    one = encoder(h)
    two = encoder(tower(one))
    h = layers.Average()([one, two, shared(two)])
    h = layers.Dropout(0.0)(h, training=False)
    h = h + layers.Maximum()([one, two]) - two * one
    h = layers.Add()([layers.Dense(5)(h), h])
    outputs = {"price": layers.Dense(1, name="a")(h), "kind": layers.Dense(3, "softmax", name="b")(encoder(h))}
    model = keras.Model({"numbers": numbers, "codes": codes}, outputs, name="graph")
    losses = {"price": keras.losses.Huber(), "kind": "sparse_categorical_crossentropy"}
    weights = {"price": 0.5, "kind": 2.0}
    metrics = {"price": ["mae"], "kind": ["accuracy"]}
    model.compile(keras.optimizers.RMSprop(0.01), losses, metrics=metrics, loss_weights=weights)
    return model, NAMED, {"price": PRICE, "kind": KIND}


def several(keras):
    """Two inputs in a list, and a model in the model with two outputs."""
    layers = keras.layers
    first, second = keras.Input((4,)), keras.Input((3,))
    pair = keras.Model([first, second], [layers.Dense(2)(first), layers.Multiply()([second, second])], name="pair")
    a, b = keras.Input((4,)), keras.Input((3,))
    c, d = pair([a, b])
    e, f = pair([a, d])
    ends = [layers.Concatenate()([c, e, f]), layers.Subtract()([d, f]), layers.Minimum()([b, f])]
    model = keras.Model([a, b], ends)
    model.compile("sgd", ["mse", None, "mae"])
    return model, [NUMBERS, CODES], [PRICE * np.ones((1, 7), "float32"), CODES, CODES]


def subclass(keras):
    """A subclass with layers in attributes of several kinds."""
    layers = keras.layers

    class Mine(keras.Model):
        def __init__(self):
            super().__init__()
            self.second = layers.Dense(3, "tanh")
            self.first = layers.Dense(4, "tanh")
            self.others = [layers.Dense(3), layers.BatchNormalization(), layers.Dense(2)]
            self.last = {"out": layers.Dense(1)}

        def call(self, x):
            x = self.second(self.first(x))
            for layer in self.others:
                x = layer(x)
            return self.last["out"](x)

    model = Mine()
    model.compile("adam", "mse")
    return model, NUMBERS, PRICE


OPTIMIZERS = {
    "sgd": lambda kinds: kinds.SGD(0.05),
    "nesterov": lambda kinds: kinds.SGD(0.05, momentum=0.9, nesterov=True, clipnorm=1.0),
    "rmsprop": lambda kinds: kinds.RMSprop(0.01, centered=True),
    "rmsprop_momentum": lambda kinds: kinds.RMSprop(0.01, momentum=0.5, centered=True),
    "adagrad": lambda kinds: kinds.Adagrad(0.05),
    "adadelta": lambda kinds: kinds.Adadelta(1.0),
    "adam": lambda kinds: kinds.Adam(0.01),
    "averages": lambda kinds: kinds.Adam(0.01, use_ema=True, ema_momentum=0.5),
    "amsgrad": lambda kinds: kinds.AdamW(0.01, amsgrad=True, weight_decay=0.02),
    "adamax": lambda kinds: kinds.Adamax(0.01),
    "nadam": lambda kinds: kinds.Nadam(0.01),
    "lion": lambda kinds: kinds.Lion(0.01),
    "ftrl": lambda kinds: kinds.Ftrl(0.05, l1_regularization_strength=0.001),
    "schedule_free": lambda kinds: kinds.ScheduleFreeAdamW(0.01),
    "accumulation": lambda kinds: kinds.SGD(0.05, momentum=0.5, gradient_accumulation_steps=3),
}


def small(keras, optimizer):
    """A small network that goes on with the state of its optimizer."""
    layers = keras.layers
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, "tanh"), layers.Dense(1)], name=optimizer)
    model.compile(OPTIMIZERS[optimizer](keras.optimizers), "mse")
    return model, NUMBERS, PRICE


CASES = {case.__name__: case for case in (row, graph, several)}
FILES = {  # what is kept of each case, by its type
    "row": {"float32": [".keras"], "float64": [".keras"]},
    "graph": {"float32": [".keras", ".h5", ".weights.h5"]},
    "several": {"float32": [".keras", ".h5"]},
}
STATES = ("nesterov", "rmsprop_momentum", "adadelta", "adam", "amsgrad", "nadam", "ftrl")


def plain(outputs):
    """Outputs as lists, in the containers that they are in."""
    if isinstance(outputs, dict):
        return {name: plain(one) for name, one in outputs.items()}
    return [plain(one) for one in outputs] if isinstance(outputs, list) else np.asarray(outputs).tolist()


def written(keras, name, made, endings):
    """Write a trained model to files; return its predictions, and those after it has trained on."""
    model, x, y = made
    model.fit(x, y, **FIT)
    for ending in endings:
        (model.save_weights if ending.startswith(".weights") else model.save)(FOLDER / f"{name}{ending}")
    before = plain(model.predict(x, verbose=0))
    model.fit(x, y, **FIT)
    return {"before": before, "after": plain(model.predict(x, verbose=0))}


def results(dtype):
    """Write the files of a type; return what Keras gives by them."""
    os.environ.update(KERAS_BACKEND="jax", JAX_ENABLE_X64=str(int(dtype == "float64")))
    import keras
    from keras.src.backend.common import dtypes

    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = dtype  # else its means pass through float32
    keras.config.set_floatx(dtype)
    keras.utils.set_random_seed(1)
    found = {}
    for name, files in FILES.items():
        if dtype in files:
            found[f"{name}_{dtype}"] = written(keras, f"{name}_{dtype}", CASES[name](keras), files[dtype])
    if dtype == "float32":
        found["subclass"] = written(keras, "subclass", subclass(keras), [".weights.h5"])
        for name in STATES:
            found[name] = written(keras, name, small(keras, name), [".keras"])
    return {"keras": keras.__version__, "cases": found}


def main():
    FOLDER.mkdir(exist_ok=True)
    if len(sys.argv) > 1:
        print(json.dumps(results(sys.argv[1])))
        return
    found = [  # each in a process of its own, as JAX chooses once
        json.loads(subprocess.run([sys.executable, "-m", __spec__.name, dtype], capture_output=True, check=True).stdout)
        for dtype in ("float32", "float64")
    ]
    cases = {name: case for one in found for name, case in one["cases"].items()}
    PATH.write_text(json.dumps({"keras": found[0]["keras"], "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
