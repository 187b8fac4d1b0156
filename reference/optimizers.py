"""Rules that update weights from gradients, with the formulas of Keras.

w are weights and g their gradients; m, v and a are what an optimizer remembers of earlier steps. All are flat lists of
n floats, and w, m, v and a are changed in place. Each rule is per element, so a matrix may be passed row by row.
"""

import math


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
