/* ThreadSanitizer does not see how GNU's OpenMP hands work to its threads and waits for them; this tells it.
 *
 * It is preloaded, goes before libgomp, which it brings along, and is not instrumented itself. What the engine has of its own, the barrier, counters and
 * flags of kernels/c/threads.h, are C11 atomics, which ThreadSanitizer understands. */
#define _GNU_SOURCE
#include <dlfcn.h>

void __tsan_acquire(void *token);
void __tsan_release(void *token);

typedef struct Work {
    void (*function)(void *);
    void *data;
    char begun, met, done; /* tokens: what is written before one is released is seen after it is acquired */
} Work;

static __thread Work *current;

static void run(void *given)
{
    Work *const work = given, *const before = current;
    __tsan_acquire(&work->begun);
    current = work;
    work->function(work->data);
    current = before;
    __tsan_release(&work->done);
}

void GOMP_parallel(void (*function)(void *), void *data, unsigned threads, unsigned flags)
{
    void (*parallel)(void (*)(void *), void *, unsigned, unsigned) = dlsym(RTLD_NEXT, "GOMP_parallel");
    Work work = {.function = function, .data = data};
    __tsan_release(&work.begun);
    parallel(run, &work, threads, flags);
    __tsan_acquire(&work.done);
}

void GOMP_barrier(void)
{
    void (*barrier)(void) = dlsym(RTLD_NEXT, "GOMP_barrier");
    Work *const work = current;
    if (work)
        __tsan_release(&work->met);
    barrier();
    if (work)
        __tsan_acquire(&work->met);
}
