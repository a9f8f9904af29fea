"""The loop: block after block through an engine, results in the order of the rows, and a count of what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from gradcli.batch.plan import Plan
from gradcli.batch.rows import Records, Result, Rows
from gradcli.errors import GradcliError, Status


class BadRow(GradcliError):
    """The first row without a result, where one is one too many."""

    status = Status.UNDEFINED


class Table(Protocol):
    """A table that is read block by block."""

    names: list[str]
    place: str

    def blocks(self) -> Iterator[Any]:
        """The blocks, as they come."""

    def records(self, block: Any) -> Records:
        """The rows of a block."""


class Count:
    """How many rows there were, how many of them bad, and the first of these."""

    def __init__(self, place: str, *, strict: bool = False) -> None:
        self.place, self.strict = place, strict
        self.rows = self.bad = 0
        self.first = ""

    def took(self, rows: int, bad: int, line: int = 0, error: str = "") -> None:
        """Count some rows; `line` and `error` are those of the first bad one.

        Errors: BadRow if every row has to be good.
        """
        self.rows += rows
        if bad and not self.bad:
            self.first = f"line {line}: {error}"
            if self.strict:
                raise BadRow(
                    f"{self.place}: line {line}: {error}",
                    hint="without --strict the other rows go on, and the column error says what is wrong",
                )
        self.bad += bad


class Written(Protocol):
    """A table that is written block by block."""

    def records(self, records: Records, results: Iterable[Result]) -> Any:
        """The results of some rows, as they are written; made in any order, by any thread."""

    def frame(self, frame: Any) -> Any:
        """The same of a frame whose columns are those that come out."""

    def put(self, piece: Any) -> None:
        """Write what `records` or `frame` made."""

    def end(self) -> None:
        """Write what is left."""


def by_rows(table: Table, plan: Plan, written: Written, count: Count) -> None:
    """Each block by the engine of plain floats."""
    engine = Rows(plan, plan.bound(table.names, table.place), len(table.names))
    for block in table.blocks():
        records = table.records(block)
        results = list(engine.computed(records))
        bad = [index for index, result in enumerate(results) if result[-1] and result[-1] is not True]
        if bad and count.strict:
            written.put(written.records(records, results[: bad[0]]))
        count.took(len(results), len(bad), *((records.line(bad[0]), results[bad[0]][-1]) if bad else ()))
        written.put(written.records(records, results))
    written.end()
