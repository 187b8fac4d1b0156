/* How large the caches of this processor are. */
#ifndef FASTMLP_CACHE_H
#define FASTMLP_CACHE_H

#if defined(__unix__)
#include <unistd.h>
#endif

/* In bytes; 32 KB, which few have less than, where the system does not say. */
static inline long first_level_cache(void)
{
    long size = 0;
#if defined(_SC_LEVEL1_DCACHE_SIZE)
    size = sysconf(_SC_LEVEL1_DCACHE_SIZE);
#endif
    return size > 0 ? size : 32 * 1024;
}

#endif
