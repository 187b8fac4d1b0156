"""The stages and the outputs of a network as C structs, from what describes them."""

import numpy as np

from fastmlp.kernels.engine.custom_loss import CustomLoss
from fastmlp.kernels.engine.description import ACTIVATION_SETTINGS, ACTIVATIONS, KINDS, LOSSES
from fastmlp.kernels.engine.stages import TRAINED

from fastmlp.kernels.engine.description cimport ACTIVITY_PENALTY, BATCH_NORMALIZATION, DENSE, INPUT
from fastmlp.kernels.engine.parameters cimport Parameters, address
from fastmlp.kernels.engine.plan cimport (
    BETWEEN, CUSTOM_LOSS, FIRST, FOR_INPUTS, FOR_WEIGHTS, LAST, NO_LOSS, ONLY,
    Edge, Output, Parameter, Source, Stage, Target,
)
from fastmlp.kernels.row_losses cimport plain

USES = {"only": ONLY, "first": FIRST, "between": BETWEEN, "last": LAST}


cdef class Architecture(Parameters):
    """What the plan of a network knows before it runs."""

    cdef set_stages(self, described):
        """Fill in the C structs of the stages, and take their weights."""
        cdef Stage *stage
        cdef const Parameter *parameter
        cdef Edge *edges
        cdef Py_ssize_t work = 0
        count = len(described)
        memory = [np.zeros(count * sizeof(Stage), np.uint8),
                  np.zeros(max(1, sum(len(one.edges) for one in described)) * sizeof(Edge), np.uint8)]
        self.stage_memory = memory
        self.plan.stages = <Stage *> address(memory[0])
        edges = <Edge *> address(memory[1])
        self.plan.depth = count
        self.plan.input_count = len(self.input_columns)
        for i, one in enumerate(described):
            stage = &self.plan.stages[i]
            settings = one.layer
            stage.kind = KINDS[one.kind]
            stage.place = one.place
            stage.activation = ACTIVATIONS[settings.get("activation", "linear")]
            for number, name in enumerate(ACTIVATION_SETTINGS.get(settings.get("activation"), ())):
                stage.settings.numbers[number] = settings[name]
            stage.outputs = one.columns
            stage.groups = one.groups
            stage.reached = one.reached
            stage.apart = one.apart
            stage.last_reader = count if one.last_reader is None else one.last_reader
            stage.wanted = FOR_WEIGHTS * one.wants_for_weights | FOR_INPUTS * one.wants_for_inputs
            stage.use = USES[one.use]
            stage.frozen = not one.trainable or settings.get("inference", False)
            stage.l1 = settings.get("l1", 0.0)
            stage.l2 = settings.get("l2", 0.0)
            stage.rate = settings.get("rate", 0.0)
            stage.stddev = settings.get("stddev", 0.0)
            stage.epsilon = settings.get("epsilon", 0.0)
            stage.momentum = settings.get("momentum", 0.0)
            stage.seed = settings.get("seed", 0)
            stage.scale = settings.get("scale", 1.0)
            stage.offset = settings.get("offset", 0.0)
            stage.edges = edges
            stage.edge_count = len(one.edges)
            edges += stage.edge_count
            if stage.kind != INPUT:
                self.set_edges(stage, one.edges)
            self.has_barriers |= stage.kind == DENSE or (stage.kind == BATCH_NORMALIZATION and not stage.frozen)
            self.plan.active |= stage.kind == ACTIVITY_PENALTY
            for name, shape in one.weight_shapes.items():
                if one.owner == i:
                    trained = name in TRAINED and one.trainable
                    parameter = self.add(name, shape, trained, settings.get(name, {}) if trained else {})
                else:
                    parameter = taken(&self.plan.stages[one.owner], name)
                give(stage, name, parameter)
                stage.trained |= parameter.trained
                (<Parameter *> parameter).reached |= stage.reached
                if name == "kernel":
                    work += parameter.rows * parameter.columns * stage.groups
        for i in range(self.plan.weight_count):
            self.plan.unreached |= self.plan.weights[i].trained and not self.plan.weights[i].reached
        self.multiply_adds = max(1, work)

    cdef set_edges(self, Stage *stage, described):
        cdef Edge *edge
        cdef Stage *source
        for i, one in enumerate(described):
            edge = &stage.edges[i]
            source = &self.plan.stages[one.source]
            edge.source = one.source
            edge.input = &source.output
            edge.adds = one.adds
            edge.completes = one.completes
            source.gathers |= one.adds
            edge.gradient = &source.addend if one.adds else &source.gradient
            edge.epilogue = source if source.kind == DENSE and one.completes and not one.adds else NULL
        stage.input = stage.edges[0].input
        stage.inputs = self.plan.stages[stage.edges[0].source].outputs

    cdef set_outputs(self, described, losses, loss_weights):
        """Fill in the C structs of the outputs, and make room for what is given for inputs and outputs."""
        cdef Output *output
        count = len(described)
        memory = [np.zeros(count * sizeof(Output), np.uint8), np.zeros(count * sizeof(Target), np.uint8),
                  np.zeros(self.plan.input_count * sizeof(Source), np.uint8)]
        self.stage_memory += memory
        self.plan.outputs = <Output *> address(memory[0])
        self.targets = <Target *> address(memory[1])
        self.sources = <Source *> address(memory[2])
        self.plan.output_count = count
        self.output_columns = tuple(self.plan.stages[one.stage].outputs for one in described)
        weights = self.for_outputs("loss_weights", loss_weights)
        self.custom_losses = [CustomLoss(one["name"]) if callable(one["name"]) else None for one in losses]
        for i, one in enumerate(described):
            output = &self.plan.outputs[i]
            output.stage = one.stage
            output.top = one.top
            output.fused = one.fused
            output.adds = one.adds
            output.completes = one.completes
            output.columns = self.output_columns[i]
            output.loss_weight = 1.0 if weights[i] is None else weights[i]
            name = losses[i]["name"]
            kind = CUSTOM_LOSS if callable(name) else LOSSES[name + "_from_logits" if one.fused else name]
            output.loss = plain(kind)
            output.loss.delta = losses[i].get("delta", 0.0)
            output.loss.label_smoothing = losses[i].get("label_smoothing", 0.0)
            output.loss.alpha = losses[i].get("alpha", 0.0)
            output.loss.beta = losses[i].get("beta", 0.0)
            output.loss.gamma = losses[i].get("gamma", 0.0)
            output.sums = losses[i]["reduction"] == "sum"
            if "quantiles" in losses[i]:
                self.stage_memory.append(quantiles_of(losses[i]["quantiles"], output.columns))
                output.loss.quantiles = <const double *> address(self.stage_memory[len(self.stage_memory) - 1])
            self.plan.has_loss |= kind != NO_LOSS

    cdef for_outputs(self, name, values):
        """A list with an item for each output; None stands for as many."""
        return listed(name, values, self.plan.output_count, self.several_outputs)


cdef quantiles_of(quantiles, Py_ssize_t columns):
    """A quantile for each column, of which one may stand for all."""
    numbers = np.array(quantiles, np.float64)
    if len(numbers) not in (1, columns):
        raise ValueError(f"loss: got {len(numbers)} quantiles for an output of {columns} columns, needs one for each")
    return np.ascontiguousarray(np.broadcast_to(numbers, (columns,)))


cdef listed(name, values, Py_ssize_t count, bint several):
    """A list of so many items, which is what is given for several inputs or outputs; None stands for as many."""
    if values is None or not several:
        return [values] * count
    if not isinstance(values, (list, tuple)) or len(values) != count:
        got = f"{len(values)} items" if isinstance(values, (list, tuple)) else type(values).__name__
        raise ValueError(f"{name}: got {got}, needs a list of {count} items")
    return list(values)


cdef void give(Stage *stage, name, const Parameter *parameter):
    """Let a stage know one of its arrays of weights."""
    if name == "kernel":
        stage.kernel = parameter
    elif name == "bias":
        stage.bias = parameter
    elif name == "gamma":
        stage.gamma = parameter
    elif name == "beta":
        stage.beta = parameter
    elif name == "mean":
        stage.mean = parameter
    elif name == "variance":
        stage.variance = parameter
    elif name == "alpha":
        stage.alpha = parameter
    else:
        stage.embeddings = parameter


cdef const Parameter *taken(const Stage *stage, name) except NULL:
    """The array of weights of that name that a stage was given."""
    arrays = {"kernel": <size_t> stage.kernel, "bias": <size_t> stage.bias, "gamma": <size_t> stage.gamma,
              "beta": <size_t> stage.beta, "mean": <size_t> stage.mean, "variance": <size_t> stage.variance,
              "embeddings": <size_t> stage.embeddings, "alpha": <size_t> stage.alpha}
    return <const Parameter *> <size_t> arrays[name]
