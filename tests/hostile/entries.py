"""What users call: every public function, class, method and setter, found by introspection, with arguments that are
right.

Public is what the modules below name: in their `__all__`, or where they have none, what is defined there. Of classes it
is each method without an underscore, but for those that rooms ask of each other, in `INTERNAL`. A new function or
method is therefore found by itself; one whose arguments are not known by their names below fails a test.
"""

from __future__ import annotations

import importlib
import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import fastmlp
from fastmlp import callbacks, constraints, initializers, kernels, layers, losses, metrics, models, optimizers
from fastmlp.optimizers import schedules
from tests.networks import activation, dense

MODULES = (
    "fastmlp",
    *(f"fastmlp.{name}" for name in fastmlp.MODULES),
    "fastmlp.optimizers.schedules",
    "fastmlp.datasets.digits",
    "fastmlp.datasets.mnist",
    "fastmlp.datasets.fashion_mnist",
    "fastmlp.datasets.california_housing",
    "fastmlp.kernels.isa",
    "fastmlp.export.pytorch",
    "fastmlp.export.keras",
    "fastmlp.sklearn",
    "fastmlp.tables",
)
# Of modules without `__all__`, and of classes: what rooms of the package ask of each other.
NAMES = """
    Activated Asked Called described answering float_type standard_truncated_normal balance checked_quantiles
    columns new_figure picture same_rows numbers_in_row names paths_of is_described
    require_flat row_shape expected named names_of
    is_turned their_shape positive power quotient half_cosine rows_of signs Logs CrossEntropy
    SmoothedCrossEntropy Custom Norms RandomInitializer Scaled Decay Symbol OrthogonalInitializer
    IdentityInitializer Common Betas Rate getter choose NotFiniteWarning CONSTRAINTS
"""
METHODS = """
    above activated adjusted argument arguments backup begin beginning below bind build_for build_like call_on
    checked checked_inputs chosen_seed close compile_frozen compute count_batch current_rate decayed
    direction_of discard_network draw draw_weights enter_model evaluated excluded_paths flags_have_changed
    for_engine frozen_when_compiled from_data get_backup get_state go_on_from in_container in_own_order inputs
    is_better keep kept keys_in_file keys_of learning_rates leave_model leaves let_go line name_by_levels
    named_variables names_for of_one_moment network_for_gradients network_for_rows network_for_training
    next_rate offer_seed output_row_shapes overwrite part passed path_of phases prepare rates recount register
    require_loss require_number require_unchanged reshaped resolve restarts sample set_backup set_companions
    set_model set_params set_state set_weight_settings settings shapes_for shown spec_for specs swap swap_back
    symbols_of take_layers take_over take_rate targets tell to_data train_for trains unregister update
    use_average use_dtype value_in values values_of weight_initializer weight_shapes write write_batch writer
    predicted without_locks set_fit_request set_partial_fit_request set_score_request
"""
INTERNAL = {*NAMES.split(), *METHODS.split()}
INTERNAL_OF = {"save": callbacks.Callback, "add": metrics.Metric}
SHARED = ("add_variable", "add_weight", "exclude_from_weight_decay")  # the same in all classes: once is enough
HOOKS = "on_"  # python -m tests.hostile.hooks

X = np.random.default_rng(0).normal(size=(6, 4))
LABELS = np.array([0, 1, 2, 2, 1, 0])
HOT = np.eye(3)[LABELS]
PROBABILITIES = (HOT + 0.25) / 1.75


def model(compiled=True):
    made = models.Sequential([layers.Input((4,)), layers.Dense(3, "softmax", name="last")], seed=1)
    if compiled:
        made.compile(optimizers.SGD(0.1), "categorical_crossentropy", ["accuracy"])
    return made


def classifier(fitted=True, cls="MLPClassifier"):
    from fastmlp import sklearn

    made = getattr(sklearn, cls)(hidden_layer_sizes=(3,), max_iter=2, random_state=0)
    if not fitted:
        return made
    if "Regressor" in cls:
        return made.fit(X, X[:, 0])
    return made.fit(X, LABELS)


def table():
    import polars

    numbers = {f"c{n}": X[:, n] for n in range(2)}
    return polars.DataFrame({**numbers, "word": ["a", "b", "a", "b", "a", "c"], "y": [0, 1, 0, 1, 1, 0]})


def preparation():
    from fastmlp import tables

    return tables.Preparation().fit(table().drop("y"))


def file(name):
    """A file of the folder in which calls are made, with what its ending says."""
    path = Path(name)
    if not path.exists():
        if name.endswith("mnist.npz"):
            pixels = np.zeros((6, 28, 28), np.uint8)
            np.savez(path, x_train=pixels, y_train=LABELS, x_test=pixels, y_test=LABELS)
        elif name.endswith(".npz"):
            np.savez(path, x=X, y=X[:, 0])
        elif name.endswith(".csv"):
            table().write_csv(path)
        elif name == "estimator.safetensors":
            fastmlp.sklearn.save(classifier(), name)
        elif name.endswith(".weights.safetensors"):
            model().save_weights(name)
        else:
            model().save(name)
    return name


def ignore(*args, **kwargs):
    return None


RIGHT_ROWS = {"x": lambda: X.copy(), "y": lambda: HOT.copy()}
# Right values by parameter: of a function or method by "name.parameter", of a class by "Class.parameter", of any by
# "parameter".
RIGHT: dict[str, Callable[[], Any]] = {
    "x": lambda: X.copy(),
    "X": lambda: X.copy(),
    "y": lambda: HOT.copy(),
    "y_true": lambda: HOT.copy(),
    "y_pred": lambda: PROBABILITIES.copy(),
    "verbose": lambda: 0,
    "inputs": lambda: X.copy(),
    "units": lambda: 2,
    "rate": lambda: 0.25,
    "scale": lambda: 2.0,
    "stddev": lambda: 0.5,
    "activation": lambda: "relu",
    "function": lambda: ignore,
    "shape": lambda: (4,),
    "input_shape": lambda: (4,),
    "target_shape": lambda: (2, 2),
    "input_dim": lambda: 9,
    "output_dim": lambda: 2,
    "filepath": lambda: "written.safetensors",
    "filename": lambda: "log.csv",
    "backup_dir": lambda: "backups",
    "schedule": lambda: lambda epoch, rate: rate,
    "precision": lambda: 0.5,
    "recall": lambda: 0.5,
    "sensitivity": lambda: 0.5,
    "specificity": lambda: 0.5,
    "fn": lambda: lambda y_true, y_pred: np.abs(np.asarray(y_true) - y_pred).mean(axis=-1),
    "initial_learning_rate": lambda: 0.1,
    "max_learning_rate": lambda: 0.1,
    "learning_rate": lambda: 0.1,
    "decay_steps": lambda: 10,
    "decay_rate": lambda: 0.9,
    "first_decay_steps": lambda: 10,
    "total_steps": lambda: 10,
    "boundaries": lambda: [2, 4],
    "PiecewiseConstantDecay.values": lambda: [0.1, 0.2, 0.3],
    "step": lambda: 3,
    "value": lambda: "float32",
    "name": lambda: "named",
    "select.name": lambda: kernels.isa.name(),
    "add.layer": lambda: layers.Dense(2),
    "threshold.threshold": lambda: 0.5,
    "default_value": lambda: 0.0,
    "seed": lambda: 1,
    "models": lambda: [model(), model()],
    "model": model,
    "threads": lambda: 2,
    "identifier": lambda: {
        "fastmlp.activations": "relu",
        "fastmlp.losses": "mse",
        "fastmlp.optimizers": "adam",
        "fastmlp.initializers": "zeros",
        "fastmlp.regularizers": "l2",
        "fastmlp.constraints": "non_neg",
        "fastmlp.metrics": "mse",
        "fastmlp.optimizers.schedules": schedules.CosineDecay(0.1, 10),
    },
    "optimizer": lambda: "sgd",
    "loss": lambda: "categorical_crossentropy",
    "metrics": lambda: ["mse"],
    "epochs": lambda: 2,
    "batch_size": lambda: 2,
    "weights": lambda: model().get_weights(),
    "gradients": lambda: [np.ones_like(array) for array in model().get_weights()],
    **{
        f"{name}.{part}": RIGHT_ROWS[part]
        for name in ("fit", "evaluate", "test_on_batch", "train_on_batch", "gradients", "fit_many")
        for part in "xy"
    },
    "InputLayer.shape": lambda: (4,),
    "Input.shape": lambda: (4,),
    "Input.batch_size": lambda: None,
    "InputLayer.batch_size": lambda: None,
    "Model.inputs": lambda: None,
    "Model.outputs": lambda: None,
    "Sequential.layers": lambda: [layers.Input((4,)), layers.Dense(2)],
    "other": lambda: models.Sequential([layers.Input((4,)), layers.Dense(3, "softmax")], seed=2),
    "tau": lambda: 0.5,
    "output_gradients": lambda: np.ones((6, 3)),
    "get_layer.name": lambda: "last",
    "get_layer.index": lambda: None,
    "load_model.filepath": lambda: file("model.safetensors"),
    "load_weights.filepath": lambda: file("model.weights.safetensors"),
    "save_weights.filepath": lambda: "w.weights.safetensors",
    "export.filepath": lambda: "written.h",
    "export.verbose": lambda: False,
    "sklearn.verbose": lambda: False,
    "set_value.x": lambda: model().trainable_weights[0],
    "set_value.value": lambda: np.ones((4, 3)),
    **{
        f"{name}.inputs": lambda: [X.copy(), X.copy()]
        for name in ("add", "average", "concatenate", "maximum", "minimum", "multiply", "subtract")
    },
    **{f"{name}.{part}": LABELS.copy for name in ("confusion_matrix", "residuals") for part in ("y_true", "y_pred")},
    "calibration.y_true": LABELS.copy,
    "split_dataset.left_size": lambda: 0.5,
    "Normalization.mean": lambda: np.zeros(4),
    "Normalization.variance": lambda: np.ones(4),
    "json_string": lambda: model(False).to_json(),
    "config": lambda: None,
    "weight": lambda: "kernel",
    "print_fn": lambda: ignore,
    "initializer": lambda: "zeros",
    "sample_weight": lambda: np.ones(6),
    "path": lambda: "written.html",
    "load.path": lambda: file("estimator.safetensors"),
    "save.path": lambda: "estimator2.safetensors",
    "fastmlp.datasets.mnist.path": lambda: file("./mnist.npz"),
    "fastmlp.datasets.california_housing.path": lambda: file("./housing.npz"),
    "load_data.test_split": lambda: 0.2,
    "history": lambda: {"loss": [2.0, 1.0]},
    "probabilities": lambda: PROBABILITIES.copy(),
    "panels": lambda: {"loss": {"training": [2.0, 1.0]}},
    "pictures": lambda: np.ones((3, 4, 4)),
    "found": lambda: fastmlp.report.importance(model(), X, HOT, seconds=0.1),
    "seconds": lambda: 0.1,
    "to_file": lambda: "written.svg",
    "dataset": lambda: X.copy(),
    "left_size": lambda: 0.5,
    "to_categorical.x": lambda: LABELS.copy(),
    "num_classes": lambda: 3,
    "target": lambda: 10,
    "current": lambda: 3,
    "n": lambda: 2,
    "name_or_folder": lambda: "digits",
    "source": lambda: file("table.csv"),
    "rows": lambda: 3,
    "frame": lambda: table().drop("y"),
    "find_columns.frame": table,
    "find_columns.target": lambda: "y",
    "find_task.target": lambda: table()["y"],
    "Column.kind": lambda: "number",
    "Task.kind": lambda: "regression",
    "Task.reason": lambda: "numbers",
    "missing": lambda: 0,
    "read.missing": lambda: ["", "NA"],
    "read_batches.missing": lambda: ["", "NA"],
    "open_table.missing": lambda: ["", "NA"],
    "distinct": lambda: 2,
    "describe.columns": lambda: fastmlp.tables.find_columns(table(), "y"),
    "estimator": classifier,
    "state": lambda: fastmlp.export.pytorch.to_state_dict(model()),
    "from_weights.weights": lambda: fastmlp.export.keras.to_weights(model()),
    "embeddings": lambda: None,
    "data": lambda: X.copy(),
    "grads_and_vars": lambda: None,
}


@dataclass(frozen=True)
class Entry:
    """Something to call.

    Attributes
    ----------
    name : str
        Where it is, as one writes it.
    call : function
        Takes the arguments by name, those of the object whose method it is left out.
    make : function
        Returns new right arguments by name.
    parameters : dict
        All parameters that have a name.
    written : tuple of str
        Arrays that the call may change.
    kind : str
        What it is counted as.
    """

    name: str
    call: Callable[..., Any]
    make: Callable[[], dict[str, Any]]
    parameters: dict[str, inspect.Parameter]
    written: tuple[str, ...] = ()
    kind: str = "function"
    extra: dict[str, Any] = field(default_factory=dict)


def public(module):
    """The names that a module offers, with what they are."""
    found = importlib.import_module(module)
    named = vars(found).get("__all__")
    for name in named or [name for name in vars(found) if not name.startswith("_")]:
        value = getattr(found, name, None)
        home = getattr(value, "__module__", None) or ""
        if not callable(value) or name in INTERNAL or isinstance(value, types.GenericAlias):
            continue
        if named or home == module or home.startswith(f"{module}."):
            yield name, value


def signature(function):
    try:
        return inspect.signature(function)
    except (ValueError, TypeError):
        return None


def named_parameters(function):
    wanted = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {name: one for name, one in signature(function).parameters.items() if one.kind in wanted and name != "self"}


def right(owner, parameters, module=""):
    """A function that gives new right arguments: of all parameters that are needed, and others where that is said."""
    chosen = {}
    for name, parameter in parameters.items():
        own, made = RIGHT.get(f"{owner}.{name}") or RIGHT.get(f"{module}.{name}"), RIGHT.get(name)
        needed = parameter.default is parameter.empty
        if own is not None:
            chosen[name] = own
        elif made is not None and (needed or name in ("verbose", "epochs", "batch_size")):
            chosen[name] = made
        elif needed:
            raise LookupError(f"{module}.{owner}: needs a right value of {name}")

    def make():
        values = {name: made() for name, made in chosen.items()}
        return {name: value.get(module) if name == "identifier" else value for name, value in values.items()}

    return make


def kernel_entry(name, kernel):
    contract = kernel.contract

    def make():
        values = {}
        for argument, what in contract.items():
            if argument == "out":
                continue
            if hasattr(what, "dimensions"):
                axes = 2 if what.dimensions == "..." else len(what.names)
                sizes = [int(one) if one.isdigit() else 2 for one in what.names] if what.dimensions != "..." else [2, 2]
                integers = what.dtype is not None and np.dtype(what.dtype).kind in "iu"
                rng = np.random.default_rng(len(argument))
                shape = sizes[:axes]
                values[argument] = (
                    np.ones(shape, what.dtype) if integers else rng.uniform(0.1, 0.9, shape).astype(what.dtype or float)
                )
            else:
                low, high = getattr(what, "low", 0), getattr(what, "high", 1)
                values[argument] = what.kind(min(max(1, low), high)) if what.kind is int else min(max(0.5, low), high)
        if name == "reshape":
            values |= {"rows": 1, "columns": 4}
        return values

    written = (*(argument for argument, what in contract.items() if getattr(what, "updated", False)), "out")
    return Entry(f"fastmlp.kernels.{name}", kernel, make, named_parameters(kernel), written, "kernels")


def instance(cls):
    """A new object of a class that is ready for its methods, or None where the class is only a base."""
    name = cls.__name__
    if name in ("Model", "Sequential"):
        return model()
    if cls.__module__.startswith("fastmlp.sklearn"):
        return classifier(cls=name)
    if name == "Preparation":
        return preparation()
    if inspect.isabstract(cls):
        return None
    made = cls(**right(name, named_parameters(cls), cls.__module__)())
    if isinstance(made, layers.Layer) and not isinstance(made, (layers.InputLayer,)):
        made.build([(4,), (4,)] if name in MERGING else (4,))
    return made


MERGING = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
BASES = (
    layers.Layer,
    losses.Loss,
    metrics.Metric,
    metrics.RowMetric,
    optimizers.Optimizer,
    schedules.LearningRateSchedule,
    initializers.Initializer,
    constraints.Constraint,
    fastmlp.Regularizer,
    callbacks.Callback,
)


def methods(cls, seen):
    """The public methods of a class, with the class that defines each, and the properties that can be set."""
    for name in dir(cls):
        if (name.startswith("_") and name != "__call__") or name in INTERNAL or name.startswith(HOOKS):
            continue
        static = inspect.getattr_static(cls, name)
        home = next(one for one in cls.__mro__ if name in vars(one))
        if not home.__module__.startswith("fastmlp") or issubclass(cls, INTERNAL_OF.get(name, ())):
            continue
        if isinstance(static, property):
            if static.fset is not None:
                yield name, "setter"
            continue
        is_method = inspect.isfunction(getattr(cls, name)) or inspect.ismethod(getattr(cls, name))
        if is_method and (name not in SHARED or (home, name) not in seen):
            seen.add((home, name))
            yield name, "method"


def special(cls, name):
    """Right arguments of methods that differ by class."""
    if issubclass(cls, layers.Layer) and not issubclass(cls, models.Model):
        inputs = (np.abs(X) * 2).astype(int) if cls is layers.Embedding else X.copy()
        inputs = [inputs, inputs.copy()] if cls.__name__ in MERGING else inputs
        shape = [(4,), (4,)] if cls.__name__ in MERGING else (4,)
        given = {
            "__call__": {"inputs": inputs},
            "build": {"input_shape": shape},
            "compute_output_shape": {"input_shape": shape},
        }
        if name == "set_weights":
            return {"weights": instance(cls).get_weights()}
        return given.get(name, {})
    if issubclass(cls, metrics.Metric):
        by_labels = "Sparse" in cls.__name__
        y = {"y_true": LABELS.copy() if by_labels else HOT.copy()}
        if cls in (metrics.Mean, metrics.Sum):
            y = {"values": np.arange(3.0)}
        elif cls is metrics.AnyAccuracy:
            y = {"y_true": HOT.copy()}
        return {"update_state": y, "__call__": y | ({} if "values" in y else {"y_pred": PROBABILITIES.copy()})}.get(
            name, {}
        )
    if issubclass(cls, losses.Loss):
        return {"y_true": LABELS.copy()} if "Sparse" in cls.__name__ else {}
    if issubclass(cls, initializers.Initializer):
        return {"shape": (4, 4)} if name == "__call__" else {}
    if issubclass(cls, constraints.Constraint):
        return {}
    if cls.__module__.startswith("fastmlp.sklearn"):
        if name in ("fit", "partial_fit", "score"):
            return {"X": X.copy(), "y": X[:, 0].copy() if "Regressor" in cls.__name__ else LABELS.copy()}
        return {"filepath": "written.onnx"} if name == "export" else {}
    return {}


def method_entry(path, cls, name, what):
    label = f"{path}.{name}" if name != "__call__" else f"{path}(...)"
    kind = home_of(cls)
    if what == "setter":
        values = {"trainable": lambda: True, "learning_rate": lambda: 0.2}
        make = lambda: {"value": values[name]()}  # noqa: E731
        parameter = inspect.Parameter("value", inspect.Parameter.POSITIONAL_OR_KEYWORD)

        def put(value):
            setattr(instance(cls), name, value)

        return Entry(f"{label} = value", put, make, {"value": parameter}, (), kind)
    parameters = named_parameters(getattr(cls, name))
    known = special(cls, name)
    if name == "__call__" and issubclass(cls, metrics.Metric):
        parameters = named_parameters(cls.update_state)
    needed = {key: one for key, one in parameters.items() if key not in known}
    others = right(name, needed, cls.__module__)
    if name == "from_config":
        make = lambda: {"config": instance(cls).get_config()}  # noqa: E731
        return Entry(label, cls.from_config, make, parameters, (), kind)
    if name == "apply_gradients" and issubclass(cls, optimizers.Optimizer):

        def make_pairs():
            owner = model()
            return {
                "grads_and_vars": list(
                    zip([np.ones(v.shape) for v in owner.trainable_weights], owner.trainable_weights, strict=True)
                )
            }

        return Entry(
            label,
            lambda grads_and_vars: instance(cls).apply_gradients(grads_and_vars),
            make_pairs,
            parameters,
            (),
            kind,
        )

    def make_all():
        return {**others(), **special(cls, name)}

    def call(**arguments):
        return getattr(instance(cls), name)(**arguments)

    return Entry(label, call, make_all, parameters, ("out",), kind)


def home_of(value):
    return ".".join(value.__module__.split(".")[1:2]) or "fastmlp"


def class_entry(path, cls):
    """Making an object, and using it as it is meant."""
    name = cls.__name__
    parameters = named_parameters(cls)
    make = right(name, parameters, cls.__module__)
    if cls.__module__.startswith("fastmlp.sklearn"):

        def make():
            return {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}

    def call(**arguments):
        made = cls(**arguments)
        use(made)
        return made if isinstance(made, fastmlp.losses.Loss) else None

    return Entry(path, call, make, parameters, (), home_of(cls))


# Entries whose arguments above are refused for a reason.
REFUSED = {
    "fastmlp.metrics.MeanMetricWrapper.from_config": "a function is no JSON",
}


def use(made):
    """Do with an object what it is for, on small data."""
    if isinstance(made, models.Model):
        if made.built:
            made.compile("sgd", "mse")
    elif isinstance(made, layers.InputLayer) or type(made) in BASES:
        pass
    elif isinstance(made, layers.Layer):
        inputs = layers.Input((4,))
        outputs = made([inputs, inputs]) if type(made).__name__ in MERGING else made(inputs)
        models.Model(inputs, outputs, seed=0).predict(np.abs(X), verbose=0)
    elif isinstance(made, losses.Loss):
        labels = "Sparse" in type(made).__name__
        made(LABELS if labels else HOT, PROBABILITIES)
    elif isinstance(made, metrics.Metric):
        if isinstance(made, (metrics.Mean, metrics.Sum)):
            made.update_state([1.0, 2.0])
        else:
            made.update_state(LABELS if "Sparse" in type(made).__name__ else HOT, PROBABILITIES)
        made.result()
    elif isinstance(made, schedules.LearningRateSchedule):
        train(optimizers.SGD(made))
    elif isinstance(made, optimizers.Optimizer):
        train(made)
    elif isinstance(made, initializers.Initializer):
        made((4, 4))
    elif isinstance(made, (fastmlp.Regularizer, constraints.Constraint)):
        part = "kernel_regularizer" if isinstance(made, fastmlp.Regularizer) else "kernel_constraint"
        own = models.Sequential([layers.Input((4,)), layers.Dense(3, **{part: made})], seed=0)
        own.compile("sgd", "mse")
        own.train_on_batch(X, HOT)
    elif isinstance(made, callbacks.Callback):
        own = model()
        if isinstance(made, callbacks.SwapEMAWeights):
            own.compile(optimizers.SGD(0.1, use_ema=True), "mse")
        own.fit(X, HOT, epochs=2, verbose=0, validation_data=(X, HOT), callbacks=[made])
    elif hasattr(made, "predict") and hasattr(made, "fit"):
        made.fit(X, X[:, 0] if "Regressor" in type(made).__name__ else LABELS).predict(X)
    elif type(made).__name__ == "Preparation":
        made.fit(table().drop("y")).transform(table().drop("y"))


def train(optimizer):
    own = model()
    own.compile(optimizer, "mse")
    own.train_on_batch(X, HOT)
    own.fit(X, HOT, verbose=0)


def network():
    stages = [dense(3), activation("softmax")]
    made = kernels.Network(4, stages, "categorical_crossentropy", {"name": "sgd", "learning_rate": 0.1}, "float64")
    made.set_weights([np.ones((4, 3)) / 8, np.zeros(3)])
    return made


OF_NETWORK = {
    "order": lambda: np.arange(6),
    "orders": lambda: np.arange(6)[None],
    "results": list,
    "unpacked.weights": lambda: np.zeros(network().packed_size),
    "predict_small.out": lambda: np.empty((6, 3)),
    "state": lambda: network().get_optimizer_state(),
    "weights": lambda: network().get_weights(),
    "gradients": lambda: network().get_weights(),
    "learning_rate": lambda: 0.1,
    "threads": lambda: 1,
}


def network_entries():
    """The compiled network, which takes arrays as they are."""
    names = [name for name in dir(kernels.Network) if not name.startswith("_") and name not in INTERNAL]
    for name in names:
        function = getattr(kernels.Network, name)
        if not callable(function) or not named_parameters(function):
            continue
        parameters = named_parameters(function)
        needed = [key for key, one in parameters.items() if one.default is one.empty]
        made = {key: OF_NETWORK.get(f"{name}.{key}") or OF_NETWORK.get(key) or RIGHT[key] for key in needed}

        def call(name=name, **arguments):
            return getattr(network(), name)(**arguments)

        def make(made=made):
            return {key: value() for key, value in made.items()}

        written = (
            ("out", "input_gradient", "predictions", "results", "held_out", "weights")
            if "train" in name
            else ("out", "input_gradient", "predictions")
        )
        yield Entry(f"fastmlp.kernels.Network.{name}", call, make, parameters, written, "kernels")


def command_entries():
    """The programs of the command line, whose options get texts."""
    from fastmlp import cli
    from fastmlp.commands import predict, train

    yield command_entry("fastmlp-train", cli.main, train.make_parser(), lambda: [*DIGITS, *SMALL])
    yield command_entry("fastmlp-predict", cli.predict, predict.make_parser(), lambda: [trained_digits(), "digits.idx"])


DIGITS, SMALL = ["digits"], ["--epochs", "1", "--hidden", "4", "--quiet"]


def trained_digits():
    """A model of the command, beside a file of pictures."""
    from fastmlp import cli
    from fastmlp.datasets.idx import write_idx

    if not Path("digits.safetensors").exists():
        cli.main([*DIGITS, *SMALL, "--output", "digits.safetensors"])
        write_idx("digits.idx", np.zeros((3, 8, 8), np.uint8))
    return "digits.safetensors"


def command_entry(name, main, parser, usual):
    options = {one.dest: one for one in parser._actions if one.dest not in ("help", "version")}
    places = [dest for dest, one in options.items() if not one.option_strings]

    def call(**given):
        words = usual()
        for option, value in given.items():
            if option in places:
                words[places.index(option)] = value if isinstance(value, str) else short_text(value)
                continue
            words.append(options[option].option_strings[-1])
            if options[option].nargs != 0:
                words.append(value if isinstance(value, str) else short_text(value))
        try:
            main(words)
        except SystemExit as ended:
            if ended.code not in (None, 0, 1, 2):
                raise AssertionError(f"ended with {ended.code}") from ended

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = {option: inspect.Parameter(option, keyword, default=None) for option in options}
    return Entry(name, call, dict, parameters, (), "commands")


def short_text(value):
    """A value as a shell would give it."""
    try:
        return str(value)[:1000]
    except ValueError:
        return "1" + "0" * 4999


def entries():
    """All entries, in their order, each once."""
    seen, found = set(), []
    for module in MODULES:
        for name, value in public(module):
            if id(value) in seen:
                continue
            seen.add(id(value))
            path = f"{module}.{name}"
            if hasattr(value, "contract"):
                found.append(kernel_entry(name, value))
            elif not isinstance(value, type):
                parameters = named_parameters(value)
                if not parameters:
                    continue
                labels = {"y_true": LABELS.copy} if "sparse" in name and "y_true" in parameters else {}
                others = right(name, {key: one for key, one in parameters.items() if key not in labels}, module)

                def make(others=others, labels=labels):
                    return {**others(), **{key: made() for key, made in labels.items()}}

                kind = module.split(".")[1] if "." in module else "fastmlp"
                found.append(Entry(path, value, make, parameters, ("out",), kind))
            elif value is not kernels.Network:
                if named_parameters(value) and value not in BASES:
                    found.append(class_entry(path, value))
                if value in BASES or inspect.isabstract(value):
                    continue
                found += [
                    method_entry(path, value, *one) for one in methods(value, seen) if takes_something(value, *one)
                ]
    return [*found, *network_entries(), *command_entries()]


def takes_something(cls, name, what):
    return what == "setter" or name == "__call__" or bool(named_parameters(getattr(cls, name)).keys() - {"cls"})
