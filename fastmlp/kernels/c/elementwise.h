/* Loops over single elements: rescaling, softmax and its like; included once per float type.
 *
 * Sums are double, so that those of a million elements are as good as those of ten. */

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
    double sum = 0;
    for (ptrdiff_t j = 0; j < n; j++)
        sum += x[j];
    const T total = (T)sum;
    for (ptrdiff_t j = 0; j < n; j++)
        x[j] /= total;
}

static void NAME(log_softmax)(ptrdiff_t n, T *x)
{
    T largest = x[0];
    double sum = 0;
    for (ptrdiff_t j = 1; j < n; j++)
        largest = x[j] > largest ? x[j] : largest;
    for (ptrdiff_t j = 0; j < n; j++)
        x[j] = x[j] - largest;
    for (ptrdiff_t j = 0; j < n; j++)
        sum += EXP_(x[j]);
    const T logarithm = LOG_((T)sum);
    for (ptrdiff_t j = 0; j < n; j++)
        x[j] = x[j] - logarithm;
}

/* dy becomes the gradient with respect to the input, from the output y. */
static void NAME(log_softmax_gradient)(ptrdiff_t n, const T *__restrict__ y, T *__restrict__ dy)
{
    double sum = 0;
    for (ptrdiff_t j = 0; j < n; j++)
        sum += dy[j];
    const T total = (T)sum;
    for (ptrdiff_t j = 0; j < n; j++)
        dy[j] = dy[j] - EXP_(y[j]) * total;
}

/* Michelot's algorithm: the elements that stay are above the threshold that makes their sum 1. */
static void NAME(sparsemax)(ptrdiff_t n, T *x)
{
    T largest = x[0];
    double sum = 0;
    for (ptrdiff_t j = 1; j < n; j++)
        largest = x[j] > largest ? x[j] : largest;
    for (ptrdiff_t j = 0; j < n; j++)
        x[j] = x[j] - largest;
    for (ptrdiff_t j = 0; j < n; j++)
        sum += x[j];
    T threshold = (T)((sum - 1) / (double)n);
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
            threshold = (T)((sum - 1) / (double)inside);
    }
    for (ptrdiff_t j = 0; j < n; j++)
        x[j] = x[j] > threshold ? x[j] - threshold : x[j] == x[j] ? 0 : x[j];
}

/* dy becomes the gradient with respect to the input, from the output y. */
static void NAME(sparsemax_gradient)(ptrdiff_t n, const T *__restrict__ y, T *__restrict__ dy)
{
    double sum = 0;
    ptrdiff_t inside = 0;
    for (ptrdiff_t j = 0; j < n; j++)
        if (y[j] > 0) {
            sum += dy[j];
            inside++;
        }
    const T mean = (T)(sum / (double)inside);
    for (ptrdiff_t j = 0; j < n; j++)
        dy[j] = y[j] > 0 ? dy[j] - mean : 0;
}
