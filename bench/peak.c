/* How fast multiply-adds can be: chains of them in registers, with nothing to load or to store. Compiled by peak.py for
 * vectors of BYTES bytes. */

#define CHAINS 12 /* more than latency times units of any core, and 12 vectors fit the registers of all */

typedef float vector __attribute__((vector_size(BYTES)));

int lanes(void) { return BYTES / sizeof(float) * CHAINS; }

/* lanes() multiply-adds in each of so many steps; the result only keeps the compiler from dropping them. */
float multiply_add(long steps, float factor, float term)
{
    vector sums[CHAINS], factors = factor - (vector){0}, terms = term - (vector){0};
    for (int i = 0; i < CHAINS; i++)
        sums[i] = terms * (float)i;
    for (long step = 0; step < steps; step++)
        for (int i = 0; i < CHAINS; i++)
            sums[i] = sums[i] * factors + terms;
    for (int i = 1; i < CHAINS; i++)
        sums[0] += sums[i];
    return sums[0][0];
}
