/* Lists of the numbers of a matrix that are not 0; included once per float type.
 *
 * Rows, and columns of the transpose, go in pairs: a list has every place where either of the two is not 0, with both
 * numbers. Two at a time share each load of the other operand, and take along few zeros. A list's memory has room for
 * one vector more than it holds. */

/* Bits for the first `columns` numbers of one vector. */
INLINE uint32_t NAME(nonzero_of)(ptrdiff_t columns, const T *x)
{
    const uint32_t bits = NAME(nonzero)(x);
    return columns >= LANES_ ? bits : columns > 0 ? bits & ((1u << columns) - 1) : 0;
}

/* Of one row or two, the places where either is not 0. */
INLINE uint32_t NAME(nonzero_pair)(int height, ptrdiff_t columns, const T *a)
{
    return NAME(nonzero_of)(columns, a) | (height > 1 ? NAME(nonzero_of)(columns, a + PANEL_) : 0);
}

static ptrdiff_t NAME(count_rows)(int height, ptrdiff_t depth, const T *a, ptrdiff_t a_stride)
{
    ptrdiff_t count = 0;
    for (; depth > 0; depth -= PANEL_, a += a_stride)
        for (int v = 0; v < TILE_VECTORS; v++)
            count += count_bits(NAME(nonzero_pair)(height, depth - v * LANES_, a + v * LANES_));
    return count;
}

/* index[n], values[height][capacity] of one row or two; returns how many. */
static ptrdiff_t NAME(list_rows)(int height, ptrdiff_t depth, const T *a, ptrdiff_t a_stride, ptrdiff_t capacity,
                                 uint32_t *__restrict__ index, T *__restrict__ values)
{
    ptrdiff_t count = 0;
    for (ptrdiff_t first = 0; first < depth; first += PANEL_, a += a_stride)
        for (int v = 0; v < TILE_VECTORS; v++) {
            const ptrdiff_t at = first + v * LANES_;
            const uint32_t bits = NAME(nonzero_pair)(height, depth - at, a + v * LANES_);
            NAME(keep_places)(bits, (uint32_t)at, index + count);
            NAME(keep)(bits, a + v * LANES_, values + count);
            if (height > 1)
                NAME(keep)(bits, a + PANEL_ + v * LANES_, values + capacity + count);
            count += count_bits(bits);
        }
    return count;
}

/* One bit, the even one, for each pair of a panel's columns. */
INLINE uint32_t NAME(nonzero_columns)(int columns, const T *a)
{
    uint32_t bits = 0;
    UNROLL for (int v = 0; v < TILE_VECTORS; v++)
        bits |= NAME(nonzero_of)(columns - v * LANES_, a + v * LANES_) << v * LANES_;
    return (bits | bits >> 1) & 0x55555555u;
}

static ptrdiff_t NAME(count_columns)(ptrdiff_t rows, int columns, const T *a)
{
    ptrdiff_t count = 0;
    for (ptrdiff_t i = 0; i < rows; i++, a += PANEL_)
        count += count_bits(NAME(nonzero_columns)(columns, a));
    return count;
}

/* For each pair of columns its own list of rows: counts[pair], index[pair][capacity], values[pair][2][capacity]. */
static void NAME(list_columns)(ptrdiff_t rows, int columns, const T *a, ptrdiff_t capacity,
                               int32_t *__restrict__ counts, uint32_t *__restrict__ index, T *__restrict__ values)
{
    enum { PAIRS = PANEL_ > 1 ? PANEL_ / 2 : 1, TOGETHER = 64 };
    for (int pair = 0; pair < PAIRS; pair++)
        counts[pair] = 0;
    for (ptrdiff_t first = 0; first < rows; first += TOGETHER) {
        uint64_t rows_of[PAIRS]; /* a bit for each row; found for all pairs at once, it spares a guess a row */
        for (int pair = 0; pair < PAIRS; pair++)
            rows_of[pair] = 0;
        for (int i = 0; i < TOGETHER && first + i < rows; i++) {
            const uint32_t bits = NAME(nonzero_columns)(columns, a + (first + i) * PANEL_);
            for (int pair = 0; pair < PAIRS; pair++)
                rows_of[pair] |= (uint64_t)(bits >> 2 * pair & 1) << i;
        }
        for (int pair = 0; 2 * pair < columns; pair++) {
            ptrdiff_t n = pair * capacity + counts[pair];
            T *out = values + pair * capacity;
            for (uint64_t bits = rows_of[pair]; bits; bits &= bits - 1, n++) {
                const ptrdiff_t i = first + lowest_bit(bits);
                index[n] = (uint32_t)i;
                out[n] = a[i * PANEL_ + 2 * pair];
                out[n + capacity] = a[i * PANEL_ + 2 * pair + 1];
            }
            counts[pair] = (int32_t)(n - pair * capacity);
        }
    }
}
