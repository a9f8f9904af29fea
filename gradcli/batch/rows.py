"""Rows through the engine of plain floats: for tables that are small, and for rows that need a closer look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from math import inf
from operator import itemgetter
from typing import Any, NamedTuple

from gradcli.batch.cells import NoNumber, number
from gradcli.batch.plan import Plan
from gradcli.engines import exact
from gradcli.engines.python import RAISED, function
from gradcli.errors import UsageError


class Records(NamedTuple):
    """The rows of a block.

    cells: of each row, as text.   faults: which rows are none, and why.   line: index → the number of a row's line.
    suspect: whether a cell may be a number to Python that is none here.   typed: the same as columns of types, if any.
    """

    cells: Sequence[Sequence[str]]
    faults: Mapping[int, str]
    line: Callable[[int], int]
    suspect: bool = True
    typed: Any = None


Result = tuple[Any, ...]
"""The value, the gradients, and last True; or, of a bad row, what there is of them, and last what is wrong, in words.

With nothing wrong and no results, for a missing value, it is ("",)."""


class Rows:
    """A plan over rows, one at a time.

    places: the columns of the formula's variables.   width: how many cells a row has.
    """

    def __init__(self, plan: Plan, places: Sequence[int], width: int) -> None:
        self.plan, self.places, self.width = plan, tuple(places), width

    @cached_property
    def point(self) -> Callable[..., Result]:
        """The formula as a function; of tensors that no code of numbers computes, one that leaves all to the engine."""
        try:
            return function(self.plan.formula)
        except UsageError:
            return lambda *x: (False,)

    @cached_property
    def picked(self) -> Callable[[Sequence[str]], Sequence[str]]:
        """The cells of the variables."""
        if len(self.places) > 1:
            return itemgetter(*self.places)
        return lambda cells: [cells[place] for place in self.places]

    def computed(self, records: Records) -> list[Result]:
        """The result of each row, in order."""
        numbers = None if records.suspect or records.faults else getattr(records.cells, "numbers", None)
        columns = numbers(self.places, self.width) if numbers is not None and self.places else None
        return self.by_records(records) if columns is None else self.by_numbers(columns)

    def by_numbers(self, columns: Sequence[Sequence[float]]) -> list[Result]:
        """The result of each row, of numbers by the column."""
        results: list[Result] = []
        point, append = self.point, results.append
        for numbers in zip(*columns, strict=True):
            try:  # faster than suppress
                result = point(*numbers)
            except RAISED:
                result = (False,)
            append(result if result[-1] else self.exactly(numbers))
        return results

    def by_records(self, records: Records) -> list[Result]:
        """The result of each row, of cells."""
        point, picked, width, suspect = self.point, self.picked, self.width, records.suspect or bool(records.faults)
        results: list[Result] = []
        for index, cells in enumerate(records.cells):
            result: Result = (False,)
            if len(cells) == width:
                try:
                    numbers = [*map(float, picked(cells))]
                    if INFINITE.isdisjoint(numbers):
                        result = point(*numbers)
                except RAISED:
                    result = (False,)
            if not result[-1] or (suspect and (index in records.faults or not all(map(isnumber, picked(cells))))):
                result = self.judged(cells, records.faults.get(index, ""))
            results.append(result)
        return results

    def exactly(self, numbers: Sequence[float]) -> Result:
        """The result at a point, by the engine itself."""
        results, error = exact.evaluated(self.plan.formula, numbers)
        return (*results, error or True)

    def judged(self, cells: Sequence[str], fault: str = "") -> Result:
        """The result of a row that needs a closer look."""
        if fault or len(cells) != self.width:
            count = len(cells)
            return (fault or f"the row has {count} cell{'' if count == 1 else 's'}, the header {self.width}",)
        found: list[float] = []
        for variable, cell in zip(self.plan.formula.variables, self.picked(cells), strict=True):
            try:
                found.append(number(cell))
            except NoNumber as fault_:
                return ("" if self.plan.null and not cell.strip() else f"{variable} {fault_}",)
        return self.exactly(found)


INFINITE = frozenset((inf, -inf))
"""What a cell may be read as that is larger than any double."""


def isnumber(cell: str) -> bool:
    """Whether a cell that Python reads as a number is one here: ASCII, and without _."""
    return cell.isascii() and "_" not in cell
