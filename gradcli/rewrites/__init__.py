"""Gate size: the same function with larger or smaller gates.

    fine        every composite gate is written out, down to the primitives
    as-written  one gate an operator or call
    fused       formulas that are a row of the op table are that row: 1/(1+exp(-u)) → sigmoid(u)

A rewrite never changes a result: it is made only where values and gradients are the same at the very point, gate by
gate and in the whole, and a note says where it is not made. Larger gates keep fewer values for the backward pass, and
can be finite where the formula as written overflows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from typing import Any, NamedTuple

from gradcli.autodiff import Gradients, Trace
from gradcli.graph import Graph
from gradcli.rewrites.agreement import change, upstream
from gradcli.rewrites.expansion import Expansion
from gradcli.rewrites.fusion import Point, compacted, fuse, shelf
from gradcli.rewrites.sentences import of_change, of_expansion, of_fusion
from gradcli.systems.reading import reads

SIZES = ("fine", "as-written", "fused")

COMPARED = 20_000
"""Nodes up to which the other sizes are worked out too, to be compared."""


class Count(NamedTuple):
    """What a gate size costs: nodes, without constants, and how many of their values backward reads."""

    nodes: int
    kept: int


class Rewritten(NamedTuple):
    """A graph after rewriting.

    notes: what was done, what was not and why, and what the sizes cost; `graph.notes` has them too.
    counts: gate size → cost; without the sizes that would take long to work out.
    """

    graph: Graph
    notes: tuple[str, ...]
    counts: dict[str, Count]


def rewritten(graph: Graph, values: Mapping[str, Any], size: str) -> Rewritten:
    """The graph in another gate size, for these values.

    Errors: UsageError for a missing value; LimitError.
    """
    trace = graph.forward(values)
    written = trace.backward(upstream(trace))
    counts = {}
    result: tuple[Graph, tuple[str, ...]] = graph, ()
    for each in SIZES if len(graph) <= COMPARED else dict.fromkeys(("as-written", size)):
        with trace.m.quiet():
            whole, told = WAYS[each](trace)
            gradients = written if whole is graph else whole.forward(values).backward(written.upstream)
            found = change(written, gradients, mends=each == "fused")
        if found is not None:
            whole, gradients, told = graph, written, (of_change(found, each, graph),)
        counts[each] = counted(gradients)
        if each == size:
            result = whole, told
    whole, told = result
    notes = (*told, *compared(counts))
    return Rewritten(with_notes(whole, (*graph.notes, *notes)), notes, counts)


def expanded(trace: Trace) -> tuple[Graph, tuple[str, ...]]:
    """The graph with every composite gate written out, and what to say of it."""
    made = Expansion(trace)
    return made.graph, tuple(of_expansion(made))


def fused(trace: Trace) -> tuple[Graph, tuple[str, ...]]:
    """The graph with every formula that is a row as that row, and what to say of it."""
    point = Point(trace)
    tape = fuse(trace.graph, shelf(), point)
    graph, place = compacted(trace.graph, tape)
    return graph, tuple(of_fusion(trace.graph, tape, point, graph, place))


def unchanged(trace: Trace) -> tuple[Graph, tuple[str, ...]]:
    """The graph as it was written."""
    return trace.graph, ()


WAYS: Mapping[str, Callable[[Trace], tuple[Graph, tuple[str, ...]]]] = {
    "fine": expanded,
    "as-written": unchanged,
    "fused": fused,
}
"""Gate size → how a graph gets it."""


def compared(counts: Mapping[str, Count]) -> Iterator[str]:
    """The lecture's trade-off in a sentence: nodes, and values that backward needs kept, in each size."""
    if len(set(counts.values())) > 1:
        costs = ", ".join(f"{size} {cost.nodes:,} and {cost.kept:,}" for size, cost in counts.items())
        ordered = [cost.kept for cost in counts.values()]
        fewer = (
            ": larger gates keep fewer" if ordered == sorted(ordered, reverse=True) and len(set(ordered)) > 1 else ""
        )
        yield f"nodes, and values kept for backward, by gate size: {costs}{fewer}"


def counted(gradients: Gradients) -> Count:
    """What a graph costs."""
    graph, read = gradients.graph, reads(gradients)
    return Count(len(graph.shown), sum(1 for i in graph.shown if read[i]))


def with_notes(graph: Graph, notes: tuple[str, ...]) -> Graph:
    """The same graph with other notes."""
    noted = copy(graph)
    noted.notes = notes
    return noted
