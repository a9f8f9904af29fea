"""A block of delimited text as a frame, by Polars: what it takes for a number is one to `cells.number` too."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from gradcli.batch.cells import NUMBER
from gradcli.batch.frames import Framed
from gradcli.batch.rows import Records
from gradcli.render.csv import FORMULA, cell

if TYPE_CHECKING:
    import polars
    import pyarrow

    from gradcli.batch.delimited import Block


def reader(places: Sequence[int], width: int, delimiter: str, *, keep: bool) -> Callable[[Block], Framed | None]:
    """What makes frames of blocks.

    places: the columns of the formula's variables.   width: how many columns there are.
    """
    return partial(framed, places=tuple(places), width=width, delimiter=delimiter, keep=keep)


def framed(block: Block, *, places: tuple[int, ...], width: int, delimiter: str, keep: bool) -> Framed | None:
    """A block as a frame; None for one that has to be read record by record."""
    import polars as pl

    text, comma = block.text, delimiter.encode()
    quotes = b'"' in text
    if quotes and not quoted_plainly(text, comma):
        return None
    if text.startswith(BOM_UTF8) or (b"\r" in text and text.count(b"\r") != text.count(b"\r\n")):
        return None  # Polars drops such a mark; a \r alone ends a line too
    names = [f"column_{k}" for k in range(1, width + 1)]  # as Polars calls them itself
    wanted = range(width) if keep else sorted({*places, width - 1})
    doubles = set() if keep else set(places)

    def parsed(*, longer: bool) -> polars.DataFrame | None:
        try:
            return pl.read_csv(
                text,
                has_header=False,
                schema={name: pl.Float64 if k in doubles else pl.String for k, name in enumerate(names)},
                columns=[names[k] for k in wanted],
                separator=delimiter,
                ignore_errors=True,
                truncate_ragged_lines=longer,
            )
        except pl.exceptions.PolarsError:
            return None

    frame, odd, none = parsed(longer=False), list[int](), list[int]()
    if frame is None or ragged(frame, text, comma, width):
        frame = None if quotes else parsed(longer=True)
        if frame is None:
            return None
        odd, none = irregular(text, comma, width)
    if (quotes or odd or none) and frame.height != text.count(b"\n") + (not text.endswith(b"\n")):
        return None  # a quoted cell has a new line in it
    inputs = [finite(frame[names[k]].cast(pl.Float64, strict=False)).alias(f"x{at}") for at, k in enumerate(places)]
    own = [pl.col(name).alias(f"c{k}") for k, name in enumerate(names)] if keep else []
    if quotes:
        own = [pl.when(each != "").then(each) for each in own]  # of "", as of any cell that is empty
    made = frame.select(*inputs, *own) if inputs or own else frame.select(pl.repeat(0.0, pl.len()).alias("column"))
    return Framed(made, odd, none, partial(chosen, block, delimiter))


def ragged(frame: polars.DataFrame, text: bytes, comma: bytes, width: int) -> bool:
    """Whether a row may have too few cells, so that the last is missing, or too many.

    Those Polars refuses itself, but only where it reads all columns.
    """
    if width > 1 and frame[frame.columns[-1]].null_count():
        return True
    return frame.width < width and text.count(comma) != frame.height * (width - 1)


def finite(column: polars.Series) -> polars.Series:
    """Doubles without the infinite ones, which may be written as numbers larger than any double."""
    return column.set(column.is_infinite(), None) if column.is_infinite().any() else column


def quoted_plainly(text: bytes, comma: bytes) -> bool:
    """Whether every quote in a block opens a cell or closes one, as far as counting tells."""
    opening = text.count(comma + b'"') + text.count(b'\n"') + text.startswith(b'"')
    closing = sum(text.count(b'"' + end) for end in (comma, b"\n", b"\r\n")) + text.endswith(b'"')
    return opening == closing and opening + closing == text.count(b'"')


def irregular(text: bytes, comma: bytes, width: int) -> tuple[list[int], list[int]]:
    """The lines that have more cells or fewer than there are columns, and the blank ones."""
    counts = [(k, line) for k, line in enumerate(text.split(b"\n")) if line.count(comma) != width - 1]
    if counts and not counts[-1][1] and text.endswith(b"\n"):
        counts.pop()
    blank = [k for k, line in counts if line in (b"", b"\r")]
    return [k for k, line in counts if line not in (b"", b"\r")], blank


def harmless(frame: polars.DataFrame, own: int, typed: pyarrow.RecordBatch | None = None) -> polars.DataFrame:
    """A frame whose own cells are text or numbers, text guarded that a spreadsheet would compute; errors visible.

    typed: the own cells, where they have types and are not in the frame.
    """
    import polars as pl

    if typed is not None:
        frame = pl.DataFrame([*untyped(typed), *frame.get_columns()])
    errors = frame["error"]
    made = []
    if errors.null_count() < frame.height:
        places = errors.is_not_null().arg_true()
        made.append(errors.scatter(places, [cell(error) for error in errors.gather(places)]))
    for name in frame.columns[:own]:
        column = frame[name]
        if column.dtype == pl.String:
            begins = column.str.contains(f"^[{re.escape(''.join(FORMULA))}]")
            formula = begins & ~column.str.contains(f"(?i)^(?:{NUMBER.pattern})$")
            if formula.any():
                made.append(column.zip_with(~formula.fill_null(False), "'" + column))
    return frame.with_columns(made)


def untyped(batch: pyarrow.RecordBatch) -> list[polars.Series]:
    """The columns of a batch as numbers and text."""
    import polars as pl

    from gradcli.batch.parquet import cell, simple

    found = list[pl.Series]()
    for k, column in enumerate(batch.columns):
        made = simple(column)
        if made is None:
            made = pl.Series([str(cell(value)) or None for value in column.to_pylist()], dtype=pl.String)
        elif made.dtype == pl.String and (empty := made == "").any():
            made = made.set(empty, None)
        found.append(made.alias(f"c{k}"))
    return found


def chosen(block: Block, delimiter: str, places: Sequence[int]) -> Records:
    """Some of a block's lines as records."""
    from gradcli.batch.delimited import Block, records

    lines = block.text.split(b"\n")
    found = [records(Block(lines[k] + b"\n", block.line + k), delimiter, single=True) for k in places]
    faults = {k: each.faults[0] for k, each in enumerate(found) if each.faults}
    return Records([each.cells[0] for each in found], faults, lambda k: block.line + places[k])
