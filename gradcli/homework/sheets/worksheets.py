"""Worksheets: every problem of an assignment with one student's values, some cells left to be filled.

    Assignment + student ─choosing→ values ─forward, backward→ Gradients ─sheet→ Sheet ─render→ Markdown, HTML, LaTeX
                                                                           ├─twin→ sheet,problem,cell,answer
                                                                           └─key→ the same with the answers, kept apart

A Sheet holds what is printed, as data; blanks.py lays out the table of each problem.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from gradcli.autodiff import Gradients
from gradcli.errors import LimitError
from gradcli.homework.sheets.blanks import KINDS, Asked, Row, Table, named, worked
from gradcli.report import Report

if TYPE_CHECKING:
    from gradcli.homework.files.assignment import Assignment, Problem

MOST = 300
"""Nodes of a graph that fits on a sheet."""

TWIN = ("sheet", "problem", "cell", "answer")
"""Columns of the fillable twin."""

KEY = (*TWIN, "values")
"""Columns of the key."""


class Part(NamedTuple):
    """One problem on a sheet: the statements, the values as typed, the table, and what is asked for."""

    id: str
    statements: tuple[str, ...]
    given: Mapping[str, str]
    output: str
    rows: tuple[Row, ...]
    asked: tuple[Asked, ...]
    gradients: Gradients
    title: str = ""
    text: str = ""

    @property
    def points(self) -> float | None:
        """All points together; None where there are none."""
        known = [asked.points for asked in self.asked if asked.points is not None]
        return sum(known) if known else None


class Sheet(NamedTuple):
    """What one student gets.

    student: the id, empty on a sheet for nobody in particular.   decimals, sig: to which answers are given.
    """

    title: str
    student: str
    name: str
    parts: tuple[Part, ...]
    decimals: int | None = None
    sig: int | None = None

    @property
    def points(self) -> float | None:
        """All points together; None where there are none."""
        known = [part.points for part in self.parts if part.points is not None]
        return sum(known) if known else None


class Press:
    """Makes the sheets of one assignment.

    blank: the kinds of cells that are not printed; cells that are asked for never are.
    whole: every blank cell is asked for, whatever the assignment names.
    """

    def __init__(self, assignment: Assignment, blank: Collection[str] = KINDS, *, whole: bool = False) -> None:
        self.assignment, self.blank, self.whole = assignment, frozenset(blank), whole

    def sheet(self, student: str, name: str = "") -> Sheet:
        """The sheet of a student.

        Errors: UnknownCell; LimitError for a graph that fits on no sheet.
        """
        wanted = self.assignment
        parts = tuple(self._part(problem, student) for problem in wanted.problems)
        return Sheet(wanted.title, student, name, parts, wanted.rules.decimals, wanted.rules.sig)

    def _part(self, problem: Problem, student: str) -> Part:
        from gradcli.homework.files.choosing import values
        from gradcli.homework.files.drawing import texts

        found = values(problem, self.assignment, student)
        cells = {} if self.whole else problem.cells
        made = part(problem.id, problem.gradients(found), texts(problem, found), cells, self.blank)
        return made._replace(title=problem.title, text=problem.text)


def part(
    name: str,
    gradients: Gradients,
    given: Mapping[str, str],
    cells: Mapping[str, float],
    blank: Collection[str] = KINDS,
) -> Part:
    """One problem at these values.

    given: the values of the variables, as texts.
    cells: the points of each cell that is asked for; every cell of the blank kinds, without points, where it is empty.
    Errors: UnknownCell; LimitError.
    """
    report = Report(gradients)
    if len(report.order) > MOST:
        raise LimitError(
            f"problem {name}: {len(report.order):,} nodes do not fit on a sheet",
            hint=f"{MOST} are the most; ask for a smaller formula",
        )
    table = Table(report, named(report, cells), frozenset(blank))
    rows = tuple(table.rows())
    asked = table.asked if cells else tuple(sorted(table.filled, key=worked))
    shown = {variable: given[variable] for variable in gradients.graph.inputs}
    from gradcli.render.rows import statements

    return Part(name, tuple(statements(report.expression)), shown, report.output, rows, asked, gradients)


def undefined(sheet: Sheet) -> Iterator[str]:
    """The cells asked for that have no number at these values: "2: dx is nan"."""
    for each in sheet.parts:
        for asked in each.asked:
            value = asked.cell.value
            entries = [value] if isinstance(value, float) else value.ravel().tolist()
            wrong = next((entry for entry in entries if not isfinite(entry)), None)
            if wrong is not None:
                yield f"problem {each.id}: {asked.address} is {wrong}"


def twin(sheet: Sheet) -> Iterator[tuple[str, str, str, str]]:
    """The lines to be filled in: sheet, problem, cell, answer."""
    for each in sheet.parts:
        for asked in each.asked:
            yield sheet.student, each.id, asked.address, ""


def key(sheet: Sheet) -> Iterator[tuple[str, str, str, str, str]]:
    """The same lines with the right numbers, to all their digits, and the values that lead to them."""
    from gradcli.places import listed

    for each in sheet.parts:
        values = "; ".join(f"{name}={text}" for name, text in each.given.items())
        for asked in each.asked:
            yield sheet.student, each.id, asked.address, listed(asked.cell.value), values
