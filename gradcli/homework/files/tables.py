"""Rows of a CSV file, one after the other: a row that is broken is broken alone.

    separators , ; and TAB, by what the heading has      quotes as RFC 4180 has them, with new lines in them
    a spreadsheet's own line sep=;                       a BOM, and any end of line

A quote that is not closed would swallow the rest of the class. Here it ends with its own line: a row over several lines
counts only if it is whole, and has as many columns as the heading.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import deque
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

from gradcli.errors import FileError, brief

LONGEST_LINE = 1 << 20
"""Characters that a line may have."""

MOST_LINES = 100
"""Lines that a row may go on for, in quotes."""

SEPARATORS = "\t;,"

EXCEL = re.compile(r'"?sep=(.)"?', re.IGNORECASE)

QUOTED = re.compile(r'"(?:[^"]|"")*"?')

GUARDED = re.compile(r"'[-=+@\t\r]")
"""Text that was kept from being run as a formula, as our own files have it."""

COMMA = re.compile(r"(?<![0-9,.])([0-9]+),([0-9]+)(?![0-9]*[,.])")
"""A number with a decimal comma, and no other sign among its digits."""

UNCLOSED = "a quote in this row is not closed"
FOLLOWED = "a quote in this row is followed by more text"


class Row(NamedTuple):
    """A row: the line it begins at, its fields, and what is wrong with it; then there may be no fields."""

    line: int
    fields: Sequence[str]
    fault: str = ""


class Heading(NamedTuple):
    """The first row: the names of the columns, and what stands between them."""

    columns: tuple[str, ...]
    separator: str
    line: int


class Table:
    """A CSV file: its heading, then its rows.

    place: the file, for errors.
    Errors: FileError for a file without a heading.
    """

    def __init__(self, stream: IO[str], place: str) -> None:
        self.place = place
        self._lines = Lines(stream)
        self.heading = self._heading()

    def _heading(self) -> Heading:
        separator = ""
        for number, line in self._lines:
            text = line.strip("\r\n\ufeff")
            named = EXCEL.fullmatch(text.strip())
            if named and not separator:
                separator = named[1]
                continue
            if not text.strip(" \t;,"):
                continue
            found = separator or separator_of(text)
            row = self._row(number, text, found, None)
            if row.fault:
                raise FileError(f"{self.place}: line {number}: {row.fault}")
            columns = [cleaned(field) for field in row.fields]
            while columns and not columns[-1]:
                columns.pop()
            return Heading(tuple(columns), found, number)
        raise FileError(
            f"{self.place}: the file is empty", hint="its first row names the columns: id,name,1:value,1:dx"
        )

    def rows(self) -> Iterator[Row]:
        """The rows with anything in them, each with as many fields as the heading has columns, or with a fault."""
        width, separator = len(self.heading.columns), self.heading.separator
        for number, line in self._lines:
            text = line.rstrip("\r\n")
            if not text.strip(" \t;,"):
                continue
            if len(line) >= LONGEST_LINE:
                yield Row(number, (), f"this line has more than {LONGEST_LINE:,} characters")
                continue
            row = self._row(number, text, separator, width) if '"' in text else Row(number, text.split(separator))
            yield fitted(row, width)

    def _row(self, number: int, text: str, separator: str, width: int | None) -> Row:
        """A row with quotes, which may go on in the next lines."""
        first = text
        taken: list[tuple[int, str]] = []
        while True:
            try:
                fields = next(csv.reader([text], delimiter=separator, strict=True))
            except csv.Error as error:
                if "unexpected end" in str(error) and len(taken) < MOST_LINES and len(text) < LONGEST_LINE:
                    following = next(self._lines, None)
                    if following is not None:
                        taken.append(following)
                        text += "\n" + following[1].rstrip("\r\n")
                        continue
                self._lines.back(taken)
                closed = not taken and "expected after" in str(error)
                return Row(number, certain(first, separator), FOLLOWED if closed else UNCLOSED)
            if taken and width is not None and len(fields) != width:
                self._lines.back(taken)
                return Row(number, certain(first, separator), UNCLOSED)
            return Row(number, fields)


def certain(line: str, separator: str) -> list[str]:
    """The fields of a line before its first quote."""
    return line.partition('"')[0].split(separator)[:-1]


class Lines:
    """The lines of a stream with their numbers; some can be given back."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream, self._number = stream, 0
        self._waiting: deque[tuple[int, str]] = deque()

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> tuple[int, str]:
        if self._waiting:
            return self._waiting.popleft()
        line = self._stream.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        rest = line
        while len(rest) >= LONGEST_LINE and not rest.endswith(("\n", "\r")):
            rest = self._stream.readline(LONGEST_LINE)  # the rest of a line that is too long is not kept
        self._number += 1
        return self._number, line

    def back(self, lines: Sequence[tuple[int, str]]) -> None:
        """Give lines back, to be read again."""
        self._waiting.extendleft(reversed(lines))


def fitted(row: Row, width: int) -> Row:
    """A row without the empty fields that follow the last column; with another width, it has a fault."""
    if row.fault or len(row.fields) == width:
        return row
    if len(row.fields) > width and not any(field.strip() for field in row.fields[width:]):
        return row._replace(fields=row.fields[:width])
    return row._replace(fault=f"this row has {len(row.fields)} fields, and the heading {width}")


def separator_of(heading: str) -> str:
    """What stands between the columns: a tab, a semicolon, or a comma, if it is there outside of quotes."""
    bare = QUOTED.sub("", heading)
    return next((separator for separator in SEPARATORS if separator in bare), ",")


def cleaned(field: str) -> str:
    """A field without the white space around it, and without the guard against formulas; composed characters."""
    text = unicodedata.normalize("NFC", field.strip(" \t\r\n\ufeff\u00a0"))
    return text[1:] if GUARDED.match(text) else text


def pointed(answer: str, separator: str) -> str:
    """An answer as our language writes it: where semicolons stand between columns, a comma may be a decimal sign.

    >>> pointed("-0,25", ";"), pointed("[1,2]", ";"), pointed("1,5", ",")
    ('-0.25', '[1,2]', '1,5')
    """
    if separator != ";" or any(bracket in answer for bracket in "[({"):
        return answer
    return COMMA.sub(r"\1.\2", answer)


def plain(column: str) -> str:
    """A heading as it is compared: `Student_ID` and `student id` are one.

    >>> plain("Student_ID ")
    'student id'
    """
    return re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFKC", column)).strip().casefold()


STUDENT = (
    "id",
    "student id",
    "student number",
    "id number",
    "sis id",
    "학번",
    "학생 번호",
    "sheet",
    "연습지",
    "student",
)
NAME = ("name", "full name", "student name", "이름", "성명", "학생 이름")
EMAIL = ("email", "e mail", "email address", "이메일")
PROBLEM = ("problem", "question", "문제")
CELL = ("cell", "address", "칸", "셀")
ANSWER = ("answer", "your answer", "답", "답안")
"""What columns are called, the first choice first."""


def find(columns: Sequence[str], names: Sequence[str]) -> int | None:
    """The column of one of these names; the first name that any has."""
    known = {plain(column): at for at, column in reversed(list(enumerate(columns)))}
    return next((known[name] for name in names if name in known), None)


def refuse_repeated(columns: Sequence[str], place: str) -> None:
    """A column is named once.

    Errors: FileError.
    """
    seen: set[str] = set()
    for column in filter(None, columns):
        if plain(column) in seen:
            raise FileError(f"{place}: two columns are named '{brief(column)}'", hint="keep one of them")
        seen.add(plain(column))
