"""A whole network, made of the functions of the other modules: forward, backprop, update, and epochs of them.

A layer is a dict of settings; the network is the row of stages that they are made into. Backprop is D. Rumelhart,
G. Hinton and R. Williams, Learning representations by back-propagating errors, 1986.
"""

from reference import crossentropies, losses, ops, optimizers, similarities
from reference.accuracies import METRICS
from reference.stages import TRAINED, activity_penalties, build_stages, stage_backward, stage_forward, stage_gradients
from reference.weights import (
    add_penalty_gradient,
    clip_by_global_norm,
    clip_by_norm,
    copied,
    filled_like,
    penalty,
    rows_of,
    shorten,
)

__all__ = ["Network"]

LOSS_SETTINGS = {  # what losses take besides, unless it is given
    "huber": {"delta": 1.0},
    "categorical_focal_crossentropy": {"alpha": 0.25, "gamma": 2.0},
}
CROSSENTROPIES = ("categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy")
LOSSES = {  # name: row losses, gradient of their mean
    name: (getattr(module, name), getattr(module, name + "_gradient"))
    for module, names in (
        (crossentropies, [*CROSSENTROPIES, *[name + "_from_logits" for name in CROSSENTROPIES]]),
        (crossentropies, ["categorical_focal_crossentropy"]),
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
    "rmsprop_momentum": (optimizers.rmsprop_momentum, 2),
    "rmsprop_centered": (optimizers.rmsprop_centered, 3),
    "adagrad": (optimizers.adagrad, 1),
    "adadelta": (optimizers.adadelta, 2),
    "adam": (optimizers.adam, 2),
    "amsgrad": (optimizers.amsgrad, 3),
    "adamax": (optimizers.adamax, 2),
    "nadam": (optimizers.nadam, 2),
    "lion": (optimizers.lion, 1),
    "ftrl": (optimizers.ftrl, 2),
}
COUNTING = ("adam", "amsgrad", "adamax", "nadam")  # those that correct for the first steps


class Network:
    """A multilayer perceptron that is trained in mini-batches. Its weights are 0 until set_weights.

    Parameters
    ----------
    inputs : int
        Features a row.
    layers : list of dict
        {"kind": "dense", "units": int, "activation": str, "use_bias": bool}, {"kind": "activation", "activation": str},
        {"kind": "dropout", "rate": float, "seed": int}, {"kind": "gaussian_noise", "stddev": float, "seed": int},
        {"kind": "rescaling", "scale": float, "offset": float},
        {"kind": "batch_normalization", "epsilon": float, "momentum": float, "use_gamma": bool, "use_beta": bool},
        {"kind": "layer_normalization", "epsilon": float, "use_gamma": bool, "use_beta": bool},
        {"kind": "normalization"}, {"kind": "unit_normalization"}, or
        {"kind": "activity_penalty", "l1": float, "l2": float}.
        For each of its weights a layer may have {"l1": float, "l2": float, "max_norm": float} under the weight's name.
    loss : str, dict or callable, optional
        A name of LOSSES, or {"name": str} with what that function takes besides, as in LOSS_SETTINGS, and with
        "label_smoothing" of the cross-entropies that take rows. A pair of FUSED is computed from the input of the last
        activation. A callable gets the targets and the predictions of a batch, and returns the losses, [rows], and the
        gradient of their mean.
    optimizer : dict, optional
        "name" of OPTIMIZERS and the arguments of that rule, without step; "initial_accumulator_value" of its first
        slot. For any, "clipvalue" and "weight_decay" as of clip_by_value and decay_weights; with "ema_momentum" the
        last slot is average_weights', which become the weights every "ema_overwrite_frequency" steps.
        "clipnorm" or "global_clipnorm" is the largest norm of each gradient, or of all of them together.

    Attributes
    ----------
    step : int
        Updates done.
    """

    def __init__(self, inputs, layers, loss=None, optimizer=None):
        self.stages = build_stages(inputs, layers)
        self.has_penalty = any(any(settings_of(stage, name)[:2]) for stage in self.stages for name in stage["weights"])
        given = dict(loss) if isinstance(loss, dict) else {"name": loss}
        self.loss = given.pop("name")
        self.loss_settings = LOSS_SETTINGS.get(self.loss, {}) | given
        self.label_smoothing = self.loss_settings.pop("label_smoothing", 0.0)
        self.loss_input = len(self.stages)  # the loss reads the output of the last stage ...
        if (self.stages[-1].get("activation"), self.loss) in FUSED:
            self.loss = self.loss + "_from_logits"
            self.loss_input -= 1  # ... or, fused, the input of the last stage
        self.settings = dict(optimizer or {"name": "sgd"})
        self.clipnorm = self.settings.pop("clipnorm", None)
        self.global_clipnorm = self.settings.pop("global_clipnorm", None)
        name = self.settings.pop("name")
        self.rule, slots = OPTIMIZERS[name]
        self.is_counting = name in COUNTING
        self.clipvalue = self.settings.pop("clipvalue", None)
        self.weight_decay = self.settings.pop("weight_decay", None)
        self.ema_momentum = self.settings.pop("ema_momentum", None)
        self.ema_overwrite_frequency = self.settings.pop("ema_overwrite_frequency", None)
        if self.ema_momentum is not None:
            slots += 1
        starts = [self.settings.pop("initial_accumulator_value", 0.0)] + [0.0] * slots
        self.slots = [[filled_like(array, starts[slot]) for array in self.trained_weights()] for slot in range(slots)]
        self.step = 0

    def weights(self):
        """The weights themselves, stage by stage in the order of stages.zeros_for."""
        return [array for stage in self.stages for array in stage["weights"].values()]

    def trained_weights(self):
        """Those of the weights that have gradients."""
        return [array for stage in self.stages for name, array in stage["weights"].items() if name in TRAINED]

    def get_weights(self):
        """Copies of the weights."""
        return [copied(array) for array in self.weights()]

    def set_weights(self, weights):
        """Copy weights, given in the order of get_weights, into the network."""
        for array, new in ops.pairs(self.weights(), weights):
            array[:] = copied(new)

    def get_optimizer_state(self):
        """Copies of what the optimizer remembers: all first slots of the trained weights, then all second."""
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
        """Gradients of the mean loss by the trained weights and by the input, given the values and step of forward.

        weights are those of the rows, [rows]; the mean is over all rows, whatever they weigh.
        """
        _, dy = self.compare(y, values)
        if weights is not None:
            dy = [[weight * d for d in row] for weight, row in ops.pairs(weights, dy)]
        gradients = []
        for i in reversed(range(self.loss_input)):
            stage = self.stages[i]
            found = stage_gradients(stage, values[i], dy, step)
            for name, gradient in found.items():
                l1, l2, _ = settings_of(stage, name)
                if l1 or l2:
                    add_penalty_gradient(gradient, stage["weights"][name], l1 * penalty_scale, l2 * penalty_scale)
            gradients = list(found.values()) + gradients
            dy = stage_backward(stage, values[i], values[i + 1], dy, step)
        return gradients, dy

    def update(self, gradients, learning_rate=None):
        """One step of the optimizer, row by row, in place; at its own learning rate unless another one is given."""
        self.step += 1
        settings = dict(self.settings)
        if self.is_counting:
            settings["step"] = self.step
        if learning_rate is not None:
            settings["learning_rate"] = learning_rate
        if self.clipnorm is not None:
            for gradient in gradients:
                clip_by_norm(gradient, self.clipnorm)
        if self.global_clipnorm is not None:
            clip_by_global_norm(gradients, self.global_clipnorm)
        for arrays in zip(self.trained_weights(), gradients, *self.slots, strict=True):
            for w, g, *slots in zip(*[rows_of(array) for array in arrays], strict=True):
                self.update_row(w, g, slots, settings)
        for stage in self.stages:
            for name, array in stage["weights"].items():
                _, _, max_norm = settings_of(stage, name)
                if max_norm:
                    shorten(array, max_norm)

    def update_row(self, w, g, slots, settings):
        """The rule for one row of weights, and what is around it."""
        if self.clipvalue is not None:
            optimizers.clip_by_value(g, self.clipvalue)
        if self.weight_decay is not None:
            optimizers.decay_weights(w, self.weight_decay, settings["learning_rate"])
        if self.ema_momentum is None:
            self.rule(w, g, *slots, **settings)
            return
        *slots, average = slots
        self.rule(w, g, *slots, **settings)
        optimizers.average_weights(average, w, self.ema_momentum, self.step)
        if self.ema_overwrite_frequency is not None and self.step % self.ema_overwrite_frequency == 0:
            w[:] = average

    def compare(self, y, values):
        """Loss of each row, [rows], and the gradient of their mean by what the loss reads."""
        if callable(self.loss):
            return self.loss(y, values[-1])
        row_losses, gradient = LOSSES[self.loss]
        given = self.smoothed(y), values[self.loss_input]
        return row_losses(*given, **self.loss_settings), gradient(*given, **self.loss_settings)

    def row_losses(self, y, values, weights=None):
        """Loss of each row, [rows], times its weight, with the penalties of its activities but not of weights."""
        losses, _ = self.compare(y, values)
        if weights is not None:
            losses = [weight * loss for weight, loss in ops.pairs(weights, losses)]
        penalties = [0.0] * len(losses)
        for stage, output in ops.pairs(self.stages, values[1:]):
            if stage["kind"] == "activity_penalty":
                penalties = ops.add_vectors(penalties, activity_penalties(stage, output))
        return ops.add_vectors(losses, penalties)

    def smoothed(self, y):
        """The targets that the loss sees; metrics see y."""
        if self.label_smoothing == 0.0:
            return y
        classes = 2 if self.loss.startswith("binary") else len(y[0])
        return crossentropies.smooth_labels(y, self.label_smoothing, classes)

    def penalty(self):
        """What the weights add to the loss: the sum of l1 * sum |w| + l2 * sum w^2 over all of them."""
        penalties = []
        for stage in self.stages:
            for name, array in stage["weights"].items():
                l1, l2, _ = settings_of(stage, name)
                penalties.append(penalty(array, l1, l2))
        return ops.vector_sum(penalties)

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
            What the penalties of weights are multiplied by in each update.

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
                total_loss += (scale * self.penalty()) * len(rows)
            gradients, _ = self.backprop(batch_y, values, self.step, weights, scale)
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

    def gradients(self, x, y, sample_weight=None, input_gradient=None, training=False):
        """The mean loss with the penalty, and its gradients by the trained weights; the rows are one batch.

        input_gradient is filled with the gradient by x. Where training is True all is as in the next step of
        train_epoch, moving statistics included; else as in evaluate.
        """
        step = self.step if training else None
        values = self.forward(x, step)
        loss = ops.vector_sum(self.row_losses(y, values, sample_weight)) / len(x)
        if self.has_penalty:
            loss += self.penalty()
        gradients, dx = self.backprop(y, values, step, sample_weight)
        if input_gradient is not None:
            input_gradient[:] = dx
        return loss, gradients

    def apply_gradients(self, gradients):
        """One update by gradients of the trained weights."""
        self.update([copied(gradient) for gradient in gradients])


def settings_of(stage, name):
    """l1, l2 and the largest norm of a stage's weights of that name; 0 where there is none."""
    settings = stage.get(name, {})
    return settings.get("l1", 0.0), settings.get("l2", 0.0), settings.get("max_norm", 0.0)
