"""All public ways to use an object, found by introspection, with arguments for each of them by name."""

import contextlib
import inspect
import io
import pickle
import re
from copy import deepcopy

# Methods of models that have no underscore as other files call them: no way of a user's.
INSIDE = """
argument arguments build_for build_like call_on checked_inputs compile_frozen compute direction_of
discard_network draw_weights enter_model flags_have_changed for_engine frozen_when_compiled
go_on_from homes in_container in_own_order layer_for learning_rates leave_model leaves
name_by_levels named_variables names_for network_for_gradients network_for_rows network_for_training
of_one_moment offer_seed output_row_shapes overwrite register require_loss require_unchanged
reshaped set_backup shapes_for shown specs statistics symbols_of take_layers trains unregister
use_average use_dtype weight_initializer weight_shapes
"""
INSIDE = set(INSIDE.split())
SPECIAL = {"copy": deepcopy, "pickle": pickle.dumps}
NAMED = re.compile(r"(?s).*(\b(got|needs)\b|running already)")  # an error that says what was wrong


def ways_of(subject, arguments, random, left_out=INSIDE):
    """Return what can be done with an object, by name: functions without arguments.

    Parameters
    ----------
    subject : object
    arguments : dict of functions
        Make the values of the arguments of a name. Those that a method needs are always given, the others at times.
    random : random.Random
    left_out : set of str
        Names that are no public way.

    Raises
    ------
    LookupError
        For a needed argument without a line in `arguments`.
    """
    found = {}
    for name in dir(subject):
        if name.startswith("_") or name in left_out:
            continue
        what = inspect.getattr_static(type(subject), name, None)
        if isinstance(what, (classmethod, staticmethod)):
            continue
        if callable(what):
            found[name] = method(subject, name, arguments, random)
        else:
            found[name] = lambda name=name: getattr(subject, name)
    if callable(subject):
        found["call"] = lambda: subject(arguments["x"]())
    return found | {name: lambda use=use: use(subject) for name, use in SPECIAL.items()}


def method(subject, name, arguments, random):
    """Return a function that calls a method with arguments of their names."""
    parameters = [
        one
        for one in inspect.signature(getattr(subject, name)).parameters.values()
        if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    ]
    needed = [one.name for one in parameters if one.default is one.empty]
    optional = [one.name for one in parameters if one.name not in needed and one.name in arguments]
    missing = [one for one in needed if one not in arguments]
    if missing:
        raise LookupError(f"{type(subject).__name__}.{name} needs {missing}: give values, or say that it is inside")

    def call():
        chosen = [*needed, *(one for one in optional if one in ALWAYS or random.random() < 0.3)]
        return getattr(subject, name)(**{one: arguments[one]() for one in chosen})

    return call


ALWAYS = ("verbose", "y", "epochs", "x", "print_fn")  # given where a method takes them


@contextlib.contextmanager
def quiet():
    """Print nothing, in no thread: to be used once around all of them."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def is_named(error):
    """Whether an error says which argument or use was wrong."""
    if isinstance(error, ExceptionGroup):
        return all(is_named(one) for one in error.exceptions)
    return isinstance(error, (ValueError, TypeError, RuntimeError)) and bool(NAMED.match(str(error)))
