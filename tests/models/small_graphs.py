"""Small models that are graphs, and rows for them."""

import numpy as np

import fastmlp as keras
from fastmlp.layers import BatchNormalization, Dense, Dropout

X = np.random.default_rng(7).normal(size=(30, 4))
Y = np.random.default_rng(8).normal(size=(30, 3))


def same(first, second):
    return len(first) == len(second) and all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def trained(make, steps=3, optimizer="adam"):
    """A model after some steps."""
    model = make()
    model.compile(optimizer, "mse")
    for _ in range(steps):
        model.train_on_batch(X, Y)
    return model


def row(**settings):
    stack = [Dense(5, "tanh"), BatchNormalization(), Dropout(0.25), Dense(3)]
    return keras.Sequential([keras.Input((4,)), *stack], seed=3, **settings)


def functional(**settings):
    """The same as `row`."""
    inputs = keras.Input((4,))
    x = Dense(5, "tanh")(inputs)
    x = Dropout(0.25)(BatchNormalization()(x))
    return keras.Model(inputs, Dense(3)(x), seed=3, **settings)


def nested(**settings):
    """The same as `row`, in two models of a model."""
    first = keras.Sequential([Dense(5, "tanh"), BatchNormalization()], name="first")
    inputs = keras.Input((5,))
    second = keras.Model(inputs, Dense(3)(Dropout(0.25)(inputs)), name="second")
    outer = keras.Input((4,))
    return keras.Model(outer, second(first(outer)), seed=3, **settings)


class Own(keras.Model):
    """The same as `row`, by a `call` of its own."""

    def __init__(self, **settings):
        super().__init__(seed=3, **settings)
        self.hidden = [Dense(5, "tanh"), BatchNormalization()]
        self.dropout = Dropout(0.25)
        self.head = Dense(3)

    def call(self, inputs, training=False):
        x = inputs
        for layer in self.hidden:
            x = layer(x)
        if training:
            x = self.dropout(x, training=training)
        return self.head(x)


MAKERS = {"row": row, "functional": functional, "nested": nested, "own": Own}


def repeated():
    """A layer that is called twice."""
    inputs, twice = keras.Input((4,)), Dense(4, "tanh", name="twice")
    return keras.Model(inputs, Dense(3)(twice(twice(inputs))), seed=5)
