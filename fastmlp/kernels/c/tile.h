/* The register tile: products of a few rows with a panel, or with a few; included once per float type.
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

/* Tiles of lists, as a switch of the height: of several `panels`, or of one of `vectors`. */
enum { LISTED_SUMS = 4 }; /* rows of sums: those of one row and four panels, or of two and two */

#define LISTED(h, tile, ...)                                                                                           \
    case h:                                                                                                            \
        if (panels > 1)                                                                                                \
            tile(h, LISTED_SUMS / h, TILE_VECTORS, __VA_ARGS__);                                                       \
        else if (vectors > 1)                                                                                          \
            tile(h, 1, TILE_VECTORS, __VA_ARGS__);                                                                     \
        else                                                                                                           \
            tile(h, 1, 1, __VA_ARGS__);                                                                                \
        break;
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
            NAME(activate)(activation, NULL, vectors * LANES_, y + i * y_stride);
}

/* sum[i] += a[i * step] * b for the rows of a tile. */
INLINE void NAME(add_products)(const int height, const int vectors, const ptrdiff_t step, const T *a, const T *b,
                               VECTOR sum[TILE_ROWS][TILE_VECTORS])
{
    VECTOR row[TILE_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) {
        row[v] = *(const VECTOR *)(b + v * LANES_);
        if (height > 1)
            KEEP(row[v]);
    }
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

/* y = sum, or where `back` sum = y, for the panels of a tile. */
INLINE void NAME(keep_sums)(const int height, const int panels, const int vectors, int back, T *y, ptrdiff_t y_stride,
                            ptrdiff_t row_stride, VECTOR sum[TILE_ROWS][TILE_VECTORS])
{
    UNROLL for (int q = 0; q < panels; q++)
        UNROLL for (int i = 0; i < height; i++)
            UNROLL for (int v = 0; v < vectors; v++) {
                VECTOR *kept = (VECTOR *)(y + q * y_stride + i * row_stride + v * LANES_);
                if (back)
                    sum[q * height + i][v] = *kept;
                else
                    *kept = sum[q * height + i][v];
            }
}

INLINE void NAME(columns_tile)(const int height, const int vectors, int portion, ptrdiff_t depth, const T *a,
                               const T *b, T *c)
{
    START_OF_SUM(height, vectors);
    if (portion & GOES_ON)
        NAME(keep_sums)(height, 1, vectors, 1, c, 0, PANEL_, sum);
    for (ptrdiff_t p = 0; p < depth; p++, a += PANEL_, b += PANEL_)
        NAME(add_products)(height, vectors, 1, a, b, sum);
    if (portion & TO_GO_ON)
        NAME(keep_sums)(height, 1, vectors, 0, c, 0, PANEL_, sum);
    else
        NAME(finish)(height, vectors, sum, NULL, LINEAR, c, PANEL_);
}

static void NAME(multiply_rows)(int height, int vectors, ptrdiff_t depth, const T *a, ptrdiff_t a_stride, const T *b,
                                const T *bias, int activation, T *y)
{
    switch (2 * height + vectors) {
        EACH_HEIGHT(NAME(rows_tile), depth, a, a_stride, b, bias, activation, y)
    }
}

static void NAME(multiply_columns)(int height, int vectors, int portion, ptrdiff_t depth, const T *a, const T *b, T *c)
{
    switch (2 * height + vectors) {
        EACH_HEIGHT(NAME(columns_tile), portion, depth, a, b, c)
    }
}

/* Lists. A row or two of one panel would wait for each of its sums, so that a tile is LISTED_SUMS / height panels wide
 * where there are so many; of panel q the sums are sum[q * height + i]. */

INLINE void NAME(add_listed)(const int height, const int panels, const int vectors, ptrdiff_t count,
                             const uint32_t *index, const T *a, const T *b, ptrdiff_t b_stride,
                             VECTOR sum[TILE_ROWS][TILE_VECTORS])
{
    for (ptrdiff_t n = 0; n < count; n++)
        UNROLL for (int q = 0; q < panels; q++)
            NAME(add_products)(height, vectors, 1, a + 2 * n, b + q * b_stride + (ptrdiff_t)index[n] * PANEL_,
                               sum + q * height);
}

INLINE void NAME(listed_tile)(const int height, const int panels, const int vectors, int portion, ptrdiff_t count,
                              const uint32_t *index, const T *a, const T *b, ptrdiff_t b_stride, const T *bias,
                              int activation, T *y, ptrdiff_t y_stride, ptrdiff_t row_stride)
{
    START_OF_SUM(height * panels, vectors);
    if (portion & GOES_ON)
        NAME(keep_sums)(height, panels, vectors, 1, y, y_stride, row_stride, sum);
    NAME(add_listed)(height, panels, vectors, count, index, a, b, b_stride, sum);
    if (portion & TO_GO_ON) {
        NAME(keep_sums)(height, panels, vectors, 0, y, y_stride, row_stride, sum);
        return;
    }
    UNROLL for (int q = 0; q < panels; q++)
        NAME(finish)(height, vectors, sum + q * height, bias ? bias + q * PANEL_ : NULL, activation, y + q * y_stride,
                     row_stride);
}

/* A step of plain gradient descent, whose gradient never leaves the registers. */
INLINE void NAME(descend_tile)(const int height, const int panels, const int vectors, ptrdiff_t count,
                               const uint32_t *index, const T *a, const T *b, ptrdiff_t b_stride, T rate, T *w,
                               ptrdiff_t w_stride)
{
    START_OF_SUM(height * panels, vectors);
    NAME(add_listed)(height, panels, vectors, count, index, a, b, b_stride, sum);
    UNROLL for (int q = 0; q < panels; q++)
        UNROLL for (int i = 0; i < height; i++)
            UNROLL for (int v = 0; v < vectors; v++) {
                VECTOR *weights = (VECTOR *)(w + q * w_stride + i * PANEL_ + v * LANES_);
                *weights = *weights - rate * END_OF_SUM(sum[q * height + i][v]);
            }
}

static void NAME(multiply_listed)(int height, ptrdiff_t vectors, int portion, ptrdiff_t count,
                                  const uint32_t *index, const T *a, const T *b, ptrdiff_t b_stride, const T *bias,
                                  int activation, T *y, ptrdiff_t y_stride, ptrdiff_t row_stride)
{
    for (int panels; vectors > 0; vectors -= panels * TILE_VECTORS) {
        /* half a panel more is as fast, and nothing reads what comes of it */
        panels = vectors + 1 >= LISTED_SUMS / height * TILE_VECTORS ? LISTED_SUMS / height : 1;
        switch (height) {
            LISTED(1, NAME(listed_tile), portion, count, index, a, b, b_stride, bias, activation, y, y_stride, row_stride)
            LISTED(2, NAME(listed_tile), portion, count, index, a, b, b_stride, bias, activation, y, y_stride, row_stride)
        }
        b += panels * b_stride;
        bias = bias ? bias + panels * PANEL_ : NULL;
        y += panels * y_stride;
    }
}

static void NAME(descend_listed)(int height, ptrdiff_t vectors, ptrdiff_t count, const uint32_t *index, const T *a,
                                 const T *b, ptrdiff_t b_stride, T rate, T *w, ptrdiff_t w_stride)
{
    if (count == 0) /* the gradient is 0 */
        return;
    for (int panels; vectors > 0; vectors -= panels * TILE_VECTORS) {
        panels = vectors >= LISTED_SUMS / height * TILE_VECTORS ? LISTED_SUMS / height : 1;
        switch (height) {
            LISTED(1, NAME(descend_tile), count, index, a, b, b_stride, rate, w, w_stride)
            LISTED(2, NAME(descend_tile), count, index, a, b, b_stride, rate, w, w_stride)
        }
        b += panels * b_stride;
        w += panels * w_stride;
    }
}
