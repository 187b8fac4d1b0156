/* Which rows to list together: those that have most places in common. */

/* Put rows into pairs, order[0] with order[1] and so on; each is a set of `words` words of bits, counts[i] of them set.
 * The fullest row left is paired with that of the next few which it overlaps most. Returns the sizes of the unions. */
static ptrdiff_t pair_rows(int rows, ptrdiff_t words, const uint64_t *bits, const int32_t *counts, int32_t *order)
{
    enum { CANDIDATES = 10 };
    ptrdiff_t total = 0;
    for (int n = 0; n < rows; n++) { /* sort by count */
        int at = n;
        for (; at > 0 && counts[order[at - 1]] < counts[n]; at--)
            order[at] = order[at - 1];
        order[at] = n;
    }
    for (int n = 0; n < rows; n += 2) {
        const uint64_t *row = bits + order[n] * words;
        int best = n + 1, most = -1;
        for (int m = n + 1; m < rows && m <= n + CANDIDATES; m++) {
            const uint64_t *other = bits + order[m] * words;
            int overlap = 0;
            for (ptrdiff_t word = 0; word < words; word++)
                overlap += count_bits(row[word] & other[word]);
            if (overlap > most) {
                most = overlap;
                best = m;
            }
        }
        total += counts[order[n]];
        if (best == rows)
            break;
        total += counts[order[best]] - most;
        const int32_t partner = order[best];
        for (int m = best; m > n + 1; m--)
            order[m] = order[m - 1];
        order[n + 1] = partner;
    }
    return total;
}
