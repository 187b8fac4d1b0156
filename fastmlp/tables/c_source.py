"""Tables' predictors as C: one header whose function predicts from a struct with a field for each column.

Numbers are prepared in float64 as by `encoding`, with the same bits. Words are looked up by the program that calls, and
given by their places.
"""

from __future__ import annotations

import re
import string
from pathlib import Path
from textwrap import indent

import numpy as np

from fastmlp.data.whole_files import write_whole
from fastmlp.export.c_source import Header, Source, declaration, identifier, literal, uncommented
from fastmlp.export.forward import forward_of
from fastmlp.layers.graph import free_name
from fastmlp.tables.c_functions import FUNCTIONS
from fastmlp.tables.encoders import Categories, Numbers
from fastmlp.tables.frames import BOOLEAN, CATEGORY, DATE, NUMBER
from fastmlp.tables.predictor import Columns, Number, Predictor, Words, columns_of
from fastmlp.tables.targets import Numbers as Target

# the type of a field by the kind of its column, and what is to be written to it
FIELDS = {
    NUMBER: ("double", "a number, NAN where it is missing"),
    BOOLEAN: ("double", "0 or 1, NAN where it is missing"),
    DATE: ("int64_t", "microseconds since 1970, INT64_MIN where it is missing"),
    CATEGORY: ("int", "a place"),
}
PLAIN = b" _-.,:;()/" + (string.ascii_letters + string.digits).encode()  # what stands for itself between quotes
# words of C and C++, and macros, that no field may be called
RESERVED = """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl concept const const_cast
    consteval constexpr constinit continue decltype default delete do double dynamic_cast else enum explicit export
    extern false float for friend goto if inline int int64_t long mutable namespace new noexcept not not_eq nullptr
    operator or or_eq private protected public register reinterpret_cast requires restrict return short signed sizeof
    static static_assert static_cast struct switch template this thread_local throw true try typedef typeid typename
    typeof union unsigned using virtual void volatile wchar_t while xor xor_eq
    EOF INFINITY NAN NULL errno linux unix
"""
INTEGERS = r"U?INT((_LEAST|_FAST)?\d+|MAX|PTR)"
MACROS = re.compile(  # of the headers that are included, besides
    rf"M_\w+|FP_\w+|HUGE_VAL\w*|{INTEGERS}_C|({INTEGERS}|SIZE|PTRDIFF|SIG_ATOMIC|WCHAR|WINT)_(MIN|MAX|WIDTH)"
)


def export(predictor: Predictor, path: Path) -> None:
    """Write a predictor to a .h file, whole or not at all."""
    text = c_source(predictor, identifier(path.stem))
    write_whole(path, lambda file: file.write(text.encode()))


def c_source(predictor: Predictor, name: str) -> str:
    """Return the header of a predictor, in which all names begin with `name`."""
    types = sorted({member.dtype for member in predictor.members})
    if types != ["float32"]:
        raise ValueError(f"filepath: got networks of {', '.join(types)}, needs those of float32 in a .h file")
    header = Header(name, "float32", FUNCTIONS)
    row = Row(header, predictor)
    networks = [
        Source(header, forward_of(member), f"member_{number}", f"member_{number}/").text("static")
        for number, member in enumerate(predictor.members)
    ]
    functions = [row.struct(), *row.lookups(), row.prepare(), *networks, *classes(predictor, name)]
    functions.append(predict(header, predictor, row.inputs))
    return header.text(preface(predictor, name), *functions)


class Row:
    """The text of what a row is, and of what prepares it.

    Attributes
    ----------
    fields : list of str
        What the columns are called in the struct.
    inputs : dict of int
        The arrays that are prepared, and their sizes.
    """

    def __init__(self, header: Header, predictor: Predictor) -> None:
        preparation = predictor.preparation
        self.header, self.columns, self.name = header, columns_of(preparation), header.name
        self.fields = fields(self.columns)
        names = [name for name, width in (("x", preparation.width_), ("places", len(preparation.codes_))) if width]
        self.inputs = dict(zip(names or ["x"], preparation.input_widths, strict=True))

    def struct(self) -> str:
        """Return the type of a row."""
        lines = []
        used = {each.column for each in self.columns.words} | {each.column for each in self.columns.numbers}
        ends = zip(self.fields, self.columns.kinds, self.columns.names, strict=True)
        for column, (field, kind, name) in enumerate(ends):
            declared, said = FIELDS[kind]
            said = f"{self.name}_place_of_{field}(word)" if kind == CATEGORY else said
            said = said if column in used else "a constant, which is not read"
            called = "" if field == name else f"{name!r}: "
            lines.append(f"    {declared} {field}; /* {uncommented(called + said)} */")
        return "\n".join(["typedef struct {", *lines, f"}} {self.name}_row;"])

    def lookups(self) -> list[str]:
        """Return a function for each column of words, which finds their places."""
        found = {each.column: each.encoder for each in self.columns.words if not each.of_numbers}
        return [self.lookup(self.fields[column], encoder) for column, encoder in found.items()]

    def lookup(self, field: str, encoder: Categories) -> str:
        places = {word.encode(): place for word, place in encoder.places.items() if word is not None}
        words = sorted(word for word in places if b"\0" not in word)  # where C's words end
        missing, found, lines = encoder.places.get(None, 0), "0", []
        if words:
            lines = [
                f"    static const char *const words[{len(words)}] = {{",
                *(f"        {quoted(word)}," for word in words),
                "    };",
                indent(declaration("int", "places", np.array([places[word] for word in words])), "    "),
            ]
            found = self.header.call("place_among_words", "word", len(words), "words", "places")
        head = f"/* 0 for words that are not known, NULL for a missing one */\nstatic inline int {self.name}_place_of_"
        found = f"    return word == NULL ? {missing} : {found};"
        return "\n".join([f"{head}{field}(const char *word)", "{", *lines, found, "}"])

    def prepare(self) -> str:
        """Return the function that fills the inputs of the networks."""
        dates = sorted({each.column for each in self.columns.numbers if each.part is not None})
        lines = [f"    double date_{column}[5];" for column in dates]
        for column in dates:
            parts = self.header.call("date_parts", f"row->{self.fields[column]}", f"date_{column}")
            lines.append(f"    {parts};")
        lines += [line for each in self.columns.numbers for line in self.number(each)]
        lines += [self.words(each) for each in self.columns.words]
        given = ", ".join([f"const {self.name}_row *row", *(f"float *{name}" for name in self.inputs)])
        lines = lines or ["    (void)row;\n    x[0] = 0; /* all are constants */"]
        return "\n".join([f"static void {self.name}_prepare({given})", "{", *lines, "}"])

    def number(self, each: Number) -> list[str]:
        field = self.fields[each.column]
        value = f"row->{field}" if each.part is None else f"date_{each.column}[{each.part}]"
        lines = []
        if each.bins:
            name = f"edges_of_{field}" + ("" if each.part is None else f"_{each.part}")
            edges, encoder = self.header.array(name, each.encoder.edges, "double"), each.encoder
            if isinstance(encoder, Numbers):
                given = value, encoder.center, encoder.scale, f"x + {each.start}"
                lines.append(f"    {self.header.call('softly_clipped', *given)};")
            lines.append(f"    {self.header.call('piecewise_linear', value, each.bins, edges, f'x + {each.code}')};")
        if each.encoder.flagged:
            lines.append(f"    x[{each.start + each.encoder.width - 1}] = {value} != {value};")
        return lines

    def words(self, each: Words) -> str:
        field = self.fields[each.column]
        if each.of_numbers:
            place = self.place_of_number(field, each.encoder)
        else:
            place = self.header.call("within", f"row->{field}", len(each.encoder.known))
        if each.encoder.embedded:
            return f"    places[{each.start}] = (float)({place} + {each.above});"
        return f"    {self.header.call('indicate', place, each.encoder.width, f'x + {each.start}')};"

    def place_of_number(self, field: str, encoder: Categories) -> str:
        known = sorted((float(word), place) for word, place in encoder.places.items() if word is not None)
        keys = self.header.array(f"keys_of_{field}", np.array([key for key, _ in known]), "double")
        places = self.header.array(f"places_of_{field}", np.array([place for _, place in known]), "int")
        missing = encoder.places.get(None, 0)
        return self.header.call("place_among_numbers", f"row->{field}", missing, len(known), keys, places)


def fields(columns: Columns) -> list[str]:
    """Return different names for the columns in C."""
    taken, found = set(RESERVED.split()), []
    for name in columns.names:
        field = re.sub(r"\W", "_", name, flags=re.ASCII)
        field = field if field[:1].isalpha() else f"column_{field}"
        found.append(free_name(field, taken | {field} if MACROS.fullmatch(field) else taken))
        taken.add(found[-1])
    return found


def quoted(text: bytes) -> str:
    """Return a text as a constant, other bytes than plain ones by their numbers."""
    return '"' + "".join(chr(byte) if byte in PLAIN else f"\\{byte:03o}" for byte in text) + '"'


def classes(predictor: Predictor, name: str) -> list[str]:
    """Return what declares the names of the classes."""
    if predictor.classes is None:
        return []
    texts = ", ".join(quoted(str(one).encode()) for one in predictor.classes.tolist())
    return [f"static const char *const {name}_classes[{len(predictor.classes)}] = {{{texts}}};"]


def predict(header: Header, predictor: Predictor, inputs: dict[str, int]) -> str:
    """Return the function that predicts a row."""
    name, members, outputs = header.name, len(predictor.members), predictor.members[0].output_shape[-1]
    given = ", ".join(inputs)
    arrays = {**inputs, "mean": outputs, **({"y": outputs} if members > 1 else {})}
    parts = [literal(share, "f") for share in predictor.shares]
    lines = [f"    static float {', '.join(f'{array}[{size}]' for array, size in arrays.items())};"]
    lines += [f"    {name}_prepare(row, {given});", f"    {name}_member_0({given}, mean);"]
    if members > 1:
        lines.append(f"    {header.call('multiply', outputs, parts[0], 'mean')};")
    for member in range(1, members):
        lines.append(f"    {name}_member_{member}({given}, y);")
        lines.append(f"    {header.call('add_share', outputs, parts[member], 'y', 'mean')};")
    head = f"static inline double {name}_predict(const {name}_row *row)"
    if predictor.target is not None:
        lines += decode(predictor.target)
    elif predictor.classes is not None:
        head = f"static inline int {name}_predict(const {name}_row *row, float *probabilities)"
        count = len(predictor.classes)
        if count == 1:
            lines.append("    mean[0] = 1;")
        lines.append(f"    memcpy(probabilities, mean, {count} * sizeof(*mean));")
        lines.append(f"    return {header.call('largest_place', count, 'mean')};")
    return "\n".join([head, "{", *lines, "}"])


def decode(target: Target) -> list[str]:
    """Return the lines that make a number of the output, within the range of the training targets."""
    least, greatest = (literal(one, "") for one in (target.least, target.greatest))
    lines = [f"    double value = (double)mean[0] * {literal(target.scale, '')} + {literal(target.mean, '')};"]
    if target.log:
        most = literal(float(np.log1p(target.greatest)), "")
        lines.append(f"    value = expm1(value > {most} ? {most} : value);")
    return [*lines, f"    return value < {least} ? {least} : value > {greatest} ? {greatest} : value;"]


def preface(predictor: Predictor, name: str) -> list[str]:
    """Return the comment that the file begins with."""
    if predictor.classes is None:
        returns = [" * It returns the number that is predicted."]
    else:
        count = len(predictor.classes)
        returns = [f" * It returns the place of the class in {name}_classes, and writes {count} probabilities."]
    return [
        f"/* {name}_predict predicts one row of a table; the mean of networks of fastmlp: {len(predictor.members)}.",
        *returns,
        " *",
        " * The results have the bits of predict where the compiler fuses nothing by itself:",
        " *     cc -O2 -ffp-contract=off program.c -lm",
        " * Results of layers lie in static memory: one call at a time. Include it in one file of a program. */",
    ]
