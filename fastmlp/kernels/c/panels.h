/* Matrices to panels, panels transposed, and their columns summed; included once per float type. */

/* Rows lie anywhere in memory: the fetch of a later one goes on while this one is converted. */
#define LOAD_FROM(S)                                                                                                   \
    for (ptrdiff_t first = 0; first < n; first += PANEL_, panels += stride) {                                          \
        const S *from = (const S *)x + first;                                                                          \
        for (size_t byte = 0; byte < PANEL_ * sizeof(S); byte += 64)                                                   \
            prefetch((const char *)later + first * sizeof(S) + byte);                                                  \
        if (n - first < PANEL_)                                                                                        \
            for (int j = 0; j < n - first; j++)                                                                        \
                panels[j] = (T)from[j];                                                                                \
        else if (sizeof(S) == sizeof(T)) /* the same type: no call of memcpy for so little */                          \
            for (int v = 0; v < TILE_VECTORS; v++)                                                                     \
                ((VECTOR *)panels)[v] = ((const VECTOR *)from)[v];                                                     \
        else                                                                                                           \
            for (int j = 0; j < PANEL_; j++)                                                                           \
                panels[j] = (T)from[j];                                                                                \
    }

static void NAME(load)(int source, ptrdiff_t n, const void *x, const void *later, T *__restrict__ panels,
                       ptrdiff_t stride)
{
    switch (source) {
    case UINT8:
        LOAD_FROM(uint8_t)
        break;
    case FLOAT32:
        LOAD_FROM(float)
        break;
    case FLOAT64:
        LOAD_FROM(double)
        break;
    }
}

/* A square of vectors: each round of interleaving rotates the bits of a number's row and column by one. */
INLINE void NAME(transpose_square)(const T *x, ptrdiff_t x_stride, T *out, ptrdiff_t out_stride)
{
    VECTOR rows[2][LANES_];
    UNROLL for (int i = 0; i < LANES_; i++)
        rows[0][i] = *(const VECTOR *)(x + i * x_stride);
    UNROLL for (int round = 0; 1 << round < LANES_; round++)
        UNROLL for (int i = 0; i < LANES_ / 2; i++)
            NAME(interleave)(rows[round % 2][i], rows[round % 2][i + LANES_ / 2], &rows[(round + 1) % 2][2 * i],
                             &rows[(round + 1) % 2][2 * i + 1]);
    enum { LAST = LANES_ == 1 || LANES_ == 4 || LANES_ == 16 ? 0 : 1 }; /* an even number of rounds, or an odd one */
    UNROLL for (int i = 0; i < LANES_; i++)
        *(VECTOR *)(out + i * out_stride) = rows[LAST][i];
}

static void NAME(transpose)(ptrdiff_t rows, ptrdiff_t columns, const T *x, ptrdiff_t x_stride, T *out,
                            ptrdiff_t out_stride)
{
    const ptrdiff_t whole_rows = rows / LANES_ * LANES_, whole_columns = columns / LANES_ * LANES_;
    for (ptrdiff_t c = 0; c < whole_columns; c += LANES_)
        for (ptrdiff_t r = 0; r < whole_rows; r += LANES_)
            NAME(transpose_square)(x + r * x_stride + c, x_stride, out + c * out_stride + r, out_stride);
    for (ptrdiff_t c = 0; c < columns; c++)
        for (ptrdiff_t r = c < whole_columns ? whole_rows : 0; r < rows; r++)
            out[c * out_stride + r] = x[r * x_stride + c];
}

static void NAME(sum_rows)(int portion, ptrdiff_t rows, const T *__restrict__ a, T *__restrict__ sums)
{
    T total[PANEL_];
    for (int j = 0; j < PANEL_; j++)
        total[j] = portion & GOES_ON ? sums[j] : 0;
    for (ptrdiff_t i = 0; i < rows; i++)
        for (int j = 0; j < PANEL_; j++)
            total[j] = total[j] + a[i * PANEL_ + j];
    for (int j = 0; j < PANEL_; j++)
        sums[j] = total[j];
}

static void NAME(sum_squares)(ptrdiff_t rows, const T *__restrict__ a, T *__restrict__ sums)
{
    T total[PANEL_];
    for (int j = 0; j < PANEL_; j++)
        total[j] = 0;
    for (ptrdiff_t i = 0; i < rows; i++)
        for (int j = 0; j < PANEL_; j++)
            total[j] = total[j] + a[i * PANEL_ + j] * a[i * PANEL_ + j];
    for (int j = 0; j < PANEL_; j++)
        sums[j] = total[j];
}

static void NAME(sum_magnitudes)(ptrdiff_t rows, const T *__restrict__ a, T *__restrict__ sums)
{
    T total[PANEL_];
    for (int j = 0; j < PANEL_; j++)
        total[j] = 0;
    for (ptrdiff_t i = 0; i < rows; i++)
        for (int j = 0; j < PANEL_; j++)
            total[j] = total[j] + ABS_(a[i * PANEL_ + j]);
    for (int j = 0; j < PANEL_; j++)
        sums[j] = total[j];
}
