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
INLINE int lowest_bit(uint64_t bits) { return __builtin_ctzll(bits); }
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
INLINE int lowest_bit(uint64_t bits)
{
    int place = 0;
    for (; !(bits & 1); bits >>= 1)
        place++;
    return place;
}
INLINE void prefetch(const void *x) { (void)x; }
#endif
/* x < 0 ? 0 : x, where NaN stays NaN. */
#if defined(__AVX512F__)
#define RELU_VECTOR(ps, T) _mm512_mask_mov_##ps(x, _mm512_cmp_##ps##_mask(x, zero, _CMP_LT_OQ), zero)
#elif defined(__GNUC__)
typedef int32_t bits_f32 __attribute__((vector_size(VECTOR_BYTES)));
typedef int64_t bits_f64 __attribute__((vector_size(VECTOR_BYTES)));
#define RELU_VECTOR(ps, T) (vector_##T)(~(bits_##T)(x < zero) & (bits_##T)x)
#else
#define RELU_VECTOR(ps, T) (x < zero ? zero : x)
#endif
INLINE vector_f32 relu_f32(vector_f32 x)
{
    const vector_f32 zero = {0};
    return RELU_VECTOR(ps, f32);
}
INLINE vector_f64 relu_f64(vector_f64 x)
{
    const vector_f64 zero = {0};
    return RELU_VECTOR(pd, f64);
}

enum { LANES_F32 = sizeof(vector_f32) / sizeof(float), LANES_F64 = sizeof(vector_f64) / sizeof(double) };

/* Of one vector: a bit for each number that is not 0 (NaN is not), and the numbers or the places of the bits that are
 * set, side by side; a whole vector may be written. */
#if defined(__AVX512F__)
#define NONZERO(suffix, T, ps, w, first_places)                                                                        \
    INLINE uint32_t nonzero_##suffix(const T *x)                                                                       \
    {                                                                                                                  \
        return _mm512_cmp_##ps##_mask(_mm512_loadu_##ps(x), _mm512_setzero_##ps(), _CMP_NEQ_UQ);                       \
    }                                                                                                                  \
    INLINE void keep_##suffix(uint32_t bits, const T *x, T *out)                                                       \
    {                                                                                                                  \
        _mm512_storeu_##ps(out, _mm512_maskz_compress_##ps(bits, _mm512_loadu_##ps(x)));                               \
    }                                                                                                                  \
    INLINE void keep_places_##suffix(uint32_t bits, uint32_t first, uint32_t *out)                                     \
    {                                                                                                                  \
        const __m##w##i places = _mm##w##_add_epi32(_mm##w##_set1_epi32(first), first_places);                         \
        _mm##w##_storeu_si##w((void *)(out), _mm##w##_maskz_compress_epi32(bits, places));                                       \
    }
NONZERO(f32, float, ps, 512, _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
NONZERO(f64, double, pd, 256, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
#else
#if defined(__AVX2__)
INLINE uint32_t nonzero_f32(const float *x)
{
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(x), _mm256_setzero_ps(), _CMP_NEQ_UQ));
}
INLINE uint32_t nonzero_f64(const double *x)
{
    return (uint32_t)_mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(x), _mm256_setzero_pd(), _CMP_NEQ_UQ));
}
#else
#define NONZERO(suffix, T, lanes)                                                                                      \
    INLINE uint32_t nonzero_##suffix(const T *x)                                                                       \
    {                                                                                                                  \
        uint32_t bits = 0;                                                                                             \
        for (int j = 0; j < lanes; j++)                                                                                \
            bits |= (uint32_t)(x[j] != 0) << j;                                                                        \
        return bits;                                                                                                   \
    }
NONZERO(f32, float, LANES_F32)
NONZERO(f64, double, LANES_F64)
#endif
#define KEEP(suffix, T)                                                                                                \
    INLINE void keep_##suffix(uint32_t bits, const T *x, T *out)                                                       \
    {                                                                                                                  \
        for (; bits; bits &= bits - 1)                                                                                 \
            *out++ = x[lowest_bit(bits)];                                                                              \
    }                                                                                                                  \
    INLINE void keep_places_##suffix(uint32_t bits, uint32_t first, uint32_t *out)                                     \
    {                                                                                                                  \
        for (; bits; bits &= bits - 1)                                                                                 \
            *out++ = first + (uint32_t)lowest_bit(bits);                                                               \
    }
KEEP(f32, float)
KEEP(f64, double)
#endif

#endif
