"""Which nodes of a graph of tensors fit into the budget of the proof, by their shapes alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import inf, prod
from typing import Any

from gradcli.errors import LimitError
from gradcli.graph import Graph
from gradcli.ops.op import Op, Shape
from gradcli.systems.program import Apply, Product, Program, Total
from gradcli.verify.unrolled import unroll

SECONDS = {Apply: 1.5e-6, Total: 0.2e-6, Product: 0.15e-6}
SLOPE, ENTRY = 3.5e-6, 1.5e-6
"""About how long a result of a step, a term of a sum, a product, a slope, and the check of an entry take."""

SHARE = 0.8
"""The part of the budget that nodes are chosen to fill."""

MOST_ENTRIES = 2_000_000
"""Entries of a node, with its inputs, beyond which it is not unrolled at all."""


class Plan:
    """What every node unrolls to, and costs.

    whole: the nodes that are unrolled; the others are taken entry by entry.
    """

    def __init__(self, graph: Graph, shapes: Sequence[Shape], whole: Collection[int]) -> None:
        self.graph, self.shapes, self.whole = graph, shapes, whole
        self.programs: dict[tuple[Any, ...], Program] = {}

    def too_large(self, room: float) -> dict[int, int]:
        """The nodes that do not fit into so many seconds, the largest first, and their ops on single numbers."""
        costs: dict[int, tuple[float, int]] = {}
        for i in range(len(self.graph)):
            if self.graph.used[i] and self.graph.parents[i]:
                costs[i] = self.cost(i)
        total, left_out = sum(seconds for seconds, _ in costs.values()), {}
        for i in sorted(costs, key=lambda i: -costs[i][0]):
            if total <= room:
                break
            total -= costs[i][0]
            left_out[i] = costs[i][1]
        return left_out

    def cost(self, i: int) -> tuple[float, int]:
        """About how many seconds a node takes, and its ops on single numbers."""
        parents = self.graph.parents[i]
        size = prod(self.shapes[i])
        if i not in self.whole:
            return size * (ENTRY + SECONDS[Apply] + len(parents) * (SLOPE + ENTRY)), size
        entries = size + sum(prod(self.shapes[p]) for p in parents)
        if entries > MOST_ENTRIES:
            return inf, entries
        seconds = entries * 2 * ENTRY
        try:
            program = self.program(i)
        except LimitError:
            return inf, entries
        for step in program.steps:
            terms = 1 if isinstance(step, Apply) else step.rows.shape[1] if isinstance(step, Total) else len(step.b)
            seconds += step.size * terms * SECONDS[type(step)]
            if isinstance(step, Apply):
                seconds += step.size * len(step.inputs) * SLOPE
        return seconds, program.cost

    def program(self, i: int) -> Program:
        """What a node unrolls to; nodes of the same op at the same shapes share it."""
        op: Op = self.graph.ops[i]
        shapes = [self.shapes[p] for p in self.graph.parents[i]]
        key = op, *shapes
        found = self.programs.get(key)
        if found is None:
            found = self.programs[key] = unroll(op, shapes)
        return found
