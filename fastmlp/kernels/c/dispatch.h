/* The functions of a table under one name for both float types, with the table first; isa.pxd declares them.
 *
 * The type of the array picks the function while C compiles, so a call costs what it does through the table.
 */
#ifndef FASTMLP_DISPATCH_H
#define FASTMLP_DISPATCH_H

#include "kernels.h"

#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 201112L
#error "fastmlp needs a C11 compiler, for _Generic"
#endif

#define KERNELS(isa, array)                                                                                            \
    _Generic((array),                                                                                                  \
        float *: &(isa)->f32,                                                                                          \
        const float *: &(isa)->f32,                                                                                    \
        double *: &(isa)->f64,                                                                                         \
        const double *: &(isa)->f64)

#define panel_columns(isa, array) KERNELS(isa, array)->panel_columns
#define multiply_rows(isa, height, vectors, depth, a, ...)                                                             \
    KERNELS(isa, a)->multiply_rows(height, vectors, depth, a, __VA_ARGS__)
#define multiply_columns(isa, height, vectors, portion, depth, a, b, c)                                                \
    KERNELS(isa, c)->multiply_columns(height, vectors, portion, depth, a, b, c)
#define multiply_listed(isa, height, vectors, portion, count, index, a, ...)                                           \
    KERNELS(isa, a)->multiply_listed(height, vectors, portion, count, index, a, __VA_ARGS__)
#define descend_listed(isa, height, vectors, count, index, a, ...)                                                     \
    KERNELS(isa, a)->descend_listed(height, vectors, count, index, a, __VA_ARGS__)
#define multiply_sparse(isa, panels, count, index, a, ...)                                                            \
    KERNELS(isa, a)->multiply_sparse(panels, count, index, a, __VA_ARGS__)
#define multiply_sparse_columns(isa, columns, count, index, a, ...)                                                    \
    KERNELS(isa, a)->multiply_sparse_columns(columns, count, index, a, __VA_ARGS__)
#define descend_sparse(isa, panels, count, index, a, ...)                                                              \
    KERNELS(isa, a)->descend_sparse(panels, count, index, a, __VA_ARGS__)
#define load(isa, source, n, x, later, panels, stride) KERNELS(isa, panels)->load(source, n, x, later, panels, stride)
#define transpose(isa, rows, columns, x, ...) KERNELS(isa, x)->transpose(rows, columns, x, __VA_ARGS__)
#define mark_nonzeros(isa, columns, a, ...) KERNELS(isa, a)->mark_nonzeros(columns, a, __VA_ARGS__)
#define list_rows(isa, columns, x, ...) KERNELS(isa, x)->list_rows(columns, x, __VA_ARGS__)
#define count_columns(isa, rows, step, columns, a) KERNELS(isa, a)->count_columns(rows, step, columns, a)
#define list_columns(isa, rows, columns, a, ...) KERNELS(isa, a)->list_columns(rows, columns, a, __VA_ARGS__)
#define sum_rows(isa, portion, rows, a, sums) KERNELS(isa, a)->sum_rows(portion, rows, a, sums)
#define sum_squares(isa, rows, a, sums) KERNELS(isa, a)->sum_squares(rows, a, sums)
#define sum_magnitudes(isa, rows, a, sums) KERNELS(isa, a)->sum_magnitudes(rows, a, sums)
#define flush_denormals(isa, n, x) KERNELS(isa, x)->flush_denormals(n, x)
#define rescale(isa, n, scale, offset, x) KERNELS(isa, x)->rescale(n, scale, offset, x)
#define dot(isa, n, x, y) KERNELS(isa, x)->dot(n, x, y)
#define activate(isa, activation, settings, n, x) KERNELS(isa, x)->activate(activation, settings, n, x)
#define activate_gradient(isa, activation, settings, n, from, dy)                                                      \
    KERNELS(isa, dy)->activate_gradient(activation, settings, n, from, dy)
#define softmax(isa, n, x) KERNELS(isa, x)->softmax(n, x)
#define log_softmax(isa, n, x) KERNELS(isa, x)->log_softmax(n, x)
#define log_softmax_gradient(isa, n, y, dy) KERNELS(isa, dy)->log_softmax_gradient(n, y, dy)
#define sparsemax(isa, n, x) KERNELS(isa, x)->sparsemax(n, x)
#define sparsemax_gradient(isa, n, y, dy) KERNELS(isa, dy)->sparsemax_gradient(n, y, dy)
#define update(isa, optimizer, n, w, ...) KERNELS(isa, w)->update(optimizer, n, w, __VA_ARGS__)
#define are_finite(isa, n, x) KERNELS(isa, x)->are_finite(n, x)
#define add_penalty(isa, n, l1, twice_l2, w, g) KERNELS(isa, w)->add_penalty(n, l1, twice_l2, w, g)
#define clip_by_value(isa, n, clipvalue, g) KERNELS(isa, g)->clip_by_value(n, clipvalue, g)
#define decay_weights(isa, n, weight_decay, learning_rate, w)                                                          \
    KERNELS(isa, w)->decay_weights(n, weight_decay, learning_rate, w)
#define average_weights(isa, n, ema_momentum, w, average)                                                              \
    KERNELS(isa, w)->average_weights(n, ema_momentum, w, average)
#define add_noise(isa, noise, first, rows, columns, x, stride)                                                         \
    KERNELS(isa, x)->add_noise(noise, first, rows, columns, x, stride)
#define column_moments(isa, rows, x, mean, variance) KERNELS(isa, x)->column_moments(rows, x, mean, variance)
#define normalize_columns(isa, rows, x, columns, y) KERNELS(isa, x)->normalize_columns(rows, x, columns, y)
#define sum_normalized_columns(isa, rows, x, ...) KERNELS(isa, x)->sum_normalized_columns(rows, x, __VA_ARGS__)
#define normalize_columns_gradient(isa, rows, x, ...) KERNELS(isa, x)->normalize_columns_gradient(rows, x, __VA_ARGS__)
#define normalize_rows(isa, rows, columns, x, ...) KERNELS(isa, x)->normalize_rows(rows, columns, x, __VA_ARGS__)
#define normalize_rows_gradient(isa, rows, columns, x, ...)                                                            \
    KERNELS(isa, x)->normalize_rows_gradient(rows, columns, x, __VA_ARGS__)
#define sum_normalized_rows(isa, rows, x, ...) KERNELS(isa, x)->sum_normalized_rows(rows, x, __VA_ARGS__)
#define unit_rows(isa, rows, columns, x, stride) KERNELS(isa, x)->unit_rows(rows, columns, x, stride)
#define unit_rows_gradient(isa, rows, columns, x, ...)                                                                 \
    KERNELS(isa, x)->unit_rows_gradient(rows, columns, x, __VA_ARGS__)

#endif
