/* Rules that update weights, each the loop of its namesake in reference/optimizers.py; included once per float type. */

static void NAME(sgd)(const Optimizer *optimizer, ptrdiff_t n, T *__restrict__ w, const T *__restrict__ g)
{
    const T rate = (T)optimizer->step_size;
    for (ptrdiff_t i = 0; i < n; i++)
        w[i] = w[i] - rate * g[i];
}

static void NAME(momentum)(const Optimizer *optimizer, ptrdiff_t n, T *__restrict__ w, const T *__restrict__ g,
                           T *__restrict__ m)
{
    const T rate = (T)optimizer->step_size, momentum = (T)optimizer->momentum;
    for (ptrdiff_t i = 0; i < n; i++) {
        m[i] = momentum * m[i] - rate * g[i];
        w[i] = w[i] + m[i];
    }
}

static void NAME(nesterov)(const Optimizer *optimizer, ptrdiff_t n, T *__restrict__ w, const T *__restrict__ g,
                           T *__restrict__ m)
{
    const T rate = (T)optimizer->step_size, momentum = (T)optimizer->momentum;
    for (ptrdiff_t i = 0; i < n; i++) {
        m[i] = momentum * m[i] - rate * g[i];
        w[i] = w[i] + (momentum * m[i] - rate * g[i]);
    }
}

static void NAME(rmsprop)(const Optimizer *optimizer, ptrdiff_t n, T *__restrict__ w, const T *__restrict__ g,
                          T *__restrict__ v)
{
    const T rate = (T)optimizer->step_size, epsilon = (T)optimizer->epsilon;
    const T rho = (T)optimizer->rho, rest = (T)(1.0 - optimizer->rho);
    for (ptrdiff_t i = 0; i < n; i++) {
        v[i] = rho * v[i] + rest * (g[i] * g[i]);
        w[i] = w[i] - (rate * g[i]) / SQRT_(v[i] + epsilon);
    }
}

static void NAME(rmsprop_momentum)(const Optimizer *optimizer, ptrdiff_t n, T *__restrict__ w, const T *__restrict__ g,
                                   T *__restrict__ v, T *__restrict__ m)
{
    const T rate = (T)optimizer->step_size, epsilon = (T)optimizer->epsilon, momentum = (T)optimizer->momentum;
    const T rho = (T)optimizer->rho, rest = (T)(1.0 - optimizer->rho);
    for (ptrdiff_t i = 0; i < n; i++) {
        v[i] = rho * v[i] + rest * (g[i] * g[i]);
        m[i] = momentum * m[i] + (rate * g[i]) / SQRT_(v[i] + epsilon);
        w[i] = w[i] - m[i];
    }
}

static void NAME(rmsprop_centered)(const Optimizer *optimizer, ptrdiff_t n, T *__restrict__ w, const T *__restrict__ g,
                                   T *__restrict__ v, T *__restrict__ a, T *__restrict__ m)
{
    const T rate = (T)optimizer->step_size, epsilon = (T)optimizer->epsilon, momentum = (T)optimizer->momentum;
    const T rho = (T)optimizer->rho, rest = (T)(1.0 - optimizer->rho);
    for (ptrdiff_t i = 0; i < n; i++) {
        v[i] = rho * v[i] + rest * (g[i] * g[i]);
        a[i] = rho * a[i] + rest * g[i];
        m[i] = momentum * m[i] + (rate * g[i]) / SQRT_((v[i] - a[i] * a[i]) + epsilon);
        w[i] = w[i] - m[i];
    }
}

static void NAME(adagrad)(const Optimizer *optimizer, ptrdiff_t n, T *__restrict__ w, const T *__restrict__ g,
                          T *__restrict__ a)
{
    const T rate = (T)optimizer->step_size, epsilon = (T)optimizer->epsilon;
    for (ptrdiff_t i = 0; i < n; i++) {
        a[i] = a[i] + g[i] * g[i];
        w[i] = w[i] - (rate * g[i]) / SQRT_(a[i] + epsilon);
    }
}

static void NAME(adadelta)(const Optimizer *optimizer, ptrdiff_t n, T *__restrict__ w, const T *__restrict__ g,
                           T *__restrict__ a, T *__restrict__ d)
{
    const T rate = (T)optimizer->step_size, epsilon = (T)optimizer->epsilon;
    const T rho = (T)optimizer->rho, rest = (T)(1.0 - optimizer->rho);
    for (ptrdiff_t i = 0; i < n; i++) {
        a[i] = rho * a[i] + rest * (g[i] * g[i]);
        const T s = (SQRT_(d[i] + epsilon) * g[i]) / SQRT_(a[i] + epsilon);
        d[i] = rho * d[i] + rest * (s * s);
        w[i] = w[i] - rate * s;
    }
}

static void NAME(adam)(const Optimizer *optimizer, ptrdiff_t n, T *__restrict__ w, const T *__restrict__ g,
                       T *__restrict__ m, T *__restrict__ v)
{
    const T alpha = (T)optimizer->step_size, epsilon = (T)optimizer->epsilon;
    const T rest_1 = (T)(1.0 - optimizer->beta_1), rest_2 = (T)(1.0 - optimizer->beta_2);
    for (ptrdiff_t i = 0; i < n; i++) {
        m[i] = m[i] + (g[i] - m[i]) * rest_1;
        v[i] = v[i] + (g[i] * g[i] - v[i]) * rest_2;
        w[i] = w[i] - (alpha * m[i]) / (SQRT_(v[i]) + epsilon);
    }
}

static void NAME(amsgrad)(const Optimizer *optimizer, ptrdiff_t n, T *__restrict__ w, const T *__restrict__ g,
                          T *__restrict__ m, T *__restrict__ v, T *__restrict__ a)
{
    const T alpha = (T)optimizer->step_size, epsilon = (T)optimizer->epsilon;
    const T rest_1 = (T)(1.0 - optimizer->beta_1), rest_2 = (T)(1.0 - optimizer->beta_2);
    for (ptrdiff_t i = 0; i < n; i++) {
        m[i] = m[i] + (g[i] - m[i]) * rest_1;
        v[i] = v[i] + (g[i] * g[i] - v[i]) * rest_2;
        a[i] = a[i] > v[i] ? a[i] : v[i];
        w[i] = w[i] - (alpha * m[i]) / (SQRT_(a[i]) + epsilon);
    }
}

static void NAME(adamax)(const Optimizer *optimizer, ptrdiff_t n, T *__restrict__ w, const T *__restrict__ g,
                         T *__restrict__ m, T *__restrict__ u)
{
    const T rate = (T)optimizer->step_size, epsilon = (T)optimizer->epsilon, correction = (T)optimizer->correction;
    const T rest_1 = (T)(1.0 - optimizer->beta_1), beta_2 = (T)optimizer->beta_2;
    for (ptrdiff_t i = 0; i < n; i++) {
        const T faded = beta_2 * u[i], size = ABS_(g[i]);
        m[i] = m[i] + (g[i] - m[i]) * rest_1;
        u[i] = faded > size ? faded : size;
        w[i] = w[i] - (rate * m[i]) / (correction * (u[i] + epsilon));
    }
}

static void NAME(nadam)(const Optimizer *optimizer, ptrdiff_t n, T *__restrict__ w, const T *__restrict__ g,
                        T *__restrict__ m, T *__restrict__ v)
{
    const T rate = (T)optimizer->step_size, epsilon = (T)optimizer->epsilon, correction = (T)optimizer->correction;
    const T rest_1 = (T)(1.0 - optimizer->beta_1), rest_2 = (T)(1.0 - optimizer->beta_2);
    const T weight_m = (T)optimizer->weight_m, weight_g = (T)optimizer->weight_g;
    for (ptrdiff_t i = 0; i < n; i++) {
        m[i] = m[i] + (g[i] - m[i]) * rest_1;
        v[i] = v[i] + (g[i] * g[i] - v[i]) * rest_2;
        w[i] = w[i] - (rate * (weight_m * m[i] + weight_g * g[i])) / (SQRT_(v[i] / correction) + epsilon);
    }
}

static void NAME(lion)(const Optimizer *optimizer, ptrdiff_t n, T *__restrict__ w, const T *__restrict__ g,
                       T *__restrict__ m)
{
    const T rate = (T)optimizer->step_size;
    const T beta_1 = (T)optimizer->beta_1, rest_1 = (T)(1.0 - optimizer->beta_1);
    const T beta_2 = (T)optimizer->beta_2, rest_2 = (T)(1.0 - optimizer->beta_2);
    for (ptrdiff_t i = 0; i < n; i++) {
        const T mean = beta_1 * m[i] + rest_1 * g[i];
        const T up = mean > 0 ? (T)1 : mean, sign = mean < 0 ? (T)-1 : up;
        w[i] = w[i] - rate * sign;
        m[i] = beta_2 * m[i] + rest_2 * g[i];
    }
}

INLINE T NAME(root)(T a, T exponent) { return exponent == (T)0.5 ? SQRT_(a) : POW_(a, exponent); }

static void NAME(ftrl)(const Optimizer *optimizer, ptrdiff_t n, T *__restrict__ w, const T *__restrict__ g,
                       T *__restrict__ a, T *__restrict__ z)
{
    const T rate = (T)optimizer->step_size, exponent = (T)-optimizer->learning_rate_power;
    const T low = (T)-optimizer->l1, high = (T)optimizer->l1, shrinkage = (T)(2.0 * optimizer->l2_shrinkage);
    const T ridge = (T)(2.0 * (optimizer->l2 + optimizer->beta / (2.0 * optimizer->step_size)));
    for (ptrdiff_t i = 0; i < n; i++) {
        const T before = NAME(root)(a[i], exponent);
        a[i] = a[i] + g[i] * g[i];
        const T after = NAME(root)(a[i], exponent);
        z[i] = z[i] + ((g[i] + shrinkage * w[i]) - ((after - before) / rate) * w[i]);
        const T clipped = z[i] < low ? low : z[i] > high ? high : z[i];
        w[i] = (clipped - z[i]) / (after / rate + ridge);
    }
}

static void NAME(schedule_free_adamw)(const Optimizer *optimizer, ptrdiff_t n, T *__restrict__ w,
                                      const T *__restrict__ g, T *__restrict__ z, T *__restrict__ v)
{
    const T rate = (T)optimizer->step_size, epsilon = (T)optimizer->epsilon, correction = (T)optimizer->correction;
    const T beta_1 = (T)optimizer->beta_1, rest_1 = (T)(1.0 - optimizer->beta_1), rest_2 = (T)(1.0 - optimizer->beta_2);
    const T share = (T)optimizer->share, other = (T)(1.0 - optimizer->share);
    for (ptrdiff_t i = 0; i < n; i++) {
        v[i] = v[i] + (g[i] * g[i] - v[i]) * rest_2;
        const T x = (w[i] - rest_1 * z[i]) / beta_1;
        z[i] = z[i] - (rate * g[i]) / (SQRT_(v[i] / correction) + epsilon);
        w[i] = rest_1 * z[i] + beta_1 * (other * x + share * z[i]);
    }
}

static void NAME(store)(ptrdiff_t n, T *__restrict__ w, const T *__restrict__ g)
{
    for (ptrdiff_t i = 0; i < n; i++)
        w[i] = g[i];
}

/* the gradient of l1 * sum |w| + l2 * sum w^2 */
static void NAME(add_penalty)(ptrdiff_t n, T l1, T twice_l2, const T *__restrict__ w, T *__restrict__ g)
{
    for (ptrdiff_t i = 0; i < n; i++)
        g[i] = g[i] + (twice_l2 * w[i] + l1 * (T)((w[i] > 0) - (w[i] < 0)));
}

static void NAME(clip_by_value)(ptrdiff_t n, double clipvalue, T *g)
{
    const T low = (T)-clipvalue, high = (T)clipvalue;
    for (ptrdiff_t i = 0; i < n; i++)
        g[i] = g[i] < low ? low : g[i] > high ? high : g[i];
}

static void NAME(decay_weights)(ptrdiff_t n, double weight_decay, double learning_rate, T *w)
{
    const T decay = (T)weight_decay, rate = (T)learning_rate;
    for (ptrdiff_t i = 0; i < n; i++)
        w[i] = w[i] - (w[i] * decay) * rate;
}

static void NAME(average_weights)(ptrdiff_t n, double ema_momentum, const T *__restrict__ w, T *__restrict__ average)
{
    const T momentum = (T)ema_momentum, rest = (T)(1.0 - ema_momentum);
    for (ptrdiff_t i = 0; i < n; i++)
        average[i] = momentum * average[i] + rest * w[i];
}

/* The rule alone. The short loops around it run over what is in the cache, and only where they are asked for. */
INLINE void NAME(follow)(const Optimizer *optimizer, ptrdiff_t n, T *w, const T *g, T *const *slots)
{
    switch (optimizer->kind) {
    case SGD: NAME(sgd)(optimizer, n, w, g); break;
    case MOMENTUM: NAME(momentum)(optimizer, n, w, g, slots[0]); break;
    case NESTEROV: NAME(nesterov)(optimizer, n, w, g, slots[0]); break;
    case RMSPROP: NAME(rmsprop)(optimizer, n, w, g, slots[0]); break;
    case RMSPROP_MOMENTUM: NAME(rmsprop_momentum)(optimizer, n, w, g, slots[0], slots[1]); break;
    case RMSPROP_CENTERED: NAME(rmsprop_centered)(optimizer, n, w, g, slots[0], slots[1], slots[2]); break;
    case ADAGRAD: NAME(adagrad)(optimizer, n, w, g, slots[0]); break;
    case ADADELTA: NAME(adadelta)(optimizer, n, w, g, slots[0], slots[1]); break;
    case ADAM: NAME(adam)(optimizer, n, w, g, slots[0], slots[1]); break;
    case AMSGRAD: NAME(amsgrad)(optimizer, n, w, g, slots[0], slots[1], slots[2]); break;
    case ADAMAX: NAME(adamax)(optimizer, n, w, g, slots[0], slots[1]); break;
    case NADAM: NAME(nadam)(optimizer, n, w, g, slots[0], slots[1]); break;
    case LION: NAME(lion)(optimizer, n, w, g, slots[0]); break;
    case FTRL: NAME(ftrl)(optimizer, n, w, g, slots[0], slots[1]); break;
    case SCHEDULE_FREE_ADAMW: NAME(schedule_free_adamw)(optimizer, n, w, g, slots[0], slots[1]); break;
    case STORE: NAME(store)(n, w, g); break;
    }
}

/* Whether all numbers are finite: 0 times another one is NaN. */
static int NAME(are_finite)(ptrdiff_t n, const T *x)
{
    VECTOR zeros[2] = {{0}, {0}};
    T zero = 0;
    for (; n >= 2 * LANES_; n -= 2 * LANES_, x += 2 * LANES_)
        UNROLL for (int v = 0; v < 2; v++)
            zeros[v] = MULTIPLY_ADD((T)0, *(const VECTOR *)(x + v * LANES_), zeros[v]);
    for (; n > 0; n--, x++)
        zero += 0 * *x;
    zeros[0] += zeros[1];
    return !NAME(nonzero)((const T *)zeros) && zero == 0;
}

/* The rule sgd, which looks at the weights while it has them. Those without a gradient are never flushed, as it lets
 * them be where rows are sparse. */
static int NAME(descend)(T rate, ptrdiff_t n, T *__restrict__ w, const T *__restrict__ g)
{
    enum { TOGETHER_ = 4 };
    VECTOR zeros[TOGETHER_] = {{0}};
    for (; n >= TOGETHER_ * LANES_; n -= TOGETHER_ * LANES_, w += TOGETHER_ * LANES_, g += TOGETHER_ * LANES_)
        UNROLL for (int v = 0; v < TOGETHER_; v++) {
            VECTOR *weights = (VECTOR *)(w + v * LANES_);
            const VECTOR updated = *weights - rate * *(const VECTOR *)(g + v * LANES_);
            *weights = updated;
            zeros[v] = MULTIPLY_ADD((T)0, updated, zeros[v]);
        }
    for (ptrdiff_t i = 0; i < n; i++)
        w[i] = w[i] - rate * g[i];
    zeros[0] += zeros[1] + zeros[2] + zeros[3];
    return !NAME(nonzero)((const T *)zeros) && NAME(are_finite)(n, w);
}

/* Returns whether the weights are finite. */
static int NAME(update)(const Optimizer *optimizer, ptrdiff_t n, T *w, T *g, T *const *slots)
{
    const int is_adjusted = optimizer->is_adjusted && optimizer->kind != STORE;
    if (optimizer->kind == SGD && !is_adjusted)
        return NAME(descend)((T)optimizer->step_size, n, w, g);
    if (optimizer->kind == SCHEDULE_FREE_ADAMW && optimizer->starts_now)
        NAME(store)(n, slots[0], w);
    if (is_adjusted && optimizer->clipvalue > 0)
        NAME(clip_by_value)(n, optimizer->clipvalue, g);
    if (is_adjusted && optimizer->weight_decay > 0)
        NAME(decay_weights)(n, optimizer->weight_decay, optimizer->learning_rate, w);
    NAME(follow)(optimizer, n, w, g, slots);
    if (is_adjusted && optimizer->average_slot >= 0) {
        NAME(average_weights)(n, optimizer->ema_momentum_now, w, slots[optimizer->average_slot]);
        if (optimizer->overwrites_now)
            NAME(store)(n, w, slots[optimizer->average_slot]);
    }
    if (optimizer->flushes_now && optimizer->kind != STORE) {
        NAME(flush_denormals)(n, w);
        for (int slot = 0; slot < optimizer->slot_count; slot++)
            NAME(flush_denormals)(n, slots[slot]);
    }
    return NAME(are_finite)(n, w);
}
