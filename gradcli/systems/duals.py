"""Dual numbers: a value, and its derivatives along n directions at once.

The tangents of an element of shape S are one array of shape (n, *S), so that one pass over a graph, forward or
backward, differentiates along every direction. Rows run over duals as they stand: an elementwise op's tangent is its
own partial × the tangent of the input. Whatever depends on no direction stays a plain number, or a plain array. This
file has the duals of numbers; tensor_duals.py has those of arrays.

Source: Griewank, Walther, Evaluating Derivatives (2008), chapter 5: forward over reverse.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from gradcli.ops import TABLE
from gradcli.ops.op import Op
from gradcli.systems import Argument, Constant, Function, System
from gradcli.systems.floats import FLOATS

DIVIDE, POWER, EQUAL, WHERE = TABLE["div"], TABLE["pow"], TABLE["eq"], TABLE["where"]

ALIKE = 1e-12
"""Relatively, how near two branches are that are the same number up to rounding."""


class Dual:
    """A value v with its tangents t along every direction."""

    __slots__ = ("m", "t", "v")
    __array_ufunc__ = None  # NumPy leaves `array * dual` to the dual

    def __init__(self, m: Duals, v: Any, t: Any) -> None:
        self.m, self.v, self.t = m, v, t

    def __add__(self, other: Any) -> Dual:
        if other.__class__ is Dual:
            return Dual(self.m, y := self.v + other.v, self.m.total(y, self.t, other.t))
        return Dual(self.m, y := self.v + other, self.m.total(y, self.t))

    def __sub__(self, other: Any) -> Dual:
        if other.__class__ is Dual:
            return Dual(self.m, y := self.v - other.v, self.m.total(y, self.t, -other.t))
        return Dual(self.m, y := self.v - other, self.m.total(y, self.t))

    def __rsub__(self, other: Any) -> Dual:
        return Dual(self.m, y := other - self.v, self.m.total(y, -self.t))

    def __mul__(self, other: Any) -> Dual:
        m = self.m
        if other.__class__ is Dual:
            y = self.v * other.v
            return Dual(m, y, m.total(y, m.scaled(other.v, self.t), m.scaled(self.v, other.t)))
        if other.__class__ is Constant and float(other) == 1.0:
            return self
        return Dual(m, y := self.v * other, m.total(y, m.scaled(other, self.t)))

    def __neg__(self) -> Dual:
        return Dual(self.m, -self.v, -self.t)

    def __truediv__(self, other: Any) -> Any:
        return self.m.apply(DIVIDE, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.m.apply(DIVIDE, other, self)

    def __pow__(self, other: Any) -> Any:
        return self.m.apply(POWER, self, other)

    def __rpow__(self, other: Any) -> Any:
        return self.m.apply(POWER, other, self)

    def __matmul__(self, other: Any) -> Any:
        return self.m.product(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return self.m.product(other, self)

    __radd__ = __add__
    __rmul__ = __mul__


def value(element: Any) -> Any:
    """The value of an element, dual or plain."""
    return element.v if element.__class__ is Dual else element


def alike(a: Any, b: Any) -> Any:
    """Whether two values are the same number up to rounding; no number is like nan."""
    return abs(a - b) <= ALIKE * abs(a)


class Point(float):
    """The truth of an equality that holds here, and not beside this point."""

    __slots__ = ()


class Duals(System):
    """Duals of plain numbers: the engine's own floats, each with a vector of tangents."""

    name = "duals"
    machine = True

    def __init__(self, inner: System = FLOATS) -> None:
        super().__init__()
        self.inner = inner

    def total(self, y: Any, *tangents: Any) -> Any:
        """The sum of tangents, as the tangents of y."""
        return tangents[0] if len(tangents) == 1 else tangents[0] + tangents[1]

    def scaled(self, local: Any, t: Any) -> Any:
        """local × tangents."""
        return local * t

    def literal(self, value: Any) -> Any:
        """A constant depends on no direction."""
        return self.inner.literal(value)

    def leaf(self, value: Any) -> Any:
        """An input that depends on no direction."""
        return value

    def function(self, op: Op) -> Function:
        """The op on duals."""
        return partial(self.apply, op) if op.body is None else partial(op.computed(stable=True), self)

    def rule(self, op: Op, k: int) -> Function | None:
        """The partial of input k; numbers that need no duals as the inner system knows them."""
        known = self.inner.locals[op][k]
        return known if isinstance(known, Constant | Argument) else super().rule(op, k)

    def eq(self, a: Any, b: Any) -> Any:
        """Whether two elements are equal, as a rule asks; marked where it depends on a direction."""
        y = self.inner.functions[EQUAL](value(a), value(b))
        return Point(y) if a.__class__ is Dual or b.__class__ is Dual else y

    def where(self, c: Any, a: Any, b: Any) -> Any:
        """The branch that a rule takes.

        A branch for one point alone, `where(t == 0, 0, t*log(y))`, is there to spare 0·inf, or digits. Where the
        other branch has the same value, it is the one that knows how the value changes.
        """
        if c.__class__ is Point and c and b.__class__ is Dual and alike(value(a), b.v):
            return Dual(self, value(a), b.t)
        return self.apply(WHERE, c, a, b)

    def apply(self, op: Op, *x: Any) -> Any:
        """An elementwise op: its value, and each input's tangents × the op's own partial."""
        values = [e.v if e.__class__ is Dual else e for e in x]
        y = self.inner.functions[op](*values)
        t = None
        for e, rule in zip(x, self.inner.locals[op], strict=False):
            if e.__class__ is not Dual or rule is None:
                continue
            local = rule(y, *values)
            if local is None:
                continue
            part = local * e.t
            t = part if t is None else t + part
        return y if t is None else Dual(self, y, t)


NUMBERS = Duals()
