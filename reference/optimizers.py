"""Rules that update weights from gradients, with the formulas of Keras, and what may be around any of them.

w are weights and g their gradients; m, v, a and the like are what an optimizer remembers of earlier steps. All are flat
lists of n floats, which are changed in place, except for g. Each rule is per element, so a matrix may be passed row by
row.
"""

import math

__all__ = [
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "amsgrad",
    "average_weights",
    "clip_by_value",
    "decay_weights",
    "ftrl",
    "lion",
    "momentum",
    "nadam",
    "nesterov",
    "rmsprop",
    "rmsprop_centered",
    "rmsprop_momentum",
    "schedule_free_adamw",
    "sgd",
]


def sgd(w, g, learning_rate):
    """Stochastic gradient descent: w = w - learning_rate * g.

    Parameters
    ----------
    w, g : [n]
    learning_rate : float
    """
    for i in range(len(w)):
        w[i] = w[i] - learning_rate * g[i]


def momentum(w, g, m, learning_rate, momentum):
    """Descent with the velocity m: m = momentum * m - learning_rate * g; w = w + m.

    B. T. Polyak, Some methods of speeding up the convergence of iteration methods, 1964.

    Parameters
    ----------
    w, g, m : [n]
    learning_rate, momentum : float
    """
    for i in range(len(w)):
        m[i] = momentum * m[i] - learning_rate * g[i]
        w[i] = w[i] + m[i]


def nesterov(w, g, m, learning_rate, momentum):
    """Momentum that looks one step ahead: m as in momentum; w = w + (momentum * m - learning_rate * g).

    I. Sutskever et al., On the importance of initialization and momentum in deep learning, 2013, with w standing for
    the point looked ahead to.

    Parameters
    ----------
    w, g, m : [n]
    learning_rate, momentum : float
    """
    for i in range(len(w)):
        m[i] = momentum * m[i] - learning_rate * g[i]
        w[i] = w[i] + (momentum * m[i] - learning_rate * g[i])


def rmsprop(w, g, v, learning_rate, rho, epsilon):
    """Steps divided by a running root mean square of the gradient.

    v = rho * v + (1 - rho) * g^2; w = w - learning_rate * g / sqrt(v + epsilon)

    T. Tieleman and G. Hinton, Neural Networks for Machine Learning, lecture 6.5, 2012; epsilon as in Keras 3.

    Parameters
    ----------
    w, g, v : [n]
    learning_rate, rho, epsilon : float
    """
    for i in range(len(w)):
        v[i] = rho * v[i] + (1.0 - rho) * (g[i] * g[i])
        w[i] = w[i] - (learning_rate * g[i]) / math.sqrt(v[i] + epsilon)


def rmsprop_momentum(w, g, v, m, learning_rate, rho, momentum, epsilon):
    """The steps of rmsprop, gathered in a velocity.

    v as in rmsprop; m = momentum * m + learning_rate * g / sqrt(v + epsilon); w = w - m

    Parameters
    ----------
    w, g, v, m : [n]
    learning_rate, rho, momentum, epsilon : float
    """
    for i in range(len(w)):
        v[i] = rho * v[i] + (1.0 - rho) * (g[i] * g[i])
        m[i] = momentum * m[i] + (learning_rate * g[i]) / math.sqrt(v[i] + epsilon)
        w[i] = w[i] - m[i]


def rmsprop_centered(w, g, v, a, m, learning_rate, rho, momentum, epsilon):
    """Steps divided by a running standard deviation of the gradient, gathered in a velocity.

    v as in rmsprop; a = rho * a + (1 - rho) * g; m = momentum * m + learning_rate * g / sqrt(v - a^2 + epsilon);
    w = w - m

    A. Graves, Generating sequences with recurrent neural networks, 2013, equations 38 to 41.

    Parameters
    ----------
    w, g, v, a, m : [n]
    learning_rate, rho, momentum, epsilon : float
    """
    for i in range(len(w)):
        v[i] = rho * v[i] + (1.0 - rho) * (g[i] * g[i])
        a[i] = rho * a[i] + (1.0 - rho) * g[i]
        m[i] = momentum * m[i] + (learning_rate * g[i]) / math.sqrt((v[i] - a[i] * a[i]) + epsilon)
        w[i] = w[i] - m[i]


def adagrad(w, g, a, learning_rate, epsilon):
    """Steps divided by the root of all squared gradients so far.

    a = a + g^2; w = w - learning_rate * g / sqrt(a + epsilon)

    J. Duchi, E. Hazan and Y. Singer, Adaptive subgradient methods, 2011; epsilon as in Keras 3.

    Parameters
    ----------
    w, g, a : [n]
    learning_rate, epsilon : float
    """
    for i in range(len(w)):
        a[i] = a[i] + g[i] * g[i]
        w[i] = w[i] - (learning_rate * g[i]) / math.sqrt(a[i] + epsilon)


def adadelta(w, g, a, d, learning_rate, rho, epsilon):
    """Steps of the size of earlier ones, which the running means a of g^2 and d of s^2 make up.

    a = rho * a + (1 - rho) * g^2; s = sqrt(d + epsilon) * g / sqrt(a + epsilon); d = rho * d + (1 - rho) * s^2;
    w = w - learning_rate * s

    M. Zeiler, ADADELTA: an adaptive learning rate method, 2012.

    Parameters
    ----------
    w, g, a, d : [n]
    learning_rate, rho, epsilon : float
    """
    for i in range(len(w)):
        a[i] = rho * a[i] + (1.0 - rho) * (g[i] * g[i])
        s = (math.sqrt(d[i] + epsilon) * g[i]) / math.sqrt(a[i] + epsilon)
        d[i] = rho * d[i] + (1.0 - rho) * (s * s)
        w[i] = w[i] - learning_rate * s


def adam(w, g, m, v, learning_rate, beta_1, beta_2, epsilon, step):
    """Running mean m of the gradient over the root of the running mean v of its square.

    alpha = learning_rate * sqrt(1 - beta_2^step) / (1 - beta_1^step)
    m = m + (g - m) (1 - beta_1); v = v + (g^2 - v) (1 - beta_2); w = w - alpha * m / (sqrt(v) + epsilon)

    D. Kingma and J. Ba, Adam: a method for stochastic optimization, 2015, in the form at the end of its section 2.

    Parameters
    ----------
    w, g, m, v : [n]
    learning_rate, beta_1, beta_2, epsilon : float
    step : int
        1 at the first update; alpha makes up for m and v having started at 0.
    """
    alpha = learning_rate * math.sqrt(1.0 - beta_2**step) / (1.0 - beta_1**step)
    for i in range(len(w)):
        m[i] = m[i] + (g[i] - m[i]) * (1.0 - beta_1)
        v[i] = v[i] + (g[i] * g[i] - v[i]) * (1.0 - beta_2)
        w[i] = w[i] - (alpha * m[i]) / (math.sqrt(v[i]) + epsilon)


def amsgrad(w, g, m, v, a, learning_rate, beta_1, beta_2, epsilon, step):
    """Adam with the greatest v so far, a = max(v, a), in place of v.

    S. Reddi, S. Kale and S. Kumar, On the convergence of Adam and beyond, 2018.

    Parameters
    ----------
    w, g, m, v, a : [n]
    learning_rate, beta_1, beta_2, epsilon : float
    step : int
        As in adam.
    """
    alpha = learning_rate * math.sqrt(1.0 - beta_2**step) / (1.0 - beta_1**step)
    for i in range(len(w)):
        m[i] = m[i] + (g[i] - m[i]) * (1.0 - beta_1)
        v[i] = v[i] + (g[i] * g[i] - v[i]) * (1.0 - beta_2)
        a[i] = max(v[i], a[i])
        w[i] = w[i] - (alpha * m[i]) / (math.sqrt(a[i]) + epsilon)


def adamax(w, g, m, u, learning_rate, beta_1, beta_2, epsilon, step):
    """Adam with the largest gradient until now, decayed by beta_2, in place of the root of the mean square.

    m as in adam; u = max(|g|, beta_2 * u); w = w - learning_rate * m / ((1 - beta_1^step) * (u + epsilon))

    D. Kingma and J. Ba, Adam: a method for stochastic optimization, 2015, section 7.1.

    Parameters
    ----------
    w, g, m, u : [n]
    learning_rate, beta_1, beta_2, epsilon : float
    step : int
        As in adam.
    """
    correction = 1.0 - beta_1**step
    for i in range(len(w)):
        m[i] = m[i] + (g[i] - m[i]) * (1.0 - beta_1)
        u[i] = max(abs(g[i]), beta_2 * u[i])
        w[i] = w[i] - (learning_rate * m[i]) / (correction * (u[i] + epsilon))


def nadam(w, g, m, v, learning_rate, beta_1, beta_2, epsilon, step):
    """Adam that looks one step ahead, as nesterov does, with momenta u that grow up to beta_1.

    u_t = beta_1 s_t with s_t = 1 - 0.96^t / 2; p_t = u_1 u_2 ... u_t = beta_1^t s_1 s_2 ... s_t; m and v as in adam;
    w = w - learning_rate * (u_(t+1) / (1 - p_(t+1)) * m + (1 - u_t) / (1 - p_t) * g)
    / (sqrt(v / (1 - beta_2^t)) + epsilon), with t for the step

    T. Dozat, Incorporating Nesterov momentum into Adam, 2016.

    Parameters
    ----------
    w, g, m, v : [n]
    learning_rate, beta_1, beta_2, epsilon : float
    step : int
        As in adam.
    """
    following = beta_1 * nadam_share(step + 1)
    product = nadam_product(beta_1, step)
    share_m = following / (1.0 - product * following)
    share_g = (1.0 - beta_1 * nadam_share(step)) / (1.0 - product)
    correction = 1.0 - beta_2**step
    for i in range(len(w)):
        m[i] = m[i] + (g[i] - m[i]) * (1.0 - beta_1)
        v[i] = v[i] + (g[i] * g[i] - v[i]) * (1.0 - beta_2)
        mean = share_m * m[i] + share_g * g[i]
        w[i] = w[i] - (learning_rate * mean) / (math.sqrt(v[i] / correction) + epsilon)


def nadam_product(beta_1, step):
    """p of nadam; from the 900th step on s is 1 in floating point."""
    shares = 1.0
    for t in range(1, min(step, 900) + 1):
        shares = shares * nadam_share(t)
    return beta_1**step * shares


def nadam_share(step):
    """s of nadam."""
    return 1.0 - 0.5 * 0.96**step


def lion(w, g, m, learning_rate, beta_1, beta_2):
    """Steps of one size: the sign of a mean of m and g.

    w = w - learning_rate * sign(beta_1 * m + (1 - beta_1) * g); m = beta_2 * m + (1 - beta_2) * g

    X. Chen et al., Symbolic discovery of optimization algorithms, 2023.

    Parameters
    ----------
    w, g, m : [n]
    learning_rate, beta_1, beta_2 : float
    """
    for i in range(len(w)):
        mean = beta_1 * m[i] + (1.0 - beta_1) * g[i]
        w[i] = w[i] - learning_rate * (1.0 if mean > 0.0 else -1.0 if mean < 0.0 else mean)
        m[i] = beta_2 * m[i] + (1.0 - beta_2) * g[i]


def ftrl(w, g, a, z, learning_rate, learning_rate_power, l1, l2, l2_shrinkage, beta):
    """Follow the regularized leader: weights that fit all gradients so far best, and are 0 unless l1 is outweighed.

    With r = a^-learning_rate_power / learning_rate before the step and R after it, where a = a + g^2:
    z = z + g + 2 l2_shrinkage w - (R - r) w; w = (clip(z, -l1, l1) - z) / (R + 2 l2 + beta / learning_rate)

    H. B. McMahan et al., Ad click prediction: a view from the trenches, 2013; l2_shrinkage as in Keras.

    Parameters
    ----------
    w, g, a, z : [n]
    learning_rate, learning_rate_power, l1, l2, l2_shrinkage, beta : float
        learning_rate_power is usually -0.5: steps are divided by a root.
    """
    shrinkage = 2.0 * l2_shrinkage
    ridge = 2.0 * (l2 + beta / (2.0 * learning_rate))
    for i in range(len(w)):
        before = power(a[i], -learning_rate_power)
        a[i] = a[i] + g[i] * g[i]
        after = power(a[i], -learning_rate_power)
        z[i] = z[i] + ((g[i] + shrinkage * w[i]) - ((after - before) / learning_rate) * w[i])
        w[i] = (min(max(z[i], -l1), l1) - z[i]) / (after / learning_rate + ridge)


def power(v, exponent):
    """v^exponent, by the root where it is one."""
    return math.sqrt(v) if exponent == 0.5 else math.pow(v, exponent)


def schedule_free_adamw(w, g, z, v, learning_rate, beta_1, beta_2, epsilon, warmup_steps, step):
    """Adam without a schedule: gradients are taken between z, which moves by them, and x, the mean of all z so far.

    v = v + (g^2 - v)(1 - beta_2); z' = z - rate g / (sqrt(v / (1 - beta_2^step)) + epsilon), where the rate grows over
    the first warmup_steps; x = (w - (1 - beta_1) z) / beta_1; x' = x (1 - 1 / step) + z' / step;
    w = (1 - beta_1) z' + beta_1 x'. A. Defazio et al., The road less scheduled, 2024, in Keras' form.

    Parameters
    ----------
    w, g, z, v : [n]
        z starts as w does.
    learning_rate, beta_1, beta_2, epsilon : float
    warmup_steps : float
    step : int
        Updates done, with this one.
    """
    correction = 1.0 - math.pow(beta_2, step)
    rate = learning_rate * min(step / warmup_steps, 1.0) if warmup_steps > 0.0 else learning_rate
    share = 1.0 / step
    for i in range(len(w)):
        v[i] = v[i] + (g[i] * g[i] - v[i]) * (1.0 - beta_2)
        x = (w[i] - (1.0 - beta_1) * z[i]) / beta_1
        z[i] = z[i] - (rate * g[i]) / (math.sqrt(v[i] / correction) + epsilon)
        x = (1.0 - share) * x + share * z[i]
        w[i] = (1.0 - beta_1) * z[i] + beta_1 * x


def clip_by_value(g, clipvalue):
    """Move each element into [-clipvalue, clipvalue], in place; NaN stays NaN.

    Parameters
    ----------
    g : [n]
    clipvalue : float
    """
    for i in range(len(g)):
        g[i] = min(max(g[i], -clipvalue), clipvalue)


def decay_weights(w, weight_decay, learning_rate):
    """Shrink weights, before their update: w = w - w * weight_decay * learning_rate.

    I. Loshchilov and F. Hutter, Decoupled weight decay regularization, 2019, in Keras' form.

    Parameters
    ----------
    w : [n]
    weight_decay, learning_rate : float
    """
    for i in range(len(w)):
        w[i] = w[i] - (w[i] * weight_decay) * learning_rate


def average_weights(average, w, ema_momentum, step):
    """Exponential moving average of weights after their updates; it starts as the weights after the first one.

    average = ema_momentum * average + (1 - ema_momentum) * w, with 0 for ema_momentum at the first step

    B. T. Polyak and A. Juditsky, Acceleration of stochastic approximation by averaging, 1992, with fading weights.

    Parameters
    ----------
    average, w : [n]
    ema_momentum : float
    step : int
        1 at the first update.
    """
    momentum = 0.0 if step == 1 else ema_momentum
    for i in range(len(w)):
        average[i] = momentum * average[i] + (1.0 - momentum) * w[i]
