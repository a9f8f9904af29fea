"""Which nodes of a graph of tensors fit into the budget of the proof, by their shapes and the machine's pace."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from math import inf, isinf, prod
from time import perf_counter
from typing import Any

from flint import arb

from gradcli.errors import LimitError
from gradcli.graph import Graph
from gradcli.ops import TABLE
from gradcli.ops.op import Op, Shape
from gradcli.systems.balls import Balls, precision
from gradcli.systems.program import Apply, Product, Program, Total
from gradcli.verify.unrolled import unroll

SECONDS = {Apply: 1.5e-6, Total: 0.2e-6, Product: 0.15e-6}
SLOPE, ENTRY = 3.5e-6, 1.5e-6
"""About how long a result of a step, a term of a sum, a product, a slope, and the check of an entry take."""

ROOM, REDUCED = 0.6, 0.4
"""The part of the budget that nodes are chosen to fill; where some are left out, and differences need time too."""

DEADLINES = 0.75, 0.5
"""When the proof ends at the latest, if its nodes are many; and if some are left out."""

LIGHT = 0.1
"""The part of the budget up to which the pace of the machine does not matter."""

FASTEST = 0.8
"""The shortest that anything takes, relative to the seconds above."""

TRIALS = 1500
"""Slopes by which the pace is measured: some 5 ms."""

AGAIN = 2
"""How often about a series is run: again, with inputs known to a few ulp, where terms cancel."""

MOST_ENTRIES = 2_000_000
"""Entries of a node, with its inputs, beyond which it is not unrolled at all."""


class Plan:
    """What every node unrolls to, and costs.

    whole: the nodes that are unrolled; the others are taken entry by entry.
    """

    def __init__(self, graph: Graph, shapes: Sequence[Shape], whole: Collection[int]) -> None:
        self.graph, self.shapes, self.whole = graph, shapes, whole
        self.programs: dict[tuple[Any, ...], Program] = {}
        self.m = Balls()

    def size(self, i: int, ops: int) -> str:
        """How large a node is: its ops on single numbers, or the entries of what only moves them."""
        if ops:
            return f"{ops:,} ops on single numbers are"
        return f"{sum(prod(self.shapes[p]) for p in (i, *self.graph.parents[i])):,} entries are"

    @cached_property
    def costs(self) -> dict[int, tuple[float, int]]:
        """Each node's seconds, and its ops on single numbers."""
        used, parents = self.graph.used, self.graph.parents
        return {i: self.cost(i) for i in range(len(self.graph)) if used[i] and parents[i]}

    def left_out(self, budget: float) -> tuple[dict[int, str], float]:
        """The nodes that do not fit, and what of them is too many; and after how many seconds to end."""
        nominal = sum(seconds for seconds, _ in self.costs.values())
        if nominal <= LIGHT * budget:
            return {}, budget
        slower = pace()
        if nominal * slower <= ROOM * budget:
            return {}, DEADLINES[0] * budget
        endless = {i: self.size(i, 0) for i, (seconds, _) in self.costs.items() if isinf(seconds)}
        found, rest = endless, {i: cost for i, cost in self.costs.items() if i not in endless}
        total = sum(seconds for seconds, _ in rest.values()) * slower
        for i, (seconds, size) in sorted(rest.items(), key=lambda item: -item[1][0]):
            if total <= REDUCED * budget:
                break
            total -= seconds * slower
            found[i] = self.size(i, size)
        return found, DEADLINES[1] * budget

    def cost(self, i: int) -> tuple[float, int]:
        """About how many seconds a node takes, and its ops on single numbers."""
        parents = self.graph.parents[i]
        size = prod(self.shapes[i])
        if i not in self.whole:
            op, m = self.graph.ops[i], self.m
            fixed = m.everywhere[op]
            free = sum(not (fixed and fixed[k]) and m.factor(op, k) is None for k in range(len(parents)))
            return size * (ENTRY + SECONDS[Apply] + len(parents) * ENTRY + free * SLOPE), size
        entries = size + sum(prod(self.shapes[p]) for p in parents)
        if entries > MOST_ENTRIES:
            return inf, entries
        seconds = entries * 2 * ENTRY
        try:
            program = self.program(i)
        except LimitError:
            return inf, 0
        for step in program.steps:
            terms = 1 if isinstance(step, Apply) else step.rows.shape[1] if isinstance(step, Total) else len(step.b)
            seconds += step.size * terms * SECONDS[type(step)]
            if isinstance(step, Apply):
                seconds += step.size * len(step.inputs) * SLOPE * AGAIN
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


def pace() -> float:
    """How many times longer than usual the machine takes just now; hardly less than once, for numbers by the million
    do not fit into its caches.
    """
    m, mul, x = Balls(), TABLE["mul"], [arb(0.3), arb(0.7)]
    with precision(80):
        m.slope(mul, x, 0)
        started = perf_counter()
        for _ in range(TRIALS):
            m.slope(mul, x, 0)
    return max(FASTEST, (perf_counter() - started) / (TRIALS * SLOPE))
