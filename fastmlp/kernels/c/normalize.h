/* Normalization of columns and of rows, as in reference/normalization.py; included once per float type.
 *
 * Columns: a panel of them, to which four vectors belong, PANEL apart: mean, inverse (deviation), factor and offset.
 * Rows: in panels, with a mean and an inverse each. As a row's sum is a chain in which every addition waits for the one
 * before, rows are transposed and summed SIDE_BY_SIDE at once.
 *
 * Sums over rows and over columns are those of pieces, as in elementwise.h. */

#ifndef FASTMLP_NORMALIZE_H
#define FASTMLP_NORMALIZE_H

enum { SIDE_BY_SIDE = 16 };
#define LEAST_LENGTH 1e-12 /* Keras'; what a row is divided by at least */

/* Vector v of row i. */
#define VECTOR_OF(x, i, v) ((VECTOR *)((x) + (i) * PANEL_))[v]
#define READ(x, i, v) ((const VECTOR *)((x) + (i) * PANEL_))[v]

#define EACH_PANEL_BETWEEN(first, last) /* columns; the first one begins a panel, as each piece does */                 \
    for (ptrdiff_t panel = (first) / PANEL_; panel * PANEL_ < (last); panel++)
#define EACH_PANEL(columns) EACH_PANEL_BETWEEN(0, columns)
#endif

/* Add the sums of a piece, which are vectors side by side, to those of the pieces before; give those of all pieces. */
INLINE void NAME(add_piece)(int n, const VECTOR *piece, double *sums)
{
    for (int j = 0; j < n; j++)
        sums[j] += ((const T *)piece)[j];
}

INLINE void NAME(give_sums)(int n, const double *sums, VECTOR *out)
{
    for (int j = 0; j < n; j++)
        ((T *)out)[j] = (T)sums[j];
}

static void NAME(column_moments)(ptrdiff_t rows, const T *__restrict__ x, T *__restrict__ mean,
                                 T *__restrict__ variance)
{
    const T count = (T)rows;
    double sums[PANEL_] = {0}, squares[PANEL_] = {0};
    VECTOR means[TILE_VECTORS], total[TILE_VECTORS];
    EACH_PIECE(rows) {
        VECTOR piece[TILE_VECTORS] = {{0}};
        for (ptrdiff_t i = start; i < end; i++)
            UNROLL for (int v = 0; v < TILE_VECTORS; v++)
                piece[v] = piece[v] + READ(x, i, v);
        NAME(add_piece)(PANEL_, piece, sums);
    }
    NAME(give_sums)(PANEL_, sums, total);
    UNROLL for (int v = 0; v < TILE_VECTORS; v++)
        means[v] = total[v] / count;
    EACH_PIECE(rows) {
        VECTOR piece[TILE_VECTORS] = {{0}};
        for (ptrdiff_t i = start; i < end; i++)
            UNROLL for (int v = 0; v < TILE_VECTORS; v++) {
                const VECTOR distance = READ(x, i, v) - means[v];
                piece[v] = piece[v] + distance * distance;
            }
        NAME(add_piece)(PANEL_, piece, squares);
    }
    NAME(give_sums)(PANEL_, squares, total);
    UNROLL for (int v = 0; v < TILE_VECTORS; v++) {
        VECTOR_OF(mean, 0, v) = means[v];
        VECTOR_OF(variance, 0, v) = total[v] / count;
    }
}

static void NAME(normalize_columns)(ptrdiff_t rows, const T *__restrict__ x, const T *__restrict__ columns,
                                    T *__restrict__ y)
{
    VECTOR mean[TILE_VECTORS], factor[TILE_VECTORS], offset[TILE_VECTORS];
    UNROLL for (int v = 0; v < TILE_VECTORS; v++) {
        mean[v] = READ(columns, 0, v);
        factor[v] = READ(columns, 2, v);
        offset[v] = READ(columns, 3, v);
    }
    for (ptrdiff_t i = 0; i < rows; i++)
        UNROLL for (int v = 0; v < TILE_VECTORS; v++)
            VECTOR_OF(y, i, v) = (READ(x, i, v) - mean[v]) * factor[v] + offset[v];
}

static void NAME(sum_normalized_columns)(ptrdiff_t rows, const T *__restrict__ x, const T *__restrict__ dy,
                                         const T *__restrict__ columns, T *__restrict__ sums)
{
    double all[2][PANEL_] = {{0}};
    VECTOR mean[TILE_VECTORS], inverse[TILE_VECTORS];
    UNROLL for (int v = 0; v < TILE_VECTORS; v++) {
        mean[v] = READ(columns, 0, v);
        inverse[v] = READ(columns, 1, v);
    }
    EACH_PIECE(rows) {
        VECTOR along[TILE_VECTORS] = {{0}}, totals[TILE_VECTORS] = {{0}};
        for (ptrdiff_t i = start; i < end; i++)
            UNROLL for (int v = 0; v < TILE_VECTORS; v++) {
                const VECTOR d = READ(dy, i, v);
                along[v] = along[v] + d * ((READ(x, i, v) - mean[v]) * inverse[v]);
                totals[v] = totals[v] + d;
            }
        NAME(add_piece)(PANEL_, along, all[0]);
        NAME(add_piece)(PANEL_, totals, all[1]);
    }
    NAME(give_sums)(PANEL_, all[0], &VECTOR_OF(sums, 0, 0));
    NAME(give_sums)(PANEL_, all[1], &VECTOR_OF(sums, 1, 0));
}

static void NAME(normalize_columns_gradient)(ptrdiff_t rows, const T *__restrict__ x, const T *__restrict__ dy,
                                             const T *__restrict__ columns, const T *__restrict__ sums,
                                             T *__restrict__ dx)
{
    const T count = (T)rows;
    VECTOR mean[TILE_VECTORS], inverse[TILE_VECTORS], factor[TILE_VECTORS], along[TILE_VECTORS], means[TILE_VECTORS];
    UNROLL for (int v = 0; v < TILE_VECTORS; v++) {
        mean[v] = READ(columns, 0, v);
        inverse[v] = READ(columns, 1, v);
        factor[v] = READ(columns, 2, v);
    }
    if (sums == NULL) {
        for (ptrdiff_t i = 0; i < rows; i++)
            UNROLL for (int v = 0; v < TILE_VECTORS; v++)
                VECTOR_OF(dx, i, v) = factor[v] * READ(dy, i, v);
        return;
    }
    UNROLL for (int v = 0; v < TILE_VECTORS; v++) {
        along[v] = READ(sums, 0, v) / count;
        means[v] = READ(sums, 1, v) / count;
    }
    for (ptrdiff_t i = 0; i < rows; i++)
        UNROLL for (int v = 0; v < TILE_VECTORS; v++) {
            const VECTOR normal = (READ(x, i, v) - mean[v]) * inverse[v];
            VECTOR_OF(dx, i, v) = factor[v] * ((READ(dy, i, v) - means[v]) - normal * along[v]);
        }
}

/* The columns of a panel that there are. */
INLINE ptrdiff_t NAME(used)(ptrdiff_t columns, ptrdiff_t panel)
{
    return columns - panel * PANEL_ < PANEL_ ? columns - panel * PANEL_ : PANEL_;
}

/* A panel of a vector of weights, or a number in place of each where there is no vector. */
INLINE void NAME(weights_or)(T other, const T *weights, ptrdiff_t panel, VECTOR out[TILE_VECTORS])
{
    UNROLL for (int v = 0; v < TILE_VECTORS; v++)
        if (weights != NULL)
            out[v] = READ(weights, panel, v);
        else
            out[v] = (VECTOR){0} + other;
}

/* Vectors of SIDE_BY_SIDE numbers, one for each row. */
enum { NAME(ROW_VECTORS) = SIDE_BY_SIDE / LANES_ };
#define ROW_VECTORS_ NAME(ROW_VECTORS)
#define TURNED_AT(x, j, v) ((const VECTOR *)(x)[j])[v]

/* Add the numbers of a panel to the sums of their rows. */
INLINE void NAME(add_along)(ptrdiff_t rows, ptrdiff_t columns, const T *x, T turned[PANEL_][SIDE_BY_SIDE],
                            VECTOR sums[ROW_VECTORS_])
{
    NAME(transpose)(rows, columns, x, PANEL_, turned[0], SIDE_BY_SIDE);
    for (ptrdiff_t j = 0; j < columns; j++)
        UNROLL for (int v = 0; v < ROW_VECTORS_; v++)
            sums[v] = sums[v] + TURNED_AT(turned, j, v);
}

/* The same of the squares of their distances from the means. */
INLINE void NAME(add_squares_along)(ptrdiff_t rows, ptrdiff_t columns, const T *x, T turned[PANEL_][SIDE_BY_SIDE],
                                    const VECTOR means[ROW_VECTORS_], VECTOR sums[ROW_VECTORS_])
{
    NAME(transpose)(rows, columns, x, PANEL_, turned[0], SIDE_BY_SIDE);
    for (ptrdiff_t j = 0; j < columns; j++)
        UNROLL for (int v = 0; v < ROW_VECTORS_; v++) {
            const VECTOR distance = TURNED_AT(turned, j, v) - means[v];
            sums[v] = sums[v] + distance * distance;
        }
}

/* Those of whole rows. */
INLINE void NAME(sum_row_squares)(ptrdiff_t rows, ptrdiff_t columns, const T *x, ptrdiff_t stride,
                                  T turned[PANEL_][SIDE_BY_SIDE], const VECTOR means[ROW_VECTORS_],
                                  VECTOR out[ROW_VECTORS_])
{
    double sums[SIDE_BY_SIDE] = {0};
    EACH_PIECE(columns) {
        VECTOR piece[ROW_VECTORS_] = {{0}};
        EACH_PANEL_BETWEEN(start, end)
            NAME(add_squares_along)(rows, NAME(used)(end, panel), x + panel * stride, turned, means, piece);
        NAME(add_piece)(SIDE_BY_SIDE, piece, sums);
    }
    NAME(give_sums)(SIDE_BY_SIDE, sums, out);
}

/* Mean and inverse of SIDE_BY_SIDE rows at most. */
static void NAME(row_moments)(ptrdiff_t rows, ptrdiff_t columns, const T *x, ptrdiff_t stride, double epsilon,
                              T *__restrict__ statistics)
{
    const T count = (T)columns;
    T turned[PANEL_][SIDE_BY_SIDE] = {{0}}; /* what is not a row's stays finite */
    double sums[SIDE_BY_SIDE] = {0};
    VECTOR means[ROW_VECTORS_], squares[ROW_VECTORS_];
    EACH_PIECE(columns) {
        VECTOR piece[ROW_VECTORS_] = {{0}};
        EACH_PANEL_BETWEEN(start, end)
            NAME(add_along)(rows, NAME(used)(end, panel), x + panel * stride, turned, piece);
        NAME(add_piece)(SIDE_BY_SIDE, piece, sums);
    }
    NAME(give_sums)(SIDE_BY_SIDE, sums, means);
    UNROLL for (int v = 0; v < ROW_VECTORS_; v++)
        means[v] = means[v] / count;
    NAME(sum_row_squares)(rows, columns, x, stride, turned, means, squares);
    for (ptrdiff_t i = 0; i < rows; i++) {
        statistics[2 * i] = ((const T *)means)[i];
        statistics[2 * i + 1] = 1 / SQRT_(((const T *)squares)[i] / count + (T)epsilon);
    }
}

static void NAME(normalize_rows)(ptrdiff_t rows, ptrdiff_t columns, const T *__restrict__ x, ptrdiff_t x_stride,
                                 double epsilon, const T *gamma, const T *beta, T *__restrict__ statistics,
                                 T *__restrict__ y, ptrdiff_t y_stride)
{
    for (ptrdiff_t start = 0; start < rows; start += SIDE_BY_SIDE) {
        const ptrdiff_t end = rows - start < SIDE_BY_SIDE ? rows : start + SIDE_BY_SIDE;
        NAME(row_moments)(end - start, columns, x + start * PANEL_, x_stride, epsilon, statistics + 2 * start);
        EACH_PANEL(columns) {
            VECTOR scale[TILE_VECTORS], shift[TILE_VECTORS];
            NAME(weights_or)(1, gamma, panel, scale);
            NAME(weights_or)(0, beta, panel, shift);
            for (ptrdiff_t i = start; i < end; i++)
                UNROLL for (int v = 0; v < TILE_VECTORS; v++) {
                    const VECTOR normal =
                        (READ(x + panel * x_stride, i, v) - statistics[2 * i]) * statistics[2 * i + 1];
                    VECTOR_OF(y + panel * y_stride, i, v) = normal * scale[v] + shift[v];
                }
        }
    }
}

/* The means of g = dy * gamma, which is put where dx will be, and of g * normal, for SIDE_BY_SIDE rows at most. */
static void NAME(row_gradient_moments)(ptrdiff_t rows, ptrdiff_t columns, const T *x, ptrdiff_t x_stride, const T *dy,
                                       ptrdiff_t dy_stride, const T *gamma, const T *statistics, T *dx,
                                       ptrdiff_t dx_stride, VECTOR totals[ROW_VECTORS_], VECTOR along[ROW_VECTORS_])
{
    const T count = (T)columns;
    T turned_x[PANEL_][SIDE_BY_SIDE] = {{0}}, turned_g[PANEL_][SIDE_BY_SIDE] = {{0}};
    VECTOR means[ROW_VECTORS_] = {{0}}, inverses[ROW_VECTORS_] = {{0}};
    double sums[2][SIDE_BY_SIDE] = {{0}};
    for (ptrdiff_t i = 0; i < rows; i++) {
        ((T *)means)[i] = statistics[2 * i];
        ((T *)inverses)[i] = statistics[2 * i + 1];
    }
    EACH_PIECE(columns) {
        VECTOR piece[2][ROW_VECTORS_] = {{{0}}};
        EACH_PANEL_BETWEEN(start, end) {
            const ptrdiff_t used = NAME(used)(end, panel);
            T *g = dx + panel * dx_stride;
            VECTOR scale[TILE_VECTORS];
            NAME(weights_or)(1, gamma, panel, scale);
            for (ptrdiff_t i = 0; i < rows; i++)
                UNROLL for (int v = 0; v < TILE_VECTORS; v++)
                    VECTOR_OF(g, i, v) = READ(dy + panel * dy_stride, i, v) * scale[v];
            NAME(transpose)(rows, used, g, PANEL_, turned_g[0], SIDE_BY_SIDE);
            NAME(transpose)(rows, used, x + panel * x_stride, PANEL_, turned_x[0], SIDE_BY_SIDE);
            for (ptrdiff_t j = 0; j < used; j++)
                UNROLL for (int v = 0; v < ROW_VECTORS_; v++) {
                    const VECTOR d = TURNED_AT(turned_g, j, v);
                    piece[0][v] = piece[0][v] + d;
                    piece[1][v] = piece[1][v] + d * ((TURNED_AT(turned_x, j, v) - means[v]) * inverses[v]);
                }
        }
        NAME(add_piece)(SIDE_BY_SIDE, piece[0], sums[0]);
        NAME(add_piece)(SIDE_BY_SIDE, piece[1], sums[1]);
    }
    NAME(give_sums)(SIDE_BY_SIDE, sums[0], totals);
    NAME(give_sums)(SIDE_BY_SIDE, sums[1], along);
    UNROLL for (int v = 0; v < ROW_VECTORS_; v++) {
        totals[v] = totals[v] / count;
        along[v] = along[v] / count;
    }
}

static void NAME(normalize_rows_gradient)(ptrdiff_t rows, ptrdiff_t columns, const T *x, ptrdiff_t x_stride,
                                          const T *dy, ptrdiff_t dy_stride, const T *gamma, const T *statistics, T *dx,
                                          ptrdiff_t dx_stride)
{
    for (ptrdiff_t start = 0; start < rows; start += SIDE_BY_SIDE) {
        const ptrdiff_t some = rows - start < SIDE_BY_SIDE ? rows - start : SIDE_BY_SIDE, at = start * PANEL_;
        VECTOR totals[ROW_VECTORS_], along[ROW_VECTORS_];
        NAME(row_gradient_moments)(some, columns, x + at, x_stride, dy + at, dy_stride, gamma, statistics + 2 * start,
                                   dx + at, dx_stride, totals, along);
        EACH_PANEL(columns) {
            for (ptrdiff_t i = 0; i < some; i++) {
                const T mean = statistics[2 * (start + i)], inverse = statistics[2 * (start + i) + 1];
                const T total = ((const T *)totals)[i], share = ((const T *)along)[i];
                UNROLL for (int v = 0; v < TILE_VECTORS; v++) {
                    const VECTOR normal = (READ(x + panel * x_stride, start + i, v) - mean) * inverse;
                    VECTOR *const out = &VECTOR_OF(dx + panel * dx_stride, start + i, v);
                    *out = inverse * ((*out - total) - normal * share);
                }
            }
        }
    }
}

static void NAME(sum_normalized_rows)(ptrdiff_t rows, const T *__restrict__ x, const T *__restrict__ dy,
                                      const T *__restrict__ statistics, T *__restrict__ sums)
{
    double all[2][PANEL_] = {{0}};
    EACH_PIECE(rows) {
        VECTOR along[TILE_VECTORS] = {{0}}, totals[TILE_VECTORS] = {{0}};
        for (ptrdiff_t i = start; i < end; i++)
            UNROLL for (int v = 0; v < TILE_VECTORS; v++) {
                const VECTOR d = READ(dy, i, v);
                along[v] = along[v] + d * ((READ(x, i, v) - statistics[2 * i]) * statistics[2 * i + 1]);
                totals[v] = totals[v] + d;
            }
        NAME(add_piece)(PANEL_, along, all[0]);
        NAME(add_piece)(PANEL_, totals, all[1]);
    }
    NAME(give_sums)(PANEL_, all[0], &VECTOR_OF(sums, 0, 0));
    NAME(give_sums)(PANEL_, all[1], &VECTOR_OF(sums, 1, 0));
}

/* Of SIDE_BY_SIDE rows at most, at least LEAST_LENGTH each. */
static void NAME(row_lengths)(ptrdiff_t rows, ptrdiff_t columns, const T *x, ptrdiff_t stride, T lengths[SIDE_BY_SIDE])
{
    T turned[PANEL_][SIDE_BY_SIDE] = {{0}};
    const VECTOR none[ROW_VECTORS_] = {{0}};
    VECTOR squares[ROW_VECTORS_];
    NAME(sum_row_squares)(rows, columns, x, stride, turned, none, squares);
    for (int i = 0; i < SIDE_BY_SIDE; i++) {
        const double length = sqrt((double)((const T *)squares)[i]);
        lengths[i] = (T)(length < LEAST_LENGTH ? LEAST_LENGTH : length);
    }
}

static void NAME(unit_rows)(ptrdiff_t rows, ptrdiff_t columns, T *x, ptrdiff_t stride)
{
    for (ptrdiff_t start = 0; start < rows; start += SIDE_BY_SIDE) {
        const ptrdiff_t some = rows - start < SIDE_BY_SIDE ? rows - start : SIDE_BY_SIDE;
        T *const from = x + start * PANEL_;
        T lengths[SIDE_BY_SIDE];
        NAME(row_lengths)(some, columns, from, stride, lengths);
        EACH_PANEL(columns)
            for (ptrdiff_t i = 0; i < some; i++)
                UNROLL for (int v = 0; v < TILE_VECTORS; v++)
                    VECTOR_OF(from + panel * stride, i, v) = READ(from + panel * stride, i, v) / lengths[i];
    }
}

/* Of each row the sum of d * (x / length). */
static void NAME(sum_along_rows)(ptrdiff_t rows, ptrdiff_t columns, const T *x, ptrdiff_t x_stride, const T *d,
                                 ptrdiff_t d_stride, const T lengths[SIDE_BY_SIDE], VECTOR along[ROW_VECTORS_])
{
    T turned_x[PANEL_][SIDE_BY_SIDE] = {{0}}, turned_d[PANEL_][SIDE_BY_SIDE] = {{0}};
    double sums[SIDE_BY_SIDE] = {0};
    EACH_PIECE(columns) {
        VECTOR piece[ROW_VECTORS_] = {{0}};
        EACH_PANEL_BETWEEN(start, end) {
            const ptrdiff_t used = NAME(used)(end, panel);
            NAME(transpose)(rows, used, x + panel * x_stride, PANEL_, turned_x[0], SIDE_BY_SIDE);
            NAME(transpose)(rows, used, d + panel * d_stride, PANEL_, turned_d[0], SIDE_BY_SIDE);
            for (ptrdiff_t j = 0; j < used; j++)
                UNROLL for (int v = 0; v < ROW_VECTORS_; v++)
                    piece[v] = piece[v] + TURNED_AT(turned_d, j, v) *
                                              (TURNED_AT(turned_x, j, v) / ((const VECTOR *)lengths)[v]);
        }
        NAME(add_piece)(SIDE_BY_SIDE, piece, sums);
    }
    NAME(give_sums)(SIDE_BY_SIDE, sums, along);
}

static void NAME(unit_rows_gradient)(ptrdiff_t rows, ptrdiff_t columns, const T *x, ptrdiff_t x_stride, T *dx,
                                     ptrdiff_t dx_stride)
{
    for (ptrdiff_t start = 0; start < rows; start += SIDE_BY_SIDE) {
        const ptrdiff_t some = rows - start < SIDE_BY_SIDE ? rows - start : SIDE_BY_SIDE;
        const T *const from = x + start * PANEL_;
        T *const to = dx + start * PANEL_;
        T lengths[SIDE_BY_SIDE];
        VECTOR along[ROW_VECTORS_];
        NAME(row_lengths)(some, columns, from, x_stride, lengths);
        NAME(sum_along_rows)(some, columns, from, x_stride, to, dx_stride, lengths, along);
        EACH_PANEL(columns)
            for (ptrdiff_t i = 0; i < some; i++) {
                /* a row whose length was raised has one that does not depend on it */
                const T share = lengths[i] > (T)LEAST_LENGTH ? ((const T *)along)[i] : 0;
                UNROLL for (int v = 0; v < TILE_VECTORS; v++) {
                    VECTOR *const out = &VECTOR_OF(to + panel * dx_stride, i, v);
                    *out = (*out - (READ(from + panel * x_stride, i, v) / lengths[i]) * share) / lengths[i];
                }
            }
    }
}
