/* exp and tanh in float32, as loops of arithmetic that a compiler can vectorise. Coefficients and ranges: Cephes
 * (S. L. Moshier), expf.c and tanhf.c; errors stay below 2 units in the last place. */
#ifndef FASTMLP_MATH_F32_H
#define FASTMLP_MATH_F32_H

#include <stdint.h>
#include <string.h>

/* e^x for x clamped to [-87, 88], where 2^n is a normal number: e^x = 2^n e^r with |r| <= ln(2) / 2. */
static inline float exp_f32(float x)
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
    uint32_t bits;
    float power; /* 2^n, built from its exponent bits */
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + 0x3f800000u;
    memcpy(&power, &bits, sizeof power);
    return (p + 1.0f) * power;
}

/* An odd polynomial near 0, where 1 - 2 / (e^2x + 1) would cancel. */
static inline float tanh_f32(float x)
{
    const float size = x < 0 ? -x : x;
    const float far = 1.0f - 2.0f / (exp_f32(2.0f * size) + 1.0f);
    const float z = x * x;
    float p = -5.70498872745e-3f;
    p = SCALAR_FMA_F32(p, z, 2.06390887954e-2f);
    p = SCALAR_FMA_F32(p, z, -5.37397155531e-2f);
    p = SCALAR_FMA_F32(p, z, 1.33314422036e-1f);
    p = SCALAR_FMA_F32(p, z, -3.33332819422e-1f);
    const float near = x * SCALAR_FMA_F32(p, z, 1.0f);
    return size < 0.625f ? near : (x < 0 ? -far : far);
}

#endif
