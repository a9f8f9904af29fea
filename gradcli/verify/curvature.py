"""Second derivatives of a program in ball arithmetic: forward over reverse, with FLINT's slopes and curvatures.

One backward pass gives the gradient. Its derivative along a direction is a second one, over numbers that carry how
they move: where an op passes down slope·g, it passes down slope·ġ + Σ curvature·ẋ·g.

Source: Griewank, Walther, Evaluating Derivatives (2008), chapter 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import arb, arb_mat

from gradcli.systems.program import Apply, Positions, Product, Total
from gradcli.systems.series import ZERO
from gradcli.verify.settling import as_double
from gradcli.verify.unrolled import Run

Column = list[arb | None]
"""A number a position; None for one that nothing moves, or that nothing arrives at."""


class Curved(Run):
    """A program with its gradient, its slopes and its curvatures. FLINT's series have three coefficients."""

    def prepare(self, leaves: Sequence[Sequence[arb]], moving: Any) -> None:
        """Run forward and backward at these leaves, and keep what every direction needs."""
        self.moving = moving
        self.forward(leaves)
        self.slopes: dict[int, list[list[tuple[int, int, arb]]]] = {}
        self.curves: dict[int, list[list[tuple[int, int, arb]]]] = {}
        for step in self.program.steps:
            if isinstance(step, Apply):
                self.expand(step)
        self.adjoints: Column = self.backward([arb(1)], moving)

    def expand(self, step: Apply) -> None:
        """The slopes and curvatures of an op, entry by entry: (position, position, number)."""
        op, m, take = step.op, self.m, self.column.__getitem__
        inputs, fixed = [at.tolist() for at in step.inputs], m.everywhere[op]
        moves = [self.moving[at].tolist() for at in step.inputs]
        passing = [k for k in range(len(inputs)) if op.passes(k)]
        linear = bool(fixed) and all(fixed[k] is not None for k in passing)
        slopes, curves = self.slopes[step.start], self.curves[step.start] = [], []
        for j in range(step.size):
            self.tick()
            x = [take(at[j]) for at in inputs]
            active = [k for k in passing if moves[k][j]]
            slopes.append([(k, inputs[k][j], self.held(m.slope(op, x, k))) for k in active])
            curves.append(
                []
                if linear
                else [(inputs[k][j], inputs[o][j], self.held(m.curvature(op, x, k, o))) for k in active for o in active]
            )

    def held(self, slope: arb) -> arb:
        """A slope as it is, or as a double holds it."""
        return as_double(slope) if self.double else slope

    def column_of(self, direction: int) -> Column:
        """∂²output/∂position∂direction for every position; direction: a position of a leaf."""
        moved: Column = [None] * self.program.size
        moved[direction] = arb(1)
        for step in self.program.steps:
            self.tick()
            if isinstance(step, Apply):
                for j, ways in enumerate(self.slopes[step.start]):
                    for _, place, slope in ways:
                        if (by := moved[place]) is not None and not slope.is_zero():
                            add(moved, step.start + j, slope * by)
            elif isinstance(step, Total):
                for j, row in enumerate(step.rows.tolist()):
                    for place in row:
                        if (by := moved[place]) is not None:
                            add(moved, step.start + j, by)
            else:
                self.move_product(step, moved)
        return self.turned(moved)

    def move_product(self, step: Product, moved: Column) -> None:
        """How sums of products move."""
        a, b = still(moved, step.a), still(moved, step.b)
        if a is None and b is None:
            return
        total = arb_mat(len(step.a), step.b.shape[1])
        if a is not None:
            total += a * self.matrix(step.b)
        if b is not None:
            total += self.matrix(step.a) * b
        moved[step.start : step.start + step.size] = total.entries()

    def turned(self, moved: Column) -> Column:
        """How the gradient moves."""
        turned: Column = [None] * self.program.size
        for step in reversed(self.program.steps):
            self.tick()
            if isinstance(step, Apply):
                self.turn_apply(step, moved, turned)
            elif isinstance(step, Total):
                for j, row in enumerate(step.rows.tolist()):
                    if (g := turned[step.start + j]) is not None:
                        for place in row:
                            add(turned, place, g)
            else:
                self.turn_product(step, moved, turned)
        return turned

    def turn_apply(self, step: Apply, moved: Column, turned: Column) -> None:
        """Back through an op."""
        slopes, curves = self.slopes[step.start], self.curves[step.start]
        for j in range(step.size):
            g, turning = self.adjoints[step.start + j], turned[step.start + j]
            if turning is not None:
                for _, place, slope in slopes[j]:
                    if not slope.is_zero():
                        add(turned, place, slope * turning)
            if g is None:  # a gradient that is 0 here may move all the same
                continue
            for place, other, curve in curves[j]:
                if (by := moved[other]) is not None and not curve.is_zero():
                    add(turned, place, curve * by * g)

    def turn_product(self, step: Product, moved: Column, turned: Column) -> None:
        """Back through sums of products."""
        places = range(step.start, step.start + step.size)
        shape = len(step.a), step.b.shape[1]
        g = arb_mat(*shape, [self.adjoints[place] or ZERO for place in places])
        turning = arb_mat(*shape, [turned[place] or ZERO for place in places])
        a, b = still(moved, step.a), still(moved, step.b)
        left = turning * self.matrix(step.b).transpose()
        right = self.matrix(step.a).transpose() * turning
        left = left if b is None else left + g * b.transpose()
        right = right if a is None else right + a.transpose() * g
        for at, passed in ((step.a, left), (step.b, right)):
            for place, each in zip(at.ravel().tolist(), passed.entries(), strict=True):
                add(turned, place, each)


def add(column: Column, place: int, number: arb) -> None:
    """Add a number at a position."""
    before = column[place]
    column[place] = number if before is None else before + number


def still(moved: Column, at: Positions) -> arb_mat | None:
    """How a matrix of positions moves; None where it does not."""
    entries = [moved[place] for place in at.ravel().tolist()]
    if all(by is None for by in entries):
        return None
    height, breadth = at.shape
    return arb_mat(height, breadth, [by or ZERO for by in entries])
