"""Numbers in a text file, as spreadsheets, `numpy.savetxt` and people write them.

    1.5                       one number, or an expression of numbers
    0.2, 0.4, pi/4            one line, or one column: a vector
    1 2                       several lines: a matrix
    3 4
    [[1, 2], [3, 4]]          a list as on the command line

Cells stand between semicolons, tabs, commas or blanks: the first of these that the file has. `#` begins a comment;
empty lines are skipped. Each cell is a constant of our own language.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from gradcli import literals
from gradcli.errors import FileError, GradcliError, LimitError, Span, brief
from gradcli.reading.values import PLAIN, Value, array, constant, listed
from gradcli.tokens import NAME

SEPARATED = (".csv", ".tsv")
"""Endings of files in which a comma between digits separates; elsewhere it may be a decimal sign."""

LONGEST = 1 << 17
"""Characters of a quoted cell."""

DECIMAL_COMMA = re.compile(r"[-+−]?[0-9]+,[0-9]+")
DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{1,2}([-/])[0-9]{1,2}\1[0-9]{2,4}")
FORMULA = re.compile(r"[-+*/^]\s|\s[*/^]|\(")
"""What makes a line of blanks one expression."""


class Line(NamedTuple):
    """A line that holds something: its number in the file, and its text."""

    number: int
    text: str


def read(text: str, file: str, kind: str = "") -> Value:
    """The number, vector or matrix that a text file holds.

    kind: the file's ending.
    Errors: FileError with the line and the column; LimitError.
    """
    if text.lstrip().startswith("["):
        return bracketed(text, file)
    places, lines = contents(text, file)
    if not lines:
        raise FileError(f"{file}: there is no number here", hint="write one, or several with commas between them")
    separator = separated_by(lines, kind)
    if separator is None and len(lines) == 1 and FORMULA.search(lines[0]):
        return cell(lines[0], Line(places[0], lines[0]), 1, file, (0, len(lines[0])))
    rows = [split(line, separator, file, number) for number, line in zip(places, lines, strict=True)]
    width = len(rows[0])
    for row, number, line in zip(rows, places, lines, strict=True):
        if len(row) != width:
            refuse_ragged(row, Line(number, line), width, places[0], file)
    if width * len(rows) > literals.MOST:
        raise LimitError(f"{file}: more than {literals.MOST:,} numbers")
    numbers = literals.doubles([word for row in rows for word in row])
    if numbers is None:
        numbers = tuple(
            entry
            for number, line, row in zip(places, lines, rows, strict=True)
            for entry in literals.doubles(row) or constants(row, Line(number, line), file, separator, len(lines))
        )
    if len(numbers) == 1:
        return numbers[0]
    found = array(numbers)
    return found if width == 1 or len(rows) == 1 else found.reshape(len(rows), width)


def contents(text: str, file: str) -> tuple[Sequence[int], list[str]]:
    """The lines that hold something, without their comments, and their numbers in the file.

    Errors: LimitError.
    """
    if text.count("\n") > 2 * literals.MOST:
        raise LimitError(f"{file}: more than {2 * literals.MOST:,} lines")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    if "#" in text:
        lines = [line.partition("#")[0] for line in lines]
    places = [number for number, line in enumerate(lines, 1) if line and not line.isspace()]
    if len(places) > literals.MOST:
        raise LimitError(f"{file}: more than {literals.MOST:,} numbers")
    return places, lines if len(places) == len(lines) else [lines[number - 1] for number in places]


def separated_by(lines: list[str], kind: str) -> str | None:
    """What stands between the cells; None for blanks."""
    everything = "\n".join(lines)
    if ";" in everything:
        return ";"
    if "\t" in everything and kind in SEPARATED:
        return "\t"
    if "," not in everything or (len(lines) == 1 and kind not in SEPARATED and "(" in everything):
        return None
    if kind not in SEPARATED and all(DECIMAL_COMMA.fullmatch(word) for word in everything.split() if "," in word):
        return None
    return ","


def split(line: str, separator: str | None, file: str, number: int) -> list[str]:
    """The cells of a line; quotes around one are a spreadsheet's."""
    if '"' not in line:
        return line.split(separator)
    csv.field_size_limit(LONGEST)  # which is the process's, and other tables may have longer ones
    try:
        words = next(csv.reader([line], delimiter=separator or " ", skipinitialspace=True))
    except csv.Error as error:
        raise FileError(f"{file}: line {number}: {error}", hint="numbers need no quotes") from None
    return words if separator else [word for word in words if word] or [""]


def refuse_ragged(row: list[str], line: Line, width: int, first: int, file: str) -> NoReturn:
    """Refuse a line that has not as many cells as the first.

    Errors: FileError.
    """
    raise FileError(
        f"{file}: line {line.number} has {literals.counted(len(row))}, line {first} has {width}",
        source=line.text,
        span=(0, len(line.text)),
        hint="remove the separator at its end" if not row[-1].strip() else "all lines have the same number of them",
    )


def constants(row: list[str], line: Line, file: str, separator: str | None, count: int) -> list[float]:
    """The numbers of a line that is not made of plain ones alone."""
    if count > 1 and line.number == 1 and all(re.fullmatch(rf"[\"'\s]*{NAME}[^,;\t]*", word) for word in row):
        refuse_header(row, line, file)
    places = spans(row, line.text, separator)
    return [cell(word, line, k, file, place) for k, (word, place) in enumerate(zip(row, places, strict=True), 1)]


def refuse_header(row: list[str], line: Line, file: str) -> None:
    """Refuse a first line of names; nan, inf and pi are numbers.

    Errors: FileError.
    """
    words = [word.strip() for word in row]
    if any(PLAIN.match(word) or word in ("pi", "π", "e", "tau") for word in words):
        return
    named = ", ".join(f"'{brief(word)}'" for word in words[:3]) + (" …" if len(words) > 3 else "")
    raise FileError(
        f"{file}: line {line.number} holds names, not numbers: {named}",
        source=line.text,
        span=(0, len(line.text)),
        hint="remove this line, or begin it with #",
    )


def cell(word: str, line: Line, column: int, file: str, place: Span) -> float:
    """The number of one cell.

    Errors: FileError with its place.
    """

    text = word.strip()

    def fail(message: str, span: Span | None = None, hint: str | None = None) -> GradcliError:
        at = f"line {line.number}, column {column}"
        start = place[0] + len(word) - len(word.lstrip())
        within = (place[0] + span[0], place[0] + span[1]) if span else (start, start + len(text))
        return FileError(f"{file}: {at}: {message}", source=line.text, span=within, hint=hint)

    if not text:
        raise fail("this cell is empty", (0, 1), "write nan for what is missing")
    if DATE.fullmatch(text):
        raise fail(f"'{text}' is a date, not a number", None, "leave this column out; a difference is written (2-1)")
    if DECIMAL_COMMA.fullmatch(text):
        point = text.replace(",", ".")
        raise fail(f"'{brief(text)}' is not a number", None, f"the decimal sign is a point: {point}; a list is [1, 5]")
    return constant(word, fail)


def spans(row: list[str], text: str, separator: str | None) -> list[Span]:
    """Where the cells of a line stand."""
    if separator is None:
        return [match.span() for match in re.finditer(r"\S+", text)]
    places, at = [], 0
    quoted = '"' in text
    for word in row:
        if quoted:
            at = max(text.find(word, at), at)
        places.append((at, at + len(word)))
        at += len(word) + 1
    return places


def bracketed(text: str, file: str) -> Value:
    """The array of a list in brackets.

    Errors: FileError with its line.
    """

    def fail(message: str, span: Span | None = None, hint: str | None = None) -> GradcliError:
        place = span or (0, len(text))
        number = text.count("\n", 0, place[0]) + 1
        return FileError(f"{file}: line {number}: {message}", source=text, span=place, hint=hint)

    try:
        return listed(text, fail)
    except LimitError as error:
        raise LimitError(f"{file}: {error.message}") from None
