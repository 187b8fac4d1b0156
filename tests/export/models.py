"""Models with all layers and activations, by name, as functions of a dtype; their weights are drawn at random."""

import copy

import numpy as np

import fastmlp
from fastmlp import activations, layers
from fastmlp.activations import ACTIVATIONS

# with settings, each another kernel than the names have
WITH_SETTINGS = {
    "rectifier": lambda x: activations.relu(x, negative_slope=0.1, max_value=1.5, threshold=0.25),
    "unbounded": lambda x: activations.relu(x, negative_slope=0.3),
    "threshold_0": lambda x: activations.relu(x, threshold=0.5),
    "scaled_elu": lambda x: activations.elu(x, alpha=1.7),
    "celu": lambda x: activations.celu(x, alpha=0.4),
    "gelu_tanh": lambda x: activations.gelu(x, approximate=True),
    "hard_shrink": lambda x: activations.hard_shrink(x, 0.8),
    "soft_shrink": lambda x: activations.soft_shrink(x, 0.8),
    "threshold": lambda x: activations.threshold(x, 0.4, -2.0),
    "squareplus": lambda x: activations.squareplus(x, 2.5),
}
AS_LAYERS = [layers.ReLU(1.5, 0.1, 0.25), layers.LeakyReLU(0.15), layers.ELU(0.4), layers.Softmax()]


def of_activations(dtype):
    """Every activation beside the others, straight from the input: one output each."""
    x = fastmlp.Input((200,))
    named = {**{name: name for name in ACTIVATIONS}, **WITH_SETTINGS}
    made = [*(layers.Activation(one, name=f"as_{name}") for name, one in named.items()), *map(copy.deepcopy, AS_LAYERS)]
    return fastmlp.Model(x, [layer(x) for layer in made], dtype=dtype)


def in_a_row(dtype):
    """Kernels of few outputs and of many, with and without a bias, and what vanishes in predictions."""
    made = [fastmlp.Input((70,)), layers.Rescaling(1 / 3, -0.1), layers.Dense(40, activation="relu")]
    made += [layers.Dropout(0.5), layers.GaussianNoise(1.0), layers.Dense(10, "tanh", use_bias=False)]
    made += [layers.AlphaDropout(0.1), layers.GaussianDropout(0.3), layers.ActivityRegularization(0.1)]
    made += [layers.Dense(17, activation="gelu", use_bias=False), layers.Dense(1, activation="sigmoid")]
    return fastmlp.Sequential(made, dtype=dtype)


def of_normalizations(dtype):
    x = fastmlp.Input((70,))
    given = {"mean": np.arange(70.0), "variance": np.arange(70) % 7 / 3}
    ends = [
        layers.BatchNormalization()(x),
        layers.BatchNormalization(center=False, scale=False, epsilon=1e-5)(x),
        layers.LayerNormalization()(x),
        layers.LayerNormalization(center=False, scale=False)(x),
        layers.Normalization(**given)(x),
        layers.Normalization(**given, invert=True)(x),
        layers.UnitNormalization()(x),
        layers.PReLU()(x),
    ]
    return fastmlp.Model(x, ends, dtype=dtype)


def along_the_last_axis(dtype):
    """Rows of several axes, taken apart and joined."""
    x = fastmlp.Input((5, 3))
    dense = layers.Dense(20, activation="softmax")(x)
    narrow = layers.Dense(2, activation="log_softmax")(dense)
    normal = layers.LayerNormalization()(layers.PReLU(shared_axes=[1])(dense))
    sums = layers.Add()([x, layers.Dense(3, activation="sparsemax")(x), x])
    ends = [narrow, normal, sums, layers.Reshape((3, 5))(x), layers.BatchNormalization()(x), layers.Flatten()(dense)]
    return fastmlp.Model(x, ends, dtype=dtype)


def of_merges(dtype):
    """Several inputs and outputs; inputs that are merged with themselves, and those that are outputs."""
    a, b = fastmlp.Input((4,), name="left"), fastmlp.Input((4,), name="right 2")
    column = fastmlp.Input((1,), name="column")
    hidden, once = layers.Dense(4, activation="tanh")(a), layers.Dense(4)(b)
    ends = [
        layers.Multiply()([once, once, once]),  # which no one reads after it
        layers.Add()([hidden, a, b]),
        layers.Subtract()([hidden, b]),
        layers.Multiply()([hidden, hidden, b, hidden]),
        layers.Average()([hidden, a, b]),
        layers.Maximum()([hidden, b, a]),
        layers.Minimum()([hidden, b]),
        layers.Concatenate()([hidden, a, column, hidden]),
        layers.Add()([a, column]),
        b,
        2.0 * hidden - 1.0,
        layers.Identity(name="as_it_is")(hidden),
    ]
    return fastmlp.Model([a, b, column], ends, dtype=dtype)


def of_embeddings(dtype):
    numbers, x = fastmlp.Input((3,), dtype="int32"), fastmlp.Input((2,))
    found = layers.Flatten()(layers.Embedding(11, 5)(numbers))
    return fastmlp.Model([numbers, x], layers.Dense(2)(layers.Concatenate()([found, x])), dtype=dtype)


def of_models(dtype):
    """Models in a model, and layers that are shared."""
    inner = fastmlp.Sequential([fastmlp.Input((8,)), layers.Dense(8, "elu"), layers.BatchNormalization()])
    shared, slopes = layers.Dense(8, activation="silu"), layers.PReLU()
    x = fastmlp.Input((8,))
    once = inner(slopes(shared(x)))
    twice = inner(slopes(shared(once)))
    return fastmlp.Model(x, {"second": twice, "first": layers.Add()([once, twice])}, dtype=dtype)


MODELS = {
    one.__name__: one
    for one in (of_activations, in_a_row, of_normalizations, along_the_last_axis, of_merges, of_embeddings, of_models)
}


def drawn(name, dtype):
    """The model of that name with random weights, and rows of its inputs: a list."""
    model, rng = MODELS[name](dtype), np.random.default_rng(len(name))
    values = []
    for path, shape in model.weight_names.items():
        values.append(rng.normal(0.0, 0.6, shape))
        if path.endswith(("variance", "deviation", "one")):
            values[-1] = abs(values[-1])
    model.set_weights(values)
    xs = [rng.normal(0.0, 2.0, (50, *shape)) for shape in model.input_row_shapes]
    for x in xs:
        x[0] = 0.0
        x[1] = -0.0
        x.flat[-20:] *= 8.0
    if name == "of_embeddings":
        xs[0] = rng.integers(0, 11, xs[0].shape)
    return model, [x.astype(dtype) for x in xs]


def predicted(model, xs):
    """The outputs of predict as a list."""
    found = model.predict(xs if len(xs) > 1 else xs[0], verbose=0)
    return list(found.values()) if isinstance(found, dict) else found if isinstance(found, list) else [found]
