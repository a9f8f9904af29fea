"""What the names in a formula stand for: variables, named nodes, the output, dout, and the gradients of nodes, dq."""

from __future__ import annotations

from typing import NamedTuple

from gradcli.autodiff import Gradients, Value
from gradcli.cells import Cell
from gradcli.errors import GradcliError, UnknownCell
from gradcli.graph import OUTPUT_NAME, Graph
from gradcli.homework.records import Formula, Unreadable
from gradcli.ops.op import INPUT
from gradcli.words import Said

UPSTREAM = "dout"
"""The upstream gradient of the output, unless a variable or a node is called so."""

LONGEST = 40
"""Characters of a name that is looked at as a product."""


class Bound(NamedTuple):
    """A formula whose names are found, by the tape positions of its inputs in its own graph.

    nodes: → a node of the question, whose value is meant.   gradients: → one whose gradient is meant.
    upstream: where dout stands; None where the formula does not mention it.
    """

    formula: Formula
    nodes: dict[int, int]
    gradients: dict[int, int]
    upstream: int | None

    @property
    def graph(self) -> Graph:
        """The formula as a graph."""
        graph: Graph = self.formula.graph
        return graph

    @property
    def constant(self) -> bool:
        """Whether it is a number, without any name."""
        return not self.graph.inputs

    def leaves(self, gradients: Gradients) -> dict[str, Value]:
        """What its names are at the point of the gradients."""
        found: dict[str, Value] = {}
        for name, at in self.graph.inputs.items():
            if at == self.upstream:
                found[name] = gradients.upstream
            elif at in self.nodes:
                found[name] = gradients.trace.values[self.nodes[at]]
            else:
                found[name] = gradients.at(self.gradients[at])
        return found


def names(gradients: Gradients) -> frozenset[str]:
    """The names that a formula may use."""
    graph = gradients.graph
    shown = [graph.names[i] for i in graph.shown]
    return frozenset((*shown, *(f"d{name}" for name in shown), UPSTREAM, OUTPUT_NAME))


def read(text: str, gradients: Gradients) -> Formula | Unreadable:
    """A formula as our parser reads it, in the names and the definitions of a graph; or what is wrong with it."""
    from gradcli.syntax import Parser

    graph = gradients.graph
    parser = Parser(text, given=frozenset([*graph.inputs, *graph.labels.values()]), share=False, place=None)
    for op in dict.fromkeys(op for op in graph.ops if op.body is not None):
        parser.gates.add(op)
        parser.gates.flat[op.name] = op
    try:
        formula = Formula(text, parser.program())
    except GradcliError as error:
        return Unreadable(error.message, error.span if error.source is not None else None, error.hint)
    try:
        bind(formula, gradients)
    except UnknownCell as error:
        from gradcli.homework.numbers.given import stranger

        name = error.source or error.message
        found = stranger(name, formula.graph.spans[formula.graph.inputs[name]], names(gradients))
        factors = product(name, gradients.graph)
        return found if factors is None else found._replace(hint=Said("formulas.product", {"product": factors}))
    return formula


def product(name: str, graph: Graph) -> str | None:
    """What was meant by names without a sign between them: x*y for xy; None where it is no such thing.

    Of several ways the one with the fewest factors.
    """
    if len(name) > LONGEST:
        return None
    ways: list[list[str] | None] = [[]]
    for end in range(1, len(name) + 1):
        parts = ((ways[start], name[start:end]) for start in range(end))
        found = [[*before, part] for before, part in parts if before is not None and place(graph, part) is not None]
        ways.append(min(found, key=len, default=None))
    factors = ways[-1]
    return None if factors is None else "*".join(factors)


def bind(formula: Formula, gradients: Gradients) -> Bound:
    """What each name of a formula stands for.

    Errors: UnknownCell for a name that nothing has; its message is the name.
    """
    graph = gradients.graph
    nodes: dict[int, int] = {}
    passed: dict[int, int] = {}
    upstream = None
    for name, at in formula.graph.inputs.items():
        found = place(graph, name)
        if found is not None:
            nodes[at] = found
        elif name == UPSTREAM:
            upstream = at
        elif name[0] == "d" and (node := place(graph, name[1:])) is not None:
            passed[at] = node
        else:
            raise UnknownCell(name, source=name)  # a message is clipped
    return Bound(formula, nodes, passed, upstream)


def place(graph: Graph, name: str) -> int | None:
    """The tape position of a name: of a variable or a node, of the output where it is called f; None for no such."""
    found = graph.find(name)
    if found is None and name == OUTPUT_NAME:
        found = graph.output
    return found


def misplaced(bound: Bound, cell: Cell, gradients: Gradients) -> Said | None:
    """What is wrong with a formula that uses what it is asked for, or what is worked out from that; None if nothing.

    A value is worked out from what stands before it, a gradient from values and the gradients that stand after it.
    """
    graph = gradients.graph
    after = following(graph, cell)
    for name, at in bound.graph.inputs.items():
        if cell.kind == "value" and graph.ops[cell.nodes[0]] is not INPUT and after[bound.nodes.get(at, 0)]:
            return Said("formulas.circular", {"name": name})
        if at in bound.gradients:
            node = bound.gradients[at]
            own = node in cell.nodes and cell.kind == "grad"
            if cell.kind not in ("grad", "down") or own or not after[node]:
                return Said("formulas.circular" if own else "formulas.beside", {"name": name})
    return None


def following(graph: Graph, cell: Cell) -> bytearray:
    """1 for the nodes of a cell, and for each that is computed from them."""
    after = bytearray(len(graph))
    for i in cell.nodes:
        after[i] = 1
    for i in range(min(cell.nodes) + 1, len(graph)):
        if not after[i]:
            after[i] = any(after[p] for p in graph.parents[i])
    return after
