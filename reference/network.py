"""A whole network, made of the functions of the other modules: forward, backprop, update, and epochs of them.

A layer is a dict of settings that names what it reads; the network is the graph of stages that they are made into.
Backprop is D. Rumelhart, G. Hinton and R. Williams, Learning representations by back-propagating errors, 1986. Over a
graph, where the gradients that a value gets from its readers are added up, it is reverse accumulation: A. Griewank and
A. Walther, Evaluating Derivatives, 2nd edition, chapter 3.
"""

from reference import ops
from reference.accuracies import METRICS, OWN_LOSS
from reference.objectives import Objective
from reference.parameters import Parameters
from reference.stages import (
    activity_gradient,
    activity_penalties,
    build_stages,
    stage_backward,
    stage_forward,
    stage_gradients,
)
from reference.totals import Total
from reference.weights import copied, filled_like, sum_of

__all__ = ["Network"]


class Network(Parameters):
    """Layers that are trained in mini-batches: a row of them, or any graph without circles. Weights are 0 at first.

    The inputs and then the layers are numbered from 0 on. Where `outputs` is a list, all that belongs to outputs is a
    list with an item or None for each: loss, loss_weights, y, metric, sample_weight, predictions. Where `inputs` is a
    list, so is x.

    Parameters
    ----------
    inputs : int or list of int
        Features a row, of each input.
    layers : list of dict
        {"kind": "dense", "units": int, "activation": str, "use_bias": bool},
        {"kind": "activation", "activation": str}, both with what that activation takes besides,
        {"kind": "dropout", "rate": float, "seed": int}, {"kind": "gaussian_noise", "stddev": float, "seed": int},
        {"kind": "alpha_dropout", "rate": float, "seed": int},
        {"kind": "gaussian_dropout", "stddev": float, "seed": int},
        {"kind": "prelu"},
        {"kind": "rescaling", "scale": float, "offset": float},
        {"kind": "batch_normalization", "epsilon": float, "momentum": float, "use_gamma": bool, "use_beta": bool},
        {"kind": "layer_normalization", "epsilon": float, "use_gamma": bool, "use_beta": bool},
        {"kind": "normalization"}, {"kind": "unit_normalization"},
        {"kind": "activity_penalty", "l1": float, "l2": float},
        {"kind": "embedding", "input_dim": int, "output_dim": int}, whose inputs are numbers of rows,
        {"kind": str} of merging.MERGES, which takes several inputs, or
        {"kind": "split", "groups": int} and {"kind": "join", "groups": int}, with rows of parts between them.
        For each of its weights a layer may have {"l1": float, "l2": float} under the weight's name, and
        what weights.constrain takes.
        "inputs" are the numbers of what a layer reads, all below its own; the one before it, if there are none.
        "weights_of" is the number of a layer whose weights it shares. "trainable": False freezes its weights, for all
        that share them: they have no gradients, penalties nor constraints, and no statistics move or are taken. A batch
        normalization with "inference": True takes none either, though its weights are trained.
    loss : str, dict, callable or None, or a list of them, optional
        A name of LOSSES, or {"name": str} with what that function takes besides, as in LOSS_SETTINGS, and with
        "label_smoothing" of the cross-entropies that take rows; with "reduction": "sum" the loss of a batch is the sum
        over its rows, else their mean. A pair of FUSED is computed from the input of the last
        activation, if nothing else reads that activation's output. A callable gets the targets and the predictions of
        a batch, and returns the losses, [rows], and the gradient of their mean.
    optimizer : dict, optional
        "name" of OPTIMIZERS and the arguments of that rule, without step; "initial_accumulator_value" of its first
        slot. For any, "clipvalue" and "weight_decay" as of clip_by_value and decay_weights; with "ema_momentum" the
        last slot is average_weights', which become the weights every "ema_overwrite_frequency" steps.
        "clipnorm" or "global_clipnorm" is the largest norm of each gradient, or of all of them together. "undecayed"
        are the numbers of trained arrays that have no weight decay. With "accumulation_steps" n only every n-th call
        of update changes the weights, by the mean of the gradients since the last one.
    outputs : list of int, optional
        Numbers of what the network returns; by default it returns what the last layer does, as it is and in no list.
    loss_weights : list of float or None, optional
        What each output's loss is multiplied by in the total.

    Attributes
    ----------
    step : int
        Updates done.
    """

    def __init__(self, inputs, layers, loss=None, optimizer=None, outputs=None, loss_weights=None):
        self.has_input_list, self.has_output_list = isinstance(inputs, list), outputs is not None
        widths = inputs if self.has_input_list else [inputs]
        self.stages, places = build_stages(widths, layers)
        super().__init__(self.stages, optimizer)
        self.input_count = len(widths)
        self.outputs = [places[number] for number in outputs] if self.has_output_list else places[-1:]
        given = zip(self.of_outputs(loss), self.of_outputs(loss_weights), self.outputs, strict=True)
        self.objectives = [Objective(one, weight, place, *self.last_activation(place)) for one, weight, place in given]

    @property
    def loss(self):
        """The loss, or the list of them, each as it is computed: fused ones have the names of those from logits."""
        return self.as_given([objective.loss for objective in self.objectives])

    @property
    def loss_input(self):
        """Place of what the loss reads among the values of forward, or the list of them."""
        return self.as_given([objective.loss_input for objective in self.objectives])

    def of_outputs(self, given):
        """The list with an item for each output, of what belongs to outputs."""
        if given is None:
            return [None] * len(self.outputs)
        return given if self.has_output_list else [given]

    def as_given(self, items):
        """The reverse: a list where outputs are one."""
        return items if self.has_output_list else items[0]

    def last_activation(self, place):
        """The activation that makes an output, and the place of its input; None where anything else reads it."""
        readers = self.outputs + [read for stage in self.stages for read in stage["reads"]]
        if place < self.input_count or readers.count(place) > 1:
            return None, None
        stage = self.stages[place - self.input_count]
        return stage.get("activation"), stage["reads"][0]

    def forward(self, x, step=None):
        """The inputs, then the output of every stage, for x : [rows, inputs] or a list of them.

        step keys the dropout masks; None turns dropout off.
        """
        values = list(x) if self.has_input_list else [x]
        for stage in self.stages:
            values.append(stage_forward(stage, [values[place] for place in stage["reads"]], step))
        return values

    def backprop(self, y, values, step=None, weights=None, penalty_scale=1.0):
        """Gradients of the mean loss by the trained weights and by the inputs, given the values and step of forward.

        weights are those of the rows, [rows]; the mean is over all rows, whatever they weigh.
        """
        found = [None] * len(values)
        for objective, *given in zip(self.objectives, self.of_outputs(y), self.of_outputs(weights), strict=True):
            if objective.loss is not None:
                targets, row_weights = given
                contribute(found, objective.loss_input, objective.gradient(targets, values, row_weights))
        gradients = self.propagate(found, values, step, has_penalties=True)
        self.add_penalty_gradients(gradients, penalty_scale)
        return gradients, self.of_inputs(found, values)

    def propagate(self, found, values, step, has_penalties):
        """Gradients of the trained weights, given in `found` those of some values; it gets those of all values before.

        The stages are visited from the last to the first. A value's gradient is the sum of what its readers give, in
        the order of their visits, and a shared array's that of what its stages give. A stage whose output has no
        gradient is passed over, and weights that no visited stage has get 0. has_penalties says whether activities have
        theirs, which they have whether or not their stage has a gradient.
        """
        sums = {weights["key"]: None for weights in self.trained}
        for number, stage in reversed(list(enumerate(self.stages))):
            place = self.input_count + number
            if stage["kind"] == "activity_penalty" and has_penalties:
                dy = found[place] or filled_like(values[place], 0.0)
                found[place] = ops.add(dy, activity_gradient(stage, values[place]))
            dy = found[place]
            if dy is None:
                continue
            inputs = [values[read] for read in stage["reads"]]
            for name, gradient in stage_gradients(stage, inputs, dy, step).items():
                contribute(sums, (stage["owner"], name), gradient)
            for read, dx in ops.pairs(stage["reads"], stage_backward(stage, inputs, values[place], dy, step)):
                if dx is not None:
                    contribute(found, read, dx)
        return [sums[weights["key"]] or filled_like(weights["array"], 0.0) for weights in self.trained]

    def of_inputs(self, found, values):
        """The gradients of the inputs, as x is given; 0 where nothing gave any."""
        places = range(self.input_count)
        gradients = [found[place] or filled_like(values[place], 0.0) for place in places]
        return gradients if self.has_input_list else gradients[0]

    def output_losses(self, y, values, weights=None):
        """For each output the loss of each row, [rows], times the row's weight; None where it has no loss."""
        found = []
        for objective, *given in zip(self.objectives, self.of_outputs(y), self.of_outputs(weights), strict=True):
            targets, row_weights = given
            found.append(None if objective.loss is None else objective.row_losses(targets, values, row_weights))
        return found

    def total_losses(self, output_losses, values):
        """For each row the sum of its losses times loss_weights, and of its activities' penalties."""
        totals = [0.0] * len(values[0])
        for objective, losses in ops.pairs(self.objectives, output_losses):
            if losses is not None:
                weighted = losses if objective.weight is None else [objective.weight * loss for loss in losses]
                totals = ops.add_vectors(totals, weighted)
        penalties = [0.0] * len(totals)
        for stage, output in ops.pairs(self.stages, values[self.input_count :]):
            if stage["kind"] == "activity_penalty":
                penalties = ops.add_vectors(penalties, activity_penalties(stage, output))
        return ops.add_vectors(totals, penalties)

    def row_losses(self, y, values, weights=None):
        """The same from targets and weights of rows."""
        return self.total_losses(self.output_losses(y, values, weights), values)

    def row_metrics(self, metric, y, values):
        """For each output the metric of each row, [rows], or []."""
        found = []
        for objective, name, targets in zip(self.objectives, self.of_outputs(metric), self.of_outputs(y), strict=True):
            if name == OWN_LOSS:
                found.append(objective.own_losses(targets, values))
            else:
                found.append(METRICS[name](targets, values[objective.output]))
        return found

    def predict(self, x, training=False):
        """Each output, [rows, units], for x : [rows, inputs] or a list of them.

        Where training is True all is as in the next step of train_epoch, moving statistics included.
        """
        values = self.forward(x, self.step if training else None)
        return self.as_given([values[place] for place in self.outputs])

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
            Means over the rows, each as it was in its batch, before the update and with dropout. Where outputs are a
            list: loss, losses, metric values, the last two lists with the mean or 0.0 for each output; a loss of these
            has the weights of rows, but not its own, and no penalties.
        """
        total = Total(len(self.outputs))
        for number, start in enumerate(range(0, len(order), batch_size)):
            rows = order[start : start + batch_size]
            batch_y, weights = chosen(y, rows, self.has_output_list), chosen(sample_weight, rows, self.has_output_list)
            values = self.forward(chosen(x, rows, self.has_input_list), self.step)
            losses = self.output_losses(batch_y, values, weights)
            total.add(self.total_losses(losses, values), losses, self.row_metrics(metric, batch_y, values))
            self.fill_predictions(predictions, rows, values)
            scale = 1.0 if penalty_scales is None else penalty_scales[number]
            if self.has_penalty:
                total.loss += (scale * self.penalty()) * len(rows)
            gradients, _ = self.backprop(batch_y, values, self.step, weights, scale)
            self.update(gradients, None if learning_rates is None else learning_rates[number])
        return total.means(len(order), self.has_output_list)

    def train_epochs(
        self,
        x,
        y,
        orders,
        batch_size,
        results,
        metric=None,
        sample_weight=None,
        learning_rates=None,
        penalty_scales=None,
        predictions=None,
        held_out=None,
        weights=None,
    ):
        """Train epoch after epoch; arguments as in train_epoch.

        Parameters
        ----------
        orders : [epochs, rows]
            The order of each epoch.
        results : list
            Is extended by what train_epoch returns, for each epoch.
        learning_rates, penalty_scales : [epochs * steps], optional
            One for each update.
        predictions : [epochs, rows, units], optional
            In each epoch its own part is filled.
        held_out : (x, out), optional
            Rows that are predicted after each epoch, into its part of out, [epochs, rows of x, units].
        weights : list, optional
            Is extended by the weights after each epoch.
        """
        for number, order in enumerate(orders):
            steps = -(-len(order) // batch_size)
            updates = slice(number * steps, (number + 1) * steps)
            rates, scales = (None if all is None else all[updates] for all in (learning_rates, penalty_scales))
            rooms = [all and all[number] for all in self.of_outputs(predictions)]
            room = rooms if self.has_output_list else rooms[0]
            found = self.train_epoch(x, y, order, batch_size, metric, sample_weight, rates, room, scales)
            results.append(found)
            if held_out is not None:
                held_out[1][number] = self.predict(held_out[0])
            if weights is not None:
                weights.append(self.get_weights())

    def evaluate(self, x, y, metric=None, sample_weight=None, predictions=None):
        """Mean loss with the penalty, and mean metric, over all rows; all as in train_epoch, dropout off."""
        values = self.forward(x)
        rows = range(len(values[0]))
        self.fill_predictions(predictions, rows, values)
        total = Total(len(self.outputs))
        losses = self.output_losses(y, values, sample_weight)
        total.add(self.total_losses(losses, values), losses, self.row_metrics(metric, y, values))
        loss, *others = total.means(len(rows), self.has_output_list)
        if self.has_penalty:
            loss += self.penalty()
        return loss, *others

    def gradients(self, x, y, sample_weight=None, input_gradient=None, training=False):
        """The mean loss with the penalty, and its gradients by the trained weights; the rows are one batch.

        input_gradient is filled with the gradient by x. Where training is True all is as in the next step of
        train_epoch, moving statistics included; else as in evaluate.
        """
        step = self.step if training else None
        values = self.forward(x, step)
        loss = ops.vector_sum(self.row_losses(y, values, sample_weight)) / len(values[0])
        if self.has_penalty:
            loss += self.penalty()
        gradients, dx = self.backprop(y, values, step, sample_weight)
        self.fill_input_gradient(input_gradient, dx)
        return loss, gradients

    def vjp(self, x, output_gradients, input_gradient=None, training=False):
        """Gradients of sum output * output_gradient by the trained weights: vector-Jacobian products.

        Parameters
        ----------
        x : [rows, inputs]
        output_gradients : [rows, units], or callable
            Of each output; None stands for zeros. They are no means over rows, and no penalty is added. A callable
            returns them for the outputs.
        input_gradient : [rows, inputs], optional
            Filled with the gradient by x.
        training : bool
            As in gradients.

        Returns
        -------
        list of arrays
        """
        step = self.step if training else None
        values = self.forward(x, step)
        if callable(output_gradients):
            output_gradients = output_gradients(self.as_given([values[place] for place in self.outputs]))
        found = [None] * len(values)
        for place, dy in ops.pairs(self.outputs, self.of_outputs(output_gradients)):
            zeros = [[0.0] * len(row) for row in values[place]]
            contribute(found, place, zeros if dy is None else dy)
        gradients = self.propagate(found, values, step, has_penalties=False)
        self.fill_input_gradient(input_gradient, self.of_inputs(found, values))
        return gradients

    def fill_predictions(self, predictions, rows, values):
        """Copy the outputs of a batch to the numbers of its rows."""
        for matrix, place in ops.pairs(self.of_outputs(predictions), self.outputs):
            if matrix is not None:
                for i, row in ops.pairs(rows, values[place]):
                    matrix[i][:] = row

    def fill_input_gradient(self, input_gradient, dx):
        """Copy gradients by the inputs to where they are asked for."""
        if input_gradient is None:
            return
        wanted, found = (input_gradient, dx) if self.has_input_list else ([input_gradient], [dx])
        for matrix, gradient in ops.pairs(wanted, found):
            if matrix is not None:
                matrix[:] = copied(gradient)


def chosen(given, rows, is_list):
    """Those rows of what is given: an array, or a list with an array or None for each."""
    if given is None:
        return None
    if is_list:
        return [chosen(array, rows, False) for array in given]
    return [given[i] for i in rows]


def contribute(gradients, key, gradient):
    """Add to the gradient that is there, or put this where there is None."""
    before = gradients[key]
    gradients[key] = gradient if before is None else sum_of(before, gradient)
