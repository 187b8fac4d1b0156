"""Threads that use one object in all public ways at once: `python -m tests.hostile.races --seconds 1200 --seed 0`.

A case is one of three: any ways at once, where each ends with a result or a named error, and the object is as good as
before; readers beside a `fit`, each of whose results must have the bits of the model between two of its steps; and
calls whose arrays other threads write into. Nothing may crash, wait forever, or damage the interpreter. When threads
meet is up to the system: a seed repeats what they do, not when.
"""

import collections
import copy
import functools
import gc
import hashlib
import random
import sys
import tempfile
import threading
import warnings
from pathlib import Path

import numpy as np

from fastmlp import callbacks, kernels
from fastmlp.kernels import Network
from fastmlp.layers import Add, BatchNormalization, Dense, Dropout, Input
from fastmlp.models import Model, Sequential, load_model
from fastmlp.optimizers import SGD, Adam, AdamW
from tests import cases
from tests.hostile import attack
from tests.hostile.ways import INSIDE, is_named, quiet, ways_of
from tests.networks import dense, dropout

THREADS, USES = 4, 12  # of an object in a case
COLUMNS, CLASSES, ROWS = 4, 3, 48


class Case:
    """A subject, the arrays of its calls, and which errors they may raise."""

    allows = staticmethod(is_named)

    def __init__(self, seed, folder):
        self.random, self.rng = random.Random(seed), np.random.default_rng(seed)
        self.folder, self.files = folder, 0
        self.dtype = self.random.choice(("float32", "float64"))
        self.x = self.rng.normal(size=(ROWS, COLUMNS)).astype(self.dtype)
        self.y = self.rng.integers(0, CLASSES, ROWS).astype(self.random.choice(("int32", "int64", self.dtype)))
        self.weight = self.rng.random(ROWS).astype(self.dtype)

    def arrays(self):
        return [self.x, self.y, self.weight]

    def new_file(self, suffix=".safetensors"):
        self.files += 1
        return self.folder / f"{threading.get_ident()}-{self.files}{suffix}"

    def optimizer(self):
        kinds = (lambda: SGD(0.01), lambda: Adam(0.001), lambda: AdamW(0.001, use_ema=True, ema_overwrite_frequency=2))
        return self.random.choice(kinds)()


class OfModel(Case):
    def __init__(self, seed, folder):
        super().__init__(seed, folder)
        self.subject = self.model()
        self.saved = folder / "saved.safetensors"
        self.subject.save(self.saved)
        self.saved_weights = folder / "saved.weights.h5"
        self.subject.save_weights(self.saved_weights)

    def model(self):
        middle = [Dense(9, "tanh"), BatchNormalization(), Dropout(0.2)]
        made = Sequential([Input((COLUMNS,)), *middle, Dense(CLASSES, "softmax")], seed=3, dtype=self.dtype)
        self.compile(made)
        return made

    def compile(self, model):
        model.compile(self.optimizer(), "sparse_categorical_crossentropy", ["accuracy", error])

    def ways(self):
        known, subject = self.model(), self.subject
        given = {
            "x": lambda: self.x[: self.random.randint(1, ROWS)] if self.random.random() < 0.1 else self.x,
            "y": lambda: self.y,
            "sample_weight": lambda: self.weight,
            "verbose": lambda: 0,
            "epochs": lambda: 3,
            "batch_size": lambda: self.random.choice((1, 7, 48)),
            "callbacks": lambda: [callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)],
            "validation_split": lambda: 0.25,
            "shuffle": lambda: self.random.random() < 0.5,
            "optimizer": self.optimizer,
            "loss": lambda: "sparse_categorical_crossentropy",
            "metrics": lambda: ["accuracy"],
            "layer": lambda: Dense(CLASSES, "softmax"),
            "name": lambda: None,
            "index": lambda: 0,
            "weights": known.get_weights,
            "gradients": lambda: [np.zeros(one.shape, self.dtype) for one in known.trainable_weights],
            "wrt": lambda: self.random.choice(("weights", "input", "both")),
            "training": lambda: self.random.random() < 0.5,
            "output_gradients": lambda: np.ones_like,
            "other": lambda: known,
            "tau": lambda: 0.5,
            "epoch": lambda: 1,
            "print_fn": lambda: lambda line: None,
            "input_shape": lambda: (COLUMNS,),
            "return_dict": lambda: True,
        }
        found = ways_of(subject, given, self.random, LEFT_OUT)
        found["save"] = lambda: subject.save(self.new_file(self.random.choice((".safetensors", ".keras"))))
        found["save_weights"] = lambda: subject.save_weights(self.new_file(".weights.h5"))
        found["load_weights"] = lambda: subject.load_weights(self.saved_weights)
        found["export"] = lambda: subject.export(self.new_file(".h"))
        found["backup"] = self.backup
        found["freeze"] = lambda: setattr(self.random.choice(subject.layers), "trainable", self.random.random() < 0.5)
        found["learning_rate"] = lambda: setattr(subject.optimizer, "learning_rate", self.random.random() / 100)
        found["read weights"] = lambda: [one.numpy() for one in subject.weights]
        found["write a weight"] = lambda: write_one(subject.weights, self.random)
        return found

    def backup(self):
        hooks = [callbacks.BackupAndRestore(self.new_file("")), callbacks.ModelCheckpoint(self.new_file())]
        self.subject.fit(self.x, self.y, epochs=2, verbose=0, callbacks=hooks)

    def is_good(self):
        """It does what it did, from here on: the weights are whole, and a copy has the same bits."""
        twin = copy.deepcopy(self.subject)
        assert twin.predict(self.x, verbose=0).tobytes() == self.subject.predict(self.x, verbose=0).tobytes()
        for one in (twin, self.subject):
            self.compile(one)
            one.set_weights([np.full_like(array, 0.01) for array in one.get_weights()])
            one.fit(self.x, np.zeros(ROWS, np.int32), epochs=2, shuffle=False, verbose=0)

    def calls(self):
        """What reads the arrays."""
        model = self.subject
        return [
            lambda: model.fit(self.x, self.y, 7, sample_weight=self.weight, verbose=0),
            lambda: model.evaluate(self.x, self.y, sample_weight=self.weight, verbose=0),
            lambda: model.predict(self.x, verbose=0),
            lambda: model.gradients(self.x, self.y, wrt="both"),
            lambda: model.train_on_batch(self.x, self.y),
            lambda: model(self.x),
        ]


LEFT_OUT = INSIDE | {"save", "save_weights", "load_weights", "export"}


def write_one(weights, chance):
    one = chance.choice(weights)
    one.assign(np.full(one.shape, 0.01))


def error(y_true, y_pred):
    return np.abs(y_pred).mean(axis=-1)


class OfGraph(OfModel):
    def model(self):
        begin = Input((COLUMNS,))
        left, right = Dense(8, "relu")(begin), Dense(8, "gelu")(begin)
        made = Model(begin, Dense(CLASSES, "softmax")(Add()([left, Dropout(0.1)(right)])), seed=5, dtype=self.dtype)
        self.compile(made)
        return made


class OfNetwork(Case):
    def __init__(self, seed, folder):
        super().__init__(seed, folder)
        layers = [dense(9, "tanh"), dropout(0.2, 1), dense(CLASSES, "softmax")]
        adam = {"name": "adam", "learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
        self.subject = Network(COLUMNS, layers, "sparse_categorical_crossentropy", adam, self.dtype)
        self.x, self.y = np.ascontiguousarray(self.x, self.dtype), self.y.astype(np.intc)
        self.order, self.out = self.rng.permutation(ROWS), np.empty((ROWS, CLASSES), self.dtype)
        self.weights = [self.rng.normal(size=shape).astype(self.dtype) for shape in ((4, 9), (9,), (9, 3), (3,))]
        self.subject.set_weights(self.weights)

    def arrays(self):
        return [*super().arrays(), self.order]

    def ways(self):
        network = self.subject
        found = ways_of(network, {
            "x": lambda: self.x,
            "y": lambda: self.y,
            "order": lambda: self.order,
            "orders": lambda: np.stack([self.order, self.order]),
            "batch_size": lambda: self.random.choice((1, 7, 48)),
            "results": list,
            "sample_weight": lambda: self.weight,
            "out": lambda: np.empty((ROWS, CLASSES), self.dtype),
            "weights": lambda: self.weights,
            "state": network.get_optimizer_state,
            "gradients": lambda: [np.zeros_like(array) for array in self.weights],
            "output_gradients": lambda: np.ones((ROWS, CLASSES), self.dtype),
            "learning_rate": lambda: 0.01,
        }, self.random, {"gradients", "unpacked", "turns"})  # fmt: skip
        del found["copy"], found["pickle"]
        found["gradients"] = lambda: network.gradients(self.x, self.y)
        found["threads"] = lambda: setattr(network, "threads", self.random.choice((1, 2, 3)))
        found["step"] = lambda: setattr(network, "step", self.random.choice((0, 5)))
        found["init"] = lambda: network.__init__(COLUMNS, [dense(CLASSES, "softmax")])
        return found

    def is_good(self):
        self.subject.set_weights(self.weights)
        self.subject.step = 0
        assert np.isfinite(self.subject.predict(self.x)).all()

    def calls(self):
        network = self.subject
        return [
            lambda: network.train_epoch(self.x, self.y, self.order, 7, sample_weight=self.weight),
            lambda: network.evaluate(self.x, self.y, "sparse_categorical_accuracy", self.weight),
            lambda: network.predict(self.x),
            lambda: network.predict_small(self.x, self.out),
            lambda: network.gradients(self.x, self.y, self.weight),
        ]


class OfKernel(Case):
    """One kernel's arrays: there is nothing to use but by calling it."""

    def __init__(self, seed, folder):
        super().__init__(seed, folder)
        self.name = self.random.choice(cases.KERNELS)
        sizes = {size: self.random.choice((1, 3, 17, 33, 70)) for size in cases.dimensions(self.name)}
        self.given = cases.arguments(self.name, sizes, self.dtype, self.rng)

    def arrays(self):
        return [array for array in self.given.values() if isinstance(array, np.ndarray)]

    def calls(self):
        return [
            lambda threads=threads: getattr(kernels, self.name)(**self.given, threads=threads) for threads in (1, 2, 3)
        ]

    def ways(self):
        return dict(enumerate(self.calls()))

    def is_good(self):
        pass


class OfEstimator(Case):
    """Beside a fit that changes it nothing is promised of an estimator but that the fit itself is right."""

    allows = staticmethod(lambda problem: isinstance(problem, Exception))

    def __init__(self, seed, folder):
        super().__init__(seed, folder)
        from fastmlp.sklearn import MLPClassifier, MLPEnsembleClassifier

        settings = {"hidden_layer_sizes": (6,), "max_iter": 3, "random_state": 1}
        kind = self.random.choice((MLPClassifier, MLPEnsembleClassifier))
        self.subject = kind(**settings).fit(self.x, self.y)

    def ways(self):
        given = {"X": lambda: self.x, "y": lambda: self.y, "filepath": lambda: self.new_file(".h")}
        return ways_of(self.subject, given, self.random)

    def is_good(self):
        self.subject.fit(np.nan_to_num(self.x), self.y)
        assert len(self.subject.predict(self.x)) == ROWS

    def calls(self):
        return [lambda: self.subject.fit(self.x, self.y), lambda: self.subject.predict(self.x)]


class OfTable(OfEstimator):
    def __init__(self, seed, folder):
        Case.__init__(self, seed, folder)
        from fastmlp.sklearn import TableClassifier

        self.subject = TableClassifier(hidden_layer_sizes=(6,), max_iter=2, random_state=1).fit(self.x, self.y)


SUBJECTS = {
    "sequential": OfModel,
    "graph": OfGraph,
    "network": OfNetwork,
    "kernel": OfKernel,
    "estimator": OfEstimator,
    "table": OfTable,
}


def at_once(functions):
    """Call all functions, each in a thread of its own, from one moment on; raise what they raise."""
    barrier, errors = threading.Barrier(len(functions)), []

    def run(function):
        barrier.wait()
        try:
            function()
        except BaseException as problem:
            errors.append(problem)

    threads = [threading.Thread(target=run, args=(function,), daemon=True) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise BaseExceptionGroup("in threads", errors)


def use(function, name, counts, allowed):
    """Call it, and count whether it had a result or an error that is allowed."""
    try:
        function()
        counts["results"] += 1
    except Exception as problem:
        if not allowed(problem):
            problem.add_note(f"by the way {name!r}")
            raise
        counts["errors"] += 1


def in_any_way(case):
    """Use the subject in all ways at once."""
    counts, ways = collections.Counter(), case.ways()

    def run(names):
        for name in names:
            use(ways[name], name, counts, case.allows)

    at_once([functools.partial(run, case.random.choices(list(ways), k=USES)) for _ in range(THREADS)])
    case.is_good()
    return counts


def while_written(case):
    """Call what reads arrays while others write into them; all is allowed but a crash and an error without a name."""
    counts, calls, ended = collections.Counter(), case.calls(), threading.Event()
    before = [array.copy() for array in case.arrays()]
    made = np.random.default_rng(case.random.randint(0, 2**32))
    bytes_of = [made.integers(0, 256, array.nbytes, np.uint8).view(array.dtype) for array in before if array.size]

    def write():
        while not ended.is_set():
            for array, spoilt, kept in zip(case.arrays(), bytes_of, before, strict=True):
                array.reshape(-1)[:] = spoilt
                array[...] = kept
            counts["writes"] += 1

    def call():
        for _ in range(USES):
            use(case.random.choice(calls), "a call whose arrays change", counts, case.allows)

    def call_to_the_end():
        try:
            at_once([call] * 2)
        finally:
            ended.set()

    at_once([write, call_to_the_end])
    for array, kept in zip(case.arrays(), before, strict=True):
        array[...] = kept
    case.is_good()
    return counts


def digest(value):
    """Return a digest of a result."""
    if isinstance(value, np.ndarray):
        return hashlib.blake2b(f"{value.shape}{value.dtype}".encode() + value.tobytes()).hexdigest()
    if isinstance(value, (list, tuple)):
        return repr([digest(one) for one in value])
    return repr(value)


def readers(model, x, y, new_file):
    """What reads a model whose weights change, by name."""

    def saved():
        path = new_file()
        model.save(path)
        return all_of(load_model(path, {"error": error}))

    def exported():
        folder = new_file("")
        folder.mkdir()
        model.export(folder / "model.h")  # whose name is in it
        return (folder / "model.h").read_text()

    return {
        "call": lambda: np.asarray(model(x)),
        "one row": lambda: np.asarray(model(x[:1])),
        "predict": lambda: model.predict(x, verbose=0),
        "evaluate": lambda: model.evaluate(x, y, verbose=0),
        "test_on_batch": lambda: model.test_on_batch(x, y),
        "gradients": lambda: model.gradients(x, y, wrt="both"),
        "vjp": lambda: model.vjp(x, np.ones_like),
        "get_weights": lambda: model.get_weights(),
        "copy": lambda: all_of(copy.deepcopy(model)),
        "save": lambda: saved(),
        "export": lambda: exported(),
        "backup": lambda: sorted_tensors(model.get_backup(1)),
    }


def all_of(model):
    """What a copy of a model has from one moment: weights, updates done, and the optimizer's state."""
    return [model.get_weights(), model.network.step, model.network.get_optimizer_state()]


def sorted_tensors(backup):
    return [np.asarray(array) for _, array in sorted(backup[1].items())]


def between_steps(case):
    """Read the model while it is trained: each result is one that it has between two steps."""
    counts = collections.Counter()
    begun = copy.deepcopy(case.subject)
    epochs, batch = 4, 4
    alone, allowed = copy.deepcopy(begun), collections.defaultdict(set)
    reads = readers(alone, case.x, case.y, case.new_file)

    def note(*_):
        for name, read in reads.items():
            allowed[name].add(digest(read()))

    note()
    hook = callbacks.LambdaCallback(on_train_batch_end=note, on_train_end=note)
    alone.fit(case.x, case.y, batch, epochs, 0, [hook])
    model, ended = begun, threading.Event()
    reads = readers(model, case.x, case.y, case.new_file)

    def train():
        try:
            model.fit(case.x, case.y, batch, epochs, 0)
        finally:
            ended.set()

    def read(chance):
        while not ended.is_set():
            name = chance.choice(list(reads))
            found = digest(reads[name]())
            assert found in allowed[name], f"{name}: a result that the model has between no two steps"
            counts["results between two steps"] += 1

    at_once([train, *(functools.partial(read, random.Random(case.random.random())) for _ in range(THREADS - 1))])
    same = zip(alone.get_weights(), model.get_weights(), strict=True)
    assert all(a.tobytes() == b.tobytes() for a, b in same), "other weights than alone"
    return counts


def check(seed):
    chance = random.Random(seed)
    name = chance.choices(list(SUBJECTS), (4, 3, 3, 4, 1, 1))[0]
    kinds = [in_any_way, while_written] + [between_steps] * (name in ("sequential", "graph"))
    kind = chance.choice(kinds)
    with tempfile.TemporaryDirectory(prefix="fastmlp-races-") as folder, warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        with np.errstate(all="ignore"):
            counts = kind(SUBJECTS[name](seed, Path(folder)))
    gc.collect()
    title = kind.__name__.replace("_", " ")
    return {f"{title}, {name}: {what}": count for what, count in counts.items()} | {f"{title}, {name}": 1}


def main(arguments=None):
    return attack.main("tests.hostile.races", __doc__, check, 200, "cases", arguments)


if __name__ == "__main__":
    sys.exit(main())
