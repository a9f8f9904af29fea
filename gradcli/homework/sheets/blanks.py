"""The graph of a problem as a table in which some cells are left to be filled in.

A row an edge, where the gradient arrives, as everywhere in gradcli; under several edges their sum. A cell is printed,
asked for, or left free as room to work in. What is printed gives no blank away: an upstream gradient is the gradient of
the node above, and stands only where that one does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from gradcli import notation
from gradcli.autodiff import Edge, Value
from gradcli.cells import Cell, carried, edge_name, kind_of, resolve
from gradcli.errors import LimitError, UnknownCell
from gradcli.report import Report

KINDS = ("value", "local", "upstream", "down", "grad")
"""What can be left blank: the columns of the table."""


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


class Place(NamedTuple):
    """Where a cell stands in the table: its kind and node, or its kind, child, and which input of it."""

    kind: str
    node: int
    k: int = 0


class Table:
    """Lays out the rows of one problem.

    asked: the cells that the assignment names; none where every blank one is asked for.   filled: what is found then.
    """

    def __init__(self, report: Report, asked: Sequence[tuple[str, float, Cell]], blank: frozenset[str]) -> None:
        self.report, self.blank, self.all = report, blank, not asked
        self.places: dict[Place, str] = {}
        self.filled: list[Asked] = []
        listed = []
        for address, points, cell in asked:
            place = place_of(cell)
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
        return kind not in self.blank and Place(kind, node, k) not in self.places

    def _named(self, kind: str, node: int, k: int = 0) -> Spot | None:
        """The place of a cell that the assignment names."""
        address = self.places.get(Place(kind, node, k))
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
        return self._fill(Place(kind, node, k))

    def _fill(self, place: Place) -> Spot:
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


def worked(asked: Asked) -> tuple[int, int, int]:
    """The order in which cells are worked out: values forward, then the gradients from the output back."""
    kind, at = asked.cell.kind, asked.cell.nodes[0]
    return (0, at, 0) if kind == "value" else (1, -at, 0 if kind == "grad" else 1 + asked.cell.k)


def named(report: Report, cells: Mapping[str, float]) -> list[tuple[str, float, Cell]]:
    """The cells that an assignment names, with their points."""
    return [(address, points, resolve(address, report.source)) for address, points in cells.items()]


def place_of(cell: Cell) -> Place | None:
    """Where a cell stands in the table; nowhere for an entry of a tensor, or a text that occurs more than once."""
    if cell.key or len(cell.nodes) != 1:
        return None
    return Place(cell.kind, cell.nodes[0], cell.k)
