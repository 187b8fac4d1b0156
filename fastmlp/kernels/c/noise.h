/* Dropout and noise, as in reference/dropout.py: element e of a batch uses word e % 4 of the block numbered e / 4.
 * Included once per float type. */

/* x[0][0] x[1][0] x[2][0] x[3][0] x[0][1] ... */
INLINE void NAME(interleave_words)(T x[4][PHILOX_LANES], T *out)
{
    for (int lane = 0; lane < PHILOX_LANES; lane += LANES_, out += 4 * LANES_) {
        VECTOR even[2], odd[2];
        VECTOR *const mixed = (VECTOR *)out;
        NAME(interleave)(*(VECTOR *)&x[0][lane], *(VECTOR *)&x[2][lane], &even[0], &even[1]);
        NAME(interleave)(*(VECTOR *)&x[1][lane], *(VECTOR *)&x[3][lane], &odd[0], &odd[1]);
        NAME(interleave)(even[0], odd[0], &mixed[0], &mixed[1]);
        NAME(interleave)(even[1], odd[1], &mixed[2], &mixed[3]);
    }
}

/* For each element of the first `lanes` blocks at least: what it is multiplied by where kept, else 0; or its noise. */
static void NAME(draw)(const Noise *noise, uint64_t block, int lanes, T *drawn)
{
    uint64_t words[4][PHILOX_LANES];
    T numbers[4][PHILOX_LANES];
    random_blocks(noise->seed, noise->step, noise->layer, block, words);
    if (noise->kind == DISTURB || noise->kind == SCATTER) {
        double normals[4][PHILOX_LANES];
        NAME(normals)(lanes, words, normals);
        for (int i = 0; i < 4; i++)
            for (int lane = 0; lane < PHILOX_LANES; lane++)
                numbers[i][lane] = (T)(noise->stddev * normals[i][lane]);
    } else {
        /* a threshold of 2^32 drops everything: no word reaches it */
        const uint32_t threshold = (uint32_t)noise->threshold;
        const T scale = noise->threshold >> 32 ? 0 : (T)noise->scale;
        for (int i = 0; i < 4; i++)
            for (int lane = 0; lane < PHILOX_LANES; lane++)
                numbers[i][lane] = (uint32_t)words[i][lane] >= threshold ? scale : 0;
    }
    NAME(interleave_words)(numbers, drawn);
}

INLINE void NAME(apply)(const Noise *noise, ptrdiff_t n, const T *__restrict__ drawn, T *__restrict__ x)
{
    const T scale = (T)noise->scale, shift = (T)noise->shift, dropped = scale * (T)noise->dropped + shift;
    switch (noise->kind) {
    case DROP:
        VECTORISE for (ptrdiff_t i = 0; i < n; i++)
            x[i] = drawn[i] > 0 ? x[i] * drawn[i] : 0;
        break;
    case SATURATE:
        VECTORISE for (ptrdiff_t i = 0; i < n; i++)
            x[i] = drawn[i] > 0 ? scale * x[i] + shift : dropped;
        break;
    case DISTURB:
        VECTORISE for (ptrdiff_t i = 0; i < n; i++)
            x[i] = x[i] + drawn[i];
        break;
    case SCATTER:
        VECTORISE for (ptrdiff_t i = 0; i < n; i++)
            x[i] = x[i] + x[i] * drawn[i];
        break;
    }
}

static void NAME(add_noise)(const Noise *noise, uint64_t first, ptrdiff_t rows, ptrdiff_t columns, T *x,
                            ptrdiff_t stride)
{
    const uint64_t last = first + (uint64_t)rows * (uint64_t)columns;
    ptrdiff_t row = 0, column = 0;
    for (uint64_t block = first / 4; 4 * block < last; block += PHILOX_LANES) {
        T drawn[4 * PHILOX_LANES];
        const uint64_t left = last - 4 * block;
        const int end = left < 4 * PHILOX_LANES ? (int)left : 4 * PHILOX_LANES;
        NAME(draw)(noise, block, (end + 3) / 4, drawn);
        /* the first block may begin before the first element; in panels, a row is in pieces */
        for (int at = 4 * block < first ? (int)(first - 4 * block) : 0, count; at < end; at += count) {
            T *piece = x + column / PANEL_ * stride + row * PANEL_ + column % PANEL_;
            count = PANEL_ - (int)(column % PANEL_);
            count = columns - column < count ? (int)(columns - column) : count;
            count = end - at < count ? end - at : count;
            if (count == PANEL_)
                NAME(apply)(noise, PANEL_, drawn + at, piece);
            else
                NAME(apply)(noise, count, drawn + at, piece);
            column += count;
            if (column == columns) {
                column = 0;
                row++;
            }
        }
    }
}
