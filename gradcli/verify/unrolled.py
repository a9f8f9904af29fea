"""Tensors unrolled to single numbers, and the programs that come of it run in ball arithmetic.

Forward, a column of numbers is filled step by step; backward, gradients come from FLINT's own slopes of each step.
No rule of the op table's backward pass takes part.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from flint import arb, arb_mat, arb_series

from gradcli.graph import Graph
from gradcli.ops import TABLE
from gradcli.ops.op import Op, Shape
from gradcli.systems.balls import Balls
from gradcli.systems.entries import Entries
from gradcli.systems.program import Apply, Positions, Product, Program, Total
from gradcli.systems.series import NAN, ZERO, ball
from gradcli.verify.settling import as_double

Tick = Callable[[], None]
"""Looks at the clock; raises when time is up."""

STRIDE = 256
"""Numbers between two looks at the clock."""


class LateError(Exception):
    """The budget is spent."""


def unroll(op: Op, shapes: Sequence[Shape]) -> Program:
    """An op at inputs of these shapes as a program; its leaves are the inputs."""
    m = Entries()
    leaves = [m.leaf(shape) for shape in shapes]
    result = m.block(m.functions[op](*leaves))
    m.program.output = result.at
    return m.program


def unroll_graph(graph: Graph, shapes: Sequence[Shape], apart: Collection[int] = ()) -> tuple[Program, list[Positions]]:
    """A graph at these shapes as one program, and the positions of every node's entries.

    apart: nodes whose entries are positions of their own, also where the node only moves entries.
    """
    m = Entries()
    blocks: list[Any] = [None] * len(graph)
    for i, literal in graph.numbers.items():
        blocks[i] = m.literal(literal.value)
    for i in graph.inputs.values():
        blocks[i] = m.leaf(shapes[i])
    for i, (op, parents) in enumerate(zip(graph.ops, graph.parents, strict=True)):
        if parents:
            found = m.functions[op](*[blocks[p] for p in parents])
            blocks[i] = m.apply(SAME, found) if i in apart else found
    positions = [m.block(block).at for block in blocks]
    m.program.output = positions[graph.output]
    return m.program, positions


SAME = TABLE["identity"]


def entry_name(name: str, index: Sequence[int]) -> str:
    """An entry as the language writes it: W[0,1]; a scalar by its name alone."""
    return f"{name}[{','.join(map(str, index))}]" if len(index) else name


class Run:
    """A program over balls.

    column: the number at each position.   tight: applied to what is computed, to keep it within reason.
    double: values and slopes are known as doubles hold them, that under- and overflow.
    """

    def __init__(
        self,
        program: Program,
        m: Balls,
        tick: Tick,
        tight: Callable[[arb], arb] | None = None,
        *,
        double: bool = False,
    ) -> None:
        self.program, self.m, self.tick, self.double = program, m, tick, double
        self.tight = as_double if double else tight
        self.column: list[Any] = []

    def forward(self, leaves: Sequence[Sequence[arb]]) -> list[arb]:
        """The entries of the output at these entries of the leaves; the column is kept."""
        program = self.program
        column = self.column = [NAN] * program.size
        for place, constant in program.constants.items():
            column[place] = arb(constant)
        if program.pi is not None:
            column[program.pi] = arb.pi()
        for block, values in zip(program.leaves, leaves, strict=True):
            for place, value in zip(block.ravel().tolist(), values, strict=True):
                column[place] = value if value.is_finite() else NAN
        for step in program.steps:
            self.tick()
            if isinstance(step, Apply):
                self.apply(step)
            elif isinstance(step, Total):
                self.total(step)
            else:
                self.product(step)
        return [column[place] for place in program.output.ravel().tolist()]

    def apply(self, step: Apply) -> None:
        """An op, entry by entry."""
        column, function, tight = self.column, self.m.functions[step.op], self.tight
        take = column.__getitem__
        for j, places in enumerate(zip(*[at.tolist() for at in step.inputs], strict=True)):
            if not j & STRIDE - 1:
                self.tick()
            try:
                y = function(*map(take, places))
            except (ValueError, ZeroDivisionError):
                continue
            if type(y) is not arb:
                y = ball(y)
            if y.is_finite():
                column[step.start + j] = y if tight is None else tight(y)

    def total(self, step: Total) -> None:
        """Sums."""
        column, tight = self.column, self.tight
        for j, row in enumerate(step.rows.tolist()):
            total = ZERO
            for place in row:
                total = total + column[place]
            column[step.start + j] = total if tight is None else tight(total)

    def product(self, step: Product) -> None:
        """Sums of products."""
        found = (self.matrix(step.a) * self.matrix(step.b)).entries()
        self.column[step.start : step.start + step.size] = found if self.tight is None else map(self.tight, found)

    def along(self, leaf: Positions) -> list[arb] | None:
        """How every entry of the output moves when all entries of a leaf do together, by as much; None for products.

        At a kink the ball of everything between the one-sided derivatives, as ever: but where the largest entries are
        equal, they stay so on the way, and what they pass on adds up to one number.
        """
        column, functions = list(self.column), self.m.functions
        for place in leaf.ravel().tolist():
            column[place] = arb_series([column[place], 1])
        for step in self.program.steps:
            self.tick()
            if isinstance(step, Product):
                return None
            if isinstance(step, Total):
                column[step.start : step.start + step.size] = [
                    sum(map(column.__getitem__, row), ZERO) for row in step.rows.tolist()
                ]
                continue
            function = functions[step.op]
            for j, places in enumerate(zip(*[at.tolist() for at in step.inputs], strict=True)):
                if not j & STRIDE - 1:
                    self.tick()
                try:
                    column[step.start + j] = function(*map(column.__getitem__, places))
                except (ValueError, ZeroDivisionError):
                    column[step.start + j] = NAN
        ends = [column[place] for place in self.program.output.ravel().tolist()]
        return [y[1] if type(y) is arb_series else ZERO if ball(y).is_finite() else NAN for y in ends]

    def matrix(self, at: Positions) -> arb_mat:
        """The numbers at positions, as a matrix."""
        column, (height, breadth) = self.column, at.shape
        return arb_mat(height, breadth, [column[place] for place in at.ravel().tolist()])

    def backward(self, seeds: Sequence[arb | None], moving: Any) -> list[arb | None]:
        """Σ seed·∂output/∂position for every position; None where nothing arrives.

        seeds: for each entry of the output; None for one that passes nothing.   moving: positions that vary.
        """
        program = self.program
        adjoints: list[arb | None] = [None] * program.size
        for place, seed in zip(program.output.ravel().tolist(), seeds, strict=True):
            if seed is not None:
                before = adjoints[place]
                adjoints[place] = seed if before is None else before + seed
        for step in reversed(program.steps):
            self.tick()
            arrived = adjoints[step.start : step.start + step.size]
            if all(g is None for g in arrived):
                continue
            if isinstance(step, Apply):
                self.through_apply(step, arrived, adjoints, moving)
            elif isinstance(step, Total):
                self.through_total(step, arrived, adjoints, moving)
            else:
                self.through_product(step, arrived, adjoints, moving)
        return adjoints

    def through_apply(self, step: Apply, arrived: list[arb | None], adjoints: list[arb | None], moving: Any) -> None:
        """Back through an op, by FLINT's series of it at every entry."""
        op, slope, take = step.op, self.m.slope, self.column.__getitem__
        fixed = self.m.everywhere[op]
        inputs = [at.tolist() for at in step.inputs]
        ways = [
            (k, inputs[k], moving[step.inputs[k]].tolist(), fixed[k] if fixed else None)
            for k in range(len(inputs))
            if op.passes(k) and moving[step.inputs[k]].any()
        ]
        for j, g in enumerate(arrived):
            if g is None:
                continue
            if not j & STRIDE - 1:
                self.tick()
            x = [take(at[j]) for at in inputs]
            for k, places, moves, known in ways:
                if not moves[j]:
                    continue
                d = slope(op, x, k) if known is None else known
                if d.is_zero():
                    continue
                if self.double:
                    d = as_double(d)
                before = adjoints[places[j]]
                adjoints[places[j]] = d * g if before is None else before + d * g

    def through_total(self, step: Total, arrived: list[arb | None], adjoints: list[arb | None], moving: Any) -> None:
        """Back through sums: to every term what arrives."""
        for row, moves, g in zip(step.rows.tolist(), moving[step.rows].tolist(), arrived, strict=True):
            if g is None:
                continue
            for place, wanted in zip(row, moves, strict=True):
                if wanted:
                    before = adjoints[place]
                    adjoints[place] = g if before is None else before + g

    def through_product(
        self, step: Product, arrived: list[arb | None], adjoints: list[arb | None], moving: Any
    ) -> None:
        """Back through sums of products: to each factor the other one, times what arrives."""
        g = arb_mat(len(step.a), step.b.shape[1], [ZERO if each is None else each for each in arrived])
        for at in (step.a, step.b):
            moves = moving[at]
            if not moves.any():
                continue
            down = g * self.matrix(step.b).transpose() if at is step.a else self.matrix(step.a).transpose() * g
            places, wanted = at.ravel().tolist(), moves.ravel().tolist()
            for place, moved, passed in zip(places, wanted, down.entries(), strict=True):
                if moved:
                    before = adjoints[place]
                    adjoints[place] = passed if before is None else before + passed
