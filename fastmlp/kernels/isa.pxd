"""The table of C kernels in use, and its functions for either float type; c/kernels.h says what they do."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

cdef extern from "c/kernels.h" nogil:
    # of long enums what is asked for by number; the rest is read by name
    enum: LINEAR, RELU, SIGMOID, SOFTMAX, LOG_SOFTMAX, EXPONENTIAL, SPARSEMAX, SILU
    enum: SGD, ADAM, AMSGRAD, ADAMAX, NADAM, SCHEDULE_FREE_ADAMW, STORE
    enum: UINT8, FLOAT32, FLOAT64
    enum: DROP, SATURATE, DISTURB, SCATTER
    enum: GOES_ON, TO_GO_ON
    const char *ACTIVATION_NAMES
    const char *OPTIMIZER_NAMES
    const char *OPTIMIZER_SLOTS
    const char *SCALAR_NAMES

    ctypedef struct Optimizer:
        int kind
        double *scalars
        double learning_rate
        double beta_1
        double beta_2
        double warmup_steps
        bint is_adjusted
        double clipvalue
        double weight_decay
        int average_slot
        double ema_momentum
        int64_t ema_overwrite_frequency
        double step_size
        double correction
        double weight_m
        double weight_g
        double share
        double ema_momentum_now
        int slot_count
        bint overwrites_now
        bint flushes_now
        bint starts_now

    ctypedef struct Noise:
        int kind
        uint64_t seed
        uint64_t step
        uint32_t layer
        uint64_t threshold
        double scale
        double shift
        double dropped
        double stddev

    ctypedef struct Isa:
        const char *name
        int tile_rows
        bint (*all_finite)(int, int, Py_ssize_t, const void *) noexcept nogil
        Py_ssize_t (*pair_rows)(int, Py_ssize_t, const uint64_t *, const int32_t *, int32_t *) noexcept nogil
        void (*multiply_narrow)(Py_ssize_t, Py_ssize_t, int, const float *, Py_ssize_t, const float *, const float *,
                                int, float *, Py_ssize_t) noexcept nogil


# `void` stands for either float type: the C compiler picks the function by an array's, and refuses arrays of another.
cdef extern from "c/dispatch.h" nogil:
    int panel_columns(const Isa *isa, const void *array)
    void multiply_rows(const Isa *isa, int height, int vectors, Py_ssize_t depth, const void *a, Py_ssize_t a_stride,
                       const void *b, const void *bias, int activation, void *y)
    void multiply_columns(const Isa *isa, int height, int vectors, int portion, Py_ssize_t depth, const void *a,
                          const void *b, void *c)
    void multiply_listed(const Isa *isa, int height, Py_ssize_t vectors, int portion, Py_ssize_t count,
                         const uint32_t *index, const void *a, const void *b, Py_ssize_t b_stride, const void *bias,
                         int activation, void *y, Py_ssize_t y_stride, Py_ssize_t row_stride)
    void descend_listed(const Isa *isa, int height, Py_ssize_t vectors, Py_ssize_t count, const uint32_t *index,
                        const void *a, const void *b, Py_ssize_t b_stride, double rate, void *w, Py_ssize_t w_stride)
    void multiply_sparse(const Isa *isa, Py_ssize_t panels, Py_ssize_t count, const uint32_t *index, const void *a,
                         const void *b, Py_ssize_t b_stride, Py_ssize_t pitch, const void *bias, int activation,
                         void *y, Py_ssize_t y_stride)
    void multiply_sparse_columns(const Isa *isa, int columns, Py_ssize_t count, const uint32_t *index, const void *a,
                                 const void *b, Py_ssize_t pitch, Py_ssize_t room, void *y)
    bint descend_sparse(const Isa *isa, Py_ssize_t panels, Py_ssize_t count, const uint32_t *index, const void *a,
                        const void *b, Py_ssize_t b_stride, double rate, void *w, Py_ssize_t w_stride)
    void load(const Isa *isa, int source, Py_ssize_t n, const void *x, const void *later, void *panels,
              Py_ssize_t stride)
    void transpose(const Isa *isa, Py_ssize_t rows, Py_ssize_t columns, const void *x, Py_ssize_t x_stride, void *out,
                   Py_ssize_t out_stride)
    Py_ssize_t mark_nonzeros(const Isa *isa, Py_ssize_t columns, const void *a, Py_ssize_t a_stride, uint64_t *bits)
    Py_ssize_t list_rows(const Isa *isa, Py_ssize_t columns, const void *x, const void *y, Py_ssize_t stride,
                         const uint64_t *x_bits, const uint64_t *y_bits, int32_t *starts, uint32_t *index, void *values)
    Py_ssize_t count_columns(const Isa *isa, Py_ssize_t rows, Py_ssize_t step, int columns, const void *a)
    void list_columns(const Isa *isa, Py_ssize_t rows, int columns, const void *a, Py_ssize_t capacity, int32_t *counts,
                      uint32_t *index, void *values)
    void sum_rows(const Isa *isa, int portion, Py_ssize_t rows, const void *a, void *sums)
    void sum_squares(const Isa *isa, Py_ssize_t rows, const void *a, void *sums)
    void sum_magnitudes(const Isa *isa, Py_ssize_t rows, const void *a, void *sums)
    void flush_denormals(const Isa *isa, Py_ssize_t n, void *x)
    void rescale(const Isa *isa, Py_ssize_t n, double scale, double offset, void *x)
    double dot(const Isa *isa, Py_ssize_t n, const void *x, const void *y)
    void activate(const Isa *isa, int activation, const double *settings, Py_ssize_t n, void *x)
    void activate_gradient(const Isa *isa, int activation, const double *settings, Py_ssize_t n, const void *source,
                           void *dy)
    void softmax(const Isa *isa, Py_ssize_t n, void *x)
    void log_softmax(const Isa *isa, Py_ssize_t n, void *x)
    void log_softmax_gradient(const Isa *isa, Py_ssize_t n, const void *y, void *dy)
    void sparsemax(const Isa *isa, Py_ssize_t n, void *x)
    void sparsemax_gradient(const Isa *isa, Py_ssize_t n, const void *y, void *dy)
    bint update(const Isa *isa, const Optimizer *optimizer, Py_ssize_t n, void *w, void *g, void *slots)
    bint are_finite(const Isa *isa, Py_ssize_t n, const void *x)
    void add_penalty(const Isa *isa, Py_ssize_t n, double l1, double twice_l2, const void *w, void *g)
    void clip_by_value(const Isa *isa, Py_ssize_t n, double clipvalue, void *g)
    void decay_weights(const Isa *isa, Py_ssize_t n, double weight_decay, double learning_rate, void *w)
    void average_weights(const Isa *isa, Py_ssize_t n, double ema_momentum, const void *w, void *average)
    void add_noise(const Isa *isa, const Noise *noise, uint64_t first, Py_ssize_t rows, Py_ssize_t columns, void *x,
                   Py_ssize_t stride)
    void column_moments(const Isa *isa, Py_ssize_t rows, const void *x, void *mean, void *variance)
    void normalize_columns(const Isa *isa, Py_ssize_t rows, const void *x, const void *columns, void *y)
    void sum_normalized_columns(const Isa *isa, Py_ssize_t rows, const void *x, const void *dy, const void *columns,
                                void *sums)
    void normalize_columns_gradient(const Isa *isa, Py_ssize_t rows, const void *x, const void *dy,
                                    const void *columns, const void *sums, void *dx)
    void normalize_rows(const Isa *isa, Py_ssize_t rows, Py_ssize_t columns, const void *x, Py_ssize_t x_stride,
                        double epsilon, const void *gamma, const void *beta, void *statistics, void *y,
                        Py_ssize_t y_stride)
    void normalize_rows_gradient(const Isa *isa, Py_ssize_t rows, Py_ssize_t columns, const void *x,
                                 Py_ssize_t x_stride, const void *dy, Py_ssize_t dy_stride, const void *gamma,
                                 const void *statistics, void *dx, Py_ssize_t dx_stride)
    void sum_normalized_rows(const Isa *isa, Py_ssize_t rows, const void *x, const void *dy, const void *statistics,
                             void *sums)
    void unit_rows(const Isa *isa, Py_ssize_t rows, Py_ssize_t columns, void *x, Py_ssize_t stride)
    void unit_rows_gradient(const Isa *isa, Py_ssize_t rows, Py_ssize_t columns, const void *x, Py_ssize_t x_stride,
                            void *dx, Py_ssize_t dx_stride)


cdef extern from "c/threads.h" nogil:
    const int FASTMLP_OPENMP
    ctypedef struct Barrier:
        pass
    int thread_number()
    int thread_count()
    void barrier_wait(Barrier *barrier, int count)
    long long barrier_waited(Barrier *barrier)
    ctypedef struct Counter:
        pass
    void counter_set(Counter *counter, long long next)
    long long counter_take(Counter *counter)
    long long counter_seen(const Counter *counter)
    ctypedef struct Flag:
        pass
    void flag_set(Flag *flag, bint raised)
    bint flag_is_raised(const Flag *flag)

# Flags of this thread that arithmetic raises by itself.
cdef extern from "<fenv.h>" nogil:
    int FE_INVALID, FE_OVERFLOW
    int feclearexcept(int flags)
    int fetestexcept(int flags)

cdef extern from "c/cache.h" nogil:
    long first_level_cache()
    long second_level_cache()
    void fetch(const void *memory, size_t size)

cdef extern from "c/clock.h" nogil:
    long long milliseconds()
    long long nanoseconds()


cdef const Isa *selected() noexcept nogil


# Of n units of work, thread number `thread` of `threads` does those from partition(n, thread, threads) on, before
# partition(n, thread + 1, threads).
cdef inline Py_ssize_t partition(Py_ssize_t n, Py_ssize_t thread, Py_ssize_t threads) noexcept nogil:
    return n * thread // threads


# The number of blocks of `width` that cover n.
cdef inline Py_ssize_t blocks(Py_ssize_t n, Py_ssize_t width) noexcept nogil:
    return (n + width - 1) // width
