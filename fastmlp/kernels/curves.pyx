"""Further activations with bends, and their gradients; twin of reference/curves.py, where each has its equation.

The loops are those of c/activations.h and c/elementwise.h.
"""

from cython cimport floating

from fastmlp.kernels.activations cimport apply, apply_gradient


def gelu_tanh(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = x * (1 + tanh(u)) / 2, where u = sqrt(2 / pi) (x + 0.044715 x^3)."""
    apply[floating]("gelu_tanh", x, out, threads)


def gelu_tanh_gradient(const floating[:, ::1] x, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy * ((1 + t) / 2 + x * (1 - t^2) / 2 * u'), where t = tanh(u)."""
    apply_gradient[floating]("gelu_tanh", x, dy, out, threads)


def log_sigmoid(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = -softplus(-x)."""
    apply[floating]("log_sigmoid", x, out, threads)


def log_sigmoid_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy * (1 - exp(y)), which is dy * sigmoid(-x)."""
    apply_gradient[floating]("log_sigmoid", y, dy, out, threads)


def scaled_elu(const floating[:, ::1] x, double alpha, double width, floating[:, ::1] out, int threads):
    """out = x where x > 0, else alpha * (exp(x / width) - 1)."""
    apply[floating]("scaled_elu", x, out, threads, alpha, width)


def scaled_elu_gradient(const floating[:, ::1] x, const floating[:, ::1] dy, double alpha, double width,
                        floating[:, ::1] out, int threads):
    """out = dy where x > 0, else dy * alpha / width * exp(x / width)."""
    apply_gradient[floating]("scaled_elu", x, dy, out, threads, alpha, width)


def sparsemax(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out[i, j] = max(x[i, j] - t_i, 0), where t_i makes the sum of a row 1."""
    apply[floating]("sparsemax", x, out, threads)


def sparsemax_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out[i, j] = dy[i, j] - mean of the dy[i, k] where y[i, k] > 0, if y[i, j] > 0, else 0."""
    apply_gradient[floating]("sparsemax", y, dy, out, threads)


def squareplus(const floating[:, ::1] x, double b, floating[:, ::1] out, int threads):
    """out = (x + sqrt(x^2 + b)) / 2."""
    apply[floating]("squareplus", x, out, threads, b)


def squareplus_gradient(const floating[:, ::1] x, const floating[:, ::1] dy, double b, floating[:, ::1] out,
                        int threads):
    """out = dy * (1 + x / sqrt(x^2 + b)) / 2."""
    apply_gradient[floating]("squareplus", x, dy, out, threads, b)


def tanh_shrink(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = x - tanh(x)."""
    apply[floating]("tanh_shrink", x, out, threads)


def tanh_shrink_gradient(const floating[:, ::1] x, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy * tanh(x)^2."""
    apply_gradient[floating]("tanh_shrink", x, dy, out, threads)
