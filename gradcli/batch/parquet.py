"""Parquet: typed columns, read and written in batches of rows by pyarrow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from gradcli.batch.arrow_cells import doubles
from gradcli.batch.formats import Layout
from gradcli.batch.rows import Records, Result
from gradcli.batch.sources import Source, seekable
from gradcli.errors import FileError, UsageError, uncapitalised

if TYPE_CHECKING:
    import pyarrow

    from gradcli.batch.frames import Framed

ROWS = 1 << 16
"""Rows that are read at once."""


class Block(NamedTuple):
    """Rows, and the number of the first one; 1 is the table's first."""

    batch: pyarrow.RecordBatch
    row: int


class Table:
    """A table as it is read."""

    unit = "row"

    def __init__(self, source: Source, form: str, names: Sequence[str] | None = None) -> None:
        if names is not None:
            raise UsageError("Parquet names its columns itself", hint="leave --no-header and --columns out")
        self.place = source.place
        pyarrow = installed()
        from pyarrow.parquet import ParquetFile

        try:
            self.file = ParquetFile(seekable(source), memory_map=False)
        except (pyarrow.ArrowException, OSError) as error:
            raise self.unreadable(error) from None
        self.names = list(self.file.schema_arrow.names)

    def unreadable(self, error: Exception) -> FileError:
        """What pyarrow says of a file."""
        text = str(error).partition("\n")[0].rstrip(".")
        return FileError(f"{self.place}: this is no Parquet file that can be read: {uncapitalised(text)}")

    def blocks(self) -> Iterator[Block]:
        """The rows, so many at a time.

        Errors: FileError where the file ends too early.
        """
        import pyarrow

        row = 1
        batches = self.file.iter_batches(ROWS)
        while True:
            try:
                batch = next(batches, None)
            except (pyarrow.ArrowException, OSError) as error:
                raise self.unreadable(error) from None
            if batch is None:
                return
            yield Block(batch, row)
            row += batch.num_rows

    def records(self, block: Block) -> Records:
        """The rows of a block as text."""
        columns = [[cell(value) for value in column.to_pylist()] for column in block.batch.columns]
        rows = map(list, zip(*columns, strict=True)) if columns else ([] for _ in range(block.batch.num_rows))
        return Records(list(rows), {}, lambda index: block.row + index)

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

        numbers = [doubles(block.batch.column(k), self.names[k])[0] for k in places]
        columns: list[Any] = [pl.Series(f"x{at}", column) for at, column in enumerate(numbers)]
        if keep:
            columns += [pl.Series(f"c{k}", column) for k, column in enumerate(block.batch.columns)]
        made = pl.DataFrame(columns or {"column": [0.0] * block.batch.num_rows})

        def records(rows: Sequence[int]) -> Records:
            chosen = self.records(Block(block.batch.take(list(rows)), 0))
            return chosen._replace(line=lambda index: block.row + rows[index])

        return Framed(made, (), (), records, whole=True)

    def gathered(self, blocks: Iterator[Block], size: int) -> Iterator[Block]:
        """The blocks as they are."""
        return blocks

    def idle(self) -> bool:
        """A file is always there."""
        return False


def cell(value: Any) -> str:
    """A value as text, a truth as a number; null as nothing."""
    if isinstance(value, bool):
        return str(int(value))
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


class Writer:
    """Results as Parquet."""

    def __init__(self, layout: Layout, sink: BinaryIO, form: str) -> None:
        self.names, self.layout, self.sink = [*layout.own, *layout.results], layout, sink
        self.file: Any = None
        installed()

    def records(self, records: Records, results: Iterable[Result]) -> Any:
        """Some rows as a table: own cells as text, those of variables as numbers."""
        import pyarrow as pa

        from gradcli.batch.cells import NoNumber, number

        def read(text: str) -> float | None:
            try:
                return number(text)
            except NoNumber:
                return None

        width, many = len(self.layout.own), len(self.layout.results) - 1
        found = list(results)
        columns: list[Any] = []
        for k in range(width):
            texts = [cells[k] if k < len(cells) else "" for cells in records.cells]
            numeric = k in self.layout.numbers
            kept = [read(text) for text in texts] if numeric else [text or None for text in texts]
            columns.append(pa.array(kept, pa.float64() if numeric else pa.string()))
        for k in range(many):
            values = [result[k] if len(result) > 1 else None for result in found]
            kind = pa.float64()
            for _ in range(self.layout.depths.get(k, 0)):
                kind = pa.list_(kind)
            columns.append(pa.array([getattr(value, "tolist", lambda value=value: value)() for value in values], kind))
        errors = [result[-1] if result[-1] and result[-1] is not True else None for result in found]
        return pa.Table.from_arrays([*columns, pa.array(errors, pa.string())], names=self.names)

    def frame(self, frame: Any) -> Any:
        """A frame as a table."""
        import polars as pl

        own = [
            pl.col(f"c{k}").cast(pl.Float64, strict=False)
            for k in self.layout.numbers
            if self.layout.own and frame.schema[f"c{k}"] == pl.String
        ]
        table = frame.with_columns(own).to_arrow(compat_level=pl.CompatLevel.oldest())
        return table.rename_columns(self.names)

    def put(self, piece: Any) -> None:
        """Write what `records` or `frame` made."""
        from pyarrow.parquet import ParquetWriter

        if self.file is None:
            self.file = ParquetWriter(self.sink, piece.schema)
        self.file.write_table(piece if piece.schema == self.file.schema else piece.cast(self.file.schema))

    def end(self) -> None:
        """Write what a Parquet file ends with."""
        if self.file is None:
            self.put(self.records(Records([], {}, lambda index: 0), []))
        self.file.close()


def installed() -> Any:
    """The package that reads and writes Parquet.

    Errors: UsageError.
    """
    try:
        import pyarrow
    except ImportError:
        raise UsageError("Parquet needs the package pyarrow", hint='pip install "gradcli[batch]"') from None
    return pyarrow
