from cython cimport floating


cpdef enum LossKind:
    MEAN_SQUARED_ERROR  # means over the columns
    MEAN_ABSOLUTE_ERROR
    MEAN_ABSOLUTE_PERCENTAGE_ERROR
    MEAN_SQUARED_LOGARITHMIC_ERROR
    HUBER
    LOG_COSH
    POISSON
    POISSON_FROM_LOGITS
    QUANTILE
    HINGE
    SQUARED_HINGE
    CATEGORICAL_HINGE  # of rows as a whole
    KL_DIVERGENCE
    KL_DIVERGENCE_FROM_LOGITS
    COSINE_SIMILARITY
    CATEGORICAL_CROSSENTROPY
    SPARSE_CATEGORICAL_CROSSENTROPY
    BINARY_CROSSENTROPY
    CATEGORICAL_CROSSENTROPY_FROM_LOGITS
    SPARSE_CATEGORICAL_CROSSENTROPY_FROM_LOGITS
    BINARY_CROSSENTROPY_FROM_LOGITS
    CATEGORICAL_FOCAL_CROSSENTROPY
    CATEGORICAL_FOCAL_CROSSENTROPY_FROM_LOGITS
    BINARY_FOCAL_CROSSENTROPY
    BINARY_FOCAL_CROSSENTROPY_FROM_LOGITS


cdef struct Loss:
    int kind
    double delta            # of HUBER
    double label_smoothing  # of the cross-entropies that take rows
    double alpha            # of the focal cross-entropies
    double beta             # of the binary one
    double gamma
    const double *quantiles  # of QUANTILE, one for each column


cdef Loss plain(int kind) noexcept nogil
cdef Loss focal(int kind, double alpha, double beta, double gamma) noexcept nogil
cdef losses(Loss loss, const floating *y_true, const int *labels, const floating[:, ::1] y, floating[::1] out,
            int threads)
cdef gradients(Loss loss, const floating *y_true, const int *labels, const floating[:, ::1] y, floating[:, ::1] out,
               int threads)
cdef int link_of(int kind) noexcept nogil
cdef Py_ssize_t classes_of(int kind, Py_ssize_t n) noexcept nogil
cdef void smooth_row(double label_smoothing, Py_ssize_t classes, Py_ssize_t n, const floating *t,
                     floating *out) noexcept nogil
cdef floating loss_of_row(const Loss *loss, Py_ssize_t n, const floating *t, int label,
                          const floating *y) noexcept nogil
cdef void gradient_of_row(const Loss *loss, Py_ssize_t n, Py_ssize_t rows, const floating *t, int label,
                          const floating *y, floating *out) noexcept nogil
