"""Where a node goes wrong by itself: outside its domain, not a number, too large, or with a local gradient that is.

Of a tensor, the entries are looked at one by one, and only the active ones: what a branch not taken would have been
does no harm. A node whose inputs are wrong already merely passes that on.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, isnan
from typing import Any, NamedTuple

from gradcli.autodiff import Edge, Gradients
from gradcli.places import Index, first
from gradcli.systems.floats import FLOATS

DOMAIN, NAN, OVERFLOW, LOCAL = "outside its domain", "not a number", "overflow", "local gradient"


class Fault(NamedTuple):
    """What is wrong with a node itself, and in which entry.

    kind: one of DOMAIN, NAN, OVERFLOW and LOCAL.   edge: whose local gradient it is, of the last.
    """

    kind: str
    where: Index = ()
    edge: Edge | None = None


def active_outside_domain(gradients: Gradients) -> Iterator[int]:
    """The active nodes whose inputs are numbers outside the op's domain, in tape order."""
    graph, varied, adjoints = gradients.graph, gradients.graph.varied, gradients.adjoints
    guarded = {op for op in set(graph.ops) if op.domain is not None}
    if guarded:
        for i, op in enumerate(graph.ops):
            if op in guarded and adjoints[i] is not None and varied[i] and outside(gradients, i) is not None:
                yield i


def outside(gradients: Gradients, i: int) -> Index | None:
    """The first active entry of a node that is outside its domain, though what it was given are numbers."""
    trace = gradients.trace
    domain = gradients.graph.ops[i].predicate("domain")
    if domain is None:
        return None
    x = [trace.values[p] for p in gradients.graph.parents[i]]
    if not trace.tensorial:
        return None if any(map(isnan, x)) or domain(FLOATS, *x) else ()
    import numpy as np

    with trace.m.quiet():
        wrong = spread_out(gradients, i, ~np.asarray(domain(trace.m, *x), bool))
        for each in x:
            unknown = np.isnan(each)
            wrong = wrong & ~(unknown if _broadcasts(unknown, wrong) else unknown.any())
        return first(active(gradients, i, wrong))


def fault(gradients: Gradients, i: int) -> Fault | None:
    """What is wrong with a node itself; None if it is right, or merely passes on what was wrong before it."""
    trace, graph = gradients.trace, gradients.graph
    if trace.tensorial:
        return _of_tensors(gradients, i)
    values = trace.values
    if not all(isfinite(values[p]) for p in graph.parents[i]):
        return None
    if outside(gradients, i) is not None:
        return Fault(DOMAIN)
    if not isfinite(values[i]):
        return Fault(NAN if isnan(values[i]) else OVERFLOW)
    for k in range(len(graph.parents[i])):
        if gradients.active(i, k) and not isfinite((edge := Edge(gradients, i, k)).local):
            return Fault(LOCAL, (), edge)
    return None


def _of_tensors(gradients: Gradients, i: int) -> Fault | None:
    import numpy as np

    trace, graph = gradients.trace, gradients.graph
    op, y = graph.ops[i], trace.values[i]
    x = [trace.values[p] for p in graph.parents[i]]
    whole = op.structural or op.body is not None
    if whole and not all(map(trace.m.finite, x)):
        return None
    where = outside(gradients, i)
    if where is not None:
        return Fault(DOMAIN, where)
    sound = np.array(True)
    for each in x:
        sound = sound & np.isfinite(each)
    given = sound.all() if whole or op.reduces else sound
    for kind, wrong in ((NAN, np.isnan(y)), (OVERFLOW, np.isinf(y))):
        where = first(active(gradients, i, wrong & given))
        if where is not None:
            return Fault(kind, where)
    for k in range(len(x)):
        if gradients.active(i, k):
            edge = Edge(gradients, i, k)
            where = _lost(edge) if edge.whole else first(active(gradients, i, ~np.isfinite(edge.local) & sound))
            if where is not None:
                return Fault(LOCAL, where, edge)
    return None


def _lost(edge: Edge) -> Index | None:
    """The first entry of what an op on whole tensors passes down that is not finite though its upstream is."""
    import numpy as np

    m = edge.gradients.trace.m
    return first(~np.isfinite(edge.downstream)) if m.finite(edge.upstream) else None


def spread_out(gradients: Gradients, i: int, truth: Any) -> Any:
    """A truth value that an op entry by entry may know from one input alone, for every entry of the node."""
    import numpy as np

    graph, shapes = gradients.graph, gradients.trace.shapes
    if graph.ops[i].structural:
        return truth
    return np.broadcast_to(truth, np.broadcast_shapes(*(shapes[p] for p in graph.parents[i])))


def active(gradients: Gradients, i: int, truth: Any) -> Any:
    """A truth value of a node's entries, where they are active."""
    mask = gradients.masks.get(i)
    return truth if mask is None or not _broadcasts(mask, truth) else truth & mask


def _broadcasts(a: Any, b: Any) -> bool:
    """Whether a goes entry by entry with b, in b's shape."""
    import numpy as np

    inner, outer = np.shape(a), np.shape(b)
    return len(inner) <= len(outer) and all(
        length in (1, other) for length, other in zip(inner[::-1], outer[::-1], strict=False)
    )
