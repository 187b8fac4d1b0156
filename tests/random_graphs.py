"""Seeded random networks that are graphs, small enough for the oracle to train in some ten milliseconds."""

import random

from tests.graphs import Graph, embedding, frozen, join, merge, of, shared, split
from tests.networks import (
    ACTIVITY_PENALTY,
    AROUND_A_RULE,
    NORMALIZATION,
    OPTIMIZERS,
    PRELU,
    RESCALING,
    UNIT_NORMALIZATION,
    activation,
    alpha_dropout,
    batch_normalization,
    dense,
    dropout,
    gaussian_dropout,
    layer_normalization,
    noise,
)

MOST_COLUMNS = 40
# "exponential" is left out: behind others of its kind, and at these learning rates, it overflows
ACTIVATIONS = ("linear", "relu", "sigmoid", "tanh", "softmax", "elu", "selu", "gelu", "silu", "mish", "softplus")
ACTIVATIONS += ("softsign", "hard_sigmoid", "relu6", "leaky_relu", "hard_silu", "log_softmax", "rectifier", "sparsemax")
MERGES = ("add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate")
HEADS = (  # activation of an output, loss, metric
    ("softmax", "sparse_categorical_crossentropy", "sparse_categorical_accuracy"),
    ("softmax", "categorical_crossentropy", "categorical_accuracy"),
    ("softmax", {"name": "categorical_crossentropy", "label_smoothing": 0.1}, "categorical_accuracy"),
    ("softmax", {"name": "categorical_focal_crossentropy", "alpha": 0.4, "gamma": 1.5}, "categorical_accuracy"),
    ("softmax", "kl_divergence", "categorical_accuracy"),
    ("sigmoid", "binary_crossentropy", "binary_accuracy"),
    ("sigmoid", {"name": "binary_crossentropy", "label_smoothing": 0.2}, "binary_accuracy"),
    ("sigmoid", {"name": "binary_focal_crossentropy", "alpha": 0.4, "beta": 0.6, "gamma": 1.5}, "binary_accuracy"),
    ("linear", "sparse_categorical_crossentropy_from_logits", "sparse_categorical_accuracy"),
    ("linear", "categorical_crossentropy_from_logits", "categorical_accuracy"),
    ("linear", "binary_crossentropy_from_logits", None),
    ("softplus", "poisson", None),
    ("softplus", "mean_squared_logarithmic_error", None),
    ("tanh", "hinge", "binary_accuracy"),
    ("tanh", "squared_hinge", "binary_accuracy"),
    ("tanh", "categorical_hinge", "categorical_accuracy"),
    ("tanh", "mean_absolute_percentage_error", None),
)
LOSSES = ("mean_squared_error", "mean_absolute_error", "log_cosh", "cosine_similarity", {"name": "huber", "delta": 0.6})
LOSSES += ({"name": "quantile", "quantiles": [0.3]}, {"name": "mean_squared_error", "reduction": "sum"})


class Value:
    """An input's or a layer's output: its number and columns, the groups it is split into, and whether it is read."""

    def __init__(self, number, width, groups=1):
        self.number, self.width, self.groups = number, width, groups
        self.is_read = False


class Owner:
    """A layer with weights that others may share, and the columns of its input."""

    def __init__(self, number, layer, width):
        self.number, self.layer, self.width = number, layer, width


class Growth:
    """A graph that grows layer by layer. Some inputs are numbers, which only an embedding reads.

    Values have one of the given widths; without them mostly some few columns.
    """

    def __init__(self, seed, widths=None):
        self.random = random.Random(seed)
        self.widths = widths
        self.inputs = [self.some_width() for _ in range(self.random.randint(1, 3))]
        self.values = [Value(number, width) for number, width in enumerate(self.inputs)]
        self.layers, self.owners = [], []
        for number, width in enumerate(self.inputs):
            if self.random.random() < 0.25:
                self.values[number].is_read = True
                self.embed(number, width)

    def some_width(self):
        if self.widths is not None:
            return self.random.choice(self.widths)
        return 33 if self.random.random() < 0.04 else self.random.randint(1, 9)

    def readable(self):
        """The values that layers other than an embedding may read."""
        numbers = {layer["inputs"][0] for layer in self.layers if layer["kind"] == "embedding"}
        return [value for value in self.values if value.number not in numbers]

    def unread(self):
        return [value for value in self.readable() if not value.is_read]

    def some_value(self):
        """One to read next, rather one that nothing reads so far."""
        unread = self.unread()
        return self.random.choice(unread if unread and self.random.random() < 0.7 else self.readable())

    def put(self, layer, width, *values, groups=None):
        """Append a layer that reads those values, and return its value."""
        layer = of(layer, *[value.number for value in values])
        for value in values:
            value.is_read = True
        if self.random.random() < 0.1:
            layer = frozen(layer)
        number = len(self.values)
        self.layers.append(layer)
        self.values.append(Value(number, width, values[0].groups if groups is None else groups))
        if layer["kind"] in (
            "dense",
            "embedding",
            "batch_normalization",
            "layer_normalization",
            "normalization",
            "prelu",
        ):
            self.owners.append(Owner(number, layer, values[0].width))
        return self.values[-1]

    def embed(self, number, width):
        """One embedding of an input, or two; the second may share the table, and so may that of another input."""
        for _ in range(self.random.randint(1, 2)):
            known = [owner for owner in self.owners if owner.layer["kind"] == "embedding"]
            value = Value(number, width)
            if known and self.random.random() < 0.5 and known[-1].width == width:
                self.share(known[-1], value)
            else:
                layer = embedding(self.random.randint(1, 6), self.random.randint(1, 4), **self.penalty("embeddings"))
                self.put(layer, width * layer["output_dim"], value)

    def penalty(self, name):
        """Settings of the weights of that name, mostly none."""
        if self.random.random() < 0.8:
            return {}
        penalties = {"l1": 0.01, "l2": 0.02, "max_norm": 0.8, "min_norm": 0.5, "non_negative": True}
        return {name: {key: v for key, v in penalties.items() if self.random.random() < 0.6}}

    def grow(self):
        """Append one layer, or a split with a layer behind it."""
        kinds = (self.grow_dense, self.grow_rowwise, self.grow_normalization, self.grow_merge, self.grow_shared)
        self.random.choices((*kinds, self.grow_groups), (4, 2, 2, 5, 2, 2))[0]()

    def grow_dense(self):
        value, width = self.some_value(), self.some_width()
        name, use_bias = self.random.choice(ACTIVATIONS), self.random.random() < 0.8
        settings = self.penalty("kernel") | (self.penalty("bias") if use_bias else {})
        self.put(dense(width, name, use_bias, **settings), width, value)

    def grow_rowwise(self):
        value, seed = self.some_value(), self.random.randint(0, 2**40)
        layers = [activation(self.random.choice(ACTIVATIONS)), dropout(self.random.choice((0.0, 0.2, 0.5)), seed)]
        layers += [gaussian_dropout(0.3, seed), alpha_dropout(0.2, seed)]
        layers += [noise(0.2, seed), RESCALING] + ([ACTIVITY_PENALTY] if value.groups == 1 else [])
        self.put(self.random.choice(layers), value.width, value)

    def grow_normalization(self):
        value, flags = self.some_value(), [self.random.random() < 0.7 for _ in range(2)]
        layers = [batch_normalization(*flags), layer_normalization(*flags), NORMALIZATION, UNIT_NORMALIZATION, PRELU]
        layers[-1] = layers[-1] | self.penalty("alpha")
        self.put(self.random.choices(layers, (4, 3, 1, 1, 3))[0], value.width, value)

    def grow_merge(self):
        first, kind = self.some_value(), self.random.choice(MERGES)
        alike = [value for value in self.readable() if value.groups == first.groups]
        if kind != "concatenate":
            alike = [value for value in alike if value.width == first.width]
        count = 2 if kind == "subtract" else self.random.randint(2, 4)
        values = [first, *self.random.choices(alike, k=count - 1)]
        if kind == "concatenate":
            while len(values) > 1 and sum(value.width for value in values) > MOST_COLUMNS:
                values.pop()
        self.put(merge(kind), sum(value.width for value in values) if kind == "concatenate" else first.width, *values)

    def grow_shared(self):
        """A layer with the weights of another one, and where none fits, a dense one."""
        value = self.some_value()
        fitting = [owner for owner in self.owners if owner.width == value.width and owner.layer["kind"] != "embedding"]
        if fitting:
            self.share(self.random.choice(fitting), value)
        else:
            self.grow_dense()

    def share(self, owner, value):
        layer = {key: what for key, what in owner.layer.items() if key not in ("inputs", "trainable")}
        width = layer.get("units", value.width * layer.get("output_dim", 1))
        self.put(shared(layer, owner.number), width, value)
        self.layers[-1].pop("trainable", None)
        self.owners = [kept for kept in self.owners if kept.number != len(self.values) - 1]

    def grow_groups(self):
        """A split with a dense layer somewhere; of a value that is split already, its join."""
        value = self.some_value()
        if value.groups > 1:
            self.join(value)
            return
        groups = [count for count in (2, 3, 4) if value.width % count == 0]
        if groups:
            count = self.random.choice(groups)
            self.put(split(count), value.width // count, value, groups=count)
        self.grow_dense()

    def join(self, value):
        return self.put(join(value.groups), value.width * value.groups, value, groups=1)

    def gather(self, count):
        """Join and concatenate what nothing reads, down to so many values."""
        for value in self.unread():
            if value.groups > 1:
                self.join(value)
        while len(self.unread()) > count:
            first, second, *_ = self.unread()
            self.put(merge("concatenate"), first.width + second.width, first, second)

    def heads(self, count):
        """(value, loss, metric) of each output: of all that nothing reads, and sometimes of what others read.

        The first has a loss.
        """
        found = []
        for value in self.unread():
            if found and self.random.random() < 0.2:
                found.append((value, None, None))
            elif self.random.random() < 0.7:
                name, loss, metric = self.random.choice(HEADS)
                width = self.some_width()
                found.append((self.put(dense(width, name), width, value), loss, metric))
            else:
                found.append((value, self.random.choice(LOSSES), None))
        inner = [value for value in self.readable() if value.groups == 1]
        while len(found) < count:
            loss = self.random.choice((*LOSSES, None))
            found.append((self.random.choice(inner), loss, None))
        self.random.shuffle(found)
        return found


def random_graph(seed, widths=None):
    """A valid graph of one to three inputs and outputs and a few layers of all kinds, and an optimizer for it."""
    growth = Growth(seed, widths)
    for _ in range(growth.random.randint(1, 8)):
        growth.grow()
    growth.gather(growth.random.randint(1, 3))
    heads = growth.heads(growth.random.randint(1, 3))
    outputs = [value.number for value, _, _ in heads]
    losses, metrics = [loss for _, loss, _ in heads], [metric for _, _, metric in heads]
    weights = [growth.random.choice((None, 0.5, 1.0, 2.5)) for _ in heads]
    optimizer = growth.random.choice([*OPTIMIZERS, *AROUND_A_RULE])
    layers = growth.layers
    return Graph(growth.inputs, layers, outputs, losses, growth.random.choice((None, weights)), metrics), optimizer
