"""JAX: all steps in one compiled lax.scan."""

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

version = jax.__version__


def sgd(w, g, slots, step, rate):
    return w - rate * g, slots


def momentum(w, g, slots, step, rate, momentum):
    m = momentum * slots[0] - rate * g
    return w + m, (m,)


def rmsprop(w, g, slots, step, rate, rho, epsilon):
    v = rho * slots[0] + (1 - rho) * g * g
    return w - rate * g / jnp.sqrt(v + epsilon), (v,)


def adam(w, g, slots, step, rate, beta_1, beta_2, epsilon):
    m, v = slots
    m = m + (g - m) * (1 - beta_1)
    v = v + (g * g - v) * (1 - beta_2)
    alpha = rate * jnp.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    return w - alpha * m / (jnp.sqrt(v) + epsilon), (m, v)


RULES = {"sgd": (sgd, 0), "momentum": (momentum, 1), "rmsprop": (rmsprop, 1), "adam": (adam, 2)}


class Trainer:
    def __init__(self, job):
        settings = dict(job.settings.optimizer)
        rule, self.slots = RULES[settings.pop("name")]
        del settings["learning_rate"]
        loss = squared_error if job.settings.is_regression else crossentropy
        whole = len(job.order) // job.settings.batch_size
        full, rest = np.split(job.order, [whole * job.settings.batch_size])
        self.data = [
            jnp.asarray(array) for array in (job.x_train, job.y_train, full.reshape(whole, -1), rest, job.rates)
        ]
        self.weights = [jnp.asarray(array) for array in job.weights]
        self.run = jax.jit(lambda *given: epoch(*given, lambda *update: rule(*update, **settings), loss))

    def reset(self):
        slots = [(jnp.zeros_like(w),) * self.slots for w in self.weights]
        self.state = (self.weights, slots, jnp.float32(0))

    def train(self):
        self.state = jax.block_until_ready(self.run(self.state, *self.data))

    def predict(self, x):
        return np.asarray(logits(self.state[0], x))


class Predictor:
    def __init__(self, job):
        weights = [jnp.asarray(array) for array in job.weights]
        self.forward = jax.jit(lambda x: jax.nn.softmax(logits(weights, x)))

    def predict(self, x):
        return np.asarray(self.forward(x))


def epoch(state, x, y, batches, rest, rates, rule, loss):
    """All full batches in a scan, then the last one when it has fewer rows."""

    def step(state, given):
        weights, slots, count = state
        rows, rate = given
        gradients = jax.grad(loss)(weights, x[rows], y[rows])
        pairs = [rule(w, g, s, count + 1, rate) for w, g, s in zip(weights, gradients, slots, strict=True)]
        return ([w for w, _ in pairs], [s for _, s in pairs], count + 1), None

    state, _ = lax.scan(step, state, (batches, rates[: len(batches)]))
    return step(state, (rest, rates[-1]))[0] if len(rest) else state


def squared_error(weights, x, y):
    return jnp.mean((logits(weights, x) - y) ** 2)


def crossentropy(weights, x, y):
    surprises = -jax.nn.log_softmax(logits(weights, x))
    return jnp.mean(jnp.take_along_axis(surprises, y[:, None], axis=1))


def logits(weights, x):
    for i in range(0, len(weights), 2):
        x = x @ weights[i] + weights[i + 1]
        if i + 2 < len(weights):
            x = jax.nn.relu(x)
    return x
