"""NDJSON as frames: lines that are all alike are matched by one pattern, any other one is read by itself.

Matched are flat objects with the keys of the block's first line, in their order: numbers, text without escapes, null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcli.batch.frames import Framed
from gradcli.batch.ndjson import NUMBER, Text, error_or_null, number, written
from gradcli.batch.rows import Records
from gradcli.batch.text_frames import finite

if TYPE_CHECKING:
    import polars
    import pyarrow

    from gradcli.batch.delimited import Block

TEXT = r'"[^"\\\x00-\x1f]*"'
SCALAR = rf"(?:{NUMBER.pattern}|{TEXT}|null)"
ENTRY = re.compile(rf"({TEXT})[ \t]*:[ \t]*{SCALAR}[ \t]*(?:,[ \t]*)?")

FIRST = 8
"""Lines of a block that may show what the others are like."""


class Alike(NamedTuple):
    """What lines are like.   keys: of their objects.   pattern: of a line, with a group for each value."""

    keys: list[str]
    pattern: str


def reader(
    names: Sequence[str], places: Sequence[int], records: Callable[[Block], Records], *, keep: bool
) -> Callable[[Block], Framed | None]:
    """What makes frames of blocks.

    places: of the formula's variables in the names.   records: the rows of a block, read line by line.
    """
    return partial(framed, names=tuple(names), places=tuple(places), read=records, keep=keep)


def framed(
    block: Block, *, names: Sequence[str], places: Sequence[int], read: Callable[[Block], Records], keep: bool
) -> Framed | None:
    """A block as a frame; None for one that has to be read line by line."""
    import polars as pl

    cut = matched(block.text)
    if cut is None:
        return None
    lines, values, keys = cut
    if not {names[place] for place in places} <= {*keys} or (keep and not {*keys} <= {*names}):
        return None
    odd = values[keys[0]].is_null()
    blank = [k for k in odd.arg_true() if not lines[k].strip()]
    strange = [] if odd.sum() == len(blank) else sorted({*odd.arg_true()} - {*blank})
    if keep and strange:
        return None
    columns = [finite(values[names[k]].cast(pl.Float64, strict=False)).alias(f"x{at}") for at, k in enumerate(places)]
    if keep:
        for k, name in enumerate(names):
            own = plain(values[name]) if name in keys else pl.repeat(None, len(lines), dtype=pl.String, eager=True)
            if own is None:
                return None
            columns.append(own.alias(f"c{k}"))
    made = pl.DataFrame(columns or [pl.repeat(0.0, len(lines), eager=True).alias("column")])

    def records(rows: Sequence[int]) -> Records:
        text = "\n".join(lines[k] for k in rows).encode()
        return read(block._replace(text=text))._replace(line=lambda index: block.line + rows[index])

    return Framed(made, strange, blank, records)


def matched(text: bytes) -> tuple[list[str], polars.DataFrame, list[str]] | None:
    """The lines of a block, their values by key, null in lines that are unlike the others, and the keys.

    None where there is no saying what they are like.
    """
    import polars as pl

    try:
        lines = text.decode().removesuffix("\n").split("\n")
    except UnicodeDecodeError:
        return None
    found = next(filter(None, map(like, lines[:FIRST])), None)
    if found is None:
        return None
    try:
        values = pl.Series(lines, dtype=pl.String).str.extract_groups(found.pattern)
    except pl.exceptions.PolarsError:  # of a pattern that is too large
        return None
    return lines, values.struct.rename_fields(found.keys).struct.unnest(), found.keys


def like(line: str) -> Alike | None:
    """What a line is like, if it is a flat object."""
    text = line.strip(" \t\r")
    if not (text.startswith("{") and text.endswith("}")):
        return None
    at, end, keys = 1 + len(text[1:]) - len(text[1:].lstrip(" \t")), len(text) - 1, list[str]()
    while at < end and (entry := ENTRY.match(text, at, end)):
        keys.append(entry[1])
        at = entry.end()
    if at < end or not keys or len({*keys}) < len(keys) or text[:end].rstrip(" \t").endswith(","):
        return None
    values = r"[ \t]*,[ \t]*".join(rf"{re.escape(key)}[ \t]*:[ \t]*({SCALAR})" for key in keys)
    return Alike([key[1:-1] for key in keys], rf"^[ \t]*\{{[ \t]*{values}[ \t]*\}}[ \t]*\r?$")


def alike(text: bytes) -> list[str]:
    """The keys of all lines of a block, if they are alike; else none."""
    try:
        cut = matched(text)
    except ImportError:
        return []
    return cut[2] if cut is not None and not cut[1][cut[2][0]].null_count() else []


def plain(column: polars.Series) -> polars.Series | None:
    """Values without their quotes; None where text would not be known as text any more."""
    quoted = column.str.starts_with('"')
    if quoted.any():
        inner = column.str.strip_chars('"')
        if (quoted & ((inner == "") | inner.str.contains(f"^(?:{NUMBER.pattern})$"))).any():
            return None
        column = column.zip_with(~quoted.fill_null(False), inner)
        nothing = (column == "null") & ~quoted
    else:
        nothing = column == "null"
    return column.set(nothing, None) if nothing.any() else column


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────


def lines(frame: polars.DataFrame, keys: Sequence[str], typed: pyarrow.RecordBatch | None = None) -> str:
    """A frame's rows as objects with these keys, a line each.   typed: the columns before those of the frame."""
    import polars as pl

    *others, error = frame.get_columns()
    columns = [of_type(column) for column in typed.columns] if typed is not None else []
    columns += map(as_json, others)
    parts: list[Any] = []
    for k, (column, key) in enumerate(zip(columns, keys, strict=False)):
        parts += [pl.lit(f"{', ' if k else '{'}{key}: "), column]
    last = f"{', ' if columns else '{'}{keys[-1]}: "
    if error.null_count() == frame.height:
        parts.append(pl.lit(f"{last}null}}\n"))
    else:
        parts += [pl.lit(last), pl.Series([*map(error_or_null, error)], dtype=pl.String), pl.lit("}\n")]
    made = pl.select(pl.concat_str(parts)).to_series() if frame.height else pl.Series(dtype=pl.String)
    return "".join(made.to_list())


def of_type(column: Any) -> polars.Series:
    """A column of Arrow's as JSON."""
    import polars as pl

    from gradcli.batch.parquet import cell, simple

    made = simple(column)
    if made is None:
        return pl.Series([written(cell(value)) for value in column.to_pylist()], dtype=pl.String)
    return as_json(made, typed=True)


def as_json(column: polars.Series, *, typed: bool = False) -> polars.Series:
    """Numbers and text as JSON.   typed: whether text is no number, whatever it looks like."""
    import polars as pl

    kind, nothing = column.dtype, column.null_count()
    if kind.is_float():
        column = column.cast(pl.Float64)
        if (column.is_finite().sum() or 0) + nothing < len(column):
            return each(column, number)
        column = column.cast(pl.String)
    elif kind == pl.String:
        numeric = column.str.contains(f"^(?:{NUMBER.pattern})$") & (not typed)
        if not numeric.all():
            if column.str.contains(r'["\\\x00-\x1f\x7f]').any():
                return each(column, lambda text: written(Text(text) if typed else text))
            column = column.zip_with(numeric.fill_null(False), '"' + column + '"')
    else:
        column = column.cast(pl.String)
    return column.fill_null("null") if nothing else column


def each(column: polars.Series, function: Callable[[Any], str]) -> polars.Series:
    """A column of values as JSON, one by one."""
    import polars as pl

    return pl.Series(["null" if value is None else function(value) for value in column.to_list()], dtype=pl.String)
