"""What Keras gives for several inputs and outputs in `fit`, `evaluate` and so on, in float64.

`python -m tests.golden.several`, run where Keras and JAX are installed, writes several.json beside this file, which the
tests compare with. Each case is a program that returns a dict of results; `keras` is Keras or fastmlp. Settings are
sums of few powers of 2, as Keras rounds them to float32.
"""

import json
import os
from pathlib import Path

import numpy as np

PATH = Path(__file__).with_suffix(".json")
ROWS, BATCH = 44, 8  # the last batch has 4 rows, the last of the 33 rows to train on has 1

RANDOM = np.random.default_rng(31)
A, B = RANDOM.normal(size=(ROWS, 4)), RANDOM.normal(size=(ROWS, 2, 2))
PRICE, KIND = RANDOM.normal(size=(ROWS, 2)), RANDOM.integers(0, 3, ROWS)
CHANCE = (KIND == 0).astype(float)[:, None]
WEIGHTS, OTHERS = RANDOM.uniform(0, 2, ROWS), RANDOM.uniform(0, 2, ROWS)
LOSSES = ["mse", "sparse_categorical_crossentropy", "binary_crossentropy"]
X, Y = [A, B], [PRICE, KIND, CHANCE]
NAMED_X, NAMED_Y = {"b": B, "a": A, "unused": B}, {"kind": KIND, "price": PRICE, "chance": CHANCE}
SETTINGS = {"batch_size": BATCH, "epochs": 2, "shuffle": False, "verbose": 0}


def between(keras, outputs=list):
    """Two inputs, and three outputs in a container."""
    layers = keras.layers
    a, b = keras.Input((4,), name="a"), keras.Input((2, 2), name="b")
    joined = layers.Concatenate()([layers.Dense(5, "tanh")(a), layers.Flatten()(b)])
    h = layers.Dense(6, "tanh", kernel_regularizer=keras.regularizers.L2(2**-6))(joined)
    price, kind = layers.Dense(2, name="price")(h), layers.Dense(3, "softmax", name="kind")(h)
    chance = layers.Dense(1, "sigmoid", name="chance")(h)
    if outputs is dict:
        return keras.Model([a, b], {"price": price, "kind": kind, "chance": chance})
    return keras.Model([a, b], outputs([price, kind, chance]))


def compiled(keras, model, loss=LOSSES, **settings):
    """The model with first weights that are drawn here."""
    model.compile(keras.optimizers.SGD(2**-4, momentum=0.5), loss, **settings)
    random = np.random.default_rng(5)
    model.set_weights([random.uniform(-0.5, 0.5, np.shape(weight)) for weight in model.get_weights()])
    return model


def after(model, x=X, y=Y, **arguments):
    """What it is after training: its history, weights, evaluations and predictions."""
    history = model.fit(x, y, **{**SETTINGS, **arguments}).history
    return {"history": history, "weights": model.get_weights(), **of(model)}


def of(model, x=X, y=Y, **arguments):
    """What it gives."""
    return {
        "evaluate": model.evaluate(x, y, verbose=0, **arguments),
        "by_name": model.evaluate(x, y, verbose=0, return_dict=True, **arguments),
        "predict": model.predict(x, verbose=0),
    }


def lists(keras):
    metrics = [["mse", "mae"], ["accuracy"], ["accuracy", "AUC"]]
    model = compiled(keras, between(keras), metrics=metrics, loss_weights=[0.25, 1.5, 1.0])
    return after(model, validation_split=0.25)


def tuples(keras):
    model = compiled(keras, between(keras, tuple), tuple(LOSSES), metrics=("mae", None, "acc"), weighted_metrics=[])
    return after(model, tuple(X), tuple(Y), validation_data=(tuple(X), tuple(Y)))


def dicts(keras):
    losses = dict(zip(["price", "kind", "chance"], LOSSES, strict=True))
    metrics = {"price": "mae", "chance": ["accuracy", "mse", "mae"]}
    weights = {"kind": 0.5, "price": 2.0, "chance": 1.0}
    model = compiled(keras, between(keras), losses, metrics=metrics, loss_weights=weights)
    return after(model, NAMED_X, NAMED_Y, validation_data=(NAMED_X, NAMED_Y))


def dict_of_outputs(keras):
    losses = dict(zip(["price", "kind", "chance"], LOSSES, strict=True))
    metrics = {"kind": ["accuracy"], "chance": ["mae"]}
    weights = {"chance": WEIGHTS, "price": OTHERS, "kind": WEIGHTS}
    model = compiled(keras, between(keras, dict), losses, metrics=metrics, weighted_metrics=metrics)
    history = model.fit(NAMED_X, NAMED_Y, sample_weight=weights, **SETTINGS).history
    return {"history": history, "weights": model.get_weights(), **of(model, y=NAMED_Y)}


def one_weight_for_all(keras):
    metrics = [["mae"], ["accuracy"], ["accuracy"]]
    model = compiled(keras, between(keras), metrics=metrics, weighted_metrics=metrics)
    found = after(model, sample_weight=WEIGHTS, validation_data=(X, Y, OTHERS))
    return {**found, "weighed": model.evaluate(X, Y, verbose=0, sample_weight=OTHERS)}


def weights_of_each(keras):
    weighted = {"price": ["mae", "mse"], "kind": ["accuracy"]}
    model = compiled(keras, between(keras), metrics={"price": ["mae"]}, weighted_metrics=weighted)
    weights = [WEIGHTS, OTHERS, WEIGHTS[::-1].copy()]
    found = after(model, sample_weight=weights, validation_split=0.25)
    return {**found, "weighed": model.evaluate(X, Y, verbose=0, return_dict=True, sample_weight=weights)}


def weights_of_some(keras):
    model = compiled(keras, between(keras), weighted_metrics=[["mae"], ["accuracy"], []])
    return after(model, sample_weight=[WEIGHTS, None, OTHERS], validation_data=(X, Y, [None, OTHERS, WEIGHTS]))


def batches(keras):
    model = compiled(keras, between(keras), metrics={"kind": ["accuracy"], "price": ["mae"]})

    def endless(count):
        while True:
            for start in range(0, count * BATCH, BATCH):
                part = slice(start, start + BATCH)
                yield (A[part], B[part]), (PRICE[part], KIND[part], CHANCE[part]), (WEIGHTS[part],) * 3

    steps = {"epochs": 3, "steps_per_epoch": 4, "validation_data": ((A, B), (PRICE, KIND, CHANCE))}
    history = model.fit(endless(5), verbose=0, **steps).history
    found = {"history": history, "weights": model.get_weights(), **of(model)}
    found["evaluate_batches"] = model.evaluate(endless(5), steps=5, verbose=0)
    found["predict_batches"] = model.predict(endless(5), steps=5, verbose=0)
    return found


def numbered_batches(keras):
    model = compiled(keras, between(keras), metrics={"kind": ["accuracy"], "price": ["mae"]})

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 6

        def __getitem__(self, number):
            part = slice(number * BATCH, (number + 1) * BATCH)
            return {"a": A[part], "b": B[part]}, {name: y[part] for name, y in NAMED_Y.items()}

    history = model.fit(Batches(), epochs=2, verbose=0, shuffle=False, validation_data=Batches()).history
    found = {"history": history, "weights": model.get_weights(), **of(model)}
    found["predict_batches"] = model.predict(Batches(), verbose=0)
    return found


def one_loss_for_all(keras):
    layers = keras.layers
    x = keras.Input((4,), name="x")
    h = layers.Dense(5, "tanh")(x)
    model = keras.Model(x, [layers.Dense(2, name="first")(h), layers.Dense(1, name="second")(h)])
    compiled(keras, model, "mse", metrics=["mae", "mse"], loss_weights=2.0)
    y = [PRICE, CHANCE]
    history = model.fit(A, y, **SETTINGS, validation_split=0.25).history
    return {"history": history, "weights": model.get_weights(), **of(model, A, y)}


def no_loss_for_one(keras):
    losses = {"price": "mse", "kind": None, "chance": "binary_crossentropy"}
    model = compiled(keras, between(keras), losses, metrics={"price": ["mae"]})
    return after(model)


def a_loss_for_one(keras):
    losses = {"price": None, "kind": "sparse_categorical_crossentropy", "chance": None}
    metrics = {"kind": ["accuracy"], "price": ["mae"], "chance": ["accuracy", "mse"]}
    model = compiled(keras, between(keras), losses, metrics=metrics, weighted_metrics={"price": ["mse"]})
    return after(model, validation_split=0.25, sample_weight=[WEIGHTS, OTHERS, WEIGHTS])


def accuracy_without_a_loss(keras):
    model = compiled(keras, between(keras), ["mse", None, None], metrics=[None, "accuracy", "accuracy"])
    return after(model)


def single_batches(keras):
    model = compiled(keras, between(keras), metrics={"price": "mae", "kind": ["accuracy"], "chance": ["mse", "mae"]})
    found = {}
    for name, arguments in {
        "plain": {},
        "weighed": {"sample_weight": [WEIGHTS, OTHERS, WEIGHTS]},
        "all": {"sample_weight": OTHERS},
    }.items():
        for kind in ("train", "test"):
            for as_dict in (False, True):
                if keras.__name__ == "keras":  # whose results are means over the calls
                    model.reset_metrics()
                result = getattr(model, f"{kind}_on_batch")(X, Y, return_dict=as_dict, **arguments)
                found[f"{kind}_{name}_{as_dict}"] = result
    return {**found, "predict": model.predict_on_batch(X), "weights": model.get_weights()}


def rows_of_columns(keras):
    layers = keras.layers
    x = keras.Input((4,), name="x")
    h = layers.Dense(6, "tanh")(x)
    table, mean = layers.Reshape((2, 2), name="table")(layers.Dense(4)(h)), layers.Dense(1, name="mean")(h)
    model = compiled(keras, keras.Model(x, [table, mean]), "mse", metrics={"table": ["mse"], "mean": ["mae"]})
    y = [B, PRICE[:, :1]]
    history = model.fit(A, y, **SETTINGS, validation_split=0.25).history
    return {"history": history, "weights": model.get_weights(), **of(model, A, y)}


def single(keras):
    """One input and one output, in containers."""
    layers, model_of = keras.layers, keras.Model
    x = keras.Input((4,), name="x")
    found = {}
    for name, given, y, settings in [
        ("alone", A, PRICE, {"loss": "mse", "metrics": ["mae", "mse"]}),
        ("lists", [A], [PRICE], {"loss": ["mse"], "metrics": [["mae", "mse"]], "loss_weights": [0.5]}),
        ("dicts", {"x": A}, [PRICE], {"loss": {"y": "mse"}, "metrics": {"y": ["mae", "mse"]}}),
        ("weighed", A, PRICE, {"loss": "mse", "weighted_metrics": ["mae"], "loss_weights": 0.25}),
    ]:
        model = compiled(keras, model_of(x, layers.Dense(2, name="y")(layers.Dense(3, "tanh")(x))), **settings)
        history = model.fit(given, y, **SETTINGS, validation_split=0.25).history
        evaluate, by_name = model.evaluate(given, y, verbose=0), model.evaluate(given, y, verbose=0, return_dict=True)
        found[name] = {
            "history": history,
            "evaluate": evaluate,
            "by_name": by_name,
            "predict": model.predict(given, verbose=0),
        }
    return found


def own_call(keras):
    layers = keras.layers

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden = layers.Dense(5, "tanh")
            self.first, self.second = layers.Dense(2), layers.Dense(1)

        def call(self, inputs):
            h = self.hidden(inputs)
            return {"two": self.second(h), "one": self.first(h)}

    model, y = Own(), {"one": PRICE, "two": CHANCE}
    model(A)
    compiled(keras, model, {"two": "mse", "one": "mae"}, metrics={"one": ["mse"]})
    history = model.fit(A, y, **SETTINGS).history
    return {"history": history, "weights": model.get_weights(), **of(model, A, y)}


def own_call_of_a_dict(keras):
    layers = keras.layers

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden, self.last = layers.Dense(5, "tanh"), layers.Dense(2)

        def call(self, inputs):
            return self.last(layers.concatenate([self.hidden(inputs["b"]), inputs["a"]]))

    model, x = Own(), {"b": A, "a": CHANCE}
    model(x)
    compiled(keras, model, "mse")
    history = model.fit(x, PRICE, **SETTINGS, validation_data=(x, PRICE)).history
    return {"history": history, "weights": model.get_weights(), **of(model, x, PRICE)}


CASES = (
    lists,
    tuples,
    dicts,
    dict_of_outputs,
    one_weight_for_all,
    weights_of_each,
    weights_of_some,
    batches,
    numbered_batches,
    one_loss_for_all,
    no_loss_for_one,
    a_loss_for_one,
    accuracy_without_a_loss,
    single_batches,
    rows_of_columns,
    single,
    own_call,
    own_call_of_a_dict,
)


def plain(value):
    """The same in JSON's values: a tuple is marked, and an array is its shape, its sum and its product with a ramp."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, tuple):
        return {"tuple": [plain(one) for one in value]}
    if isinstance(value, list):
        return [plain(one) for one in value]
    array = np.asarray(value, np.float64)
    ramp = np.linspace(-1, 2, array.size)
    return [*array.shape, float(array.sum()), float(array.ravel() @ ramp)] if array.ndim else float(array)


def main():
    os.environ.update(KERAS_BACKEND="jax", JAX_ENABLE_X64="1")
    import keras
    from keras.src.backend.common import dtypes

    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"  # else its means pass through float32
    keras.config.set_floatx("float64")
    found = {case.__name__: plain(case(keras)) for case in CASES}
    PATH.write_text(json.dumps({"keras": keras.__version__, "cases": found}) + "\n")


if __name__ == "__main__":
    main()
