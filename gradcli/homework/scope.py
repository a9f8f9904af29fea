"""What the names in a formula stand for: variables, named nodes, the output, and dout, its upstream gradient."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from typing import NamedTuple

from gradcli.autodiff import Gradients
from gradcli.cells import Cell
from gradcli.errors import ExpressionError, GradcliError
from gradcli.graph import OUTPUT_NAME, Graph
from gradcli.homework.records import Formula, Unreadable
from gradcli.ops.op import INPUT

UPSTREAM = "dout"
"""The upstream gradient of the output, unless a variable or a node is called so."""

CANDIDATES = 2000
"""Names among which a misspelling is looked for."""

NAMED = 8
"""Names that a hint lists."""


class Bound(NamedTuple):
    """A formula whose names are found: its inputs' tape positions in its own graph → in the question's.

    upstream: where in its own graph dout stands; None where the formula does not mention it.
    """

    formula: Formula
    nodes: dict[int, int]
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


def names(gradients: Gradients) -> frozenset[str]:
    """The names that a formula may use."""
    graph = gradients.graph
    return frozenset((*graph.inputs, *(graph.names[i] for i in graph.shown), UPSTREAM, OUTPUT_NAME))


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
        bind(formula, gradients)
    except GradcliError as error:
        return Unreadable(error.message, error.span, error.hint)
    return formula


def bind(formula: Formula, gradients: Gradients) -> Bound:
    """What each name of a formula stands for.

    Errors: ExpressionError for a name that nothing has, with what was meant as a hint.
    """
    graph = gradients.graph
    nodes: dict[int, int] = {}
    upstream = None
    for name, at in formula.graph.inputs.items():
        found = place(graph, name)
        if found is not None:
            nodes[at] = found
        elif name == UPSTREAM:
            upstream = at
        else:
            raise unknown(formula, name, at, graph)
    return Bound(formula, nodes, upstream)


def place(graph: Graph, name: str) -> int | None:
    """The tape position of a name: of a variable or a node, of the output where it is called f; None for no such."""
    found = graph.find(name)
    if found is None and name == OUTPUT_NAME:
        found = graph.output
    return found


def unknown(formula: Formula, name: str, at: int, graph: Graph) -> ExpressionError:
    """The error about a name that nothing has."""
    from difflib import get_close_matches

    known: Collection[str] = dict.fromkeys(
        [
            *islice(graph.inputs, CANDIDATES),
            *islice(graph.labels.values(), CANDIDATES),
            *(graph.names[i] for i in islice(graph.shown, CANDIDATES)),
            UPSTREAM,
        ]
    )
    near = get_close_matches(name, known, 3, 0.5 if len(name) < 4 else 0.6)
    listed = ", ".join(islice(known, NAMED)) + (" …" if len(known) > NAMED else "")
    hint = f"did you mean {' or '.join(near)}?" if near else f"a formula may use {listed}, {UPSTREAM}"
    span = formula.graph.spans[at] if formula.graph.spans else None
    return ExpressionError(f"no variable or node '{name}'", source=formula.text, span=span, hint=hint)


def circular(bound: Bound, cell: Cell, gradients: Gradients) -> str | None:
    """The name by which a formula for a value uses that very value, or one made of it; None where it does not."""
    if cell.kind != "value":
        return None
    graph, node = gradients.graph, cell.nodes[0]
    if graph.ops[node] is INPUT:
        return None
    made = bytearray(len(graph))
    made[node] = 1
    for i in range(node + 1, len(graph)):
        made[i] = any(made[p] for p in graph.parents[i])
    for name, at in bound.graph.inputs.items():
        if at in bound.nodes and made[bound.nodes[at]]:
            return name
    return None
