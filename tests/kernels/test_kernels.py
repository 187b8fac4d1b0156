"""Every public kernel against its twin in the oracle."""

import math

import numpy as np
import pytest

import reference
from fastmlp import kernels
from tests import bounds
from tests.cases import KERNELS, arguments, dimensions, inputs, to_lists

# one, primes, and below, at and above the rows (6, 8, 14) and the columns (8, 16, 32) of the register tiles
SIZES = [
    (1, 1, 1),
    (2, 3, 5),
    (5, 13, 7),
    (6, 2, 8),
    (7, 1, 9),
    (8, 16, 15),
    (13, 31, 16),
    (14, 5, 32),
    (15, 64, 17),
    (1, 130, 33),
    (29, 1, 31),
    (43, 37, 67),
]
IN_PLACE = [name for name in KERNELS if any(getattr(what, "updated", False) for what in inputs(name).values())]


def case(name, numbers, dtype, seed=0):
    """Arguments of a kernel whose dimensions are these numbers."""
    return arguments(name, dict(zip(dimensions(name), numbers, strict=False)), dtype, np.random.default_rng(seed))


def results(name, given, out):
    """What a call has computed: what it returned, and what it changed."""
    if name not in IN_PLACE:
        return [out]
    return [given[argument] for argument, what in inputs(name).items() if getattr(what, "updated", False)]


def expected(name, given):
    """The same of the oracle, on lists."""
    lists = to_lists(given)
    return results(name, lists, getattr(reference, name)(*lists.values()))


def call(name, given, threads=1):
    """Call a kernel on copies, so that the same arguments can be used again."""
    given = {argument: np.copy(x) if isinstance(x, np.ndarray) else x for argument, x in given.items()}
    return results(name, given, getattr(kernels, name)(**given, threads=threads))


def bits(arrays):
    return [np.asarray(array).tobytes() for array in arrays]


@pytest.mark.parametrize("numbers", SIZES, ids=lambda numbers: "x".join(map(str, numbers)))
@pytest.mark.parametrize("name", KERNELS)
def test_float64_has_the_oracles_bits(name, numbers, isa, threads):
    given = case(name, numbers, np.float64)
    outcome = call(name, given, threads)
    for array, nested in zip(outcome, expected(name, given), strict=True):
        assert np.array_equal(np.asarray(array), np.array(nested), equal_nan=False)
        assert np.asarray(array).tobytes() == np.array(nested, np.asarray(array).dtype).tobytes()


@pytest.mark.parametrize("numbers", SIZES, ids=lambda numbers: "x".join(map(str, numbers)))
@pytest.mark.parametrize("name", KERNELS)
def test_float32_is_within_the_derived_bound(name, numbers, isa, monkeypatch):
    given = case(name, numbers, np.float32)
    outcome = call(name, given)
    exact, returned = bounds.run(monkeypatch, name, list(to_lists(given).values()))
    nested = results(name, dict(zip(given, exact, strict=True)), returned)
    for array, tracked in zip(outcome, nested, strict=True):
        numbers_ = np.ravel(bounds.each(bounds.bounded, tracked))
        if numbers_.dtype == object:
            values = np.array([number.value for number in numbers_])
            errors = np.array([number.error for number in numbers_])
        else:  # integers
            values, errors = numbers_, np.zeros(numbers_.shape)
        assert np.isfinite(errors).all()
        allowed = errors * (1 + 2.0**-10) + bounds.TINY
        assert (np.abs(np.ravel(array) - values) <= allowed).all()


@pytest.mark.parametrize("name", KERNELS)
def test_cases_compute_something(name):
    for array in call(name, case(name, (15, 9, 33), np.float32)):
        assert np.isfinite(array).all()
        assert np.any(array)


@pytest.mark.parametrize("numbers", SIZES, ids=lambda numbers: "x".join(map(str, numbers)))
@pytest.mark.parametrize("name", KERNELS)
def test_float32_bits_do_not_depend_on_threads_or_fma_instruction_set(name, numbers):
    given = case(name, numbers, np.float32)
    before = kernels.isa.name()
    seen = {}
    for isa_name in kernels.isa.supported():
        kernels.isa.select(isa_name)
        for threads in 1, 2, 3:
            outcome = bits(call(name, given, threads))
            assert seen.setdefault(isa_name == "base", outcome) == outcome
    kernels.isa.select(before)


def strided(array):
    """The same values with room between them."""
    wide = np.full([2 * size + 1 for size in array.shape], 77, array.dtype)
    view = wide[tuple(slice(1, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def unaligned(array):
    memory = bytearray(1 + array.nbytes)
    view = np.frombuffer(memory, array.dtype, array.size, 1).reshape(array.shape)
    view[...] = array
    return view


LAYOUTS = {
    "strided": strided,
    "reversed": lambda array: np.ascontiguousarray(array[..., ::-1])[..., ::-1],
    "fortran": np.asfortranarray,
    "read_only": read_only,
    "unaligned": unaligned,
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", KERNELS)
def test_layout_of_the_inputs_does_not_matter(name, layout, dtype):
    given = case(name, (15, 9, 33), dtype)
    plain = call(name, given)
    laid_out = {
        argument: LAYOUTS[layout](x) if isinstance(x, np.ndarray) and not getattr(what, "updated", False) else x
        for (argument, x), what in zip(given.items(), inputs(name).values(), strict=True)
    }
    outcome = results(name, laid_out, getattr(kernels, name)(**laid_out))
    assert bits(outcome) == bits(plain)


@pytest.mark.parametrize("name", [name for name in KERNELS if "out" in getattr(kernels, name).contract])
def test_out_is_filled_and_returned(name):
    given = case(name, (15, 9, 33), np.float32)
    plain = getattr(kernels, name)(**given)
    out = np.full_like(plain, 7)
    assert getattr(kernels, name)(**given, out=out) is out
    assert np.array_equal(out, plain)
    with pytest.raises(ValueError, match=r"out: got .*, needs a writable C-contiguous"):
        getattr(kernels, name)(**given, out=out[..., ::-1] if out.size > 1 else out.astype(int))
    with pytest.raises(ValueError, match=r"out: got .*, needs a writable C-contiguous"):
        getattr(kernels, name)(**given, out=read_only(out))
    with pytest.raises(ValueError, match=r"out: got .*, needs a writable C-contiguous"):
        getattr(kernels, name)(**given, out=out[:-1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_values(dtype, isa):
    x = np.array([[np.nan, -0.0, 0.0, -np.inf, np.inf, 1e30, -1e30, 1e-30]], dtype)
    relu = kernels.relu(x)
    assert np.isnan(relu[0, 0])
    assert np.signbit(relu[0, 1])
    assert relu[0, 2:].tolist() == [0, 0, np.inf, x[0, 5], 0, x[0, 7]]
    assert np.isnan(kernels.sigmoid(x)[0, 0])
    assert np.allclose(kernels.sigmoid(x)[0, 1:], [0.5, 0.5, 0, 1, 1, 0, 0.5], rtol=1e-6, atol=1e-37)
    assert np.isnan(kernels.tanh(x)[0, 0])
    assert np.allclose(kernels.tanh(x)[0, 1:], [0, 0, -1, 1, 1, -1, 1e-30], rtol=1e-6, atol=0)
    assert np.isnan(kernels.softmax(x)).all()
    assert kernels.softmax(np.array([[1e4, -1e4, 1e4]], dtype)).tolist() == [[0.5, pytest.approx(0, abs=1e-37), 0.5]]
    assert kernels.tanh(np.array([[-0.0]], dtype)).tobytes() == np.array([[-0.0]], dtype).tobytes()


@pytest.mark.parametrize("function", ["sigmoid", "tanh"])
def test_float32_functions_stay_below_two_units_in_the_last_place(function, isa):
    x = np.linspace(-80, 80, 400_001, dtype=np.float32)[np.newaxis]
    x = np.concatenate([x, x / 64, x / 4096], axis=1)
    exact = getattr(kernels, function)(x.astype(np.float64))
    units = np.abs(getattr(kernels, function)(x) - exact) / np.spacing(np.abs(exact).astype(np.float32))
    # exp is good to 2 units; for sigmoid the sum and the division round once more each
    assert units.max() < {"tanh": 2, "sigmoid": 3}[function]


def test_philox_has_its_published_bits():
    # known answers of Random123 (D. E. Shaw Research), for a counter and a key of zeros, ones and digits of pi
    full = 0xFFFFFFFF
    for counter, key, words in [
        ([0] * 4, [0] * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ([full] * 4, [full] * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ]:
        assert [f"{word:08x}" for word in kernels.philox4x32(counter, key)] == words.split()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rate", [0.0, 0.25, 0.999, 1.0])
def test_dropout_draws_the_oracles_masks(rate, dtype, isa, threads):
    x = np.ones((37, 53), dtype)
    mask = kernels.dropout(x, rate, 2**63 + 1, 2**33 + 5, 7, threads=threads)
    oracle = np.array(reference.dropout(x.tolist(), rate, 2**63 + 1, 2**33 + 5, 7))
    assert np.array_equal(mask > 0, oracle > 0)
    assert np.array_equal(mask, oracle.astype(dtype))
    kept = np.count_nonzero(mask) / mask.size
    assert abs(kept - (1 - rate)) <= 5 * np.sqrt(rate * (1 - rate) / mask.size)


def test_float32_noise_is_the_rounded_noise_of_float64(isa):
    """float32's own logarithms, sines and cosines are nearly as exact as those of the C library."""
    nothing = np.zeros((300, 301))
    for step in range(3):
        exact = kernels.gaussian_noise(nothing, 0.3, 2**40 + 3, step, 2)
        drawn = kernels.gaussian_noise(nothing.astype(np.float32), 0.3, 2**40 + 3, step, 2)
        assert np.array_equal(drawn, exact.astype(np.float32))


def test_float32_losses_round_what_the_c_library_computes_in_double():
    """Its tanh of floats has other bits where it is compiled to fused multiply-adds."""
    errors = np.random.default_rng(0).normal(size=(1024, 1)).astype(np.float32)
    found = kernels.log_cosh_gradient(np.zeros_like(errors), errors)
    expected = np.array([[math.tanh(error)] for error in errors[:, 0].tolist()])
    assert np.array_equal(found * np.float32(1024), expected.astype(np.float32))
