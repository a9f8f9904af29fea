"""One-sided derivatives along one number of a graph: what comes out when it alone is moved, up and down.

Every node that follows moves with it, all kinks at once, so that relu(x)-relu(-x) has the slope 1 on both sides of 0.
How fast each node moves is worked out forward, from the slopes of the nodes on the side that they move to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from math import isfinite
from typing import Any

from gradcli.autodiff import Gradients
from gradcli.cells import Cell

STEEP = 1e-6
"""How far two steps beside a kink may disagree on the slope, as a share of it; beyond, it grows without bounds."""


def one_sided(cell: Cell, gradients: Gradients, kinked: Collection[int]) -> Iterator[tuple[float, list[int]]]:
    """The derivatives above and below, each with the kinks that were left; of a gradient, or of what an edge passes.

    kinked: the nodes that are at a kink, or may have one inside.
    """
    for sign in (1.0, -1.0):
        slope, met = along(cell, gradients, sign, kinked)
        if isfinite(slope):
            yield sign * slope * gradients.upstream, met


def along(cell: Cell, gradients: Gradients, sign: float, kinked: Collection[int]) -> tuple[float, list[int]]:
    """How fast the output moves, and the nodes that left a kink."""
    graph = gradients.graph
    first, met = min(cell.nodes), list[int]()
    speeds: dict[int, float] = {}
    for i in range(first, len(graph)):
        parents = graph.parents[i]
        if cell.kind == "down" and i == first:
            moving = [sign if k == cell.k else 0.0 for k in range(len(parents))]
        else:
            moving = [speeds.get(p, 0.0) for p in parents]
        speed = sign if cell.kind == "grad" and i in cell.nodes else 0.0
        if any(moving):
            found, left = slopes(gradients, i, moving, kinked)
            speed += sum(slope * share for slope, share in zip(found, moving, strict=True) if share)
            if left:
                met.append(i)
        if speed:
            speeds[i] = speed
    return speeds.get(graph.output, 0.0), met


def slopes(
    gradients: Gradients, i: int, moving: Sequence[float], kinked: Collection[int]
) -> tuple[Sequence[float], bool]:
    """The local gradients of a node whose inputs move at these speeds, and whether it left a kink with them."""
    graph, values = gradients.graph, gradients.trace.values
    op, x = graph.ops[i], [values[p] for p in graph.parents[i]]
    slots = [k for k, p in enumerate(graph.parents[i]) if graph.varied[p] and op.passes(k)]
    right = spread(locals_at(gradients, i, slots, x), slots, len(x))
    if i not in kinked:
        return right, False
    fastest = max(map(abs, moving))
    near, nearer = (
        locals_at(gradients, i, slots, [a + speed / fastest * h[step] for a, speed, h in moved])
        for step, moved in enumerate([list(zip(x, moving, map(steps, x), strict=True))] * 2)
    )
    if not all(map(alike, near, nearer)):
        return right, False
    beside = spread(nearer, slots, len(x))
    return beside, not all(map(alike, beside, right))


def alike(a: float, b: float) -> bool:
    """Whether two slopes are one."""
    return abs(a - b) <= STEEP * max(abs(a), abs(b))


def spread(found: Sequence[float], slots: Sequence[int], count: int) -> list[float]:
    """The local gradients of all inputs, 0 of those without."""
    by_slot = dict(zip(slots, found, strict=True))
    return [by_slot.get(k, 0.0) for k in range(count)]


def steps(x: float) -> tuple[float, float]:
    """Two steps beside a number, so small that only a kink between changes a slope."""
    return (abs(x) * 2.0**-44, abs(x) * 2.0**-48) if x else (2.0**-100, 2.0**-120)


def locals_at(gradients: Gradients, i: int, slots: Sequence[int], x: Sequence[float]) -> tuple[float, ...]:
    """The local gradients of a node at these inputs; 0 where it selects another."""
    m: Any = gradients.trace.m
    op = gradients.graph.ops[i]
    y = m.functions[op](*x)
    return tuple(float(m.locals[op][k](y, *x) or 0.0) for k in slots)
