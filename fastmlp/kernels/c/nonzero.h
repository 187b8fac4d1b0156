/* Lists of the numbers of a matrix that are not 0; included once per float type.
 *
 * Rows, and columns of the transpose, go in pairs: a list has every place where either of the two is not 0, with both
 * numbers. Two at a time share each load of the other operand, and take along few zeros. A list's memory has room for
 * one vector more than it holds: values[capacity][2], index[capacity]. */

/* Bits for the first `columns` numbers of one vector. */
INLINE uint32_t NAME(nonzero_of)(ptrdiff_t columns, const T *x)
{
    const uint32_t bits = NAME(nonzero)(x);
    return columns >= LANES_ ? bits : columns > 0 ? bits & ((1u << columns) - 1) : 0;
}

/* The bits of up to 64 columns from `first` on, which is a multiple of 64. */
INLINE uint64_t NAME(nonzero_word)(ptrdiff_t first, ptrdiff_t columns, const T *a, ptrdiff_t a_stride)
{
    uint64_t word = 0;
    for (int v = 0; v < 64 / LANES_ && first + v * LANES_ < columns; v++) {
        const ptrdiff_t at = first + v * LANES_;
        word |= (uint64_t)NAME(nonzero_of)(columns - at, a + at / PANEL_ * a_stride + at % PANEL_) << v * LANES_;
    }
    return word;
}

/* A bit for each column, set where the row is not 0, in words of 64; returns how many. */
static ptrdiff_t NAME(mark_nonzeros)(ptrdiff_t columns, const T *a, ptrdiff_t a_stride, uint64_t *__restrict__ bits)
{
    ptrdiff_t count = 0;
    for (ptrdiff_t first = 0; first < columns; first += 64) {
        bits[first / 64] = NAME(nonzero_word)(first, columns, a, a_stride);
        count += count_bits(bits[first / 64]);
    }
    return count;
}

/* Of the rows x and y, which may be the same, the numbers at the places that are marked for either; starts[word] is
 * where those of a word of 64 columns start. */
static ptrdiff_t NAME(list_rows)(ptrdiff_t columns, const T *x, const T *y, ptrdiff_t stride,
                                 const uint64_t *x_bits, const uint64_t *y_bits, int32_t *__restrict__ starts,
                                 uint32_t *__restrict__ index, T *__restrict__ values)
{
    ptrdiff_t count = 0;
    for (ptrdiff_t first = 0; first < columns; first += 64) {
        starts[first / 64] = (int32_t)count;
        for (uint64_t both = x_bits[first / 64] | y_bits[first / 64], v = 0; both; both >>= LANES_, v++) {
            const ptrdiff_t column = first + v * LANES_, at = column / PANEL_ * stride + column % PANEL_;
            const uint32_t bits = (uint32_t)(both & ((1u << LANES_) - 1));
            keep_places(bits, (uint32_t)column, index + count);
            NAME(keep_pairs)(bits, x + at, y + at, values + 2 * count);
            count += count_bits(bits);
        }
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

/* How many numbers the lists of all pairs would have, of every row that is a multiple of step. */
static ptrdiff_t NAME(count_columns)(ptrdiff_t rows, ptrdiff_t step, int columns, const T *a)
{
    ptrdiff_t count = 0;
    for (ptrdiff_t i = 0; i < rows; i += step)
        count += count_bits(NAME(nonzero_columns)(columns, a + i * PANEL_));
    return count;
}

/* For each pair of columns its own list of rows: counts[pair], index[pair][capacity], values[pair][capacity][2]. */
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
            const uint64_t bits = NAME(nonzero_columns)(columns, a + (first + i) * PANEL_);
            VECTORISE for (int pair = 0; pair < PAIRS; pair++)
                rows_of[pair] |= (bits >> 2 * pair & 1) << i;
        }
        for (int pair = 0; 2 * pair < columns; pair++) {
            ptrdiff_t n = pair * capacity + counts[pair];
            for (uint64_t bits = rows_of[pair]; bits; bits &= bits - 1, n++) {
                const ptrdiff_t i = first + lowest_bit(bits);
                index[n] = (uint32_t)i;
                memcpy(values + 2 * n, a + i * PANEL_ + 2 * pair, 2 * sizeof(T));
            }
            counts[pair] = (int32_t)(n - pair * capacity);
        }
    }
}
