"""What losses compute of single numbers: of a truth t and a prediction p, or of their difference e = p - t."""

from cython cimport floating
from libc.math cimport M_LN2, exp, expf, expm1, fabs, fabsf, log, log1p, logf, pow, powf, sqrt, sqrtf, tanh

cdef extern from *:
    """
    static const double EPSILON = 1e-7;  /* Keras' epsilon() */
    """
    const double EPSILON


cdef inline floating logarithmic_error(floating t, floating p) noexcept nogil:
    return log_(at_least(p, <floating> EPSILON) + 1) - log_(at_least(t, <floating> EPSILON) + 1)


cdef inline floating logarithmic_slope(floating t, floating p) noexcept nogil:
    """The derivative of the square of logarithmic_error in p."""
    return (2 * logarithmic_error(t, p)) / (p + 1) if p > <floating> EPSILON else 0


cdef inline floating huber(floating e, double delta) noexcept nogil:
    cdef floating limit = <floating> delta, half = <floating> (0.5 * (delta * delta))
    return <floating> 0.5 * (e * e) if fabs_(e) <= limit else limit * fabs_(e) - half


cdef inline floating huber_slope(floating e, double delta) noexcept nogil:
    return e if fabs_(e) <= <floating> delta else <floating> delta * sign(e)


cdef inline floating log_cosh(floating e) noexcept nogil:
    return (fabs_(e) + log1p_(exp_(-2 * fabs_(e)))) - <floating> M_LN2


cdef inline floating shortfall(floating t, floating p) noexcept nogil:
    """How far the margin t p is below 1; NaN stays NaN."""
    return at_least(1 - t * p, <floating> 0)


cdef inline floating slope(floating t, floating q) noexcept nogil:
    """The derivative of -t log(clip(q))."""
    return -t / q if EPSILON <= q <= 1 - EPSILON else 0


cdef inline floating focal_logarithm(floating q, double alpha, double gamma) noexcept nogil:
    return <floating> alpha * pow_(clip(1 - q), <floating> gamma) * log_(clip(q))


cdef inline floating focal_slope(floating t, floating q, double alpha, double gamma) noexcept nogil:
    """The derivative of -t focal_logarithm(q)."""
    cdef floating rest = 1 - q, growth
    if not EPSILON <= q <= 1 - EPSILON:
        return 0
    growth = <floating> gamma * pow_(rest, <floating> (gamma - 1)) * log_(q)
    return t * <floating> alpha * (growth - pow_(rest, <floating> gamma) / q)


cdef inline floating focal_weight(floating q, double alpha, double gamma) noexcept nogil:
    """The derivative of alpha (1 - q)^gamma log(q) in log(q)."""
    cdef floating rest = 1 - q, growth = 0
    if 0 < q < 1:
        growth = <floating> gamma * pow_(rest, <floating> (gamma - 1)) * q * log_(q)
    return <floating> alpha * (pow_(rest, <floating> gamma) - growth)


cdef inline floating binary_focal(floating t, floating p, double alpha, double beta, double gamma) noexcept nogil:
    cdef floating weight = t * <floating> alpha + (1 - t) * <floating> beta
    return weight * (pow_(wrongness(t, p), <floating> gamma) * surprise(t, p))


cdef inline floating binary_focal_slope(floating t, floating p, double alpha, double beta,
                                        double gamma) noexcept nogil:
    """The derivative of binary_focal in p."""
    cdef floating weight = t * <floating> alpha + (1 - t) * <floating> beta
    cdef floating rest = wrongness(t, p), slope = 0, growth = 0
    if EPSILON <= p <= 1 - EPSILON:
        slope = pow_(rest, <floating> gamma) * ((1 - t) / (1 - p) - t / p)
    if gamma != 0:
        growth = (<floating> gamma * pow_(rest, <floating> (gamma - 1))) * ((1 - 2 * t) * surprise(t, p))
    return weight * (slope + growth)


cdef inline floating binary_focal_logit(floating t, floating z, double alpha, double beta,
                                        double gamma) noexcept nogil:
    """binary_focal of the sigmoid of z, without clipping."""
    cdef floating weight = t * <floating> alpha + (1 - t) * <floating> beta
    cdef floating entropy = ((z if z > 0 else 0) - z * t) + log1p_(exp_(-fabs_(z)))
    return weight * (pow_(wrongness(t, 1 / (1 + exp_(-z))), <floating> gamma) * entropy)


cdef inline floating binary_focal_logit_slope(floating t, floating p, double alpha, double beta,
                                              double gamma) noexcept nogil:
    """The derivative of binary_focal_logit in z, from p, the sigmoid of z."""
    cdef floating weight = t * <floating> alpha + (1 - t) * <floating> beta
    cdef floating rest = wrongness(t, p), both = p * (1 - p), growth = 0
    if gamma != 0 and both > 0:
        growth = (<floating> gamma * pow_(rest, <floating> (gamma - 1))) * (1 - 2 * t)
        growth = growth * (-(t * log_(p) + (1 - t) * log_(1 - p)) * both)
    return weight * (pow_(rest, <floating> gamma) * (p - t) + growth)


cdef inline floating wrongness(floating t, floating p) noexcept nogil:
    """How far a prediction is from right: 1 - p where t is 1, p where it is 0."""
    return 1 - (t * p + (1 - t) * (1 - p))


cdef inline floating surprise(floating t, floating p) noexcept nogil:
    """The binary cross-entropy of one column."""
    return -(t * log_(clip(p)) + (1 - t) * log_(1 - clip(p)))


cdef inline floating pinball(floating e, floating q) noexcept nogil:
    return q * e if e >= 0 else (q - 1) * e


cdef inline floating pinball_slope(floating e, floating q) noexcept nogil:
    """The derivative of pinball(t - p, q) in p, where e = t - p; 0 where they are equal."""
    return -q if e > 0 else (1 - q if e < 0 else e)


cdef inline floating clip(floating q) noexcept nogil:
    """q moved into [EPSILON, 1 - EPSILON]."""
    cdef floating low = <floating> EPSILON, high = <floating> (1 - EPSILON)
    return low if q < low else (high if q > high else q)


cdef inline floating clip_to_one(floating q) noexcept nogil:
    """q moved into [EPSILON, 1]."""
    cdef floating low = <floating> EPSILON
    return low if q < low else (1 if q > 1 else q)


cdef inline floating magnitude(floating t) noexcept nogil:
    return at_least(fabs_(t), <floating> EPSILON)


cdef inline floating at_least(floating x, floating low) noexcept nogil:
    return low if x < low else x


cdef inline floating sign(floating e) noexcept nogil:
    """-1, 0 or 1; NaN stays NaN."""
    return 1 if e > 0 else (-1 if e < 0 else e)


# In float32 the bits are to be those of any processor. A C library computes expf, logf and powf in double and rounds,
# so that what its fused multiply-adds change is rounded away; expm1f, log1pf and tanhf it computes in float.


cdef inline floating exp_(floating x) noexcept nogil:
    return expf(x) if floating is float else exp(x)


cdef inline floating expm1_(floating x) noexcept nogil:
    return <floating> expm1(x)


cdef inline floating log_(floating x) noexcept nogil:
    return logf(x) if floating is float else log(x)


cdef inline floating log1p_(floating x) noexcept nogil:
    return <floating> log1p(x)


cdef inline floating fabs_(floating x) noexcept nogil:
    return fabsf(x) if floating is float else fabs(x)


cdef inline floating pow_(floating x, floating y) noexcept nogil:
    return powf(x, y) if floating is float else pow(x, y)


cdef inline floating sqrt_(floating x) noexcept nogil:
    return sqrtf(x) if floating is float else sqrt(x)


cdef inline floating tanh_(floating x) noexcept nogil:
    return <floating> tanh(x)
