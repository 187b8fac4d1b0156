/* Threads: the one place that names OpenMP, the barrier the threads of one parallel region meet at, and the counter
 * they take turns by.
 *
 * OpenMP's own barrier spins for milliseconds. That is lost time when other programs want the CPU, which one of the
 * threads may itself be waiting for. This one spins for a moment, then lets the system run somebody else.
 */
#ifndef FASTMLP_THREADS_H
#define FASTMLP_THREADS_H

#if defined(_OPENMP)
#include <omp.h>
#define FASTMLP_OPENMP 1
static inline int thread_number(void) { return omp_get_thread_num(); }
static inline int thread_count(void) { return omp_get_num_threads(); }
#else
#define FASTMLP_OPENMP 0
static inline int thread_number(void) { return 0; }
static inline int thread_count(void) { return 1; }
#endif

#if defined(_MSC_VER) /* no C11 atomics */
typedef struct Barrier {
    int unused;
} Barrier;

typedef struct Counter {
    long long next;
} Counter;

typedef struct Flag {
    volatile long raised;
} Flag;

static inline void flag_set(Flag *flag, int raised) { flag->raised = raised; }
static inline int flag_is_raised(const Flag *flag) { return (int)flag->raised; }

static inline void counter_set(Counter *counter, long long next)
{
#pragma omp critical
    counter->next = next;
}

static inline long long counter_take(Counter *counter)
{
    long long taken;
#pragma omp critical
    taken = counter->next++;
    return taken;
}

static inline long long counter_seen(const Counter *counter)
{
    return *(const volatile long long *)&counter->next;
}

static inline void barrier_wait(Barrier *barrier, int count)
{
    (void)barrier;
    if (count > 1) {
#pragma omp barrier
    }
}

static inline long long barrier_waited(Barrier *barrier)
{
    (void)barrier;
    return 0;
}
#else
#include "clock.h"

#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* Starts as zeros. */
typedef struct Barrier {
    atomic_int arrived;
    atomic_int asleep;
    atomic_uint phase;   /* goes up when all have arrived */
    atomic_llong waited; /* nanoseconds, of the thread that had the longest wait; without what is spent on spinning */
} Barrier;

/* Gives each number to one thread, or lets other threads see a number that one of them changes. */
typedef struct Counter {
    atomic_llong next;
} Counter;

/* Any thread may set it; all see so once they have met. */
typedef struct Flag {
    atomic_int raised;
} Flag;

static inline void flag_set(Flag *flag, int raised)
{
    atomic_store_explicit(&flag->raised, raised, memory_order_relaxed);
}

static inline int flag_is_raised(const Flag *flag)
{
    return atomic_load_explicit(&flag->raised, memory_order_relaxed);
}

static inline void counter_set(Counter *counter, long long next)
{
    atomic_store_explicit(&counter->next, next, memory_order_relaxed);
}

static inline long long counter_take(Counter *counter)
{
    return atomic_fetch_add_explicit(&counter->next, 1, memory_order_relaxed);
}

static inline long long counter_seen(const Counter *counter)
{
    return atomic_load_explicit(&counter->next, memory_order_relaxed);
}

enum { SPINS = 2000 }; /* some tens of microseconds */

static inline void spin_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static inline void sleep_in(Barrier *barrier, unsigned phase)
{
#if defined(__linux__)
    atomic_fetch_add(&barrier->asleep, 1);
    syscall(SYS_futex, &barrier->phase, FUTEX_WAIT_PRIVATE, phase, NULL, NULL, 0); /* returns if phase has changed */
    atomic_fetch_sub(&barrier->asleep, 1);
#else
    (void)barrier, (void)phase;
    sched_yield();
#endif
}

static inline void wake_all(Barrier *barrier)
{
#if defined(__linux__)
    if (atomic_load(&barrier->asleep) > 0)
        syscall(SYS_futex, &barrier->phase, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
#else
    (void)barrier;
#endif
}

static inline void sleep_until_others_come(Barrier *barrier, unsigned phase)
{
    const long long begun = nanoseconds();
    while (atomic_load_explicit(&barrier->phase, memory_order_acquire) == phase)
        sleep_in(barrier, phase);
    const long long waited = nanoseconds() - begun;
    long long longest = atomic_load_explicit(&barrier->waited, memory_order_relaxed);
    while (longest < waited && !atomic_compare_exchange_weak(&barrier->waited, &longest, waited)) {
    }
}

/* Return when `count` threads have called it; what they wrote before is seen by all after. */
static inline void barrier_wait(Barrier *barrier, int count)
{
    if (count == 1)
        return;
    const unsigned phase = atomic_load_explicit(&barrier->phase, memory_order_relaxed);
    if (atomic_fetch_add(&barrier->arrived, 1) == count - 1) {
        atomic_store_explicit(&barrier->arrived, 0, memory_order_relaxed);
        atomic_store(&barrier->phase, phase + 1);
        wake_all(barrier);
        return;
    }
    for (int spins = 0; atomic_load_explicit(&barrier->phase, memory_order_acquire) == phase; spins++) {
        if (spins == SPINS) {
            sleep_until_others_come(barrier, phase);
            return;
        }
        spin_pause();
    }
}

/* How long the threads have waited for the last of them, in nanoseconds, since it was asked for last. */
static inline long long barrier_waited(Barrier *barrier)
{
    return atomic_exchange_explicit(&barrier->waited, 0, memory_order_relaxed);
}
#endif

#endif
