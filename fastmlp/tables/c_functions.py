"""The C functions of prepared tables: twins of `encoding` and `encoders`, one value at a time, in float64."""

from fastmlp.export.c_functions import named

FUNCTIONS = named(r"""
/* a standardised number, softly clipped; 0 where it is missing */
static void $softly_clipped(double x, double center, double scale, float *y)
{
    const double distance = (x - center) * scale;
    const double z = distance < -1e150 ? -1e150 : distance > 1e150 ? 1e150 : distance, part = z / 3.0;
    *y = x != x ? 0.0f : (float)(z / sqrt(1.0 + part * part));
}

/* a number for each bin; all 0 where it is missing */
static void $piecewise_linear(double x, int bins, const double *edges, float *y)
{
    for (int j = 0; j < bins; j++) {
        const double low = j == 0 ? -3.0 : 0.0, high = j == bins - 1 ? 4.0 : 1.0;
        const double share = (x - edges[j]) / (edges[j + 1] - edges[j]);
        y[j] = x != x ? 0.0f : (float)((share < low ? low : share > high ? high : share) + 0.0);
    }
}

static int64_t $floor_of(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* days since 1970, month, day of the month, day of the week from Monday, 0, and hour; the years begin in March here */
static void $date_parts(int64_t moment, double *y)
{
    const int64_t a_day = 86400000000, days = $floor_of(moment, a_day), rest = moment - days * a_day;
    const int64_t of_era = days + 719468 - $floor_of(days + 719468, 146097) * 146097; /* days of 400 years */
    const int64_t year = (of_era - (of_era / 1460 + of_era / 146096 - of_era / 36524)) / 365;
    const int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    y[0] = (double)moment / 86400000000.0;
    y[1] = (double)((month + 2) % 12 + 1);
    y[2] = (double)(of_year + 1 - (153 * month + 2) / 5);
    y[3] = (double)(days + 3 - $floor_of(days + 3, 7) * 7);
    y[4] = (double)rest / 3600000000.0;
    for (int j = 0; j < 5; j++)
        y[j] = moment == INT64_MIN ? NAN : y[j];
}

static int $within(int place, int last) { return place < 0 || place > last ? 0 : place; }

/* 1 at the place; a single column has the place itself */
static void $indicate(int place, int columns, float *y)
{
    for (int j = 0; j < columns; j++)
        y[j] = 0;
    y[columns == 1 ? 0 : place] = columns == 1 ? (float)place : 1.0f;
}

/* by halves, among words in the order of strcmp */
static inline int $place_among_words(const char *word, int count, const char *const *words, const int *places)
{
    for (int low = 0, high = count; low < high;) {
        const int middle = low + (high - low) / 2, order = strcmp(word, words[middle]);
        if (order == 0)
            return places[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return 0;
}

static int $place_among_numbers(double x, int missing, int count, const double *keys, const int *places)
{
    for (int low = 0, high = count; low < high;) {
        const int middle = low + (high - low) / 2;
        if (x == keys[middle])
            return places[middle];
        if (x < keys[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return x != x ? missing : 0;
}

static void $multiply(int n, float share, float *y)
{
    for (int j = 0; j < n; j++)
        y[j] = y[j] * share;
}

static void $add_share(int n, float share, const float *x, float *y)
{
    for (int j = 0; j < n; j++)
        y[j] = y[j] + x[j] * share;
}

static int $largest_place(int n, const float *y)
{
    int place = 0;
    for (int j = 1; j < n; j++)
        place = y[j] > y[place] ? j : place;
    return place;
}
""")
