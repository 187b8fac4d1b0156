/* The vector of this instruction set, and the multiply-add each float type uses.
 *
 * float32 uses FMA wherever the instruction set has it, float64 never does: its sums have the bits of the plain
 * multiply and add of Python. Files are compiled with -ffp-contract=off, so nothing is fused but what is said here.
 */
#ifndef FASTMLP_VECTOR_H
#define FASTMLP_VECTOR_H

#include <stddef.h>
#include <stdint.h>

#if defined(__AVX512F__)
#include <immintrin.h>
#define VECTOR_BYTES 64
#define TILE_ROWS 14
#define EACH_HEIGHT HEIGHTS_TO_14
#define FMA_F32(s, v, acc) _mm512_fmadd_ps(_mm512_set1_ps(s), v, acc)
#define FMA_VECTORS_F32(a, b, acc) _mm512_fmadd_ps(a, b, acc)
#define ROWS_OF_SUMS 16 /* whose sums, sixteen each, stay in registers */
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define VECTOR_BYTES 32
#define TILE_ROWS 6
#define EACH_HEIGHT HEIGHTS_TO_6
#define FMA_F32(s, v, acc) _mm256_fmadd_ps(_mm256_set1_ps(s), v, acc)
#define FMA_VECTORS_F32(a, b, acc) _mm256_fmadd_ps(a, b, acc)
#define ROWS_OF_SUMS 4
#elif defined(__aarch64__) && defined(__GNUC__)
#include <arm_neon.h>
#define VECTOR_BYTES 16
#define TILE_ROWS 8 /* GCC keeps at most 16 accumulators in registers */
#define EACH_HEIGHT HEIGHTS_TO_8
#define FMA_F32(s, v, acc) vfmaq_n_f32(acc, v, s)
#define FMA_VECTORS_F32(a, b, acc) vfmaq_f32(acc, a, b)
#define ROWS_OF_SUMS 4
#else
#if defined(__SSE2__)
#include <emmintrin.h>
#endif
#define VECTOR_BYTES 16
#define TILE_ROWS 6
#define EACH_HEIGHT HEIGHTS_TO_6
#define FMA_F32(s, v, acc) ((acc) + (s) * (v))
#define FMA_VECTORS_F32(a, b, acc) ((acc) + (a) * (b))
#define ROWS_OF_SUMS 2
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
typedef uint64_t vector_u64 __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));
#define UNROLL _Pragma("GCC unroll 16")
#define VECTORISE _Pragma("GCC unroll 1") /* GCC would unroll a short loop before it thinks of vectors */
#define INLINE static inline __attribute__((always_inline))
/* Have a vector in a register: GCC would rather load it anew for each multiply-add, and loads are what is scarce. */
#if defined(__AVX512F__)
#define KEEP(vector) __asm__("" : "+v"(vector))
#elif defined(__x86_64__)
#define KEEP(vector) __asm__("" : "+x"(vector))
#elif defined(__aarch64__)
#define KEEP(vector) __asm__("" : "+w"(vector))
#else
#define KEEP(vector) (void)(vector)
#endif
INLINE int lowest_bit(uint64_t bits) { return __builtin_ctzll(bits); }
INLINE int count_bits(uint64_t bits) { return __builtin_popcountll(bits); }
INLINE void prefetch(const void *x) { __builtin_prefetch(x); }
#else /* without vector types the tile is a loop over scalars, which the compiler may vectorise */
typedef float vector_f32;
typedef double vector_f64;
typedef uint64_t vector_u64;
#define UNROLL
#define VECTORISE
#define INLINE static __inline
#define __restrict__ __restrict
#define KEEP(vector) (void)(vector)
INLINE int count_bits(uint64_t bits)
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

/* The first numbers of a vector, and zeros. */
INLINE vector_f32 first_of_f32(vector_f32 x, ptrdiff_t count)
{
#if defined(__AVX512F__)
    return _mm512_maskz_mov_ps((__mmask16)(count < 16 ? (1u << count) - 1 : 0xffff), x);
#elif defined(__GNUC__)
    bits_f32 kept;
    for (int j = 0; j < (int)(sizeof x / sizeof(float)); j++)
        kept[j] = -(j < count);
    return (vector_f32)((bits_f32)x & kept);
#else
    return count > 0 ? x : 0;
#endif
}

enum { LANES_F32 = sizeof(vector_f32) / sizeof(float), LANES_F64 = sizeof(vector_f64) / sizeof(double) };

/* The products of the low halves of each 64 bits. */
INLINE vector_u64 multiply_halves(vector_u64 x, vector_u64 y)
{
#if defined(__AVX512F__)
    return (vector_u64)_mm512_mul_epu32((__m512i)x, (__m512i)y);
#elif defined(__AVX2__)
    return (vector_u64)_mm256_mul_epu32((__m256i)x, (__m256i)y);
#elif defined(__SSE2__)
    return (vector_u64)_mm_mul_epu32((__m128i)x, (__m128i)y);
#elif defined(__aarch64__) && defined(__GNUC__)
    return (vector_u64)vmull_u32(vmovn_u64((uint64x2_t)x), vmovn_u64((uint64x2_t)y));
#else
    return (x & 0xffffffffu) * (y & 0xffffffffu);
#endif
}

/* x0 y0 x1 y1 ..., the first half and the second. */
#if defined(__AVX512F__)
INLINE void interleave_f32(vector_f32 x, vector_f32 y, vector_f32 *low, vector_f32 *high)
{
    const __m512i places = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    *low = _mm512_permutex2var_ps(x, places, y);
    *high = _mm512_permutex2var_ps(x, _mm512_add_epi32(places, _mm512_set1_epi32(8)), y);
}
INLINE void interleave_f64(vector_f64 x, vector_f64 y, vector_f64 *low, vector_f64 *high)
{
    const __m512i places = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
    *low = _mm512_permutex2var_pd(x, places, y);
    *high = _mm512_permutex2var_pd(x, _mm512_add_epi64(places, _mm512_set1_epi64(4)), y);
}
#elif defined(__AVX2__)
INLINE void interleave_f32(vector_f32 x, vector_f32 y, vector_f32 *low, vector_f32 *high)
{
    const __m256 even = _mm256_unpacklo_ps(x, y), odd = _mm256_unpackhi_ps(x, y);
    *low = _mm256_permute2f128_ps(even, odd, 0x20);
    *high = _mm256_permute2f128_ps(even, odd, 0x31);
}
INLINE void interleave_f64(vector_f64 x, vector_f64 y, vector_f64 *low, vector_f64 *high)
{
    const __m256d even = _mm256_unpacklo_pd(x, y), odd = _mm256_unpackhi_pd(x, y);
    *low = _mm256_permute2f128_pd(even, odd, 0x20);
    *high = _mm256_permute2f128_pd(even, odd, 0x31);
}
#else
#define INTERLEAVE(suffix, T, lanes)                                                                                   \
    INLINE void interleave_##suffix(vector_##suffix x, vector_##suffix y, vector_##suffix *low, vector_##suffix *high) \
    {                                                                                                                  \
        T mixed[2 * lanes];                                                                                            \
        for (int j = 0; j < lanes; j++) {                                                                              \
            mixed[2 * j] = ((const T *)&x)[j];                                                                         \
            mixed[2 * j + 1] = ((const T *)&y)[j];                                                                     \
        }                                                                                                              \
        *low = *(const vector_##suffix *)mixed;                                                                        \
        *high = *(const vector_##suffix *)(mixed + lanes);                                                             \
    }
INTERLEAVE(f32, float, LANES_F32)
INTERLEAVE(f64, double, LANES_F64)
#endif

/* Of one vector: a bit for each number that is not 0 (NaN is not). Of two, side by side in pairs, the numbers whose
 * bits are set, and of these the places; whole vectors may be written. */
#if defined(__AVX512F__)
/* By its own instruction, which clears the bits above: else GCC 12 may put a mask of 16 bits into memory and read 32. */
INLINE uint32_t nonzero_f32(const float *x)
{
    const __mmask16 mask = _mm512_cmp_ps_mask(_mm512_loadu_ps(x), _mm512_setzero_ps(), _CMP_NEQ_UQ);
    uint32_t bits;
    __asm__("kmovw %1, %0" : "=r"(bits) : "k"(mask));
    return bits;
}
INLINE uint32_t nonzero_f64(const double *x)
{
    const __mmask8 mask = _mm512_cmp_pd_mask(_mm512_loadu_pd(x), _mm512_setzero_pd(), _CMP_NEQ_UQ);
    uint32_t bits;
    __asm__("kmovb %1, %0" : "=r"(bits) : "k"(mask));
    return bits;
}
#define KEEP_PAIRS(suffix, T, ps)                                                                                      \
    INLINE void keep_pairs_##suffix(uint32_t bits, const T *x, const T *y, T *out)                                     \
    {                                                                                                                  \
        vector_##suffix *pairs = (vector_##suffix *)out;                                                               \
        interleave_##suffix(_mm512_maskz_compress_##ps(bits, _mm512_loadu_##ps(x)),                                    \
                            _mm512_maskz_compress_##ps(bits, _mm512_loadu_##ps(y)), pairs, pairs + 1);                 \
    }
KEEP_PAIRS(f32, float, ps)
KEEP_PAIRS(f64, double, pd)
INLINE void keep_places(uint32_t bits, uint32_t first, uint32_t *out)
{
    const __m512i counted = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i places = _mm512_add_epi32(_mm512_set1_epi32((int)first), counted);
    _mm512_storeu_si512(out, _mm512_maskz_compress_epi32((__mmask16)bits, places));
}
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
#define KEEP_PAIRS(suffix, T)                                                                                          \
    INLINE void keep_pairs_##suffix(uint32_t bits, const T *x, const T *y, T *out)                                     \
    {                                                                                                                  \
        for (; bits; bits &= bits - 1, out += 2) {                                                                     \
            out[0] = x[lowest_bit(bits)];                                                                              \
            out[1] = y[lowest_bit(bits)];                                                                              \
        }                                                                                                              \
    }
KEEP_PAIRS(f32, float)
KEEP_PAIRS(f64, double)
INLINE void keep_places(uint32_t bits, uint32_t first, uint32_t *out)
{
    for (; bits; bits &= bits - 1)
        *out++ = first + (uint32_t)lowest_bit(bits);
}
#endif

#endif
