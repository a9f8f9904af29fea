"""A whole file of text through Polars at once, in a stream: for tables that are numbers and nothing else.

It is optimistic, and given up at the first row that is doubtful, before anything of it counts: blocks then do it all.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradcli.batch.delimited import Table, Writer
from gradcli.batch.plan import Plan
from gradcli.errors import LimitError
from gradcli.systems.source import Unspelled

if TYPE_CHECKING:
    import polars

    from gradcli.batch.run import Count, Written


class Doubt(Exception):
    """A row that has to be looked at."""


def streamed(table: Any, plan: Plan, written: Written, count: Count) -> bool:
    """Write the results of all rows, if none of them is doubtful; False, and nothing is written, if it is not to be.

    Every column has to be a variable's: of others it would not be seen whether they are well-formed.
    """
    if not (isinstance(table, Table) and isinstance(written, Writer)) or count.strict or count.look is not None:
        return False
    places = plan.bound(table.names, table.place)
    skipped = header_lines(table)
    if skipped is None or plan.keep or sorted(places) != list(range(len(table.names))) or not written.sink.seekable():
        return False
    try:
        import polars as pl
    except ImportError:
        return False
    from gradcli.engines.polars import columns, frame_function

    try:
        function, named = frame_function(plan.formula), columns(plan.formula)
    except (Unspelled, LimitError):
        return False
    names = [f"column_{k}" for k in range(1, len(places) + 1)]  # as Polars calls them itself

    def seen(doubtful: polars.Series) -> polars.Series:
        if doubtful.any():
            raise Doubt
        count.rows += len(doubtful)
        return pl.repeat(None, len(doubtful), dtype=pl.String, eager=True)

    rows = pl.scan_csv(
        table.place,
        has_header=False,
        skip_lines=skipped,
        schema=dict.fromkeys(names, pl.Float64),
        separator=table.delimiter,
        quote_char=None,
        ignore_errors=True,
    ).select(pl.col(names[place]).alias(name) for name, place in zip(named.inputs, places, strict=True))
    infinite = pl.any_horizontal(pl.col(name).is_infinite() for name in named.inputs)  # larger than any double, perhaps
    doubtful = (pl.col(named.doubtful) | infinite).map_batches(seen, return_dtype=pl.String, is_elementwise=True)
    results = function(rows).select(*named.results, doubtful.alias("error"))
    written.sink.flush()
    start = written.sink.tell()
    try:
        results.sink_csv(written.sink, include_header=False, separator=written.delimiter)
    except (Doubt, pl.exceptions.PolarsError, OSError):  # what cannot be written, blocks will say
        written.sink.seek(start)
        written.sink.truncate()
        count.rows = 0
        return False
    return True


def header_lines(table: Table) -> int | None:
    """How many lines stand before the rows; None where that is not known, or the file is not read as it stands."""
    if table.first is None or table.path is None or table.first.text.startswith(BOM_UTF8):  # which Polars drops
        return None
    skipped = table.first.line - 1
    if skipped > 1:
        return None
    with Path(table.path).open("rb") as stream:
        if skipped:
            stream.readline()
        return skipped if stream.read(len(table.first.text)) == table.first.text else None
