"""Rectifiers, straight and smooth, and their gradients; twin of reference/rectifiers.py, where each has its equation.

The loops are those of c/activations.h.
"""

from cython cimport floating

from fastmlp.kernels.activations cimport apply, apply_gradient


def leaky_relu(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = x where x > 0, else 0.2 x."""
    apply[floating]("leaky_relu", x, out, threads)


def leaky_relu_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy where y > 0, else 0.2 dy."""
    apply_gradient[floating]("leaky_relu", y, dy, out, threads)


def relu6(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = min(max(x, 0), 6)."""
    apply[floating]("relu6", x, out, threads)


def relu6_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy where 0 < y < 6, else 0."""
    apply_gradient[floating]("relu6", y, dy, out, threads)


def elu(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = x where x > 0, else exp(x) - 1."""
    apply[floating]("elu", x, out, threads)


def elu_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy where y > 0, else dy * (y + 1)."""
    apply_gradient[floating]("elu", y, dy, out, threads)


def selu(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = scale * x where x > 0, else scale * alpha * (exp(x) - 1)."""
    apply[floating]("selu", x, out, threads)


def selu_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = scale * dy where y > 0, else dy * (y + scale * alpha)."""
    apply_gradient[floating]("selu", y, dy, out, threads)


def softplus(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = log(1 + exp(x))."""
    apply[floating]("softplus", x, out, threads)


def softplus_gradient(const floating[:, ::1] y, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy * (1 - exp(-y))."""
    apply_gradient[floating]("softplus", y, dy, out, threads)


def silu(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = x * sigmoid(x)."""
    apply[floating]("silu", x, out, threads)


def silu_gradient(const floating[:, ::1] x, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy * (s * (1 + x * (1 - s))), s = sigmoid(x)."""
    apply_gradient[floating]("silu", x, dy, out, threads)


def gelu(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = x * (1 + erf(x / sqrt(2))) / 2."""
    apply[floating]("gelu", x, out, threads)


def gelu_gradient(const floating[:, ::1] x, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy * (P(x) + x * p(x)), with the normal distribution P and its density p."""
    apply_gradient[floating]("gelu", x, dy, out, threads)


def mish(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = x * tanh(softplus(x))."""
    apply[floating]("mish", x, out, threads)


def mish_gradient(const floating[:, ::1] x, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy * (t + x * ((1 - t^2) * sigmoid(x))), t = tanh(softplus(x))."""
    apply_gradient[floating]("mish", x, dy, out, threads)


def hard_silu(const floating[:, ::1] x, floating[:, ::1] out, int threads):
    """out = x * min(max(x + 3, 0), 6) / 6."""
    apply[floating]("hard_silu", x, out, threads)


def hard_silu_gradient(const floating[:, ::1] x, const floating[:, ::1] dy, floating[:, ::1] out, int threads):
    """out = dy * (min(max(x + 3, 0), 6) / 6 + x / 6), without x / 6 where x is not inside (-3, 3)."""
    apply_gradient[floating]("hard_silu", x, dy, out, threads)
