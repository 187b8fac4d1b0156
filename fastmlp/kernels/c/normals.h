/* Normal numbers from random words, by Box and Muller's transform, in double for either float type: words u and v give
 * sqrt(-2 log((u + 1) / 2^32)) times cos(2 pi v / 2^32) and times sin(2 pi v / 2^32). */
#ifndef FASTMLP_NORMALS_H
#define FASTMLP_NORMALS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "philox.h"

#define WORD_SHARE (1 / 4294967296.0) /* 2^-32, by which products are exact */
#define WORD_ANGLE (6.283185307179586 / 4294967296.0)

/* For float64: the C library's functions, which are the oracle's. Lanes from `lanes` on are 0. */
static void normals_f64(int lanes, uint64_t words[4][PHILOX_LANES], double normals[4][PHILOX_LANES])
{
    for (int half = 0; half < 4; half += 2)
        for (int lane = 0; lane < lanes; lane++) {
            const double radius = sqrt(-2 * log(((double)words[half][lane] + 1.0) * WORD_SHARE));
            const double angle = WORD_ANGLE * (double)words[half + 1][lane];
            normals[half][lane] = radius * cos(angle);
            normals[half + 1][lane] = radius * sin(angle);
        }
    for (int i = 0; i < 4; i++)
        for (int lane = lanes; lane < PHILOX_LANES; lane++)
            normals[i][lane] = 0;
}

static inline uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* n < 2^52, less what is taken off 2^52: that many units in the last place of 2^52. */
static inline double number_of(uint64_t n, double start) { return double_of(n | 0x4330000000000000u) - start; }

#define POWER_52 4503599627370496.0 /* 2^52 */

/* log(n / 2^32) for n from 1 to 2^32: n = 2^k z with z from sqrt(1 / 2) on, log z = 2 atanh((z - 1) / (z + 1)). */
static inline double log_of_share(double n)
{
    const uint64_t above = bits_of(n) - 0x3fe6a09e667f3bcdu; /* sqrt(1 / 2) */
    const double k = number_of(above >> 52, POWER_52 + 32);
    const double z = double_of(bits_of(n) - (above & 0xfff0000000000000u));
    const double s = (z - 1) / (z + 1), y = s * s;
    double p = 1.479819860511658591e-1;
    p = p * y + 1.531383769920937332e-1;
    p = p * y + 1.818357216161805012e-1;
    p = p * y + 2.222219843214978396e-1;
    p = p * y + 2.857142874366239149e-1;
    p = p * y + 3.999999999940941908e-1;
    p = p * y + 6.666666666666735130e-1;
    return k * 0.6931471805599453 + (s * 2 + s * (y * p));
}

/* For float32: arithmetic that a compiler can vectorise, with the same bits for every instruction set. Coefficients:
 * fdlibm (Sun Microsystems), e_log.c, k_sin.c and k_cos.c. It is within 2^-48 of normals_f64: of 10^8 numbers that were
 * rounded to float32, none was another. */
static void normals_f32(int lanes, uint64_t words[4][PHILOX_LANES], double normals[4][PHILOX_LANES])
{
    (void)lanes; /* all: whole vectors are as fast */
    for (int half = 0; half < 4; half += 2) {
        const uint64_t *u = words[half], *v = words[half + 1];
        for (int lane = 0; lane < PHILOX_LANES; lane++) {
            const double radius = sqrt(-2 * log_of_share(number_of(u[lane], POWER_52 - 1)));
            /* less the nearest multiple of pi / 2, in two parts whose first has few digits */
            const double angle = WORD_ANGLE * number_of(v[lane], POWER_52);
            const uint64_t quarters = (v[lane] + 0x20000000u) >> 30;
            const double q = number_of(quarters, POWER_52);
            const double r = (angle - q * 1.57079632673412561417) - q * 6.07710050650619224932e-11;
            const double y = r * r;
            double s = 1.58969099521155010221e-10;
            s = s * y + -2.50507602534068634195e-8;
            s = s * y + 2.75573137070700676789e-6;
            s = s * y + -1.98412698298579493134e-4;
            s = s * y + 8.33333333332248946124e-3;
            s = s * y + -1.66666666666666324348e-1;
            s = r + r * (y * s);
            double c = -1.13596475577881948265e-11;
            c = c * y + 2.08757232129817482790e-9;
            c = c * y + -2.75573143513906633035e-7;
            c = c * y + 2.48015872894767294178e-5;
            c = c * y + -1.38888888888741095749e-3;
            c = c * y + 4.16666666666666019037e-2;
            c = 1 - (0.5 * y - y * (y * c));
            /* odd quarters exchange the two; the cosine is negative from 1 to 3 quarters, the sine from 2 on */
            const uint64_t odd = 0 - (quarters & 1), cosine = bits_of(c), sine = bits_of(s);
            const uint64_t swapped = (cosine ^ sine) & odd;
            normals[half][lane] = radius * double_of(cosine ^ swapped ^ (((quarters + 1) & 2) << 62));
            normals[half + 1][lane] = radius * double_of(sine ^ swapped ^ ((quarters & 2) << 62));
        }
    }
}

#endif
