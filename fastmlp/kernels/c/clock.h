/* A clock to look at in every step: read in some nanoseconds, and some milliseconds behind at times. */
#ifndef FASTMLP_CLOCK_H
#define FASTMLP_CLOCK_H

#include <time.h>

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

#endif
