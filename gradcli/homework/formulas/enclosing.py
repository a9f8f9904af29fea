"""A cell and a formula for it in ball arithmetic, at any point: numbers with rigorous error bounds.

Derivatives come from FLINT's power series of each op's definition, never from the table's partials. Numbers are
meant as they are written, on both sides: 0.1 is a tenth, pi is π.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

from flint import arb

from gradcli.autodiff import Gradients
from gradcli.cells import Cell
from gradcli.graph import Graph
from gradcli.homework.formulas.scope import Bound
from gradcli.notation import number
from gradcli.ops.op import Op
from gradcli.systems import Function
from gradcli.systems.balls import Balls
from gradcli.systems.series import NAN, ZERO, ball
from gradcli.verify.enclosures import near

NAMED: Mapping[float, Callable[[], arb]] = {
    math.pi: arb.pi,
    math.e: lambda: arb(1).exp(),
    math.tau: lambda: 2 * arb.pi(),
}
"""Numbers that have a name: their double stands for what no double is."""

CLEAR_BITS = 64
"""Bits of an input that is known well."""

HUGE, TINY = arb(2) ** 100_000, arb(2) ** -100_000
"""Magnitudes beyond these are looked at: FLINT follows any exponent, however long that takes."""


def exact(value: float) -> arb:
    """The decimal that a number is written as, or the constant that it is the nearest double of."""
    named = NAMED.get(value)
    if named is not None:
        return named()
    return arb(value) if value == int(value) else arb(number(value))


class Exact(Balls):
    """Balls at one precision, in which constants and attributes are what they are written as.

    deadline: of the performance counter; work beyond it ends in a TimeoutError.
    vague: whether something had no number that may have one: a ball too wide, or too large to be followed.
    """

    def __init__(self, deadline: float) -> None:
        super().__init__()
        self.deadline, self.vague = deadline, False

    def look(self) -> None:
        """Stop when the time is over."""
        if perf_counter() > self.deadline:
            raise TimeoutError

    def literal(self, value: float) -> arb:
        """A constant."""
        return exact(value)

    def function(self, op: Op) -> Function:
        """The op, its attributes exact too."""
        if op.attributes:
            bound = {**op.attributes, **op.bound}
            op = op.named(
                bound={name: exact(value) if isinstance(value, float) else value for name, value in bound.items()}
            )
        return super().function(op)


class Plan:
    """Which nodes a cell and a formula for it need.

    forward: the question's nodes that are evaluated.   back: those that the cell's node leads to, 1 for each.
    variables: the names of the inputs among them.
    """

    def __init__(self, bound: Bound, cell: Cell, gradients: Gradients) -> None:
        self.bound, self.cell, self.graph = bound, cell, gradients.graph
        self.upstream = gradients.upstream
        graph, formula = self.graph, bound.graph
        wanted = {i for at, i in bound.nodes.items() if formula.used[at]}
        self.back = bytearray(len(graph))
        if cell.kind == "value":
            wanted.update(cell.nodes)
        else:
            node = cell.nodes[0]
            if cell.kind in ("local", "down"):
                wanted.update(graph.parents[node])
            if cell.kind in ("grad", "down"):
                wanted.add(graph.output)
                self.back = leads_on(graph, cell.nodes)
        self.forward = needed(graph, wanted)
        self.formula_needs = needed(formula, {formula.output})
        self.variables = [name for name, i in graph.inputs.items() if self.forward[i]]
        self.mentions_upstream = bound.upstream is not None

    @property
    def size(self) -> int:
        """Ops that are run at a point."""
        return sum(self.forward) + sum(self.back) + sum(self.formula_needs)

    def at(self, point: Mapping[str, float], upstream: float, m: Exact) -> tuple[arb, arb]:
        """The right number and the formula's at a point, at the present precision; nan where there is none."""
        graph, bound, m.vague = self.graph, self.bound, False
        leaves = {i: exact(point[name]) for name, i in graph.inputs.items() if self.forward[i]}
        values = run(graph, self.forward, leaves, m)
        g = exact(upstream)
        passed = self.cell.kind in ("grad", "down")
        adjoints = self.backward(values, g, m) if passed else []
        own = {at: values[i] for at, i in bound.nodes.items()}
        own |= {at: adjoints[i] for at, i in bound.gradients.items()}
        if bound.upstream is not None:
            own[bound.upstream] = g
        found = run(bound.graph, self.formula_needs, own, m)[bound.graph.output]
        return self.right(values, adjoints, m), found

    def right(self, values: Sequence[arb], adjoints: Sequence[arb], m: Exact) -> arb:
        """The number that belongs in the cell."""
        cell = self.cell
        node = cell.nodes[0]
        if cell.kind == "value":
            return values[node]
        if cell.kind == "local":
            return self.slope(values, node, cell.k, m)
        if values[self.graph.output].is_nan():
            return NAN  # also where a flat op lets no gradient of the trouble through
        if cell.kind == "down":
            arrived = adjoints[node]
            return ZERO if arrived.is_zero() else arrived * self.slope(values, node, cell.k, m)
        return sum((adjoints[i] for i in cell.nodes[1:]), adjoints[node])

    def slope(self, values: Sequence[arb], child: int, k: int, m: Exact) -> arb:
        """The local gradient of an edge."""
        op, parents = self.graph.ops[child], self.graph.parents[child]
        fixed = m.everywhere[op]
        constant = fixed[k] if fixed else None
        return m.slope(op, [values[p] for p in parents], k) if constant is None else constant

    def backward(self, values: Sequence[arb], g: arb, m: Exact) -> list[arb]:
        """The gradients of all nodes between the output and the cell's; 0 where exactly nothing arrives."""
        graph, back = self.graph, self.back
        adjoints: list[arb | None] = [None] * len(graph)
        adjoints[graph.output] = g
        for i in range(graph.output, min(self.cell.nodes), -1):
            arrived = adjoints[i]
            if arrived is None:
                continue
            if not i & 255:
                m.look()
            for k, p in enumerate(graph.parents[i]):
                if not back[p] or not graph.ops[i].passes(k):
                    continue
                d = self.slope(values, i, k, m)
                if d.is_zero():
                    continue
                before = adjoints[p]
                adjoints[p] = d * arrived if before is None else before + d * arrived
        return [ZERO if arrived is None else arrived for arrived in adjoints]


def run(graph: Graph, wanted: Sequence[int], leaves: Mapping[int, arb], m: Exact) -> list[arb]:
    """The nodes that are wanted, as balls."""
    values: list[arb] = [NAN] * len(graph)
    for i, leaf in leaves.items():
        values[i] = leaf
    for i, literal in graph.numbers.items():
        if wanted[i]:
            values[i] = m.literal(literal.value)
    ops, functions = graph.ops, m.functions
    for i, parents in enumerate(graph.parents):
        if not parents or not wanted[i]:
            continue
        if not i & 255:
            m.look()
        x = [values[p] for p in parents]
        try:
            y: Any = ball(functions[ops[i]](*x))
        except (ValueError, ZeroDivisionError):
            y = NAN
        if not TINY < abs(y) < HUGE:
            y = near(y)
            m.vague = m.vague or not (y.is_finite() or surely_outside(ops[i], x, m))
        values[i] = y
    return values


def surely_outside(op: Op, x: Sequence[arb], m: Exact) -> bool:
    """Whether an op has no number at these inputs, and not merely none that balls can tell; or they have none."""
    if not all(value.is_finite() for value in x):
        return any(value.is_nan() for value in x)
    domain = op.predicate("domain")
    if domain is None:
        return all(value.is_exact() or value.rel_accuracy_bits() > CLEAR_BITS for value in x)
    return bool(ball(domain(m, *x)).is_zero())


def needed(graph: Graph, wanted: set[int]) -> bytearray:
    """1 for each node that these are computed from, and for themselves."""
    found = bytearray(len(graph))
    for i in wanted:
        found[i] = 1
    for i in range(max(wanted, default=-1), -1, -1):
        if found[i]:
            for p in graph.parents[i]:
                found[p] = 1
    return found


def leads_on(graph: Graph, nodes: Sequence[int]) -> bytearray:
    """1 for each node that depends on one of these through edges with a gradient, and for themselves."""
    found = bytearray(len(graph))
    for i in nodes:
        found[i] = 1
    for i in range(min(nodes), len(graph)):
        if not found[i]:
            op = graph.ops[i]
            found[i] = any(found[p] and op.passes(k) for k, p in enumerate(graph.parents[i]))
    return found
