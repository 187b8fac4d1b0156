/* Activations of single elements; included once per float type.
 *
 * EXP_, TANH_ and so on are the C library's functions in float64 and the polynomials of math_f32.h in float32; LOG1P_
 * is asked for numbers in [0, 1] only. Each formula stands in reference/, in activations, rectifiers, pieces or curves. */

#ifndef FASTMLP_ACTIVATIONS_H
#define FASTMLP_ACTIVATIONS_H

#define SELU_SCALE 1.0507009873554805
#define SELU_ALPHA 1.6732632423543772
#define NEGATIVE_SLOPE 0.2
#define HALF_ROOT 0.70710678118654757   /* sqrt(1 / 2) */
#define NORMAL_HEIGHT 0.3989422804014327 /* 1 / sqrt(2 pi) */
#define GELU_FACTOR 0.7978845608028654   /* sqrt(2 / pi) */
#define GELU_CUBE 0.044715

#define EACH(a, formula)                                                                                               \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                                \
        const T v = (a)[i];                                                                                            \
        (a)[i] = (formula);                                                                                            \
    }                                                                                                                  \
    break

/* v is the output, or where it takes that the input; d the gradient of the output */
#define EACH_GRADIENT(formula)                                                                                         \
    for (ptrdiff_t i = 0; i < n; i++) {                                                                                \
        const T v = from[i], d = dy[i];                                                                                \
        dy[i] = KEPT(formula);                                                                                         \
    }                                                                                                                  \
    break
#endif

INLINE T NAME(logistic)(T v) { return KEPT(1 / (1 + EXP_(-v))); }

INLINE T NAME(softplus_of)(T v) { return (v < 0 ? 0 : v) + LOG1P_(EXP_(v < 0 ? v : -v)); }

INLINE T NAME(normal_share)(T v) { return (T)0.5 * (1 + ERF_(v * (T)HALF_ROOT)); }

INLINE T NAME(silu_slope)(T v)
{
    const T s = NAME(logistic)(v);
    return s * (1 + v * (1 - s));
}

INLINE T NAME(gelu_slope)(T v)
{
    return NAME(normal_share)(v) + v * ((T)NORMAL_HEIGHT * EXP_((T)-0.5 * (v * v)));
}

INLINE T NAME(mish_slope)(T v)
{
    const T t = TANH_(NAME(softplus_of)(v));
    return t + v * ((1 - t * t) * NAME(logistic)(v));
}

/* max(v, 0) and min(max(v, 0), 6), where NaN stays NaN and -0 stays -0 */
INLINE T NAME(above_0)(T v) { return v < 0 ? 0 : v; }

INLINE T NAME(from_0_to_6)(T v) { return v < 0 ? 0 : v > 6 ? 6 : v; }

INLINE T NAME(hard_logistic)(T v) { return NAME(from_0_to_6)(v + 3) / 6; }

INLINE T NAME(gelu_argument)(T v) { return (T)GELU_FACTOR * (v + (T)GELU_CUBE * (v * (v * v))); }

INLINE T NAME(gelu_tanh_slope)(T v)
{
    const T t = TANH_(NAME(gelu_argument)(v)), inner = (T)GELU_FACTOR * (1 + (T)(3 * GELU_CUBE) * (v * v));
    return (T)0.5 * (1 + t) + v * (((T)0.5 * (1 - t * t)) * inner);
}

INLINE T NAME(squared_tanh)(T v)
{
    const T t = TANH_(v);
    return t * t;
}

/* Those from RECTIFIER on, whose settings are a, b and c. */
static void NAME(activate_set)(int activation, T a, T b, T c, ptrdiff_t n, T *x)
{
    switch (activation) {
    case RECTIFIER:
        EACH(x, v > b ? (v < c ? v : c) : a == 0 && v <= b ? 0 : a * (v - b));
    case SCALED_ELU:
        EACH(x, v > 0 ? v : a * EXPM1_(v / b));
    case SQUAREPLUS:
        EACH(x, (T)0.5 * (v + SQRT_(v * v + a)));
    case HARD_SHRINK:
        EACH(x, -a <= v && v <= a ? 0 : v);
    case SOFT_SHRINK:
        EACH(x, -a <= v && v <= a ? 0 : v > a ? v - a : v + a);
    case THRESHOLD:
        EACH(x, v <= a ? b : v);
    }
}

static void NAME(activate_set_gradient)(int activation, T a, T b, T c, ptrdiff_t n, const T *__restrict__ from,
                                        T *__restrict__ dy)
{
    switch (activation) {
    case RECTIFIER:
        EACH_GRADIENT(v > b ? (v < c ? d : 0) : a * d);
    case SCALED_ELU:
        EACH_GRADIENT(v > 0 ? d : d * ((a / b) * EXP_(v / b)));
    case SQUAREPLUS:
        EACH_GRADIENT(d * ((T)0.5 * (1 + v / SQRT_(v * v + a))));
    case HARD_SHRINK:
    case SOFT_SHRINK:
        EACH_GRADIENT(-a <= v && v <= a ? 0 : d);
    case THRESHOLD:
        EACH_GRADIENT(v <= a ? 0 : d);
    }
}

/* settings may be NULL where there are none. */
static void NAME(activate)(int activation, const double *settings, ptrdiff_t n, T *x)
{
    const T slope = (T)NEGATIVE_SLOPE, scale = (T)SELU_SCALE, lower = (T)(SELU_SCALE * SELU_ALPHA);
    switch (activation) {
    case RELU:
        EACH(x, NAME(above_0)(v));
    case SIGMOID:
        EACH(x, NAME(logistic)(v));
    case TANH:
        EACH(x, TANH_(v));
    case EXPONENTIAL:
        EACH(x, EXP_(v));
    case SOFTSIGN:
        EACH(x, v / (1 + (v < 0 ? -v : v)));
    case HARD_SIGMOID:
        EACH(x, NAME(hard_logistic)(v));
    case LEAKY_RELU:
        EACH(x, v > 0 ? v : slope * v);
    case RELU6:
        EACH(x, NAME(from_0_to_6)(v));
    case ELU:
        EACH(x, v > 0 ? v : EXPM1_(v));
    case SELU:
        EACH(x, v > 0 ? scale * v : lower * EXPM1_(v));
    case SOFTPLUS:
        EACH(x, NAME(softplus_of)(v));
    case SILU:
        EACH(x, v * NAME(logistic)(v));
    case GELU:
        EACH(x, v * NAME(normal_share)(v));
    case MISH:
        EACH(x, v * TANH_(NAME(softplus_of)(v)));
    case HARD_SILU:
        EACH(x, v * NAME(hard_logistic)(v));
    case HARD_TANH:
        EACH(x, v < -1 ? -1 : v > 1 ? 1 : v);
    case SPARSE_SIGMOID:
        EACH(x, v < -1 ? 0 : v > 1 ? 1 : (T)0.5 * (v + 1));
    case LOG_SIGMOID:
        EACH(x, -NAME(softplus_of)(-v));
    case GELU_TANH:
        EACH(x, v * ((T)0.5 * (1 + TANH_(NAME(gelu_argument)(v)))));
    case TANH_SHRINK:
        EACH(x, v - TANH_(v));
    case SPARSE_PLUS:
        EACH(x, v <= -1 ? 0 : v < 1 ? (T)0.25 * ((v + 1) * (v + 1)) : v);
    }
    if (activation >= RECTIFIER)
        NAME(activate_set)(activation, (T)settings[0], (T)settings[1], (T)settings[2], n, x);
}

/* dy becomes the gradient with respect to the input. `from` is the output, but from SILU on in enum Activation the
 * input: their slopes do not follow from the output. */
static void NAME(activate_gradient)(int activation, const double *settings, ptrdiff_t n, const T *__restrict__ from,
                                    T *__restrict__ dy)
{
    const T slope = (T)NEGATIVE_SLOPE, scale = (T)SELU_SCALE, lower = (T)(SELU_SCALE * SELU_ALPHA);
    switch (activation) {
    case RELU: /* lets d be as it is */
        for (ptrdiff_t i = 0; i < n; i++)
            dy[i] = from[i] > 0 ? dy[i] : 0;
        break;
    case SIGMOID:
        EACH_GRADIENT(d * (v * (1 - v)));
    case TANH:
        EACH_GRADIENT(d * (1 - v * v));
    case EXPONENTIAL:
        EACH_GRADIENT(d * v);
    case SOFTSIGN:
        EACH_GRADIENT(d * ((1 - (v < 0 ? -v : v)) * (1 - (v < 0 ? -v : v))));
    case HARD_SIGMOID:
        EACH_GRADIENT(v > 0 && v < 1 ? d / 6 : 0);
    case LEAKY_RELU:
        EACH_GRADIENT(v > 0 ? d : slope * d);
    case RELU6:
        EACH_GRADIENT(v > 0 && v < 6 ? d : 0);
    case ELU:
        EACH_GRADIENT(v > 0 ? d : d * (v + 1));
    case SELU:
        EACH_GRADIENT(v > 0 ? scale * d : d * (v + lower));
    case SOFTPLUS:
        EACH_GRADIENT(d * -EXPM1_(-v));
    case SILU:
        EACH_GRADIENT(d * NAME(silu_slope)(v));
    case GELU:
        EACH_GRADIENT(d * NAME(gelu_slope)(v));
    case MISH:
        EACH_GRADIENT(d * NAME(mish_slope)(v));
    case HARD_SILU:
        EACH_GRADIENT(d * (NAME(hard_logistic)(v) + (v > -3 && v < 3 ? v / 6 : 0)));
    case HARD_TANH:
        EACH_GRADIENT(v > -1 && v < 1 ? d : 0);
    case SPARSE_SIGMOID:
        EACH_GRADIENT(v > 0 && v < 1 ? (T)0.5 * d : 0);
    case LOG_SIGMOID:
        EACH_GRADIENT(d * -EXPM1_(v));
    case GELU_TANH:
        EACH_GRADIENT(d * NAME(gelu_tanh_slope)(v));
    case TANH_SHRINK:
        EACH_GRADIENT(d * NAME(squared_tanh)(v));
    case SPARSE_PLUS:
        EACH_GRADIENT(v <= -1 ? 0 : v < 1 ? d * ((T)0.5 * (v + 1)) : d);
    }
    if (activation >= RECTIFIER)
        NAME(activate_set_gradient)(activation, (T)settings[0], (T)settings[1], (T)settings[2], n, from, dy);
}
