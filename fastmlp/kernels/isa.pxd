"""The table of C kernels in use, and each of its functions with a fused float type; c/kernels.h says what they do."""

from cython cimport floating
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

cdef extern from "c/kernels.h" nogil:
    enum: LINEAR, RELU, SIGMOID, TANH, SOFTMAX, LOG_SOFTMAX, EXPONENTIAL, SOFTSIGN, HARD_SIGMOID
    enum: LEAKY_RELU, RELU6, ELU, SELU, SOFTPLUS, SILU, GELU, MISH
    enum: UINT8, FLOAT32, FLOAT64
    enum: SGD, MOMENTUM, NESTEROV, RMSPROP, RMSPROP_MOMENTUM, RMSPROP_CENTERED, ADAGRAD, ADADELTA, ADAM, AMSGRAD
    enum: ADAMAX, NADAM, LION, STORE

    ctypedef struct Optimizer:
        int kind
        double learning_rate
        double momentum
        double rho
        double beta_1
        double beta_2
        double epsilon
        bint is_adjusted
        double clipvalue
        double weight_decay
        int average_slot
        double ema_momentum
        int64_t ema_overwrite_frequency
        double plain_rate
        double correction
        double share_m
        double share_g
        double product
        int64_t counted
        double ema_momentum_now
        bint overwrites_now

    ctypedef struct Dropout:
        uint64_t seed
        uint64_t step
        uint32_t layer
        uint64_t threshold
        double scale

    ctypedef struct Kernels_f32:
        int tile_rows
        int panel_columns
        void (*multiply_rows)(int, int, Py_ssize_t, const float *, Py_ssize_t, const float *, const float *, int,
                              float *) noexcept nogil
        void (*multiply_columns)(int, int, Py_ssize_t, const float *, const float *, float *) noexcept nogil
        void (*multiply_listed)(int, Py_ssize_t, Py_ssize_t, const uint32_t *, const float *, const float *,
                                Py_ssize_t, const float *, int, float *, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*descend_listed)(int, Py_ssize_t, Py_ssize_t, const uint32_t *, const float *, const float *,
                               Py_ssize_t, float, float *, Py_ssize_t) noexcept nogil
        void (*load)(int, Py_ssize_t, const void *, const void *, float *, Py_ssize_t) noexcept nogil
        void (*transpose)(Py_ssize_t, Py_ssize_t, const float *, Py_ssize_t, float *, Py_ssize_t) noexcept nogil
        Py_ssize_t (*mark_nonzeros)(Py_ssize_t, const float *, Py_ssize_t, uint64_t *) noexcept nogil
        Py_ssize_t (*list_rows)(Py_ssize_t, const float *, const float *, Py_ssize_t, const uint64_t *,
                                const uint64_t *, uint32_t *, float *) noexcept nogil
        Py_ssize_t (*count_columns)(Py_ssize_t, Py_ssize_t, int, const float *) noexcept nogil
        void (*list_columns)(Py_ssize_t, int, const float *, Py_ssize_t, int32_t *, uint32_t *,
                             float *) noexcept nogil
        void (*sum_rows)(Py_ssize_t, const float *, float *) noexcept nogil
        void (*sum_squares)(Py_ssize_t, const float *, float *) noexcept nogil
        void (*sum_magnitudes)(Py_ssize_t, const float *, float *) noexcept nogil
        void (*rescale)(Py_ssize_t, double, double, float *) noexcept nogil
        float (*dot)(Py_ssize_t, const float *, const float *) noexcept nogil
        void (*activate)(int, Py_ssize_t, float *) noexcept nogil
        void (*activate_gradient)(int, Py_ssize_t, const float *, float *) noexcept nogil
        void (*softmax)(Py_ssize_t, float *) noexcept nogil
        void (*log_softmax)(Py_ssize_t, float *) noexcept nogil
        void (*log_softmax_gradient)(Py_ssize_t, const float *, float *) noexcept nogil
        void (*update)(const Optimizer *, Py_ssize_t, float *, float *, float **) noexcept nogil
        void (*add_penalty)(Py_ssize_t, float, float, const float *, float *) noexcept nogil
        void (*clip_by_value)(Py_ssize_t, double, float *) noexcept nogil
        void (*decay_weights)(Py_ssize_t, double, double, float *) noexcept nogil
        void (*average_weights)(Py_ssize_t, double, const float *, float *) noexcept nogil
        void (*dropout)(const Dropout *, uint64_t, Py_ssize_t, float *) noexcept nogil

    ctypedef struct Kernels_f64:
        int tile_rows
        int panel_columns
        void (*multiply_rows)(int, int, Py_ssize_t, const double *, Py_ssize_t, const double *, const double *, int,
                              double *) noexcept nogil
        void (*multiply_columns)(int, int, Py_ssize_t, const double *, const double *, double *) noexcept nogil
        void (*multiply_listed)(int, Py_ssize_t, Py_ssize_t, const uint32_t *, const double *, const double *,
                                Py_ssize_t, const double *, int, double *, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*descend_listed)(int, Py_ssize_t, Py_ssize_t, const uint32_t *, const double *, const double *,
                               Py_ssize_t, double, double *, Py_ssize_t) noexcept nogil
        void (*load)(int, Py_ssize_t, const void *, const void *, double *, Py_ssize_t) noexcept nogil
        void (*transpose)(Py_ssize_t, Py_ssize_t, const double *, Py_ssize_t, double *, Py_ssize_t) noexcept nogil
        Py_ssize_t (*mark_nonzeros)(Py_ssize_t, const double *, Py_ssize_t, uint64_t *) noexcept nogil
        Py_ssize_t (*list_rows)(Py_ssize_t, const double *, const double *, Py_ssize_t, const uint64_t *,
                                const uint64_t *, uint32_t *, double *) noexcept nogil
        Py_ssize_t (*count_columns)(Py_ssize_t, Py_ssize_t, int, const double *) noexcept nogil
        void (*list_columns)(Py_ssize_t, int, const double *, Py_ssize_t, int32_t *, uint32_t *,
                             double *) noexcept nogil
        void (*sum_rows)(Py_ssize_t, const double *, double *) noexcept nogil
        void (*sum_squares)(Py_ssize_t, const double *, double *) noexcept nogil
        void (*sum_magnitudes)(Py_ssize_t, const double *, double *) noexcept nogil
        void (*rescale)(Py_ssize_t, double, double, double *) noexcept nogil
        double (*dot)(Py_ssize_t, const double *, const double *) noexcept nogil
        void (*activate)(int, Py_ssize_t, double *) noexcept nogil
        void (*activate_gradient)(int, Py_ssize_t, const double *, double *) noexcept nogil
        void (*softmax)(Py_ssize_t, double *) noexcept nogil
        void (*log_softmax)(Py_ssize_t, double *) noexcept nogil
        void (*log_softmax_gradient)(Py_ssize_t, const double *, double *) noexcept nogil
        void (*update)(const Optimizer *, Py_ssize_t, double *, double *, double **) noexcept nogil
        void (*add_penalty)(Py_ssize_t, double, double, const double *, double *) noexcept nogil
        void (*clip_by_value)(Py_ssize_t, double, double *) noexcept nogil
        void (*decay_weights)(Py_ssize_t, double, double, double *) noexcept nogil
        void (*average_weights)(Py_ssize_t, double, const double *, double *) noexcept nogil
        void (*dropout)(const Dropout *, uint64_t, Py_ssize_t, double *) noexcept nogil

    ctypedef struct Isa:
        const char *name
        bint (*all_finite)(int, int, Py_ssize_t, const void *) noexcept nogil
        Py_ssize_t (*pair_rows)(int, Py_ssize_t, const uint64_t *, const int32_t *, int32_t *) noexcept nogil
        Kernels_f32 f32
        Kernels_f64 f64


cdef extern from "c/threads.h" nogil:
    const int FASTMLP_OPENMP
    ctypedef struct Barrier:
        pass
    int thread_number()
    int thread_count()
    void barrier_wait(Barrier *barrier, int count)
    ctypedef struct Counter:
        pass
    void counter_set(Counter *counter, long long next)
    long long counter_take(Counter *counter)

cdef extern from "c/clock.h" nogil:
    long long milliseconds()


cdef const Isa *selected() noexcept nogil


# `share(n, part, parts)` to `share(n, part + 1, parts)` is what the thread `part` of `parts` does of n units of work.
cdef inline Py_ssize_t share(Py_ssize_t n, Py_ssize_t part, Py_ssize_t parts) noexcept nogil:
    return n * part // parts


# The number of blocks of `width` that cover n.
cdef inline Py_ssize_t blocks(Py_ssize_t n, Py_ssize_t width) noexcept nogil:
    return (n + width - 1) // width


cdef inline int tile_rows(const Isa *isa, const floating *_) noexcept nogil:
    if floating is float:
        return isa.f32.tile_rows
    else:
        return isa.f64.tile_rows


cdef inline int panel_columns(const Isa *isa, const floating *_) noexcept nogil:
    if floating is float:
        return isa.f32.panel_columns
    else:
        return isa.f64.panel_columns


cdef inline void multiply_rows(const Isa *isa, int height, int vectors, Py_ssize_t depth, const floating *a,
                               Py_ssize_t a_stride, const floating *b, const floating *bias, int activation,
                               floating *y) noexcept nogil:
    if floating is float:
        isa.f32.multiply_rows(height, vectors, depth, a, a_stride, b, bias, activation, y)
    else:
        isa.f64.multiply_rows(height, vectors, depth, a, a_stride, b, bias, activation, y)


cdef inline void multiply_listed(const Isa *isa, int height, Py_ssize_t vectors, Py_ssize_t count,
                                 const uint32_t *index, const floating *a, const floating *b, Py_ssize_t b_stride,
                                 const floating *bias, int activation, floating *y, Py_ssize_t y_stride,
                                 Py_ssize_t row_stride) noexcept nogil:
    if floating is float:
        isa.f32.multiply_listed(height, vectors, count, index, a, b, b_stride, bias, activation, y, y_stride,
                                row_stride)
    else:
        isa.f64.multiply_listed(height, vectors, count, index, a, b, b_stride, bias, activation, y, y_stride,
                                row_stride)


cdef inline void descend_listed(const Isa *isa, int height, Py_ssize_t vectors, Py_ssize_t count,
                                const uint32_t *index, const floating *a, const floating *b, Py_ssize_t b_stride,
                                double rate, floating *w, Py_ssize_t w_stride) noexcept nogil:
    if floating is float:
        isa.f32.descend_listed(height, vectors, count, index, a, b, b_stride, <float> rate, w, w_stride)
    else:
        isa.f64.descend_listed(height, vectors, count, index, a, b, b_stride, rate, w, w_stride)


cdef inline void multiply_columns(const Isa *isa, int height, int vectors, Py_ssize_t depth, const floating *a,
                                  const floating *b, floating *c) noexcept nogil:
    if floating is float:
        isa.f32.multiply_columns(height, vectors, depth, a, b, c)
    else:
        isa.f64.multiply_columns(height, vectors, depth, a, b, c)


cdef inline void load(const Isa *isa, int source, Py_ssize_t n, const void *x, const void *later, floating *panels,
                      Py_ssize_t stride) noexcept nogil:
    if floating is float:
        isa.f32.load(source, n, x, later, panels, stride)
    else:
        isa.f64.load(source, n, x, later, panels, stride)


cdef inline void transpose(const Isa *isa, Py_ssize_t rows, Py_ssize_t columns, const floating *x,
                           Py_ssize_t x_stride, floating *out, Py_ssize_t out_stride) noexcept nogil:
    if floating is float:
        isa.f32.transpose(rows, columns, x, x_stride, out, out_stride)
    else:
        isa.f64.transpose(rows, columns, x, x_stride, out, out_stride)


cdef inline Py_ssize_t mark_nonzeros(const Isa *isa, Py_ssize_t columns, const floating *a, Py_ssize_t a_stride,
                                     uint64_t *bits) noexcept nogil:
    if floating is float:
        return isa.f32.mark_nonzeros(columns, a, a_stride, bits)
    else:
        return isa.f64.mark_nonzeros(columns, a, a_stride, bits)


cdef inline Py_ssize_t list_rows(const Isa *isa, Py_ssize_t columns, const floating *x, const floating *y,
                                 Py_ssize_t stride, const uint64_t *x_bits, const uint64_t *y_bits, uint32_t *index,
                                 floating *values) noexcept nogil:
    if floating is float:
        return isa.f32.list_rows(columns, x, y, stride, x_bits, y_bits, index, values)
    else:
        return isa.f64.list_rows(columns, x, y, stride, x_bits, y_bits, index, values)


cdef inline Py_ssize_t count_columns(const Isa *isa, Py_ssize_t rows, Py_ssize_t step, int columns,
                                     const floating *a) noexcept nogil:
    if floating is float:
        return isa.f32.count_columns(rows, step, columns, a)
    else:
        return isa.f64.count_columns(rows, step, columns, a)


cdef inline void list_columns(const Isa *isa, Py_ssize_t rows, int columns, const floating *a, Py_ssize_t capacity,
                              int32_t *counts, uint32_t *index, floating *values) noexcept nogil:
    if floating is float:
        isa.f32.list_columns(rows, columns, a, capacity, counts, index, values)
    else:
        isa.f64.list_columns(rows, columns, a, capacity, counts, index, values)


cdef inline void sum_rows(const Isa *isa, Py_ssize_t rows, const floating *a, floating *sums) noexcept nogil:
    if floating is float:
        isa.f32.sum_rows(rows, a, sums)
    else:
        isa.f64.sum_rows(rows, a, sums)


cdef inline void sum_squares(const Isa *isa, Py_ssize_t rows, const floating *a, floating *sums) noexcept nogil:
    if floating is float:
        isa.f32.sum_squares(rows, a, sums)
    else:
        isa.f64.sum_squares(rows, a, sums)


cdef inline void sum_magnitudes(const Isa *isa, Py_ssize_t rows, const floating *a, floating *sums) noexcept nogil:
    if floating is float:
        isa.f32.sum_magnitudes(rows, a, sums)
    else:
        isa.f64.sum_magnitudes(rows, a, sums)


cdef inline void add_penalty(const Isa *isa, Py_ssize_t n, double l1, double twice_l2, const floating *w,
                             floating *g) noexcept nogil:
    if floating is float:
        isa.f32.add_penalty(n, <float> l1, <float> twice_l2, w, g)
    else:
        isa.f64.add_penalty(n, l1, twice_l2, w, g)


cdef inline void rescale(const Isa *isa, Py_ssize_t n, double scale, double offset, floating *x) noexcept nogil:
    if floating is float:
        isa.f32.rescale(n, scale, offset, x)
    else:
        isa.f64.rescale(n, scale, offset, x)


cdef inline floating dot(const Isa *isa, Py_ssize_t n, const floating *x, const floating *y) noexcept nogil:
    if floating is float:
        return isa.f32.dot(n, x, y)
    else:
        return isa.f64.dot(n, x, y)


cdef inline void activate(const Isa *isa, int activation, Py_ssize_t n, floating *x) noexcept nogil:
    if floating is float:
        isa.f32.activate(activation, n, x)
    else:
        isa.f64.activate(activation, n, x)


cdef inline void activate_gradient(const Isa *isa, int activation, Py_ssize_t n, const floating *source,
                                   floating *dy) noexcept nogil:
    if floating is float:
        isa.f32.activate_gradient(activation, n, source, dy)
    else:
        isa.f64.activate_gradient(activation, n, source, dy)


cdef inline void softmax(const Isa *isa, Py_ssize_t n, floating *x) noexcept nogil:
    if floating is float:
        isa.f32.softmax(n, x)
    else:
        isa.f64.softmax(n, x)


cdef inline void log_softmax(const Isa *isa, Py_ssize_t n, floating *x) noexcept nogil:
    if floating is float:
        isa.f32.log_softmax(n, x)
    else:
        isa.f64.log_softmax(n, x)


cdef inline void log_softmax_gradient(const Isa *isa, Py_ssize_t n, const floating *y, floating *dy) noexcept nogil:
    if floating is float:
        isa.f32.log_softmax_gradient(n, y, dy)
    else:
        isa.f64.log_softmax_gradient(n, y, dy)


cdef inline void update(const Isa *isa, const Optimizer *optimizer, Py_ssize_t n, floating *w, floating *g,
                        floating **slots) noexcept nogil:
    if floating is float:
        isa.f32.update(optimizer, n, w, g, slots)
    else:
        isa.f64.update(optimizer, n, w, g, slots)


cdef inline void clip_by_value(const Isa *isa, Py_ssize_t n, double clipvalue, floating *g) noexcept nogil:
    if floating is float:
        isa.f32.clip_by_value(n, clipvalue, g)
    else:
        isa.f64.clip_by_value(n, clipvalue, g)


cdef inline void decay_weights(const Isa *isa, Py_ssize_t n, double weight_decay, double learning_rate,
                               floating *w) noexcept nogil:
    if floating is float:
        isa.f32.decay_weights(n, weight_decay, learning_rate, w)
    else:
        isa.f64.decay_weights(n, weight_decay, learning_rate, w)


cdef inline void average_weights(const Isa *isa, Py_ssize_t n, double ema_momentum, const floating *w,
                                 floating *average) noexcept nogil:
    if floating is float:
        isa.f32.average_weights(n, ema_momentum, w, average)
    else:
        isa.f64.average_weights(n, ema_momentum, w, average)


cdef inline void dropout(const Isa *isa, const Dropout *setting, uint64_t first, Py_ssize_t n,
                         floating *x) noexcept nogil:
    if floating is float:
        isa.f32.dropout(setting, first, n, x)
    else:
        isa.f64.dropout(setting, first, n, x)
