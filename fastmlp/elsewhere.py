"""Names of Keras that are not here, and what to do instead, as modules and objects say when asked for one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

EVERYWHERE = {
    "deserialize.*|serialize.*|get_(registered|source|custom).*|.*register.*|custom_object_scope|CustomObjectScope": (
        "models.load_model takes custom_objects, and objects have get_config and from_config"
    ),
}
INSTEAD = {  # module: pattern of names: what to do instead
    "fastmlp": {
        "ops|Function|Operation|Variable|.*Scope|remat|device|name_scope|tree|src": (
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
        "saving": "models has load_model and save_model",
        "visualization": "there is fastmlp.plots",
        "wrappers": "fastmlp.sklearn has estimators",
        "legacy": "models are Sequential and Model",
        "version": "it is fastmlp.__version__",
    },
    "backend": {".*": "arrays are NumPy's, and symbols are added and multiplied; config has the settings"},
    "utils": {
        "array_to_img|img_to_array|load_img|save_img|.*_from_directory": "a library such as Pillow reads pictures",
        "pad_sequences|timeseries.*": "rows have a fixed length; numpy.pad and sliding_window_view make them",
        "get_file": "datasets downloads its own",
        ".*interactive_logging.*": "fit takes verbose=0, 1 or 2",
        "is_keras_tensor": "isinstance(x, layers.Symbol) tells whether x is a symbol",
        "(un)?pack_x_y_sample_weight": "fit takes x, y and sample_weight, and tuples of them from generators",
        "standardize_dtype": "types have NumPy's names",
        "bounding_boxes": "it trains dense networks, on arrays of any source",
        "Config": "a dict does the same",
        "legacy": "models.load_model takes custom_objects",
        "model_to_dot": "there is plot_model",
        "FeatureSpace": "columns are prepared before; Embedding takes categories by their numbers",
    },
    "export": {".*": "model.export writes .onnx files and C headers; Keras exports what model.save('m.keras') writes"},
    "layers": {
        "dot": "sums of products are layers.Dense(1, use_bias=False, kernel_initializer='ones', trainable=False)(a * b)"
    },
    "callbacks": {
        "ProgbarLogger|CallbackList": "fit prints its progress by itself: verbose=1",
        "OrbaxCheckpoint": "ModelCheckpoint and BackupAndRestore write files",
        "RemoteMonitor": "LambdaCallback, or a callback of your own, sends what it likes",
    },
    "losses": {
        "(?i)mse|mae|mape|msle|kld": "by short names there are the losses of compile; the functions have long ones",
        ".*": "a loss of your own is a function that returns its value and its gradient",
    },
    "metrics": {
        ".*[cC]orrelation": "a function sees all rows: lambda y_true, y_pred: np.corrcoef(y_true.T, y_pred.T)[0, 1]",
        ".*IoU": "of one class it is TP / (TP + FP + FN), of TruePositives, FalsePositives and FalseNegatives",
        ".*": "a metric of your own is a function of y_true and y_pred, or a subclass of Metric",
    },
    "optimizers": {
        "LossScaleOptimizer": "no type here is so short that it would help",
        ".*": "for rules of your own there are model.gradients and variables' assign",
    },
    "initializers": {".*": "an initializer of your own is a function f(shape, dtype)"},
    "regularizers": {".*": "a penalty of your own is added to the gradients, see docs/keras.md"},
    "activations": {
        "glu": "halves of a layer are two layers: Dense(8)(x) * Dense(8, 'sigmoid')(x)",
    },
    "datasets": {".*": "arrays of any source are taken as they are"},
    "config": {
        "set_(backend|image_data_format)": "everything is computed by the compiled engine",
        "set_epsilon": "it is 1e-7, as in Keras; optimizers and layers take their own",
        "(set_)?dtype_policy": "there is set_floatx, and each model takes dtype",
        ".*flash_attention.*|is_nnx_enabled": "everything is computed by the compiled engine",
        ".*interactive_logging.*": "fit takes verbose=0, 1 or 2",
        ".*traceback_filtering.*": "errors are raised as they are",
        "enable_unsafe_deserialization": "loading a file runs no code in it",
        "(set_)?max_(epochs|steps_per_epoch)": "fit takes epochs and steps_per_epoch",
    },
}
OF_OBJECTS = {  # class: its attributes in Keras: what to do instead; a subclass has those of its bases too
    "Layer": {
        "add_loss": "a layer takes activity_regularizer, and compile a loss of your own",
        "add_metric": "compile takes metrics",
        "add_weight add_variable": "weights are those of the layers here; functions of your own may be losses",
        "call symbolic_call stateless_call rematerialized_call": "call the layer itself, on symbols or arrays",
        "compute_mask supports_masking": "rows have a fixed length; what a row weighs is sample_weight",
        "compute_output_spec": "there is compute_output_shape",
        "compute_dtype variable_dtype input_dtype dtype_policy": "it has one type: dtype",
        "input_spec": "there is input_shape",
        "build_from_config get_build_config": "there are build(input_shape), get_config and from_config",
        "load_own_variables save_own_variables": "there are get_weights and set_weights",
        "quantize quantized_build quantized_call quantization_mode": "it computes in one type: float32 or float64",
        "path": "a layer has a name, and its weights have paths",
        "metrics metrics_variables": "metrics are those of a compiled model",
    },
    "Model": {
        "train_step test_step predict_step make_train_function make_test_function make_predict_function": (
            "steps are the engine's; gradients and apply_gradients make a loop of your own, see docs/keras.md"
        ),
        "compute_loss compute_loss_and_updates stateless_compute_loss": (
            "compile takes a loss of your own, and gradients returns the loss of given rows"
        ),
        "compute_metrics get_metrics_result reset_metrics": (
            "evaluate and test_on_batch return the metrics; each begins anew"
        ),
        "get_compile_config compile_from_config": "models.load_model compiles a model as it was",
        "to_yaml": "there is to_json",
        "run_eagerly jit_compile jax_state_sync": "everything is computed by the compiled engine",
        "get_state_tree set_state_tree": "there are get_weights and set_weights, and save for all",
        "get_quantization_layer_structure": "it computes in one type: float32 or float64",
        "fit_generator evaluate_generator predict_generator": "fit, evaluate and predict take generators",
        "predict_classes predict_proba": "predict returns probabilities, and its argmax(axis=-1) the classes",
        "reset_states": "it has no recurrence, and no states",
    },
    "Optimizer": {
        "apply minimize": "there is apply_gradients, of pairs (gradient, variable)",
        "lr": "it is learning_rate",
        "get_weights set_weights load_own_variables save_own_variables": "model.save keeps its state",
        "assign assign_add assign_sub": "a variable has assign",
        "build add_variable add_optimizer_variables add_variable_from_reference": "its state is made by the engine",
        "finalize_variable_values": "fit ends with the averages where use_ema=True",
        "scale_loss": "no type here is so short that it would help",
        "update_step stateless_apply": "updates are the engine's; for rules of your own there is model.gradients",
    },
    "Metric": {
        "stateless_update_state stateless_reset_state stateless_result": (
            "there are update_state, reset_state and result"
        ),
    },
    "Initializer": {"clone": "it may be used again as it is"},
    "Symbol": {
        "ndim": "it is len(symbol.shape)",
        "reshape squeeze": "there are layers.Reshape and layers.Flatten",
        "numpy": "it has no values; a model's predict computes them",
        "sparse ragged ragged_rank row_splits_dtype": "rows are dense, and of equal length",
    },
    "Variable": {
        "assign_add": "it is variable.assign(variable.numpy() + value)",
        "assign_sub": "it is variable.assign(variable.numpy() - value)",
        "ndim": "it is len(variable.shape)",
        "constraint regularizer": "they are settings of its layer, such as kernel_regularizer",
        "aggregation synchronization overwrite_with_gradient": "weights are in one place, and set by assign",
    },
}
BY_NAME = {
    kind: {name: advice for names, advice in table.items() for name in names.split()}
    for kind, table in OF_OBJECTS.items()
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


class Advises:
    """Base of what has a class in Keras with other attributes, too; asked for one, it says what to do instead."""

    __slots__ = ()

    if not TYPE_CHECKING:  # type checkers report what is missing by themselves

        def __getattr__(self, name):
            kind = type(self)
            if hasattr(kind, name):  # a property that has raised: once more, for its own words
                return object.__getattribute__(self, name)
            said = f"{kind.__name__!r} object has no attribute {name!r}"
            found = (BY_NAME.get(base.__name__, {}).get(name) for base in kind.__mro__)
            advice = next((f": {one}" for one in found if one is not None), "")
            raise AttributeError(said + advice, name=name, obj=self)
