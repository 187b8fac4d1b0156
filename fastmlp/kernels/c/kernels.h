/* What is compiled once per instruction set: one table of function pointers for each float type.
 *
 * Every function works on plain arrays, allocates nothing and starts no thread. `tile_rows` and `tile_columns` are the
 * size of the register tile (MR and NR of the BLIS papers); packed operands have one of the two as their width.
 */
#ifndef FASTMLP_KERNELS_H
#define FASTMLP_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum Activation { LINEAR, RELU, SIGMOID, TANH, SOFTMAX };

/* STORE is the optimizer that only keeps the gradient: w = g. */
enum OptimizerKind { SGD, MOMENTUM, NESTEROV, RMSPROP, ADAGRAD, ADAM, STORE };

typedef struct Optimizer {
    int kind;
    double learning_rate; /* for ADAM the bias-corrected one of this step */
    double momentum;
    double rho;
    double beta_1;
    double beta_2;
    double epsilon;
} Optimizer;

typedef struct Dropout {
    uint64_t seed;
    uint64_t step;
    uint32_t layer;
    uint64_t threshold; /* a 32-bit word keeps its element when word >= threshold */
    double scale;
} Dropout;

#define DECLARE_KERNELS(T, suffix)                                                                                     \
    typedef struct Kernels_##suffix {                                                                                  \
        int tile_rows;                                                                                                 \
        int tile_columns;                                                                                              \
        /* c[tile_rows][tile_columns] = sum over p < depth of a[p][tile_rows] (x) b[p][tile_columns], p in order */    \
        void (*tile)(ptrdiff_t depth, const T *a, const T *b, T *c);                                                   \
        /* out[depth][width]: out[p][i] = x[p * depth_stride + i * width_stride] for i < used, else 0 */               \
        void (*pack)(ptrdiff_t depth, ptrdiff_t width, ptrdiff_t used, const T *x, ptrdiff_t depth_stride,             \
                     ptrdiff_t width_stride, T *out);                                                                  \
        T (*dot)(ptrdiff_t n, const T *x, const T *y);                                                                 \
        void (*activate)(int activation, ptrdiff_t n, T *x);                                                           \
        void (*activate_gradient)(int activation, ptrdiff_t n, const T *y, T *dy);                                     \
        void (*softmax)(ptrdiff_t n, T *x);                                                                            \
        void (*update)(const Optimizer *optimizer, ptrdiff_t n, T *w, const T *g, T *slot_1, T *slot_2);               \
        /* elements first .. first + n of a batch, in place */                                                         \
        void (*dropout)(const Dropout *dropout, uint64_t first, ptrdiff_t n, T *x);                                    \
    } Kernels_##suffix;

DECLARE_KERNELS(float, f32)
DECLARE_KERNELS(double, f64)

typedef struct Isa {
    const char *name;
    Kernels_f32 f32;
    Kernels_f64 f64;
} Isa;

/* The instruction sets compiled in that this CPU runs, best first; NULL past the last. */
const Isa *fastmlp_isa(int index);

#endif
