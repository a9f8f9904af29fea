"""One problem of an assignment: its graph, the values that students have in common, and what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gradcli.autodiff import Gradients
from gradcli.cells import Cell, resolve
from gradcli.homework.files.drawing import Draw, candidates
from gradcli.homework.files.ids import identified
from gradcli.reading.values import Value
from gradcli.syntax import parse

if TYPE_CHECKING:
    from gradcli.graph import Graph

__all__ = ["Problem", "Spot", "identified", "spot"]

Spot = tuple[str, tuple[int, ...], int, str]
"""Where a cell is read: its kind, its nodes, which input of the child, which entries. Equal cells have one."""


def spot(cell: Cell) -> Spot:
    """Where a cell is read, however it was written."""
    return cell.kind, cell.nodes, cell.k, repr(cell.key)


@dataclass(frozen=True)
class Problem:
    """One problem.

    at: the values that all students share.   typed: their texts.   draw: how the others are drawn for each student.
    cells: the address of each cell that is asked for, as the file has it, and its points.
    upstream: the gradient that backward starts from; None for 1.
    """

    id: str
    expr: str
    at: Mapping[str, Value] = field(default_factory=dict)
    draw: Mapping[str, Draw] = field(default_factory=dict)
    cells: Mapping[str, float] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    text: str = ""
    defs: str = ""
    upstream: Value | None = None

    @cached_property
    def graph(self) -> Graph:
        """The graph of the expression; what has a value is a variable, also `e` and `pi`."""
        return parse(self.expr, given={*self.at, *self.draw}, definitions=self.defs)

    def gradients(self, values: Mapping[str, Value]) -> Gradients:
        """Both passes at a student's values."""
        return self.graph.forward(values).backward(self.upstream)

    @cached_property
    def sample(self) -> Gradients:
        """Both passes at values as some student may have them, for all that does not depend on which."""
        return self.gradients(next(candidates(self, 0, "")))

    @cached_property
    def asked(self) -> Mapping[Spot, str]:
        """Where the cells that are asked for are read → their addresses, as the file has them."""
        return {spot(resolve(address, self.sample)): address for address in self.cells}

    @property
    def points(self) -> float:
        """The points of all cells."""
        return round(sum(self.cells.values()), 9)

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs: a graph is made again from its text."""
        return {name: entry for name, entry in self.__dict__.items() if name not in ("graph", "sample", "asked")}
