"""One update of flat weights w by the gradient g, in place; twin of reference/optimizers.py.

The formulas are Keras'; they live in c/update.h, where every instruction set has its loop.
"""

from cython cimport floating
from cython.parallel cimport parallel
from libc.math cimport pow, sqrt

from fastmlp.kernels.isa cimport ADAM, ADAMAX, AMSGRAD, NADAM, OPTIMIZER_NAMES, OPTIMIZER_SLOTS, SCALAR_NAMES
from fastmlp.kernels.isa cimport SCHEDULE_FREE_ADAMW
from fastmlp.kernels.isa cimport Isa, Optimizer, selected, partition, thread_count, thread_number, update
from fastmlp.kernels.isa cimport average_weights as average_elements, clip_by_value as clip_elements
from fastmlp.kernels.isa cimport decay_weights as decay_elements

SLOTS = dict(zip(OPTIMIZER_NAMES.decode().lower().split(), map(int, OPTIMIZER_SLOTS.decode().split())))
KINDS = {name: kind for kind, name in enumerate(SLOTS)}
SCALARS = SCALAR_NAMES.decode().split()
START = "initial_accumulator_value"  # of the first slot
AROUND = {"clipvalue", "weight_decay", "ema_momentum", "ema_overwrite_frequency"}  # what any rule may have around it
KNOWN = {"name", START, *SCALARS, *AROUND}

cdef enum:
    SETTLED = 900  # the first step with a share of 1

cdef double[SETTLED + 1] NADAM_SHARES  # the product of the shares of so many steps
cdef Py_ssize_t step_of_shares
NADAM_SHARES[0] = 1
for step_of_shares in range(1, SETTLED + 1):
    NADAM_SHARES[step_of_shares] = NADAM_SHARES[step_of_shares - 1] * nadam_share(step_of_shares)


def sgd(floating[::1] w, const floating[::1] g, double learning_rate, int threads):
    """w = w - learning_rate * g."""
    apply[floating](dict(name="sgd", learning_rate=learning_rate), 1, w, g, None, None, None, threads)


def momentum(floating[::1] w, const floating[::1] g, floating[::1] m, double learning_rate, double momentum,
             int threads):
    """m = momentum * m - learning_rate * g; w = w + m."""
    settings = dict(name="momentum", learning_rate=learning_rate, momentum=momentum)
    apply[floating](settings, 1, w, g, m, None, None, threads)


def nesterov(floating[::1] w, const floating[::1] g, floating[::1] m, double learning_rate, double momentum,
             int threads):
    """m = momentum * m - learning_rate * g; w = w + (momentum * m - learning_rate * g)."""
    settings = dict(name="nesterov", learning_rate=learning_rate, momentum=momentum)
    apply[floating](settings, 1, w, g, m, None, None, threads)


def rmsprop(floating[::1] w, const floating[::1] g, floating[::1] v, double learning_rate, double rho,
            double epsilon, int threads):
    """v = rho * v + (1 - rho) * g^2; w = w - learning_rate * g / sqrt(v + epsilon)."""
    settings = dict(name="rmsprop", learning_rate=learning_rate, rho=rho, epsilon=epsilon)
    apply[floating](settings, 1, w, g, v, None, None, threads)


def rmsprop_momentum(floating[::1] w, const floating[::1] g, floating[::1] v, floating[::1] m, double learning_rate,
                     double rho, double momentum, double epsilon, int threads):
    """v as in rmsprop; m = momentum * m + learning_rate * g / sqrt(v + epsilon); w = w - m."""
    settings = dict(
        name="rmsprop_momentum", learning_rate=learning_rate, rho=rho, momentum=momentum, epsilon=epsilon
    )
    apply[floating](settings, 1, w, g, v, m, None, threads)


def rmsprop_centered(floating[::1] w, const floating[::1] g, floating[::1] v, floating[::1] a, floating[::1] m,
                     double learning_rate, double rho, double momentum, double epsilon, int threads):
    """The same with v - a^2 in place of v, where a = rho * a + (1 - rho) * g."""
    settings = dict(
        name="rmsprop_centered", learning_rate=learning_rate, rho=rho, momentum=momentum, epsilon=epsilon
    )
    apply[floating](settings, 1, w, g, v, a, m, threads)


def adagrad(floating[::1] w, const floating[::1] g, floating[::1] a, double learning_rate, double epsilon,
            int threads):
    """a = a + g^2; w = w - learning_rate * g / sqrt(a + epsilon)."""
    settings = dict(name="adagrad", learning_rate=learning_rate, epsilon=epsilon)
    apply[floating](settings, 1, w, g, a, None, None, threads)


def adadelta(floating[::1] w, const floating[::1] g, floating[::1] a, floating[::1] d, double learning_rate,
             double rho, double epsilon, int threads):
    """a as v in rmsprop; s = sqrt(d + epsilon) * g / sqrt(a + epsilon); d likewise of s; w = w - learning_rate * s."""
    settings = dict(name="adadelta", learning_rate=learning_rate, rho=rho, epsilon=epsilon)
    apply[floating](settings, 1, w, g, a, d, None, threads)


def adam(floating[::1] w, const floating[::1] g, floating[::1] m, floating[::1] v, double learning_rate,
         double beta_1, double beta_2, double epsilon, long long step, int threads):
    """m = m + (g - m)(1 - beta_1); v = v + (g^2 - v)(1 - beta_2); w = w - alpha * m / (sqrt(v) + epsilon)."""
    settings = dict(name="adam", learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
    apply[floating](settings, step, w, g, m, v, None, threads)


def amsgrad(floating[::1] w, const floating[::1] g, floating[::1] m, floating[::1] v, floating[::1] a,
            double learning_rate, double beta_1, double beta_2, double epsilon, long long step, int threads):
    """Adam with a = max(v, a) in place of v."""
    settings = dict(name="amsgrad", learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
    apply[floating](settings, step, w, g, m, v, a, threads)


def adamax(floating[::1] w, const floating[::1] g, floating[::1] m, floating[::1] u, double learning_rate,
           double beta_1, double beta_2, double epsilon, long long step, int threads):
    """m as in adam; u = max(|g|, beta_2 * u); w = w - learning_rate * m / ((1 - beta_1^step) * (u + epsilon))."""
    settings = dict(name="adamax", learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
    apply[floating](settings, step, w, g, m, u, None, threads)


def nadam(floating[::1] w, const floating[::1] g, floating[::1] m, floating[::1] v, double learning_rate,
          double beta_1, double beta_2, double epsilon, long long step, int threads):
    """Adam with a mean of m and g, each corrected for its bias, in place of m."""
    settings = dict(name="nadam", learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
    apply[floating](settings, step, w, g, m, v, None, threads)


def lion(floating[::1] w, const floating[::1] g, floating[::1] m, double learning_rate, double beta_1, double beta_2,
         int threads):
    """w = w - learning_rate * sign(beta_1 * m + (1 - beta_1) * g); m = beta_2 * m + (1 - beta_2) * g."""
    settings = dict(name="lion", learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2)
    apply[floating](settings, 1, w, g, m, None, None, threads)


def ftrl(floating[::1] w, const floating[::1] g, floating[::1] a, floating[::1] z, double learning_rate,
         double learning_rate_power, double l1, double l2, double l2_shrinkage, double beta, int threads):
    """a as in adagrad, r = a^-learning_rate_power / learning_rate, r_0 that before; z = z + g + 2 l2_shrinkage w
    - (r - r_0) w; w = (z moved into [-l1, l1] - z) / (r + 2 l2 + beta / learning_rate)."""
    settings = dict(
        name="ftrl", learning_rate=learning_rate, learning_rate_power=learning_rate_power, l1=l1, l2=l2,
        l2_shrinkage=l2_shrinkage, beta=beta,
    )
    apply[floating](settings, 1, w, g, a, z, None, threads)


def schedule_free_adamw(floating[::1] w, const floating[::1] g, floating[::1] z, floating[::1] v, double learning_rate,
                        double beta_1, double beta_2, double epsilon, double warmup_steps, long long step,
                        int threads):
    """v as in adam; x = (w - (1 - beta_1) z) / beta_1; z = z - rate * g / (sqrt(v / (1 - beta_2^step)) + epsilon);
    x = (1 - 1 / step) x + z / step; w = (1 - beta_1) z + beta_1 x."""
    settings = dict(
        name="schedule_free_adamw", learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon,
        warmup_steps=warmup_steps,
    )
    apply[floating](settings, step, w, g, z, v, None, threads)


def clip_by_value(floating[::1] g, double clipvalue, int threads):
    """g moved into [-clipvalue, clipvalue]."""
    cdef Py_ssize_t n = g.shape[0]
    with nogil, parallel(num_threads=threads):
        clip_elements(selected(), own_count(n), clipvalue, &g[0] + own_start(n))


def decay_weights(floating[::1] w, double weight_decay, double learning_rate, int threads):
    """w = w - w * weight_decay * learning_rate."""
    cdef Py_ssize_t n = w.shape[0]
    with nogil, parallel(num_threads=threads):
        decay_elements(selected(), own_count(n), weight_decay, learning_rate, &w[0] + own_start(n))


def average_weights(floating[::1] average, const floating[::1] w, double ema_momentum, long long step, int threads):
    """average = ema_momentum * average + (1 - ema_momentum) * w; w at the first step."""
    cdef Py_ssize_t n = w.shape[0]
    cdef double momentum = momentum_of_average(ema_momentum, step)
    with nogil, parallel(num_threads=threads):
        average_elements(selected(), own_count(n), momentum, &w[0] + own_start(n), &average[0] + own_start(n))


cdef Optimizer optimizer_from(dict settings):
    """The C struct of a rule, from its name and its kernel's scalar arguments."""
    cdef Optimizer optimizer
    for name in settings:
        if name not in KNOWN:
            raise ValueError(f"optimizer: got {name!r}, needs only {', '.join(sorted(KNOWN - {'name'}))}")
    if settings.get("name") not in KINDS:
        raise ValueError(f"optimizer: got the name {settings.get('name')!r}, needs one of {', '.join(KINDS)}")
    optimizer.kind = KINDS[settings["name"]]
    for number, name in enumerate(SCALARS):
        optimizer.scalars[number] = settings.get(name, 0.0)
    optimizer.learning_rate = settings["learning_rate"]
    optimizer.is_adjusted = bool(AROUND & settings.keys())
    optimizer.clipvalue = settings.get("clipvalue", 0.0)
    optimizer.weight_decay = settings.get("weight_decay", 0.0)
    optimizer.average_slot = SLOTS[settings["name"]] if "ema_momentum" in settings else -1
    optimizer.slot_count = SLOTS[settings["name"]] + ("ema_momentum" in settings)
    optimizer.ema_momentum = settings.get("ema_momentum", 0.0)
    optimizer.ema_overwrite_frequency = settings.get("ema_overwrite_frequency", 0)
    optimizer.starts_now = optimizer.flushes_now = False
    return optimizer


cdef void at_step(Optimizer *optimizer, long long step, double learning_rate) noexcept nogil:
    """Set what changes from step to step; step counts from 1."""
    optimizer.learning_rate = optimizer.step_size = learning_rate
    if optimizer.kind == ADAM or optimizer.kind == AMSGRAD:
        optimizer.step_size = (
            learning_rate * sqrt(1 - pow(optimizer.beta_2, <double> step)) / (1 - pow(optimizer.beta_1, <double> step))
        )
    elif optimizer.kind == ADAMAX:
        optimizer.correction = 1 - pow(optimizer.beta_1, <double> step)
    elif optimizer.kind == NADAM:
        weights_of_nadam(optimizer, step)
    elif optimizer.kind == SCHEDULE_FREE_ADAMW:
        if optimizer.warmup_steps > 0:
            optimizer.step_size = learning_rate * min(step / optimizer.warmup_steps, 1.0)
        optimizer.correction = 1 - pow(optimizer.beta_2, <double> step)
        optimizer.share = 1.0 / step
    optimizer.ema_momentum_now = momentum_of_average(optimizer.ema_momentum, step)
    optimizer.overwrites_now = (
        optimizer.ema_overwrite_frequency > 0 and step % optimizer.ema_overwrite_frequency == 0
    )


cdef void weights_of_nadam(Optimizer *optimizer, long long step) noexcept nogil:
    """The product of all momenta until now is a power times what is known, so that no step is looked back at."""
    cdef double now = optimizer.beta_1 * nadam_share(step), following = optimizer.beta_1 * nadam_share(step + 1.0)
    cdef double product = pow(optimizer.beta_1, <double> step) * NADAM_SHARES[min(step, <long long> SETTLED)]
    optimizer.weight_m = following / (1 - product * following)
    optimizer.weight_g = (1 - now) / (1 - product)
    optimizer.correction = 1 - pow(optimizer.beta_2, <double> step)


cdef inline double nadam_share(double step) noexcept nogil:
    """What Nadam's momentum at a step is of beta_1."""
    return 1 - 0.5 * pow(0.96, step)


cdef inline double momentum_of_average(double ema_momentum, long long step) noexcept nogil:
    """The average starts as the weights after the first step."""
    return 0 if step == 1 else ema_momentum


cdef apply(dict settings, long long step, floating[::1] w, const floating[::1] g, floating[::1] slot_1,
           floating[::1] slot_2, floating[::1] slot_3, int threads):
    cdef const Isa *isa = selected()
    cdef Optimizer optimizer = optimizer_from(settings)
    cdef floating *slots[3]
    slots[0] = &slot_1[0] if slot_1 is not None else NULL
    slots[1] = &slot_2[0] if slot_2 is not None else NULL
    slots[2] = &slot_3[0] if slot_3 is not None else NULL
    at_step(&optimizer, step, optimizer.learning_rate)
    with nogil, parallel(num_threads=threads):
        update_own(isa, &optimizer, w.shape[0], &w[0], <floating *> &g[0], slots)


cdef void update_own(const Isa *isa, const Optimizer *optimizer, Py_ssize_t n, floating *w, floating *g,
                     floating **slots) noexcept nogil:
    """This thread's own elements; nothing clips g here."""
    cdef Py_ssize_t start = own_start(n)
    cdef floating *own[3]
    cdef int slot
    for slot in range(3):
        own[slot] = slots[slot] + start if slots[slot] != NULL else NULL
    update(isa, optimizer, own_count(n), w + start, g + start, own)


cdef inline Py_ssize_t own_start(Py_ssize_t n) noexcept nogil:
    """The first of this thread's own elements among n."""
    return partition(n, thread_number(), thread_count())


cdef inline Py_ssize_t own_count(Py_ssize_t n) noexcept nogil:
    return partition(n, thread_number() + 1, thread_count()) - own_start(n)
