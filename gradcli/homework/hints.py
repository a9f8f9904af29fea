"""Hints in four steps: where to look, the rule that holds there, the numbers to put in, the answer.

Where: at the place of the mistake, if one was found that leads to the student's number; else at the cell itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from gradcli import notation
from gradcli.autodiff import Edge, Gradients, Value
from gradcli.cells import Cell, here, kind_of
from gradcli.graph import Graph
from gradcli.homework.records import Result
from gradcli.homework.sweeps import Change
from gradcli.ops.op import CONSTANT, INPUT
from gradcli.words import Said

LEVELS = 4
"""Steps of a hint; the last one is the answer."""

FACTORS = 6
"""Terms of a sum, and numbers to put in, that a hint writes out."""

NAME = re.compile(r"[^\W\d]\w*(?![\w(])")

UPSTREAM = re.compile(r"(?<![\w.])g(?!\w)")
"""The upstream gradient in a rule for whole tensors."""

ONE = re.compile(r"(?<![\w.])g\*|\*g(?!\w)")
"""The same where it is a factor that can be left out if it is 1."""


class Focus(NamedTuple):
    """Where a hint points: at how a node's value is made, at the sum of what arrives at it, or at an edge.

    kind: value, grad, local or down.
    """

    kind: str
    node: int
    k: int = 0


def hints(result: Result, gradients: Gradients, level: int) -> tuple[Said, ...]:
    """The hints for one answer up to a level, from 1 to 4."""
    focus = focused(result, gradients)
    steps = [look(focus, gradients), rule(focus, gradients), numbers(focus, gradients)]
    said = [step for step in steps[:level] if step is not None]
    if level >= LEVELS:
        said.append(Said("check.hint_answer", {"cell": result.answer.address.strip(), "value": result.right}))
    return tuple(said)


def focused(result: Result, gradients: Gradients) -> Focus:
    """The place of the simplest mistake that was found; without one, that of the cell."""
    cell = result.cell
    for explanation in result.explanations[:1]:
        place = None if explanation.change is None else changed(explanation.change, cell)
        if place is not None:
            return place
    return Focus(cell.kind, cell.nodes[0], cell.k)


def changed(change: Change, cell: Cell) -> Focus | None:
    """Where a sweep with a mistake differs from the right one; of several places the one next to the cell.

    A mistake may have been made everywhere: a place behind the cell needs its number, and would tell it. Of a gradient
    the backward pass is looked at before the forward one.
    """
    values = [Focus("value", node) for node in change.values]
    at = min(cell.nodes)
    if cell.kind == "value":
        return max((place for place in values if place.node <= at), key=lambda place: place.node, default=None)
    edges = [Focus("local", *slot) for slot in change.locals] + [Focus("down", *slot) for slot in change.passed]
    ahead = [place for place in edges if place.node > at or (place.node == at and cell.kind != "grad")]
    ahead += [Focus("grad", node) for node in change.sums if node >= at]
    own = {Focus("local", at, cell.k), Focus("down", at, cell.k)}
    nearest = min(ahead, key=lambda place: (place.node, place not in own), default=None)
    return nearest or next(iter(values), None)


# ── the steps ───────────────────────────────────────────────────────────────────────────────────────────────────


def look(focus: Focus, gradients: Gradients) -> Said:
    """Where to look."""
    graph = gradients.graph
    if focus.kind != "grad":
        return Said("check.hint_gate", {"gate": gate(graph, focus.node)})
    edges = gradients.leaving.get(focus.node, [])
    if len(edges) == 1:
        return Said("check.hint_gate", {"gate": gate(graph, edges[0].child)})
    if not edges:
        return Said("check.hint_start", {"node": graph.names[focus.node]})
    children = tuple(dict.fromkeys(gate(graph, edge.child) for edge in edges[:FACTORS]))
    fields = {"node": graph.names[focus.node], "gates": children, "uses": str(len(edges))}
    return Said("check.hint_fan_out", fields)


def rule(focus: Focus, gradients: Gradients) -> Said | None:
    """The rule that holds there; none where nothing is worked out."""
    graph = gradients.graph
    if focus.kind == "value":
        if graph.ops[focus.node] in (INPUT, CONSTANT):
            return None
        return Said("check.hint_rule", {"rule": gate(graph, focus.node)})
    if focus.kind == "grad":
        edges = gradients.leaving.get(focus.node, [])
        if not edges:
            return None
        terms = [product(edge) for edge in edges[:FACTORS]] + ["…"] * (len(edges) > FACTORS)
        told = [local(edge) for edge in edges[:FACTORS] if not at_start(edge)]
        return with_rules(f"{quotient(graph, focus.node)} = {' + '.join(terms)}", told)
    edge = Edge(gradients, focus.node, focus.k)
    own = local(edge)
    if own and (focus.kind == "local" or at_start(edge)):
        return with_rules(own, [])
    if at_start(edge):
        return with_rules(f"{quotient(graph, edge.parent)} = {passed(edge)}", []) if passed(edge) else None
    return with_rules(f"{product(edge)} → {quotient(graph, edge.parent)}", [local(edge)])


def numbers(focus: Focus, gradients: Gradients) -> Said | None:
    """What to put into the rule.

    Where that is one number and nothing to work out, as the gradient that a sum passes on, it is the answer itself.
    """
    graph = gradients.graph
    if focus.kind == "value":
        parents = [p for p in graph.parents[focus.node] if graph.ops[p] is not CONSTANT]
        pairs = [(graph.names[p], gradients.trace.values[p]) for p in parents]
    elif focus.kind == "local":
        pairs = list(operands(Edge(gradients, focus.node, focus.k)))
    else:
        edges = gradients.leaving.get(focus.node, []) if focus.kind == "grad" else []
        if focus.kind == "down":
            edges = [Edge(gradients, focus.node, focus.k)]
        pairs = [pair for edge in edges for pair in operands(edge)]
        pairs += [(quotient(graph, edge.child), gradients.at(edge.child)) for edge in edges if not at_start(edge)]
    known = dict(pairs)
    if not known:
        return None
    shown = list(known.items())[: 2 * FACTORS]
    return Said("check.hint_numbers", {"numbers": tuple(Said("check.equals", {"a": a, "b": b}) for a, b in shown)})


def operands(edge: Edge) -> Iterator[tuple[str, Value]]:
    """The nodes that the local gradient of an edge is made of, and their values."""
    gradients, graph = edge.gradients, edge.gradients.graph
    text = notation.rule(graph, edge.child, edge.k, here(edge))
    named = set(NAME.findall(text))
    for node in dict.fromkeys((*graph.parents[edge.child], edge.child)):
        if graph.names[node] in named and graph.ops[node] is not CONSTANT:
            yield graph.names[node], gradients.trace.values[node]


# ── how things are written ──────────────────────────────────────────────────────────────────────────────────────


def gate(graph: Graph, node: int) -> str:
    """A node and how it is made: `q = x+y`; a variable's name."""
    if graph.ops[node] in (INPUT, CONSTANT):
        return graph.names[node]
    return f"{graph.names[node]} = {notation.pretty(notation.formula(graph, node))}"


def quotient(graph: Graph, node: int) -> str:
    """`∂f/∂q`."""
    return f"∂{graph.names[graph.output]}/∂{graph.names[node]}"


def at_start(edge: Edge) -> bool:
    """Whether an edge goes into the output, where the backward pass starts from 1."""
    start = edge.gradients.upstream
    return edge.child == edge.gradients.graph.output and getattr(start, "shape", ()) == () and bool(start == 1)


def product(edge: Edge) -> str:
    """`∂q/∂x × ∂f/∂q`; of whole tensors, and where the backward pass starts, the rule itself."""
    graph = edge.gradients.graph
    own = local(edge).partition(" = ")[2] if at_start(edge) else ""
    return (
        own or passed(edge) or f"∂{graph.names[edge.child]}/∂{graph.names[edge.parent]} × {quotient(graph, edge.child)}"
    )


def passed(edge: Edge) -> str:
    """What an edge of whole tensors passes down: `p·((∂L/∂p)-sum(p·(∂L/∂p)))`; empty for others, and without a rule."""
    if kind_of(edge) not in ("jacobian", "rule"):
        return ""
    graph = edge.gradients.graph
    text, arrives = notation.rule(graph, edge.child, edge.k, here(edge)), f"({quotient(graph, edge.child)})"
    if at_start(edge):
        text, arrives = unwrapped(ONE.sub("", text)), "1"
    return notation.pretty(UPSTREAM.sub(arrives, text))


def unwrapped(text: str) -> str:
    """A formula without brackets around all of it.

    >>> unwrapped("(softmax(a)-t)"), unwrapped("(a+b)*(c+d)")
    ('softmax(a)-t', '(a+b)*(c+d)')
    """
    inner = text[1:-1]
    depths = list(accumulate((c == "(") - (c == ")") for c in inner))
    return inner if text[:1] == "(" and text[-1:] == ")" and min(depths, default=0) >= 0 else text


def local(edge: Edge) -> str:
    """`∂q/∂x = y`; empty where there is no rule that people read, or the product says it."""
    graph = edge.gradients.graph
    if kind_of(edge) in ("jacobian", "rule"):
        return ""
    text = notation.rule(graph, edge.child, edge.k, here(edge)) if edge.chosen else "0"
    return f"∂{graph.names[edge.child]}/∂{graph.names[edge.parent]} = {notation.pretty(text)}" if text else ""


def with_rules(whole: str, rules: list[str]) -> Said:
    """A rule, and the local gradients in it."""
    told = tuple(dict.fromkeys(rule for rule in rules if rule))
    return (
        Said("check.hint_rules", {"rule": whole, "rules": told}) if told else Said("check.hint_rule", {"rule": whole})
    )
