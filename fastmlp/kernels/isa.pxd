"""The table of C kernels in use, and each of its functions with a fused float type."""

from cython cimport floating
from libc.stdint cimport uint32_t, uint64_t

cdef extern from "c/kernels.h" nogil:
    enum: LINEAR, RELU, SIGMOID, TANH, SOFTMAX
    enum: SGD, MOMENTUM, NESTEROV, RMSPROP, ADAGRAD, ADAM, STORE

    ctypedef struct Optimizer:
        int kind
        double learning_rate
        double momentum
        double rho
        double beta_1
        double beta_2
        double epsilon

    ctypedef struct Dropout:
        uint64_t seed
        uint64_t step
        uint32_t layer
        uint64_t threshold
        double scale

    ctypedef struct Kernels_f32:
        int tile_rows
        int tile_columns
        void (*tile)(Py_ssize_t, const float *, const float *, float *) noexcept nogil
        void (*pack)(Py_ssize_t, Py_ssize_t, Py_ssize_t, const float *, Py_ssize_t, Py_ssize_t,
                     float *) noexcept nogil
        float (*dot)(Py_ssize_t, const float *, const float *) noexcept nogil
        void (*activate)(int, Py_ssize_t, float *) noexcept nogil
        void (*activate_gradient)(int, Py_ssize_t, const float *, float *) noexcept nogil
        void (*softmax)(Py_ssize_t, float *) noexcept nogil
        void (*update)(const Optimizer *, Py_ssize_t, float *, const float *, float *, float *) noexcept nogil
        void (*dropout)(const Dropout *, uint64_t, Py_ssize_t, float *) noexcept nogil

    ctypedef struct Kernels_f64:
        int tile_rows
        int tile_columns
        void (*tile)(Py_ssize_t, const double *, const double *, double *) noexcept nogil
        void (*pack)(Py_ssize_t, Py_ssize_t, Py_ssize_t, const double *, Py_ssize_t, Py_ssize_t,
                     double *) noexcept nogil
        double (*dot)(Py_ssize_t, const double *, const double *) noexcept nogil
        void (*activate)(int, Py_ssize_t, double *) noexcept nogil
        void (*activate_gradient)(int, Py_ssize_t, const double *, double *) noexcept nogil
        void (*softmax)(Py_ssize_t, double *) noexcept nogil
        void (*update)(const Optimizer *, Py_ssize_t, double *, const double *, double *, double *) noexcept nogil
        void (*dropout)(const Dropout *, uint64_t, Py_ssize_t, double *) noexcept nogil

    ctypedef struct Isa:
        const char *name
        Kernels_f32 f32
        Kernels_f64 f64


cdef extern from "c/threads.h" nogil:
    const int FASTMLP_OPENMP
    ctypedef struct Barrier:
        pass
    int thread_number()
    int thread_count()
    void barrier_wait(Barrier *barrier, int count)


cdef const Isa *selected() noexcept nogil


# `share(n, part, parts)` to `share(n, part + 1, parts)` is what the thread `part` of `parts` does of n units of work.
cdef inline Py_ssize_t share(Py_ssize_t n, int part, int parts) noexcept nogil:
    return n * part // parts


# The number of blocks of `width` that cover n.
cdef inline Py_ssize_t blocks(Py_ssize_t n, Py_ssize_t width) noexcept nogil:
    return (n + width - 1) // width


cdef inline int tile_rows(const Isa *isa, const floating *_) noexcept nogil:
    if floating is float:
        return isa.f32.tile_rows
    else:
        return isa.f64.tile_rows


cdef inline int tile_columns(const Isa *isa, const floating *_) noexcept nogil:
    if floating is float:
        return isa.f32.tile_columns
    else:
        return isa.f64.tile_columns


cdef inline void tile(const Isa *isa, Py_ssize_t depth, const floating *a, const floating *b,
                      floating *c) noexcept nogil:
    if floating is float:
        isa.f32.tile(depth, a, b, c)
    else:
        isa.f64.tile(depth, a, b, c)


cdef inline void pack(const Isa *isa, Py_ssize_t depth, Py_ssize_t width, Py_ssize_t used, const floating *x,
                      Py_ssize_t depth_stride, Py_ssize_t width_stride, floating *out) noexcept nogil:
    if floating is float:
        isa.f32.pack(depth, width, used, x, depth_stride, width_stride, out)
    else:
        isa.f64.pack(depth, width, used, x, depth_stride, width_stride, out)


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


cdef inline void activate_gradient(const Isa *isa, int activation, Py_ssize_t n, const floating *y,
                                   floating *dy) noexcept nogil:
    if floating is float:
        isa.f32.activate_gradient(activation, n, y, dy)
    else:
        isa.f64.activate_gradient(activation, n, y, dy)


cdef inline void softmax(const Isa *isa, Py_ssize_t n, floating *x) noexcept nogil:
    if floating is float:
        isa.f32.softmax(n, x)
    else:
        isa.f64.softmax(n, x)


cdef inline void update(const Isa *isa, const Optimizer *optimizer, Py_ssize_t n, floating *w, const floating *g,
                        floating *slot_1, floating *slot_2) noexcept nogil:
    if floating is float:
        isa.f32.update(optimizer, n, w, g, slot_1, slot_2)
    else:
        isa.f64.update(optimizer, n, w, g, slot_1, slot_2)


cdef inline void dropout(const Isa *isa, const Dropout *setting, uint64_t first, Py_ssize_t n,
                         floating *x) noexcept nogil:
    if floating is float:
        isa.f32.dropout(setting, first, n, x)
    else:
        isa.f64.dropout(setting, first, n, x)
