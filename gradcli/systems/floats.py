"""Double precision on Python's floats, as IEEE 754 says: overflow is inf, a bad argument nan, never an exception.

Rows run on plain floats. Python raises where IEEE does not (`1/0.0`, `2.0**5000`); only then is the rule run again
over `Ieee`, a float whose operators follow the standard.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from math import copysign, inf, isnan, nan
from typing import Any

from gradcli.ops.op import Op
from gradcli.systems import Function, System


class Floats(System):
    """The system of machine numbers; its functions never raise."""

    name = "floats"
    machine = True

    def __init__(self, element: Callable[[float], float] | None = None) -> None:
        super().__init__()
        self.element = element

    def lookup(self, word: str) -> Function:
        """A function of this module, else of `math` with IEEE results."""
        function = PRIMITIVES.get(word) or ieee(getattr(math, word))
        if self.element is None:
            return function
        element = self.element
        return lambda *x: element(function(*x))

    def function(self, op: Op) -> Function:
        """The op on plain floats."""
        function = super().function(op)
        return function if op.primitive or self.element else _total(function, lambda: EXACT.functions[op])

    def rule(self, op: Op, k: int) -> Function | None:
        """The partial of input k on plain floats."""
        local = super().rule(op, k)
        return local if local is None or self.element else _total(local, lambda: EXACT.locals[op][k])


def _total(function: Function, exact: Callable[[], Function]) -> Function:
    """The function on plain floats; where Python raises, its exact IEEE double."""

    def total(*x: float) -> Any:
        try:
            result = function(*x)
        except (ArithmeticError, ValueError):
            result = exact()(*[Ieee(value) for value in x])
            return None if result is None else float(result)
        return result

    return total


class Ieee(float):
    """A float whose operators overflow to inf and divide by zero as IEEE 754 says."""

    __slots__ = ()

    def __add__(self, other: float) -> Ieee:
        return Ieee(float.__add__(self, float(other)))

    def __sub__(self, other: float) -> Ieee:
        return Ieee(float.__sub__(self, float(other)))

    def __rsub__(self, other: float) -> Ieee:
        return Ieee(float(other) - float(self))

    def __mul__(self, other: float) -> Ieee:
        return Ieee(float.__mul__(self, float(other)))

    def __truediv__(self, other: float) -> Ieee:
        return Ieee(div(float(self), float(other)))

    def __rtruediv__(self, other: float) -> Ieee:
        return Ieee(div(float(other), float(self)))

    def __pow__(self, other: float, modulus: None = None) -> Ieee:
        return Ieee(power(float(self), float(other)))

    def __rpow__(self, other: float, modulus: None = None) -> Ieee:
        return Ieee(power(float(other), float(self)))

    def __neg__(self) -> Ieee:
        return Ieee(-float(self))

    __radd__ = __add__
    __rmul__ = __mul__


def ieee(function: Function) -> Function:
    """A function of `math` with the IEEE result where it raises: nan for a bad argument, inf for overflow."""

    def wrapped(*x: float) -> float:
        try:
            return function(*x)  # type: ignore[no-any-return]
        except OverflowError:
            return inf
        except ValueError:
            return nan

    return wrapped


def div(a: float, b: float) -> float:
    """a/b; 0/0 is nan, x/0 is inf with the signs' product."""
    try:
        return a / b
    except ZeroDivisionError:
        return nan if a == 0 or isnan(a) else copysign(inf, a) * copysign(1.0, b)
    except OverflowError:
        return inf


def power(x: float, p: float) -> float:
    """x^p as C's pow: nan for a negative base with a fractional exponent, signed inf for overflow."""
    try:
        return math.pow(x, p)
    except OverflowError:
        return -inf if x < 0 and p % 2 == 1 else inf
    except ValueError:
        if x != 0:
            return nan
        return copysign(inf, x) if p % 2 == 1 else inf


def where(c: float, a: float, b: float) -> float:
    """The branch taken."""
    return float(a if c else b)


def largest(*x: float) -> float:
    """The largest; nan if one is nan, as NumPy's maximum."""
    return nan if any(map(isnan, x)) else float(max(x))


def smallest(*x: float) -> float:
    """The smallest; nan if one is nan."""
    return nan if any(map(isnan, x)) else float(min(x))


def _truth(compare: Callable[[float, float], bool]) -> Function:
    return lambda a, b: 1.0 if compare(a, b) else 0.0


PRIMITIVES: dict[str, Function] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": div,
    "neg": operator.neg,
    "identity": float,
    "pow": power,
    "where": where,
    "largest": largest,
    "smallest": smallest,
    **{name: _truth(getattr(operator, name)) for name in ("lt", "le", "gt", "ge", "eq", "ne")},
}

EXACT = Floats(Ieee)
FLOATS = Floats()
