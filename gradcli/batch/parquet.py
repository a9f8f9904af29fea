"""Parquet: typed columns, read and written in batches of rows by pyarrow; columns that are kept keep their types."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from gradcli.batch import cells
from gradcli.batch.arrow_cells import doubles
from gradcli.batch.delimited import number
from gradcli.batch.formats import Layout
from gradcli.batch.ndjson import Double, Json, Text
from gradcli.batch.rows import Records, Result
from gradcli.batch.sources import Source, seekable
from gradcli.errors import FileError, UsageError, encodable, uncapitalised

if TYPE_CHECKING:
    import polars
    import pyarrow

    from gradcli.batch.frames import Framed

ROWS = 1 << 17
"""Rows that are read at once, and written as a group."""

BUFFER = 1 << 20
"""Bytes of a column that are read at once, however large its group of rows is."""


class Block(NamedTuple):
    """Rows, and the number of the first one; 1 is the table's first."""

    batch: pyarrow.RecordBatch
    row: int


class Table:
    """A table as it is read.   places: the columns that are read; all unless given.   many: its rows."""

    unit = "row"
    places: Sequence[int] | None = None

    def __init__(self, source: Source, form: str, names: Sequence[str] | None = None) -> None:
        if names is not None:
            raise UsageError("Parquet names its columns itself", hint="leave --no-header and --columns out")
        self.place = source.place
        pyarrow = installed()
        from pyarrow.parquet import ParquetFile

        self.stream = seekable(source)
        try:
            self.file = ParquetFile(self.stream, pre_buffer=False, buffer_size=BUFFER, page_checksum_verification=True)
            self.schema = self.file.schema_arrow
        except (pyarrow.ArrowException, OSError) as error:
            self.close()
            raise self.unreadable(error) from None
        self.names, self.many = list(self.schema.names), self.file.metadata.num_rows

    def close(self) -> None:
        """Let a temporary file go."""
        if not isinstance(self.stream, str):
            self.stream.close()

    def unreadable(self, error: Exception, row: int = 0) -> FileError:
        """What pyarrow says of a file, or of what comes from a row on."""
        text = uncapitalised(str(error).partition("\n")[0].rstrip("."))
        if row:
            return FileError(f"{self.place}: row {row:,} and what follows cannot be read: {text}")
        return FileError(f"{self.place}: this is no Parquet file that can be read: {text}")

    def only(self, places: Sequence[int], *, keep: bool) -> None:
        """Read no other columns.

        Errors: UsageError for one that holds neither numbers nor text.
        """
        import pyarrow as pa

        try:
            for place in places:
                doubles(pa.array([], self.schema.field(place).type), self.names[place])
        except UsageError:
            self.close()
            raise
        clear = len({*self.names}) == len(self.names) and not any("." in name for name in self.names)
        self.places = sorted({*places}) if clear and not keep else None

    def blocks(self) -> Iterator[Block]:
        """The rows, so many at a time; at least one block, which may be empty.

        Errors: FileError where the file ends too early.
        """
        import pyarrow as pa

        row = 1
        fields = [self.schema.field(k) for k in (range(len(self.names)) if self.places is None else self.places)]
        wanted = None if self.places is None else [field.name for field in fields]
        batches = self.file.iter_batches(ROWS, columns=wanted)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                self.close()
                raise self.unreadable(error, row) from None
            if batch is None:
                break
            yield Block(batch, row)
            row += batch.num_rows
        self.close()
        if row == 1:
            yield Block(pa.RecordBatch.from_pylist([], pa.schema(fields)), row)

    def column(self, block: Block, place: int) -> Any:
        """A column of a block."""
        return block.batch.column(place if self.places is None else self.places.index(place))

    def records(self, block: Block) -> Records:
        """The rows of a block as text."""
        read = range(len(self.names)) if self.places is None else self.places
        columns = [[""] * block.batch.num_rows for _ in self.names]
        for place in read:
            columns[place] = [cell(value) for value in self.column(block, place).to_pylist()]
        rows = (
            list(map(list, zip(*columns, strict=True)))
            if columns
            else [list[str]() for _ in range(block.batch.num_rows)]
        )
        return Records(rows, {}, lambda index: block.row + index, typed=block.batch)

    def expected(self, block: Block) -> float:
        """How many rows there are; frames are always worth it, since the columns are numbers already."""
        return float("inf")

    def framing(self, places: Sequence[int], *, keep: bool) -> Callable[[Block], Framed | None]:
        """What makes a frame of a block."""
        return partial(self.framed, places=places, keep=keep)

    def framed(self, block: Block, *, places: Sequence[int], keep: bool) -> Framed:
        """A block as a frame; numbers of any type as doubles, text as what it says."""
        import polars as pl

        from gradcli.batch.frames import Framed

        numbers = [doubles(self.column(block, k), self.names[k])[0] for k in places]
        columns: list[Any] = [pl.Series(f"x{at}", column) for at, column in enumerate(numbers)]
        made = pl.DataFrame(columns or {"column": pl.repeat(0.0, block.batch.num_rows, eager=True)})

        def records(rows: Sequence[int]) -> Records:
            chosen = self.records(Block(block.batch.take(list(rows)), 0))
            return chosen._replace(line=lambda index: block.row + rows[index])

        return Framed(made, (), (), records, block.batch if keep else None, whole=True)

    def gathered(self, blocks: Iterator[Block], size: int) -> Iterator[Block]:
        """The blocks as they are."""
        return blocks

    def idle(self) -> bool:
        """A file is always there."""
        return False


def cell(value: Any) -> str:
    """A value as text, a truth as a number; null as nothing."""
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, float):
        return Double(number(value))
    if isinstance(value, int):
        return str(int(value))
    return "" if value is None else as_text(value)


def as_text(value: Any) -> str:
    """A value that is no number as text: lists and structures as JSON."""
    if isinstance(value, list | dict | tuple):
        return Json(json.dumps(value, default=str, ensure_ascii=False))
    return Text(value.hex() if isinstance(value, bytes) else str(value))


def simple(column: Any) -> polars.Series | None:
    """A column of numbers or of text for formats of text; None for other types."""
    import polars as pl
    import pyarrow as pa

    types, kind = pa.types, column.type
    if types.is_boolean(kind):
        column = column.cast(pa.int8())
    elif types.is_floating(kind):
        column = column.cast(pa.float64())
    elif not (types.is_integer(kind) or types.is_string(kind) or types.is_large_string(kind)):
        return None
    return pl.Series(column)


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────


class Writer:
    """Results as Parquet."""

    def __init__(self, layout: Layout, sink: BinaryIO, form: str) -> None:
        self.names, self.layout, self.sink = [*layout.own, *layout.results], layout, sink
        self.file: Any = None
        self.waiting = Waiting()
        installed()
        import pyarrow.compute  # noqa: F401 - which casts import, and not in a thread while others are interrupted

    def records(self, records: Records, results: Iterable[Result]) -> Any:
        """Some rows as a table: own cells as they are, or as text, those of variables as numbers."""
        import pyarrow as pa

        found = list(results)
        columns: list[Any] = list(records.typed.columns) if self.layout.own and records.typed is not None else []
        for k in range(len(columns), len(self.layout.own)):
            texts = [row[k] if k < len(row) else "" for row in records.cells]
            if k in self.layout.numbers:
                columns.append(pa.array(map(read, texts), pa.float64()))
            else:
                columns.append(pa.array([encodable(text) or None for text in texts], pa.string()))
        for k in range(len(self.layout.results) - 1):
            values = [result[k] if len(result) > 1 else None for result in found]
            kind = pa.float64()
            for _ in range(self.layout.depths.get(k, 0)):
                kind = pa.list_(kind)
            columns.append(pa.array([getattr(value, "tolist", lambda value=value: value)() for value in values], kind))
        errors = [None if result[-1] is True else encodable(result[-1]) or None for result in found]
        return pa.Table.from_arrays([*columns, pa.array(errors, pa.string())], names=self.names)

    def frame(self, frame: Any, typed: pyarrow.RecordBatch | None = None) -> Any:
        """A frame as a table.   typed: its own columns, where they have types."""
        import polars as pl
        import pyarrow as pa

        own = [f"c{k}" for k in self.layout.numbers if typed is None and self.layout.own]
        table = frame.with_columns(pl.col(own).cast(pl.Float64, strict=False)).to_arrow()
        columns = [column.cast(pa.string()) if column.type == pa.large_string() else column for column in table.columns]
        return pa.Table.from_arrays([*(typed.columns if typed is not None else ()), *columns], names=self.names)

    def put(self, piece: Any) -> None:
        """Write what `records` or `frame` made."""
        from pyarrow.parquet import ParquetWriter

        if self.file is None:
            texts = [field.name for field in piece.schema if not is_number(field.type)]
            self.file = ParquetWriter(self.waiting, piece.schema, use_dictionary=texts)
        if piece.num_rows:
            self.file.write_table(piece if piece.schema == self.file.schema else piece.cast(self.file.schema))
        self.waiting.send(self.sink)

    def end(self) -> None:
        """Write what a Parquet file ends with."""
        if self.file is None:
            self.put(self.records(Records([], {}, lambda index: 0), []))
        self.file.close()
        self.waiting.send(self.sink)


class Waiting(io.RawIOBase):
    """What pyarrow writes, kept until it is sent: what it writes when it is thrown away goes nowhere."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def writable(self) -> bool:
        """It is written to."""
        return True

    def write(self, piece: Any) -> int:
        """Keep it."""
        self.pieces.append(bytes(piece))
        return len(piece)

    def send(self, sink: BinaryIO) -> None:
        """Write what is kept."""
        pieces, self.pieces = self.pieces, []
        for piece in pieces:
            sink.write(piece)


def is_number(kind: Any) -> bool:
    """Whether values of a type are not worth a dictionary."""
    import pyarrow as pa

    return bool(pa.types.is_primitive(kind) and kind.bit_width >= 32)


def read(text: str) -> float | None:
    """The number in a cell, if there is one."""
    try:
        return cells.number(text)
    except cells.NoNumber:
        return None


def installed() -> Any:
    """The package that reads and writes Parquet.

    Errors: UsageError.
    """
    try:
        import pyarrow
    except ImportError:
        raise UsageError("Parquet needs the package pyarrow", hint='pip install "gradcli[batch]"') from None
    return pyarrow
