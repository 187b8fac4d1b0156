"""What Keras' `fit` gives for features in combination, in float64; `python -m tests.golden.combinations`.

Run where Keras and TensorFlow are installed it writes combinations.json beside this file, which the tests compare with:
for each case the history, the final weights and what `evaluate` returns. Settings are sums of few powers of 2, since
with TensorFlow Keras rounds them to float32. `keras` is Keras or fastmlp wherever it is an argument.
"""

import json
import os
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_suffix(".json")
ROWS, COLUMNS = 70, 5  # in batches of 16 the last one has 6

RANDOM = np.random.default_rng(12)
X, LABELS = RANDOM.normal(size=(ROWS, COLUMNS)), RANDOM.integers(0, 3, ROWS)
ONE_HOT, BITS = np.eye(3)[LABELS], (LABELS == 0).astype(float)[:, None]
NUMBERS, WEIGHTS = RANDOM.normal(size=(ROWS, 2)), RANDOM.uniform(0, 2, ROWS)
NORM = {"momentum": 0.75, "epsilon": 2**-10}
BETAS = {"beta_1": 0.875, "beta_2": 1 - 2**-9, "epsilon": 2**-20}


def everything(keras):
    layers, l2 = keras.layers, keras.regularizers.L2
    penalties = {"kernel_regularizer": keras.regularizers.L1L2(2**-8, 2**-7), "activity_regularizer": l2(2**-6)}
    hidden = layers.Dense(7, "relu", kernel_constraint=keras.constraints.MaxNorm(1.0), **penalties)
    last = layers.Dense(3, "softmax", bias_regularizer=l2(2**-6))
    adamw = keras.optimizers.AdamW(2**-6, weight_decay=2**-8, **BETAS, global_clipnorm=0.25)
    model = [hidden, layers.BatchNormalization(**NORM), layers.Dropout(0.0), last]
    return model, {"optimizer": adamw, "loss": "categorical_crossentropy", "metrics": ["accuracy"]}


def averaged(keras):
    layers, average = keras.layers, {"use_ema": True, "ema_momentum": 0.75, "ema_overwrite_frequency": 5}
    sgd = keras.optimizers.SGD(2**-4, momentum=0.5, clipvalue=2**-6, weight_decay=2**-6, **average)
    model = [layers.Dense(6), layers.BatchNormalization(**NORM), layers.ReLU(), layers.Dense(2)]
    return model, {"optimizer": sgd, "loss": "mse", "metrics": ["mae", "mse"]}


def smoothed(keras):
    layers, beta = keras.layers, keras.regularizers.L2(2**-6)
    norm = layers.LayerNormalization(scale=False, epsilon=2**-10, beta_regularizer=beta)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.25)
    sgd = keras.optimizers.SGD(2**-4, momentum=0.75, nesterov=True)
    model = [layers.Dense(6), layers.ELU(), norm, layers.Dense(3)]
    return model, {"optimizer": sgd, "loss": loss, "metrics": ["mse", "accuracy"]}


def weighed(keras):
    layers = keras.layers
    rmsprop = keras.optimizers.RMSprop(2**-7, 0.875, 0.5, 2**-20, True, global_clipnorm=0.5)
    model = [layers.LayerNormalization(epsilon=2**-10), layers.Dense(6, "tanh"), layers.Dense(3, "softmax")]
    weighted = [keras.metrics.SparseCategoricalCrossentropy(name="entropy")]
    loss = "sparse_categorical_crossentropy"
    return model, {"optimizer": rmsprop, "loss": loss, "metrics": ["accuracy"], "weighted_metrics": weighted}


def one_unit(keras):
    layers, shortest = keras.layers, keras.constraints.MaxNorm
    norm = layers.BatchNormalization(center=False, gamma_constraint=shortest(0.5), **NORM)
    model = [layers.Dense(1), norm, layers.Dense(1, "tanh", bias_constraint=shortest(2**-4))]
    return model, {"optimizer": keras.optimizers.SGD(2**-4), "loss": "squared_hinge", "metrics": ["mae"]}


CASES = {  # function: targets and arguments of fit
    everything: (ONE_HOT, {}),
    averaged: (NUMBERS, {"validation_split": 0.25, "validation_freq": 2}),
    smoothed: (ONE_HOT, {"sample_weight": WEIGHTS, "validation_data": (X[:33], ONE_HOT[:33], WEIGHTS[33:66])}),
    weighed: (LABELS, {"class_weight": {0: 0.5, 2: 1.5}, "validation_split": 0.25}),
    one_unit: (BITS, {"batch_size": 1}),
}


def results(keras, case):
    """History, final weights and evaluation of a case, from first weights that are drawn here."""
    y, arguments = CASES[case]
    layers, settings = case(keras)
    model = keras.Sequential([keras.Input((COLUMNS,)), *layers])
    model.compile(**settings)
    random = np.random.default_rng(13)
    model.set_weights([weight + random.uniform(-0.25, 0.5, weight.shape) for weight in first(model)])
    history = model.fit(X, y, **{"batch_size": 16, "epochs": 3, "shuffle": False, "verbose": 0, **arguments})
    return {
        "history": history.history,
        "weights": [np.asarray(weight).tolist() for weight in model.get_weights()],
        "evaluate": [float(value) for value in np.atleast_1d(model.evaluate(X, y, verbose=0))],
    }


def first(model):
    """Kernels of 0, which are drawn elsewhere otherwise, and the other weights as they are made."""
    return [np.zeros_like(weight) if weight.ndim == 2 else weight for weight in map(np.asarray, model.get_weights())]


def main():
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import keras

    keras.config.set_floatx("float64")
    with open(PATH, "w") as file:
        file.write("{\n")
        file.write(",\n".join(f'"{case.__name__}": {json.dumps(results(keras, case))}' for case in CASES))
        file.write("\n}\n")


if __name__ == "__main__":
    main()
