"""Hostile values, as Hypothesis strategies: what nobody should pass, and right values in an unusual form.

`hostile(right)` draws one in place of the right value: from what is wrong anywhere, and from the right value spoilt. A
`Same` is no spoilt one: it is the right value by another type or layout, with which the result must be the same.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import math
import pathlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st


class Own(Exception):
    """What the objects below raise: an error of the caller's code, which may come through."""


class Liar:
    """An object some of whose special methods raise, or say what is not so."""

    def __init__(self, *names, answer=Own):
        self.names, self.answer = names, answer

    def __repr__(self):
        answer = getattr(self.answer, "__name__", self.answer)
        return f"Liar({', '.join(map(repr, self.names))}, answer={answer})"


def liar(names, answer):
    """An object of a class of its own that has these methods."""

    def method(self, *args, **kwargs):
        if answer is Own:
            raise Own("of the caller's own code")
        return answer

    def item(self, number):
        if isinstance(number, int) and number >= 1_000:  # with no end at all, Python's own list would not end
            raise IndexError(number)
        return method(self)

    cls = type("Liar", (Liar,), {name: item if name == "__getitem__" else method for name in names})
    return cls(*names, answer=answer)


class Text(str):
    """A string of a class of its own."""


class Whole(int):
    """An integer of a class of its own."""


class Rows(np.ndarray):
    """An array of a class of its own."""


class Deceiving(np.ndarray):
    """An array whose class says that it is empty, and whose items it keeps to itself."""

    def __len__(self):
        return 0

    def __getitem__(self, item):
        raise Own("of the caller's own code")


class Function:
    """A function of any arguments that returns something useless, or raises."""

    def __init__(self, answer):
        self.answer = answer

    def __call__(self, *args, **kwargs):
        if self.answer is Own:
            raise Own("of the caller's own code")
        return self.answer

    def __repr__(self):
        return f"Function({getattr(self.answer, '__name__', self.answer)!r:.60})"


class Generator:
    """Makes a new generator each time it is asked for its right form, for a generator gives its items once."""

    def __init__(self, items):
        self.items = items

    def __repr__(self):
        return f"generator of {short(self.items)}"


@dataclass
class Same:
    """A right value in another form."""

    value: Any
    form: str


NUMBERS = [
    0, 1, -1, 2, 3, 7, 10**3, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**13,
    10**400, -(10**400), 10**5000, True, False, 0.0, -0.0, 0.5, 1.5, -1.5, 1e-45, 5e-324, 1e-7, 3e38, 1e39, 1e300,
    math.inf, -math.inf, math.nan, 1j, complex(math.nan, 1.0), np.float32(0.5), np.float16(2.0), np.int8(-1),
    np.uint64(2**64 - 1), np.bool_(True), np.float64("nan"), np.longdouble(1), np.complex64(1),
    fractions.Fraction(1, 3), fractions.Fraction(10**400, 3), decimal.Decimal("0.5"), decimal.Decimal("NaN"),
    decimal.Decimal("sNaN"), np.datetime64("2020-01-01"), np.datetime64("NaT"), np.timedelta64(3, "D"),
    datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 1),
]  # fmt: skip
TEXTS = [
    "", " ", "x", "relu", "sgd", "mse", "adam", "auto", "none", "None", "nan", "1", "-1", "0", "\x00", "a\x00b",
    "\ud800", "é", "\u202e", "x" * 300, "x" * 100_000, "a/b", "..", ".", "../x", "%s", "{0}", "{", "\n", "float16",
    "float128", "object", "int32", "U500000000", "model.keras", "model.h5", "model.onnx", "model.svg",
    "absent/x.safetensors", b"", b"relu", b"\xff\xfe", bytearray(b"abc"), memoryview(b"abcd"), Text("relu"), Text(""),
    pathlib.Path("x"), pathlib.Path("\x00"),
]  # fmt: skip
FORMS = [
    [], (), {}, set(), frozenset({1}), [[]], [[], []], [[1.0], [1.0, 2.0]], [[1.0, 2.0], [3.0]],
    [[[1.0]], [[1.0, 2.0]]], [None], [None, 1.0], ["a", "b"], ["a", 1], [10**400], [[10**400] * 4] * 6, [10**13],
    [-1], [2**63], [math.nan], [math.inf], [True, False], [object()], [b"a"], (1,), (0,), (-1,), (None,), (None, 4),
    (2, None), (4, 4, 4), (2**31, 2**31), (10**400,), (1.5,), ("a",), range(0), range(6), range(10**18), {"a": 1},
    {1: 2}, {None: None}, {(1, 2): [3]}, {"a": 10**400}, {0: 1.0, 1: math.nan}, {0: 10**400},
    {"class_name": "Dense", "config": {}}, {"class_name": 3, "config": []}, {"class_name": "Dense"},
    {"class_name": "SGD", "config": {"learning_rate": -1}}, OrderedDict(a=1), {1, 2}, {"a", "b"}, Ellipsis,
    NotImplemented, slice(0, 2), object(), object, int, str, dict, Exception, Exception("x"), np.ndarray, np, type,
    abs, len, lambda: None, lambda *args, **kwargs: None, lambda x: x,
]  # fmt: skip
DTYPES = [
    "O", "U3", "S3", "complex64", "datetime64[D]", "timedelta64[s]", "float16", "longdouble", "i1", "u8", ">f4",
    ">f8", ">i4", "bool", "i4,f8", "V3",
]  # fmt: skip
SHAPES = [
    (), (0,), (1,), (2,), (6,), (0, 0), (0, 4), (6, 0), (1, 1), (6, 1), (6, 3), (6, 4), (4, 6), (7, 4), (6, 4, 1),
    (2, 3, 4), (1,) * 12, (0, 2**40),
]  # fmt: skip
SPECIAL = [
    "__len__", "__array__", "__index__", "__iter__", "__getitem__", "__float__", "__int__", "__fspath__", "__str__",
    "__bool__", "__eq__", "__call__", "__hash__", "__array_interface__", "__next__", "shape", "dtype", "numpy",
    "toarray", "columns", "get_config", "__dataframe__", "__arrow_c_stream__", "__lt__", "__contains__", "keys",
    "items",
]  # fmt: skip
ANSWERS = [Own, Own, None, -1, 0, 2**62, 3.5, "x", (), [1.0], math.nan, 10**400, np.ones(3), NotImplemented]


def of_dtype(dtype, shape):
    """An array of ones, as far as the type has them."""
    if dtype == "O":
        return np.full(shape, None, object)
    return np.zeros(shape, dtype)


def frames(draw_from):
    """Tables of the libraries that are here."""
    import pandas
    import polars
    import scipy.sparse

    return [
        pandas.DataFrame({"a": [1.0, np.nan], "b": ["x", None]}),
        pandas.DataFrame(),
        pandas.DataFrame({"a": [1.0] * 6, "b": [2.0] * 6, 3: [1] * 6, None: [0] * 6}),
        pandas.Series([1.0, 2.0], dtype="Float64"),
        polars.DataFrame({"a": [1.0, None], "b": ["x", "y"]}),
        polars.DataFrame(),
        polars.Series("y", [0, 1, None]),
        scipy.sparse.csr_matrix(np.eye(6, 4)),
        scipy.sparse.coo_array(np.eye(4)),
        scipy.sparse.csr_matrix((0, 4)),
        scipy.sparse.csr_matrix(np.eye(6, 4) * np.nan),
    ]


def masked():
    return np.ma.masked_array(np.ones((6, 4)), np.eye(6, 4))


ARRAYS = st.one_of(
    st.builds(of_dtype, st.sampled_from(DTYPES), st.sampled_from(SHAPES)),
    st.builds(lambda shape, value: np.full(shape, value), st.sampled_from(SHAPES),
              st.sampled_from([0.0, 1.0, -1.0, math.nan, math.inf, 3e38, 1e39, 1e-45, 1e308, -1, 3, 2**62])),
    st.builds(masked),
    st.builds(lambda shape: np.ones(shape).view(Deceiving), st.sampled_from(SHAPES)),
    st.builds(lambda shape: np.broadcast_to(1.0, shape), st.sampled_from([*SHAPES, (2**40,), (2**20, 2**20)])),
)  # fmt: skip
LIARS = st.builds(
    liar, st.lists(st.sampled_from(SPECIAL), min_size=1, max_size=3, unique=True), st.sampled_from(ANSWERS)
)
GENERATED = [[], [1.0], [None], [[1.0], [1.0, 2.0]], ["a"], [(np.ones((6, 4)), np.eye(6, 3))]]
ANYTHING = st.one_of(
    st.none(),
    st.sampled_from(NUMBERS),
    st.sampled_from(TEXTS),
    st.sampled_from(FORMS),
    ARRAYS,
    LIARS,
    st.builds(Function, st.sampled_from(ANSWERS)),
    st.builds(Generator, st.sampled_from(GENERATED)),
    st.deferred(lambda: st.sampled_from(frames(None))),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.recursive(
        st.one_of(st.none(), st.integers(-3, 3), st.text(max_size=3)),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(-2, 2), inner, max_size=2)
        ),
        max_leaves=6,
    ),
)


def spoilt(array):
    """Arrays that are almost the right one."""

    def put(value, place):
        found = array.astype(float) if array.dtype.kind in "iub" and not isinstance(value, int) else array.copy()
        if found.size:
            with np.errstate(all="ignore"):
                found.reshape(-1)[place % found.size] = value
        return found

    numbers = [math.nan, math.inf, -math.inf, 3e38, 1e300, 1e-310, -1, 0, 0.5, 2**31 - 1]
    changes = [
        lambda: array[:0],
        lambda: array[:1],
        lambda: array[:-1],
        lambda: array[None],
        lambda: array[..., None],
        lambda: array.reshape(-1),
        lambda: array.T,
        lambda: array[..., :0],
        lambda: array[..., :1],
        lambda: np.concatenate([array, array]),
        lambda: array.astype("float16"),
        lambda: array.astype("complex128"),
        lambda: array.astype(object),
        lambda: array.astype(str),
        lambda: array.astype(bool),
        lambda: array.astype("int8"),
        lambda: array.astype("int64"),
        lambda: array.astype("float32"),
        lambda: [*array.tolist()[:-1], []],
        lambda: [*array.tolist(), [1.0] * 40],
        lambda: np.zeros_like(array),
        lambda: np.full_like(array, 1),
        lambda: np.ma.masked_array(array, np.ones(array.shape, bool)),
        lambda: array.view(Deceiving),
        lambda: Generator(list(array)),
        lambda: np.array(3.0),
    ]
    return st.one_of(
        st.sampled_from(changes).map(lambda change: change()),
        st.builds(put, st.sampled_from(numbers), st.integers(0, 30)),
    )


def forms(value):
    """The right value by other types and layouts."""
    if isinstance(value, np.ndarray) and value.ndim and value.dtype.kind in "fiu":
        return [
            Same(np.asfortranarray(value), "Fortran order"),
            Same(np.repeat(value, 2, axis=0)[::2], "every second row"),
            Same(np.repeat(value, 3, axis=-1)[..., ::3], "every third column"),
            Same(value[::-1].copy()[::-1], "backwards"),
            Same(read_only(value), "read-only"),
            Same(value.astype(value.dtype.newbyteorder()), "the other byte order"),
            Same(value.view(Rows), "a subclass"),
            Same(unaligned(value), "unaligned"),
            Same(np.ma.masked_array(value), "masked without a mask"),
            Same(value.tolist(), "a list"),
        ]
    if type(value) is int:
        return [Same(Whole(value), "a subclass"), Same(np.int64(value), "int64"), Same(np.uint8(value % 256), "uint8")]
    if type(value) is float:
        return [Same(np.float64(value), "float64")]
    if type(value) is str:
        return [Same(Text(value), "a subclass")]
    if type(value) is list:
        return [Same(tuple(value), "a tuple")]
    return []


def read_only(array):
    found = array.copy()
    found.flags.writeable = False
    return found


def unaligned(array):
    moved = np.frombuffer(bytearray(array.nbytes + 1), array.dtype, array.size, 1).reshape(array.shape)
    moved[...] = array
    return moved


def hostile(right):
    """A strategy for what stands in the place of a right value."""
    kinds = [ANYTHING, ANYTHING]
    if isinstance(right, np.ndarray) and right.ndim:
        kinds += [spoilt(right)] * 2
    if isinstance(right, (list, tuple)) and right:
        kinds.append(
            st.builds(lambda place, bad: type(right)([*right[:place], bad, *right[place + 1 :]]),
                      st.integers(0, len(right) - 1), ANYTHING)
        )  # fmt: skip
        kinds.append(
            st.sampled_from(
                [right[:-1], [*right, right[0]], list(right) * 50, Generator(list(right)), list(right)[::-1]]
            )
        )
    if isinstance(right, dict) and right:
        kinds.append(st.builds(lambda key, bad: {**right, key: bad}, st.sampled_from([*right, 3, None]), ANYTHING))
        kinds.append(st.sampled_from(list(right)).map(lambda key: {k: v for k, v in right.items() if k != key}))
    others = forms(right)
    if others:
        kinds.append(st.sampled_from(others))
    return st.one_of(*kinds)


def short(value):
    """What a value is, in one line, whatever it does when it is asked."""
    try:
        if isinstance(value, Same):
            return f"{short(value.value)} ({value.form})"
        if isinstance(value, np.ndarray):
            base = np.asarray(value)
            return f"{type(value).__name__} {base.dtype} {base.shape} {base.ravel()[:3].tolist()!r:.60}"
        if isinstance(value, (list, tuple)) and len(value) < 20:
            return f"{type(value).__name__}({', '.join(map(short, value))})"[:300]
        return ascii(value)[:200].replace("\n", " ")
    except Exception:
        return f"a {type(value).__name__}"
