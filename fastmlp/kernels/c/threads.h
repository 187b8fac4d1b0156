/* The one place that names OpenMP: without it there is one thread, and nothing to wait for. */
#ifndef FASTMLP_THREADS_H
#define FASTMLP_THREADS_H

#if defined(_OPENMP)
#include <omp.h>
#define FASTMLP_OPENMP 1
static inline int thread_number(void) { return omp_get_thread_num(); }
static inline int thread_count(void) { return omp_get_num_threads(); }
static inline void thread_barrier(void)
{
#pragma omp barrier
}
#else
#define FASTMLP_OPENMP 0
static inline int thread_number(void) { return 0; }
static inline int thread_count(void) { return 1; }
static inline void thread_barrier(void) {}
#endif

#endif
