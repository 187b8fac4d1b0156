"""Names of Keras that are not here, and what to do instead: what a module says when it is asked for one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

EVERYWHERE = {
    "deserialize.*|serialize.*|get_(registered|source|custom).*|.*register.*|custom_object_scope|CustomObjectScope": (
        "models.load_model takes custom_objects, and objects have get_config and from_config"
    ),
}
INSTEAD = {  # module: pattern of names: what to do instead
    "fastmlp": {
        "backend|ops|Function|Operation|Variable|.*Scope|remat|device|name_scope|tree|src": (
            "symbols are added and multiplied, and layers make the graph; arrays are NumPy's; config has floatx"
        ),
        "GradientTape|gradients": "model.gradients and model.vjp give gradients, see docs/keras.md",
        "KerasTensor|InputSpec": "Input gives a symbol, which has shape, dtype and name",
        "random": "numpy.random draws arrays; a model's seed decides all that is random in it",
        "applications|distillation": "it trains dense networks; models are loaded by models.load_model",
        "preprocessing": "layers has Normalization and Rescaling; texts and pictures are made arrays before",
        "mixed_precision|.*DTypePolicy|dtype_policies|quantizers|Quantizer": (
            "a model computes in one type: dtype='float32' or 'float64'"
        ),
        "distribution": "threads are chosen by set_num_threads",
        "export": "model.save writes .safetensors",
        "saving": "models has load_model and save_model",
        "visualization": "there is fastmlp.plots",
        "wrappers": "fastmlp.sklearn has estimators",
        "legacy": "models are Sequential and Model",
        "version": "it is fastmlp.__version__",
    },
    "utils": {
        "clear_session": "nothing is kept between models; set_random_seed begins anew",
        "array_to_img|img_to_array|load_img|save_img|.*_from_directory": "a library such as Pillow reads pictures",
        "pad_sequences|timeseries.*": "rows have a fixed length; numpy.pad and sliding_window_view make them",
        "get_file": "datasets downloads its own",
        "split_dataset": "fit takes validation_split",
        "Progbar|.*interactive_logging.*": "fit takes verbose=0, 1 or 2",
        "model_to_dot": "there is plot_model",
        "FeatureSpace": "columns are prepared before; Embedding takes categories by their numbers",
    },
    "models": {"model_from_json": "there is Model.from_config, and load_model"},
    "callbacks": {"ProgbarLogger|CallbackList": "fit prints its progress by itself: verbose=1"},
    "losses": {".*": "a loss of your own is a function that returns its value and its gradient"},
    "metrics": {".*": "a metric of your own is a function of y_true and y_pred, or a subclass of Metric"},
    "optimizers": {".*": "for rules of your own there are model.gradients and variables' assign"},
    "initializers": {".*": "an initializer of your own is a function f(shape, dtype)"},
    "regularizers": {".*": "a penalty of your own is added to the gradients, see docs/keras.md"},
    "constraints": {".*": "weights are set by a callback at the end of each batch"},
    "activations": {".*": "those of the table are computed by the engine"},
    "datasets": {".*": "arrays of any source are taken as they are"},
    "config": {
        "(set_)?(backend|image_data_format)": "everything is computed by the compiled engine",
        "set_epsilon": "it is 1e-7, as in Keras; optimizers and layers take their own",
        "(set_)?dtype_policy": "there is set_floatx, and each model takes dtype",
    },
}


def missing(module: str, name: str) -> AttributeError:
    """Return the error for a name that a module does not have."""
    path = module if module == "fastmlp" else f"fastmlp.{module}"
    said = f"module {path!r} has no attribute {name!r}"
    for patterns in (EVERYWHERE, INSTEAD.get(module, {})):
        for pattern, advice in patterns.items():
            if re.fullmatch(pattern, name) and not name.startswith("__"):
                return AttributeError(f"{said}: {advice}")
    return AttributeError(said)


def getter(module: str) -> Callable[[str], Any]:
    """Return a module's `__getattr__`, which is asked for the names that are not there."""

    def get(name: str) -> Any:
        raise missing(module, name)

    return get
