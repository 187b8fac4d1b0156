"""What Keras' `fit` gives for models that are graphs, in float64; `python -m tests.golden.graph_fits`.

Run where Keras and JAX are installed it writes graph_fits.json beside this file, which the tests compare with: for each
case the history of 200 steps in batches, the final weights, what `evaluate` returns and the predictions. Settings are
sums of few powers of 2, as Keras rounds them to float32. `keras` is Keras or fastmlp wherever it is an argument.
"""

import json
import os
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_suffix(".json")
ROWS, COLUMNS, BATCH, EPOCHS = 36, 4, 8, 40  # 5 steps an epoch, the last one of 4 rows
ROUNDS = 100  # of two steps

RANDOM = np.random.default_rng(31)
X, OTHER = RANDOM.normal(size=(2, ROWS, COLUMNS))
CODES = RANDOM.integers(0, 5, (ROWS, 3))
NUMBERS, LABELS = RANDOM.normal(size=(ROWS, 2)), RANDOM.integers(0, 3, ROWS)
BITS = (LABELS == 0).astype(float)[:, None]
WEIGHTS = RANDOM.uniform(0, 2, ROWS)
NOISE = RANDOM.normal(size=(ROUNDS, 2, BATCH, 3))

NORM = {"momentum": 0.75, "epsilon": 2**-10}
BETAS = {"beta_1": 0.875, "beta_2": 1 - 2**-9, "epsilon": 2**-20}
FIT = {"batch_size": BATCH, "epochs": EPOCHS, "shuffle": False, "verbose": 0}


def weighed_heads(keras):
    """Each output has its loss, weights of rows and metrics; the validation data are given by name."""
    layers = keras.layers
    x = keras.Input((COLUMNS,), name="x")
    h = layers.Dense(6, "tanh")(x)
    label = layers.Dense(3, "softmax", name="label")(h)
    number = layers.Dense(2, name="number")(layers.Dense(3, "relu")(h))
    model = keras.Model(x, [label, number])
    metrics = {"label": ["accuracy"], "number": ["mse"]}
    loss = ["sparse_categorical_crossentropy", keras.losses.Huber(0.5)]
    optimizer = keras.optimizers.SGD(2**-4, momentum=0.5)
    first_weights(model)
    model.compile(optimizer, loss, loss_weights=[0.75, 2.0], metrics=metrics, weighted_metrics={"number": ["mae"]})
    validation = ({"x": OTHER}, {"number": NUMBERS, "label": LABELS})
    return [fit(model, X, [LABELS, NUMBERS], sample_weight=[WEIGHTS, WEIGHTS[::-1].copy()], validation_data=validation)]


def fine_tuned(keras):
    """Half of the steps with a frozen trunk, which has penalties, a constraint and statistics; half with all of it."""
    layers, l2 = keras.layers, keras.regularizers.L2(2**-5)
    hidden = layers.Dense(5, "tanh", kernel_regularizer=l2, kernel_constraint=keras.constraints.MaxNorm(1.0))
    trunk = keras.Sequential([keras.Input((COLUMNS,)), hidden, layers.BatchNormalization(**NORM)], name="trunk")
    x = keras.Input((COLUMNS,), name="x")
    model = keras.Model(x, layers.Dense(1, "sigmoid")(trunk(x)))
    first_weights(model)
    found = []
    for trainable in (False, True):
        trunk.trainable = trainable
        adamw = keras.optimizers.AdamW(2**-6, weight_decay=2**-6, **BETAS)
        model.compile(adamw, "binary_crossentropy", metrics=["accuracy"])
        found.append(fit(model, X, BITS, epochs=EPOCHS // 2, class_weight={0: 0.5, 1: 1.5}))
    return found


def wide_and_deep(keras):
    """Numbers beside categories, by name; a dense layer along the vectors of an embedding."""
    layers = keras.layers
    numbers = keras.Input((COLUMNS,), name="numbers")
    codes = keras.Input((3,), name="codes", dtype="int32")
    vectors = layers.Embedding(5, 3, embeddings_regularizer=keras.regularizers.L2(2**-7))(codes)
    vectors = layers.Flatten()(layers.Dense(2, "tanh")(vectors))
    deep = layers.Dense(1)(layers.Dense(6, "relu")(layers.concatenate([vectors, numbers])))
    model = keras.Model([numbers, codes], layers.Activation("sigmoid")(layers.Dense(1)(numbers) + deep))
    first_weights(model)
    model.compile(keras.optimizers.Adam(2**-6, **BETAS), "binary_crossentropy", metrics=["accuracy"])
    return [fit(model, {"codes": CODES, "numbers": X}, BITS, validation_split=0.25, validation_freq=2)]


def merged(keras):
    """All ways of merging; where both ReLUs give 0 the maximum and the minimum have ties."""
    layers = keras.layers
    a, b = keras.Input((COLUMNS,), name="a"), keras.Input((COLUMNS,), name="b")
    p, q, r = layers.Dense(5, "relu")(a), layers.Dense(5, "relu")(b), layers.Dense(1, "tanh")(b)
    both = [layers.maximum([p, q]), layers.minimum([q, p]), layers.average([p, q, p]), layers.multiply([p, q]) - p]
    model = keras.Model([a, b], layers.Dense(2)(layers.add([layers.concatenate(both), r])))
    first_weights(model)
    model.compile(keras.optimizers.RMSprop(2**-7, 0.875, 0.5, 2**-20), "mse", metrics=["mae"])
    return [fit(model, [X, OTHER], NUMBERS)]


def shared(keras):
    """A tower with a normalization and a penalty that is called twice.

    A penalty of activities stands behind it: in a layer called twice Keras counts that of the last call alone.
    """
    layers, l2 = keras.layers, keras.regularizers.L2
    a, b = keras.Input((COLUMNS,), name="a"), keras.Input((COLUMNS,), name="b")
    hidden = layers.Dense(5, kernel_regularizer=l2(2**-6))
    norm, last = layers.BatchNormalization(**NORM), layers.Dense(3, "tanh")

    def tower(x):
        return last(norm(hidden(x)))

    apart = layers.Dense(3, "relu", activity_regularizer=l2(2**-7))(layers.subtract([tower(a), tower(b)]))
    model = keras.Model([a, b], layers.Dense(1, "sigmoid")(apart))
    first_weights(model)
    model.compile(keras.optimizers.Adam(2**-6, **BETAS, global_clipnorm=0.25), "binary_crossentropy")
    return [fit(model, (X, OTHER), BITS)]


def encoded(keras):
    """An encoder in two models: one trains it with a decoder, the other with a head, by turns."""
    layers = keras.layers
    x, code = keras.Input((COLUMNS,), name="x"), keras.Input((2,), name="code")
    encoder = keras.Sequential([keras.Input((COLUMNS,)), layers.Dense(5, "tanh"), layers.Dense(2)], name="encoder")
    decoder = keras.Model(code, layers.Dense(COLUMNS)(layers.Dense(5, "elu")(code)), name="decoder")
    autoencoder = keras.Model(x, decoder(encoder(x)), name="autoencoder")
    head = keras.Sequential([keras.Input((COLUMNS,)), encoder, layers.Dense(3), layers.Softmax()], name="head")
    for model in (autoencoder, head):
        first_weights(model)
    autoencoder.compile(keras.optimizers.SGD(2**-4, momentum=0.75, nesterov=True), "mse")
    head.compile(keras.optimizers.Adagrad(2**-4), "sparse_categorical_crossentropy", metrics=["accuracy"])
    turns = [(autoencoder, X), (head, LABELS)] * 2
    return [fit(model, X, y, epochs=EPOCHS // 4) for model, y in turns]


def adversarial(keras):
    """A discriminator that learns by itself, and stands frozen behind a generator, in turns of one step."""
    layers, losses = keras.layers, []
    first, last = layers.Dense(6, "leaky_relu"), layers.Dense(1, "sigmoid")
    discriminator = keras.Sequential([keras.Input((COLUMNS,)), first, last], name="discriminator")
    discriminator.compile(keras.optimizers.Adam(2**-6, **BETAS), "binary_crossentropy")
    noise, hidden, sample = keras.Input((3,), name="noise"), layers.Dense(6, "tanh"), layers.Dense(COLUMNS)
    generator = keras.Model(noise, sample(hidden(noise)), name="generator")
    first_weights(discriminator)
    first_weights(generator)
    discriminator.trainable = False
    gan = keras.Model(noise, discriminator(generator(noise)), name="gan")
    gan.compile(keras.optimizers.Adam(2**-6, **BETAS), "binary_crossentropy")
    is_real, ones = np.repeat([1.0, 0.0], BATCH)[:, None], np.ones((BATCH, 1))
    for step, (one, two) in enumerate(NOISE):
        drawn = (np.arange(BATCH) + step * BATCH) % ROWS
        discriminator.trainable = True
        rows = np.concatenate([X[drawn], np.asarray(generator(one))])
        losses.append(new_loss(discriminator, rows, is_real))
        discriminator.trainable = False
        losses.append(new_loss(gan, two, ones))
    return [{"history": {"loss": losses}, **ends(gan, NOISE[0, 0], ones)}]


CASES = (weighed_heads, fine_tuned, wide_and_deep, merged, shared, encoded, adversarial)


def first_weights(model):
    """Set the weights that are drawn elsewhere otherwise."""
    random = np.random.default_rng(32)
    model.set_weights([random.uniform(0.25, 0.75, w.shape) - 0.375 * (w.ndim > 1) for w in model.get_weights()])


def fit(model, x, y, **arguments):
    """History of a call of `fit`, and what the model is then."""
    history = model.fit(x, y, **{**FIT, **arguments}).history
    return {"history": {name: list(map(float, values)) for name, values in history.items()}, **ends(model, x, y)}


def new_loss(model, x, y):
    """The loss of a step; Keras' own results are means over the calls since the last reset."""
    if hasattr(model, "reset_metrics"):
        model.reset_metrics()
    return float(model.train_on_batch(x, y))


def ends(model, x, y):
    """Weights, evaluation and predictions of the first rows."""
    predictions = model.predict(x, verbose=0)
    outputs = predictions if isinstance(predictions, list) else [predictions]
    return {
        "weights": [np.asarray(weight).tolist() for weight in model.get_weights()],
        "evaluate": [float(value) for value in np.atleast_1d(model.evaluate(x, y, verbose=0))],
        "predictions": [np.asarray(output)[:4].tolist() for output in outputs],
    }


def main():
    os.environ.update(KERAS_BACKEND="jax", JAX_ENABLE_X64="1")
    import keras
    from keras.src.backend.common import dtypes

    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"  # else its means pass through float32
    keras.config.set_floatx("float64")
    with open(PATH, "w") as file:
        file.write("{\n")
        file.write(",\n".join(f'"{case.__name__}": {json.dumps(case(keras))}' for case in CASES))
        file.write("\n}\n")


if __name__ == "__main__":
    main()
