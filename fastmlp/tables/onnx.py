"""Tables' predictors as ONNX files: an input for each column, the preparation in float64, the networks, what they say.

An input has one column: numbers and booleans of float64 with NaN where one is missing, words as strings with "" where
one is missing, dates as microseconds since 1970 in int64 with the least one where one is missing, as NumPy has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fastmlp.data.whole_files import write_whole
from fastmlp.export.forward import End, forward_of
from fastmlp.export.onnx import Graph, library, require_size
from fastmlp.export.onnx_activations import DOUBLE, INT64
from fastmlp.layers.graph import free_name
from fastmlp.tables.encoders import Numbers
from fastmlp.tables.encoding import CLIP, FARTHEST, HIGHEST, LOWEST
from fastmlp.tables.frames import BOOLEAN, CATEGORY, DATE, NUMBER
from fastmlp.tables.predictor import Columns, Predictor, Words, columns_of

TYPES = {NUMBER: "float64", BOOLEAN: "float64", DATE: "int64", CATEGORY: "object"}  # objects are strings
ML, ML_OPSET = "ai.onnx.ml", 3
NO_DATE = -(2**63)
MICROSECONDS = {"day": 86_400_000_000, "hour": 3_600_000_000}
LARGEST_KEY = 2.0**62  # of whole numbers that are looked up


def export(predictor: Predictor, path: Path) -> None:
    """Write a predictor to an .onnx file, whole or not at all."""
    require_size(predictor.members)
    content = onnx_model(predictor).SerializeToString()
    write_whole(path, lambda file: file.write(content))


def onnx_model(predictor: Predictor) -> Any:
    """Return the onnx.ModelProto of a predictor."""
    columns = columns_of(predictor.preparation)
    results = ["prediction"] if predictor.classes is None else ["label", "probabilities"]
    taken: set[str] = set()
    found = []
    for name in (*columns.names, *results):
        found.append(free_name(name, taken))
        taken.add(found[-1])
    names, results = found[: len(columns.names)], found[len(columns.names) :]
    graph = Graph(library(), "float64", found)
    inputs = prepared(graph, columns, names, predictor.preparation.width_)
    outputs = decoded(graph, predictor, mean(graph, predictor, inputs), results)
    given = [End(name, (1,), TYPES[kind], 0) for name, kind in zip(names, columns.kinds, strict=True)]
    return graph.model("table", *([graph.described(end) for end in ends] for ends in (given, outputs)))


# ------------------------------------------------------------------------------------------------------- preparation


def prepared(graph: Graph, columns: Columns, names: Sequence[str], width: int) -> list[str]:
    """Add the preparation; return the inputs of the networks, in the order of `Preparation.inputs`."""
    graph.layer = "preparation"
    blocks = numbers(graph, columns, names) + indicators(graph, columns, names)
    found = []
    if blocks:
        order = np.argsort(np.concatenate([places for _, places in blocks]))
        found.append(taken(graph, beside(graph, [block for block, _ in blocks]), order))
    embedded = [each for each in columns.words if each.encoder.embedded]
    if embedded:
        places = beside(graph, [place_of(graph, each, names[each.column]) for each in embedded])
        above = graph.node("Add", places, graph.integers(*(each.above for each in embedded)))
        found.append(graph.node("Cast", above, attributes={"to": DOUBLE}))
    if not found:  # all columns are constants
        rows = graph.node("Shape", names[0])
        zero = graph.onnx.numpy_helper.from_array(np.zeros(1))
        found.append(graph.node("ConstantOfShape", rows, attributes={"value": zero}))
    return found


Block = tuple[str, list[int]]  # a matrix, and the inputs that its columns are


def numbers(graph: Graph, columns: Columns, names: Sequence[str]) -> list[Block]:
    """Add the codes of all numbers at once: standardised ones, those of the bins, and flags."""
    if not columns.numbers:
        return []
    values = beside(graph, values_of(graph, columns, names))
    coded = [(place, each) for place, each in enumerate(columns.numbers) if each.bins]
    standardized = [(place, each) for place, each in coded if isinstance(each.encoder, Numbers)]
    flagged = [(place, each) for place, each in enumerate(columns.numbers) if each.encoder.flagged]
    blocks: list[Block] = []
    if standardized:
        x = taken(graph, values, [place for place, _ in standardized])
        center, scale = ([getattr(each.encoder, name) for _, each in standardized] for name in ("center", "scale"))
        blocks.append((softly_clipped(graph, x, center, scale), [each.start for _, each in standardized]))
    if coded:
        x = taken(graph, values, [place for place, each in coded for _ in range(each.bins)])
        starts = [each.code + j for _, each in coded for j in range(each.bins)]
        blocks.append((piecewise_linear(graph, x, [each.encoder.edges for _, each in coded]), starts))
    if flagged:
        missing = graph.node("IsNaN", taken(graph, values, [place for place, _ in flagged]))
        flags = graph.node("Cast", missing, attributes={"to": DOUBLE})
        blocks.append((flags, [each.start + each.encoder.width - 1 for _, each in flagged]))
    return blocks


def values_of(graph: Graph, columns: Columns, names: Sequence[str]) -> list[str]:
    """Return the numbers themselves: columns, and parts of dates."""
    dates = {each.column for each in columns.numbers if each.part is not None}
    parts = {column: parts_of(graph, names[column]) for column in sorted(dates)}
    return [names[one.column] if one.part is None else parts[one.column][one.part] for one in columns.numbers]


def softly_clipped(graph: Graph, x: str, center: Sequence[float], scale: Sequence[float]) -> str:
    """As `encoding.softly_clipped`."""
    z = graph.node("Mul", graph.node("Sub", x, graph.constant(center)), graph.constant(scale))
    z = graph.node("Min", graph.node("Max", z, graph.constant(-FARTHEST)), graph.constant(FARTHEST))
    part = graph.node("Div", z, graph.constant(CLIP))
    length = graph.node("Sqrt", graph.node("Add", graph.constant(1.0), graph.node("Mul", part, part)))
    return zero_where_missing(graph, x, graph.node("Div", z, length))


def piecewise_linear(graph: Graph, x: str, edges: Sequence[np.ndarray]) -> str:
    """As `encoding.piecewise_linear`, of numbers that stand once for each of their bins."""
    starts, widths = (np.concatenate(some) for some in ([each[:-1] for each in edges], list(map(np.diff, edges))))
    lows = np.concatenate([[LOWEST, *[0.0] * (len(each) - 2)] for each in edges])
    highs = np.concatenate([[*[1.0] * (len(each) - 2), HIGHEST] for each in edges])
    share = graph.node("Div", graph.node("Sub", x, graph.constant(starts)), graph.constant(widths))
    inside = graph.node("Min", graph.node("Max", share, graph.constant(lows)), graph.constant(highs))
    return zero_where_missing(graph, x, inside)


def zero_where_missing(graph: Graph, x: str, value: str) -> str:
    return graph.node("Where", graph.node("IsNaN", x), graph.constant(0.0), value)


def parts_of(graph: Graph, dates: str) -> list[str]:
    """Return the parts of dates as `encoders.parts_of` does: days since 1970, month, day, day of the week, hour.

    Years begin in March here, as their last day is the one that not all have.
    """

    def whole(kind: str, a: str, b: str | int) -> str:
        return graph.node(kind, a, graph.integers(b) if isinstance(b, int) else b)

    add, less, times, rest = (partial(whole, kind) for kind in ("Add", "Sub", "Mul", "Mod"))

    def over(a: str, b: int) -> str:
        """Return the quotient rounded down; Div rounds towards 0."""
        return whole("Div", less(a, rest(a, b)), b)

    def as_double(a: str, unit: int = 1) -> str:
        value = graph.node("Div", graph.node("Cast", a, attributes={"to": DOUBLE}), graph.constant(float(unit)))
        return graph.node("Where", missing, graph.constant(np.nan), value)

    missing = whole("Equal", dates, NO_DATE)
    moment = graph.node("Where", missing, graph.integers(0), dates)
    days = over(moment, MICROSECONDS["day"])
    of_era = rest(add(days, 719_468), 146_097)  # days of 400 years
    leap_days = less(add(over(of_era, 1_460), over(of_era, 146_096)), over(of_era, 36_524))
    year = over(less(of_era, leap_days), 365)
    of_year = less(of_era, add(times(year, 365), less(over(year, 4), over(year, 100))))
    month = over(add(times(of_year, 5), 2), 153)  # from March
    day = less(add(of_year, 1), over(add(times(month, 153), 2), 5))
    return [
        as_double(moment, MICROSECONDS["day"]),
        as_double(add(rest(add(month, 2), 12), 1)),
        as_double(day),
        as_double(rest(add(days, 3), 7)),
        as_double(rest(moment, MICROSECONDS["day"]), MICROSECONDS["hour"]),
    ]


def indicators(graph: Graph, columns: Columns, names: Sequence[str]) -> list[Block]:
    """Add the columns of 0 and 1 of all words that have them, at once: 1 where the place is that of the column."""
    with_indicators = [each for each in columns.words if not each.encoder.embedded]
    if not with_indicators:
        return []
    places = beside(graph, [place_of(graph, each, names[each.column]) for each in with_indicators])
    widths = [each.encoder.width for each in with_indicators]
    spread = taken(graph, places, np.repeat(np.arange(len(widths)), widths))
    wanted = [place for width in widths for place in (range(width) if width > 1 else [1])]
    equal = graph.node("Equal", spread, graph.integers(*wanted))
    starts = [each.start + j for each, width in zip(with_indicators, widths, strict=True) for j in range(width)]
    return [(graph.node("Cast", equal, attributes={"to": DOUBLE}), starts)]


def place_of(graph: Graph, words: Words, name: str) -> str:
    """Return the place of the word, or of the whole number, in each row."""
    graph, places = graph.part("float64", f"{name}/"), words.encoder.places
    if words.of_numbers:
        return place_of_number(graph, places, name)
    if None in places and "" in places:
        raise ValueError(f"filepath: got empty and missing words in column {name!r}, needs one kind: both are ''")
    keys = {word or "": place for word, place in places.items()}
    return looked_up(graph, name, "strings", list(keys), list(keys.values()))


def place_of_number(graph: Graph, places: dict[str | None, int], x: str) -> str:
    """Return the places of numbers, 0 of those with decimals."""
    keys = {int(word): place for word, place in places.items() if word is not None}
    if any(abs(key) > LARGEST_KEY for key in keys):
        raise ValueError(f"filepath: got whole numbers above 2**62 as names in column {x!r}, needs smaller ones")
    known = graph.node("Equal", x, graph.node("Floor", x))
    small = graph.node("LessOrEqual", graph.node("Abs", x), graph.constant(LARGEST_KEY))
    known = graph.node("And", known, small)
    number = graph.node("Cast", graph.node("Where", known, x, graph.constant(0.0)), attributes={"to": INT64})
    place = looked_up(graph, number, "int64s", list(keys), list(keys.values()))
    place = graph.node("Where", known, place, graph.integers(0))
    return graph.node("Where", graph.node("IsNaN", x), graph.integers(places.get(None, 0)), place)


def looked_up(graph: Graph, value: str, kind: str, keys: Sequence[Any], places: Sequence[int]) -> str:
    graph.domains[ML] = ML_OPSET
    attributes = {f"keys_{kind}": keys, "values_int64s": places, "default_int64": 0}
    return graph.node("LabelEncoder", value, attributes=attributes, domain=ML)


def beside(graph: Graph, values: Sequence[str]) -> str:
    """Return matrices as one."""
    return values[0] if len(values) == 1 else graph.node("Concat", *values, attributes={"axis": 1})


def taken(graph: Graph, value: str, places: Any) -> str:
    """Return columns of a matrix."""
    return graph.node("Gather", value, graph.integers(*map(int, places)), attributes={"axis": 1})


# ------------------------------------------------------------------------------------------ networks and their words


def mean(graph: Graph, predictor: Predictor, inputs: Sequence[str]) -> str:
    """Add the networks; return the mean of their outputs."""
    dtype = predictor.members[0].dtype
    typed = graph.part(dtype)
    given = [typed.node("Cast", value, attributes={"to": typed.type}) for value in inputs]
    outputs = []
    for number, member in enumerate(predictor.members):
        forward = forward_of(member)
        outputs.append(graph.part(dtype, f"member_{number}/").add(forward, given)[forward.outputs[0].number])
    if len(outputs) == 1:
        return outputs[0]
    pairs = zip(outputs, predictor.shares, strict=True)
    return typed.node("Sum", *[typed.node("Mul", output, typed.constant(share)) for output, share in pairs])


def decoded(graph: Graph, predictor: Predictor, found: str, names: Sequence[str]) -> list[End]:
    """Add what the outputs stand for; return the outputs of the file."""
    dtype, classes, target = predictor.members[0].dtype, predictor.classes, predictor.target
    graph.layer = "decoding"
    if classes is not None:
        if len(classes) == 1:  # which is certain
            one = graph.part(dtype)
            found = one.node("Exp", one.node("Mul", taken(one, found, [0]), one.constant(0.0)))
        graph.node("Identity", found, to=names[1])
        labels = graph.array("classes", classes.astype(object) if classes.dtype.kind == "U" else classes)
        place = graph.node("ArgMax", found, attributes={"axis": 1, "keepdims": 0})
        graph.node("Gather", labels, place, to=names[0])
        kind = "object" if classes.dtype.kind in "OU" else classes.dtype.name
        return [End(names[0], (), kind, 0), End(names[1], (len(classes),), dtype, 0)]
    assert target is not None
    value = graph.node("Cast", graph.node("Squeeze", found, graph.integers(1)), attributes={"to": DOUBLE})
    value = graph.node("Add", graph.node("Mul", value, graph.constant(target.scale)), graph.constant(target.mean))
    if target.log:
        value = graph.node("Min", value, graph.constant(np.log1p(target.greatest)))
        value = graph.node("Sub", graph.node("Exp", value), graph.constant(1.0))
    low, high = graph.constant(target.least), graph.constant(target.greatest)
    graph.node("Min", graph.node("Max", value, low), high, to=names[0])
    return [End(names[0], (), "float64", 0)]
