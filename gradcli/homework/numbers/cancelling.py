"""What a number's rounded steps are a share of: where the parts of a sum cancel, of what these parts are.

    -0.42 + 0.35 = -0.07 instead of -0.416 + 0.354 = -0.063: rounding moved a sum by 12 %, and its parts by 1 %.

The last sum before a number counts, in the forward pass or in the backward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from gradcli.autodiff import Gradients, Value
from gradcli.cells import Cell
from gradcli.homework.records import Number
from gradcli.homework.sweeps import Outcome, sweep

MOST = 2_000
"""Nodes of a graph; in a larger one no sums are looked for."""

NEAR = 0.1
"""How far, as a share of its scale, an answer may be off that rounded steps are tried for."""

HAIR = 1e-12
"""How far, as a share of its parts, a sum may be off because they are doubles."""

Part = tuple[Value, float]
"""A number that arrives at a sum, and how many times larger the parts are that it is a sum of."""


def scale(cell: Cell, gradients: Gradients) -> float:
    """The size of a number; behind a sum that cancels, larger by as much as its parts are. 0 for an array."""
    right = cell.value
    if not isinstance(right, float):
        return 0.0
    outcome = None if gradients.trace.tensorial or len(gradients.graph) > MOST else sweep(gradients)
    if outcome is None:
        return abs(right)
    forward = forwards(gradients)
    if cell.kind == "value":
        return abs(right) * forward[cell.nodes[0]]
    if cell.kind == "local":
        return abs(right) * of_local(gradients, cell.nodes[0], forward)
    nodes, edges = backwards(gradients, outcome, forward)
    if cell.kind == "down":
        return abs(right) * edges.get((cell.nodes[0], cell.k), 1.0)
    return abs(right) * joined([(outcome.gradient(i), nodes.get(i, 1.0)) for i in cell.nodes], right)


def near(given: Number, cell: Cell, gradients: Gradients) -> bool:
    """Whether rounded steps may have led from the right number to this one.

    An integer is exact. One digit is enough only where a sum cancels, as in -0.42 + 0.35.
    """
    right, extent = float(cell.value), scale(cell, gradients)
    if given.value * right <= 0 or (given.decimals is None and not given.computed):
        return False
    if given.digits is not None and given.digits < 2 and ((given.decimals or 0) < 2 or extent < 2 * abs(right)):
        return False
    return abs(given.value - right) <= NEAR * extent


def parts(cell: Cell, gradients: Gradients) -> list[float]:
    """The numbers whose sum is in a cell: what arrives at a node, or what a sum adds. Empty where it is no sum."""
    trace = gradients.trace
    if trace.tensorial or cell.kind == "local":
        return []
    if cell.kind == "value":
        return [number for number in terms(gradients, cell.nodes[0]) if number]
    nodes, sign = set(cell.nodes), 1.0
    if cell.kind == "down":
        edge = next((e for e in gradients.edges() if (e.child, e.k) == (cell.nodes[0], cell.k)), None)
        if edge is None or edge.local not in (1, -1):
            return []
        sign = float(edge.local)
    edges = list(gradients.edges())
    while len(found := [edge for edge in edges if edge.parent in nodes]) == 1 and found[0].local in (1, -1):
        sign *= found[0].local
        nodes = {found[0].child}
    return [sign * edge.downstream for edge in found if edge.downstream]


def joined(parts: Sequence[Part], total: Value) -> float:
    """How many times larger the parts are than their sum; of a single one, what it was before."""
    present = [part for part in parts if part[0]]
    if len(present) < 2:
        return present[0][1] if present else 1.0
    larger = sum(abs(number) for number, _ in present) / abs(total) if total else 1.0
    return float(larger) if isfinite(larger) else 1.0


def forwards(gradients: Gradients) -> list[float]:
    """Of each forward value, how many times larger the parts of the last sum before it are."""
    trace = gradients.trace
    found: list[float] = []
    for i, parents in enumerate(trace.graph.parents):
        before = max((found[p] for p in parents), default=1.0)
        added = terms(gradients, i)
        if added:
            before = joined([(number, found[p]) for number, p in zip(added, parents, strict=True)], trace.values[i])
        found.append(before)
    return found


def terms(gradients: Gradients, i: int) -> list[float]:
    """The numbers that a node adds, with their signs; empty where it is no sum or difference of its inputs."""
    trace = gradients.trace
    m: Any = trace.m
    op = trace.graph.ops[i]
    x, y = [trace.values[p] for p in trace.graph.parents[i]], trace.values[i]
    if len(x) < 2 or not all(map(isfinite, [*x, y])) or not all(map(op.passes, range(len(x)))):
        return []
    try:
        slopes = [m.locals[op][k](y, *x) for k in range(len(x))]
    except ArithmeticError:
        return []
    if any(slope not in (1, -1) for slope in slopes):
        return []
    found = [float(slope * number) for slope, number in zip(slopes, x, strict=True)]
    return found if abs(sum(found) - y) <= HAIR * sum(map(abs, found)) else []


def of_local(gradients: Gradients, i: int, forward: Sequence[float]) -> float:
    """The same of a node's local gradients, which are made of its inputs."""
    return 1.0 if terms(gradients, i) else max((forward[p] for p in gradients.graph.parents[i]), default=1.0)


def backwards(
    gradients: Gradients, outcome: Outcome, forward: Sequence[float]
) -> tuple[dict[int, float], dict[tuple[int, int], float]]:
    """The same of each gradient that arrives at a node, and of each that an edge passes down."""
    graph = gradients.graph
    arriving: dict[int, list[Part]] = {}
    nodes: dict[int, float] = {graph.output: 1.0}
    edges: dict[tuple[int, int], float] = {}
    for i in range(len(graph) - 1, -1, -1):
        if i in arriving and i != graph.output:
            nodes[i] = joined(arriving[i], outcome.gradient(i))
        local = of_local(gradients, i, forward) if i in nodes and graph.parents[i] else 1.0
        for k, p in enumerate(graph.parents[i]):
            down = outcome.downs.get((i, k))
            if down is not None and i in nodes:
                edges[i, k] = max(nodes[i], local)
                arriving.setdefault(p, []).append((down, edges[i, k]))
    return nodes, edges
