"""Learning rates that change from step to step, with the formulas of Keras; step is the number of updates done before.

fastmlp/optimizers/schedules.py has their namesakes.
"""

import math


def exponential_decay(step, initial_learning_rate, decay_steps, decay_rate, staircase=False):
    """initial_learning_rate * decay_rate^p with p = step / decay_steps, rounded down if staircase."""
    p = step / decay_steps
    if staircase:
        p = math.floor(p)
    return initial_learning_rate * decay_rate**p


def inverse_time_decay(step, initial_learning_rate, decay_steps, decay_rate, staircase=False):
    """initial_learning_rate / (1 + decay_rate * p) with p as in exponential_decay."""
    p = step / decay_steps
    if staircase:
        p = math.floor(p)
    return initial_learning_rate / (1.0 + decay_rate * p)


def piecewise_constant_decay(step, boundaries, values):
    """values[i] of the first boundary i that is not below step; after all of them the last value."""
    for boundary, value in zip(boundaries, values[:-1], strict=True):
        if step <= boundary:
            return value
    return values[-1]


def polynomial_decay(step, initial_learning_rate, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False):
    """(initial_learning_rate - end_learning_rate) * (1 - p)^power + end_learning_rate with p = step / decay_steps.

    After decay_steps it stays at the end; with cycle it decays to the next multiple of decay_steps.
    """
    if cycle:
        decay_steps = decay_steps * max(1, math.ceil(step / decay_steps))
    p = min(step, decay_steps) / decay_steps
    return (initial_learning_rate - end_learning_rate) * (1.0 - p) ** power + end_learning_rate


def cosine_decay(step, initial_learning_rate, decay_steps, alpha=0.0, warmup_target=None, warmup_steps=0):
    """From the start down to alpha times it, along half a cosine over decay_steps.

    With a warmup_target it first rises in a straight line to that, over warmup_steps, and falls from there.
    I. Loshchilov and F. Hutter, SGDR: stochastic gradient descent with warm restarts, 2017.
    """
    top = initial_learning_rate
    if warmup_target is not None:
        if step < warmup_steps:
            rise = warmup_target - initial_learning_rate
            return rise * (step / warmup_steps) + initial_learning_rate
        top = warmup_target
        step = step - warmup_steps
    p = min(step, decay_steps) / decay_steps
    return top * ((1.0 - alpha) * (0.5 * (1.0 + math.cos(math.pi * p))) + alpha)


def cosine_decay_restarts(step, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0):
    """Half cosines one after another: each is t_mul times as long as the one before, and m_mul times as high.

    I. Loshchilov and F. Hutter, as above.
    """
    length = first_decay_steps
    restarts = 0
    while step >= length:
        step = step - length
        length = length * t_mul
        restarts = restarts + 1
    half_cosine = 0.5 * (1.0 + math.cos(math.pi * (step / length)))
    return initial_learning_rate * ((1.0 - alpha) * (m_mul**restarts * half_cosine) + alpha)


def one_cycle(
    step,
    max_learning_rate,
    total_steps,
    pct_start=0.3,
    anneal_strategy="cos",
    div_factor=25.0,
    final_div_factor=1e4,
    three_phase=False,
):
    """Up from max_learning_rate / div_factor to max_learning_rate, and down to the start / final_div_factor.

    With three phases it goes down to the start first, as fast as it came. The formula is that of PyTorch's OneCycleLR.
    L. Smith and N. Topin, Super-convergence: very fast training of neural networks using large learning rates, 2018.
    """
    start, top = max_learning_rate / div_factor, max_learning_rate
    end = start / final_div_factor
    rise = pct_start * total_steps - 1.0
    last = total_steps - 1.0
    phases = [(rise, start, top), (last, top, end)]  # the step each ends at, and the rates it goes from and to
    if three_phase:
        phases = [(rise, start, top), (2.0 * pct_start * total_steps - 2.0, top, start), (last, start, end)]
    step = min(step, last)
    before = 0.0
    for until, from_rate, to_rate in phases:
        if step <= until:
            p = (step - before) / (until - before) if until > before else 1.0
            if anneal_strategy == "linear":
                return (to_rate - from_rate) * p + from_rate
            return to_rate + (from_rate - to_rate) / 2.0 * (1.0 + math.cos(math.pi * p))
        before = until
