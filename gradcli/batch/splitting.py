"""Delimited text cut into records: a quoted cell may go on over new lines, and one that is never closed may not.

A record that is none, because text follows a closing quote or a quote is never closed, ends with its first line: what
comes after it is read as if nothing had happened. Where a block of bytes ends changes nothing of that.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from functools import cache
from typing import AnyStr, Generic, NamedTuple

from gradcli.errors import brief

LONGEST = 1 << 24
"""Bytes of a record: no table of numbers has longer ones."""

TOGETHER = 200
"""Records that are matched at a time: a pattern remembers each of them."""


class Patterns(NamedTuple, Generic[AnyStr]):
    """records: some well-formed records, each with its end.   record: one, which may end with the text.

    part: what may become one.   cells: the well-formed cells that a record begins with.
    quoted: a quoted cell without its closing quote.   opening: a quote that opens a cell.
    closed: a quoted cell with another one behind it, or the end of the record.
    """

    records: re.Pattern[AnyStr]
    record: re.Pattern[AnyStr]
    part: re.Pattern[AnyStr]
    cells: re.Pattern[AnyStr]
    quoted: re.Pattern[AnyStr]
    opening: re.Pattern[AnyStr]
    closed: re.Pattern[AnyStr]


def sources(delimiter: str) -> list[str]:
    """The patterns of text with this delimiter."""
    quoted = '"[^"]*+(?:""[^"]*+)*'
    cell = rf'(?:{quoted}"|[^"{delimiter}\r\n][^{delimiter}\r\n]*|)'
    end = r"(?:\r?\n|\r(?!\n|\Z))"  # the last \r may be half a \r\n
    record = f"{cell}(?:{delimiter}{cell})*"
    opening = rf'"(?<![^{delimiter}\r\n]")'
    return [
        rf"(?:{record}{end}){{1,{TOGETHER}}}",
        rf"{record}(?:\r?\n|\r|\Z)",
        rf'(?:{cell}{delimiter})*(?:{quoted}"?|{cell})\r?\Z',
        f"(?:{cell}{delimiter})*",
        quoted,
        opening,
        rf'{opening}[^"]*+(?:""[^"]*+)*"(?=[{delimiter}\r\n])',
    ]


@cache
def in_bytes(delimiter: str) -> Patterns[bytes]:
    """For bytes."""
    return Patterns(*[re.compile(each.encode()) for each in sources(delimiter)])


@cache
def in_text(delimiter: str) -> Patterns[str]:
    """For text."""
    return Patterns(*map(re.compile, sources(delimiter)))


def end_of_records(text: bytes, delimiter: str) -> int:
    """Where the last whole record ends, of a text that may go on."""
    end = (text.rfind(b"\n") if b"\n" in text else text.rfind(b"\r", 0, len(text) - 1)) + 1
    if b'"' in text and not one_line_each(text, delimiter):
        end = walked(text, in_bytes(delimiter))
    return end


def end_of_record(text: bytes, delimiter: str) -> int:
    """Where the first record ends."""
    found = in_bytes(delimiter).record.match(text)
    return found.end() if found else text.find(b"\n") + 1 or len(text)


def one_line_each(text: bytes, delimiter: str) -> bool:
    """Whether no quoted cell goes on over a new line, and every one is closed; as far as the last new line."""
    patterns = in_bytes(delimiter)
    rest = patterns.closed.sub(b"", text)
    end = rest.rfind(b"\n")
    return patterns.opening.search(rest, 0, end) is None and rest.count(b"\n") == text.count(b"\n") and end >= 0


def walked(text: bytes, patterns: Patterns[bytes]) -> int:
    """The same end, by going over the records one by one."""
    at = 0
    while True:
        while found := patterns.records.match(text, at):
            at = found.end()
        ending = text.find(b"\n", at) + 1
        if not ending:
            return at
        if patterns.part.match(text, at):
            return at if len(text) - at <= LONGEST else ending
        at = ending  # this line is no record
        if text.find(b'"', at) < 0:
            return text.rfind(b"\n") + 1


def lines(text: bytes, end: int | None = None) -> int:
    """How many lines end in a text; in the part of it before `end`."""
    count = text.count(b"\n", 0, end)
    if b"\r" in text:
        count += text.count(b"\r", 0, end) - text.count(b"\r\n", 0, end)
    return count


def exactly(text: str, delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """The number of lines before each record, its cells, and what is wrong with it as a record."""
    patterns, at, line = in_text(delimiter), 0, 0
    while at < len(text):
        found = patterns.record.match(text, at)
        if found is not None:
            cells = next(csv.reader(io.StringIO(found[0], newline=""), delimiter=delimiter, strict=True), [])
            yield line, cells, ""
            end = found.end()
        else:
            end = text.find("\n", at) + 1 or len(text)
            yield line, [], fault(text, at, end, patterns)
        line += text.count("\n", at, end) + text.count("\r", at, end) - text.count("\r\n", at, end)
        at = end


def fault(text: str, at: int, end: int, patterns: Patterns[str]) -> str:
    """What is wrong with a line that is no record."""
    cells = patterns.cells.match(text, at, end)
    start = cells.end() if cells is not None and cells.end() < end else at
    which = f"cell {len(next(csv.reader([text[at:start]]), [])) or 1}" if start > at else "cell 1"
    quoted = patterns.quoted.match(text, start, end)
    shown = brief(text[start:end].rstrip("\r\n"))
    if quoted is None or quoted.end() >= end:
        return f"the quote that opens {which} is not closed: {shown}"
    return f"text follows the closing quote of {which}: {shown}"
