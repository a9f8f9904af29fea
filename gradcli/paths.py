"""Every path from a node to the output: the chain rule's products, whose sum is the global gradient.

Paths are counted exactly, however many there are (a dynamic program over the tape). Listed are the strongest,
found without walking the others: best-first, bounded by the largest product that can still be reached.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf, isfinite, isnan, log, prod
from typing import NamedTuple

from gradcli.autodiff import Edge, Gradients
from gradcli.errors import UsageError
from gradcli.ops.mismatch import shown

LIMIT = 20
"""Paths that are listed, those alike counting once."""

EFFORT = 100_000
"""Steps that the search for the strongest paths may take."""


@dataclass(frozen=True, slots=True)
class Path:
    """One path: its nodes and edges (child, k) from the source to the output.

    product: of the local gradients along it, times the upstream of the output.
    share: its part of the source's global gradient; None where that is 0 or not finite.
    count: how many paths go through the same nodes by the same local gradients (x*x has two); this one stands
    for all of them.
    """

    nodes: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]
    locals: tuple[float, ...]
    product: float
    share: float | None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Paths:
    """The paths from one node.

    total: how many there are.   listed: at most `limit` entries, the strongest first unless `strongest` is False.
    """

    name: str
    source: int
    total: int
    gradient: float
    listed: tuple[Path, ...]
    strongest: bool = True


def paths(gradients: Gradients, source_name: str, limit: int = LIMIT) -> Paths:
    """The paths from a node, by its name, to the output, along edges that a gradient passes.

    Errors: UnknownCell for a name that the graph does not have; UsageError where a tensor is on the way.
    """
    graph = gradients.graph
    source = graph.position(source_name)
    if gradients.trace.tensorial:
        _refuse_tensors(gradients, source)
    gradient = gradients.at(source)
    leaving = _between(gradients, source)
    total = _count(source, graph.output, leaving)
    if not total:
        return Paths(source_name, source, 0, gradient, ())
    different = _count(source, graph.output, leaving, alike=False)
    reach = {graph.output: 0.0}
    for node in sorted(leaving, reverse=True):
        reach[node] = max(_size(step.local) + reach[step.edge.child] for step in leaving[node])
    listed = list(_strongest(source, graph.output, leaving, reach, limit))
    strongest = len(listed) == min(different, limit)
    if not strongest:
        listed = list(_first(source, graph.output, leaving, limit))
    made = [_path(source, route, gradients.upstream, gradient) for route in listed]
    if strongest:
        made.sort(key=lambda path: -abs(path.product) if path.product == path.product else -inf)
    return Paths(source_name, source, total, gradient, tuple(made), strongest)


class Step(NamedTuple):
    """An edge, its local gradient, and how many edges between the same nodes have the same one."""

    edge: Edge
    local: float
    alike: int


Route = tuple[Step, ...]


def _between(gradients: Gradients, source: int) -> dict[int, list[Step]]:
    """The edges on the way from the source to the output, by the node they leave."""
    graph = gradients.graph
    reached = bytearray(len(graph))
    reached[source] = 1
    found: dict[int, list[Step]] = {}
    for child in range(source + 1, graph.output + 1):
        alike: dict[tuple[int, str], list[Edge]] = {}
        for k, p in enumerate(graph.parents[child]):
            if reached[p] and gradients.active(child, k):
                edge = Edge(gradients, child, k)
                if edge.chosen:
                    alike.setdefault((p, repr(edge.local)), []).append(edge)
        for (p, _), edges in alike.items():
            found.setdefault(p, []).append(Step(edges[0], edges[0].local, len(edges)))
            reached[child] = 1
    return found


def _refuse_tensors(gradients: Gradients, source: int) -> None:
    """Refuse paths whose local gradients are Jacobians: their products are no numbers, and have no share.

    Errors: UsageError.
    """
    graph, shapes = gradients.graph, gradients.trace.shapes
    reached = graph.leading([graph.names[source]])
    for i in range(source, graph.output + 1):
        if reached[i] and graph.used[i] and shapes[i]:
            raise UsageError(
                f"paths are products of numbers, and {graph.names[i]} is {shown(shapes[i])}",
                hint="the table and --get down.CHILD.PARENT show what each edge passes down",
            )


def _count(source: int, output: int, leaving: dict[int, list[Step]], *, alike: bool = True) -> int:
    """How many paths there are; without those alike, how many entries they make.

    A count may have a bit for every node, so it is let go after its last use.
    """
    entering: dict[int, int] = {}
    for steps in leaving.values():
        for edge, *_ in steps:
            entering[edge.child] = entering.get(edge.child, 0) + 1
    count = {output: 1}
    for node in sorted(leaving, reverse=True):
        count[node] = sum(count[step.edge.child] * (step.alike if alike else 1) for step in leaving[node])
        for edge, *_ in leaving[node]:
            entering[edge.child] -= 1
            if not entering[edge.child]:
                del count[edge.child]
    return count.get(source, 0)


def _size(local: float) -> float:
    """log |local|, so that a long product neither overflows nor vanishes; nan counts as the largest."""
    return inf if isnan(local) or abs(local) == inf else -inf if local == 0 else log(abs(local))


def _strongest(
    source: int, output: int, leaving: dict[int, list[Step]], reach: dict[int, float], limit: int
) -> Iterator[Route]:
    """Paths by falling |product|: best-first, with the exact largest remainder as the bound (A*)."""
    heap: list[tuple[float, int, float, int, object]] = [(-reach[source], 0, 0.0, source, None)]
    found, serial = 0, 0
    for _ in range(EFFORT + 2 * len(leaving)):
        if found == limit or not heap:
            return
        _, _, size, node, trail = heappop(heap)
        if node == output:
            found += 1
            yield _unwound(trail)
            continue
        for step in leaving.get(node, ()):
            edge, local, _ = step
            serial -= 1  # of equals the newest first: to the end of a path before the next one
            grown = size + _size(local)
            bound = grown + reach[edge.child]
            order = inf if isnan(bound) else -round(bound, 9)
            heappush(heap, (order, serial, grown, edge.child, (step, trail)))


def _first(source: int, output: int, leaving: dict[int, list[Step]], limit: int) -> Iterator[Route]:
    """Paths in the order in which they are met."""
    waiting: deque[tuple[int, object]] = deque([(source, None)])
    found = 0
    while waiting and found < limit:
        node, trail = waiting.pop()
        if node == output:
            found += 1
            yield _unwound(trail)
        waiting.extend((step.edge.child, (step, trail)) for step in reversed(leaving.get(node, ())))


def _unwound(trail: object) -> Route:
    route: list[Step] = []
    while isinstance(trail, tuple):
        step, trail = trail
        route.append(step)
    return tuple(reversed(route))


def _path(source: int, route: Route, upstream: float, gradient: float) -> Path:
    product = upstream
    for step in reversed(route):
        product = step.local * product
    share = product / gradient if gradient and isfinite(gradient) and isfinite(product) else None
    return Path(
        nodes=(source, *(step.edge.child for step in route)),
        edges=tuple((step.edge.child, step.edge.k) for step in route),
        locals=tuple(step.local for step in route),
        product=product,
        share=share,
        count=prod(step.alike for step in route),
    )
