"""NDJSON: an object a line, read with its numbers as they are typed, and written so that they read back the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, BinaryIO

from gradcli.batch.delimited import Block, blocks
from gradcli.batch.formats import Layout
from gradcli.batch.rows import Records, Result
from gradcli.batch.sources import Source
from gradcli.errors import FileError, UsageError, brief

if TYPE_CHECKING:
    from gradcli.batch.frames import Framed

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
"""A number in JSON."""


class Json(str):
    """A cell that is a piece of JSON other than text: a number, a truth, a list."""

    __slots__ = ()


class Text(str):
    """A cell that is text, also where it looks like a number."""

    __slots__ = ()


class Table:
    """A table as it is read.   names: the keys of the first block's objects."""

    unit = "line"

    def __init__(self, source: Source, form: str, names: Sequence[str] | None = None) -> None:
        if names is not None:
            raise UsageError("NDJSON names its columns in every line", hint="leave --no-header and --columns out")
        self.place, self.size, self.idle = source.place, source.size, source.idle
        self.waiting = blocks(source.read, source.place, quotes=False)
        self.first: Block | None = next(self.waiting, None)
        if self.first is None:
            raise FileError(f"{self.place}: the table is empty", hint='each line is an object: {"x": 3, "y": 2}')
        found = (self.parsed(line) for line in self.first.text.splitlines() if line.strip())
        self.names = list(dict.fromkeys(key for entry, _ in found for key in entry))

    def blocks(self) -> Iterator[Block]:
        """All lines, as they come."""
        if self.first is not None:
            yield self.first
            yield from self.waiting

    def records(self, block: Block) -> Records:
        """The rows of a block."""
        names, lines = self.names, [(at, line) for at, line in enumerate(block.text.split(b"\n")) if line.strip()]
        found = [self.parsed(line) for _, line in lines]
        faults = {k: fault for k, (_, fault) in enumerate(found) if fault}
        cells = [[entry.get(name, "") for name in names] for entry, _ in found]
        return Records(cells, faults, lambda index: block.line + lines[index][0])

    def parsed(self, line: bytes) -> tuple[dict[str, str], str]:
        """An object's entries as cells, or why it is none."""
        try:
            entry = json.loads(line, parse_float=Json, parse_int=Json, parse_constant=Json)
        except (ValueError, RecursionError) as error:
            return {}, f"this is no JSON: {brief(str(error))}"
        if not isinstance(entry, dict):
            return {}, 'this is no object, such as {"x": 3}'
        if any(isinstance(value, list | dict) for value in entry.values()):
            entry |= {key: value for key, value in json.loads(line).items() if isinstance(value, list | dict)}
        return {key: cell(value) for key, value in entry.items()}, ""

    def expected(self, block: Block) -> float | None:
        """How many rows there will be: objects are read one by one, however many."""
        return 0.0

    def framing(self, places: Sequence[int], *, keep: bool) -> Callable[[Block], Framed | None]:
        """Every block is read row by row."""
        return lambda block: None

    def gathered(self, blocks: Iterator[Block], size: int) -> Iterator[Block]:
        """The blocks as they are."""
        return blocks


def cell(value: Any) -> str:
    """A value of an object as a cell: text and numbers as they are, null as nothing."""
    if isinstance(value, str):
        return value if isinstance(value, Json) else Text(value)
    return "" if value is None else Json(json.dumps(value, ensure_ascii=False))


class Writer:
    """Results as objects, a line each."""

    def __init__(self, layout: Layout, sink: BinaryIO, form: str) -> None:
        self.own, self.sink = len(layout.own), sink
        self.keys = [json.dumps(name, ensure_ascii=False) for name in (*layout.own, *layout.results)]
        self.nothing = ["null"] * (len(layout.results) - 1)

    def records(self, records: Records, results: Iterable[Result]) -> bytes:
        """The lines of some rows."""
        lines = []
        for cells, (*numbers, error) in zip(records.cells, results, strict=True):
            own = [written(text) for text in cells[: self.own]]
            own += ["null"] * (self.own - len(own))
            values = [number(value) for value in numbers] or self.nothing
            lines.append(self.line([*own, *values, text_or_null("" if error is True else error)]))
        return "".join(lines).encode("utf-8", "surrogateescape")

    def frame(self, frame: Any) -> bytes:
        """The lines of a frame whose columns are those that come out."""
        lines = []
        for row in frame.iter_rows():
            own = [anything(value) for value in row[: self.own]]
            lines.append(self.line([*own, *map(number, row[self.own : -1]), text_or_null(row[-1])]))
        return "".join(lines).encode("utf-8", "surrogateescape")

    def line(self, values: Sequence[str]) -> str:
        """A line of values that are JSON already."""
        return "{" + ", ".join(map("{}: {}".format, self.keys, values)) + "}\n"

    def put(self, piece: bytes) -> None:
        """Write what `records` or `frame` made."""
        self.sink.write(piece)

    def end(self) -> None:
        """Write what is left."""


def written(text: str) -> str:
    """A cell as JSON: a number as it was typed, nothing as null, anything else as text."""
    if not text and not isinstance(text, Text):
        return "null"
    if isinstance(text, Json) or (NUMBER.fullmatch(text) and not isinstance(text, Text)):
        return str(text)
    return json.dumps(text, ensure_ascii=False)


def number(value: Any) -> str:
    """A number as JSON; what JSON has no number for is text, as proto3 writes it; a tensor as nested lists."""
    if value is None:
        return "null"
    if not isinstance(value, float):
        return f"[{', '.join(map(number, value))}]"
    if isfinite(value):
        return repr(float(value))
    return '"NaN"' if isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'


def text_or_null(text: str | None) -> str:
    """A text as JSON, null for none."""
    return json.dumps(text, ensure_ascii=False) if text else "null"


def anything(value: Any) -> str:
    """A value of a frame as JSON."""
    if isinstance(value, float):
        return number(value)
    return written(value) if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
