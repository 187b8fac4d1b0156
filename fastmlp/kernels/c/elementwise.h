/* Loops over single elements: rescaling, softmax and its like, dropout; included once per float type. */

static void NAME(rescale)(ptrdiff_t n, double scale, double offset, T *x)
{
    const T factor = (T)scale, added = (T)offset;
    for (ptrdiff_t i = 0; i < n; i++)
        x[i] = x[i] * factor + added;
}

static void NAME(softmax)(ptrdiff_t n, T *x)
{
    T largest = x[0];
    for (ptrdiff_t j = 1; j < n; j++)
        largest = x[j] > largest ? x[j] : largest;
    for (ptrdiff_t j = 0; j < n; j++)
        x[j] = EXP_(x[j] - largest);
    T sum = 0;
    for (ptrdiff_t j = 0; j < n; j++)
        sum += x[j];
    for (ptrdiff_t j = 0; j < n; j++)
        x[j] /= sum;
}

static void NAME(log_softmax)(ptrdiff_t n, T *x)
{
    T largest = x[0], sum = 0;
    for (ptrdiff_t j = 1; j < n; j++)
        largest = x[j] > largest ? x[j] : largest;
    for (ptrdiff_t j = 0; j < n; j++)
        x[j] = x[j] - largest;
    for (ptrdiff_t j = 0; j < n; j++)
        sum += EXP_(x[j]);
    const T logarithm = LOG_(sum);
    for (ptrdiff_t j = 0; j < n; j++)
        x[j] = x[j] - logarithm;
}

/* dy becomes the gradient with respect to the input, from the output y. */
static void NAME(log_softmax_gradient)(ptrdiff_t n, const T *__restrict__ y, T *__restrict__ dy)
{
    T sum = 0;
    for (ptrdiff_t j = 0; j < n; j++)
        sum += dy[j];
    for (ptrdiff_t j = 0; j < n; j++)
        dy[j] = dy[j] - EXP_(y[j]) * sum;
}

/* Michelot's algorithm: the elements that stay are above the threshold that makes their sum 1. */
static void NAME(sparsemax)(ptrdiff_t n, T *x)
{
    T largest = x[0], sum = 0;
    for (ptrdiff_t j = 1; j < n; j++)
        largest = x[j] > largest ? x[j] : largest;
    for (ptrdiff_t j = 0; j < n; j++)
        x[j] = x[j] - largest;
    for (ptrdiff_t j = 0; j < n; j++)
        sum += x[j];
    T threshold = (sum - 1) / (T)n;
    for (ptrdiff_t inside = n, before = 0; inside != before;) {
        before = inside;
        inside = 0;
        sum = 0;
        for (ptrdiff_t j = 0; j < n; j++)
            if (x[j] > threshold) {
                sum += x[j];
                inside++;
            }
        if (inside != before)
            threshold = (sum - 1) / (T)inside;
    }
    for (ptrdiff_t j = 0; j < n; j++)
        x[j] = x[j] > threshold ? x[j] - threshold : x[j] == x[j] ? 0 : x[j];
}

/* dy becomes the gradient with respect to the input, from the output y. */
static void NAME(sparsemax_gradient)(ptrdiff_t n, const T *__restrict__ y, T *__restrict__ dy)
{
    T sum = 0;
    ptrdiff_t inside = 0;
    for (ptrdiff_t j = 0; j < n; j++)
        if (y[j] > 0) {
            sum += dy[j];
            inside++;
        }
    const T mean = sum / (T)inside;
    for (ptrdiff_t j = 0; j < n; j++)
        dy[j] = y[j] > 0 ? dy[j] - mean : 0;
}

/* Element e of the batch uses word e % 4 of the block numbered e / 4. */
static void NAME(dropout)(const Dropout *dropout, uint64_t first, ptrdiff_t n, T *x)
{
    const uint32_t key_0 = (uint32_t)dropout->seed, key_1 = (uint32_t)(dropout->seed >> 32);
    /* a threshold of 2^32 drops everything: no word reaches it */
    const uint32_t threshold = (uint32_t)dropout->threshold;
    const T scale = dropout->threshold >> 32 ? 0 : (T)dropout->scale;
    for (uint64_t block = first / 4; 4 * block < first + n; block += PHILOX_LANES) {
        uint32_t words[4][PHILOX_LANES];
        for (int lane = 0; lane < PHILOX_LANES; lane++) {
            words[0][lane] = (uint32_t)block + lane;
            words[1][lane] = dropout->layer;
            words[2][lane] = (uint32_t)dropout->step;
            words[3][lane] = (uint32_t)(dropout->step >> 32);
        }
        philox4x32_lanes(words, key_0, key_1);
        T factors[4 * PHILOX_LANES];
        for (int lane = 0; lane < PHILOX_LANES; lane++)
            for (int i = 0; i < 4; i++)
                factors[4 * lane + i] = words[i][lane] >= threshold ? scale : 0;
        /* the first and the last blocks may reach over the ends of x */
        const ptrdiff_t start = (ptrdiff_t)(4 * block - first);
        const ptrdiff_t from = start < 0 ? -start : 0;
        const ptrdiff_t to = n - start < 4 * PHILOX_LANES ? n - start : 4 * PHILOX_LANES;
        for (ptrdiff_t i = from; i < to; i++)
            x[start + i] = factors[i] > 0 ? x[start + i] * factors[i] : 0;
    }
}
