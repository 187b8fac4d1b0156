"""How many threads the system starts: OpenMP ends the process where it asks for one too many."""

cdef extern from *:
    """
    enum { MOST_STARTED = 512 };
    #if defined(_WIN32)
    static int start_and_join(int count) { return count; }
    #else
    #include <pthread.h>

    static void *wait_at(void *gate)
    {
        pthread_mutex_lock((pthread_mutex_t *)gate);
        pthread_mutex_unlock((pthread_mutex_t *)gate);
        return NULL;
    }

    static int start_and_join(int count)
    {
        pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
        pthread_t threads[MOST_STARTED];
        int started = 0;
        pthread_mutex_lock(&gate);
        while (started < count && pthread_create(&threads[started], NULL, wait_at, &gate) == 0)
            started++;
        pthread_mutex_unlock(&gate);
        for (int i = 0; i < started; i++)
            pthread_join(threads[i], NULL);
        return started;
    }
    #endif
    """
    int MOST_STARTED
    int start_and_join(int count) nogil


def started_together(int count):
    """Return how many threads the system has started when asked for `count`, which are there at once and then end."""
    cdef int started
    with nogil:
        started = start_and_join(min(count, MOST_STARTED))
    return started
