"""What an output of a network is trained for: its loss with the settings, fused with the activation where it may be."""

from reference import crossentropies, losses, similarities

LOSS_SETTINGS = {  # what losses take besides, unless it is given
    "huber": {"delta": 1.0},
    "categorical_focal_crossentropy": {"alpha": 0.25, "gamma": 2.0},
    "categorical_focal_crossentropy_from_logits": {"alpha": 0.25, "gamma": 2.0},
}
CROSSENTROPIES = ("categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy")
LOSSES = {  # name: row losses, gradient of their mean
    name: (getattr(module, name), getattr(module, name + "_gradient"))
    for module, names in (
        (crossentropies, [*CROSSENTROPIES, *[name + "_from_logits" for name in CROSSENTROPIES]]),
        (crossentropies, ["categorical_focal_crossentropy", "categorical_focal_crossentropy_from_logits"]),
        (losses, ["mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error"]),
        (losses, ["mean_squared_logarithmic_error", "huber", "log_cosh", "poisson", "poisson_from_logits"]),
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
FUSED = (  # last activation and loss that are computed together, from the logits
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
        self.weight = weight
        self.output = self.loss_input = output
        if (activation, self.loss) in FUSED:
            self.loss = self.loss + "_from_logits"
            self.loss_input = logits

    def row_losses(self, y, values, weights=None):
        """Loss of each row, [rows], times its weight; weights : [rows]."""
        if callable(self.loss):
            losses, _ = self.loss(y, values[self.output])
        else:
            function, _ = LOSSES[self.loss]
            losses = function(self.smoothed(y), values[self.loss_input], **self.settings)
        return losses if weights is None else [weight * loss for weight, loss in zip(weights, losses, strict=True)]

    def gradient(self, y, values, weights=None):
        """Gradient of the mean of row_losses, times the weight of the output, by what the loss reads."""
        if callable(self.loss):
            _, dy = self.loss(y, values[self.output])
        else:
            _, function = LOSSES[self.loss]
            dy = function(self.smoothed(y), values[self.loss_input], **self.settings)
        if weights is not None:
            dy = [[weight * d for d in row] for weight, row in zip(weights, dy, strict=True)]
        return dy if self.weight is None else [[self.weight * d for d in row] for row in dy]

    def smoothed(self, y):
        """The targets that the loss sees; metrics see y."""
        if self.label_smoothing == 0.0:
            return y
        classes = 2 if self.loss.startswith("binary") else len(y[0])
        return crossentropies.smooth_labels(y, self.label_smoothing, classes)
