/* Compiled once per instruction set, with ISA as its name: `fastmlp_<ISA>` is the one symbol this file exports. */
#include "kernels.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "normals.h"
#include "vector.h"

#include "math_f32.h"

#include "pairs.h"

/* By the bits of their magnitudes, in whose order infinity comes after all numbers, and NaN last. */
static int all_finite(int source, int target, ptrdiff_t n, const void *x)
{
    const float largest = FLT_MAX;
    const double limit = target == FLOAT32 ? FLT_MAX : DBL_MAX;
    int32_t single;
    int64_t whole;
    memcpy(&single, &largest, sizeof single);
    memcpy(&whole, &limit, sizeof whole);
    int64_t bad = 0;
    if (source == FLOAT32)
        for (ptrdiff_t i = 0; i < n; i++)
            bad |= (((const int32_t *)x)[i] & INT32_MAX) > single;
    else if (source == FLOAT64)
        for (ptrdiff_t i = 0; i < n; i++)
            bad |= (((const int64_t *)x)[i] & INT64_MAX) > whole;
    return !bad;
}

/* float32: sixteen interleaved sums, added in order at the end, whatever the vector's size. */
static float dot_f32(ptrdiff_t n, const float *x, const float *y)
{
    float sums[16] = {0};
    ptrdiff_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int lane = 0; lane < 16; lane++)
            sums[lane] = SCALAR_FMA_F32(x[i + lane], y[i + lane], sums[lane]);
    for (int lane = 0; i + lane < n; lane++)
        sums[lane] = SCALAR_FMA_F32(x[i + lane], y[i + lane], sums[lane]);
    float sum = 0;
    for (int lane = 0; lane < 16; lane++)
        sum += sums[lane];
    return sum;
}

/* float64: the oracle's one sum in index order. */
static double dot_f64(ptrdiff_t n, const double *x, const double *y)
{
    double sum = 0;
    for (ptrdiff_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

#define T float
#define VECTOR vector_f32
#define LANES_ LANES_F32
#define PANEL_ (TILE_VECTORS * LANES_)
#define NAME(function) function##_f32
#define MULTIPLY_ADD FMA_F32
#define SCALAR_MULTIPLY_ADD SCALAR_FMA_F32
#define END_OF_SUM(sum) ((sum) + 0.0f)
#define EXP_ exp_f32
#define EXPM1_ expm1_f32
#define LOG_ logf
#define LOG1P_ log1p_f32
#define TANH_ tanh_f32
#define ERF_ erf_f32
#define SQRT_ sqrtf
#define POW_ powf
#define ABS_ fabsf
#define LEAST_KEPT_ FLT_MIN
#include "flush.h"

#include "activations.h"

#include "elementwise.h"

#include "noise.h"

#include "update.h"

#include "tile.h"

#include "sparse.h"

#include "panels.h"

#include "normalize.h"

#include "nonzero.h"

#include "narrow.h"
#undef T
#undef VECTOR
#undef LANES_
#undef NAME
#undef MULTIPLY_ADD
#undef SCALAR_MULTIPLY_ADD
#undef END_OF_SUM
#undef EXP_
#undef EXPM1_
#undef LOG_
#undef LOG1P_
#undef TANH_
#undef ERF_
#undef SQRT_
#undef POW_
#undef ABS_
#undef LEAST_KEPT_

#define T double
#define VECTOR vector_f64
#define LANES_ LANES_F64
#define NAME(function) function##_f64
#define MULTIPLY_ADD PLAIN_F64
#define SCALAR_MULTIPLY_ADD PLAIN_F64
#define END_OF_SUM(sum) (sum)
#define EXP_ exp
#define EXPM1_ expm1
#define LOG_ log
#define LOG1P_ log1p
#define TANH_ tanh
#define ERF_ erf
#define SQRT_ sqrt
#define POW_ pow
#define ABS_ fabs
#define LEAST_KEPT_ 0
#include "flush.h"

#include "activations.h"

#include "elementwise.h"

#include "noise.h"

#include "update.h"

#include "tile.h"

#include "sparse.h"

#include "panels.h"

#include "normalize.h"

#include "nonzero.h"

#define TABLE(suffix)                                                                                                  \
    {.panel_columns = TILE_VECTORS * sizeof(vector_##suffix) / sizeof(scalar_##suffix),                                \
     .multiply_rows = multiply_rows_##suffix,                                                                          \
     .multiply_columns = multiply_columns_##suffix,                                                                    \
     .multiply_listed = multiply_listed_##suffix,                                                                      \
     .descend_listed = descend_listed_##suffix,                                                                        \
     .multiply_sparse = multiply_sparse_##suffix,                                                                      \
     .multiply_sparse_columns = multiply_sparse_columns_##suffix,                                                      \
     .descend_sparse = descend_sparse_##suffix,                                                                        \
     .load = load_##suffix,                                                                                            \
     .transpose = transpose_##suffix,                                                                                  \
     .mark_nonzeros = mark_nonzeros_##suffix,                                                                          \
     .list_rows = list_rows_##suffix,                                                                                  \
     .count_columns = count_columns_##suffix,                                                                          \
     .list_columns = list_columns_##suffix,                                                                            \
     .sum_rows = sum_rows_##suffix,                                                                                    \
     .sum_squares = sum_squares_##suffix,                                                                              \
     .sum_magnitudes = sum_magnitudes_##suffix,                                                                        \
     .flush_denormals = flush_denormals_##suffix,                                                                      \
     .rescale = rescale_##suffix,                                                                                      \
     .dot = dot_##suffix,                                                                                              \
     .activate = activate_##suffix,                                                                                    \
     .activate_gradient = activate_gradient_##suffix,                                                                  \
     .softmax = softmax_##suffix,                                                                                      \
     .log_softmax = log_softmax_##suffix,                                                                              \
     .log_softmax_gradient = log_softmax_gradient_##suffix,                                                            \
     .sparsemax = sparsemax_##suffix,                                                                                  \
     .sparsemax_gradient = sparsemax_gradient_##suffix,                                                                \
     .update = update_##suffix,                                                                                        \
     .are_finite = are_finite_##suffix,                                                                                \
     .add_penalty = add_penalty_##suffix,                                                                              \
     .clip_by_value = clip_by_value_##suffix,                                                                          \
     .decay_weights = decay_weights_##suffix,                                                                          \
     .average_weights = average_weights_##suffix,                                                                      \
     .add_noise = add_noise_##suffix,                                                                                  \
     .column_moments = column_moments_##suffix,                                                                        \
     .normalize_columns = normalize_columns_##suffix,                                                                  \
     .sum_normalized_columns = sum_normalized_columns_##suffix,                                                        \
     .normalize_columns_gradient = normalize_columns_gradient_##suffix,                                                \
     .normalize_rows = normalize_rows_##suffix,                                                                        \
     .normalize_rows_gradient = normalize_rows_gradient_##suffix,                                                      \
     .sum_normalized_rows = sum_normalized_rows_##suffix,                                                              \
     .unit_rows = unit_rows_##suffix,                                                                                  \
     .unit_rows_gradient = unit_rows_gradient_##suffix}

#define QUOTE_(name) #name
#define QUOTE(name) QUOTE_(name)
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

typedef float scalar_f32;
typedef double scalar_f64;
const Isa JOIN(fastmlp_, ISA) = {QUOTE(ISA), TILE_ROWS, all_finite, pair_rows, multiply_narrow_f32,
                               TABLE(f32), TABLE(f64)};
