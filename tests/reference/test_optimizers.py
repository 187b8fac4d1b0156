"""The oracle's optimizers: two steps of each, against exact fractions or fifty decimal digits of the formulas in
another form."""

from decimal import Decimal, localcontext
from fractions import Fraction

import reference
from tests.by_hand import close

WEIGHTS = [1.0, -2.0, 0.5]
GRADIENTS = ([0.3, -0.7, 0.0], [-0.2, 0.4, 1.5])


def two_steps(rule, slots, start=0.0, **settings):
    """Weights and slots after two steps; settings of the form name=(first, second) change from step to step."""
    w = list(WEIGHTS)
    state = [[start] * len(w) for _ in range(slots)]
    for i in range(2):
        rule(w, list(GRADIENTS[i]), *state, **{k: v[i] if isinstance(v, tuple) else v for k, v in settings.items()})
    return w, state


def per_weight(formula, number):
    """formula(w, g1, g2) of each weight in exact or decimal arithmetic, as floats."""
    with localcontext() as context:
        context.prec = 50
        return [float(formula(*map(number, values))) for values in zip(WEIGHTS, *GRADIENTS, strict=True)]


def test_sgd():
    w, _ = two_steps(reference.sgd, 0, learning_rate=0.1)
    rate = Fraction(0.1)
    close(w, per_weight(lambda w, g1, g2: w - rate * (g1 + g2), Fraction))


def test_momentum():
    w, (m,) = two_steps(reference.momentum, 1, learning_rate=0.1, momentum=0.9)
    rate, mu = Fraction(0.1), Fraction(0.9)
    close(m, per_weight(lambda w, g1, g2: -rate * (mu * g1 + g2), Fraction))
    close(w, per_weight(lambda w, g1, g2: w - rate * ((1 + mu) * g1 + g2), Fraction))


def test_nesterov():
    w, (m,) = two_steps(reference.nesterov, 1, learning_rate=0.1, momentum=0.9)
    rate, mu = Fraction(0.1), Fraction(0.9)

    def look_ahead(w, g1, g2):  # the point of plain momentum, plus one more stride of the velocity
        velocity = -rate * (mu * g1 + g2)
        return w - rate * ((1 + mu) * g1 + g2) + mu * velocity

    close(m, per_weight(lambda w, g1, g2: -rate * (mu * g1 + g2), Fraction))
    close(w, per_weight(look_ahead, Fraction))


def test_rmsprop():
    w, (v,) = two_steps(reference.rmsprop, 1, learning_rate=0.1, rho=0.9, epsilon=1e-7)
    rate, rho, epsilon = map(Decimal, (0.1, 0.9, 1e-7))

    def square(g1, g2):
        return (1 - rho) * (rho * g1**2 + g2**2)

    def weight(w, g1, g2):
        first = g1 / (((1 - rho) * g1**2) + epsilon).sqrt()
        return w - rate * (first + g2 / (square(g1, g2) + epsilon).sqrt())

    close(v, per_weight(lambda w, g1, g2: square(g1, g2), Decimal))
    close(w, per_weight(weight, Decimal))


def test_adagrad():
    w, (a,) = two_steps(reference.adagrad, 1, start=0.1, learning_rate=0.5, epsilon=1e-7)
    rate, start, epsilon = map(Decimal, (0.5, 0.1, 1e-7))

    def weight(w, g1, g2):
        first = g1 / (start + g1**2 + epsilon).sqrt()
        return w - rate * (first + g2 / (start + g1**2 + g2**2 + epsilon).sqrt())

    close(a, per_weight(lambda w, g1, g2: start + g1**2 + g2**2, Decimal))
    close(w, per_weight(weight, Decimal))


def test_adam():
    """The formula of the paper's algorithm 1, m^ / (sqrt(v^) + e), with the e that Keras' form amounts to."""
    w, (m, v) = two_steps(reference.adam, 2, learning_rate=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-7, step=(1, 2))
    rate, beta_1, beta_2, epsilon = map(Decimal, (0.1, 0.9, 0.999, 1e-7))

    def mean(g1, g2):
        return (1 - beta_1) * (beta_1 * g1 + g2)

    def square(g1, g2):
        return (1 - beta_2) * (beta_2 * g1**2 + g2**2)

    def stride(mean, square, step):
        mean_hat, square_hat = mean / (1 - beta_1**step), square / (1 - beta_2**step)
        return rate * mean_hat / (square_hat.sqrt() + epsilon / (1 - beta_2**step).sqrt())

    def weight(w, g1, g2):
        return w - stride((1 - beta_1) * g1, (1 - beta_2) * g1**2, 1) - stride(mean(g1, g2), square(g1, g2), 2)

    close(m, per_weight(lambda w, g1, g2: mean(g1, g2), Decimal))
    close(v, per_weight(lambda w, g1, g2: square(g1, g2), Decimal))
    close(w, per_weight(weight, Decimal), 1e-12)  # 1 - beta_2 loses three digits


def test_epsilon_is_inside_the_root_except_for_adam():
    settings = {"learning_rate": 1.0, "epsilon": 0.25}
    inside, outside = [0.0], [0.0]
    reference.rmsprop(inside, [1.0], [0.0], rho=1.0, **settings)
    assert inside == [-2.0]
    reference.adagrad(inside, [2.0], [-4.0], **settings)
    assert inside == [-6.0]
    reference.adam(outside, [1.0], [0.0], [0.0], beta_1=0.5, beta_2=0.75, step=1, **settings)
    assert outside == [-0.5 / 0.75]  # alpha = 1, m = 1/2, sqrt(v) + epsilon = 1/2 + 1/4
