"""One update of flat weights w by the gradient g, in place; twin of reference/optimizers.py.

The formulas are Keras'; they live in c/elementwise.h, where every instruction set has its loop.
"""

from cython cimport floating
from cython.parallel cimport parallel
from libc.math cimport pow, sqrt

from fastmlp.kernels.isa cimport ADAGRAD, ADAM, MOMENTUM, NESTEROV, RMSPROP, SGD
from fastmlp.kernels.isa cimport Isa, Optimizer, selected, share, thread_count, thread_number, update

KINDS = {"sgd": SGD, "momentum": MOMENTUM, "nesterov": NESTEROV, "rmsprop": RMSPROP, "adagrad": ADAGRAD, "adam": ADAM}


def sgd(floating[::1] w, const floating[::1] g, double learning_rate, int threads):
    """w = w - learning_rate * g."""
    cdef Optimizer optimizer = optimizer_from("sgd", dict(learning_rate=learning_rate))
    apply[floating](&optimizer, w, g, None, None, threads)


def momentum(floating[::1] w, const floating[::1] g, floating[::1] m, double learning_rate, double momentum,
             int threads):
    """m = momentum * m - learning_rate * g; w = w + m."""
    cdef Optimizer optimizer = optimizer_from("momentum", dict(learning_rate=learning_rate, momentum=momentum))
    apply[floating](&optimizer, w, g, m, None, threads)


def nesterov(floating[::1] w, const floating[::1] g, floating[::1] m, double learning_rate, double momentum,
             int threads):
    """m = momentum * m - learning_rate * g; w = w + (momentum * m - learning_rate * g)."""
    cdef Optimizer optimizer = optimizer_from("nesterov", dict(learning_rate=learning_rate, momentum=momentum))
    apply[floating](&optimizer, w, g, m, None, threads)


def rmsprop(floating[::1] w, const floating[::1] g, floating[::1] v, double learning_rate, double rho,
            double epsilon, int threads):
    """v = rho * v + (1 - rho) * g^2; w = w - learning_rate * g / sqrt(v + epsilon)."""
    cdef Optimizer optimizer = optimizer_from("rmsprop", dict(learning_rate=learning_rate, rho=rho, epsilon=epsilon))
    apply[floating](&optimizer, w, g, v, None, threads)


def adagrad(floating[::1] w, const floating[::1] g, floating[::1] a, double learning_rate, double epsilon,
            int threads):
    """a = a + g^2; w = w - learning_rate * g / sqrt(a + epsilon)."""
    cdef Optimizer optimizer = optimizer_from("adagrad", dict(learning_rate=learning_rate, epsilon=epsilon))
    apply[floating](&optimizer, w, g, a, None, threads)


def adam(floating[::1] w, const floating[::1] g, floating[::1] m, floating[::1] v, double learning_rate,
         double beta_1, double beta_2, double epsilon, long long step, int threads):
    """m = m + (g - m)(1 - beta_1); v = v + (g^2 - v)(1 - beta_2); w = w - alpha * m / (sqrt(v) + epsilon)."""
    cdef Optimizer optimizer = optimizer_from(
        "adam", dict(learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
    )
    optimizer = at_step(optimizer, step)
    apply[floating](&optimizer, w, g, m, v, threads)


cdef Optimizer optimizer_from(str name, dict settings):
    """The C struct of one of KINDS and the scalar arguments of that kernel."""
    cdef Optimizer optimizer
    optimizer.kind = KINDS[name]
    optimizer.learning_rate = settings["learning_rate"]
    optimizer.momentum = settings.get("momentum", 0.0)
    optimizer.rho = settings.get("rho", 0.0)
    optimizer.beta_1 = settings.get("beta_1", 0.0)
    optimizer.beta_2 = settings.get("beta_2", 0.0)
    optimizer.epsilon = settings.get("epsilon", 0.0)
    return optimizer


cdef Optimizer at_step(Optimizer optimizer, long long step) noexcept nogil:
    """The optimizer with Adam's learning rate corrected for the bias of the first steps; step counts from 1."""
    if optimizer.kind == ADAM:
        optimizer.learning_rate = (
            optimizer.learning_rate * sqrt(1 - pow(optimizer.beta_2, <double> step))
            / (1 - pow(optimizer.beta_1, <double> step))
        )
    return optimizer


cdef apply(Optimizer *optimizer, floating[::1] w, const floating[::1] g, floating[::1] slot_1, floating[::1] slot_2,
           int threads):
    cdef const Isa *isa = selected()
    cdef floating *first = &slot_1[0] if slot_1 is not None else NULL
    cdef floating *second = &slot_2[0] if slot_2 is not None else NULL
    with nogil, parallel(num_threads=threads):
        update_share(isa, optimizer, w.shape[0], &w[0], &g[0], first, second)


cdef void update_share(const Isa *isa, Optimizer *optimizer, Py_ssize_t n, floating *w, const floating *g,
                       floating *slot_1, floating *slot_2) noexcept nogil:
    cdef Py_ssize_t start = share(n, thread_number(), thread_count())
    cdef Py_ssize_t stop = share(n, thread_number() + 1, thread_count())
    update(isa, optimizer, stop - start, w + start, g + start, slot_1 + start if slot_1 != NULL else NULL,
           slot_2 + start if slot_2 != NULL else NULL)
