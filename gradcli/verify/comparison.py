"""An engine's number against an exact one, and what sympy says of an op by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sympy
from mpmath import mp, mpf

from gradcli.ops.op import Op
from gradcli.systems.symbolic import Symbolic, exact
from gradcli.verify.evaluation import Point
from gradcli.verify.findings import reason

RTOL = 1e-9
"""Relative difference beyond which two numbers disagree; the proof judges finer."""

ATOL = mpf(10) ** -300
"""Absolute difference that never counts: there doubles lose their digits."""

LIMIT_ATOL = mpf(10) ** -30
"""Absolute difference that does not count beside a singular point, where a limit of 0 is only approached."""

STEP, WIDER = mpf(2) ** -600, mpf(2) ** -300
"""How far beside a kink its sides are looked at, relative to the input; and how far for comparison."""

SIDE_DIGITS = 500
ZERO = mpf(0)


def agree(computed: float, true: Any, scale: Any = 0, slack: Any = ATOL) -> bool:
    """Whether a double is a number, within the tolerance relative to it or to a larger scale."""
    return bool(abs(computed - true) <= RTOL * max(abs(true), scale) + slack)


def settled(expression: sympy.Expr, point: Point) -> tuple[Any, bool]:
    """The value of an expression at a precision that cancellation leaves, and whether it is at a kink."""
    value, kink = None, False
    for finer in point.finer():
        value, kink = finer(expression)
        if not finer.suspect:
            break
    return value, kink


def around(expression: sympy.Expr, point: Point, symbols: Iterable[sympy.Symbol], step: Any = STEP) -> list[Any]:
    """The values of an expression with these symbols just below, and just above, their values, where it has any."""
    with mp.workdps(SIDE_DIGITS):
        near = [{symbol: beside(point.values[symbol], sign, step) for symbol in symbols} for sign in (-1, 1)]
        values = [point.moved(changes, SIDE_DIGITS)(expression)[0] for changes in near]
    return [value for value in values if value is not None]


def beside(value: Any, sign: int, step: Any) -> Any:
    """A number just below or just above another."""
    return mpf(value) + sign * step * max(1, abs(mpf(value)))


def limited(near: list[Any], wider: list[Any]) -> bool:
    """Whether the values beside a point come to rest on their way there; a logarithm's do not."""
    return len(near) == len(wider) and all(agree(a, b, slack=LIMIT_ATOL) for a, b in zip(near, wider, strict=True))


@dataclass(slots=True)
class Span:
    """A sum of numbers that may each be anywhere in an interval, as a slope is at a kink."""

    low: Any = ZERO
    high: Any = ZERO
    scale: Any = ZERO  # the sum of magnitudes
    bent: bool = False

    def add(self, ends: list[Any]) -> None:
        """Add a number known to lie between the least and the greatest of these."""
        low, high = min(ends), max(ends)
        self.low += low
        self.high += high
        self.scale += max(abs(low), abs(high))
        self.bent |= len(ends) > 1

    def holds(self, computed: float) -> bool:
        """Whether a double may be this sum."""
        return agree(computed, self.nearest(computed), self.scale, LIMIT_ATOL if self.bent else ATOL)

    def nearest(self, computed: float) -> Any:
        """The number of the interval that is nearest to a double."""
        return min(max(mpf(computed), self.low), self.high)


@dataclass
class Local:
    """What sympy derives of one op: its expression and its slopes in symbols of their own.

    trouble: why it could not.
    """

    m: Symbolic
    op: Op
    count: int
    trouble: str = ""
    x: list[sympy.Symbol] = field(default_factory=list)
    y: Any = None
    partials: dict[int, sympy.Expr] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.x = [self.m.symbol(f"x{k}") for k in range(self.count)]
        try:
            self.y = self.m.functions[self.op](*self.x)
        except Exception as error:  # whatever sympy raises, it is not a wrong gradient
            self.trouble = reason(error)

    def point(self, x: list[float]) -> Point:
        """The op's inputs as a point."""
        return Point(dict(zip(self.x, x, strict=True)), self.m.held)

    def value(self, point: Point) -> Any:
        """The op's output; None where sympy has none."""
        return settled(self.y, point)[0]

    def slopes(self, k: int, point: Point) -> list[Any]:
        """∂y/∂x_k: one number, or at a kink those between which any will do; empty where there is none."""
        if k not in self.partials:
            self.partials[k] = exact(sympy.diff(self.y, self.x[k]))
        slope = self.partials[k]
        value, kink = settled(slope, point)
        if value is not None and not kink:
            return [value]
        return [*([] if value is None else [value]), *around(slope, point, [self.x[k]])]
