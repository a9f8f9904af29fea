"""What a worker of Spark's does: rows of a partition in, pieces of the result out.

A partition holds splits: runs of rows of one file, lines of text or rows of Parquet. Each is a table that is read,
computed and written as any other.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcli.autodiff import Value
from gradcli.batch import formats
from gradcli.batch.parquet import Block
from gradcli.batch.parquet import Table as Parquet
from gradcli.batch.plan import Plan
from gradcli.batch.rows import Rows
from gradcli.batch.run import by_frames, by_rows
from gradcli.batch.sources import Source
from gradcli.engines.formula import formula
from gradcli.errors import UsageError

if TYPE_CHECKING:
    import pyarrow

    from gradcli.batch.done import Done

PATH, START = "gradcli_path", "gradcli_start"
"""The last columns of what comes in: the split that a row is in, its file and the byte where it begins."""


@dataclass(frozen=True)
class Job:
    """What is computed, as data that a worker can be sent.

    text, definitions, share: as the parser takes them.   fixed … null: as a Plan has them.
    taken, given: the formats of the table and of the results.   names: of the columns, where no header has them.
    """

    text: str
    fixed: Mapping[str, Value] = field(default_factory=dict)
    wrt: Sequence[str] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    keep: bool = False
    prefix: str = ""
    null: bool = False
    definitions: str = ""
    share: bool = False
    taken: str = "csv"
    given: str = "csv"
    names: Sequence[str] | None = None

    def plan(self) -> Plan:
        """The plan.

        Errors: ExpressionError; UsageError.
        """
        from gradcli.syntax import parse

        graph = parse(self.text, given=self.fixed, definitions=self.definitions, share=self.share)
        found = formula(graph, fixed=self.fixed, wrt=self.wrt)
        return Plan(found, self.columns, self.keep, self.prefix, self.null)


class Piece(NamedTuple):
    """A block that is worked out, as it travels.

    path, start: its split.   number: which of the split's blocks.   rows, bad, first: the count of its rows, and what
    is wrong with the first bad one.   content: text, or a table in Arrow's format for streams.
    """

    path: str
    start: int
    number: int
    rows: int
    bad: int
    first: str | None
    content: bytes


PIECES = "path string, start bigint, number bigint, rows bigint, bad bigint, first string, content binary"
"""The columns of pieces, as Spark writes them."""


class Work:
    """A job where the table's columns are known.

    header: their names.   line: the one that every file begins with; None where there is none.
    schema: the types of the results, where they are columns.
    """

    def __init__(self, job: Job, header: Sequence[str], line: str | None = None) -> None:
        self.job, self.header, self.line = job, list(header), line
        self.schema: pyarrow.Schema | None = None

    def pieces(self, batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        """The pieces of a partition."""
        import pyarrow as pa

        for (path, start), number, done in self.done(batches):
            content = done.piece if isinstance(done.piece, bytes) else packed(done.piece)
            piece = Piece(path, start, number, done.rows, done.bad, done.first[1] or None, content)
            yield pa.RecordBatch.from_pylist([piece._asdict()], kinds())

    def texts(self, batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        """The lines of a partition, many at a time, as Spark writes them to a file of its own."""
        import pyarrow as pa

        head = self.head()
        for _, _, done in self.done(batches):
            text, head = (head + done.piece).removesuffix(b"\n"), b""
            if text:
                value = pa.array([text]).cast(pa.string(), safe=False)  # bytes that are no UTF-8 stay as they are
                yield pa.RecordBatch.from_arrays(
                    [value, pa.array([done.rows]), pa.array([done.bad])], ["value", "rows", "bad"]
                )

    def tables(self, batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        """The results of a partition as columns."""
        for _, _, done in self.done(batches):
            yield from done.piece.cast(self.schema).to_batches()

    def head(self) -> bytes:
        """What a file of the results begins with."""
        sink = io.BytesIO()
        formats.writer(self.job.given, self.job.plan().layout(self.header, ""), sink)
        return sink.getvalue()

    def done(self, batches: Iterable[pyarrow.RecordBatch]) -> Iterator[tuple[tuple[str, int], int, Done]]:
        """The blocks of a partition, worked out: the split of each, which of its blocks, and what came of it."""
        plan = self.job.plan()
        for split, parts in groupby(splits(batches), itemgetter(0)):
            table = self.table(split, (part for _, part in parts))
            written = formats.writer(self.job.given, plan.layout(self.header, split[0]), io.BytesIO())
            rows = Rows(plan, plan.bound(self.header, split[0]), len(self.header))
            for number, done in enumerate(computed(table, plan, rows, written)):
                yield split, number, done

    def table(self, split: tuple[str, int], parts: Iterator[pyarrow.RecordBatch]) -> Any:
        """A split as a table.

        Errors: UsageError for a file that begins with another header.
        """
        path, start = split
        if self.job.taken == "parquet":
            return Batches(parts, path, self.header)
        texts: Iterator[bytes] = (
            b"".join(line + b"\n" for line in part.column(0).cast("binary").to_pylist()) for part in parts
        )
        if start == 0 and self.line is not None:
            line, _, rest = next(texts).partition(b"\n")
            if plain(line.decode("utf-8", "replace")) != self.line:
                raise UsageError(
                    f"{path} begins with another line than the table's other files: {self.line}",
                    hint="all files of a table have the same columns",
                )
            texts = chain([rest], texts)
        found = tabled(texts, self.job.taken, path, self.header)
        found.names = self.header
        return found


def tabled(texts: Iterator[bytes], form: str, place: str, names: Sequence[str] | None = None) -> Any:
    """Text as a table.   names: of the columns, where the text has no header."""
    source = Source(lambda: next(filter(None, texts), b""), place, None)
    return formats.reader(form)(source, form, None if form == "ndjson" else names)


def computed(table: Any, plan: Plan, rows: Rows, written: Any) -> Iterator[Done]:
    """The blocks of a table by the engine for many rows, where it is installed."""
    from importlib.util import find_spec

    if find_spec("polars") is not None:
        return by_frames(table, plan, rows, table.blocks(), written, "auto")
    return (by_rows(table, rows, block, written) for block in table.blocks())


def splits(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[tuple[tuple[str, int], pyarrow.RecordBatch]]:
    """The splits of a partition, in parts of at most a batch, without the columns that say so."""
    import numpy as np

    for batch in batches:
        if not batch.num_rows:
            continue
        path, start = batch.columns[-2:]
        own = batch.select(range(batch.num_columns - 2))
        codes = path.dictionary_encode().indices.to_numpy()
        changes = np.flatnonzero((np.diff(codes) != 0) | (np.diff(start.to_numpy()) != 0)) + 1
        bounds = [0, *changes.tolist(), batch.num_rows]
        for first, last in pairwise(bounds):
            yield (path[first].as_py(), start[first].as_py()), own.slice(first, last - first)


def plain(line: str) -> str:
    """The first line of a file without the mark of its encoding, or the end of a line of Windows."""
    return line.removeprefix("\ufeff").removesuffix("\r")


def packed(table: pyarrow.Table) -> bytes:
    """A table as bytes."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def unpacked(content: bytes) -> pyarrow.Table:
    """The table that was packed."""
    import pyarrow as pa

    return pa.ipc.open_stream(content).read_all()


def kinds() -> pyarrow.Schema:
    """The types of a piece's fields."""
    import pyarrow as pa

    numbers = [(name, pa.int64()) for name in ("start", "number", "rows", "bad")]
    return pa.schema([("path", pa.string()), *numbers, ("first", pa.string()), ("content", pa.binary())])


class Batches(Parquet):
    """Rows of Parquet that Spark has read."""

    def __init__(self, parts: Iterable[pyarrow.RecordBatch], place: str, names: Sequence[str]) -> None:
        self.parts, self.place, self.names = parts, place, list(names)

    def blocks(self) -> Iterator[Block]:
        """The rows as they come."""
        row = 1
        for part in self.parts:
            yield Block(part, row)
            row += part.num_rows
