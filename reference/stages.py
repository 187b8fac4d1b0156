"""The stages a network is made of: each has a forward and a backward formula, and weights or none.

A stage is a dict: "kind", the settings of its layer, "reads", the places of its inputs among all values, "weights", its
arrays by name, "owner", the number of the stage that owns those, and "trainable". The values are the network's inputs
and then the output of each stage. A dense layer is taken apart into the affine map and its activation.
"""

import inspect
import math

from reference import activations, curves, normalization, ops, pieces, rectifiers
from reference.dense import dense_bias_gradient, dense_forward, dense_input_gradient, dense_kernel_gradient
from reference.dropout import alpha_dropout, alpha_dropout_gradient, dropout, gaussian_dropout, gaussian_noise
from reference.embedding import embedding_forward, embeddings_gradient
from reference.merging import MERGES
from reference.prelu import prelu_alpha_gradient, prelu_forward, prelu_input_gradient
from reference.weights import sign

ACTIVATIONS = {  # name: function, gradient
    name: (getattr(module, name), getattr(module, name + "_gradient"))
    for module in (activations, rectifiers, pieces, curves)
    for name in module.__all__
    if name + "_gradient" in module.__all__
}
ACTIVATIONS["relu"] = (ops.relu, activations.relu_gradient)
# whose gradients take the input x, where the others take the output y
FROM_INPUT = [name for name, (_, gradient) in ACTIVATIONS.items() if "x" in inspect.signature(gradient).parameters]
# what they take besides, which a stage has under the same names
SETTINGS = {name: list(inspect.signature(function).parameters)[1:] for name, (function, _) in ACTIVATIONS.items()}
TRAINED = (
    "kernel",
    "bias",
    "embeddings",
    "gamma",
    "beta",
    "alpha",
)  # have gradients; other weights are statistics of the data
LEAST_DEVIATION = 1e-7  # what a given mean and variance divide by at least


def build_stages(inputs, layers):
    """The layers as stages with weights of 0, and the place among all values of each input's and layer's.

    inputs are the columns of each. A stage that draws numbers has the index of its layer to draw them by.
    """
    stages, owners, trainable = [], [], []
    widths, places = list(inputs), list(range(len(inputs)))
    for index, layer in enumerate(layers):
        numbers = layer.get("inputs", [len(widths) - 1])
        owner, is_trainable = len(stages), layer.get("trainable", True)
        weights = zeros_for(layer, widths[numbers[0]])
        if "weights_of" in layer:
            shared = layer["weights_of"] - len(inputs)
            owner, is_trainable = owners[shared], trainable[shared]
            weights = stages[owner]["weights"]
        owners.append(owner)
        trainable.append(is_trainable)
        reads = [places[number] for number in numbers]
        owned = {"weights": weights, "owner": owner, "trainable": is_trainable}
        stages.append({**layer, "layer": index, "reads": reads, **owned})
        if layer["kind"] == "dense":
            reads = [len(inputs) + len(stages) - 1]
            stages.append(activation_stage(layer, reads, len(stages)))
        widths.append(output_width(layer, [widths[number] for number in numbers]))
        places.append(len(inputs) + len(stages) - 1)
    return stages, places


def activation_stage(layer, reads, number):
    """The stage that a dense layer's activation is, with that number."""
    owned = {"weights": {}, "owner": number, "trainable": True}
    described = {"activation": layer["activation"], **activation_settings(layer)}
    return {"kind": "activation", **described, "reads": reads, **owned}


def output_width(layer, inputs):
    """The columns of a layer's output, given those of its inputs."""
    kind = layer["kind"]
    if kind == "dense":
        return layer["units"]
    if kind == "concatenate":
        return sum(inputs)
    if kind == "embedding":
        return inputs[0] * layer["output_dim"]
    if kind == "split":
        return inputs[0] // layer["groups"]
    if kind == "join":
        return inputs[0] * layer["groups"]
    return inputs[0]


def owned_weights(stages):
    """All arrays of weights in the order of their owners: each with its key, (owner, name), and its settings."""
    found = []
    for number, stage in enumerate(stages):
        if stage["owner"] == number:
            for name, array in stage["weights"].items():
                settings = dict(stage.get(name, {}))
                penalties = {"l1": settings.pop("l1", 0.0), "l2": settings.pop("l2", 0.0), "constraint": settings}
                is_trained = stage["trainable"] and name in TRAINED
                found.append({"key": (number, name), "array": array, "is_trained": is_trained, **penalties})
    return found


def zeros_for(layer, inputs):
    """The weights of a layer by name: matrices of 0, as [inputs, units], and vectors of 0."""
    if layer["kind"] == "dense":
        kernel = [[0.0] * layer["units"] for _ in range(inputs)]
        return {"kernel": kernel, "bias": [0.0] * layer["units"]} if layer["use_bias"] else {"kernel": kernel}
    if layer["kind"] == "embedding":
        return {"embeddings": [[0.0] * layer["output_dim"] for _ in range(layer["input_dim"])]}
    names = ["alpha"] if layer["kind"] == "prelu" else []
    if layer["kind"] in ("batch_normalization", "layer_normalization"):
        names += ["gamma"] if layer["use_gamma"] else []
        names += ["beta"] if layer["use_beta"] else []
    if layer["kind"] in ("batch_normalization", "normalization"):
        names += ["mean", "variance"]
    return {name: [0.0] * inputs for name in names}


def stage_forward(stage, inputs, step):
    """Output of a stage, [rows, units], for its inputs, a list of [rows, columns].

    step keys what is drawn; None is for predictions: no dropout, no noise, and moving statistics stay as they are.
    A split makes several rows of each, and a join one of several, in their order.
    """
    kind, weights = stage["kind"], stage["weights"]
    if kind in MERGES:
        forward, _ = MERGES[kind]
        return forward(inputs)
    (x,) = inputs
    if kind == "dense":
        if "bias" in weights:
            return dense_forward(x, weights["kernel"], weights["bias"])
        return ops.matrix_dot(x, weights["kernel"])
    if kind == "embedding":
        return embedding_forward(x, weights["embeddings"])
    if kind in ("split", "join"):
        return regrouped(x, stage["groups"], kind == "split")
    if kind == "activation":
        function, _ = ACTIVATIONS[stage["activation"]]
        return function(x, **activation_settings(stage))
    if kind == "rescaling":
        return [[v * stage["scale"] + stage["offset"] for v in row] for row in x]
    if kind == "dropout":
        return x if step is None else dropout(x, stage["rate"], stage["seed"], step, stage["layer"])
    if kind == "gaussian_noise":
        return x if step is None else gaussian_noise(x, stage["stddev"], stage["seed"], step, stage["layer"])
    if kind == "gaussian_dropout":
        return x if step is None else gaussian_dropout(x, stage["stddev"], stage["seed"], step, stage["layer"])
    if kind == "alpha_dropout":
        return x if step is None else alpha_dropout(x, stage["rate"], stage["seed"], step, stage["layer"])
    if kind == "prelu":
        return prelu_forward(x, weights["alpha"])
    if kind == "unit_normalization":
        return normalization.unit_rows(x)
    if kind == "layer_normalization":
        return normalization.normalize_rows(x, stage["epsilon"], *scale_and_shift(stage, x))
    if kind in ("batch_normalization", "normalization"):
        if normalizes_by_batch(stage, step):
            move_statistics(stage, x)
        return normalization.normalize(x, *column_statistics(stage, x, step), *scale_and_shift(stage, x))
    return x  # an activity penalty only counts


def stage_backward(stage, inputs, y, dy, step):
    """Gradients of a stage's inputs, a list, given its output y and the gradient dy of that; step as in stage_forward.

    None stands for that of an embedding, whose numbers have no gradient.
    """
    if stage["kind"] in MERGES:
        _, gradients = MERGES[stage["kind"]]
        return gradients(inputs, dy)
    return [input_gradient(stage, *inputs, y, dy, step)]


def input_gradient(stage, x, y, dy, step):
    """Gradient of the input x of a stage that has no other."""
    kind = stage["kind"]
    if kind == "embedding":
        return None
    if kind in ("split", "join"):
        return regrouped(dy, stage["groups"], kind == "join")
    if kind == "dense":
        return dense_input_gradient(dy, stage["weights"]["kernel"])
    if kind == "activation":
        _, gradient = ACTIVATIONS[stage["activation"]]
        return gradient(x if stage["activation"] in FROM_INPUT else y, dy, **activation_settings(stage))
    if kind == "rescaling":
        return [[d * stage["scale"] for d in row] for row in dy]
    if kind == "dropout":
        return dy if step is None else dropout(dy, stage["rate"], stage["seed"], step, stage["layer"])
    if kind == "gaussian_dropout":
        return dy if step is None else gaussian_dropout(dy, stage["stddev"], stage["seed"], step, stage["layer"])
    if kind == "alpha_dropout":
        return dy if step is None else alpha_dropout_gradient(dy, stage["rate"], stage["seed"], step, stage["layer"])
    if kind == "prelu":
        return prelu_input_gradient(x, dy, stage["weights"]["alpha"])
    if kind == "unit_normalization":
        return normalization.unit_rows_input_gradient(dy, x)
    if kind == "layer_normalization":
        gamma, _ = scale_and_shift(stage, x)
        return normalization.rows_input_gradient(dy, x, stage["epsilon"], gamma)
    if kind in ("batch_normalization", "normalization"):
        gamma, _ = scale_and_shift(stage, x)
        mean, inverse = column_statistics(stage, x, step)
        if normalizes_by_batch(stage, step):
            return normalization.batch_input_gradient(dy, x, mean, inverse, gamma)
        return normalization.given_input_gradient(dy, inverse, gamma)
    return dy  # noise is added, and an activity penalty only counts


def stage_gradients(stage, inputs, dy, step):
    """Gradients of a stage's trained weights by name, without those of their penalties."""
    kind, weights = stage["kind"], stage["weights"]
    if not weights or not stage["trainable"]:
        return {}
    (x,) = inputs
    gradients = {}
    if kind == "embedding":
        gradients["embeddings"] = embeddings_gradient(x, dy, weights["embeddings"])
    if kind == "prelu":
        gradients["alpha"] = prelu_alpha_gradient(x, dy)
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


def activation_settings(layer):
    """What the activation of a layer or stage takes besides."""
    return {name: layer[name] for name in SETTINGS[layer["activation"]]}


def scale_and_shift(stage, x):
    """gamma and beta of a normalization; 1 and 0 where it has none."""
    columns = len(x[0])
    return stage["weights"].get("gamma", [1.0] * columns), stage["weights"].get("beta", [0.0] * columns)


def column_statistics(stage, x, step):
    """Means and inverse deviations that columns are normalized with: in training those of the batch, if it has any."""
    mean, variance = stage["weights"]["mean"], stage["weights"]["variance"]
    if stage["kind"] == "normalization":
        return mean, [1.0 / max(math.sqrt(v), LEAST_DEVIATION) for v in variance]
    if normalizes_by_batch(stage, step):
        mean, variance = normalization.batch_statistics(x)
    return mean, normalization.inverse_deviations(variance, stage["epsilon"])


def normalizes_by_batch(stage, step):
    """Whether a stage normalizes with the statistics of the batch: in training, unless it is frozen or told not to."""
    is_told_not_to = not stage["trainable"] or stage.get("inference", False)
    return stage["kind"] == "batch_normalization" and not is_told_not_to and step is not None


def move_statistics(stage, x):
    """Move the mean and the variance that predictions use towards those of a batch."""
    for name, found in ops.pairs(("mean", "variance"), normalization.batch_statistics(x)):
        stage["weights"][name][:] = normalization.moved(stage["weights"][name], found, stage["momentum"])


def regrouped(x, groups, is_split):
    """Each row of x cut into so many rows, or so many rows made one."""
    rows, columns = len(x), len(x[0])
    if is_split:
        return ops.reshape(x, rows * groups, columns // groups)
    return ops.reshape(x, rows // groups, columns * groups)


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
