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

/* float32: a product too small for the type may leave -0, which further zeros of a would turn into 0; as these may be
 * skipped, every sum ends as 0 there. */
INLINE void NAME(store_sums)(const int height, const int vectors, VECTOR sum[TILE_ROWS][TILE_VECTORS], T *c)
{
    UNROLL for (int i = 0; i < height; i++)
        UNROLL for (int v = 0; v < vectors; v++)
            *(VECTOR *)(c + i * PANEL_ + v * LANES_) = END_OF_SUM(sum[i][v]);
}

/* sum[i] += a[i * step] * b for the rows of a tile. */
INLINE void NAME(add_products)(const int height, const int vectors, const int step, const T *a, const T *b,
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
                            const T *b, T *c)
{
    START_OF_SUM(height, vectors);
    for (; depth > 0; depth -= PANEL_, a += a_stride) {
        const ptrdiff_t columns = depth < PANEL_ ? depth : PANEL_;
        for (ptrdiff_t p = 0; p < columns; p++, b += PANEL_)
            NAME(add_products)(height, vectors, PANEL_, a + p, b, sum);
    }
    NAME(store_sums)(height, vectors, sum, c);
}

INLINE void NAME(columns_tile)(const int height, const int vectors, ptrdiff_t depth, const T *a, const T *b, T *c)
{
    START_OF_SUM(height, vectors);
    for (ptrdiff_t p = 0; p < depth; p++, a += PANEL_, b += PANEL_)
        NAME(add_products)(height, vectors, 1, a, b, sum);
    NAME(store_sums)(height, vectors, sum, c);
}

INLINE void NAME(listed_tile)(const int height, const int vectors, ptrdiff_t count, const uint32_t *index, const T *a,
                              const T *b, T *c)
{
    START_OF_SUM(height, vectors);
    for (ptrdiff_t n = 0; n < count; n++, a += height)
        NAME(add_products)(height, vectors, 1, a, b + (ptrdiff_t)index[n] * PANEL_, sum);
    NAME(store_sums)(height, vectors, sum, c);
}

static void NAME(multiply_rows)(int height, int vectors, ptrdiff_t depth, const T *a, ptrdiff_t a_stride, const T *b,
                                T *c)
{
    switch (2 * height + vectors) {
        EACH_HEIGHT(NAME(rows_tile), depth, a, a_stride, b, c)
    }
}

static void NAME(multiply_columns)(int height, int vectors, ptrdiff_t depth, const T *a, const T *b, T *c)
{
    switch (2 * height + vectors) {
        EACH_HEIGHT(NAME(columns_tile), depth, a, b, c)
    }
}

static void NAME(multiply_listed)(int height, int vectors, ptrdiff_t count, const uint32_t *index, const T *a,
                                  const T *b, T *c)
{
    switch (2 * height + vectors) {
        HEIGHT(1, NAME(listed_tile), count, index, a, b, c)
        HEIGHT(2, NAME(listed_tile), count, index, a, b, c)
    }
}

/* One row alone would wait for each of its sums: a few panels at a time keep the arithmetic busy. */
static void NAME(multiply_listed_row)(ptrdiff_t panels, ptrdiff_t count, const uint32_t *index, const T *a, const T *b,
                                      ptrdiff_t b_stride, T *c)
{
    enum { TOGETHER = 4 };
    for (; panels >= TOGETHER; panels -= TOGETHER, b += TOGETHER * b_stride, c += TOGETHER * PANEL_) {
        VECTOR sum[TOGETHER][TILE_VECTORS];
        UNROLL for (int q = 0; q < TOGETHER; q++)
            UNROLL for (int v = 0; v < TILE_VECTORS; v++)
                sum[q][v] = (VECTOR){0};
        for (ptrdiff_t n = 0; n < count; n++)
            UNROLL for (int q = 0; q < TOGETHER; q++)
                UNROLL for (int v = 0; v < TILE_VECTORS; v++)
                    sum[q][v] = MULTIPLY_ADD(
                        a[n], *(const VECTOR *)(b + q * b_stride + (ptrdiff_t)index[n] * PANEL_ + v * LANES_),
                        sum[q][v]);
        UNROLL for (int q = 0; q < TOGETHER; q++)
            UNROLL for (int v = 0; v < TILE_VECTORS; v++)
                *(VECTOR *)(c + q * PANEL_ + v * LANES_) = END_OF_SUM(sum[q][v]);
    }
    for (; panels > 0; panels--, b += b_stride, c += PANEL_)
        NAME(listed_tile)(1, TILE_VECTORS, count, index, a, b, c);
}
