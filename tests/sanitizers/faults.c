/* Faults that the sanitizers must find, and, with the barrier, one that they must not; see test_faults.py. */
#include "c/threads.h"

#include <stdlib.h>

int past_the_end(int n)
{
    int *numbers = calloc(n, sizeof(int));
    const int found = numbers[n];
    free(numbers);
    return found;
}

int undefined_shift(int n) { return 1 << n; }

int undefined_cast(double x) { return (int)x; }

/* Each thread writes a number, and reads that of the next one; returns their sum. */
int neighbours(int threads, int meet)
{
    static int numbers[64], seen[64];
    static Barrier barrier;
    int sum = 0;
    for (int i = 0; i < threads; i++)
        numbers[i] = 0;
#pragma omp parallel num_threads(threads)
    {
        const int thread = thread_number(), count = thread_count();
        numbers[thread] = thread + 1;
        if (meet)
            barrier_wait(&barrier, count);
        seen[thread] = numbers[(thread + 1) % count];
    }
    for (int i = 0; i < threads; i++)
        sum += seen[i];
    return sum;
}
