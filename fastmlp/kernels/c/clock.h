/* Clocks to look at in every step. */
#ifndef FASTMLP_CLOCK_H
#define FASTMLP_CLOCK_H

#include <time.h>

/* Read in some nanoseconds, and some milliseconds behind at times. */
static inline long long milliseconds(void)
{
#if defined(CLOCK_MONOTONIC_COARSE)
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return 1000LL * now.tv_sec + now.tv_nsec / 1000000;
#else
    return 1000LL * time(NULL);
#endif
}

/* Read in some tens of nanoseconds; 0 where there is no such clock. */
static inline long long nanoseconds(void)
{
#if defined(CLOCK_MONOTONIC)
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1000000000LL * now.tv_sec + now.tv_nsec;
#else
    return 0;
#endif
}

#endif
