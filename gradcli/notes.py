"""What the reader should know of the numbers: conventions used at kinks, rules that have no digits left."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, isfinite
from typing import Any

from gradcli import notation
from gradcli.autodiff import Edge, Gradients
from gradcli.graph import Graph
from gradcli.places import Index, first, given, place, size, some
from gradcli.soundness import active, spread_out

LISTED = 4
"""Nodes that a note lists."""

APART = 1e-6
"""How far a rule as shown may be from the local gradient as computed, relatively, before it is noted."""

TRIED = 20_000
"""Nodes up to which the rules shown are evaluated."""

LOOKS = 250_000
"""Inputs that may be looked at for it, in all: a rule of a gate of several inputs looks at each, once for each edge."""

ENTRIES = 1_000_000
"""Entries of all tensors together up to which they are."""

TINY = 1e-300
"""Below this a double has fewer digits itself."""


def conventions(gradients: Gradients) -> Iterator[str]:
    """The conventions that were used at kinks, each once for all its nodes."""
    graph = gradients.graph
    for convention, nodes in at_kinks(gradients).items():
        listed = ", ".join(
            f"{graph.names[i]} = {notation.formula(graph, i)}{_entries(gradients, i)}" for i in nodes[:LISTED]
        )
        more = f" and {len(nodes) - LISTED:,} more" if len(nodes) > LISTED else ""
        yield f"{listed}{more}: {convention}"


def products(gradients: Gradients) -> Iterator[str]:
    """A note where a matrix meets a vector in `*`, entry by entry, and could in `@`: the first such product of leaves.

    A product of computed tensors scales them on purpose, mostly.
    """
    trace, graph = gradients.trace, gradients.graph
    if not trace.tensorial:
        return
    for i, (op, parents) in enumerate(zip(graph.ops, graph.parents, strict=True)):
        if op.notation is None or op.notation.symbol != "*" or not graph.used[i]:
            continue
        a, b = (trace.shapes[p] for p in parents)
        if {len(a), len(b)} == {1, 2} and a[-1] == b[0] and not any(graph.parents[p] for p in parents):
            left, right = (notation.brief(graph.names[p]) for p in parents)
            yield f"{left}*{right} goes entry by entry, each row by the vector; the matrix product is {left}@{right}"
            return


def at_kinks(gradients: Gradients) -> dict[str, list[int]]:
    """Convention → the active nodes at a kink, where it was used; a tensor in some active entry."""
    graph, adjoints = gradients.graph, gradients.adjoints
    kinked = {op for op in set(graph.ops) if op.kinks is not None}
    met: dict[str, list[int]] = {}
    if kinked:
        for i, op in enumerate(graph.ops):
            if op in kinked and adjoints[i] is not None and graph.varied[i] and some(at_kink(gradients, i)):
                met.setdefault(op.convention, []).append(i)
    return met


def at_kink(gradients: Gradients, i: int) -> Any:
    """Whether a node is at a kink; of a tensor, in which of its active entries."""
    trace, graph = gradients.trace, gradients.graph
    rule = graph.ops[i].predicate("kinks")
    if rule is None:
        return False
    with trace.m.quiet():
        truth = rule(trace.m, *[trace.values[p] for p in graph.parents[i]])
    return active(gradients, i, spread_out(gradients, i, truth != 0)) if trace.tensorial else truth


def _entries(gradients: Gradients, i: int) -> str:
    """The entries of a tensor that are at a kink: " at x[1] = 0 and 3 more entries"; empty for a number."""
    truth = at_kink(gradients, i)
    index = first(truth)
    if not index:
        return ""
    more = some(truth) - 1
    at = given(gradients, i, index, LISTED) or place(gradients.graph.names[i], index)
    return f" at {at}" + (f" and {more:,} more entr{'ies' if more > 1 else 'y'}" if more else "")


def without_digits(gradients: Gradients) -> Iterator[str]:
    """A note where a textbook's rule would lose its digits, and the gradient is computed by another form.

    1-f² of tanh(20) is 0, since f is 1 in double precision; sech(x)² is 1.7e-17.
    """
    graph, trace = gradients.graph, gradients.trace
    if len(graph) > TRIED or not any(op.shown for op in set(graph.ops)):
        return
    if trace.tensorial and sum(map(size, trace.shapes)) > ENTRIES:
        return
    if sum([len(parents) ** 2 for op, parents in zip(graph.ops, graph.parents, strict=True) if op.shown]) > LOOKS:
        return
    with trace.m.quiet():
        apart = ((edge, _apart(edge)) for edge in gradients.edges() if graph.ops[edge.child].shown)
        found = [(edge, where) for edge, where in apart if where is not None]
    if found:
        edge, index = found[0]
        name = f"∂{graph.names[edge.child]}/∂{graph.names[edge.parent]}"
        more = f", and {len(found) - 1:,} more like it" if len(found) > 1 else ""
        shown, computed = notation.rule(graph, edge.child, edge.k), _computed(graph, edge.child, edge.k)
        here = f"at {given(gradients, edge.child, index, LISTED)}" if index else "here"
        said = f"{shown} has no digits left {here}: {name} is computed as {computed}"
        yield notation.pretty(said) + more


def _apart(edge: Edge) -> Index | None:
    """The entry in which the rule shown, in machine numbers, is far from the local gradient; None if it is near.

    Kinks are another matter.
    """
    trace = edge.gradients.trace
    graph, values, m = trace.graph, trace.values, trace.m
    if not edge.chosen or edge.whole or graph.ops[edge.child].structural:
        return None
    op, x = graph.ops[edge.child], [values[p] for p in graph.parents[edge.child]]
    shown, computed = notation.local(op, edge.k, m, values[edge.child], x), edge.local
    if not trace.tensorial:
        kinks = op.predicate("kinks")
        if kinks is not None and kinks(m, *x):
            return None
        far = isfinite(shown) and abs(computed) > TINY and abs(shown - computed) > APART * abs(computed)
        return () if far else None
    far = (abs(shown) < inf) & (abs(computed) > TINY) & (abs(shown - computed) > APART * abs(computed))
    kinks = op.predicate("kinks")
    if kinks is not None:
        far = far & (kinks(m, *x) == 0)
    return first(active(edge.gradients, edge.child, spread_out(edge.gradients, edge.child, far)))


def _computed(graph: Graph, child: int, k: int) -> str:
    """The form in which a local gradient is computed, in node names."""
    from gradcli.systems.tracing import Tracing

    names, parents, op = graph.names, graph.parents[child], graph.ops[child]
    constants = {p: graph.numbers[p].value for p in parents if p in graph.numbers}
    numbers = {p: value for p, value in constants.items() if isinstance(value, float)}
    leaves = {p: notation.brief(names[p]) for p in parents if p not in numbers}
    tracing = Tracing(dict.fromkeys([*leaves.values(), names[child]]))
    x = [tracing.literal(numbers[p]) if p in numbers else tracing.leaf(leaves[p]) for p in parents]
    partial = op.partial(k)
    assert partial is not None  # noqa: S101 - an active edge has a rule
    return notation.text(tracing.graph(partial(tracing, tracing.leaf(names[child]), *x)))
