"""Worksheets: every problem of an assignment with one student's values, some cells left to be filled.

    Assignment + student ─choosing→ values ─forward, backward→ Gradients ─sheet→ Sheet ─render→ Markdown, HTML, LaTeX
                                                                           ├─twin→ sheet,problem,cell,answer
                                                                           └─key→ the same with the answers, kept apart

A Sheet holds what is printed, as data: the graph as a table with a row an edge, where the gradient arrives, as
everywhere in gradcli. A cell of the table is printed, asked for, or left as room to work in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from gradcli import notation
from gradcli.autodiff import Edge, Gradients, Value
from gradcli.cells import Cell, carried, edge_name, kind_of, resolve
from gradcli.errors import LimitError, UnknownCell
from gradcli.report import Report

if TYPE_CHECKING:
    from gradcli.homework.assignment import Assignment, Problem

KINDS = ("value", "local", "upstream", "down", "grad")
"""What can be left blank: the columns of the table."""

MOST = 300
"""Nodes of a graph that fits on a sheet."""

TWIN = ("sheet", "problem", "cell", "answer")
"""Columns of the fillable twin."""


KEY = (*TWIN, "values")
"""Columns of the key."""


class Show(StrEnum):
    """What a place of the table is."""

    GIVEN = "given"  # the number is printed
    ASKED = "asked"  # to be filled in
    ROOM = "room"  # left free, for the student's own work


class Spot(NamedTuple):
    """A place of the table; its number is shown where it is given alone."""

    show: Show
    value: Value | None = None
    address: str = ""


class Row(NamedTuple):
    """A row: a node, or one of the edges at which its gradient arrives.

    name: on the node's first row.   edge: `∂q/∂x`.   sum: whether it adds up the rows above.
    """

    name: str = ""
    formula: str = ""
    forward: Spot | None = None
    edge: str = ""
    local: Spot | None = None
    upstream: Spot | None = None
    down: Spot | None = None
    grad: Spot | None = None
    sum: bool = False


class Asked(NamedTuple):
    """A cell to be filled in: its address as the assignment has it, what it means, and its points, if it has any.

    placed: whether it has a place of its own in the table.
    """

    address: str
    meaning: str
    points: float | None
    cell: Cell
    placed: bool


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
        from gradcli.homework.choosing import values
        from gradcli.homework.drawing import texts

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
    table = _Table(report, _asked(report, cells), frozenset(blank))
    rows = tuple(table.rows())
    asked = table.asked if cells else tuple(sorted(table.filled, key=_worked))
    shown = {variable: given[variable] for variable in gradients.graph.inputs}
    from gradcli.render.rows import statements

    return Part(name, tuple(statements(report.expression)), shown, report.output, rows, asked, gradients)


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


class _Place(NamedTuple):
    """Where a cell stands in the table: its kind and node, or its kind, child, and which input of it."""

    kind: str
    node: int
    k: int = 0


class _Table:
    """Lays out the rows of one problem.

    asked: the cells that the assignment names; none where every blank one is asked for.   filled: what is found then.
    """

    def __init__(self, report: Report, asked: Sequence[tuple[str, float, Cell]], blank: frozenset[str]) -> None:
        self.report, self.blank, self.all = report, blank, not asked
        self.places: dict[_Place, str] = {}
        self.filled: list[Asked] = []
        listed = []
        for address, points, cell in asked:
            place = _place(cell)
            placed = place is not None and self.places.setdefault(place, address) == address
            listed.append(Asked(address, meaning(report, cell), points, cell, placed))
        self.asked = tuple(listed)

    def rows(self) -> Iterator[Row]:
        """The inputs, then the ops, each with the edges that leave it; under several edges, their sum."""
        report, graph, source = self.report, self.report.graph, self.report.source
        for i in report.order:
            name, formula = graph.names[i], notation.formula(graph, i) if graph.parents[i] else ""
            forward = self._spot("value", i, partial(source.trace.at, i)) if formula else self._given(i)
            head = Row(name, formula, forward)
            if i == graph.output:
                start = self._named("grad", i) or Spot(Show.GIVEN, source.upstream)
                yield head._replace(grad=start) if report.pulled_back else head
                continue
            told = report.pulled_back and graph.varied[i] and not report.untold(name)
            total = self._spot("grad", i, partial(source.at, i)) if told else None
            edges = source.leaving.get(i, []) if told else []
            if not edges:
                yield head._replace(grad=total)
                continue
            for edge in edges:
                yield self._edge(head, edge, total, len(edges) > 1)
                head = Row()
            if len(edges) > 1:
                yield Row(grad=total, sum=True)

    def _edge(self, head: Row, edge: Edge, total: Spot | None, several: bool) -> Row:
        """The row of an edge: local × upstream = what is passed down."""
        graph, (_, child, k) = self.report.graph, edge
        number = kind_of(edge) in ("number", "diagonal")
        local = self._spot("local", child, lambda: edge.local, k) if number else Spot(Show.ROOM)
        above = self._shown("grad", child) or child == graph.output
        upstream = Spot(Show.GIVEN, edge.upstream) if above and "upstream" not in self.blank else Spot(Show.ROOM)
        known = "down" not in self.blank and total is not None and total.show is Show.GIVEN
        down = self._named("down", child, k) or (Spot(Show.GIVEN, carried(edge)[1]) if known else Spot(Show.ROOM))
        quotient = f"∂{graph.names[child]}/∂{graph.names[edge.parent]}"
        row = head._replace(edge=quotient, local=local, upstream=upstream, down=down)
        return row if several else row._replace(grad=total)

    def _given(self, node: int) -> Spot:
        """The value of an input."""
        return self._named("value", node) or Spot(Show.GIVEN, self.report.source.trace.at(node))

    def _shown(self, kind: str, node: int, k: int = 0) -> bool:
        """Whether a number is printed: it is of no blank kind, and not asked for."""
        return kind not in self.blank and _Place(kind, node, k) not in self.places

    def _named(self, kind: str, node: int, k: int = 0) -> Spot | None:
        """The place of a cell that the assignment names."""
        address = self.places.get(_Place(kind, node, k))
        return None if address is None else Spot(Show.ASKED, address=address)

    def _spot(self, kind: str, node: int, value: Callable[[], Value], k: int = 0) -> Spot:
        """A cell of the table: printed, asked for, or room; its number is worked out where it is printed."""
        named = self._named(kind, node, k)
        if named is not None:
            return named
        if kind not in self.blank:
            return Spot(Show.GIVEN, value())
        if not self.all:
            return Spot(Show.ROOM)
        return self._fill(_Place(kind, node, k))

    def _fill(self, place: _Place) -> Spot:
        """A cell that is asked for because all blank ones are."""
        graph = self.report.graph
        if place.kind == "value":
            address = "value" if place.node == graph.output else f"value.{graph.names[place.node]}"
        elif place.kind == "grad":
            address = f"grad.{graph.names[place.node]}"
        else:
            address = f"{place.kind}.{edge_name(graph, place.node, place.k)}"
        try:
            cell = resolve(address, self.report.source)
        except (UnknownCell, LimitError):  # such as a Jacobian too large to be shown
            return Spot(Show.ROOM)
        self.places[place] = address
        self.filled.append(Asked(address, meaning(self.report, cell), None, cell, True))
        return Spot(Show.ASKED, address=address)


def meaning(report: Report, cell: Cell) -> str:
    """What a cell is, as lectures write it: q, ∂q/∂x, ∂f/∂x; of a product along an edge ∂f/∂q · ∂q/∂x."""
    graph, key = report.graph, ""
    if cell.key:
        key = cell.address[cell.address.rindex("[") :]
    name = graph.names[cell.nodes[0]] + key
    if cell.kind == "value":
        return name
    if cell.kind == "grad":
        whole = cell.address.removeprefix("grad.") if len(cell.nodes) > 1 else name
        return f"∂{report.output}/∂{whole}"
    child, parent = graph.names[cell.nodes[0]], graph.names[graph.parents[cell.nodes[0]][cell.k]]
    local = f"∂{child}/∂{parent}{key}"
    return local if cell.kind == "local" else f"∂{report.output}/∂{child} · {local}"


def _worked(asked: Asked) -> tuple[int, int, int]:
    """The order in which cells are worked out: values forward, then the gradients from the output back."""
    kind, at = asked.cell.kind, asked.cell.nodes[0]
    return (0, at, 0) if kind == "value" else (1, -at, 0 if kind == "grad" else 1 + asked.cell.k)


def _asked(report: Report, cells: Mapping[str, float]) -> list[tuple[str, float, Cell]]:
    """The cells that an assignment names, with their points."""
    return [(address, points, resolve(address, report.source)) for address, points in cells.items()]


def _place(cell: Cell) -> _Place | None:
    """Where a cell stands in the table; nowhere for an entry of a tensor, or a text that occurs more than once."""
    if cell.key or len(cell.nodes) != 1:
        return None
    return _Place(cell.kind, cell.nodes[0], cell.k)
