"""NDJSON: an object a line, read with its numbers as they are typed, and written so that they read back the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, BinaryIO

from gradcli.batch.delimited import Block, blocks, gathered
from gradcli.batch.formats import Layout
from gradcli.batch.rows import Records, Result
from gradcli.batch.sources import Source
from gradcli.errors import FileError, UsageError, brief, encodable

if TYPE_CHECKING:
    from gradcli.batch.frames import Framed

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
"""A number in JSON."""

KEY = re.compile(r'[{,][ \t\r\n]*("(?:[^"\\]|\\.)*")[ \t\r\n]*:[ \t\r\n]*')
"""What stands before a value of an object."""

MANY = 1 << 17
"""Bytes of a block that are worth a frame."""


class Json(str):
    """A cell that is a piece of JSON other than text: a number, a truth, a list."""

    __slots__ = ()


class Text(str):
    """A cell that is text, also where it looks like a number."""

    __slots__ = ()


class Double(str):
    """A cell that is a double, also where JSON has no number for it."""

    __slots__ = ()


class Twice(ValueError):
    """A key that an object has twice."""


class Table:
    """A table as it is read.

    names: the keys of the first block's objects.   keep: whether every key comes out, so that a new one is an error.
    """

    unit = "line"

    def __init__(self, source: Source, form: str, names: Sequence[str] | None = None) -> None:
        if names is not None:
            raise UsageError("NDJSON names its columns in every line", hint="leave --no-header and --columns out")
        self.place, self.size, self.idle, self.keep = source.place, source.size, source.idle, False
        self.waiting = blocks(source.read, source.place, quotes=False)
        self.first: Block | None = next(self.waiting, None)
        if self.first is None:
            raise FileError(f"{self.place}: the table is empty", hint='each line is an object: {"x": 3, "y": 2}')
        self.names = self.keys(self.first.text)

    def keys(self, text: bytes) -> list[str]:
        """The keys of all objects in a block."""
        if len(text) > MANY:
            from gradcli.batch.json_frames import alike

            if same := alike(text):
                return same
        found = [parsed(line)[0] for line in text.split(b"\n") if line.strip()]
        return list(dict.fromkeys(key for entry in found for key in entry))

    def only(self, places: Sequence[int], *, keep: bool) -> None:
        """All keys are read; where every one comes out, a new one is an error."""
        self.keep = keep

    def blocks(self) -> Iterator[Block]:
        """All lines, as they come."""
        if self.first is not None:
            yield self.first
            yield from self.waiting

    def records(self, block: Block) -> Records:
        """The rows of a block."""
        names, lines = self.names, [(at, line) for at, line in enumerate(block.text.split(b"\n")) if line.strip()]
        found = [parsed(line) for _, line in lines]
        faults = {k: fault for k, (_, fault) in enumerate(found) if fault}
        if self.keep:
            for k, (entry, _) in enumerate(found):
                if not entry.keys() <= {*names}:
                    key = next(key for key in entry if key not in names)
                    faults[k] = f"the key '{brief(key)}' is new here, and would not be kept"
        cells = [[entry.get(name, "") for name in names] for entry, _ in found]
        return Records(cells, faults, lambda index: block.line + lines[index][0])

    def expected(self, block: Block) -> float | None:
        """How many rows there will be about, going by the first block; None for a pipe."""
        return None if self.size is None else self.size * (1 + block.text.count(b"\n")) / len(block.text)

    def framing(self, places: Sequence[int], *, keep: bool) -> Callable[[Block], Framed | None]:
        """What makes a frame of a block, or None where it has to be read line by line."""
        from gradcli.batch.json_frames import reader

        return reader(self.names, places, self.records, keep=keep)

    def gathered(self, blocks: Iterator[Block], size: int) -> Iterator[Block]:
        """Larger blocks, as long as nothing has to be waited for."""
        return gathered(blocks, size, self.idle)


def parsed(line: bytes) -> tuple[dict[str, str], str]:
    """An object's entries as cells, or why it is none."""
    try:
        text = line.decode()
        entry = json.loads(text, parse_float=Json, parse_int=Json, parse_constant=Text, object_pairs_hook=once)
    except Twice as error:
        return {}, f"two values have the key '{brief(str(error))}'"
    except json.JSONDecodeError as error:
        return {}, f"this is no JSON: {error.msg[:1].lower()}{error.msg[1:]}, at character {error.pos + 1}"
    except UnicodeDecodeError as error:
        return {}, f"this is no text in UTF-8, at byte {error.start + 1}"
    except RecursionError:
        return {}, "this is nested too deeply"
    if not isinstance(entry, dict):
        return {}, 'this is no object, such as {"x": 3}'
    if any(isinstance(value, list | dict) for value in entry.values()):
        entry |= nested(text)
    return {key: cell(value) for key, value in entry.items()}, ""


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of pairs.

    Errors: Twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise Twice(next(key for k, key in enumerate(keys) if key in keys[:k]))
    return found


def nested(text: str) -> dict[str, Json]:
    """The lists and objects of an object, as they are typed."""
    found, decoder, at = {}, json.JSONDecoder(), text.index("{")
    while key := KEY.match(text, at):
        value, end = decoder.raw_decode(text, key.end())
        if isinstance(value, list | dict):
            found[json.loads(key[1])] = Json(text[key.end() : end])
        at = text.index("," if "," in text[end:] else "}", end)
    return found


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
            lines.append(self.line([*own, *values, "null" if error is True else error_or_null(error)]))
        return encoded("".join(lines))

    def frame(self, frame: Any, typed: Any = None) -> bytes:
        """The lines of a frame whose columns are those that come out."""
        from gradcli.batch.json_frames import lines

        return encoded(lines(frame, self.keys, typed))

    def line(self, values: Sequence[str]) -> str:
        """A line of values that are JSON already."""
        return "{" + ", ".join(map("{}: {}".format, self.keys, values)) + "}\n"

    def put(self, piece: bytes) -> None:
        """Write what `records` or `frame` made."""
        self.sink.write(piece)

    def end(self) -> None:
        """Write what is left."""


def encoded(text: str) -> bytes:
    r"""Lines in UTF-8; what is no character, and stands in text alone, as \udcff."""
    return text.encode("utf-8", "backslashreplace")


def written(text: str) -> str:
    """A cell as JSON: a number as it was typed, nothing as null, anything else as text."""
    if not text and not isinstance(text, Text):
        return "null"
    if isinstance(text, Double):
        return number(float(text))
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


def error_or_null(text: str | None) -> str:
    """What is wrong with a row as JSON, null for nothing."""
    return json.dumps(encodable(text), ensure_ascii=False) if text else "null"
