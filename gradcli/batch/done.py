"""A block that is worked out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gradcli.batch.rows import Records, Result


class Done(NamedTuple):
    """A block's results, as they are written, and the count of its rows.

    first: the line and the error of the first bad row.   before: the piece that ends before that row.
    look: indices of rows → these rows and their results.
    """

    piece: Any
    rows: int
    bad: int
    first: tuple[int, str]
    before: Callable[[], Any]
    look: Callable[[Sequence[int]], tuple[Records, list[Result]]]


def faulty(results: Sequence[Result]) -> list[int]:
    """The indices of bad rows."""
    return [index for index, result in enumerate(results) if result[-1] and result[-1] is not True]


def some(records: Records, places: Sequence[int]) -> Records:
    """Some of the rows."""
    faults = {k: records.faults[place] for k, place in enumerate(places) if place in records.faults}
    typed = records.typed if records.typed is None else records.typed.take(list(places))
    return Records([records.cells[place] for place in places], faults, lambda k: records.line(places[k]), typed=typed)
