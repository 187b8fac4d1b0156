"""What an epoch adds up while it visits the rows."""

from reference import ops


class Total:
    """Sums over the rows of an epoch: of the loss, and of each output's loss and metric."""

    def __init__(self, outputs):
        self.loss = 0.0
        self.losses, self.metrics = [0.0] * outputs, [0.0] * outputs

    def add(self, totals, losses, metrics):
        """Add those of a batch, each [rows]; None is nothing."""
        self.loss = added_up(self.loss, totals)
        self.losses = [added_up(total, rows or []) for total, rows in ops.pairs(self.losses, losses)]
        self.metrics = [added_up(total, rows) for total, rows in ops.pairs(self.metrics, metrics)]

    def means(self, rows, are_listed):
        """What train_epoch returns."""
        loss, losses = self.loss / rows, [total / rows for total in self.losses]
        metrics = [total / rows for total in self.metrics]
        return (loss, losses, metrics) if are_listed else (loss, metrics[0])


def added_up(total, values):
    """total + values[0] + values[1] + ..."""
    for value in values:
        total += value
    return total
