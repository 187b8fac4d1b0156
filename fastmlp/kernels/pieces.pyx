"""Activations of pieces, and their gradients; twin of reference/pieces.py, where each has its equation.

The loops are those of c/activations.h.
"""

from cython cimport floating

from fastmlp.kernels.activations cimport apply, apply_gradient


def hard_shrink(const floating[:, ::1] x, double threshold, floating[:, ::1] out, int threads):
    """out = x where |x| > threshold, else 0."""
    apply[floating]("hard_shrink", x, out, threads, threshold)


def hard_shrink_gradient(const floating[:, ::1] x, const floating[:, ::1] dy, double threshold, floating[:, ::1] out,
                         int threads):
    """out = dy where |x| > threshold, else 0."""
    apply_gradient[floating]("hard_shrink", x, dy, out, threads, threshold)


def hard_tanh(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = min(max(x, -1), 1)."""
    apply[floating]("hard_tanh", x, out, threads)


def hard_tanh_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy where -1 < y < 1, else 0."""
    apply_gradient[floating]("hard_tanh", y, dy, out, threads)


def rectifier(const floating[:, ::1] x, double negative_slope, double threshold, double max_value,
              floating[:, ::1] out, int threads):
    """out = min(x, max_value) where x > threshold, else negative_slope * (x - threshold)."""
    apply[floating]("rectifier", x, out, threads, negative_slope, threshold, max_value)


def rectifier_gradient(const floating[:, ::1] x, const floating[:, ::1] dy, double negative_slope, double threshold,
                       double max_value, floating[:, ::1] out, int threads):
    """out = dy where threshold < x < max_value, 0 above, negative_slope * dy below."""
    apply_gradient[floating]("rectifier", x, dy, out, threads, negative_slope, threshold, max_value)


def soft_shrink(const floating[:, ::1] x, double threshold, floating[:, ::1] out, int threads):
    """out = x - threshold where x > threshold, x + threshold where x < -threshold, else 0."""
    apply[floating]("soft_shrink", x, out, threads, threshold)


def soft_shrink_gradient(const floating[:, ::1] x, const floating[:, ::1] dy, double threshold, floating[:, ::1] out,
                         int threads):
    """out = dy where |x| > threshold, else 0."""
    apply_gradient[floating]("soft_shrink", x, dy, out, threads, threshold)


def sparse_plus(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = 0 where x <= -1, x where x >= 1, and (x + 1)^2 / 4 between."""
    apply[floating]("sparse_plus", x, out, threads)


def sparse_plus_gradient(const floating[:, ::1] x, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy * sparse_sigmoid(x)."""
    apply_gradient[floating]("sparse_plus", x, dy, out, threads)


def sparse_sigmoid(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = (min(max(x, -1), 1) + 1) / 2."""
    apply[floating]("sparse_sigmoid", x, out, threads)


def sparse_sigmoid_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy / 2 where 0 < y < 1, else 0."""
    apply_gradient[floating]("sparse_sigmoid", y, dy, out, threads)


def threshold(const floating[:, ::1] x, double threshold, double default_value, floating[:, ::1] out, int threads):
    """out = x where x > threshold, else default_value."""
    apply[floating]("threshold", x, out, threads, threshold, default_value)


def threshold_gradient(const floating[:, ::1] x, const floating[:, ::1] dy, double threshold, double default_value,
                       floating[:, ::1] out, int threads):
    """out = dy where x > threshold, else 0, whatever the default_value."""
    apply_gradient[floating]("threshold", x, dy, out, threads, threshold, default_value)
