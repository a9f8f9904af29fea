"""CSV and TSV: a stream of bytes cut into blocks of whole records, and results written as lines.

A record is a line, unless a quoted cell goes on over the next ones. Cut are bytes, so that an engine may parse a block
as it likes; `records` is the exact reading, which every other one has to agree with.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from gradcli.batch.cells import NUMBER
from gradcli.batch.formats import Layout
from gradcli.batch.headers import checked, refuse_binary
from gradcli.batch.plain_lines import Cells
from gradcli.batch.rows import Records, Result
from gradcli.batch.sources import Read, Source
from gradcli.batch.splitting import LONGEST, end_of_record, end_of_records, exactly, lines
from gradcli.errors import FileError, LimitError
from gradcli.render.csv import FORMULA, cell

if TYPE_CHECKING:
    from gradcli.batch.frames import Framed


class Block(NamedTuple):
    """Whole records as bytes, and the number of their first line."""

    text: bytes
    line: int


DELIMITERS = {"csv": ",", "tsv": "\t"}
"""What stands between the cells, by the format's name."""

WINDOW = 1 << 20
"""Bytes of a block, unless it is one record."""

QUOTE = '"'

BEGINNINGS = frozenset(FORMULA)
"""How a text begins that a spreadsheet may take for a formula."""

HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Halves of characters that stand for no byte."""


class Table:
    """A table of text as it is read.

    names: of the columns; the first record's cells unless given.   place: what messages call it.
    """

    unit = "line"

    def __init__(self, source: Source, form: str, names: Sequence[str] | None = None) -> None:
        self.place, self.delimiter = source.place, DELIMITERS[form]
        self.size, self.idle, self.path = source.size, source.idle, source.path
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST))
        self.waiting = blocks(source.read, source.place, delimiter=self.delimiter)
        self.first: Block | None = next(self.waiting, None)
        refuse_binary(self.first.text if self.first else b"", self.place)
        self.names = list(names) if names is not None else self.header()

    def header(self) -> list[str]:
        """The names in the first record, which is taken off.

        Errors: FileError for an empty table.
        """
        while self.first is not None:
            text, line = self.first
            end = end_of_record(text, self.delimiter)
            record, rest = Block(text[:end], line), text[end:]
            self.first = Block(rest, line + lines(record.text)) if rest else None
            found = records(record, self.delimiter)
            if found.faults:
                raise FileError(
                    f"{self.place}: the header, line {line}: {found.faults[0]}",
                    hint='a cell with quotes stands in quotes, and they are doubled: "say ""hi"""',
                )
            if len(found.cells):
                return checked(found.cells[0], self.place)
            self.first = self.first or next(self.waiting, None)
        raise FileError(f"{self.place}: the table is empty", hint="its first line names the columns: x,y")

    def only(self, places: Sequence[int], *, keep: bool) -> None:
        """All columns are read."""

    def blocks(self) -> Iterator[Block]:
        """What follows the header, as it comes."""
        if self.first is not None:
            yield self.first
        yield from self.waiting

    def records(self, block: Block) -> Records:
        """The rows of a block."""
        return records(block, self.delimiter, single=len(self.names) == 1)

    def expected(self, block: Block) -> float | None:
        """How many rows there will be about, going by the first block; None for a pipe."""
        return None if self.size is None else self.size * (1 + block.text.count(b"\n")) / len(block.text)

    def framing(self, places: Sequence[int], *, keep: bool) -> Callable[[Block], Framed | None]:
        """What makes a frame of a block, or None where it has to be read record by record."""
        from gradcli.batch.text_frames import reader

        return reader(places, len(self.names), self.delimiter, keep=keep)

    def gathered(self, blocks: Iterator[Block], size: int) -> Iterator[Block]:
        """Larger blocks, as long as nothing has to be waited for."""
        return gathered(blocks, size, self.idle)


def blocks(read: Read, place: str, *, quotes: bool = True, delimiter: str = ",") -> Iterator[Block]:
    """The records of a stream, as they come.

    Errors: LimitError for a record longer than LONGEST.
    """
    rest, line, waiting, size, enough = b"", 1, list[bytes](), 0, 0
    while piece := read():
        waiting.append(piece)
        size += len(piece)
        if size < enough:
            continue
        text = rest + b"".join(waiting) if rest or len(waiting) > 1 else piece
        start, window = 0, WINDOW
        while True:
            part = text[start : start + window]
            cut = end_of_records(part, delimiter) if quotes else part.rfind(b"\n") + 1
            if cut:
                yield Block(part[:cut], line)
                line += lines(part, cut) if quotes else part.count(b"\n", 0, cut)
                start, window = start + cut, WINDOW
            elif start + window < len(text):
                window *= 2
            else:
                break
        rest = text[start:]
        waiting, size = [], 0
        enough = 0 if len(rest) < WINDOW else min(len(rest), LONGEST + 1 - len(rest))  # so as not to go over it often
        if len(rest) > LONGEST:
            raise LimitError(
                f"{place}: line {line} is longer than {LONGEST:,} bytes",
                hint="is this a table, with a line for each row?",
            )
    rest += b"".join(waiting)
    if rest:
        yield Block(rest, line)


def gathered(blocks: Iterator[Block], size: int, idle: Callable[[], bool]) -> Iterator[Block]:
    """Larger blocks, of about so many bytes, as long as nothing has to be waited for."""
    texts: list[bytes] = []
    line = length = 0
    for block in blocks:
        line = line if texts else block.line
        texts.append(block.text)
        length += len(block.text)
        if length >= size or idle():
            yield Block(b"".join(texts), line)
            texts, length = [], 0
    if texts:
        yield Block(b"".join(texts), line)


def records(block: Block, delimiter: str, *, single: bool = False) -> Records:
    """The records of a block; blank lines are none, unless the table has a single column."""
    text = block.text.decode("utf-8", "surrogateescape")

    if '"' not in text:
        plain = Cells(text, delimiter, single)
        return Records(plain, {}, lambda index: block.line + plain.line(index), suspect(text))
    starts: list[int] = []

    def line(index: int) -> int:
        if not starts:
            starts.extend(at for at, cells, fault in exactly(text, delimiter) if cells or fault or single)
        return block.line + starts[index]

    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        found = [cells or [""] for cells in reader] if single else [cells for cells in reader if cells]
    except csv.Error:
        each = [(cells, fault) for _, cells, fault in exactly(text, delimiter) if cells or fault or single]
        faults = {index: fault for index, (_, fault) in enumerate(each) if fault}
        return Records([cells or [""] * single for cells, _ in each], faults, line)
    return Records(found, {}, line, suspect(text))


def suspect(text: str) -> bool:
    """Whether Python may read a cell as a number that is none here."""
    return "_" in text or not text.isascii()


class Writer:
    """Results as lines of text."""

    def __init__(self, layout: Layout, sink: BinaryIO, form: str) -> None:
        self.own, self.results = len(layout.own), len(layout.results)
        self.sink, self.delimiter = sink, DELIMITERS[form]
        self.odd = re.compile(rf'[{self.delimiter}"\r\n]')
        begins = re.escape("".join(BEGINNINGS - {self.delimiter, "\r", "\n"}))
        other = rf"(?!{NUMBER.pattern}(?:{self.delimiter}|$))"
        self.formula = re.compile(rf"(?:^|{self.delimiter})(?=[{begins}]){other}", re.MULTILINE | re.IGNORECASE)
        self.pattern = self.delimiter.join(["%r"] * (self.results - 1) + ["%.0s\n"])  # of the final True, nothing
        self.put(encoded(self.line([cell(name) for name in (*layout.own, *layout.results)])))

    def records(self, records: Records, results: Sequence[Result]) -> bytes:
        """The lines of some rows; what was no UTF-8 when it was read is the same bytes again."""
        good = {result[-1] for result in results} == {True} and plain(results[:1])
        if good and not self.own:
            text = spelled(self.pattern * len(results) % tuple(chain.from_iterable(results)))
        elif good and self.as_they_are(records.cells):
            numbers = spelled(self.pattern * len(results) % tuple(chain.from_iterable(results))).splitlines(True)
            texts = records.cells.texts()  # type: ignore[attr-defined] # they are Cells
            text = "".join([f"{line}{self.delimiter}{end}" for line, end in zip(texts, numbers, strict=True)])
        elif self.own:
            text = "".join(map(self.both, records.cells, results))
        else:
            text = "".join([self.line(self.cells(result)) for result in results])
        return encoded(text)

    def frame(self, frame: Any, typed: Any = None) -> bytes:
        """The lines of a frame whose columns are those that come out."""
        from gradcli.batch.text_frames import harmless

        stream = io.BytesIO()
        harmless(frame, self.own, typed).write_csv(stream, include_header=False, separator=self.delimiter)
        return stream.getvalue()

    def end(self) -> None:
        """Write what is left."""

    def as_they_are(self, cells: Sequence[Sequence[str]]) -> bool:
        """Whether the lines of some rows may be written as they were read."""
        same = isinstance(cells, Cells) and cells.delimiter == self.delimiter
        return same and self.formula.search(cells.text) is None  # type: ignore[attr-defined] # they are Cells

    def put(self, piece: bytes) -> None:
        """Write what `records` or `frame` made."""
        self.sink.write(piece)

    def both(self, cells: Sequence[str], result: Result) -> str:
        """A row's line with its own cells first; text that a spreadsheet would compute is guarded."""
        own = [text if text[:1] not in BEGINNINGS else guarded(text) for text in cells[: self.own]]
        return self.line([*own, *[""] * (self.own - len(own)), *self.cells(result)])

    def cells(self, result: Result) -> list[str]:
        """The cells of a result."""
        *numbers, error = result
        written = list(map(number, numbers)) or [""] * (self.results - 1)
        return [*written, "" if error is True else cell(error)]

    def line(self, cells: Sequence[str]) -> str:
        """A line of any cells, those in quotes that would not be read back the same."""
        if any(map(self.odd.search, cells)):
            cells = [f'"{text.replace(QUOTE, QUOTE * 2)}"' if self.odd.search(text) else text for text in cells]
        return f"{self.delimiter.join(cells)}\n"


def encoded(text: str) -> bytes:
    """Lines in UTF-8; what was no UTF-8 when it was read is the same bytes again, what JSON alone can say an escape."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return HALVES.sub(lambda half: ascii(half[0])[1:-1], text).encode("utf-8", "surrogateescape")


def plain(results: Sequence[Result]) -> bool:
    """Whether the values of a result are numbers, and no tensors."""
    return all(type(value) is float for result in results for value in result[:-1])


def number(value: Any) -> str:
    """A number as other programs read it back; a tensor as it is typed."""
    if type(value) is not float:
        from gradcli.places import listed

        return listed(value)
    if isfinite(value):
        return spelled(repr(value))
    return "NaN" if isnan(value) else "inf" if value > 0 else "-inf"


MANTISSA = re.compile(r"([0-9])(?:\.([0-9]+))?$", re.ASCII)

LONG = 18
"""Characters of the longest mantissa."""


def spelled(text: str) -> str:
    """Numbers in Polars' spelling, so that no engine shows in a table: 1e-7 for 1e-07, 0.00001 for 1e-05.

    >>> spelled("1e-05,-2.5e-05,1.5e-07,1e-10,1e+16")
    '0.00001,-0.000025,1.5e-7,1e-10,1e+16'
    """
    first, *others = text.split("e-0")  # a pattern over all digits would take longer than writing them
    pieces = [first]
    for piece in others:
        if piece[0] == "5":
            before = pieces[-1]
            small = MANTISSA.sub(lambda found: f"0.0000{found[1]}{found[2] or ''}", before[-LONG:])
            pieces[-1] = before[:-LONG] + small + piece[1:]
        else:
            pieces.append(piece)
    return "e-".join(pieces)


def guarded(text: str) -> str:
    """A text that begins as a formula, harmless to a spreadsheet; a number is harmless as it is."""
    return text if NUMBER.fullmatch(text) else f"'{text}"
