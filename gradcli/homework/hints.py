"""Hints in four steps: where to look, the rule that holds there, the numbers to put in, the answer.

Where: at the place of the mistake, if one was found that leads to the student's number; else at the cell itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from gradcli import notation
from gradcli.autodiff import Edge, Gradients, Value
from gradcli.cells import here, kind_of
from gradcli.graph import Graph
from gradcli.homework.records import Result, Said
from gradcli.homework.sweeps import Change
from gradcli.ops.op import CONSTANT, INPUT

LEVELS = 4
"""Steps of a hint; the last one is the answer."""

FACTORS = 6
"""Terms of a sum, and numbers to put in, that a hint writes out."""

NAME = re.compile(r"[^\W\d]\w*(?![\w(])")


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
    for explanation in result.explanations[:1]:
        place = None if explanation.change is None else changed(explanation.change)
        if place is not None:
            return place
        if explanation.sites:
            return at_node(explanation.sites[0], gradients)
    cell = result.cell
    return Focus(cell.kind, cell.nodes[0], cell.k)


def changed(change: Change) -> Focus | None:
    """The first place at which a sweep with a mistake differs from the right one."""
    for node in change.values:
        return Focus("value", node)
    for node in change.sums:
        return Focus("grad", node)
    for node, k in change.locals:
        return Focus("local", node, k)
    for node, k in change.passed:
        return Focus("down", node, k)
    return None


def at_node(node: int, gradients: Gradients) -> Focus:
    """A node as a place: its first edge that carries a gradient, or its sum."""
    for k in range(len(gradients.graph.parents[node])):
        if gradients.active(node, k):
            return Focus("down", node, k)
    return Focus("grad", node)


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
    if focus.kind == "local" or at_start(edge):
        own = local(edge)
        return with_rules(own, []) if own else None
    return with_rules(f"{product(edge)} → {quotient(graph, edge.parent)}", [local(edge)])


def numbers(focus: Focus, gradients: Gradients) -> Said | None:
    """What to put into the rule."""
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
    return edge.child == edge.gradients.graph.output and isinstance(start, float) and start == 1


def product(edge: Edge) -> str:
    """`∂q/∂x × ∂f/∂q`; of whole tensors, and where the backward pass starts, the rule itself."""
    graph = edge.gradients.graph
    own = local(edge).partition(" = ")[2] if at_start(edge) else ""
    if own:
        return own
    if kind_of(edge) in ("jacobian", "rule"):
        passed = notation.rule(graph, edge.child, edge.k, here(edge))
        arrives = f"({quotient(graph, edge.child)})"
        if passed:
            return notation.pretty(re.sub(r"(?<![\w.])g(?!\w)", arrives, passed))
    return f"∂{graph.names[edge.child]}/∂{graph.names[edge.parent]} × {quotient(graph, edge.child)}"


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
