"""The stages a network is a row of: each has a forward and a backward formula, and weights of its own or none.

A stage is a dict: "kind", the settings of its layer, and "weights", its arrays by name. A dense layer is taken apart
into the affine map and its activation.
"""

import inspect
import math

from reference import activations, normalization, ops, rectifiers
from reference.dense import dense_bias_gradient, dense_forward, dense_input_gradient, dense_kernel_gradient
from reference.dropout import dropout, gaussian_noise
from reference.weights import sign

ACTIVATIONS = {  # name: function, gradient
    name: (getattr(module, name), getattr(module, name + "_gradient"))
    for module in (activations, rectifiers)
    for name in module.__all__
    if name + "_gradient" in module.__all__
}
ACTIVATIONS["relu"] = (ops.relu, activations.relu_gradient)
# whose gradients take the input x, where the others take the output y
FROM_INPUT = [name for name, (_, gradient) in ACTIVATIONS.items() if "x" in inspect.signature(gradient).parameters]
TRAINED = ("kernel", "bias", "gamma", "beta")  # weights that have gradients; the others are statistics of the data
LEAST_DEVIATION = 1e-7  # what a given mean and variance divide by at least


def build_stages(inputs, layers):
    """The layers as stages with weights of 0; a stage that draws numbers has the index of its layer to draw them by."""
    stages = []
    for index, layer in enumerate(layers):
        stages.append({**layer, "layer": index, "weights": zeros_for(layer, inputs)})
        if layer["kind"] == "dense":
            stages.append({"kind": "activation", "activation": layer["activation"], "weights": {}})
            inputs = layer["units"]
    return stages


def zeros_for(layer, inputs):
    """The weights of a layer by name: matrices of 0 [inputs, units] and vectors of 0."""
    if layer["kind"] == "dense":
        kernel = [[0.0] * layer["units"] for _ in range(inputs)]
        return {"kernel": kernel, "bias": [0.0] * layer["units"]} if layer["use_bias"] else {"kernel": kernel}
    names = []
    if layer["kind"] in ("batch_normalization", "layer_normalization"):
        names += ["gamma"] if layer["use_gamma"] else []
        names += ["beta"] if layer["use_beta"] else []
    if layer["kind"] in ("batch_normalization", "normalization"):
        names += ["mean", "variance"]
    return {name: [0.0] * inputs for name in names}


def stage_forward(stage, x, step):
    """Output of a stage, [rows, units], for its input x : [rows, inputs].

    step keys what is drawn; None is for predictions: no dropout, no noise, and moving statistics stay as they are.
    """
    kind, weights = stage["kind"], stage["weights"]
    if kind == "dense":
        if "bias" in weights:
            return dense_forward(x, weights["kernel"], weights["bias"])
        return ops.matrix_dot(x, weights["kernel"])
    if kind == "activation":
        function, _ = ACTIVATIONS[stage["activation"]]
        return function(x)
    if kind == "rescaling":
        return [[v * stage["scale"] + stage["offset"] for v in row] for row in x]
    if kind == "dropout":
        return x if step is None else dropout(x, stage["rate"], stage["seed"], step, stage["layer"])
    if kind == "gaussian_noise":
        return x if step is None else gaussian_noise(x, stage["stddev"], stage["seed"], step, stage["layer"])
    if kind == "unit_normalization":
        return normalization.unit_rows(x)
    if kind == "layer_normalization":
        return normalization.normalize_rows(x, stage["epsilon"], *scale_and_shift(stage, x))
    if kind in ("batch_normalization", "normalization"):
        if kind == "batch_normalization" and step is not None:
            move_statistics(stage, x)
        return normalization.normalize(x, *column_statistics(stage, x, step), *scale_and_shift(stage, x))
    return x  # an activity penalty only counts


def stage_backward(stage, x, y, dy, step):
    """Gradient of the input x of a stage, given its output y and the gradient dy of that; step as in stage_forward."""
    kind = stage["kind"]
    if kind == "dense":
        return dense_input_gradient(dy, stage["weights"]["kernel"])
    if kind == "activation":
        _, gradient = ACTIVATIONS[stage["activation"]]
        return gradient(x if stage["activation"] in FROM_INPUT else y, dy)
    if kind == "rescaling":
        return [[d * stage["scale"] for d in row] for row in dy]
    if kind == "dropout":
        return dy if step is None else dropout(dy, stage["rate"], stage["seed"], step, stage["layer"])
    if kind == "activity_penalty":
        return ops.add(dy, activity_gradient(stage, y))
    if kind == "unit_normalization":
        return normalization.unit_rows_input_gradient(dy, x)
    if kind == "layer_normalization":
        gamma, _ = scale_and_shift(stage, x)
        return normalization.rows_input_gradient(dy, x, stage["epsilon"], gamma)
    if kind in ("batch_normalization", "normalization"):
        gamma, _ = scale_and_shift(stage, x)
        mean, inverse = column_statistics(stage, x, step)
        if kind == "batch_normalization" and step is not None:
            return normalization.batch_input_gradient(dy, x, mean, inverse, gamma)
        return normalization.given_input_gradient(dy, inverse, gamma)
    return dy  # noise is added


def stage_gradients(stage, x, dy, step):
    """Gradients of a stage's trained weights by name, without those of their penalties."""
    kind, weights = stage["kind"], stage["weights"]
    gradients = {}
    if "kernel" in weights:
        gradients["kernel"] = dense_kernel_gradient(x, dy)
    if "bias" in weights:
        gradients["bias"] = dense_bias_gradient(dy)
    if "gamma" in weights and kind == "layer_normalization":
        normals = normalization.row_normals(x, stage["epsilon"])
        gradients["gamma"] = normalization.products_of_columns(dy, normals)
    elif "gamma" in weights:
        gradients["gamma"] = normalization.gamma_gradient(dy, x, *column_statistics(stage, x, step))
    if "beta" in weights:
        gradients["beta"] = normalization.beta_gradient(dy)
    return gradients


def scale_and_shift(stage, x):
    """gamma and beta of a normalization; 1 and 0 where it has none."""
    columns = len(x[0])
    return stage["weights"].get("gamma", [1.0] * columns), stage["weights"].get("beta", [0.0] * columns)


def column_statistics(stage, x, step):
    """Means and inverse deviations that columns are normalized with: in training those of the batch, if it has any."""
    mean, variance = stage["weights"]["mean"], stage["weights"]["variance"]
    if stage["kind"] == "normalization":
        return mean, [1.0 / max(math.sqrt(v), LEAST_DEVIATION) for v in variance]
    if step is not None:
        mean, variance = normalization.batch_statistics(x)
    return mean, normalization.inverse_deviations(variance, stage["epsilon"])


def move_statistics(stage, x):
    """Move the mean and the variance that predictions use towards those of a batch."""
    for name, found in ops.pairs(("mean", "variance"), normalization.batch_statistics(x)):
        stage["weights"][name][:] = normalization.moved(stage["weights"][name], found, stage["momentum"])


def activity_penalties(stage, y):
    """The penalty of each row, [rows]: l1 * sum_j |y_ij| + l2 * sum_j y_ij^2."""
    penalties = []
    for row in y:
        magnitudes = ops.vector_sum([abs(v) for v in row])
        penalties.append(stage["l1"] * magnitudes + stage["l2"] * ops.vector_dot(row, row))
    return penalties


def activity_gradient(stage, y):
    """Gradient of the mean of the rows' penalties."""
    rows = len(y)
    return [[((2.0 * stage["l2"]) * v + stage["l1"] * sign(v)) / rows for v in row] for row in y]
