/* The vector of this instruction set, and the multiply-add each float type uses.
 *
 * float32 uses FMA wherever the instruction set has it, float64 never does: its sums have the bits of the plain
 * multiply and add of Python. Files are compiled with -ffp-contract=off, so nothing is fused but what is said here.
 */
#ifndef FASTMLP_VECTOR_H
#define FASTMLP_VECTOR_H

#if defined(__AVX512F__)
#include <immintrin.h>
#define VECTOR_BYTES 64
#define TILE_ROWS 14
#define FMA_F32(s, v, acc) _mm512_fmadd_ps(_mm512_set1_ps(s), v, acc)
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define VECTOR_BYTES 32
#define TILE_ROWS 6
#define FMA_F32(s, v, acc) _mm256_fmadd_ps(_mm256_set1_ps(s), v, acc)
#elif defined(__aarch64__) && defined(__GNUC__)
#include <arm_neon.h>
#define VECTOR_BYTES 16
#define TILE_ROWS 8 /* GCC keeps at most 16 accumulators in registers */
#define FMA_F32(s, v, acc) vfmaq_n_f32(acc, v, s)
#else
#define VECTOR_BYTES 16
#define TILE_ROWS 6
#define FMA_F32(s, v, acc) ((acc) + (s) * (v))
#endif

#if defined(__FMA__) || defined(__aarch64__)
#define SCALAR_FMA_F32(a, b, c) __builtin_fmaf(a, b, c)
#else
#define SCALAR_FMA_F32(a, b, c) ((a) * (b) + (c))
#endif

#define TILE_VECTORS 2
#define TILE_COLUMNS(suffix) (TILE_VECTORS * sizeof(vector_##suffix) / sizeof(scalar_##suffix))

#define PLAIN_F64(s, v, acc) ((acc) + (s) * (v))

typedef float scalar_f32;
typedef double scalar_f64;
#if defined(__GNUC__)
typedef float vector_f32 __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias));
typedef double vector_f64 __attribute__((vector_size(VECTOR_BYTES), aligned(8), may_alias));
#define UNROLL _Pragma("GCC unroll 16")
#else /* without vector types the tile is a loop over scalars, which the compiler may vectorise */
typedef float vector_f32;
typedef double vector_f64;
#define UNROLL
#define __restrict__ __restrict
#endif

#endif
