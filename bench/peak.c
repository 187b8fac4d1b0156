/* How fast a machine can be: multiply-adds in registers, roots and divisions, reading, and what it costs to read what
 * another thread wrote. Compiled by peak.py for vectors of BYTES bytes. */

#include <sched.h>
#include <stdatomic.h>

#define CHAINS 12 /* more than latency times units of any core, and 12 vectors fit the registers of all */
#define SPINS 100000
#define LANES (BYTES / (long)sizeof(float))

typedef float vector __attribute__((vector_size(BYTES)));
typedef float anywhere __attribute__((vector_size(BYTES), aligned(4), may_alias));

int lanes(void) { return LANES * CHAINS; }

static float sum_of(const vector *sums)
{
    vector total = {0};
    for (int i = 0; i < CHAINS; i++)
        total += sums[i];
    return total[0];
}

/* lanes() multiply-adds in each of so many steps; the result only keeps the compiler from dropping them. */
float multiply_add(long steps, float factor, float term)
{
    vector sums[CHAINS], factors = factor - (vector){0}, terms = term - (vector){0};
    for (int i = 0; i < CHAINS; i++)
        sums[i] = terms * (float)i;
    for (long step = 0; step < steps; step++)
        for (int i = 0; i < CHAINS; i++)
            sums[i] = sums[i] * factors + terms;
    return sum_of(sums);
}

/* lanes() square roots, and as many divisions, in each of so many steps. */
float root_divide(long steps, float factor, float term)
{
    float values[CHAINS * LANES];
    for (int i = 0; i < CHAINS * LANES; i++)
        values[i] = term + i;
    for (long step = 0; step < steps; step++)
        for (int i = 0; i < CHAINS * LANES; i++)
            values[i] = factor / (__builtin_sqrtf(values[i]) + term);
    return values[0] + values[CHAINS * LANES - 1];
}

/* Read an array of a multiple of lanes() numbers from beginning to end, so many times. */
float read_all(const float *numbers, long count, long times)
{
    vector sums[CHAINS] = {{0}};
    for (long time = 0; time < times; time++)
        for (long at = 0; at < count; at += CHAINS * LANES)
            for (int i = 0; i < CHAINS; i++)
                sums[i] += *(const anywhere *)(numbers + at + i * LANES);
    return sum_of(sums);
}

static void write_all(float *numbers, long count, float value)
{
    for (long at = 0; at < count; at += LANES)
        *(anywhere *)(numbers + at) = value - (vector){0};
}

/* One of two threads (0 writes, 1 reads) that take turns with an array so many times. *turn is 0 before. */
float exchange(float *numbers, long count, long times, int who, atomic_long *turn)
{
    float total = 0;
    for (long time = 0; time < times; time++) {
        for (long spins = 0; atomic_load_explicit(turn, memory_order_acquire) != 2 * time + who; spins++)
            if (spins > SPINS) /* the other may have no CPU */
                sched_yield();
        if (who == 0)
            write_all(numbers, count, (float)time);
        else
            total += read_all(numbers, count, 1);
        atomic_store_explicit(turn, 2 * time + who + 1, memory_order_release);
    }
    return total;
}

/* The same by one thread, which has what it wrote in its own cache. */
float write_and_read(float *numbers, long count, long times)
{
    float total = 0;
    for (long time = 0; time < times; time++) {
        write_all(numbers, count, (float)time);
        total += read_all(numbers, count, 1);
    }
    return total;
}
