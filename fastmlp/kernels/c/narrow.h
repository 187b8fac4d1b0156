/* The forward product of a kernel with few outputs, which is stored as panels of its transpose; for float32, included once.
 *
 * Columns of x and of the transpose lie side by side, so that a vector holds terms of one sum: there are sixteen sums
 * of every sixteenth term, whatever the vector's size, added by halves at the end: 8 to 8, 4 to 4, 2 to 2, 1 to 1. What
 * lies beside the last column is no number, maybe, and left out. */

enum {
    SUMS = 16,
    SUM_VECTORS = SUMS / LANES_,
    ROUND = SUM_VECTORS < TILE_VECTORS ? TILE_VECTORS : SUM_VECTORS, /* vectors, after which the sums come again */
    TOGETHER = 16,                                                   /* rows */
    MOST_OUTPUTS = 16
};

/* sum[i][.] of some rows of x with one row of the transpose, whose panels are x_stride and w_stride apart. */
INLINE void NAME(narrow_tile)(const int rows, ptrdiff_t columns, const T *x, ptrdiff_t x_stride, const T *w,
                              ptrdiff_t w_stride, T (*sums)[SUMS])
{
    VECTOR sum[ROWS_OF_SUMS][SUM_VECTORS];
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int s = 0; s < SUM_VECTORS; s++)
            sum[i][s] = (VECTOR){0};
    for (; columns >= ROUND * LANES_; columns -= ROUND * LANES_) {
        UNROLL for (int s = 0; s < ROUND; s++) {
            const VECTOR b = *(const VECTOR *)(w + s / TILE_VECTORS * w_stride + s % TILE_VECTORS * LANES_);
            const T *a = x + s / TILE_VECTORS * x_stride + s % TILE_VECTORS * LANES_;
            UNROLL for (int i = 0; i < rows; i++)
                sum[i][s % SUM_VECTORS] = FMA_VECTORS_F32(*(const VECTOR *)(a + i * PANEL_), b, sum[i][s % SUM_VECTORS]);
        }
        x += ROUND / TILE_VECTORS * x_stride;
        w += ROUND / TILE_VECTORS * w_stride;
    }
    UNROLL for (int s = 0; s < ROUND; s++) {
        const ptrdiff_t left = columns - s * LANES_;
        if (left <= 0)
            break;
        const VECTOR b = NAME(first_of)(*(const VECTOR *)(w + s / TILE_VECTORS * w_stride + s % TILE_VECTORS * LANES_), left);
        const T *a = x + s / TILE_VECTORS * x_stride + s % TILE_VECTORS * LANES_;
        UNROLL for (int i = 0; i < rows; i++)
            sum[i][s % SUM_VECTORS] =
                FMA_VECTORS_F32(NAME(first_of)(*(const VECTOR *)(a + i * PANEL_), left), b, sum[i][s % SUM_VECTORS]);
    }
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int s = 0; s < SUM_VECTORS; s++)
            *(VECTOR *)(sums[i] + s * LANES_) = sum[i][s];
}

#define NARROW(count)                                                                                                  \
    for (; rows - i >= count && count <= ROWS_OF_SUMS; i += count)                                                     \
    NAME(narrow_tile)(count <= ROWS_OF_SUMS ? count : 1, columns, x + i * PANEL_, x_stride, w, w_stride, sums + i)

static void NAME(narrow_sums)(int rows, ptrdiff_t columns, const T *x, ptrdiff_t x_stride, const T *w,
                              ptrdiff_t w_stride, T (*sums)[SUMS])
{
    int i = 0;
    NARROW(16);
    NARROW(8);
    NARROW(4);
    NARROW(2);
    NARROW(1);
}

INLINE T NAME(added_by_halves)(const T *sums)
{
    T eight[SUMS / 2], four[SUMS / 4];
    UNROLL for (int s = 0; s < SUMS / 2; s++)
        eight[s] = sums[s] + sums[s + SUMS / 2];
    UNROLL for (int s = 0; s < SUMS / 4; s++)
        four[s] = eight[s] + eight[s + SUMS / 4];
    return (four[0] + four[2]) + (four[1] + four[3]);
}

/* The same of sixteen rows at once. */
static void NAME(add_by_halves)(T (*sums)[SUMS], T *__restrict__ added)
{
    T by_sum[SUMS][TOGETHER];
    NAME(transpose)(TOGETHER, SUMS, sums[0], SUMS, by_sum[0], TOGETHER);
    UNROLL for (int half = SUMS / 2; half > 0; half /= 2)
        UNROLL for (int s = 0; s < half; s++)
            UNROLL for (int i = 0; i < TOGETHER; i++)
                by_sum[s][i] += by_sum[s + half][i];
    for (int i = 0; i < TOGETHER; i++)
        added[i] = by_sum[0][i];
}

static void NAME(narrow_row)(ptrdiff_t columns, int outputs, const T *x, ptrdiff_t x_stride, const T *w, T *row)
{
    T sums[1][SUMS];
    for (int j = 0; j < outputs; j++) {
        NAME(narrow_tile)(1, columns, x, x_stride, w + j * PANEL_, outputs * PANEL_, sums);
        row[j] = NAME(added_by_halves)(sums[0]);
    }
}

static void NAME(narrow_rows)(int rows, ptrdiff_t columns, int outputs, const T *x, ptrdiff_t x_stride, const T *w,
                              T (*by_row)[MOST_OUTPUTS])
{
    T sums[TOGETHER][SUMS] = {{0}}, by_output[MOST_OUTPUTS][TOGETHER] = {{0}};
    for (int j = 0; j < outputs; j++) {
        NAME(narrow_sums)(rows, columns, x, x_stride, w + j * PANEL_, outputs * PANEL_, sums);
        NAME(add_by_halves)(sums, by_output[j]);
    }
    NAME(transpose)(MOST_OUTPUTS, TOGETHER, by_output[0], TOGETHER, by_row[0], MOST_OUTPUTS);
}

static void NAME(multiply_narrow)(ptrdiff_t rows, ptrdiff_t columns, int outputs, const T *x, ptrdiff_t x_stride,
                                  const T *w, const T *bias, int activation, T *y, ptrdiff_t y_stride)
{
    T by_row[TOGETHER][MOST_OUTPUTS] = {{0}};
    for (; rows > 0; rows -= TOGETHER, x += TOGETHER * PANEL_, y += TOGETHER * PANEL_) {
        const int count = rows < TOGETHER ? (int)rows : TOGETHER;
        if (count < TOGETHER / 4)
            for (int i = 0; i < count; i++)
                NAME(narrow_row)(columns, outputs, x + i * PANEL_, x_stride, w, by_row[i]);
        else
            NAME(narrow_rows)(count, columns, outputs, x, x_stride, w, by_row);
        for (int v = 0; v * LANES_ < outputs; v++)
            for (int i = 0; i < count; i++) {
                VECTOR sum[TILE_ROWS][TILE_VECTORS];
                sum[0][0] = *(const VECTOR *)(by_row[i] + v * LANES_);
                NAME(finish)(1, 1, sum, bias ? bias + v * LANES_ : NULL, activation,
                             y + v / TILE_VECTORS * y_stride + v % TILE_VECTORS * LANES_ + i * PANEL_, PANEL_);
            }
    }
}
