"""What an output of a network is trained for: its loss with the settings, fused with the activation where it may be."""

from reference import crossentropies, losses, similarities

LOSS_SETTINGS = {  # what losses take besides, unless it is given
    "huber": {"delta": 1.0},
    "categorical_focal_crossentropy": {"alpha": 0.25, "gamma": 2.0},
    "categorical_focal_crossentropy_from_logits": {"alpha": 0.25, "gamma": 2.0},
    "binary_focal_crossentropy": {"alpha": 1.0, "beta": 1.0, "gamma": 2.0},
    "binary_focal_crossentropy_from_logits": {"alpha": 1.0, "beta": 1.0, "gamma": 2.0},
    "quantile": {"quantiles": [0.5]},
}
CROSSENTROPIES = ("categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy")
LOSSES = {  # name: row losses, gradient of their mean
    name: (getattr(module, name), getattr(module, name + "_gradient"))
    for module, names in (
        (crossentropies, [*CROSSENTROPIES, *[name + "_from_logits" for name in CROSSENTROPIES]]),
        (crossentropies, ["categorical_focal_crossentropy", "categorical_focal_crossentropy_from_logits"]),
        (crossentropies, ["binary_focal_crossentropy", "binary_focal_crossentropy_from_logits"]),
        (losses, ["mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error"]),
        (losses, ["mean_squared_logarithmic_error", "huber", "log_cosh", "poisson", "poisson_from_logits", "quantile"]),
        (
            similarities,
            [
                "kl_divergence_from_logits",
                "hinge",
                "squared_hinge",
                "categorical_hinge",
                "kl_divergence",
                "cosine_similarity",
            ],
        ),
    )
    for name in names
}
FUSED = (
    ("sigmoid", "binary_focal_crossentropy"),  # last activation and loss that are computed together, from the logits
    ("softmax", "categorical_crossentropy"),
    ("softmax", "sparse_categorical_crossentropy"),
    ("softmax", "categorical_focal_crossentropy"),
    ("softmax", "kl_divergence"),
    ("sigmoid", "binary_crossentropy"),
    ("exponential", "poisson"),
)


class Objective:
    """The loss of one output.

    Parameters
    ----------
    loss : str, dict, callable or None
        As of Network, of one output.
    weight : float or None
        What the losses of the rows are multiplied by in the total.
    output : int
        Place of the output among the values of forward.
    activation : str or None
        The activation that makes the output, where nothing else reads it.
    logits : int or None
        Place of the input of that activation.

    Attributes
    ----------
    loss : str, callable or None
        A fused loss has the name of the one that takes logits.
    loss_input : int
        Place of what the loss reads: the output or, fused, the logits.
    """

    def __init__(self, loss, weight, output, activation=None, logits=None):
        given = dict(loss) if isinstance(loss, dict) else {"name": loss}
        self.loss = given.pop("name")
        self.settings = LOSS_SETTINGS.get(self.loss, {}) | given
        self.label_smoothing = self.settings.pop("label_smoothing", 0.0)
        self.is_sum = self.settings.pop("reduction", "mean") == "sum"
        self.weight = weight
        self.output = self.loss_input = output
        if (activation, self.loss) in FUSED:
            self.loss = self.loss + "_from_logits"
            self.loss_input = logits

    def row_losses(self, y, values, weights=None):
        """Loss of each row, [rows], times its weight; weights : [rows].

        Their mean is the loss of the batch; where that is a sum, each is multiplied by the number of rows.
        """
        losses = self.own_losses(y, values)
        if weights is not None:
            losses = [weight * loss for weight, loss in zip(weights, losses, strict=True)]
        return [len(losses) * loss for loss in losses] if self.is_sum else losses

    def own_losses(self, y, values):
        """Loss of each row, [rows], without weights; also a metric, for what is lost where outputs are rounded to 0."""
        if callable(self.loss):
            losses, _ = self.loss(y, values[self.output])
            return losses
        function, _ = LOSSES[self.loss]
        return function(self.smoothed(y), values[self.loss_input], **self.settings_for(values))

    def gradient(self, y, values, weights=None):
        """Gradient of the mean of row_losses, times the weight of the output, by what the loss reads."""
        if callable(self.loss):
            _, dy = self.loss(y, values[self.output])
        else:
            _, function = LOSSES[self.loss]
            dy = function(self.smoothed(y), values[self.loss_input], **self.settings_for(values))
        if weights is not None:
            dy = [[weight * d for d in row] for weight, row in zip(weights, dy, strict=True)]
        if self.is_sum:
            dy = [[len(dy) * d for d in row] for row in dy]
        return dy if self.weight is None else [[self.weight * d for d in row] for row in dy]

    def settings_for(self, values):
        """What the loss takes besides; a single quantile is that of every column."""
        given = self.settings.get("quantiles", [])
        columns = len(values[self.output][0])
        return {**self.settings, "quantiles": given * columns} if len(given) == 1 else self.settings

    def smoothed(self, y):
        """The targets that the loss sees; metrics see y."""
        if self.label_smoothing == 0.0:
            return y
        classes = 2 if self.loss.startswith("binary") else len(y[0])
        return crossentropies.smooth_labels(y, self.label_smoothing, classes)
