"""What the reader should know of the numbers: conventions used at kinks, rules that have no digits left."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from gradcli import notation
from gradcli.autodiff import Edge, Gradients
from gradcli.graph import Graph
from gradcli.systems.floats import FLOATS

LISTED = 4
"""Nodes that a note lists."""

APART = 1e-6
"""How far a rule as shown may be from the local gradient as computed, relatively, before it is noted."""

TRIED = 20_000
"""Nodes up to which the rules shown are evaluated."""

TINY = 1e-300
"""Below this a double has fewer digits itself."""


def conventions(gradients: Gradients) -> Iterator[str]:
    """The conventions that were used at kinks, each once for all its nodes."""
    graph = gradients.graph
    for convention, nodes in at_kinks(gradients).items():
        listed = ", ".join(f"{graph.names[i]} = {notation.formula(graph, i)}" for i in nodes[:LISTED])
        more = f" and {len(nodes) - LISTED:,} more" if len(nodes) > LISTED else ""
        yield f"{listed}{more}: {convention}"


def at_kinks(gradients: Gradients) -> dict[str, list[int]]:
    """Convention → the active nodes at a kink, where it was used."""
    graph, values, adjoints = gradients.graph, gradients.trace.values, gradients.adjoints
    rules = {op: rule for op in set(graph.ops) if (rule := op.predicate("kinks")) is not None}
    met: dict[str, list[int]] = {}
    if rules:
        for i, op in enumerate(graph.ops):
            if op not in rules or adjoints[i] is None or not graph.varied[i]:
                continue
            if rules[op](FLOATS, *[values[p] for p in graph.parents[i]]):
                met.setdefault(op.convention, []).append(i)
    return met


def without_digits(gradients: Gradients) -> Iterator[str]:
    """A note where a textbook's rule would lose its digits, and the gradient is computed by another form.

    1-f² of tanh(20) is 0, since f is 1 in double precision; sech(x)² is 1.7e-17.
    """
    graph = gradients.graph
    if len(graph) > TRIED or not any(op.shown for op in set(graph.ops)):
        return
    found = [edge for edge in gradients.edges() if graph.ops[edge.child].shown and _apart(edge)]
    if found:
        first = found[0]
        name = f"∂{graph.names[first.child]}/∂{graph.names[first.parent]}"
        more = f", and {len(found) - 1:,} more like it" if len(found) > 1 else ""
        shown, computed = notation.rule(graph, first.child, first.k), _computed(graph, first.child, first.k)
        said = f"{shown} has no digits left here: {name} is computed as {computed}"
        yield notation.pretty(said) + more


def _apart(edge: Edge) -> bool:
    """Whether the rule shown, in machine numbers, is far from the local gradient; kinks are another matter."""
    graph, values = edge.gradients.graph, edge.gradients.trace.values
    op, x = graph.ops[edge.child], [values[p] for p in graph.parents[edge.child]]
    kinks = op.predicate("kinks")
    if not edge.chosen or (kinks is not None and kinks(FLOATS, *x)):
        return False
    shown, computed = notation.local(op, edge.k, FLOATS, values[edge.child], x), edge.local
    return isfinite(shown) and abs(computed) > TINY and abs(shown - computed) > APART * abs(computed)


def _computed(graph: Graph, child: int, k: int) -> str:
    """The form in which a local gradient is computed, in node names."""
    from gradcli.systems.tracing import Tracing

    names, parents, op = graph.names, graph.parents[child], graph.ops[child]
    leaves = [names[p] for p in parents if p not in graph.numbers]
    tracing = Tracing(dict.fromkeys([*leaves, names[child]]))
    x = [tracing.literal(graph.numbers[p].value) if p in graph.numbers else tracing.leaf(names[p]) for p in parents]
    partial = op.partial(k)
    assert partial is not None  # noqa: S101 - an active edge has a rule
    return notation.text(tracing.graph(partial(tracing, tracing.leaf(names[child]), *x)))
