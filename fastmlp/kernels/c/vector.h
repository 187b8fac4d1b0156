/* The vector of this instruction set, and the multiply-add each float type uses.
 *
 * float32 uses FMA wherever the instruction set has it, float64 never does: its sums have the bits of the plain
 * multiply and add of Python. Files are compiled with -ffp-contract=off, so nothing is fused but what is said here.
 */
#ifndef FASTMLP_VECTOR_H
#define FASTMLP_VECTOR_H

#include <stdint.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define VECTOR_BYTES 64
#define TILE_ROWS 14
#define EACH_HEIGHT HEIGHTS_TO_14
#define FMA_F32(s, v, acc) _mm512_fmadd_ps(_mm512_set1_ps(s), v, acc)
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define VECTOR_BYTES 32
#define TILE_ROWS 6
#define EACH_HEIGHT HEIGHTS_TO_6
#define FMA_F32(s, v, acc) _mm256_fmadd_ps(_mm256_set1_ps(s), v, acc)
#elif defined(__aarch64__) && defined(__GNUC__)
#include <arm_neon.h>
#define VECTOR_BYTES 16
#define TILE_ROWS 8 /* GCC keeps at most 16 accumulators in registers */
#define EACH_HEIGHT HEIGHTS_TO_8
#define FMA_F32(s, v, acc) vfmaq_n_f32(acc, v, s)
#else
#define VECTOR_BYTES 16
#define TILE_ROWS 6
#define EACH_HEIGHT HEIGHTS_TO_6
#define FMA_F32(s, v, acc) ((acc) + (s) * (v))
#endif

#if defined(__FMA__) || defined(__aarch64__)
#define SCALAR_FMA_F32(a, b, c) __builtin_fmaf(a, b, c)
#else
#define SCALAR_FMA_F32(a, b, c) ((a) * (b) + (c))
#endif

#define PLAIN_F64(s, v, acc) ((acc) + (s) * (v))

#define TILE_VECTORS 2 /* to a panel */

#if defined(__GNUC__)
typedef float vector_f32 __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
typedef double vector_f64 __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));
#define UNROLL _Pragma("GCC unroll 16")
#define INLINE static inline __attribute__((always_inline))
INLINE int lowest_bit(uint32_t bits) { return __builtin_ctz(bits); }
INLINE int count_bits(uint32_t bits) { return __builtin_popcount(bits); }
INLINE void prefetch(const void *x) { __builtin_prefetch(x); }
#else /* without vector types the tile is a loop over scalars, which the compiler may vectorise */
typedef float vector_f32;
typedef double vector_f64;
#define UNROLL
#define INLINE static __inline
#define __restrict__ __restrict
INLINE int count_bits(uint32_t bits)
{
    int count = 0;
    for (; bits; bits &= bits - 1)
        count++;
    return count;
}
INLINE int lowest_bit(uint32_t bits) { return count_bits((bits & (0u - bits)) - 1); }
INLINE void prefetch(const void *x) { (void)x; }
#endif
enum { LANES_F32 = sizeof(vector_f32) / sizeof(float), LANES_F64 = sizeof(vector_f64) / sizeof(double) };

/* A bit for each number of a panel's row that is not 0. */
#if defined(__AVX512F__)
#define NONZERO_LANES(T, x) _mm512_cmp_##T##_mask(_mm512_loadu_##T(x), _mm512_setzero_##T(), _CMP_NEQ_UQ)
#elif defined(__AVX2__)
#define NONZERO_LANES(T, x)                                                                                            \
    (uint32_t) _mm256_movemask_##T(_mm256_cmp_##T(_mm256_loadu_##T(x), _mm256_setzero_##T(), _CMP_NEQ_UQ))
#endif
#if defined(NONZERO_LANES)
INLINE uint32_t nonzero_bits_f32(const float *x)
{
    return NONZERO_LANES(ps, x) | (uint32_t)NONZERO_LANES(ps, x + LANES_F32) << LANES_F32;
}
INLINE uint32_t nonzero_bits_f64(const double *x)
{
    return NONZERO_LANES(pd, x) | (uint32_t)NONZERO_LANES(pd, x + LANES_F64) << LANES_F64;
}
#else
INLINE uint32_t nonzero_bits_f32(const float *x)
{
    uint32_t bits = 0;
    for (int j = 0; j < TILE_VECTORS * LANES_F32; j++)
        bits |= (uint32_t)(x[j] != 0) << j;
    return bits;
}
INLINE uint32_t nonzero_bits_f64(const double *x)
{
    uint32_t bits = 0;
    for (int j = 0; j < TILE_VECTORS * LANES_F64; j++)
        bits |= (uint32_t)(x[j] != 0) << j;
    return bits;
}
#endif

#endif
