/* Lists of the numbers of a matrix that are not 0; included once per float type.
 *
 * Rows, and columns of the transpose, go in pairs: a list has every place where either of the two is not 0, with both
 * numbers. Two at a time share each load of the other operand, and take along few zeros. */

/* A bit for each of the first `columns` numbers that is not 0; NaN is not. */
INLINE uint32_t NAME(nonzero)(ptrdiff_t columns, const T *x)
{
    const uint32_t bits = NAME(nonzero_bits)(x);
    return columns < PANEL_ ? bits & ((1u << columns) - 1) : bits;
}

/* Of one row or two, the columns where either is not 0. */
INLINE uint32_t NAME(nonzero_pair)(int height, ptrdiff_t columns, const T *a)
{
    return NAME(nonzero)(columns, a) | (height > 1 ? NAME(nonzero)(columns, a + PANEL_) : 0);
}

static ptrdiff_t NAME(count_rows)(int height, ptrdiff_t depth, const T *a, ptrdiff_t a_stride)
{
    ptrdiff_t count = 0;
    for (; depth > 0; depth -= PANEL_, a += a_stride)
        count += count_bits(NAME(nonzero_pair)(height, depth, a));
    return count;
}

/* index[n], values[n][height] of one row or two; returns how many. */
static ptrdiff_t NAME(list_rows)(int height, ptrdiff_t depth, const T *a, ptrdiff_t a_stride,
                                 uint32_t *__restrict__ index, T *__restrict__ values)
{
    ptrdiff_t count = 0;
    for (ptrdiff_t first = 0; first < depth; first += PANEL_, a += a_stride)
        for (uint32_t bits = NAME(nonzero_pair)(height, depth - first, a); bits; bits &= bits - 1, count++) {
            const int p = lowest_bit(bits);
            index[count] = (uint32_t)(first + p);
            values[count * height] = a[p];
            if (height > 1)
                values[count * height + 1] = a[PANEL_ + p];
        }
    return count;
}

/* One bit, the even one, for each pair of columns. */
INLINE uint32_t NAME(nonzero_columns)(int columns, const T *a)
{
    const uint32_t bits = NAME(nonzero)(columns, a);
    return (bits | bits >> 1) & 0x55555555u;
}

static ptrdiff_t NAME(count_columns)(ptrdiff_t rows, int columns, const T *a)
{
    ptrdiff_t count = 0;
    for (ptrdiff_t i = 0; i < rows; i++, a += PANEL_)
        count += count_bits(NAME(nonzero_columns)(columns, a));
    return count;
}

/* For each pair of columns its own list of rows, `capacity` apart: index[n], values[n][2]. */
static void NAME(list_columns)(ptrdiff_t rows, int columns, const T *a, ptrdiff_t capacity,
                               int32_t *__restrict__ counts, uint32_t *__restrict__ index, T *__restrict__ values)
{
    for (int pair = 0; 2 * pair < columns; pair++)
        counts[pair] = 0;
    for (ptrdiff_t i = 0; i < rows; i++, a += PANEL_)
        for (uint32_t bits = NAME(nonzero_columns)(columns, a); bits; bits &= bits - 1) {
            const int p = lowest_bit(bits);
            const ptrdiff_t n = capacity * (p / 2) + counts[p / 2]++;
            index[n] = (uint32_t)i;
            values[2 * n] = a[p];
            values[2 * n + 1] = a[p + 1];
        }
}
