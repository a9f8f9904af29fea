"""CSV and TSV: a stream of bytes cut into blocks of whole records, and results written as lines.

A record is a line, unless a quoted cell goes on over the next ones. Cut are bytes, so that an engine may parse a block
as it likes; `records` is the exact reading, which every other one has to agree with.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from gradcli.batch.cells import NUMBER
from gradcli.batch.formats import Layout
from gradcli.batch.rows import Records, Result
from gradcli.batch.sources import Read, Source
from gradcli.errors import FileError, LimitError
from gradcli.render.csv import FORMULA, cell

if TYPE_CHECKING:
    from gradcli.batch.frames import Framed

LONGEST = 1 << 24
"""Bytes of a record: no table of numbers has longer ones."""


class Block(NamedTuple):
    """Whole records as bytes, and the number of their first line."""

    text: bytes
    line: int


DELIMITERS = {"csv": ",", "tsv": "\t"}
"""What stands between the cells, by the format's name."""


class Table:
    """A table of text as it is read.

    names: of the columns; the first record's cells unless given.   place: what messages call it.
    """

    def __init__(self, source: Source, form: str, names: Sequence[str] | None = None) -> None:
        self.place, self.delimiter = source.place, DELIMITERS[form]
        self.size, self.idle = source.size, source.idle
        self.waiting = blocks(source.read, source.place)
        self.first: Block | None = next(self.waiting, None)
        self.names = list(names) if names is not None else self.header()

    def header(self) -> list[str]:
        """The names in the first record, which is taken off.

        Errors: FileError for an empty table.
        """
        while self.first is not None:
            end = end_of_record(self.first.text)
            record, rest = self.first.text[:end], self.first.text[end:]
            line = self.first.line + record.count(b"\n")
            self.first = Block(rest, line) if rest else next(self.waiting, None)
            found = records(Block(record, line), self.delimiter)
            if found.faults:
                raise FileError(f"{self.place}: line {found.line(0)}: the header: {found.faults[0]}")
            if found.cells:
                return found.cells[0]
        raise FileError(f"{self.place}: the table is empty", hint="its first line names the columns: x,y")

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
        texts: list[bytes] = []
        line = length = 0
        for block in blocks:
            line = line if texts else block.line
            texts.append(block.text)
            length += len(block.text)
            if length >= size or self.idle():
                yield Block(b"".join(texts), line)
                texts, length = [], 0
        if texts:
            yield Block(b"".join(texts), line)


def blocks(read: Read, place: str, *, quotes: bool = True) -> Iterator[Block]:
    """The records of a stream, as they come.

    Errors: LimitError for a record longer than LONGEST.
    """
    rest, line = b"", 1
    while piece := read():
        text = rest + piece
        cut = end_of_records(text) if quotes else text.rfind(b"\n") + 1
        if cut:
            yield Block(text[:cut], line)
            line += text.count(b"\n", 0, cut)
        rest = text[cut:]
        if len(rest) > LONGEST:
            raise LimitError(
                f"{place}: the record at line {line} is longer than {LONGEST:,} bytes",
                hint="is a quote in it never closed?" if b'"' in rest else "is this a table, with a line for each row?",
            )
    if rest:
        yield Block(rest, line)


def end_of_records(text: bytes) -> int:
    """Where the last whole record ends: behind the last new line that no quoted cell goes on over."""
    cut = text.rfind(b"\n") + 1
    while cut and text.count(b'"', 0, cut) % 2:
        cut = text.rfind(b"\n", 0, text.rfind(b'"', 0, cut)) + 1
    return cut


def end_of_record(text: bytes) -> int:
    """Where the first record ends."""
    end = text.find(b"\n") + 1 or len(text)
    while text.count(b'"', 0, end) % 2 and end < len(text):
        end = text.find(b"\n", end) + 1 or len(text)
    return end


def records(block: Block, delimiter: str, *, single: bool = False) -> Records:
    """The records of a block; blank lines are none, unless the table has a single column."""
    text = block.text.decode("utf-8", "surrogateescape")
    suspect = "_" in text or not text.isascii()

    def line(index: int) -> int:
        starts = (at for at, cells, fault in exactly(text, delimiter) if cells or fault or single)
        return block.line + next(islice(starts, index, None))

    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        found = [cells or [""] for cells in reader] if single else [cells for cells in reader if cells]
    except csv.Error:
        each = [(cells, fault) for _, cells, fault in exactly(text, delimiter) if cells or fault or single]
        faults = {index: fault for index, (_, fault) in enumerate(each) if fault}
        return Records([cells for cells, _ in each], faults, line)
    return Records(found, {}, line, suspect)


def exactly(text: str, delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """The number of lines before each record, its cells, and what is wrong with it as a record."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 0
    while True:
        try:
            yield line, next(reader), ""
        except StopIteration:
            return
        except csv.Error as error:
            yield line, [], f"this is no record: {error}"
        line = reader.line_num


class Writer:
    """Results as lines of text."""

    def __init__(self, layout: Layout, sink: BinaryIO, form: str) -> None:
        self.own, self.results = len(layout.own), len(layout.results)
        self.sink, self.delimiter = sink, DELIMITERS[form]
        self.put(self.line([cell(name) for name in (*layout.own, *layout.results)]).encode("utf-8", "surrogateescape"))

    def records(self, records: Records, results: Iterable[Result]) -> bytes:
        """The lines of some rows; what was no UTF-8 when it was read is the same bytes again."""
        delimiter, end = self.delimiter, f"{self.delimiter}\n"
        lines = (
            map(self.both, records.cells, results)
            if self.own
            else [
                delimiter.join(map(repr, result[:-1])) + end if result[-1] is True else self.line(self.cells(result))
                for result in results
            ]
        )
        return "".join(lines).encode("utf-8", "surrogateescape")

    def frame(self, frame: Any) -> bytes:
        """The lines of a frame whose columns are those that come out."""
        stream = io.BytesIO()
        if self.own:
            from gradcli.batch.text_frames import harmless

            frame = harmless(frame, self.own)
        frame.write_csv(stream, include_header=False, separator=self.delimiter)
        return stream.getvalue()

    def end(self) -> None:
        """Write what is left."""

    def put(self, piece: bytes) -> None:
        """Write what `records` or `frame` made."""
        self.sink.write(piece)

    def both(self, cells: Sequence[str], result: Result) -> str:
        """A row's line with its own cells first; text that a spreadsheet would compute is guarded."""
        own = [text if not text.startswith(FORMULA) else guarded(text) for text in cells[: self.own]]
        return self.line([*own, *[""] * (self.own - len(own)), *self.cells(result)])

    def cells(self, result: Result) -> list[str]:
        """The cells of a result."""
        *numbers, error = result
        written = [number(value) for value in numbers] or [""] * (self.results - 1)
        return [*written, "" if error is True else cell(error)]

    def line(self, cells: Sequence[str]) -> str:
        """A line of any cells."""
        stream = io.StringIO()
        csv.writer(stream, delimiter=self.delimiter, lineterminator="\n").writerow(cells)
        return stream.getvalue()


def number(value: float) -> str:
    """A number as other programs read it back."""
    if isfinite(value):
        return repr(float(value))
    return "NaN" if isnan(value) else "inf" if value > 0 else "-inf"


def guarded(text: str) -> str:
    """A text that begins as a formula, harmless to a spreadsheet; a number is harmless as it is."""
    return text if NUMBER.fullmatch(text) else f"'{text}"
