"""A whole network, made of the functions of the other modules: forward, backprop, update, and epochs of them.

A layer is a dict of settings. A dense layer is taken apart into the affine map and its activation, so the network is a
row of stages, each of which has a forward and a backward formula. Backprop is D. Rumelhart, G. Hinton and R. Williams,
Learning representations by back-propagating errors, 1986.
"""

from reference import activations, crossentropies, losses, ops, optimizers, rectifiers, similarities
from reference.dense import dense_bias_gradient, dense_forward, dense_input_gradient, dense_kernel_gradient
from reference.dropout import dropout

ACTIVATIONS = {  # name: function, gradient
    "linear": (activations.linear, activations.linear_gradient),
    "relu": (ops.relu, activations.relu_gradient),
    "sigmoid": (activations.sigmoid, activations.sigmoid_gradient),
    "tanh": (activations.tanh, activations.tanh_gradient),
    "softmax": (activations.softmax, activations.softmax_gradient),
    "log_softmax": (activations.log_softmax, activations.log_softmax_gradient),
    "exponential": (activations.exponential, activations.exponential_gradient),
    "softsign": (activations.softsign, activations.softsign_gradient),
    "hard_sigmoid": (activations.hard_sigmoid, activations.hard_sigmoid_gradient),
    "leaky_relu": (rectifiers.leaky_relu, rectifiers.leaky_relu_gradient),
    "relu6": (rectifiers.relu6, rectifiers.relu6_gradient),
    "elu": (rectifiers.elu, rectifiers.elu_gradient),
    "selu": (rectifiers.selu, rectifiers.selu_gradient),
    "softplus": (rectifiers.softplus, rectifiers.softplus_gradient),
    "silu": (rectifiers.silu, rectifiers.silu_gradient),
    "gelu": (rectifiers.gelu, rectifiers.gelu_gradient),
    "mish": (rectifiers.mish, rectifiers.mish_gradient),
}
FROM_INPUT = ("silu", "gelu", "mish")  # whose gradients take the input, where the others take the output
CROSSENTROPIES = ("categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy")
LOSSES = {  # name: row losses, gradient of their mean
    name: (getattr(module, name), getattr(module, name + "_gradient"))
    for module, names in (
        (crossentropies, [*CROSSENTROPIES, *[name + "_from_logits" for name in CROSSENTROPIES]]),
        (losses, ["mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error"]),
        (losses, ["mean_squared_logarithmic_error", "huber", "log_cosh", "poisson"]),
        (similarities, ["hinge", "squared_hinge", "categorical_hinge", "kl_divergence", "cosine_similarity"]),
    )
    for name in names
}
FUSED = (  # last activation and loss that are computed together, from the logits
    ("softmax", "categorical_crossentropy"),
    ("softmax", "sparse_categorical_crossentropy"),
    ("sigmoid", "binary_crossentropy"),
)
OPTIMIZERS = {  # name: update rule, number of slots (lists it remembers for each list of weights)
    "sgd": (optimizers.sgd, 0),
    "momentum": (optimizers.momentum, 1),
    "nesterov": (optimizers.nesterov, 1),
    "rmsprop": (optimizers.rmsprop, 1),
    "adagrad": (optimizers.adagrad, 1),
    "adam": (optimizers.adam, 2),
}


class Network:
    """A multilayer perceptron that is trained in mini-batches. Its weights are 0 until set_weights.

    Parameters
    ----------
    inputs : int
        Features a row.
    layers : list of dict
        {"kind": "dense", "units": int, "activation": str, "use_bias": bool, "l2": float},
        {"kind": "activation", "activation": str}, {"kind": "dropout", "rate": float, "seed": int} or
        {"kind": "rescaling", "scale": float, "offset": float}.
    loss : str or dict, optional
        A name of LOSSES, or {"name": str} with what that function takes besides ("delta" of huber), and with
        "label_smoothing" of the cross-entropies that take rows. A pair of FUSED is computed from the input of the last
        activation.
    optimizer : dict, optional
        "name" of OPTIMIZERS and the arguments of that rule, without step; "initial_accumulator_value" for adagrad.

    Attributes
    ----------
    step : int
        Updates done.
    """

    def __init__(self, inputs, layers, loss=None, optimizer=None):
        self.stages = build_stages(inputs, layers)
        self.dense_stages = [stage for stage in self.stages if stage["kind"] == "dense"]
        self.has_penalty = any(stage["l2"] > 0.0 for stage in self.dense_stages)
        self.loss_settings = dict(loss) if isinstance(loss, dict) else {"name": loss}
        self.loss = self.loss_settings.pop("name")
        if self.loss == "huber":
            self.loss_settings.setdefault("delta", 1.0)
        self.label_smoothing = self.loss_settings.pop("label_smoothing", 0.0)
        self.loss_input = len(self.stages)  # the loss reads the output of the last stage ...
        if (self.stages[-1].get("activation"), self.loss) in FUSED:
            self.loss = self.loss + "_from_logits"
            self.loss_input -= 1  # ... or, fused, the input of the last stage
        self.settings = dict(optimizer or {"name": "sgd"})
        self.rule, slots = OPTIMIZERS[self.settings.pop("name")]
        start = self.settings.pop("initial_accumulator_value", 0.0)
        self.slots = [[filled_like(array, start) for array in self.parameters()] for _ in range(slots)]
        self.step = 0

    def parameters(self):
        """The weights themselves: for each dense stage the kernel, [inputs, units], then the bias, [units]."""
        arrays = []
        for stage in self.dense_stages:
            arrays.append(stage["kernel"])
            if stage["use_bias"]:
                arrays.append(stage["bias"])
        return arrays

    def get_weights(self):
        """Copies of the weights, in the order of parameters."""
        return [copied(array) for array in self.parameters()]

    def set_weights(self, weights):
        """Copy weights, given in the order of parameters, into the network."""
        for array, new in ops.pairs(self.parameters(), weights):
            array[:] = copied(new)

    def get_optimizer_state(self):
        """Copies of what the optimizer remembers: all first slots in the order of parameters, then all second."""
        return [copied(array) for slot in self.slots for array in slot]

    def set_optimizer_state(self, state):
        """Copy a state, in the order of get_optimizer_state, into the network."""
        arrays = [array for slot in self.slots for array in slot]
        for array, new in ops.pairs(arrays, state):
            array[:] = copied(new)

    def set_learning_rate(self, learning_rate):
        """Use learning_rate from the next update on."""
        self.settings["learning_rate"] = learning_rate

    def forward(self, x, step=None):
        """Input of the first stage, then the output of every stage, for x : [rows, inputs].

        step keys the dropout masks; None turns dropout off.
        """
        values = [x]
        for stage in self.stages:
            values.append(stage_forward(stage, values[-1], step))
        return values

    def backprop(self, y, values, step=None, weights=None, penalty_scale=1.0):
        """Gradients of the mean loss with respect to parameters(), given the values and the step of forward.

        weights are those of the rows, [rows]; the mean is over all rows, whatever they weigh.
        """
        _, loss_gradient = LOSSES[self.loss]
        dy = loss_gradient(self.smoothed(y), values[self.loss_input], **self.loss_settings)
        if weights is not None:
            dy = [[weight * d for d in row] for weight, row in ops.pairs(weights, dy)]
        gradients = []
        for i in reversed(range(self.loss_input)):
            stage = self.stages[i]
            if stage["kind"] == "dense":
                gradients = dense_gradients(stage, values[i], dy, penalty_scale) + gradients
            if len(gradients) == len(self.parameters()):
                break  # nothing below learns
            dy = stage_backward(stage, values[i], values[i + 1], dy, step)
        return gradients

    def update(self, gradients, learning_rate=None):
        """One step of the optimizer, row by row, in place; at its own learning rate unless another one is given."""
        self.step += 1
        settings = dict(self.settings)
        if self.rule is optimizers.adam:
            settings["step"] = self.step  # it corrects for the first steps
        if learning_rate is not None:
            settings["learning_rate"] = learning_rate
        for arrays in zip(self.parameters(), gradients, *self.slots, strict=True):
            for rows in zip(*[rows_of(array) for array in arrays], strict=True):
                self.rule(*rows, **settings)

    def row_losses(self, y, values, weights=None):
        """Loss of each row, [rows], times its weight, without the penalty."""
        row_loss, _ = LOSSES[self.loss]
        losses = row_loss(self.smoothed(y), values[self.loss_input], **self.loss_settings)
        return losses if weights is None else [weight * loss for weight, loss in ops.pairs(weights, losses)]

    def smoothed(self, y):
        """The targets that the loss sees; metrics see y."""
        if self.label_smoothing == 0.0:
            return y
        classes = 2 if self.loss.startswith("binary") else len(y[0])
        return crossentropies.smooth_labels(y, self.label_smoothing, classes)

    def penalty(self):
        """Weight decay as a loss: the sum over dense layers of l2 * sum_iu kernel_iu^2."""
        return ops.vector_sum([stage["l2"] * sum_of_squares(stage["kernel"]) for stage in self.dense_stages])

    def predict(self, x):
        """Output of the last stage, [rows, units], for x : [rows, inputs]."""
        return self.forward(x)[-1]

    def train_epoch(
        self,
        x,
        y,
        order,
        batch_size,
        metric=None,
        sample_weight=None,
        learning_rates=None,
        predictions=None,
        penalty_scales=None,
    ):
        """Visit the rows once, with an update after each batch_size of them.

        Parameters
        ----------
        x : [rows, inputs]
        y : [rows, units], or [rows] of int for the sparse losses
        order : list of int
            Row numbers in the order they are visited; the last batch may be short.
        batch_size : int
        metric : str, optional
            A name of METRICS.
        sample_weight : [rows], optional
            What each row's loss is multiplied by. Means divide by the number of rows all the same, as in Keras.
        learning_rates : [steps], optional
            One for each update, in place of the optimizer's.
        predictions : [rows, units], optional
            Filled with the outputs of the visited rows, as they were in their batch.
        penalty_scales : [steps], optional
            What the penalties, and their gradients, are multiplied by in each step.

        Returns
        -------
        loss, metric value : float
            Means over the rows, each as it was in its batch, before the update and with dropout.
        """
        total_loss = 0.0
        total_metric = 0.0
        for number, start in enumerate(range(0, len(order), batch_size)):
            rows = order[start : start + batch_size]
            batch_y = [y[i] for i in rows]
            weights = None if sample_weight is None else [sample_weight[i] for i in rows]
            values = self.forward([x[i] for i in rows], self.step)
            for row_loss in self.row_losses(batch_y, values, weights):
                total_loss += row_loss
            if predictions is not None:
                for i, row in ops.pairs(rows, values[-1]):
                    predictions[i][:] = row
            for row_metric in METRICS[metric](batch_y, values[-1]):
                total_metric += row_metric
            scale = 1.0 if penalty_scales is None else penalty_scales[number]
            if self.has_penalty:
                total_loss += scale * self.penalty() * len(rows)
            gradients = self.backprop(batch_y, values, self.step, weights, scale)
            self.update(gradients, None if learning_rates is None else learning_rates[number])
        return total_loss / len(order), total_metric / len(order)

    def evaluate(self, x, y, metric=None, sample_weight=None, predictions=None):
        """Mean loss with the penalty, and mean metric, over all rows; arguments as in train_epoch, dropout off."""
        values = self.forward(x)
        if predictions is not None:
            predictions[:] = copied(values[-1])
        loss = ops.vector_sum(self.row_losses(y, values, sample_weight)) / len(x)
        if self.has_penalty:
            loss += self.penalty()
        return loss, ops.vector_sum(METRICS[metric](y, values[-1])) / len(x)

    def gradients(self, x, y, sample_weight=None):
        """The loss of evaluate, and its gradients in the order of parameters."""
        loss, _ = self.evaluate(x, y, None, sample_weight)
        return loss, self.backprop(y, self.forward(x), None, sample_weight)


# Stages


def build_stages(inputs, layers):
    """The layers as simple stages; a dropout stage keeps the index of its layer, which its masks depend on."""
    stages = []
    for index, layer in enumerate(layers):
        if layer["kind"] == "dense":
            units = layer["units"]
            stages.append({**layer, "kernel": [[0.0] * units for _ in range(inputs)], "bias": [0.0] * units})
            stages.append({"kind": "activation", "activation": layer["activation"]})
            inputs = units
        else:
            stages.append({**layer, "layer": index})
    return stages


def stage_forward(stage, x, step):
    """Output of a stage, [rows, units], for its input x : [rows, inputs]; without dropout where step is None."""
    if stage["kind"] == "dense":
        if stage["use_bias"]:
            return dense_forward(x, stage["kernel"], stage["bias"])
        return ops.matrix_dot(x, stage["kernel"])
    if stage["kind"] == "activation":
        function, _ = ACTIVATIONS[stage["activation"]]
        return function(x)
    if stage["kind"] == "rescaling":
        return [[v * stage["scale"] + stage["offset"] for v in row] for row in x]
    return stage_dropout(stage, x, step)


def stage_backward(stage, x, y, dy, step):
    """Gradient of the input x of a stage, given its output y and the gradient dy of that; step as in stage_forward."""
    if stage["kind"] == "dense":
        return dense_input_gradient(dy, stage["kernel"])
    if stage["kind"] == "activation":
        _, gradient = ACTIVATIONS[stage["activation"]]
        return gradient(x if stage["activation"] in FROM_INPUT else y, dy)
    if stage["kind"] == "rescaling":
        return [[d * stage["scale"] for d in row] for row in dy]
    return stage_dropout(stage, dy, step)


def stage_dropout(stage, x, step):
    """Dropout keyed by the step, forward and backward alike; x itself where step is None."""
    if step is None:
        return x
    return dropout(x, stage["rate"], stage["seed"], step, stage["layer"])


def dense_gradients(stage, x, dz, penalty_scale=1.0):
    """Gradients of the kernel, with 2 l2 kernel times the scale for the penalty, and of the bias if there is one."""
    kernel_gradient = dense_kernel_gradient(x, dz)
    if stage["l2"] > 0.0:
        decay = [[(2.0 * stage["l2"] * penalty_scale) * w for w in row] for row in stage["kernel"]]
        kernel_gradient = ops.add(kernel_gradient, decay)
    return [kernel_gradient, dense_bias_gradient(dz)] if stage["use_bias"] else [kernel_gradient]


def sum_of_squares(x):
    """sum_ij x_ij^2, for x : [rows, columns]: each column from its first row on, then the columns' sums."""
    return ops.vector_sum([ops.vector_dot(column, column) for column in ops.transpose(x)])


# Metrics: one value a row.


def no_metric(y_true, y_pred):
    """Nothing to add up, so that the metric value is 0.0."""
    return []


def binary_accuracy(y_true, y_pred):
    """Share of the columns where truth and prediction, [rows, columns], lie on the same side of 0.5."""
    shares = []
    for row_t, row_p in ops.pairs(y_true, y_pred):
        hits = [1.0 if (p > 0.5) == (t > 0.5) else 0.0 for t, p in ops.pairs(row_t, row_p)]
        shares.append(ops.vector_sum(hits) / len(hits))
    return shares


def categorical_accuracy(y_true, y_pred):
    """1.0 where truth and prediction, [rows, columns], have their first maximum in the same column, else 0.0."""
    return sparse_categorical_accuracy([argmax(t) for t in y_true], y_pred)


def sparse_categorical_accuracy(y_true, y_pred):
    """1.0 where the first maximum of y_pred, [rows, columns], is in the column that y_true, [rows], names, else 0.0."""
    return [1.0 if argmax(p) == label else 0.0 for label, p in ops.pairs(y_true, y_pred)]


METRICS = {
    None: no_metric,
    "binary_accuracy": binary_accuracy,
    "categorical_accuracy": categorical_accuracy,
    "sparse_categorical_accuracy": sparse_categorical_accuracy,
}


def argmax(row):
    """Index of the first maximum of a row."""
    best = 0
    for j in range(len(row)):
        if row[j] > row[best]:
            best = j
    return best


# Arrays: a matrix, which is a list of rows, or a vector, which is one row.


def rows_of(array):
    """The rows themselves, so that changing them changes the array."""
    return array if isinstance(array[0], list) else [array]


def copied(array):
    """A copy that shares nothing with the array."""
    return [list(row) for row in array] if isinstance(array[0], list) else list(array)


def filled_like(array, value):
    """An array of the same shape, filled with value."""
    return [[value] * len(row) for row in array] if isinstance(array[0], list) else [value] * len(array)
