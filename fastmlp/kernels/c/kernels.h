/* What is compiled once per instruction set: one table of function pointers for each float type.
 *
 * Every function works on plain arrays, allocates nothing and starts no thread. Matrices lie in panels of PANEL
 * columns, two vectors: element (i, j) is number i * PANEL + j % PANEL of panel j / PANEL, and panels follow each other
 * at a stride. In this one layout a matrix can be either operand of a product, or its transpose the left one.
 */
#ifndef FASTMLP_KERNELS_H
#define FASTMLP_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Lists of which each gives an enum to C, and to Python its words in one string, separated by blanks. */
#define ENTRY(name, ...) name,
#define QUOTED(name, ...) #name " "

/* The gradients of those from SILU on take their input, those of the others their output. Those from RECTIFIER on have
 * settings, in the order of the arguments of their kernels. */
#define ACTIVATIONS(X)                                                                                                 \
    X(LINEAR)                                                                                                          \
    X(RELU)                                                                                                            \
    X(SIGMOID)                                                                                                         \
    X(TANH)                                                                                                            \
    X(SOFTMAX)                                                                                                         \
    X(LOG_SOFTMAX)                                                                                                     \
    X(EXPONENTIAL)                                                                                                     \
    X(SOFTSIGN)                                                                                                        \
    X(HARD_SIGMOID)                                                                                                    \
    X(LEAKY_RELU)                                                                                                      \
    X(RELU6)                                                                                                           \
    X(ELU)                                                                                                             \
    X(SELU)                                                                                                            \
    X(SOFTPLUS)                                                                                                        \
    X(HARD_TANH)                                                                                                       \
    X(SPARSE_SIGMOID)                                                                                                  \
    X(LOG_SIGMOID)                                                                                                     \
    X(SPARSEMAX)                                                                                                       \
    X(SILU)                                                                                                            \
    X(GELU)                                                                                                            \
    X(MISH)                                                                                                            \
    X(HARD_SILU)                                                                                                       \
    X(GELU_TANH)                                                                                                       \
    X(TANH_SHRINK)                                                                                                     \
    X(SPARSE_PLUS)                                                                                                     \
    X(RECTIFIER)                                                                                                       \
    X(SCALED_ELU)                                                                                                      \
    X(SQUAREPLUS)                                                                                                      \
    X(HARD_SHRINK)                                                                                                     \
    X(SOFT_SHRINK)                                                                                                     \
    X(THRESHOLD)

enum Activation { ACTIVATIONS(ENTRY) };
#define ACTIVATION_NAMES ACTIVATIONS(QUOTED)

/* Each rule, and how many arrays it remembers for one of weights: its slots. */
#define OPTIMIZERS(X)                                                                                                  \
    X(SGD, 0)                                                                                                          \
    X(MOMENTUM, 1)                                                                                                     \
    X(NESTEROV, 1)                                                                                                     \
    X(RMSPROP, 1)                                                                                                      \
    X(RMSPROP_MOMENTUM, 2)                                                                                             \
    X(RMSPROP_CENTERED, 3)                                                                                             \
    X(ADAGRAD, 1)                                                                                                      \
    X(ADADELTA, 2)                                                                                                     \
    X(ADAM, 2)                                                                                                         \
    X(AMSGRAD, 3)                                                                                                      \
    X(ADAMAX, 2)                                                                                                       \
    X(NADAM, 2)                                                                                                        \
    X(LION, 1)                                                                                                         \
    X(FTRL, 2)                                                                                                         \
    X(SCHEDULE_FREE_ADAMW, 2)

/* STORE only keeps the gradient: w = g. */
enum OptimizerKind { OPTIMIZERS(ENTRY) STORE };
#define SLOTS_OF(name, slots) #slots " "
#define OPTIMIZER_NAMES OPTIMIZERS(QUOTED)
#define OPTIMIZER_SLOTS OPTIMIZERS(SLOTS_OF)

/* The scalar arguments of the rules. */
#define OPTIMIZER_SCALARS(X)                                                                                           \
    X(learning_rate)                                                                                                   \
    X(momentum)                                                                                                        \
    X(rho)                                                                                                             \
    X(beta_1)                                                                                                          \
    X(beta_2)                                                                                                          \
    X(epsilon)                                                                                                         \
    X(learning_rate_power)                                                                                             \
    X(l1)                                                                                                              \
    X(l2)                                                                                                              \
    X(l2_shrinkage)                                                                                                    \
    X(beta)                                                                                                            \
    X(warmup_steps)
#define FIELD(name) double name;
#define ONE_MORE(name) +1
#define SCALAR_NAMES OPTIMIZER_SCALARS(QUOTED)

typedef struct Optimizer {
    int kind;
    union {
        struct { OPTIMIZER_SCALARS(FIELD) };
        double scalars[0 OPTIMIZER_SCALARS(ONE_MORE)]; /* the same, by number */
    };
    /* around the rule, where is_adjusted */
    int is_adjusted;
    double clipvalue;    /* 0: none */
    double weight_decay; /* 0: none */
    int average_slot;    /* the slot with the average of the weights, or -1 */
    double ema_momentum;
    int64_t ema_overwrite_frequency; /* 0: never */
    int slot_count; /* with that of the average */
    /* of a step, set by at_step of optimizers.pyx */
    double step_size;  /* the learning rate, for ADAM and AMSGRAD corrected for the bias of the first steps */
    double correction; /* for the bias, of ADAMAX of its mean, of NADAM and SCHEDULE_FREE_ADAMW of the mean square */
    double weight_m;    /* of NADAM: what its mean and the gradient are multiplied by */
    double weight_g;
    double share; /* of SCHEDULE_FREE_ADAMW: of the newest z in the mean of all */
    double ema_momentum_now;
    int overwrites_now;
    int flushes_now; /* whether what is not normal of weights and slots becomes 0 */
    int starts_now; /* whether a slot that starts as the weights takes them */
} Optimizer;

/* Types of numbers that a network reads. */
enum Source { UINT8, FLOAT32, FLOAT64 };

/* A portion of a sum: whether there are portions before it and after it. */
enum Portion { GOES_ON = 1, TO_GO_ON = 2 };

/* What elements become in training, with d drawn for each: x d or 0; where dropped, `dropped` in place of x, and of
 * that scale x + shift; x + d; x + x d. */
enum NoiseKind { DROP, SATURATE, DISTURB, SCATTER };

typedef struct Noise {
    int kind;
    uint64_t seed;
    uint64_t step;
    uint32_t layer;
    /* of DROP and SATURATE */
    uint64_t threshold; /* a 32-bit word keeps its element when word >= threshold */
    double scale;
    double shift;
    double dropped;
    /* of DISTURB and SCATTER */
    double stddev;
} Noise;

#define DECLARE_KERNELS(T, suffix)                                                                                     \
    typedef struct Kernels_##suffix {                                                                                  \
        int panel_columns; /* PANEL; a tile is one or two vectors wide, PANEL / 2 or PANEL columns */                  \
        /* Products of a few rows with a panel, its first `vectors` vectors; a and b are panels, each sum runs over    \
         * p < depth in order. y = activation(sum of a[i][p] b[p][j] + bias[j]); a goes on at a + a_stride: */         \
        void (*multiply_rows)(int height, int vectors, ptrdiff_t depth, const T *a, ptrdiff_t a_stride, const T *b,    \
                              const T *bias, int activation, T *y);                                                    \
        /* c[i][j] = sum of a[p][i] b[p][j], of a portion of the sum, 0: all of it; until the last one c has the sums */\
        void (*multiply_columns)(int height, int vectors, int portion, ptrdiff_t depth, const T *a, const T *b, T *c); \
        /* y as above of the sums over n < count of a[n][i] b[index[n]][j], height 1 or 2, for any number of vectors:  \
         * of panels of b, b_stride apart, to panels of y, y_stride apart, whose rows are row_stride apart; of a       \
         * portion of a list too */                                                                                    \
        void (*multiply_listed)(int height, ptrdiff_t vectors, int portion, ptrdiff_t count, const uint32_t *index,    \
                                const T *a, const T *b, ptrdiff_t b_stride, const T *bias, int activation, T *y,       \
                                ptrdiff_t y_stride, ptrdiff_t row_stride);                                             \
        /* w -= rate * those sums */                                                                                   \
        void (*descend_listed)(int height, ptrdiff_t vectors, ptrdiff_t count, const uint32_t *index, const T *a,      \
                               const T *b, ptrdiff_t b_stride, T rate, T *w, ptrdiff_t w_stride);                      \
        /* y as above of the sums over n < count of a[n] b[index[n]][j], for any number of whole panels; rows of b are \
         * `pitch` apart. For a few columns without a bias, where b has `room`. w -= rate * those sums, rows a panel apart. */\
        void (*multiply_sparse)(ptrdiff_t panels, ptrdiff_t count, const uint32_t *index, const T *a, const T *b,      \
                                ptrdiff_t b_stride, ptrdiff_t pitch, const T *bias, int activation, T *y,              \
                                ptrdiff_t y_stride);                                                                   \
        void (*multiply_sparse_columns)(int columns, ptrdiff_t count, const uint32_t *index, const T *a, const T *b,   \
                                        ptrdiff_t pitch, ptrdiff_t room, T *y);                                        \
        int (*descend_sparse)(ptrdiff_t panels, ptrdiff_t count, const uint32_t *index, const T *a, const T *b,        \
                              ptrdiff_t b_stride, T rate, T *w, ptrdiff_t w_stride);                                   \
        /* one row of n numbers of the type `source` to panels; `later` is a row that will be wanted soon */           \
        void (*load)(int source, ptrdiff_t n, const void *x, const void *later, T *panels, ptrdiff_t stride);          \
        /* out[c * out_stride + r] = x[r * x_stride + c] */                                                            \
        void (*transpose)(ptrdiff_t rows, ptrdiff_t columns, const T *x, ptrdiff_t x_stride, T *out,                   \
                          ptrdiff_t out_stride);                                                                       \
        /* Lists of the numbers that are not 0, for multiply_listed; see nonzero.h and pairs.h. */                     \
        ptrdiff_t (*mark_nonzeros)(ptrdiff_t columns, const T *a, ptrdiff_t a_stride, uint64_t *bits);                 \
        ptrdiff_t (*list_rows)(ptrdiff_t columns, const T *x, const T *y, ptrdiff_t stride, const uint64_t *x_bits,    \
                               const uint64_t *y_bits, int32_t *starts, uint32_t *index, T *values);                   \
        ptrdiff_t (*count_columns)(ptrdiff_t rows, ptrdiff_t step, int columns, const T *a);                           \
        void (*list_columns)(ptrdiff_t rows, int columns, const T *a, ptrdiff_t capacity, int32_t *counts,             \
                             uint32_t *index, T *values);                                                              \
        /* of every column of a panel the sum over its rows, or of the squares or magnitudes there, in order */        \
        void (*sum_rows)(int portion, ptrdiff_t rows, const T *a, T *sums);                                            \
        void (*sum_squares)(ptrdiff_t rows, const T *a, T *sums);                                                      \
        void (*sum_magnitudes)(ptrdiff_t rows, const T *a, T *sums);                                                   \
        /* 0 for what is smaller than the smallest normal number, see flush.h */                                       \
        void (*flush_denormals)(ptrdiff_t n, T *x);                                                                    \
        void (*rescale)(ptrdiff_t n, double scale, double offset, T *x);                                               \
        T (*dot)(ptrdiff_t n, const T *x, const T *y);                                                                 \
        void (*activate)(int activation, const double *settings, ptrdiff_t n, T *x);                                   \
        void (*activate_gradient)(int activation, const double *settings, ptrdiff_t n, const T *from, T *dy);          \
        void (*softmax)(ptrdiff_t n, T *x);                                                                            \
        void (*log_softmax)(ptrdiff_t n, T *x);                                                                        \
        void (*log_softmax_gradient)(ptrdiff_t n, const T *y, T *dy);                                                  \
        void (*sparsemax)(ptrdiff_t n, T *x);                                                                          \
        void (*sparsemax_gradient)(ptrdiff_t n, const T *y, T *dy);                                                    \
        /* n weights by their gradient, which is clipped in place, and what is around the rule */                      \
        int (*update)(const Optimizer *optimizer, ptrdiff_t n, T *w, T *g, T *const *slots);                           \
        int (*are_finite)(ptrdiff_t n, const T *x);                                                                    \
        void (*add_penalty)(ptrdiff_t n, T l1, T twice_l2, const T *w, T *g);                                          \
        void (*clip_by_value)(ptrdiff_t n, double clipvalue, T *g);                                                    \
        void (*decay_weights)(ptrdiff_t n, double weight_decay, double learning_rate, T *w);                           \
        void (*average_weights)(ptrdiff_t n, double ema_momentum, const T *w, T *average);                             \
        /* rows in panels, in place, whose first element is number `first` of the batch; one row whose panels are      \
         * PANEL apart lies as it does in an array */                                                                  \
        void (*add_noise)(const Noise *noise, uint64_t first, ptrdiff_t rows, ptrdiff_t columns, T *x,                 \
                          ptrdiff_t stride);                                                                           \
        /* Normalization of a panel's columns, to which four vectors belong, PANEL apart: mean, inverse (deviation),   \
         * factor and offset. y = (x - mean) * factor + offset */                                                      \
        void (*column_moments)(ptrdiff_t rows, const T *x, T *mean, T *variance);                                      \
        void (*normalize_columns)(ptrdiff_t rows, const T *x, const T *columns, T *y);                                 \
        /* the sums over the rows of dy * (x - mean) * inverse, and behind them those of dy */                         \
        void (*sum_normalized_columns)(ptrdiff_t rows, const T *x, const T *dy, const T *columns, T *sums);            \
        /* dx = factor * dy, less the parts of dy that mean and deviation take up where `sums` are given */            \
        void (*normalize_columns_gradient)(ptrdiff_t rows, const T *x, const T *dy, const T *columns, const T *sums,   \
                                           T *dx);                                                                     \
        /* Normalization of rows in panels, to each of which belong a mean and an inverse. gamma and beta may be NULL. \
         * y = (x - mean) * inverse * gamma + beta */                                                                  \
        void (*normalize_rows)(ptrdiff_t rows, ptrdiff_t columns, const T *x, ptrdiff_t x_stride, double epsilon,      \
                               const T *gamma, const T *beta, T *statistics, T *y, ptrdiff_t y_stride);                \
        /* dx = inverse * (g - mean(g) - normal * mean(g * normal)), g = dy * gamma */                                 \
        void (*normalize_rows_gradient)(ptrdiff_t rows, ptrdiff_t columns, const T *x, ptrdiff_t x_stride,             \
                                        const T *dy, ptrdiff_t dy_stride, const T *gamma, const T *statistics, T *dx,  \
                                        ptrdiff_t dx_stride);                                                          \
        /* as sum_normalized_columns, for a panel of such rows */                                                      \
        void (*sum_normalized_rows)(ptrdiff_t rows, const T *x, const T *dy, const T *statistics, T *sums);            \
        /* rows divided by their lengths, in place; dx = (dx - y * sum of dx y) / length, in place */                  \
        void (*unit_rows)(ptrdiff_t rows, ptrdiff_t columns, T *x, ptrdiff_t stride);                                  \
        void (*unit_rows_gradient)(ptrdiff_t rows, ptrdiff_t columns, const T *x, ptrdiff_t x_stride, T *dx,           \
                                   ptrdiff_t dx_stride);                                                               \
    } Kernels_##suffix;

DECLARE_KERNELS(float, f32)
DECLARE_KERNELS(double, f64)

typedef struct Isa {
    const char *name;
    int tile_rows; /* the most rows of a tile */
    /* whether n numbers of a type of enum Source are all finite, and within the range of the type `target` */
    int (*all_finite)(int source, int target, ptrdiff_t n, const void *x);
    ptrdiff_t (*pair_rows)(int rows, ptrdiff_t words, const uint64_t *bits, const int32_t *counts, int32_t *order);
    /* y = activation(x . transpose(w) + bias) of float32 with at most 16 outputs, whose rows lie in panels of w; x and
     * y are panels too. See narrow.h. */
    void (*multiply_narrow)(ptrdiff_t rows, ptrdiff_t columns, int outputs, const float *x, ptrdiff_t x_stride,
                            const float *w, const float *bias, int activation, float *y, ptrdiff_t y_stride);
    Kernels_f32 f32;
    Kernels_f64 f64;
} Isa;

/* The instruction sets compiled in that this CPU runs, best first; NULL past the last. */
const Isa *fastmlp_isa(int index);

#endif
