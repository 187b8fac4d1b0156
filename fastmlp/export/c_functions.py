"""The C functions of exported models: twins of the engine's loops, one row at a time.

In the text `$T` is the float type, and `$name` another of these functions or, where there is none, the C library's.
Sums run in index order; in float32, activations and normalizations add up pieces of 1,024 numbers in double. In float64
exp, tanh and their like are the C library's. In float32 they are the engine's own, and products are fused. So the bits
are those of the engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.resources import files

from fastmlp.kernels.engine.description import ACTIVATION_SETTINGS

# products: each sum is one chain, in float32 of fused steps; `narrow` has sixteen, of every sixteenth term
PRODUCTS_F32 = r"""
static void $dense(int rows, int inputs, int units, const float *x, const float *kernel, const float *bias, float *y)
{
    for (; rows > 0; rows--, x += inputs, y += units) {
        for (int j = 0; j < units; j++)
            y[j] = 0;
        for (int p = 0; p < inputs; p++)
            for (int j = 0; j < units; j++)
                y[j] = fmaf(x[p], kernel[p * units + j], y[j]);
        for (int j = 0; j < units; j++)
            y[j] = bias ? (y[j] + 0.0f) + bias[j] : y[j] + 0.0f;
    }
}

static void $narrow(int rows, int inputs, int units, const float *x, const float *kernel, const float *bias, float *y)
{
    for (; rows > 0; rows--, x += inputs, y += units)
        for (int j = 0; j < units; j++) {
            float sums[16] = {0};
            for (int p = 0; p < inputs; p++)
                sums[p % 16] = fmaf(x[p], kernel[p * units + j], sums[p % 16]);
            for (int half = 8; half > 0; half /= 2)
                for (int s = 0; s < half; s++)
                    sums[s] += sums[s + half];
            y[j] = bias ? (sums[0] + 0.0f) + bias[j] : sums[0] + 0.0f;
        }
}
"""

PRODUCTS_F64 = r"""
static void $dense(int rows, int inputs, int units, const double *x, const double *kernel, const double *bias,
                   double *y)
{
    for (; rows > 0; rows--, x += inputs, y += units) {
        for (int j = 0; j < units; j++)
            y[j] = 0;
        for (int p = 0; p < inputs; p++)
            for (int j = 0; j < units; j++)
                y[j] = y[j] + x[p] * kernel[p * units + j];
        for (int j = 0; j < units; j++)
            y[j] = bias ? y[j] + bias[j] : y[j];
    }
}
"""

SHARED = r"""
/* in float32 what is smaller than the smallest normal number is 0 */
static $T $kept($T v) { return sizeof($T) == 4 && v < 1.17549435e-38f ? 0 : v; }

static $T $logistic($T v) { return $kept(1 / (1 + $exp(-v))); }

static $T $softplus($T v) { return (v < 0 ? 0 : v) + $log1p($exp(v < 0 ? v : -v)); }

static $T $normal_share($T v) { return ($T)0.5 * (1 + $erf(v * ($T)0.70710678118654757)); }

static $T $hard_logistic($T v)
{
    const $T u = v + 3;
    return (u < 0 ? 0 : u > 6 ? 6 : u) / 6;
}

static $T $largest_of(int n, const $T *y)
{
    $T largest = y[0];
    for (int j = 1; j < n; j++)
        largest = y[j] > largest ? y[j] : largest;
    return largest;
}

static void $softmax(int rows, int n, $T *y)
{
    for (; rows > 0; rows--, y += n) {
        const $T largest = $largest_of(n, y);
        double sum = 0; /* of pieces */
        $T piece = 0;
        for (int j = 0; j < n; j++) {
            y[j] = $exp(y[j] - largest);
            piece += y[j];
            if (sizeof($T) == 4 && j % 1024 == 1023) {
                sum += piece;
                piece = 0;
            }
        }
        const $T total = ($T)(sum + piece);
        for (int j = 0; j < n; j++)
            y[j] = $kept(y[j] / total);
    }
}

static void $log_softmax(int rows, int n, $T *y)
{
    for (; rows > 0; rows--, y += n) {
        const $T largest = $largest_of(n, y);
        double sum = 0; /* of pieces */
        $T piece = 0;
        for (int j = 0; j < n; j++) {
            y[j] = y[j] - largest;
            piece += $exp(y[j]);
            if (sizeof($T) == 4 && j % 1024 == 1023) {
                sum += piece;
                piece = 0;
            }
        }
        const $T logarithm = $log(($T)(sum + piece));
        for (int j = 0; j < n; j++)
            y[j] = y[j] - logarithm;
    }
}

/* those that stay are above the threshold that makes their sum 1 */
static void $sparsemax(int rows, int n, $T *y)
{
    for (; rows > 0; rows--, y += n) {
        const $T largest = $largest_of(n, y);
        double sum = 0; /* of pieces */
        $T piece = 0;
        for (int j = 0; j < n; j++) {
            y[j] = y[j] - largest;
            piece += y[j];
            if (sizeof($T) == 4 && j % 1024 == 1023) {
                sum += piece;
                piece = 0;
            }
        }
        $T threshold = (($T)(sum + piece) - 1) / ($T)n;
        for (int inside = n, before = 0; inside != before;) {
            before = inside;
            inside = 0;
            sum = piece = 0;
            for (int j = 0; j < n; j++) {
                if (y[j] > threshold) {
                    piece += y[j];
                    inside++;
                }
                if (sizeof($T) == 4 && j % 1024 == 1023) {
                    sum += piece;
                    piece = 0;
                }
            }
            if (inside != before)
                threshold = (($T)(sum + piece) - 1) / ($T)inside;
        }
        for (int j = 0; j < n; j++)
            y[j] = y[j] > threshold ? y[j] - threshold : y[j] == y[j] ? 0 : y[j];
    }
}

static void $scale(int rows, int n, const $T *mean, const $T *factor, const $T *offset, $T *y)
{
    for (; rows > 0; rows--, y += n)
        for (int j = 0; j < n; j++)
            y[j] = (y[j] - mean[j]) * factor[j] + offset[j];
}

static void $rescaling(int n, $T scale, $T offset, $T *y)
{
    for (int j = 0; j < n; j++)
        y[j] = y[j] * scale + offset;
}

static void $layer_normalization(int rows, int n, $T epsilon, const $T *gamma, const $T *beta, $T *y)
{
    for (; rows > 0; rows--, y += n) {
        double sum = 0, squares = 0; /* of pieces */
        $T piece = 0;
        for (int j = 0; j < n; j++) {
            piece += y[j];
            if (sizeof($T) == 4 && j % 1024 == 1023) {
                sum += piece;
                piece = 0;
            }
        }
        const $T mean = ($T)(sum + piece) / ($T)n;
        piece = 0;
        for (int j = 0; j < n; j++) {
            piece += (y[j] - mean) * (y[j] - mean);
            if (sizeof($T) == 4 && j % 1024 == 1023) {
                squares += piece;
                piece = 0;
            }
        }
        const $T inverse = 1 / $sqrt(($T)(squares + piece) / ($T)n + epsilon);
        for (int j = 0; j < n; j++)
            y[j] = ((y[j] - mean) * inverse) * (gamma ? gamma[j] : 1) + (beta ? beta[j] : 0);
    }
}

static void $unit_normalization(int rows, int n, $T *y)
{
    for (; rows > 0; rows--, y += n) {
        double squares = 0; /* of pieces */
        $T piece = 0;
        for (int j = 0; j < n; j++) {
            piece += y[j] * y[j];
            if (sizeof($T) == 4 && j % 1024 == 1023) {
                squares += piece;
                piece = 0;
            }
        }
        const double length = sqrt(($T)(squares + piece));
        for (int j = 0; j < n; j++)
            y[j] = y[j] / ($T)(length < 1e-12 ? 1e-12 : length);
    }
}

static void $prelu(int rows, int n, const $T *alpha, $T *y)
{
    for (; rows > 0; rows--, y += n)
        for (int j = 0; j < n; j++)
            y[j] = y[j] > 0 ? y[j] : alpha[j] * y[j];
}

/* numbers past the ends of the table count as its ends */
static void $embedding(int n, int last, int columns, const $T *x, const $T *table, $T *y)
{
    for (int j = 0; j < n; j++, y += columns) {
        const int row = !(x[j] > 0) ? 0 : x[j] < ($T)last ? (int)x[j] : last;
        memcpy(y, table + (size_t)row * columns, columns * sizeof *y);
    }
}

static void $add(int n, const $T *x, $T *y)
{
    for (int j = 0; j < n; j++)
        y[j] = y[j] + x[j];
}

static void $subtract(int n, const $T *x, $T *y)
{
    for (int j = 0; j < n; j++)
        y[j] = y[j] - x[j];
}

static void $multiply(int n, const $T *x, $T *y)
{
    for (int j = 0; j < n; j++)
        y[j] = y[j] * x[j];
}

static void $maximum(int n, const $T *x, $T *y)
{
    for (int j = 0; j < n; j++)
        y[j] = x[j] > y[j] || x[j] != x[j] ? x[j] : y[j];
}

static void $minimum(int n, const $T *x, $T *y)
{
    for (int j = 0; j < n; j++)
        y[j] = x[j] < y[j] || x[j] != x[j] ? x[j] : y[j];
}

static void $divide(int n, $T divisor, $T *y)
{
    for (int j = 0; j < n; j++)
        y[j] = y[j] / divisor;
}

/* columns of rows that lie `stride` apart */
static void $put(int rows, int columns, int stride, const $T *x, $T *y)
{
    for (; rows > 0; rows--, x += columns, y += stride)
        memcpy(y, x, columns * sizeof *y);
}
"""

# formulas of single elements, of the input v and the settings; each becomes a loop, `$apply_relu`
ELEMENTWISE = {
    "relu": "v < 0 ? 0 : v",
    "sigmoid": "$logistic(v)",
    "tanh": "$tanh(v)",
    "exponential": "$exp(v)",
    "softsign": "v / (1 + (v < 0 ? -v : v))",
    "hard_sigmoid": "$hard_logistic(v)",
    "leaky_relu": "v > 0 ? v : ($T)0.2 * v",
    "relu6": "v < 0 ? 0 : v > 6 ? 6 : v",
    "elu": "v > 0 ? v : $expm1(v)",
    "selu": "v > 0 ? ($T)1.0507009873554805 * v : ($T)(1.0507009873554805 * 1.6732632423543772) * $expm1(v)",
    "softplus": "$softplus(v)",
    "silu": "v * $logistic(v)",
    "gelu": "v * $normal_share(v)",
    "mish": "v * $tanh($softplus(v))",
    "hard_silu": "v * $hard_logistic(v)",
    "hard_tanh": "v < -1 ? -1 : v > 1 ? 1 : v",
    "sparse_sigmoid": "v < -1 ? 0 : v > 1 ? 1 : ($T)0.5 * (v + 1)",
    "log_sigmoid": "-$softplus(-v)",
    "gelu_tanh": (
        "v * (($T)0.5 * (1 + $tanh(($T)0.7978845608028654 * (v + ($T)0.044715 * (v * (v * v))))))"  # sqrt(2 / pi)
    ),
    "tanh_shrink": "v - $tanh(v)",
    "sparse_plus": "v <= -1 ? 0 : v < 1 ? ($T)0.25 * ((v + 1) * (v + 1)) : v",
    "rectifier": (
        "v > threshold ? (v < max_value ? v : max_value)"
        " : negative_slope == 0 && v <= threshold ? 0 : negative_slope * (v - threshold)"
    ),
    "scaled_elu": "v > 0 ? v : alpha * $expm1(v / width)",
    "squareplus": "($T)0.5 * (v + $sqrt(v * v + b))",
    "hard_shrink": "-threshold <= v && v <= threshold ? 0 : v",
    "soft_shrink": "-threshold <= v && v <= threshold ? 0 : v > threshold ? v - threshold : v + threshold",
    "threshold": "v <= threshold ? default_value : v",
}


def loop_over(activation: str) -> str:
    """Return the text of the function that applies an activation to each element."""
    settings = "".join(f"$T {name}, " for name in ACTIVATION_SETTINGS.get(activation, ()))
    return f"""\
static void $apply_{activation}(int n, {settings}$T *y)
{{
    for (int j = 0; j < n; j++) {{
        const $T v = y[j];
        y[j] = {ELEMENTWISE[activation]};
    }}
}}"""


def functions(dtype: str) -> dict[str, str]:
    """Return the texts of all functions by name, each after those that it uses."""
    texts = [mathematics(), PRODUCTS_F32] if dtype == "float32" else [PRODUCTS_F64]
    return named("\n\n".join([*texts, SHARED])) | {f"apply_{name}": loop_over(name) for name in ELEMENTWISE}


def mathematics() -> str:
    """Return the functions of float32 from the engine's header: exp, expm1, tanh, log1p and erf."""
    text = (files("fastmlp.kernels") / "c" / "math_f32.h").read_text(encoding="utf-8")
    body = text.partition("#include <string.h>\n")[2].rpartition("#endif")[0]
    return re.sub(r"\b(\w+)_f32\b", r"$\1", body.replace("SCALAR_FMA_F32", "fmaf"))


def named(texts: str) -> dict[str, str]:
    """Return the functions of a text, with empty lines between them, by the names that come first in them."""
    blocks = re.split(r"\n{2,}", texts.strip())
    return {re.search(r"\$(?!T\b)(\w+)", block)[1]: block for block in blocks}  # type: ignore[index]


def needed(names: Iterable[str], known: Mapping[str, str]) -> list[str]:
    """Return the texts of functions and of those that they use, in the order of all that are known."""
    found = set(names)
    waiting = list(found)
    while waiting:
        for other in re.findall(r"\$(\w+)", known[waiting.pop()]):
            if other in known and other not in found:
                found.add(other)
                waiting.append(other)
    return [text for name, text in known.items() if name in found]


def written(text: str, prefix: str, dtype: str, known: Mapping[str, str]) -> str:
    """Return a text with the names that functions have in a file, all of which begin with `prefix`."""

    def name(match: re.Match[str]) -> str:
        if match[1] == "T":
            return "float" if dtype == "float32" else "double"
        if match[1] in known:
            return f"{prefix}_{match[1]}"
        return match[1] + "f" * (dtype == "float32")  # the C library's

    return re.sub(r"\$(\w+)", name, text)
