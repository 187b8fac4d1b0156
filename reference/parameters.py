"""The weights of a network, what they cost, and the optimizer that updates them."""

from reference import ops, optimizers
from reference.stages import owned_weights
from reference.weights import (
    add_penalty_gradient,
    clip_by_global_norm,
    clip_by_norm,
    constrain,
    copied,
    filled_like,
    penalty,
    rows_of,
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
    "schedule_free_adamw": (optimizers.schedule_free_adamw, 2),
}
COUNTING = ("adam", "amsgrad", "adamax", "nadam", "schedule_free_adamw")  # those that correct for the first steps


class Parameters:
    """The weights of stages, and an optimizer as Network takes it.

    Attributes
    ----------
    step : int
        Updates done.
    """

    def __init__(self, stages, optimizer=None):
        self.owned = owned_weights(stages)
        self.trained = [weights for weights in self.owned if weights["is_trained"]]
        self.has_penalty = any(weights["l1"] or weights["l2"] for weights in self.trained)
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
        self.undecayed = self.settings.pop("undecayed", [])
        self.accumulation_steps = self.settings.pop("accumulation_steps", None)
        self.starts_from_weights = name == "schedule_free_adamw"
        if self.ema_momentum is not None:
            slots += 1
        if self.accumulation_steps is not None:
            slots += 1
        starts = [self.settings.pop("initial_accumulator_value", 0.0)] + [0.0] * slots
        self.slots = [[filled_like(array, starts[slot]) for array in self.trained_weights()] for slot in range(slots)]
        self.step = 0

    def weights(self):
        """The weights themselves, stage by stage in the order of stages.zeros_for, shared ones at their first place."""
        return [weights["array"] for weights in self.owned]

    def trained_weights(self):
        """Those of the weights that have gradients."""
        return [weights["array"] for weights in self.trained]

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

    def penalty(self):
        """What the trained weights add to the loss: the sum of l1 * sum |w| + l2 * sum w^2, once for each array."""
        return ops.vector_sum([penalty(weights["array"], weights["l1"], weights["l2"]) for weights in self.trained])

    def add_penalty_gradients(self, gradients, scale):
        """Add the gradient of penalty(), times scale, to those of the trained weights in place."""
        for weights, gradient in ops.pairs(self.trained, gradients):
            l1, l2 = weights["l1"], weights["l2"]
            if l1 or l2:
                add_penalty_gradient(gradient, weights["array"], l1 * scale, l2 * scale)

    def apply_gradients(self, gradients):
        """One update by gradients of the trained weights."""
        self.update([copied(gradient) for gradient in gradients])

    def update(self, gradients, learning_rate=None):
        """One step of the optimizer, in place; at its own learning rate unless another one is given."""
        self.step += 1
        if self.accumulation_steps is None or self.accumulate(gradients):
            self.update_weights(gradients, learning_rate)
        for weights in self.trained:
            constrain(weights["array"], **weights["constraint"])

    @property
    def updates(self):
        """How often the weights have been changed."""
        return self.step if self.accumulation_steps is None else self.step // self.accumulation_steps

    def accumulate(self, gradients):
        """Add gradients to the last slot; once there are enough, leave their mean in place of them, and return True."""
        is_due = self.step % self.accumulation_steps == 0
        for gradient, total in ops.pairs(gradients, self.slots[-1]):
            for g, sums in ops.pairs(rows_of(gradient), rows_of(total)):
                if is_due:
                    g[:] = [(d + s) / self.accumulation_steps for d, s in ops.pairs(g, sums)]
                    sums[:] = [0.0] * len(sums)
                else:
                    sums[:] = [s + d for d, s in ops.pairs(g, sums)]
        return is_due

    def update_weights(self, gradients, learning_rate):
        """Change the weights by gradients, row by row."""
        settings = dict(self.settings)
        if self.is_counting:
            settings["step"] = self.updates
        if learning_rate is not None:
            settings["learning_rate"] = learning_rate
        if self.clipnorm is not None:
            for gradient in gradients:
                clip_by_norm(gradient, self.clipnorm)
        if self.global_clipnorm is not None:
            clip_by_global_norm(gradients, self.global_clipnorm)
        slots = self.slots if self.accumulation_steps is None else self.slots[:-1]
        for number, arrays in enumerate(zip(self.trained_weights(), gradients, *slots, strict=True)):
            for w, g, *own in zip(*[rows_of(array) for array in arrays], strict=True):
                self.update_row(w, g, own, settings, number not in self.undecayed)

    def update_row(self, w, g, slots, settings, is_decayed):
        """The rule for one row of weights, and what is around it."""
        if self.starts_from_weights and self.updates == 1:
            slots[0][:] = w
        if self.clipvalue is not None:
            optimizers.clip_by_value(g, self.clipvalue)
        if self.weight_decay is not None and is_decayed:
            optimizers.decay_weights(w, self.weight_decay, settings["learning_rate"])
        if self.ema_momentum is None:
            self.rule(w, g, *slots, **settings)
            return
        *slots, average = slots
        self.rule(w, g, *slots, **settings)
        optimizers.average_weights(average, w, self.ema_momentum, self.updates)
        if self.ema_overwrite_frequency is not None and self.updates % self.ema_overwrite_frequency == 0:
            w[:] = average
