/* Loops over single elements: rescaling, softmax and its like; included once per float type.
 *
 * Sums are double, of pieces in float32, so that those of a million elements are as good as those of ten. In float64
 * there is one piece, as in reference/. */

#ifndef FASTMLP_ELEMENTWISE_H
#define FASTMLP_ELEMENTWISE_H
enum { PIECE = 1024 };
#define EACH_PIECE(n)                                                                                                  \
    for (ptrdiff_t start = 0, size = sizeof(T) == sizeof(float) ? PIECE : (n), end;                                    \
         start < (n) && (end = (n)-start < size ? (n) : start + size, 1); start = end)
#endif

static void NAME(rescale)(ptrdiff_t n, double scale, double offset, T *x)
{
    const T factor = (T)scale, added = (T)offset;
    for (ptrdiff_t i = 0; i < n; i++)
        x[i] = x[i] * factor + added;
}

static T NAME(sum)(ptrdiff_t n, const T *x)
{
    double sum = 0;
    EACH_PIECE(n) {
        T piece = 0;
        for (ptrdiff_t j = start; j < end; j++)
            piece += x[j];
        sum += piece;
    }
    return (T)sum;
}

static void NAME(softmax)(ptrdiff_t n, T *x)
{
    T largest = x[0];
    for (ptrdiff_t j = 1; j < n; j++)
        largest = x[j] > largest ? x[j] : largest;
    for (ptrdiff_t j = 0; j < n; j++)
        x[j] = EXP_(x[j] - largest);
    const T total = NAME(sum)(n, x);
    for (ptrdiff_t j = 0; j < n; j++)
        x[j] = KEPT(x[j] / total);
}

static void NAME(log_softmax)(ptrdiff_t n, T *x)
{
    T largest = x[0];
    double sum = 0;
    for (ptrdiff_t j = 1; j < n; j++)
        largest = x[j] > largest ? x[j] : largest;
    for (ptrdiff_t j = 0; j < n; j++)
        x[j] = x[j] - largest;
    EACH_PIECE(n) {
        T piece = 0;
        for (ptrdiff_t j = start; j < end; j++)
            piece += EXP_(x[j]);
        sum += piece;
    }
    const T logarithm = LOG_((T)sum);
    for (ptrdiff_t j = 0; j < n; j++)
        x[j] = x[j] - logarithm;
}

/* dy becomes the gradient with respect to the input, from the output y. */
static void NAME(log_softmax_gradient)(ptrdiff_t n, const T *__restrict__ y, T *__restrict__ dy)
{
    const T total = NAME(sum)(n, dy);
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
    EACH_PIECE(n) {
        T piece = 0;
        for (ptrdiff_t j = start; j < end; j++)
            piece += x[j];
        sum += piece;
    }
    T threshold = ((T)sum - 1) / (T)n;
    for (ptrdiff_t inside = n, before = 0; inside != before;) {
        before = inside;
        inside = 0;
        sum = 0;
        EACH_PIECE(n) {
            T piece = 0;
            for (ptrdiff_t j = start; j < end; j++)
                if (x[j] > threshold) {
                    piece += x[j];
                    inside++;
                }
            sum += piece;
        }
        if (inside != before)
            threshold = ((T)sum - 1) / (T)inside;
    }
    for (ptrdiff_t j = 0; j < n; j++)
        x[j] = x[j] > threshold ? x[j] - threshold : x[j] == x[j] ? 0 : x[j];
}

/* dy becomes the gradient with respect to the input, from the output y. */
static void NAME(sparsemax_gradient)(ptrdiff_t n, const T *__restrict__ y, T *__restrict__ dy)
{
    double sum = 0;
    ptrdiff_t inside = 0;
    EACH_PIECE(n) {
        T piece = 0;
        for (ptrdiff_t j = start; j < end; j++)
            if (y[j] > 0) {
                piece += dy[j];
                inside++;
            }
        sum += piece;
    }
    const T mean = (T)sum / (T)inside;
    for (ptrdiff_t j = 0; j < n; j++)
        dy[j] = y[j] > 0 ? dy[j] - mean : 0;
}
