/* exp, tanh, log1p and erf in float32, as arithmetic that a compiler can vectorise in loops. Coefficients and ranges:
 * Cephes (S. L. Moshier), expf.c, tanhf.c, logf.c and ndtrf.c; errors stay below 2 units in the last place. */
#ifndef FASTMLP_MATH_F32_H
#define FASTMLP_MATH_F32_H

#include <stdint.h>
#include <string.h>

/* e^x = 2^n (1 + p) for x clamped to [-87, 88], where 2^n is a normal number: returns p = e^r - 1, |r| <= ln(2) / 2. */
static inline float exp_parts_f32(float x, float *power)
{
    x = x > 88.0f ? 88.0f : x;
    x = x < -87.0f ? -87.0f : x;
    const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer held in the low bits */
    const float shifted = SCALAR_FMA_F32(x, 1.44269504088896341f, magic);
    const float n = shifted - magic;
    float r = SCALAR_FMA_F32(n, -0.693359375f, x);
    r = SCALAR_FMA_F32(n, 2.12194440e-4f, r);
    float p = 1.9875691500e-4f;
    p = SCALAR_FMA_F32(p, r, 1.3981999507e-3f);
    p = SCALAR_FMA_F32(p, r, 8.3334519073e-3f);
    p = SCALAR_FMA_F32(p, r, 4.1665795894e-2f);
    p = SCALAR_FMA_F32(p, r, 1.6666665459e-1f);
    p = SCALAR_FMA_F32(p, r, 5.0000001201e-1f);
    p = SCALAR_FMA_F32(p, r * r, r);
    uint32_t bits; /* 2^n is built from its exponent bits */
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + 0x3f800000u;
    memcpy(power, &bits, sizeof bits);
    return p;
}

static inline float exp_f32(float x)
{
    float power;
    const float p = exp_parts_f32(x, &power);
    return (p + 1.0f) * power;
}

/* e^x - 1, which does not cancel near 0: there 2^n = 1. */
static inline float expm1_f32(float x)
{
    float power;
    const float p = exp_parts_f32(x, &power);
    return SCALAR_FMA_F32(p, power, power - 1.0f);
}

/* An odd polynomial near 0, where 1 - 2 / (e^2x + 1) would cancel. */
static inline float tanh_f32(float x)
{
    const float size = x < 0 ? -x : x;
    const float tail = 1.0f - 2.0f / (exp_f32(2.0f * size) + 1.0f);
    const float z = x * x;
    float p = -5.70498872745e-3f;
    p = SCALAR_FMA_F32(p, z, 2.06390887954e-2f);
    p = SCALAR_FMA_F32(p, z, -5.37397155531e-2f);
    p = SCALAR_FMA_F32(p, z, 1.33314422036e-1f);
    p = SCALAR_FMA_F32(p, z, -3.33332819422e-1f);
    const float series = x * SCALAR_FMA_F32(p, z, 1.0f);
    return size < 0.625f ? series : (x < 0 ? -tail : tail);
}

/* log(1 + x) for x in [0, 1]; above sqrt(2) - 1 as ln 2 + log(1 + (x - 1) / 2). */
static inline float log1p_f32(float x)
{
    const int large = x > 0.41421356f;
    const float u = large ? 0.5f * (x - 1.0f) : x;
    const float z = u * u;
    float p = 7.0376836292e-2f;
    p = SCALAR_FMA_F32(p, u, -1.1514610310e-1f);
    p = SCALAR_FMA_F32(p, u, 1.1676998740e-1f);
    p = SCALAR_FMA_F32(p, u, -1.2420140846e-1f);
    p = SCALAR_FMA_F32(p, u, 1.4249322787e-1f);
    p = SCALAR_FMA_F32(p, u, -1.6668057665e-1f);
    p = SCALAR_FMA_F32(p, u, 2.0000714765e-1f);
    p = SCALAR_FMA_F32(p, u, -2.4999993993e-1f);
    p = SCALAR_FMA_F32(p, u, 3.3333331174e-1f);
    p = SCALAR_FMA_F32(p, z * u, -0.5f * z);
    return large ? (p + u) + 0.69314718056f : p + u;
}

/* An odd polynomial below 1, from there on 1 - e^-x^2 P(1 / x^2) / x. */
static inline float erf_f32(float x)
{
    const float size = x < 0 ? -x : x, z = x * x, q = 1.0f / (size > 1.0f ? z : 1.0f);
    float series = 7.853861353153693e-5f;
    series = SCALAR_FMA_F32(series, z, -8.010193625184903e-4f);
    series = SCALAR_FMA_F32(series, z, 5.188327685732524e-3f);
    series = SCALAR_FMA_F32(series, z, -2.685381193529856e-2f);
    series = SCALAR_FMA_F32(series, z, 1.128358514861418e-1f);
    series = SCALAR_FMA_F32(series, z, -3.761262582423300e-1f);
    series = x * SCALAR_FMA_F32(series, z, 1.128379165726710f);
    float p = 2.326819970068386e-2f; /* below 2 */
    p = SCALAR_FMA_F32(p, q, -1.387039388740657e-1f);
    p = SCALAR_FMA_F32(p, q, 3.687424674597105e-1f);
    p = SCALAR_FMA_F32(p, q, -5.824733027278666e-1f);
    p = SCALAR_FMA_F32(p, q, 6.210004621745983e-1f);
    p = SCALAR_FMA_F32(p, q, -4.944515323274145e-1f);
    p = SCALAR_FMA_F32(p, q, 3.404879937665872e-1f);
    p = SCALAR_FMA_F32(p, q, -2.741127028184656e-1f);
    p = SCALAR_FMA_F32(p, q, 5.638259427386472e-1f);
    float r = -1.047766399936249e+1f; /* from 2 on */
    r = SCALAR_FMA_F32(r, q, 1.297719955372516e+1f);
    r = SCALAR_FMA_F32(r, q, -7.495518717768503f);
    r = SCALAR_FMA_F32(r, q, 2.921019019210786f);
    r = SCALAR_FMA_F32(r, q, -1.015265279202700f);
    r = SCALAR_FMA_F32(r, q, 4.218463358204948e-1f);
    r = SCALAR_FMA_F32(r, q, -2.820767439740514e-1f);
    r = SCALAR_FMA_F32(r, q, 5.641895067754075e-1f);
    const float rest = exp_f32(-z) * (size < 2.0f ? p : r) / (size > 1.0f ? size : 1.0f);
    const float tail = x < 0 ? rest - 1.0f : 1.0f - rest;
    return size > 1.0f ? tail : series;
}

#endif
