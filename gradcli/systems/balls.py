"""Ball arithmetic on FLINT: numbers with rigorous error bounds, and power series of them for derivatives.

An element is an `arb`, or an `arb_series` [value, derivative] along the one input that varies; what does
not vary stays an `arb`. A derivative comes from FLINT's own series of the op's definition, never from the
table's partials.

Where the definition compares, the constant terms decide. A ball that straddles, or a series that stands
exactly on the kink, gives the hull of both sides, coefficient by coefficient: the derivative is then the
ball of everything between the one-sided ones. `kinks` and `straddles` count these events, so that a reader
of the result knows.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from flint import arb, arb_series, ctx

from gradcli.ops.op import Op
from gradcli.systems import Function, System, _Made
from gradcli.systems.series import NAN, ONE, PRIMITIVES, RATIONAL, ZERO, analytic, ball, hull

EVERYTHING = arb(0, math.inf)
EITHER = arb(0.5, 0.5)
"""A truth value that the balls do not decide: [0, 1]."""


@contextmanager
def precision(bits: int, terms: int = 2) -> Iterator[None]:
    """FLINT at this many bits and with series of so many coefficients, two or three; afterwards as it was."""
    before = ctx.prec, ctx.cap
    ctx.prec, ctx.cap = bits, terms
    try:
        yield
    finally:
        ctx.prec, ctx.cap = before


class Balls(System):
    """The system of balls and of their power series."""

    name = "balls"

    def __init__(self) -> None:
        super().__init__()
        self.kinks = 0  # times a series stood exactly on a kink
        self.straddles = 0  # times a ball lay on both sides of one
        self.everywhere: dict[Op, tuple[arb | None, ...]] = _Made(self.constant_slopes)

    def literal(self, value: float) -> arb:
        """A constant: exactly its double."""
        return arb(value)

    @property
    def pi(self) -> arb:
        """The π of a definition, to the precision at hand; a user's `pi` is the literal of its double."""
        return arb.pi()

    def spelling(self, op: Op) -> Function | None:
        """FLINT's function for a row: by the row's word, else by its name; a gate of the user's has none."""
        if op.body is not None:
            return None
        word = op.spelled.get(self.name, op.name)
        if word in CHOICES:
            function: Function = getattr(self, word)
            return function
        found = PRIMITIVES.get(word)
        if found is None and self.name in op.spelled:
            raise NotImplementedError(f"FLINT's system has no {word}")
        return found

    def value(self, op: Op, x: Sequence[arb]) -> arb:
        """The op at balls; nan where it is not defined on all of them."""
        try:
            return ball(self.functions[op](*x))
        except (ValueError, ZeroDivisionError):
            return NAN

    def slope(self, op: Op, x: Sequence[arb], k: int) -> arb:
        """∂op/∂x_k at balls, from FLINT's power series of the definition; nan where there is none."""
        other = self.factor(op, k)  # of (x + t)·y the series is x·y + y·t
        return self.tangent(op, x, k)[1] if other is None else x[other]

    def tangent(self, op: Op, x: Sequence[arb], k: int) -> tuple[arb, arb]:
        """The op at balls, and ∂op/∂x_k, from one series of the definition; nan what there is not."""
        function = self.functions[op]
        elements: list[Any] = list(x)
        elements[k] = arb_series([x[k], ONE])
        if function in RATIONAL:  # series × series is quicker than series × number
            elements[1 - k] = arb_series([x[1 - k]])
        try:
            y = function(*elements)
        except (ValueError, ZeroDivisionError):
            return NAN, NAN
        if type(y) is arb_series:
            return y[0], y[1]
        value = ball(y)
        return value, ZERO if value.is_finite() else NAN

    def factor(self, op: Op, k: int) -> int | None:
        """The input that is the slope along input k, by the product rule; None for what is no product."""
        return 1 - k if self.functions[op] is RATIONAL[2] else None

    def curvature(self, op: Op, x: Sequence[arb], k: int, other: int) -> arb:
        """∂²op/∂x_k∂x_other at balls, from series of three coefficients; nan where there is none."""
        if k == other:
            return 2 * self.bend(op, x, (k,))
        return self.bend(op, x, (k, other)) - self.bend(op, x, (k,)) - self.bend(op, x, (other,))

    def bend(self, op: Op, x: Sequence[arb], directions: Collection[int]) -> arb:
        """The second coefficient of op along some inputs together."""
        elements: list[Any] = [arb_series([value, 1]) if k in directions else value for k, value in enumerate(x)]
        try:
            y = self.functions[op](*elements)
        except (ValueError, ZeroDivisionError):
            return NAN
        if type(y) is arb_series:
            return y[2]
        return ZERO if ball(y).is_finite() else NAN

    def constant_slopes(self, op: Op) -> tuple[arb | None, ...]:
        """The slopes that are one number whatever the inputs (+, -), by a series over all the reals."""
        if op.variadic:
            return ()
        count = len(op.parameters)
        before = self.kinks, self.straddles
        slopes = [self.slope(op, [EVERYTHING] * count, k) for k in range(count)]
        decided = before == (self.kinks, self.straddles)
        self.kinks, self.straddles = before
        return tuple(slope if decided and slope.is_finite() and slope.is_exact() else None for slope in slopes)

    # ── what compares ───────────────────────────────────────────────────────────────────────────────────

    def side(self, x: Any) -> int | None:
        """The sign of an element; None, and counted, where it is not decided."""
        moving = type(x) is arb_series
        c = x[0] if moving else ball(x)
        if c > 0:
            return 1
        if c < 0:
            return -1
        if not c.is_zero():
            self.straddles += 1
            return None
        if moving:
            self.kinks += 1
            return None
        return 0

    def lt(self, a: Any, b: Any) -> arb:
        """1 if a < b, 0 if not, [0, 1] if undecided."""
        return TRUTH[self.side(a - b)][0]

    def le(self, a: Any, b: Any) -> arb:
        """1 if a ≤ b, 0 if not, [0, 1] if undecided."""
        return TRUTH[self.side(a - b)][1]

    def gt(self, a: Any, b: Any) -> arb:
        """1 if a > b, 0 if not, [0, 1] if undecided."""
        return TRUTH[self.side(a - b)][2]

    def ge(self, a: Any, b: Any) -> arb:
        """1 if a ≥ b, 0 if not, [0, 1] if undecided."""
        return TRUTH[self.side(a - b)][3]

    def eq(self, a: Any, b: Any) -> arb:
        """1 if a equals b, 0 if not, [0, 1] if undecided."""
        return TRUTH[self.side(a - b)][4]

    def ne(self, a: Any, b: Any) -> arb:
        """1 if a differs from b, 0 if not, [0, 1] if undecided."""
        return TRUTH[self.side(a - b)][5]

    def where(self, c: Any, a: Any, b: Any) -> Any:
        """a where c is not 0, else b; the hull of both where c does not say."""
        side = None if c is EITHER else self.side(c)
        if side is None:
            return hull(a, b)
        return a if side else b

    def abs(self, x: Any) -> Any:
        """|x|."""
        if type(x) is not arb_series:
            return abs(ball(x))
        side = self.side(x)
        if side is None:
            return arb_series([abs(x[0]), *(x[k].union(-x[k]) for k in range(1, ctx.cap))])
        return x if side > 0 else -x

    def sign(self, x: Any) -> arb:
        """-1, 0 or 1."""
        if type(x) is not arb_series:
            return ball(x).sgn()
        side = self.side(x)
        return arb(0, 1) if side is None else arb(side)

    def floor(self, x: Any) -> arb:
        """The largest whole number that is not above x."""
        moving = type(x) is arb_series
        c = x[0] if moving else ball(x)
        if c.is_integer():
            self.kinks += moving
            return c.union(c - 1) if moving else c
        y = c.floor()
        self.straddles += not y.is_exact()
        return y

    def ceil(self, x: Any) -> arb:
        """The smallest whole number that is not below x."""
        return -self.floor(-x)

    def half_even(self, x: Any) -> arb:
        """The nearest whole number, the even one of two."""
        moving = type(x) is arb_series
        c = x[0] if moving else ball(x)
        if c.is_integer():
            return c
        y = self.floor(x + ONE / 2)
        if moving or not y.is_exact() or (y / 2).is_integer() or not (c + ONE / 2).is_integer():
            return y
        return y - 1

    def hypot(self, x: Any, y: Any) -> Any:
        """The length of (x, y)."""
        square = x * x + y * y
        if type(square) is not arb_series:
            return ball(square).sqrt()
        if not square[0].is_zero():
            return square.sqrt()
        self.kinks += 1
        steepest = sum((v[1] * v[1] for v in (x, y) if type(v) is arb_series), ZERO).sqrt()
        return arb_series([ZERO, steepest.union(-steepest), NAN])

    def atan2(self, y: Any, x: Any) -> Any:
        """The angle of the point (x, y); on the cut along x < 0 either of π and -π, and at (0, 0) any.

        Balls know no -0, by which IEEE 754 chooses between these angles.
        """
        y0, x0 = (v[0] if type(v) is arb_series else ball(v) for v in (y, x))
        angle = arb.atan2(y0, x0)
        if y0.is_zero() and not x0 > 0:
            self.kinks += 1
            angle = arb.pi().union(-arb.pi())
        if type(x) is not arb_series and type(y) is not arb_series:
            return angle
        if y0.is_zero() and x0.is_zero():
            return arb_series([angle, NAN, NAN])
        atan = analytic("atan")
        turned = -atan(x / y) if y0 > 0 or y0 < 0 else atan(y / x)
        return arb_series([angle, *(turned[k] for k in range(1, ctx.cap))])


CHOICES = frozenset(
    {
        "lt",
        "le",
        "gt",
        "ge",
        "eq",
        "ne",
        "where",
        "abs",
        "sign",
        "floor",
        "ceil",
        "half_even",
        "hypot",
        "atan2",
    }
)
"""Words that are methods of Balls, because they count kinks."""

TRUTH = {
    #      <       <=      >       >=      ==      !=
    -1: (ONE, ONE, ZERO, ZERO, ZERO, ONE),
    0: (ZERO, ONE, ZERO, ONE, ONE, ZERO),
    1: (ZERO, ZERO, ONE, ONE, ZERO, ONE),
    None: (EITHER,) * 6,
}
