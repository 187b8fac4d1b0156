"""Code of the user's own in every hook: `python -m tests.hostile.hooks --count N --seed S`.

Hooks are those of callbacks, found by introspection, and what else the library calls: generators, batches by number,
arrays, schedules, losses, metrics, initializers, and the functions of `vjp`, `summary` and `clone_model`. In each, code
raises, waits for another thread that uses the model, changes the model or the data, or trains again. What it
raises arrives as it is; what is not possible is a RuntimeError, ValueError or TypeError of the library; nothing hangs
or crashes, and the model trains and predicts afterwards. The calls run in processes of their own.
"""

from __future__ import annotations

import gc
import inspect
import random
import sys
import tempfile
import threading
import traceback
import warnings

import numpy as np

from fastmlp import fit_many, kernels, models
from fastmlp.callbacks import Callback
from fastmlp.layers import Dense, Dropout, Input
from fastmlp.metrics import Metric
from fastmlp.models import Sequential
from fastmlp.optimizers import SGD
from tests.hostile import attack

RANDOM = np.random.default_rng(4)
X, Y = RANDOM.normal(size=(24, 4)), RANDOM.normal(size=(24, 2))
SECONDS = 20  # until a thread that does not answer is one that never will
QUIET = {"verbose": 0, "batch_size": 8}

USES = {
    "call": lambda model: model(X),
    "one row": lambda model: model(X[:1].astype(np.float32)),
    "predict": lambda model: model.predict(X, verbose=0),
    "evaluate": lambda model: model.evaluate(X, Y, verbose=0),
    "gradients": lambda model: model.gradients(X, Y),
    "vjp": lambda model: model.vjp(X, lambda outputs: np.ones_like(outputs)),
    "get_weights": lambda model: model.get_weights(),
    "set_weights": lambda model: model.set_weights(model.get_weights()),
    "in training": lambda model: model(X, training=True),
    "test_on_batch": lambda model: model.test_on_batch(X, Y),
    "copy": lambda model: model.__deepcopy__({}),
}


class Asking:
    """What the user's code does: it lets another thread use the model, and waits for it."""

    def __init__(self, use=USES["predict"]):
        self.use, self.model, self.answers, self.problems = use, None, 0, []
        self.busy = threading.local()

    def ask(self):
        if self.model is None or getattr(self.busy, "is_asking", False) or self.problems:
            return
        thread = threading.Thread(target=self.answer, daemon=True)
        thread.start()
        thread.join(SECONDS)
        if thread.is_alive():
            self.problems.append("no answer")
            raise RuntimeError("no answer")

    def answer(self):
        self.busy.is_asking = True  # the user's code in this thread does not ask again
        try:
            self.use(self.model)
            self.answers += 1
        except BaseException as error:
            self.problems.append(error)


class Mean(Metric):
    def __init__(self, asking):
        super().__init__(name="mean")
        self.asking, self.total = asking, 0.0

    def __deepcopy__(self, memo):
        return Mean(self.asking)

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.asking.ask()
        self.total = float(np.mean(y_pred))

    def result(self):
        self.asking.ask()
        return self.total

    def reset_state(self):
        self.asking.ask()
        self.total = 0.0


def batches(asking):
    while True:
        asking.ask()
        yield X[:8], Y[:8]


class Numbered:
    def __init__(self, asking):
        self.asking = asking

    def __len__(self):
        self.asking.ask()
        return 3

    def __getitem__(self, number):
        self.asking.ask()
        return X[8 * number : 8 * number + 8], Y[8 * number : 8 * number + 8]


def loss_of(asking):
    def squares(y_true, y_pred):
        asking.ask()
        errors = y_pred - y_true
        return np.square(errors).mean(axis=1), 2.0 * errors / errors.size

    return squares


def metric_of(asking):
    def error(y_true, y_pred):
        asking.ask()
        return np.abs(y_true - y_pred).mean(axis=1)

    return error


def schedule_of(asking):
    def rate(step):
        asking.ask()
        return 0.01

    return rate


def compiled(asking, loss="mse", metrics=(), rate=0.01):
    model = Sequential([Input((4,)), Dense(6, "tanh"), Dropout(0.2), Dense(2)], seed=2)
    model.compile(SGD(rate), loss, list(metrics))
    asking.model = model
    return model


HOOKS = sorted(name for name, _ in inspect.getmembers(Callback, inspect.isfunction) if name.startswith("on_"))


def callback_of(asking, hook):
    return type("Asks", (Callback,), {hook: lambda self, *arguments: asking.ask()})()


def use_hook(asking, hook):
    model, hooks = compiled(asking), {"callbacks": [callback_of(asking, hook)], **QUIET}
    model.fit(X, Y, epochs=2, validation_data=(X, Y), **hooks)
    model.evaluate(X, Y, **hooks)
    model.predict(X, **hooks)


def use_many(asking):
    model = compiled(asking)
    fit_many([model, compiled(Asking())], X, Y, verbose=0, callbacks=[[callback_of(asking, "on_epoch_end")], None])


def vjp(asking):
    def ones(outputs):
        asking.ask()
        return np.ones_like(outputs)

    compiled(asking).vjp(X, ones)


PLACES = {
    **{hook: lambda asking, hook=hook: use_hook(asking, hook) for hook in HOOKS},
    "many": use_many,
    "generator": lambda asking: compiled(asking).fit(batches(asking), steps_per_epoch=2, epochs=2, verbose=0),
    "numbered": lambda asking: compiled(asking).fit(Numbered(asking), validation_data=Numbered(asking), verbose=0),
    "to evaluate": lambda asking: compiled(asking).evaluate(batches(asking), steps=2, verbose=0),
    "to predict": lambda asking: compiled(asking).predict(batches(asking), steps=2, verbose=0),
    "schedule": lambda asking: compiled(asking, rate=schedule_of(asking)).fit(X, Y, **QUIET),
    "schedule by batch": lambda asking: compiled(asking, rate=schedule_of(asking)).train_on_batch(X, Y),
    "schedule of gradients": lambda asking: apply(compiled(asking, rate=schedule_of(asking))),
    "metric": lambda asking: compiled(asking, metrics=[Mean(asking)]).fit(X, Y, validation_data=(X, Y), **QUIET),
    "metric function": lambda asking: compiled(asking, metrics=[metric_of(asking)]).fit(X, Y, **QUIET),
    "metric of evaluate": lambda asking: compiled(asking, metrics=[Mean(asking)]).evaluate(X, Y, **QUIET),
    "metric by batch": lambda asking: compiled(asking, metrics=[Mean(asking)]).train_on_batch(X, Y),
    "loss": lambda asking: compiled(asking, loss_of(asking)).fit(X, Y, epochs=2, **QUIET),
    "loss of evaluate": lambda asking: compiled(asking, loss_of(asking)).evaluate(X, Y, **QUIET),
    "loss by batch": lambda asking: compiled(asking, loss_of(asking)).train_on_batch(X, Y),
    "loss of gradients": lambda asking: compiled(asking, loss_of(asking)).gradients(X, Y),
    "vjp": vjp,
}


def apply(model):
    _, gradients = model.gradients(X, Y)
    model.apply_gradients(gradients)


# What code in a hook does besides. Each gets the model and a random number generator.


class Raised(Exception):
    pass


def raise_it(model, rng):
    raise rng.choice((Raised, KeyError, StopIteration, GeneratorExit, MemoryError, ZeroDivisionError))("in a hook")


def interrupt(model, rng):
    raise KeyboardInterrupt


def change_data(model, rng):
    """In place, within what was checked and beyond it."""
    for array in (X, Y):
        array[rng.randrange(len(array))] = rng.choice((0.0, 1.0, -3.0, np.nan, np.inf, 1e300))


def change_weights(model, rng):
    model.set_weights([array * rng.choice((0.5, 2.0, np.nan)) for array in model.get_weights()])


def compile_again(model, rng):
    model.compile(rng.choice(("adam", "sgd", "rmsprop")), rng.choice(("mse", "mae")), rng.choice((None, ["mse"])))


def add_layer(model, rng):
    model.add(Dense(2))


def take_layer(model, rng):
    model.pop()


def freeze(model, rng):
    model.layers[rng.randrange(len(model.layers))].trainable = rng.random() < 0.5


def stop(model, rng):
    model.stop_training = True


def set_rate(model, rng):
    model.optimizer.learning_rate = rng.choice((0.0, 0.5))


def train_again(model, rng):
    model.fit(X, Y, **QUIET)


def train_a_batch(model, rng):
    model.train_on_batch(X[:8], Y[:8])


def apply_given(model, rng):
    model.apply_gradients([np.ones_like(array) for array in model.get_weights()])


def train_copy(model, rng):
    models.clone_model(model)
    copied = model.__deepcopy__({})
    copied.fit(X, Y, **QUIET)


def save_and_load(model, rng):
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/model.safetensors")
        model.load_weights(f"{folder}/model.safetensors")


def collect(model, rng):
    gc.collect()


def set_threads(model, rng):
    import fastmlp

    fastmlp.set_num_threads(rng.choice((1, 2, None)))


def select(model, rng):
    kernels.isa.select(rng.choice(kernels.isa.supported()))


def close_over(model, rng):
    """Use a layer of the model in another one."""
    other = Sequential([Input((6,)), model.layers[-1]])
    other.predict(np.ones((3, 6)), verbose=0)


OF_DEEDS = (
    raise_it,
    interrupt,
    change_data,
    change_weights,
    compile_again,
    add_layer,
    take_layer,
    freeze,
    stop,
    set_rate,
    train_again,
    train_a_batch,
    apply_given,
    train_copy,
    save_and_load,
    collect,
    set_threads,
    select,
    close_over,
)
DEEDS = {function.__name__: function for function in OF_DEEDS}


def initialized(asking):
    def ones(shape, dtype=None):
        asking.ask()
        return np.ones(shape)

    model = Sequential([Input((4,)), Dense(6, kernel_initializer=ones), Dense(2)], seed=2)
    model.compile("sgd", "mse")
    asking.model = model
    model.fit(X, Y, **QUIET)


def summarized(asking):
    compiled(asking).summary(print_fn=lambda line: asking.ask())


def cloned(asking):
    def copy_of(layer):
        asking.ask()
        return type(layer).from_config(layer.get_config())

    models.clone_model(compiled(asking), clone_function=copy_of)


def in_network(asking):
    model = compiled(asking)
    network = kernels.Network(
        4, [{"kind": "dense", "units": 2}], loss_of(asking), {"name": "sgd", "learning_rate": 0.1}
    )
    network.set_weights([np.ones((4, 2), np.float32), np.zeros(2, np.float32)])
    network.train_epoch(X.astype(np.float32), Y.astype(np.float32), np.arange(24), 8)
    return model


def in_estimator(asking):
    from fastmlp.sklearn import MLPRegressor

    compiled(asking)
    callback = callback_of(asking, "on_epoch_end")
    MLPRegressor(hidden_layer_sizes=(3,), max_iter=3, callbacks=[callback], random_state=0).fit(X, Y)


def data_of_the_user(asking):
    class Data:
        shape, dtype, ndim = (24, 4), np.dtype(float), 2

        def __len__(self):
            return 24

        def __array__(self, dtype=None, copy=None):
            asking.ask()
            return X.copy()

    compiled(asking).fit(Data(), Y, **QUIET)


MORE_PLACES = {
    "initializer": initialized,
    "summary": summarized,
    "clone": cloned,
    "loss of a network": in_network,
    "estimator": in_estimator,
    "array": data_of_the_user,
}
ALL_PLACES = {**PLACES, **MORE_PLACES}


class Doing:
    """What the user's code does, once, at a call of the hook that a seed decides."""

    def __init__(self, deed, seed):
        self.deed, self.random, self.model = deed, random.Random(seed), None
        self.waits, self.done, self.raised = self.random.choice((0, 0, 1, 2, 5)), 0, None
        self.busy = False

    def __deepcopy__(self, memo):
        return self

    def ask(self):
        if self.model is None or self.busy or self.done:
            return
        if self.waits:
            self.waits -= 1
            return
        self.busy, self.done = True, 1
        try:
            self.deed(self.model, self.random)
        except BaseException as error:
            self.raised = error
            raise
        finally:
            self.busy = False


def is_allowed(error, doing):
    """Whether what a hooked call raises is what its hook raised, or says what is not possible."""
    seen, found = set(), error
    while found is not None and id(found) not in seen:
        if found is doing.raised:
            return True
        seen.add(id(found))
        found = found.__cause__ or found.__context__
    return is_told(error)


def is_told(error):
    """Whether an error is one of the library's, or comes from the functions of this file."""
    if isinstance(error, ExceptionGroup):
        return all(is_told(one) for one in error.exceptions)
    if traceback.extract_tb(error.__traceback__)[-1].filename == __file__:
        return True
    words = ("needs", ": got", "one thing at a time", "non-finite parameter")
    return type(error) in (ValueError, TypeError, RuntimeError) and any(word in str(error) for word in words)


def own_error_is_told(error):
    """Whether an error that a deed met is one of the library's: a deed may ask for what is not possible there."""
    if isinstance(
        error, (Raised, KeyError, StopIteration, GeneratorExit, MemoryError, ZeroDivisionError, KeyboardInterrupt)
    ):
        return True
    return is_told(error)


def attempt(place, deed, seed):
    """Have a hook do a deed; return None, or what is wrong."""
    before, isa = (X.copy(), Y.copy()), kernels.isa.name()
    function = DEEDS.get(deed) or (lambda model, rng: in_a_thread(USES[deed], model))
    doing = Doing(function, seed)
    try:
        ALL_PLACES[place](doing)
    except BaseException as error:
        if not is_allowed(error, doing):
            return f"{type(error).__name__}: {error}"
    finally:
        X[...], Y[...] = before
        kernels.isa.select(isa)
    if doing.raised is not None and not own_error_is_told(doing.raised):
        return f"the deed met {type(doing.raised).__name__}: {doing.raised}"
    doing.done = 1  # from here on the hook does nothing
    for use in (lambda model: model.predict(X, verbose=0), lambda model: model.fit(X, Y, **QUIET)):
        try:
            use(doing.model)
        except (ValueError, TypeError, RuntimeError) as error:
            if not is_told(error):
                return f"afterwards {type(error).__name__}: {error}"
    return None


def in_a_thread(use, model):
    """Let another thread use the model, and wait for it."""
    errors = []

    def run():
        try:
            use(model)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(SECONDS)
    if thread.is_alive():
        raise AssertionError("no answer")
    if errors:
        raise errors[0]


CASES = [(place, deed) for place in ALL_PLACES for deed in (*DEEDS, *USES)]


def tried(seed):
    """Let a hook do the deed of a seed."""
    place, deed = CASES[seed % len(CASES)]
    warnings.simplefilter("ignore")
    with np.errstate(all="ignore"):
        wrong = attempt(place, deed, seed)
    assert not wrong, f"{place}, {deed}: {wrong}"
    return {"uses by another thread" if deed in USES else "deeds": 1}


def main(arguments=None):
    what = f"calls, of {len(ALL_PLACES)} hooks with {len(DEEDS)} deeds and {len(USES)} uses by another thread"
    return attack.main("tests.hostile.hooks", __doc__, tried, len(CASES), what, arguments)


if __name__ == "__main__":
    sys.exit(main())
