/* How large the caches of this processor are. */
#ifndef FASTMLP_CACHE_H
#define FASTMLP_CACHE_H

#include <stddef.h>
#if defined(__unix__)
#include <unistd.h>
#endif

/* In bytes; 32 KB and 512 KB, which few have less than, where the system does not say. */
static inline long first_level_cache(void)
{
    long size = 0;
#if defined(_SC_LEVEL1_DCACHE_SIZE)
    size = sysconf(_SC_LEVEL1_DCACHE_SIZE);
#endif
    return size > 0 ? size : 32 * 1024;
}

static inline long second_level_cache(void)
{
    long size = 0;
#if defined(_SC_LEVEL2_CACHE_SIZE)
    size = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    return size > 0 ? size : 512 * 1024;
}

/* Have memory fetched that is wanted soon. */
static inline void fetch(const void *memory, size_t size)
{
#if defined(__GNUC__)
    for (size_t byte = 0; byte < size; byte += 64)
        __builtin_prefetch((const char *)memory + byte);
#else
    (void)memory, (void)size;
#endif
}

#endif
