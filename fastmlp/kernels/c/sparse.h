/* Products of a row of a sparse matrix: its numbers that are not 0, and their places; included once per float type.
 *
 * As in tile.h each sum is one chain in the order of the list, so that it has the bits of the dense row's. A row alone,
 * unlike a pair of nonzero.h, is used as it lies in the sparse matrix. */

#ifndef FASTMLP_SPARSE_H
#define FASTMLP_SPARSE_H

enum { SPARSE_PANELS = 4, FETCH_AHEAD = 6 };

/* One function for each number of panels, as a switch. */
#define EACH_PANELS(tile, ...)                                                                                         \
    case 1:                                                                                                            \
        tile(1, __VA_ARGS__);                                                                                          \
        break;                                                                                                         \
    case 2:                                                                                                            \
        tile(2, __VA_ARGS__);                                                                                          \
        break;                                                                                                         \
    case 3:                                                                                                            \
        tile(3, __VA_ARGS__);                                                                                          \
        break;                                                                                                         \
    case 4:                                                                                                            \
        tile(4, __VA_ARGS__);                                                                                          \
        break;
#endif

/* Of panel q the sums are sum[q]. Rows of b lie anywhere in memory: a later one is fetched meanwhile. */
INLINE void NAME(add_sparse)(const int panels, ptrdiff_t count, const uint32_t *index, const T *a, const T *b,
                             ptrdiff_t b_stride, ptrdiff_t pitch, VECTOR sum[TILE_ROWS][TILE_VECTORS])
{
    for (ptrdiff_t n = 0; n < count; n++) {
        const T *later = b + (ptrdiff_t)index[n + FETCH_AHEAD < count ? n + FETCH_AHEAD : n] * pitch;
        UNROLL for (int q = 0; q < panels; q++) {
            prefetch(later + q * b_stride);
            prefetch(later + q * b_stride + PANEL_ - 1);
            NAME(add_products)(1, TILE_VECTORS, 1, a + n, b + q * b_stride + (ptrdiff_t)index[n] * pitch, sum + q);
        }
    }
}

INLINE void NAME(sparse_tile)(const int panels, ptrdiff_t count, const uint32_t *index, const T *a, const T *b,
                              ptrdiff_t b_stride, ptrdiff_t pitch, const T *bias, int activation, T *y,
                              ptrdiff_t y_stride)
{
    START_OF_SUM(panels, TILE_VECTORS);
    NAME(add_sparse)(panels, count, index, a, b, b_stride, pitch, sum);
    UNROLL for (int q = 0; q < panels; q++)
        NAME(finish)(1, TILE_VECTORS, sum + q, bias ? bias + q * PANEL_ : NULL, activation, y + q * y_stride, PANEL_);
}

INLINE void NAME(sparse_descent)(const int panels, ptrdiff_t count, const uint32_t *index, const T *a, const T *b,
                                 ptrdiff_t b_stride, T rate, T *w, ptrdiff_t w_stride, VECTOR *zeros)
{
    START_OF_SUM(panels, TILE_VECTORS);
    NAME(add_sparse)(panels, count, index, a, b, b_stride, PANEL_, sum);
    UNROLL for (int q = 0; q < panels; q++)
        UNROLL for (int v = 0; v < TILE_VECTORS; v++) {
            VECTOR *weights = (VECTOR *)(w + q * w_stride + v * LANES_);
            const VECTOR updated = *weights - rate * END_OF_SUM(sum[q][v]);
            *weights = updated;
            *zeros = MULTIPLY_ADD((T)0, updated, *zeros);
        }
}

static void NAME(multiply_sparse)(ptrdiff_t panels, ptrdiff_t count, const uint32_t *index, const T *a, const T *b,
                                  ptrdiff_t b_stride, ptrdiff_t pitch, const T *bias, int activation, T *y,
                                  ptrdiff_t y_stride)
{
    for (; panels > 0; panels -= SPARSE_PANELS) {
        switch (panels < SPARSE_PANELS ? panels : SPARSE_PANELS) {
            EACH_PANELS(NAME(sparse_tile), count, index, a, b, b_stride, pitch, bias, activation, y, y_stride)
        }
        b += SPARSE_PANELS * b_stride;
        bias = bias ? bias + SPARSE_PANELS * PANEL_ : NULL;
        y += SPARSE_PANELS * y_stride;
    }
}

static int NAME(descend_sparse)(ptrdiff_t panels, ptrdiff_t count, const uint32_t *index, const T *a, const T *b,
                                ptrdiff_t b_stride, T rate, T *w, ptrdiff_t w_stride)
{
    VECTOR zeros = {0};
    for (; panels > 0; panels -= SPARSE_PANELS) {
        switch (panels < SPARSE_PANELS ? panels : SPARSE_PANELS) {
            EACH_PANELS(NAME(sparse_descent), count, index, a, b, b_stride, rate, w, w_stride, &zeros)
        }
        b += SPARSE_PANELS * b_stride;
        w += SPARSE_PANELS * w_stride;
    }
    return !NAME(nonzero)((const T *)&zeros);
}

/* The same for a few columns, fewer than a panel has. Columns beside them are read along where they are among the
 * `room` numbers of b, and not written; only the last places of the list, which increase, may be too near to the end. */
static void NAME(multiply_sparse_columns)(int columns, ptrdiff_t count, const uint32_t *index, const T *a, const T *b,
                                          ptrdiff_t pitch, ptrdiff_t room, T *y)
{
    ptrdiff_t n = count;
    while (n > 0 && (ptrdiff_t)index[n - 1] * pitch + PANEL_ > room)
        n--;
    START_OF_SUM(1, TILE_VECTORS);
    NAME(add_sparse)(1, n, index, a, b, 0, pitch, sum);
    T sums[PANEL_];
    UNROLL for (int v = 0; v < TILE_VECTORS; v++)
        *(VECTOR *)(sums + v * LANES_) = sum[0][v];
    for (; n < count; n++)
        for (int j = 0; j < columns; j++)
            sums[j] = SCALAR_MULTIPLY_ADD(a[n], b[(ptrdiff_t)index[n] * pitch + j], sums[j]);
    for (int j = 0; j < columns; j++)
        y[j] = END_OF_SUM(sums[j]);
}
