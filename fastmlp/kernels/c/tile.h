/* The register tile: products of a few rows with one panel; included once per float type.
 *
 * Every element is one chain of additions from 0, in the order of the sum. Rows and vectors of a tile are constants
 * wherever these functions are inlined, so that the sums stay in registers. */

#ifndef FASTMLP_TILE_H
#define FASTMLP_TILE_H

#define START_OF_SUM(height, vectors)                                                                                  \
    VECTOR sum[TILE_ROWS][TILE_VECTORS];                                                                               \
    UNROLL for (int i = 0; i < (height); i++)                                                                          \
        UNROLL for (int v = 0; v < (vectors); v++)                                                                     \
            sum[i][v] = (VECTOR){0}

/* One function for each height and width, as a switch. */
#define HEIGHT(h, tile, ...)                                                                                           \
    case 2 * h + 1:                                                                                                    \
        tile(h, 1, __VA_ARGS__);                                                                                       \
        break;                                                                                                         \
    case 2 * h + 2:                                                                                                    \
        tile(h, 2, __VA_ARGS__);                                                                                       \
        break;

#define HEIGHTS_TO_6(tile, ...)                                                                                        \
    HEIGHT(1, tile, __VA_ARGS__)                                                                                       \
    HEIGHT(2, tile, __VA_ARGS__)                                                                                       \
    HEIGHT(3, tile, __VA_ARGS__)                                                                                       \
    HEIGHT(4, tile, __VA_ARGS__)                                                                                       \
    HEIGHT(5, tile, __VA_ARGS__)                                                                                       \
    HEIGHT(6, tile, __VA_ARGS__)
#define HEIGHTS_TO_8(tile, ...)                                                                                        \
    HEIGHTS_TO_6(tile, __VA_ARGS__)                                                                                    \
    HEIGHT(7, tile, __VA_ARGS__)                                                                                       \
    HEIGHT(8, tile, __VA_ARGS__)
#define HEIGHTS_TO_14(tile, ...)                                                                                       \
    HEIGHTS_TO_8(tile, __VA_ARGS__)                                                                                    \
    HEIGHT(9, tile, __VA_ARGS__)                                                                                       \
    HEIGHT(10, tile, __VA_ARGS__)                                                                                      \
    HEIGHT(11, tile, __VA_ARGS__)                                                                                      \
    HEIGHT(12, tile, __VA_ARGS__)                                                                                      \
    HEIGHT(13, tile, __VA_ARGS__)                                                                                      \
    HEIGHT(14, tile, __VA_ARGS__)
#endif

/* y[i] = activation(sum[i] + bias), rows y_stride apart; bias may be NULL.
 *
 * float32: a product too small for the type may leave -0, which further zeros of a would turn into 0; as these may be
 * skipped, every sum ends as 0 there. */
INLINE void NAME(finish)(const int height, const int vectors, VECTOR sum[TILE_ROWS][TILE_VECTORS], const T *bias,
                         int activation, T *y, ptrdiff_t y_stride)
{
    UNROLL for (int i = 0; i < height; i++)
        UNROLL for (int v = 0; v < vectors; v++) {
            VECTOR value = END_OF_SUM(sum[i][v]);
            if (bias != NULL)
                value += *(const VECTOR *)(bias + v * LANES_);
            if (activation == RELU)
                value = NAME(relu)(value);
            *(VECTOR *)(y + i * y_stride + v * LANES_) = value;
        }
    if (activation != LINEAR && activation != RELU)
        for (int i = 0; i < height; i++)
            NAME(activate)(activation, vectors * LANES_, y + i * y_stride);
}

/* sum[i] += a[i * step] * b for the rows of a tile. */
INLINE void NAME(add_products)(const int height, const int vectors, const ptrdiff_t step, const T *a, const T *b,
                               VECTOR sum[TILE_ROWS][TILE_VECTORS])
{
    VECTOR row[TILE_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++)
        row[v] = *(const VECTOR *)(b + v * LANES_);
    UNROLL for (int i = 0; i < height; i++)
        UNROLL for (int v = 0; v < vectors; v++)
            sum[i][v] = MULTIPLY_ADD(a[i * step], row[v], sum[i][v]);
}

INLINE void NAME(rows_tile)(const int height, const int vectors, ptrdiff_t depth, const T *a, ptrdiff_t a_stride,
                            const T *b, const T *bias, int activation, T *y)
{
    START_OF_SUM(height, vectors);
    for (; depth > 0; depth -= PANEL_, a += a_stride) {
        const ptrdiff_t columns = depth < PANEL_ ? depth : PANEL_;
        for (ptrdiff_t p = 0; p < columns; p++, b += PANEL_)
            NAME(add_products)(height, vectors, PANEL_, a + p, b, sum);
    }
    NAME(finish)(height, vectors, sum, bias, activation, y, PANEL_);
}

INLINE void NAME(columns_tile)(const int height, const int vectors, ptrdiff_t depth, const T *a, const T *b, T *c)
{
    START_OF_SUM(height, vectors);
    for (ptrdiff_t p = 0; p < depth; p++, a += PANEL_, b += PANEL_)
        NAME(add_products)(height, vectors, 1, a, b, sum);
    NAME(finish)(height, vectors, sum, NULL, LINEAR, c, PANEL_);
}

INLINE void NAME(add_listed)(const int height, const int vectors, ptrdiff_t count, const uint32_t *index, const T *a,
                              const T *b, VECTOR sum[TILE_ROWS][TILE_VECTORS])
{
    for (ptrdiff_t n = 0; n < count; n++)
        NAME(add_products)(height, vectors, 1, a + 2 * n, b + (ptrdiff_t)index[n] * PANEL_, sum);
}

static void NAME(multiply_rows)(int height, int vectors, ptrdiff_t depth, const T *a, ptrdiff_t a_stride, const T *b,
                                const T *bias, int activation, T *y)
{
    switch (2 * height + vectors) {
        EACH_HEIGHT(NAME(rows_tile), depth, a, a_stride, b, bias, activation, y)
    }
}

static void NAME(multiply_columns)(int height, int vectors, ptrdiff_t depth, const T *a, const T *b, T *c)
{
    switch (2 * height + vectors) {
        EACH_HEIGHT(NAME(columns_tile), depth, a, b, c)
    }
}

INLINE void NAME(listed_tile)(const int height, const int vectors, ptrdiff_t count, const uint32_t *index, const T *a,
                              const T *b, const T *bias, int activation, T *y, ptrdiff_t y_stride)
{
    START_OF_SUM(height, vectors);
    NAME(add_listed)(height, vectors, count, index, a, b, sum);
    NAME(finish)(height, vectors, sum, bias, activation, y, y_stride);
}

static void NAME(multiply_listed)(int height, int vectors, ptrdiff_t count, const uint32_t *index, const T *a,
                                  const T *b, const T *bias, int activation, T *y, ptrdiff_t y_stride)
{
    switch (2 * height + vectors) {
        HEIGHT(1, NAME(listed_tile), count, index, a, b, bias, activation, y, y_stride)
        HEIGHT(2, NAME(listed_tile), count, index, a, b, bias, activation, y, y_stride)
    }
}

/* A step of plain gradient descent for one row of weights or two, whose gradient never leaves the registers. */
INLINE void NAME(descend_tile)(const int height, const int vectors, ptrdiff_t count, const uint32_t *index, const T *a,
                               const T *b, T rate, T *w)
{
    START_OF_SUM(height, vectors);
    NAME(add_listed)(height, vectors, count, index, a, b, sum);
    UNROLL for (int i = 0; i < height; i++)
        UNROLL for (int v = 0; v < vectors; v++) {
            VECTOR *weights = (VECTOR *)(w + i * PANEL_ + v * LANES_);
            *weights = *weights - rate * END_OF_SUM(sum[i][v]);
        }
}

static void NAME(descend_listed)(int height, int vectors, ptrdiff_t count, const uint32_t *index, const T *a,
                                 const T *b, T rate, T *w)
{
    if (count == 0) /* the gradient is 0 */
        return;
    switch (2 * height + vectors) {
        HEIGHT(1, NAME(descend_tile), count, index, a, b, rate, w)
        HEIGHT(2, NAME(descend_tile), count, index, a, b, rate, w)
    }
}

/* One row alone would wait for each of its sums: a few panels at a time keep the arithmetic busy. */
static void NAME(multiply_listed_row)(ptrdiff_t panels, ptrdiff_t count, const uint32_t *index, const T *a, const T *b,
                                      ptrdiff_t b_stride, const T *bias, int activation, T *y, ptrdiff_t y_stride)
{
    enum { TOGETHER = 4 };
    for (; panels >= TOGETHER; panels -= TOGETHER) {
        VECTOR sum[TILE_ROWS][TILE_VECTORS]; /* of panels, not of rows */
        UNROLL for (int q = 0; q < TOGETHER; q++)
            UNROLL for (int v = 0; v < TILE_VECTORS; v++)
                sum[q][v] = (VECTOR){0};
        for (ptrdiff_t n = 0; n < count; n++)
            UNROLL for (int q = 0; q < TOGETHER; q++)
                NAME(add_products)(1, TILE_VECTORS, 0, a + 2 * n,
                                   b + q * b_stride + (ptrdiff_t)index[n] * PANEL_, sum + q);
        UNROLL for (int q = 0; q < TOGETHER; q++)
            NAME(finish)(1, TILE_VECTORS, sum + q, bias ? bias + q * PANEL_ : NULL, activation, y + q * y_stride, 0);
        b += TOGETHER * b_stride;
        y += TOGETHER * y_stride;
        bias = bias ? bias + TOGETHER * PANEL_ : NULL;
    }
    for (; panels > 0; panels--, b += b_stride, y += y_stride) {
        NAME(listed_tile)(1, TILE_VECTORS, count, index, a, b, bias, activation, y, 0);
        bias = bias ? bias + PANEL_ : NULL;
    }
}
