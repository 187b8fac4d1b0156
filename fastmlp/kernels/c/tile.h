/* The register tile and the packing of its operands; included once per float type. */

/* c[i][j] = sum over p of a[p][i] * b[p][j]: one chain of additions an element, in the order of p, from 0. */
static void NAME(tile)(ptrdiff_t depth, const T *__restrict__ a, const T *__restrict__ b, T *__restrict__ c)
{
    enum { LANES = sizeof(VECTOR) / sizeof(T), COLUMNS = TILE_VECTORS * LANES };
    VECTOR sum[TILE_ROWS][TILE_VECTORS];
    UNROLL for (int i = 0; i < TILE_ROWS; i++)
        UNROLL for (int v = 0; v < TILE_VECTORS; v++)
            sum[i][v] = (VECTOR){0};
    for (ptrdiff_t p = 0; p < depth; p++, a += TILE_ROWS, b += COLUMNS) {
        VECTOR row[TILE_VECTORS];
        UNROLL for (int v = 0; v < TILE_VECTORS; v++)
            row[v] = *(const VECTOR *)(b + v * LANES);
        UNROLL for (int i = 0; i < TILE_ROWS; i++)
            UNROLL for (int v = 0; v < TILE_VECTORS; v++)
                sum[i][v] = MULTIPLY_ADD(a[i], row[v], sum[i][v]);
    }
    UNROLL for (int i = 0; i < TILE_ROWS; i++)
        UNROLL for (int v = 0; v < TILE_VECTORS; v++)
            *(VECTOR *)(c + i * COLUMNS + v * LANES) = sum[i][v];
}

static void NAME(pack)(ptrdiff_t depth, ptrdiff_t width, ptrdiff_t used, const T *x, ptrdiff_t depth_stride,
                       ptrdiff_t width_stride, T *__restrict__ out)
{
    if (width_stride == 1) {
        for (ptrdiff_t p = 0; p < depth; p++, x += depth_stride, out += width) {
            for (ptrdiff_t i = 0; i < used; i++)
                out[i] = x[i];
            for (ptrdiff_t i = used; i < width; i++)
                out[i] = 0;
        }
        return;
    }
    for (ptrdiff_t p = 0; p < depth; p++, out += width) {
        for (ptrdiff_t i = 0; i < used; i++)
            out[i] = x[p * depth_stride + i * width_stride];
        for (ptrdiff_t i = used; i < width; i++)
            out[i] = 0;
    }
}
