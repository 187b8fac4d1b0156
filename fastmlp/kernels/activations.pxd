from cython cimport floating

from fastmlp.kernels.isa cimport Isa


cdef enum:
    MOST_SETTINGS = 3


cdef struct Settings:  # what an activation takes besides; those that it does not have are 0
    double numbers[MOST_SETTINGS]


cdef apply(str name, const floating[:, ::1] x, floating[:, ::1] out, int threads, double a=*, double b=*, double c=*)
cdef apply_gradient(str name, const floating[:, ::1] source, const floating[:, ::1] dy, floating[:, ::1] out,
                    int threads, double a=*, double b=*, double c=*)
cdef bint is_of_rows(int activation) noexcept nogil
cdef bint takes_input(int activation) noexcept nogil
cdef void activate_row(const Isa *isa, int activation, const double *settings, Py_ssize_t n,
                       floating *x) noexcept nogil
cdef void activate_row_gradient(const Isa *isa, int activation, const double *settings, Py_ssize_t n,
                                const floating *source, floating *dy) noexcept nogil


cdef enum:
    PIECE = 1024  # columns of a row that are summed in float32, as in c/elementwise.h


cdef inline Py_ssize_t piece_of(Py_ssize_t n, Py_ssize_t start, const floating *tag) noexcept nogil:
    """Columns of the piece of a row that starts there; in float64 all of them."""
    return min(<Py_ssize_t> PIECE, n - start) if floating is float else n
