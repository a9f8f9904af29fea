"""The loop: block after block through an engine, results in the order of the rows, and a count of what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from gradcli.batch.done import Done, faulty, some
from gradcli.batch.plan import Plan
from gradcli.batch.rows import Records, Result, Rows
from gradcli.errors import GradcliError, Status

if TYPE_CHECKING:
    from gradcli.batch.frames import Framed


class BadRow(GradcliError):
    """The first row without a result, where one is one too many."""

    status = Status.UNDEFINED


class Table(Protocol):
    """A table that is read block by block.   unit: what its rows are counted by, "line" or "row"."""

    names: list[str]
    place: str
    unit: str

    def only(self, places: Sequence[int], *, keep: bool) -> None:
        """Be told what is needed: the columns of the formula's variables, or every one, none of which may be lost."""

    def blocks(self) -> Iterator[Any]:
        """The blocks, as they come."""

    def records(self, block: Any) -> Records:
        """The rows of a block."""

    def expected(self, block: Any) -> float | None:
        """How many rows there will be about, going by the first block; None where nothing is known."""

    def framing(self, places: Sequence[int], *, keep: bool) -> Callable[[Any], Framed | None]:
        """What makes a frame of a block, or None where it has to be read row by row.

        places: the columns of the formula's variables.   keep: whether the row's own cells are wanted too.
        """

    def gathered(self, blocks: Iterator[Any], size: int) -> Iterator[Any]:
        """Larger blocks, of about so many bytes, as long as nothing has to be waited for."""

    def idle(self) -> bool:
        """Whether nothing has come for a moment."""


class Count:
    """How many rows there were, how many of them bad, and the first of these.

    notes: what there is to tell at the end.   look: what has a look at every block that is written.
    """

    def __init__(self, place: str, unit: str = "line", *, strict: bool = False) -> None:
        self.place, self.unit, self.strict = place, unit, strict
        self.rows = self.bad = 0
        self.first = ""
        self.notes: list[str] = []
        self.look: Callable[[Done], None] | None = None

    def took(self, rows: int, bad: int, line: int = 0, error: str = "") -> None:
        """Count some rows; `line` and `error` are those of the first bad one.

        Errors: BadRow if every row has to be good.
        """
        self.rows += rows
        if bad and not self.bad:
            self.first = f"{self.unit} {line}: {error}"
            if self.strict:
                raise BadRow(
                    f"{self.place}: {self.unit} {line}: {error}",
                    hint="without --strict the other rows go on, and the column error says what is wrong",
                )
        self.bad += bad


class Written(Protocol):
    """A table that is written block by block."""

    def records(self, records: Records, results: Iterable[Result]) -> Any:
        """The results of some rows, as they are written; made in any order, by any thread."""

    def frame(self, frame: Any, typed: Any = None) -> Any:
        """The same of a frame whose columns are those that come out.

        typed: the row's own columns, where they have types and are not in the frame.
        """

    def put(self, piece: Any) -> None:
        """Write what `records` or `frame` made."""

    def end(self) -> None:
        """Write what is left."""


AGGREGATES = ("sum", "mean")
"""What may become of all rows together (aggregate.py)."""

PROVED = 100_000
"""Rows that are proved at most (sampling.py)."""

ENGINES = ("auto", "python", "numpy", "polars", "spark")

CROSSOVER = 0.15
"""Seconds that plain floats may take before another engine, which has to be loaded first, is the faster one.

Measured as whole processes, CSV of five columns, each engine alone (`--engine python`, `--engine polars`), best of
five: they are equally fast at 34,000 rows of a formula of 3 nodes, at 33,000 of one of 14, and at 15,000 of one of 114.
"""

A_ROW, A_NODE = 4e-6, 5e-8
"""Seconds that plain floats take for a row more than another engine, and for each of the formula's nodes in it."""

TOGETHER = 32
"""Rows that come at once where nobody waits for the answer to each: a few of them are sooner done by plain floats."""

WHOLE, BOUNDED = 1 << 24, 1 << 27
"""Bytes of a file of text from which on it goes through Polars as a whole, if nothing in it is doubtful; and up to
which: Polars keeps more of a larger one than blocks do, and they are as fast there."""

LARGE = 1 << 21
"""Bytes of the blocks that the engines for many rows get, where they are there."""


def run(table: Table, plan: Plan, written: Written, count: Count, engine: str = "auto") -> None:
    """All blocks through an engine; `auto` takes that of plain floats for as long as no other one is worth its loading.

    Errors: BadRow; Unspelled for an op that the engine asked for lacks; UsageError where it is not installed.
    """
    rows = Rows(plan, plan.bound(table.names, table.place), len(table.names))
    table.only(rows.places, keep=plan.keep)
    if engine in ("auto", "polars") and WHOLE <= (getattr(table, "size", None) or 0) <= BOUNDED:
        from gradcli.batch.streamed import streamed

        if streamed(table, plan, written, count):
            written.end()
            return
    blocks, most = table.blocks(), CROSSOVER / (A_ROW + A_NODE * len(plan.formula.graph))
    fast, pace = engine != "python", 0
    for block in blocks:
        if fast and (engine != "auto" or (table.expected(block) or (pace >= TOGETHER and count.rows)) > most):
            fast = engine != "auto" or available(count)
            if fast:
                for done in by_frames(table, plan, rows, chain([block], blocks), written, engine):
                    take(done, written, count)
                break
        done = by_rows(table, rows, block, written)
        take(done, written, count)
        pace = done.rows
    written.end()


def take(done: Done, written: Written, count: Count) -> None:
    """Count a block and write its results.

    Errors: BadRow, when what comes before that row is written.
    """
    try:
        count.took(done.rows, done.bad, *done.first)
    except BadRow:
        written.put(done.before())
        raise
    written.put(done.piece)
    if count.look is not None:
        count.look(done)


def by_rows(table: Table, rows: Rows, block: Any, written: Written) -> Done:
    """A block by the engine of plain floats."""
    records = table.records(block)
    results = list(rows.computed(records))
    bad = faulty(results)
    return Done(
        written.records(records, results),
        len(results),
        len(bad),
        (records.line(bad[0]), results[bad[0]][-1]) if bad else (0, ""),
        lambda: written.records(some(records, range(bad[0])), results[: bad[0]]),
        lambda indices: (some(records, indices), [results[index] for index in indices]),
    )


def by_frames(
    table: Table, plan: Plan, rows: Rows, blocks: Iterator[Any], written: Written, engine: str
) -> Iterator[Done]:
    """Blocks by an engine for many rows; those in which there is much to doubt row by row."""
    from gradcli.batch import frames, json_frames, text_frames  # noqa: F401 - all here, and none in a thread

    function = frames.engine(plan.formula, engine)
    read = table.framing(rows.places, keep=plan.keep)
    computed = frames.Frames(plan, rows, function, len(table.names) if plan.keep else 0)

    def work(block: Any) -> Done:
        framed = read(block)
        done = None if framed is None else computed.done(framed, written)
        return by_rows(table, rows, block, written) if done is None else done

    return frames.ordered(work, table.gathered(blocks, LARGE), table.idle)


def available(count: Count) -> bool:
    """Whether the engines for many rows are installed."""
    try:
        import polars  # noqa: F401 - it is wanted now
    except ImportError:
        count.notes.append('pip install "gradcli[batch]" makes large tables many times as fast')
        return False
    return True
